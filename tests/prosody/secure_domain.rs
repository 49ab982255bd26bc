//! The recipes of docs/SECURE-DOMAIN.md, each as it is written there.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use testkit::focus::FocusProcess;
use testkit::http::{Request, send};
use testkit::login::Session;
use testkit::ns;
use testkit::participant::{Participant, Place};
use testkit::prosody::{Prosody, Wiring, project};
use testkit::xml::parse;

use super::support::{PATIENCE, focus, left, stage, undisturbed};

const DOMAIN: &str = "meet.test";

/// The snippets of one recipe, for the domain of the tests.
struct Recipe {
    prosody: String,
    jicofo: String,
    client: String,
    shell: String,
    /// Header and claims of a token.
    token: Vec<Value>,
}

impl Recipe {
    fn number(number: u32) -> Recipe {
        let page = std::fs::read_to_string(project().join("docs/SECURE-DOMAIN.md")).expect("the page is there");
        let recipe =
            page.split("\n## ").find(|part| part.starts_with(&format!("Recipe {number}"))).expect("the recipe");
        let recipe = recipe.replace("meet.example.com", DOMAIN);
        let blocks = |language: &str| {
            let fence = format!("```{language}\n");
            let blocks = recipe.split(&fence).skip(1);
            blocks.filter_map(|rest| Some(rest.split_once("```")?.0.to_owned())).collect::<Vec<_>>()
        };
        let of = |language: &str| blocks(language).join("\n");
        let token = blocks("json").iter().map(|block| serde_json::from_str(block).expect("JSON")).collect();
        Recipe { prosody: of("lua"), jicofo: of("hocon"), client: of("js"), shell: of("sh"), token }
    }

    /// Prosody with it, and with the accounts that its commands make.
    async fn prosody(&self, wiring: Wiring) -> Prosody {
        self.prosody_with(wiring, "").await
    }

    async fn prosody_with(&self, wiring: Wiring, more: &str) -> Prosody {
        let prosody = Prosody::with(wiring).more(&self.prosody).more(more).start().await;
        for line in self.shell.lines() {
            let arguments = line.strip_prefix("prosodyctl ").expect("nothing else is to be run");
            prosody.prosodyctl(&arguments.split_whitespace().collect::<Vec<_>>());
        }
        prosody
    }

    /// Prosody that takes tokens. Jitsi's module gets them in the URL of BOSH or WebSocket, our stand-in as the password of PLAIN, which Prosody
    /// takes over plain TCP only if it is told to. That is for our clients: no operator needs it.
    async fn prosody_of_tokens(&self, wiring: Wiring) -> Prosody {
        let in_the_clear = format!("\nVirtualHost \"{DOMAIN}\"\n    allow_unencrypted_plain_auth = true\n");
        self.prosody_with(wiring, &in_the_clear).await
    }

    /// A value of Prosody's configuration.
    fn option(&self, name: &str) -> &str {
        let (_, rest) = self.prosody.split_once(&format!("{name} = \"")).expect("the option");
        rest.split_once('"').expect("a text").0
    }

    /// A token as the page shows it, for the stage's room and the next ten minutes.
    fn token(&self, change: impl FnOnce(&mut Value)) -> String {
        self.token_signed(self.option("app_secret"), change)
    }

    fn token_signed(&self, secret: &str, change: impl FnOnce(&mut Value)) -> String {
        let [header, claims] = &self.token[..] else { panic!("header and claims: {:?}", self.token) };
        let mut claims = claims.clone();
        claims["room"] = "room".into();
        claims["exp"] = seconds_from_now(600).into();
        change(&mut claims);
        signed(secret, header, &claims)
    }

    async fn focus(&self, prosody: &Prosody) -> FocusProcess {
        focus().configuration(&self.jicofo).start(prosody).await
    }

    /// A value of the client's configuration.
    fn client(&self, name: &str) -> &str {
        let (_, rest) =
            self.client.split_once(&format!("{name}: '")).unwrap_or_else(|| panic!("{name} in {}", self.client));
        rest.split_once('\'').expect("a text").0
    }

