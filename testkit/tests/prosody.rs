//! The launcher, the shipped Prosody configuration and our stand-in modules, tried with an independent client (tokio-xmpp)
//! over TCP. What is checked is what the focus, the bridges and the clients rely on.

use std::{
    os::unix::process::ExitStatusExt,
    process::Command,
    time::{Duration, Instant},
};

use minidom::Element;
use sha1::{Digest, Sha1};
use testkit::{
    focus::FocusProcess,
    login::Session,
    prosody::{Prosody, Wiring},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// Longer than anything here takes, also on a busy machine.
const DEADLINE: Duration = Duration::from_secs(10);

const FOCUS: &str = "http://jitsi.org/protocol/focus";
const JITMEET: &str = "http://jitsi.org/jitmeet";
const MUC_USER: &str = "http://jabber.org/protocol/muc#user";
const FORM: &str = "jabber:x:data";
const STANZAS: &str = "urn:ietf:params:xml:ns:xmpp-stanzas";

/// A client that is logged in, and what tests ask of it.
struct Client {
    session: Session,
    jid: String,
}

impl Client {
    async fn anonymous(prosody: &Prosody) -> Self {
        Self::of(Session::anonymous(prosody).await)
    }

    async fn focus(prosody: &Prosody) -> Self {
        Self::of(Session::focus(prosody).await)
    }

    async fn bridge(prosody: &Prosody) -> Self {
        Self::of(Session::bridge(prosody).await)
    }

    fn of(session: Session) -> Self {
        Self { jid: session.jid.clone(), session }
    }

    async fn send(&mut self, xml: &str) {
        self.session.send_xml(xml).await;
    }

    /// The next stanza that is as wanted. Others are dropped.
    async fn next(&mut self, what: &str, wanted: impl Fn(&Element) -> bool) -> Element {
        let search = async {
            loop {
                let element = self.session.next().await.expect("the stream goes on");
                if wanted(&element) {
                    return element;
                }
            }
        };
        timeout(DEADLINE, search).await.unwrap_or_else(|_| panic!("{what} did not come"))
    }

    async fn request(&mut self, iq: &str) -> Element {
        self.send(&iq.replacen("<iq ", "<iq id='request' ", 1)).await;
        self.next("the answer", |answer| answer.name() == "iq" && answer.attr("id") == Some("request")).await
    }

    /// What was sent before has been dealt with when the answer is here.
    async fn ping(&mut self, prosody: &Prosody) {
        self.request(&format!("<iq type='get' to='{}'><ping xmlns='urn:xmpp:ping'/></iq>", prosody.domain())).await;
    }

    /// Joins, and the own presence that says so.
    async fn join(&mut self, occupant: &str) -> Element {
        self.send(&format!("<presence to='{occupant}'><x xmlns='http://jabber.org/protocol/muc'/></presence>")).await;
        self.own_presence().await
    }

    async fn own_presence(&mut self) -> Element {
        self.next("the own presence", |stanza| {
            stanza.name() == "presence" && statuses(stanza).contains(&"110".to_owned())
        })
        .await
    }
}

fn statuses(presence: &Element) -> Vec<String> {
    let x = presence.get_child("x", MUC_USER);
    x.into_iter().flat_map(|x| x.children()).filter_map(|child| child.attr("code")).map(str::to_owned).collect()
}

fn item<'a>(presence: &'a Element, name: &'a str) -> Option<&'a str> {
    presence.get_child("x", MUC_USER)?.get_child("item", MUC_USER)?.attr(name)
}

fn field(form: &Element, name: &str) -> Option<String> {
    let field = form.children().find(|field| field.attr("var") == Some(name))?;
    Some(field.get_child("value", FORM)?.text())
}

fn condition(error: &Element) -> Option<&str> {
    let error = error.get_child("error", "jabber:client")?;
    error.children().find(|child| child.ns() == STANZAS && child.name() != "text").map(Element::name)
}

async fn both() -> [Prosody; 2] {
    [Prosody::start(Wiring::Classic).await, Prosody::start(Wiring::Proxy).await]
}

#[tokio::test]
async fn starts_quickly_with_nothing_to_complain_of_in_both_wirings() {
    for prosody in both().await {
        let log = prosody.log();
        let complaints: Vec<_> =
            log.lines().filter(|line| line.contains("\terror\t") || line.contains("\twarn\t")).collect();
        assert!(complaints.is_empty(), "{complaints:#?}");
        assert!(prosody.usage().rss > 1_000_000);
        println!("{:?}: ready in {:?}, {:?}", prosody.wiring(), prosody.started_in(), prosody.usage());
    }
}

#[tokio::test]
async fn guests_come_in_without_an_account_under_a_uuid() {
    let prosody = Prosody::start(Wiring::Proxy).await;
    let guest = Client::anonymous(&prosody).await;
    let (user, _) = guest.jid.split_once('@').expect("a full JID");
    assert_eq!(user.len(), 36, "{user}");
    assert!(
        user[..8].bytes().all(|byte| byte.is_ascii_hexdigit()),
        "an endpoint's id is the first eight characters: {user}"
    );
}

#[tokio::test]
async fn the_focus_creates_rooms_owns_them_and_reads_their_meeting_id() {
    for prosody in both().await {
        let mut focus = Client::focus(&prosody).await;
        assert_eq!(focus.jid, format!("focus@{}/focus", prosody.auth_domain()));
        let room = format!("room@{}", prosody.muc_domain());

        let joined = focus.join(&format!("{room}/focus")).await;
        assert_eq!(statuses(&joined), ["201", "100", "110"]);
        assert_eq!(item(&joined, "affiliation"), Some("owner"));

        let answer = focus
            .request(&format!("<iq type='get' to='{room}'><query xmlns='http://jabber.org/protocol/muc#owner'/></iq>"))
            .await;
        let form =
            answer.children().next().and_then(|query| query.get_child("x", FORM)).expect("the owner gets a form");
        let id = field(form, "muc#roominfo_meetingId").expect("a meeting ID");
        assert_eq!(id.len(), 36, "{id}");
        assert_eq!(field(form, "muc#roomconfig_whois").as_deref(), Some("anyone"));

        let submit = "<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/muc#roomconfig</value></field>\
                      <field var='muc#roomconfig_whois'><value>anyone</value></field></x>";
        let answer = focus
            .request(&format!(
                "<iq type='set' to='{room}'><query xmlns='http://jabber.org/protocol/muc#owner'>{submit}</query></iq>"
            ))
            .await;
        assert_eq!(answer.attr("type"), Some("result"));

        let answer = focus
            .request(&format!("<iq type='get' to='{room}'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>"))
            .await;
        let form = answer
            .children()
            .next()
            .and_then(|query| query.get_child("x", FORM))
            .expect("what the room says of itself");
        assert_eq!(field(form, "muc#roominfo_meetingId"), Some(id));
    }
}

#[tokio::test]
async fn a_guest_cannot_create_a_room_but_sees_who_is_the_focus_in_it() {
    let prosody = Prosody::start(Wiring::Proxy).await;
    let room = format!("room@{}", prosody.muc_domain());
    let mut guest = Client::anonymous(&prosody).await;
    guest.send(&format!("<presence to='{room}/guest'><x xmlns='http://jabber.org/protocol/muc'/></presence>")).await;
    let refused = guest.next("the refusal", |stanza| stanza.attr("type") == Some("error")).await;
    assert_eq!(condition(&refused), Some("not-allowed"));

    let mut focus = Client::focus(&prosody).await;
    focus.join(&format!("{room}/focus")).await;
    guest.send(&format!("<presence to='{room}/guest'><x xmlns='http://jabber.org/protocol/muc'/></presence>")).await;
    let seen = guest.next("the focus", |stanza| stanza.attr("from") == Some(&format!("{room}/focus"))).await;
    assert_eq!(item(&seen, "jid"), Some(&*focus.jid));
    let seen = focus.next("the guest", |stanza| stanza.attr("from") == Some(&format!("{room}/guest"))).await;
    assert_eq!(item(&seen, "jid"), Some(&*guest.jid));
    assert_eq!(item(&seen, "affiliation"), Some("none"));
}

#[tokio::test]
async fn who_comes_while_the_focus_is_away_waits_for_it() {
    let prosody = Prosody::start(Wiring::Proxy).await;
    let room = format!("room@{}", prosody.muc_domain());
    let mut focus = Client::focus(&prosody).await;
    let [mut first, mut second, mut third] =
        [Client::anonymous(&prosody).await, Client::anonymous(&prosody).await, Client::anonymous(&prosody).await];
    focus.join(&format!("{room}/focus")).await;
    first.join(&format!("{room}/first")).await;
    focus.send(&format!("<presence to='{room}/focus' type='unavailable'/>")).await;
    first.next("that the focus leaves", |stanza| stanza.attr("type") == Some("unavailable")).await;

    for (client, nick) in [(&mut second, "second"), (&mut third, "third")] {
        let since = prosody.log().len();
        client
            .send(&format!("<presence to='{room}/{nick}'><x xmlns='http://jabber.org/protocol/muc'/></presence>"))
            .await;
        assert!(prosody.logged(since, &format!("{} waits for the focus", client.jid), DEADLINE).await);
    }
    second.send(&format!("<presence to='{room}/second' type='unavailable'/>")).await;
    second.ping(&prosody).await;

    focus.join(&format!("{room}/focus")).await;
    third.own_presence().await;
    assert!(prosody.logged(0, &format!("occupant joined: {room}/third"), DEADLINE).await);
    assert!(!prosody.log().contains(&format!("occupant joined: {room}/second")), "it had given up");
}

#[tokio::test]
async fn a_bridge_reports_its_load_to_the_focus_in_the_brewery() {
    for prosody in both().await {
        let brewery = prosody.brewery();
        let mut bridge = Client::bridge(&prosody).await;
        let joined = bridge.join(&format!("{brewery}/jvb1")).await;
        assert_eq!(item(&joined, "affiliation"), Some("owner"), "it configures the room as the focus does");
        let mut focus = Client::focus(&prosody).await;
        focus.join(&format!("{brewery}/focus")).await;
        let stats = "<stats xmlns='http://jitsi.org/protocol/colibri'><stat name='stress_level' value='0.1'/></stats>";
        bridge.send(&format!("<presence to='{brewery}/jvb1'>{stats}</presence>")).await;
        let seen =
            focus.next("its load", |stanza| stanza.has_child("stats", "http://jitsi.org/protocol/colibri")).await;
        assert_eq!(seen.attr("from"), Some(&*format!("{brewery}/jvb1")));
    }
}

#[tokio::test]
async fn a_guest_cannot_pass_for_a_bridge() {
    let prosody = Prosody::start(Wiring::Proxy).await;
    let mut focus = Client::focus(&prosody).await;
    focus.join(&format!("{}/focus", prosody.brewery())).await;
    let mut guest = Client::anonymous(&prosody).await;
    guest
        .send(&format!(
            "<presence to='{}/jvb9'><x xmlns='http://jabber.org/protocol/muc'/></presence>",
            prosody.brewery()
        ))
        .await;
    guest.ping(&prosody).await;
    assert!(!prosody.log().contains("/jvb9 is"), "it is in the brewery");
}

/// What clients ask, through the proxy, and what they are told: `docs/protocol/10-conference-request-and-auth.md` §2.1.
async fn ask_through_the_proxy(prosody: &Prosody, focus: &mut Client) {
    let mut guest = Client::anonymous(prosody).await;
    let proxy = prosody.focus_domain();
    guest
        .send(&format!(
            "<iq type='set' id='conference:1' to='{proxy}'><conference xmlns='{FOCUS}' room='room@{}'/></iq>",
            prosody.muc_domain()
        ))
        .await;
    let request = focus.next("the request", |stanza| stanza.has_child("conference", FOCUS)).await;
    let from = request.attr("from").expect("whose it is").to_owned();
    assert_eq!(from, format!("{proxy}/{}", guest.jid));
    assert_eq!(request.attr("to"), Some(&*focus.jid));
    assert_eq!(request.attr("id"), Some("conference:1"));

    focus
        .send(&format!(
            "<iq type='result' id='conference:1' to='{from}'><conference xmlns='{FOCUS}' ready='true'/></iq>"
        ))
        .await;
    let answer = guest.next("the answer", |stanza| stanza.attr("id") == Some("conference:1")).await;
    assert_eq!((answer.attr("from"), answer.attr("to")), (Some(&*proxy), Some(&*guest.jid)));
    assert_eq!(answer.get_child("conference", FOCUS).and_then(|conference| conference.attr("ready")), Some("true"));

    guest.send(&format!("<iq type='get' id='login:1' to='{proxy}'><login-url xmlns='{FOCUS}'/></iq>")).await;
    focus.next("the second request", |stanza| stanza.attr("id") == Some("login:1")).await;
    let error = format!("<error type='cancel'><not-acceptable xmlns='{STANZAS}'/></error>");
    focus.send(&format!("<iq type='error' id='login:1' to='{from}'>{error}</iq>")).await;
    let answer = guest.next("the error", |stanza| stanza.attr("id") == Some("login:1")).await;
    assert_eq!(condition(&answer), Some("not-acceptable"));
}

#[tokio::test]
async fn the_proxy_forwards_requests_to_the_focus_and_brings_the_answers_back() {
    let prosody = Prosody::start(Wiring::Proxy).await;
    let mut focus = Client::focus(&prosody).await;
    focus.send("<presence/>").await;
    let available = format!("{} is available", focus.jid);
    assert!(prosody.logged(0, &available, DEADLINE).await);
    ask_through_the_proxy(&prosody, &mut focus).await;
}

#[tokio::test]
async fn the_focus_can_subscribe_the_proxy_itself() {
    let prosody = Prosody::with(Wiring::Proxy).without_roster().start().await;
    let mut focus = Client::focus(&prosody).await;
    focus.send("<presence/>").await;
    let request = focus.next("the proxy's request", |stanza| stanza.attr("type") == Some("subscribe")).await;
    assert_eq!(request.attr("from"), Some(&*prosody.focus_domain()));
    focus.send(&format!("<presence type='subscribed' to='{}'/>", prosody.focus_domain())).await;
    assert!(prosody.logged(0, &format!("{} is available", focus.jid), DEADLINE).await);
    ask_through_the_proxy(&prosody, &mut focus).await;
}

#[tokio::test]
async fn the_proxy_says_at_once_that_there_is_no_focus() {
    let prosody = Prosody::start(Wiring::Proxy).await;
    let mut guest = Client::anonymous(&prosody).await;
    let request = format!(
        "<iq type='set' to='{}'><conference xmlns='{FOCUS}' room='room@{}'/></iq>",
        prosody.focus_domain(),
        prosody.muc_domain()
    );
    assert_eq!(condition(&guest.request(&request).await), Some("service-unavailable"));

    let mut focus = Client::focus(&prosody).await;
    focus.send("<presence/>").await;
    assert!(prosody.logged(0, "is available", DEADLINE).await);
    focus.send("<presence type='unavailable'/>").await;
    focus.ping(&prosody).await;
    assert_eq!(condition(&guest.request(&request).await), Some("service-unavailable"));
}

#[tokio::test]
async fn the_proxy_lets_nothing_else_of_the_focus_through() {
    let prosody = Prosody::start(Wiring::Proxy).await;
    let mut focus = Client::focus(&prosody).await;
    let guest = Client::anonymous(&prosody).await;
    let answer = focus
        .request(&format!(
            "<iq type='get' to='{}/{}'><ping xmlns='urn:xmpp:ping'/></iq>",
            prosody.focus_domain(),
            guest.jid
        ))
        .await;
    assert_eq!(condition(&answer), Some("feature-not-implemented"));
}

#[tokio::test]
async fn the_focus_connects_as_a_component_and_guests_reach_it() {
    let prosody = Prosody::start(Wiring::Classic).await;
    let mut component = TcpStream::connect(prosody.component_address()).await.expect("the component's port is open");
    let domain = prosody.focus_domain();
    let header = format!(
        "<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' to='{domain}'>"
    );
    component.write_all(header.as_bytes()).await.expect("written");
    let opened = read_until(&mut component, ">").await + &read_until(&mut component, ">").await;
    let id = opened
        .split("id='")
        .nth(1)
        .and_then(|rest| rest.split('\'').next())
        .unwrap_or_else(|| panic!("no id in {opened}"));
    let digest = hex::encode(Sha1::digest(format!("{id}{}", prosody.component_secret())));
    component.write_all(format!("<handshake>{digest}</handshake>").as_bytes()).await.expect("written");
    assert_eq!(read_until(&mut component, "/>").await, "<handshake/>");

    let mut guest = Client::anonymous(&prosody).await;
    guest
        .send(&format!(
            "<iq type='set' id='c1' to='{domain}'><conference xmlns='{FOCUS}' room='room@{}'/></iq>",
            prosody.muc_domain()
        ))
        .await;
    let request = read_until(&mut component, "</iq>").await;
    assert!(request.contains(&format!("from='{}'", guest.jid)) && request.contains("id='c1'"), "{request}");
    component
        .write_all(format!("<iq type='result' id='c1' from='{domain}' to='{}'/>", guest.jid).as_bytes())
        .await
        .expect("written");
    let answer = guest.next("the answer", |stanza| stanza.attr("id") == Some("c1")).await;
    assert_eq!(answer.attr("from"), Some(&*domain));
}

async fn read_until(stream: &mut TcpStream, end: &str) -> String {
    let mut text = Vec::new();
    let read = async {
        while !text.ends_with(end.as_bytes()) {
            text.push(stream.read_u8().await.expect("the stream goes on"));
        }
    };
    timeout(DEADLINE, read).await.expect("an answer");
    String::from_utf8(text).expect("UTF-8")
}

#[tokio::test]
async fn the_rooms_metadata_comes_before_the_own_presence_as_soon_as_the_room_is_known() {
    let prosody = Prosody::start(Wiring::Proxy).await;
    let room = format!("room@{}", prosody.muc_domain());
    let mut focus = Client::focus(&prosody).await;

    let services = focus
        .request(&format!(
            "<iq type='get' to='{}'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>",
            prosody.domain()
        ))
        .await;
    let query = services.children().next().expect("a query");
    let metadata =
        query.children().find(|child| child.attr("type") == Some("room_metadata")).expect("the component is told of");
    assert_eq!(
        (metadata.attr("category"), metadata.attr("name")),
        (Some("component"), Some(&*prosody.metadata_domain()))
    );

    let is_metadata = |stanza: &Element| stanza.has_child("json-message", JITMEET);
    focus.send(&format!("<presence to='{room}/focus'><x xmlns='http://jabber.org/protocol/muc'/></presence>")).await;
    let first = focus
        .next("the creator's presence", |stanza| is_metadata(stanza) || statuses(stanza).contains(&"110".to_owned()))
        .await;
    assert_eq!(first.name(), "presence", "the room was not known yet");
    focus.send(&format!("<presence to='{room}/focus'/>")).await;
    let next = focus.next("the metadata", |stanza| is_metadata(stanza) || stanza.name() == "presence").await;
    let message = next.get_child("json-message", JITMEET).expect("before the presence");
    assert_eq!(message.attr("room"), Some(&*room));
    let json: serde_json::Value = serde_json::from_str(&message.text()).expect("JSON");
    assert_eq!(json, serde_json::json!({ "type": "room_metadata", "metadata": { "moderators": [] } }));
    focus.own_presence().await;

    let mut guest = Client::anonymous(&prosody).await;
    guest.send(&format!("<presence to='{room}/guest'><x xmlns='http://jabber.org/protocol/muc'/></presence>")).await;
    guest.next("the metadata", is_metadata).await;
    guest.own_presence().await;
    // A guest may not; who is made owner may.
    let wish = format!(
        "<message to='{}'><room_metadata xmlns='{JITMEET}' room='{room}'>{{\"key\":\"startMuted\",\"data\":{{\"audio\":true}}}}</room_metadata></message>",
        prosody.metadata_domain()
    );
    guest.send(&wish).await;
    guest.ping(&prosody).await;
    let (user, _) = guest.jid.split_once('/').expect("a full JID");
    let grant =
        format!("<query xmlns='http://jabber.org/protocol/muc#admin'><item affiliation='owner' jid='{user}'/></query>");
    focus.request(&format!("<iq type='set' to='{room}'>{grant}</iq>")).await;
    guest.own_presence().await;
    guest.send(&wish.replace("\"audio\":true", "\"video\":true")).await;
    let told = focus.next("the change", is_metadata).await;
    let json: serde_json::Value =
        serde_json::from_str(&told.get_child("json-message", JITMEET).expect("it was looked for").text())
            .expect("JSON");
    assert_eq!(json["metadata"]["startMuted"], serde_json::json!({ "video": true }));
}

#[tokio::test]
async fn the_auth_domain_has_a_certificate_as_debians_installer_makes_it_and_can_insist_on_tls() {
    let prosody = Prosody::with(Wiring::Classic).tls_required().start().await;
    let mut stream = TcpStream::connect(prosody.client_address()).await.expect("Prosody listens");
    let header = format!(
        "<stream:stream to='{}' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>",
        prosody.auth_domain()
    );
    stream.write_all(header.as_bytes()).await.expect("written");
    let features = read_until(&mut stream, "</stream:features>").await;
    assert!(features.contains("<required/>") && !features.contains("<mechanism>"), "{features}");

    let [address, auth, certificate] =
        [prosody.client_address().to_string(), prosody.auth_domain(), prosody.certificate().display().to_string()];
    let arguments = [
        "s_client",
        "-starttls",
        "xmpp",
        "-xmpphost",
        &auth,
        "-connect",
        &address,
        "-CAfile",
        &certificate,
        "-verify_hostname",
        &auth,
        "-verify_return_error",
    ];
    let output = tokio::task::spawn_blocking({
        let arguments = arguments.map(str::to_owned);
        move || Command::new("openssl").args(arguments).stdin(std::process::Stdio::null()).output()
    });
    let output = output.await.expect("it ran").expect("openssl is there");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("Verify return code: 0 (ok)"), "{text}{}", String::from_utf8_lossy(&output.stderr));
    let shown = Command::new("openssl")
        .args(["x509", "-noout", "-ext", "basicConstraints,subjectAltName", "-in", &certificate])
        .output()
        .expect("openssl is there");
    let shown = String::from_utf8_lossy(&shown.stdout);
    assert!(
        shown.contains("CA:TRUE") && shown.contains(&format!("DNS:{auth}")) && shown.contains("othername"),
        "{shown}"
    );
}