    fn accounts(&self) -> Vec<Account<'_>> {
        let lines = self.shell.lines().filter_map(|line| line.strip_prefix("prosodyctl register "));
        let words = lines.map(|line| line.split_whitespace().collect::<Vec<_>>());
        words.map(|words| Account { user: words[0], domain: words[1], password: words[2] }).collect()
    }

    /// A guest, where clients without an account connect.
    async fn guest(&self, prosody: &Prosody) -> Session {
        Session::guest(prosody, self.client("anonymousdomain")).await
    }
}

struct Account<'a> {
    user: &'a str,
    domain: &'a str,
    password: &'a str,
}

impl Account<'_> {
    async fn log_in(&self, prosody: &Prosody) -> Session {
        Session::account(prosody, self.domain, self.user, self.password).await
    }
}

#[tokio::test]
async fn hosts_with_accounts_start_and_guests_wait_through_the_proxy() {
    hosts_with_accounts(Wiring::Proxy).await;
}

#[tokio::test]
async fn hosts_with_accounts_start_and_guests_wait_through_the_component() {
    hosts_with_accounts(Wiring::Classic).await;
}

async fn hosts_with_accounts(wiring: Wiring) {
    let recipe = Recipe::number(1);
    let prosody = recipe.prosody(wiring).await;
    let account = &recipe.accounts()[0];
    browsers_are_served(&prosody, &[(account.domain, "SCRAM-SHA-1"), (recipe.client("anonymousdomain"), "ANONYMOUS")])
        .await;
    let focus = recipe.focus(&prosody).await;
    let mut stage = stage(&prosody);
    stage.bridge("jvb1").await;

    // Two guests wait; there is no room.
    for name in ["bob", "carol"] {
        stage.joins_as(name, recipe.guest(&prosody).await, |_| {});
    }
    stage.until(|look| look.participants().all(|it| it.login().told_to_wait > 0)).await;
    assert!(!prosody.log().contains("occupant joined: room@"), "{}", prosody.log());
    assert!(focus.log().contains("refused by rule not-authorized"), "{}", focus.log());

    // One of them is a host: he leads, and the other gets in by itself.
    stage.logs_in("bob", account.log_in(&prosody).await).await;
    stage.agree().await;
    let leads = |look: &testkit::tcp::Look<'_>| ["bob", "carol"].map(|name| look.participant(name).is_moderator());
    stage.until(|look| leads(look) == [true, false]).await;
    let identity = stage.participant("bob").look(|bob| bob.login().identity.clone());
    assert_eq!(identity.as_deref(), Some("alice@meet.test"));

    // The host loses the connection, and returns to the same room with the session that his browser keeps.
    let (settings, session) =
        stage.participant("bob").look(|bob| (bob.settings.clone(), bob.login().session_id.clone()));
    let session = session.expect("a session");
    stage.dies("bob");
    let connection = recipe.guest(&prosody).await;
    let address = connection.jid.clone();
    stage.joins_as("bob", connection, |it| {
        *it = settings;
        it.jid = address;
        // The old connection is still in the room for as long as the server waits for it.
        it.nick = "bob2".into();
        it.session_id = Some(session.clone());
    });
    stage.until(|look| leads(look) == [true, false]).await;

    // A host who is on the accounts' domain all the time is one at once.
    stage.joins_as("dave", account.log_in(&prosody).await, |_| {});
    stage.until(|look| look.participant("dave").is_moderator()).await;

    // Logging out takes nothing away in this room, and lets nobody start another.
    stage.participant("bob").tell(Participant::log_out);
    stage.until(|look| look.participant("bob").login().session_id.is_none()).await;
    assert!(stage.participant("bob").look(Participant::is_moderator));

    stage.agree().await;
    stage.finish().await;
    left(&prosody, 0, "room").await;
    undisturbed(&focus);
    assert!(!focus.log().contains(&session[..8]), "a session's id is in the log");
}