#[tokio::test]
async fn browsers_find_bosh_and_websocket() {
    let prosody = Prosody::start(Wiring::Proxy).await;
    for (path, expected) in [("http-bind", "HTTP/1.1 200"), ("xmpp-websocket", "HTTP/1.1 101")] {
        let mut http = TcpStream::connect(prosody.http_address()).await.expect("the HTTP port is open");
        let upgrade = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: xmpp\r\n";
        let upgrade = if path == "xmpp-websocket" { upgrade } else { "" };
        http.write_all(format!("GET /{path} HTTP/1.1\r\nHost: {}\r\n{upgrade}\r\n", prosody.http_address()).as_bytes())
            .await
            .expect("written");
        let answer = read_until(&mut http, "\r\n").await;
        assert!(answer.starts_with(expected), "{path}: {answer}");
    }
}

#[tokio::test]
async fn a_restart_keeps_ports_accounts_and_the_proxys_subscription() {
    let mut prosody = Prosody::with(Wiring::Proxy).without_roster().start().await;
    let mut focus = Client::focus(&prosody).await;
    focus.send("<presence/>").await;
    focus.next("the proxy's request", |stanza| stanza.attr("type") == Some("subscribe")).await;
    focus.send(&format!("<presence type='subscribed' to='{}'/>", prosody.focus_domain())).await;
    assert!(prosody.logged(0, "is available", DEADLINE).await);

    for orderly in [true, false] {
        let since = prosody.log().len();
        if orderly {
            prosody.restart().await;
        } else {
            prosody.kill();
            prosody.start_again().await;
        }
        let mut focus = Client::focus(&prosody).await;
        focus.send("<presence/>").await;
        assert!(prosody.logged(since, "is available", DEADLINE).await, "the roster was kept");
    }
}