#[tokio::test]
async fn a_host_restarts_what_the_focus_has_forgotten() {
    let recipe = Recipe::number(1);
    let prosody = recipe.prosody(Wiring::Proxy).await;
    let first = recipe.focus(&prosody).await;
    let mut stage = stage(&prosody);
    let in_room = |look: &testkit::tcp::Look<'_>, name: &str| look.participant(name).place() == Place::InRoom;
    let account = &recipe.accounts()[0];
    stage.joins_as("host", account.log_in(&prosody).await, |_| {});
    stage.joins_as("guest", recipe.guest(&prosody).await, |_| {});
    stage.until(|look| look.participant("host").is_moderator() && in_room(look, "guest")).await;
    let forgotten = stage.participant("host").look(|host| host.login().session_id.clone());

    let since = prosody.log().len();
    first.kill();
    let second = recipe.focus(&prosody).await;
    super::support::in_brewery(&prosody, since).await;
    stage.until(|look| look.participants().all(Participant::focus_gone)).await;
    for name in ["host", "guest"] {
        stage.participant(name).tell(Participant::leave);
    }
    // The host's page loads again with the session that nobody knows any more; the guest's before it.
    stage.joins_as("guest2", recipe.guest(&prosody).await, |_| {});
    stage.until(|look| look.participant("guest2").login().told_to_wait > 0).await;
    stage.joins_as("host2", account.log_in(&prosody).await, |host| host.session_id = forgotten.clone());
    stage.until(|look| look.participant("host2").is_moderator()).await;
    let now = stage.participant("host2").look(|host| host.login().session_id.clone());
    assert!(now.is_some() && now != forgotten);
    stage.until(|look| in_room(look, "guest2")).await;
    stage.everybody_leaves().await;
    let complaints = stage.look().complaints();
    assert!(complaints.is_empty(), "{complaints:#?}");
    assert!(second.log().contains("refused by rule session-unknown"), "{}", second.log());
}

/// A JWT, signed with HMAC-SHA256 by openssl.
fn signed(secret: &str, header: &Value, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(header), part(claims));
    let key: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
    let mut openssl = Command::new("openssl")
        .args(["dgst", "-sha256", "-mac", "HMAC", "-macopt", &format!("hexkey:{key}"), "-binary"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("openssl can be run (Debian's package openssl)");
    openssl.stdin.take().expect("its input").write_all(signed.as_bytes()).expect("it reads");
    let signature = openssl.wait_with_output().expect("it ends").stdout;
    assert_eq!(signature.len(), 32);
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn seconds_from_now(seconds: i64) -> i64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs();
    i64::try_from(now).expect("the clock is right") + seconds
}

#[tokio::test]
async fn bearers_of_tokens_start_and_guests_wait_through_the_proxy() {
    bearers_of_tokens(Wiring::Proxy).await;
}

#[tokio::test]
async fn bearers_of_tokens_start_and_guests_wait_through_the_component() {
    bearers_of_tokens(Wiring::Classic).await;
}

async fn bearers_of_tokens(wiring: Wiring) {
    let recipe = Recipe::number(2);
    let prosody = recipe.prosody_of_tokens(wiring).await;
    browsers_are_served(&prosody, &[(DOMAIN, "PLAIN"), (recipe.client("anonymousdomain"), "ANONYMOUS")]).await;
    let focus = recipe.focus(&prosody).await;
    let mut stage = stage(&prosody);
    stage.bridge("jvb1").await;

    let good = recipe.token(|_| {});
    let without = |claim: &str| recipe.token(|claims| drop(claims.as_object_mut().expect("claims").remove(claim)));
    let longer = recipe.token(|claims| claims["exp"] = seconds_from_now(9_000).into());
    for wrong in [
        recipe.token_signed("another secret", |_| {}),
        recipe.token(|claims| claims["iss"] = "another app".into()),
        recipe.token(|claims| claims["exp"] = seconds_from_now(-1).into()),
        without("iss"),
        without("aud"),
        without("room"),
        without("exp"),
        // The claims of one with the signature of another.
        format!("{}.{}", longer.rsplit_once('.').unwrap().0, good.rsplit_once('.').unwrap().1),
    ] {
        assert!(Session::is_refused(&prosody, DOMAIN, &wrong).await, "{wrong}");
    }

    stage.joins_as("guest", recipe.guest(&prosody).await, |_| {});
    stage.until(|look| look.participant("guest").login().told_to_wait > 0).await;
    let bearer = Session::bearer(&prosody, recipe.client("domain"), &good).await;
    let account = bearer.jid.split('/').next().unwrap_or_default().to_owned();
    stage.joins_as("host", bearer, |host| host.token = Some(good.clone()));
    stage.until(|look| look.participant("host").is_moderator()).await;
    stage.agree().await;
    let (identity, session) =
        stage.participant("host").look(|host| (host.login().identity.clone(), host.login().session_id.clone()));
    assert_eq!(identity, Some(account));
    stage
        .until(|look| !look.participant("guest").is_moderator() && look.participant("guest").place() == Place::InRoom)
        .await;

    // The guest opens the login page, which is on a second connection with a token of its own.
    stage.logs_in("guest", Session::bearer(&prosody, DOMAIN, &longer).await).await;
    stage.until(|look| look.participant("guest").is_moderator()).await;

    // With the conference its sessions end: who comes back has his token.
    stage.agree().await;
    stage.everybody_leaves().await;
    left(&prosody, 0, "room").await;
    stage.joins_as("late", Session::bearer(&prosody, DOMAIN, &good).await, |late| late.session_id = session);
    stage.until(|look| look.participant("late").is_moderator()).await;
    assert_eq!(stage.participant("late").look(|late| late.login().refused_sessions), 0, "a new one was taken");
    stage.everybody_leaves().await;
    let complaints = stage.look().complaints();
    assert!(complaints.is_empty(), "{complaints:#?}");
    undisturbed(&focus);
    for hidden in [&good, recipe.option("app_secret")] {
        assert!(!focus.log().contains(hidden));
    }
}

#[tokio::test]
async fn a_token_lets_its_bearer_into_the_room_that_it_names_and_into_no_other() {
    let recipe = Recipe::number(2);
    let prosody = recipe.prosody_of_tokens(Wiring::Proxy).await;
    let focus = recipe.focus(&prosody).await;
    let mut stage = stage(&prosody);
    stage.bridge("jvb1").await;
    let bearer = async |room: &str| {
        let token = recipe.token(|claims| claims["room"] = room.into());
        Session::bearer(&prosody, recipe.client("domain"), &token).await
    };
    let refused = |look: &testkit::tcp::Look<'_>| {
        look.participant("mallory").refusals().iter().any(|it| it.condition == "not-allowed")
    };
    // The focus sees no token and makes the room; the room lets nobody in with a token for another.
    stage.joins_as("mallory", bearer("other").await, |_| {});
    stage.until(refused).await;
    // Capitals mean nothing, and there is a token for every room.
    for (name, room) in [("alice", "Room"), ("bob", "*")] {
        stage.joins_as(name, bearer(room).await, |_| {});
        stage.until(|look| look.participant(name).is_moderator()).await;
    }
    // Nor is he let in when others are there.
    stage.participant("mallory").tell(Participant::take_refusals);
    stage.participant("mallory").tell(Participant::request_conference);
    stage.until(refused).await;
    assert!(!prosody.log().contains("occupant joined: room@conference.meet.test/mallory"), "{}", prosody.log());
    stage.dies("mallory");

    // What the page warns of: a guest, whose room is not compared, may log in with a token for any.
    stage.joins_as("guest", recipe.guest(&prosody).await, |_| {});
    stage.until(|look| look.participant("guest").place() == Place::InRoom).await;
    stage.logs_in("guest", bearer("other").await).await;
    stage.until(|look| look.participant("guest").is_moderator()).await;
    stage.agree().await;
    stage.finish().await;
    left(&prosody, 0, "room").await;
    undisturbed(&focus);
}

/// What a browser does first, with that mechanism to log in on each domain; and its other way in is there.
async fn browsers_are_served(prosody: &Prosody, domains: &[(&str, &str)]) {
    for (domain, mechanism) in domains {
        let body = format!(
            "<body xmlns='http://jabber.org/protocol/httpbind' to='{domain}' rid='1' hold='1' wait='5' ver='1.6' \
             xmpp:version='1.0' xmlns:xmpp='urn:xmpp:xbosh'/>"
        );
        let request = Request::new("POST", "/http-bind").header("Content-Type", "text/xml").body(&body);
        let answer = send(prosody.http_address(), &request).await;
        let offered = answer.body.contains(&format!("<mechanism>{mechanism}</mechanism>"));
        assert!(answer.status == 200 && offered, "{domain}: {answer:?}");
    }
    let websocket = send(prosody.http_address(), &Request::get("/xmpp-websocket")).await;
    assert_eq!(websocket.status, 200, "{websocket:?}");
}

/// Where the main domain says that components are: kind and address.
async fn components(prosody: &Prosody, client: &mut Session) -> Vec<(String, String)> {
    let (domain, query) = (prosody.domain(), ns::DISCO_INFO);
    client.send_xml(&format!("<iq type='get' id='disco' to='{domain}'><query xmlns='{query}'/></iq>")).await;
    let answer = loop {
        let stanza = client.next().await.expect("an answer to the request");
        if stanza.attr("id") == Some("disco") {
            break stanza;
        }
    };
    let query = answer.get_child("query", query).expect("a result");
    let identities = query.children().filter(|it| it.name() == "identity" && it.attr("category") == Some("component"));
    let text = |value: Option<&str>| value.unwrap_or_default().to_owned();
    identities.map(|it| (text(it.attr("type")), text(it.attr("name")))).collect()
}