#[tokio::test]
async fn who_vanishes_without_a_word_is_missed_after_the_hibernation_time() {
    let prosody = Prosody::with(Wiring::Proxy).hibernation(Duration::from_secs(1)).start().await;
    let brewery = prosody.brewery();
    let mut focus = Client::focus(&prosody).await;
    focus.join(&format!("{brewery}/focus")).await;
    let mut bridge = Client::bridge(&prosody).await;
    bridge.send("<enable xmlns='urn:xmpp:sm:3' resume='true'/>").await;
    let enabled = bridge.next("stream management", |element| element.name() == "enabled").await;
    assert_eq!((enabled.attr("resume"), enabled.attr("max")), (Some("true"), Some("1")));
    bridge.join(&format!("{brewery}/jvb1")).await;
    focus.next("the bridge", |stanza| stanza.attr("from") == Some(&format!("{brewery}/jvb1"))).await;

    let begin = Instant::now();
    drop(bridge); // The socket closes, the stream does not
    let left = focus.next("that it is missed", |stanza| stanza.attr("type") == Some("unavailable")).await;
    assert_eq!(left.attr("from"), Some(&*format!("{brewery}/jvb1")));
    assert!(begin.elapsed() > Duration::from_millis(800), "it was there for a second more: {:?}", begin.elapsed());
}

#[tokio::test]
async fn a_paused_server_says_nothing_until_it_goes_on() {
    let mut prosody = Prosody::start(Wiring::Classic).await;
    let mut guest = Client::anonymous(&prosody).await;
    prosody.pause();
    guest.send(&format!("<iq type='get' id='1' to='{}'><ping xmlns='urn:xmpp:ping'/></iq>", prosody.domain())).await;
    assert!(timeout(Duration::from_millis(50), guest.session.next()).await.is_err());
    prosody.resume();
    guest.next("the answer", |stanza| stanza.attr("id") == Some("1")).await;
    prosody.stop().await;
}

#[tokio::test]
async fn a_process_can_be_watched_paused_and_ended() {
    let prosody = Prosody::start(Wiring::Proxy).await;
    let sleeper = || FocusProcess::with().program("sleep").argument("60").not_waiting();
    let mut process = sleeper().start(&prosody).await;
    let usage = process.usage();
    assert!(usage.rss > 0 && usage.threads == 1 && usage.cpu < Duration::from_secs(1), "{usage:?}");
    process.pause();
    assert_eq!(process.ended(Duration::ZERO).await, None);
    process.resume();
    let status = process.stop().await.expect("it ended");
    assert_eq!(status.signal(), Some(15));

    let mut process = sleeper().start(&prosody).await;
    process.signal("INT");
    let status = process.ended(DEADLINE).await.expect("it ended");
    assert_eq!(status.signal(), Some(2));
    sleeper().start(&prosody).await.kill();
}

#[tokio::test]
async fn a_focus_counts_as_started_when_clients_can_reach_it() {
    let prosody = Prosody::start(Wiring::Proxy).await;
    let doing = async {
        let mut focus = Client::focus(&prosody).await;
        focus.send("<presence/>").await;
        focus.join(&format!("{}/focus", prosody.brewery())).await;
        focus
    };
    // Any process will do: it is the server that is asked.
    let (process, _focus) = tokio::join!(FocusProcess::with().program("sleep").argument("60").start(&prosody), doing);
    assert!(process.started_in() > Duration::ZERO);
}

/// A test that is killed cannot clean up after itself.
#[tokio::test]
async fn prosody_ends_when_its_launcher_is_gone() {
    let mut prosody = Prosody::start(Wiring::Proxy).await;
    assert!(prosody.abandon(DEADLINE).await, "process {} is still there", prosody.pid());
}