#[tokio::test]
async fn nobody_logs_in_and_the_first_who_comes_lets_others_in_from_the_lobby() {
    let recipe = Recipe::number(3);
    let prosody = recipe.prosody(Wiring::Proxy).await;
    // What the host did before the recipe it still does.
    browsers_are_served(&prosody, &[(recipe.client("domain"), "ANONYMOUS")]).await;
    let told = components(&prosody, &mut Session::guest(&prosody, recipe.client("domain")).await).await;
    for (kind, address) in [("room_metadata", "metadata"), ("av_moderation", "avmoderation"), ("lobbyrooms", "lobby")] {
        let component = (kind.to_owned(), format!("{address}.{DOMAIN}"));
        assert!(told.contains(&component), "{component:?} in {told:?}");
    }
    let focus = recipe.focus(&prosody).await;
    let mut stage = stage(&prosody);
    stage.bridge("jvb1").await;
    let room = format!("room@{}", recipe.client("muc"));
    for name in ["alice", "bob"] {
        stage.joins_as(name, Session::guest(&prosody, recipe.client("domain")).await, |_| {});
        stage.until(|look| look.participant(name).place() == Place::InRoom).await;
    }
    stage.until(|look| look.participant("alice").is_moderator() && !look.participant("bob").is_moderator()).await;
    stage.agree().await;

    // She opens the lobby; who is in the room stays.
    let open = format!(
        "<query xmlns='{}'><x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>\
         http://jabber.org/protocol/muc#roomconfig</value></field><field var='muc#roomconfig_membersonly'><value>1</value>\
         </field></x></query>",
        ns::MUC_OWNER
    );
    stage.participant("alice").tell(|alice| alice.send_iq("set", &room, parse(&open).expect("XML")));
    assert!(prosody.logged(0, &format!("{room} has a lobby"), PATIENCE).await);

    // Carol is told by the focus that it is ready, and by the room to wait in the lobby.
    let connection = Session::guest(&prosody, recipe.client("domain")).await;
    let carol = connection.jid.split('/').next().unwrap_or_default().to_owned();
    stage.joins_as("carol", connection, |_| {});
    stage
        .until(|look| look.participant("carol").refusals().iter().any(|it| it.condition == "registration-required"))
        .await;
    stage.participant("carol").tell(Participant::take_refusals);
    let lobby = format!("room@lobby.{DOMAIN}");
    let knock = format!("<presence to='{lobby}/carol'><x xmlns='{}'/></presence>", ns::MUC);
    stage.participant("carol").tell(|carol| carol.send_raw(parse(&knock).expect("XML")));
    assert!(prosody.logged(0, &format!("occupant joined: {lobby}/carol"), PATIENCE).await);

    // She is let in.
    let since = prosody.log().len();
    let invite = format!("<message to='{room}'><x xmlns='{}'><invite to='{carol}'/></x></message>", ns::MUC_USER);
    stage.participant("alice").tell(|alice| alice.send_raw(parse(&invite).expect("XML")));
    enters(&stage, &prosody, since).await;
    stage.agree().await;
    assert!(!stage.participant("carol").look(Participant::is_moderator));
    stage.finish().await;
    left(&prosody, 0, "room").await;
    undisturbed(&focus);
}

/// Asks and enters until the invitation has arrived.
async fn enters(stage: &testkit::tcp::Stage<'_>, prosody: &Prosody, since: usize) {
    loop {
        stage.participant("carol").tell(Participant::request_conference);
        stage
            .until(|look| {
                let carol = look.participant("carol");
                carol.place() == Place::InRoom || !carol.refusals().is_empty()
            })
            .await;
        if stage.participant("carol").tell(Participant::take_refusals).is_empty() {
            break;
        }
    }
    assert!(prosody.logged(since, "occupant joined: room@", PATIENCE).await);
}
