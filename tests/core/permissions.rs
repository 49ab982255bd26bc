//! Who may do what: every kind of request, message and presence, of every kind of sender, on every connection, with
//! authentication off, by XMPP, and by tokens.
//!
//! Each cell of the table is played: what comes has the address that the server gives it, whatever it says of itself. What is
//! told to anybody but the sender is an effect; a cell that names none has none.

mod changing;
mod http;
mod logins;
mod nodes;
mod unasked;

use jicofo::config::{AuthenticationType, Config};
use testkit::ns;
use testkit::participant::SessionState;
use testkit::scenario::Scenario;
use testkit::wire_log::Wire;
use testkit::xml::{Element, error_in, parse};
use testkit::{Time, ns::JITMEET_AUDIO};

use crate::support::*;

const OTHER: &str = "other@conference.meet.test";

/// The machine of the moderator, who has logged in where that is to be had.
const HOST: &str = "alice@meet.test/web";

/// How users authenticate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Off,
    Xmpp,
    Jwt,
}

use Mode::{Jwt, Off, Xmpp};

const MODES: [Mode; 3] = [Off, Xmpp, Jwt];

/// Where a sender stands to what the table is about: bob in his room, and his session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stands {
    /// On our account's connection, and not in that room.
    Outside,
    /// On the connection for bridges, or the component's, whatever its address.
    OnService,
    OnComponent,
    /// In the room, without a session.
    Uninvited,
    Participant,
    Moderator,
    /// Bob.
    Itself,
}

use Stands::{Itself, Moderator, OnComponent, OnService, Outside, Participant, Uninvited};

#[derive(Debug, Clone, Copy)]
struct Sender {
    who: &'static str,
    /// The address that the server vouches for.
    from: &'static str,
    stands: Stands,
    /// It has an account on the login domain, and speaks from it.
    user: bool,
}

const fn sender(stands: Stands, who: &'static str, from: &'static str) -> Sender {
    Sender { who, from, stands, user: false }
}

const fn user(stands: Stands, who: &'static str, from: &'static str) -> Sender {
    Sender { user: true, ..sender(stands, who, from) }
}

const SENDERS: [Sender; 32] = [
    user(Outside, "user", "out@meet.test/web"),
    user(Outside, "user through the proxy", "proxy.meet.test/out@meet.test/web"),
    sender(Outside, "guest", "out@guest.meet.test/web"),
    sender(Outside, "guest through the proxy", "proxy.meet.test/out@guest.meet.test/web"),
    sender(Outside, "guest behind what is no proxy", "evil.test/alice@meet.test/web"),
    sender(Outside, "user of another server", "alice@evil.test/web"),
    sender(Outside, "account without a connection", "alice@meet.test"),
    sender(Outside, "occupant of another room", "other@conference.meet.test/mallory"),
    sender(Outside, "occupant of another room, by the nick of one here", "other@conference.meet.test/bob"),
    sender(Outside, "one who was never in that room", "room@conference.meet.test/nobody"),
    sender(Outside, "one who has left", "room@conference.meet.test/dave"),
    sender(Outside, "one who was banned", "room@conference.meet.test/eve"),
    sender(Outside, "bridge", "jvbbrewery@internal.auth.meet.test/jvb1"),
    sender(Outside, "server", "meet.test"),
    sender(Outside, "own account from elsewhere", "focus@auth.meet.test/other"),
    sender(Outside, "own account", "focus@auth.meet.test"),
    sender(Outside, "own connection", FOCUS),
    sender(Outside, "the room itself", "room@conference.meet.test"),
    sender(Outside, "the focus' own place in the room", "room@conference.meet.test/focus"),
    sender(Outside, "moderation component", "avmoderation.meet.test"),
    sender(Outside, "metadata component", "metadata.meet.test"),
    sender(Outside, "something at a component", "metadata.meet.test/room@conference.meet.test"),
    user(Outside, "user called like a component", "avmoderation.meet.test@meet.test/metadata.meet.test"),
    sender(Uninvited, "visitor", "room@conference.meet.test/vic"),
    sender(Uninvited, "occupant called like a component", "room@conference.meet.test/avmoderation.meet.test"),
    user(OnService, "user", "out@meet.test/web"),
    sender(OnService, "moderator", "room@conference.meet.test/alice"),
    user(OnComponent, "user", "out@meet.test/web"),
    sender(OnComponent, "moderator", "room@conference.meet.test/alice"),
    sender(Participant, "participant", "room@conference.meet.test/carol"),
    sender(Moderator, "moderator", "room@conference.meet.test/alice"),
    sender(Itself, "the one it is about", "room@conference.meet.test/bob"),
];

impl Sender {
    /// The connection on which what it sends reaches the focus.
    fn link(&self) -> &'static str {
        match self.stands {
            OnService => "focus/service",
            OnComponent => "focus/component",
            _ => "focus",
        }
    }
}

fn authenticating(config: &mut Config, mode: Mode) {
    config.authentication.kind = match mode {
        Off => AuthenticationType::None,
        Xmpp => AuthenticationType::Xmpp,
        Jwt => AuthenticationType::Jwt,
    };
    config.authentication.login_url = (mode != Off).then(|| "meet.test".into());
}

/// A room with a moderator, two participants, a visitor, and one with an odd name, whom two have left again; and another room
/// whose one occupant leads it. All three connections stand.
fn stage(mode: Mode) -> Scenario {
    let mut s = Scenario::new()
        .bridge("jvb1")
        .component()
        .config(move |config| {
            authenticating(config, mode);
            config.xmpp.client.client_proxy = "proxy.meet.test".parse().ok();
            testkit::scenario::add_service(config);
        })
        .start();
    let joins = |s: &mut Scenario, name: &str, jid: &str, room: &str| {
        let (jid, room) = (jid.to_owned(), room.to_owned());
        s.joins_with(name, |settings| (settings.jid, settings.room) = (jid, room));
        s.settle();
    };
    joins(&mut s, "alice", HOST, ROOM);
    joins(&mut s, "bob", "bob@guest.meet.test/web", ROOM);
    joins(&mut s, "carol", "carol@guest.meet.test/web", ROOM);
    joins(&mut s, "mallory", "mallory@meet.test/web", OTHER);
    s.run_until(|s| s.connected(&["alice", "bob", "carol"]));
    assert!(s.view("alice").is_moderator() && s.view("mallory").is_moderator() && !s.view("bob").is_moderator());
    let occupant = |s: &mut Scenario, nick: &str, kind: &str, affiliation: &str, role: &str| {
        to_focus(
            s,
            &format!(
                "<presence from='{ROOM}/{nick}' to='{FOCUS}'{kind}><x xmlns='{}'><item affiliation='{affiliation}' \
                 role='{role}' jid='{nick}@guest.meet.test/web'/></x></presence>",
                ns::MUC_USER
            ),
        );
    };
    occupant(&mut s, "vic", "", "none", "visitor");
    occupant(&mut s, "dave", "", "none", "participant");
    occupant(&mut s, "dave", " type='unavailable'", "none", "none");
    occupant(&mut s, "eve", "", "none", "participant");
    occupant(&mut s, "eve", " type='unavailable'", "outcast", "none");
    occupant(&mut s, "avmoderation.meet.test", "", "none", "participant");
    s.run_for(Time::from_secs(1));
    s
}

/// What somebody is answered, and whom else the focus said something.
fn play(s: &mut Scenario, sender: &Sender, stanza: &str) -> (Option<String>, Vec<String>) {
    s.run_for(Time::from_millis(10));
    let now = s.now();
    s.server().send(now, sender.link(), parse(stanza).expect("well-formed XML"));
    s.run_for(Time::from_millis(10));
    let is_health = |wire: &Wire| wire.text().contains("healthcheck");
    let said: Vec<&Wire> = s.said().since(now).iter().filter(|wire| !is_health(wire)).collect();
    let stanza = parse(stanza).expect("well-formed XML");
    let to_sender = |wire: &&&Wire| {
        wire.is_answer() && wire.stanza.attr("to") == Some(sender.from) && wire.stanza.attr("id") == stanza.attr("id")
    };
    let answers: Vec<String> = said
        .iter()
        .filter(to_sender)
        .map(|wire| error_in(&wire.stanza).map_or_else(|| "result".to_owned(), |(condition, _)| condition))
        .collect();
    assert!(answers.len() <= 1, "{answers:?}");
    let others = said.iter().filter(|wire| !to_sender(wire));
    let nick =
        |wire: &Wire| wire.stanza.attr("to").unwrap_or_default().rsplit('/').next().unwrap_or_default().to_owned();
    (answers.first().cloned(), others.map(|wire| format!("{} {}", wire.stanza.name(), nick(wire))).collect())
}

/// The answer to a sender, and whom else something is told.
type Cell = (&'static str, &'static [&'static str]);

/// Plays a row of the table in one mode.
#[track_caller]
fn row_in(
    mode: Mode,
    what: &str,
    child: impl Fn(&Scenario, &Sender) -> (String, String),
    expected: impl Fn(&Sender) -> Cell,
) {
    row_of(stage(mode), &SENDERS, mode, what, child, expected);
}

/// Plays a row: one sender after another, those with an effect last.
#[track_caller]
fn row_of(
    mut s: Scenario,
    senders: &[Sender],
    mode: Mode,
    what: &str,
    child: impl Fn(&Scenario, &Sender) -> (String, String),
    expected: impl Fn(&Sender) -> Cell,
) {
    let mut order: Vec<usize> = (0..senders.len()).collect();
    order.sort_by_key(|index| expected(&senders[*index]).1.len());
    for index in order {
        let sender = senders[index];
        let (answer, told) = expected(&sender);
        let (kind, child) = child(&s, &sender);
        let stanza = format!("<iq type='{kind}' id='{index}' from='{}' to='{FOCUS}'>{child}</iq>", sender.from);
        let (answered, others) = play(&mut s, &sender, &stanza);
        assert_eq!(answered.as_deref(), Some(answer), "{mode:?}: {what} of {sender:?}: {stanza}");
        assert_eq!(others, told, "{mode:?}: what others are told of {what} of {sender:?}");
    }
    unharmed(&s);
}

/// The same in all modes.
#[track_caller]
fn row(what: &str, child: impl Fn(&Scenario, &Sender) -> (String, String), expected: impl Fn(&Sender) -> Cell) {
    for mode in MODES {
        row_in(mode, what, &child, &expected);
    }
}

/// Whoever was in a session is, unless it ended it by itself.
#[track_caller]
fn unharmed(s: &Scenario) {
    for name in ["alice", "carol"] {
        assert!(s.view(name).connected(), "{name}");
        assert!(s.view_bridge("jvb1").endpoint(name).is_some(), "{name}");
    }
    assert_eq!((s.focus().gauges().conferences, leaves(s, ROOM).count()), (2, 0));
}

fn sid(s: &Scenario, name: &str) -> String {
    s.view(name).session().map_or_else(|| "gone".into(), |session| session.sid.clone())
}

/// The same for all.
fn all(answer: &'static str) -> impl Fn(&Sender) -> Cell {
    move |_| (answer, &[])
}

/// The same for all who are not in the room, on whatever connection, then the uninvited, the participant, the moderator and the
/// one it is about.
fn outside_or(outside: &'static str, inside: [Cell; 4]) -> impl Fn(&Sender) -> Cell {
    move |sender| match sender.stands {
        Outside | OnService | OnComponent => (outside, &[]),
        Uninvited => inside[0],
        Participant => inside[1],
        Moderator => inside[2],
        Itself => inside[3],
    }
}

fn mute(media: &str, target: &str, text: &str) -> (String, String) {
    ("set".into(), format!("<mute xmlns='{media}' jid='{target}'>{text}</mute>"))
}

#[test]
fn muting() {
    let bob = format!("{ROOM}/bob");
    // The answer to one who is not there is the same whether there is such a room or not.
    let refused = ("item-not-found", &[] as &[&str]);
    let muted = ("result", &["iq bob"] as &[&str]);
    let others = [refused, ("not-allowed", &[]), muted, ("result", &[])];
    let nobody = [refused, ("not-allowed", &[]), ("not-allowed", &[]), ("result", &[])];
    let own = [refused, ("result", &[]), ("result", &[]), ("result", &[])];
    for media in [JITMEET_AUDIO, ns::JITMEET_VIDEO, ns::JITMEET_DESKTOP] {
        row(media, |_, _| mute(media, &bob, "true"), outside_or("item-not-found", others));
        row(media, |_, _| mute(media, &bob, "false"), outside_or("item-not-found", nobody));
        row(media, |_, sender| mute(media, sender.from, "true"), outside_or("item-not-found", own));
        row(media, |_, sender| mute(media, sender.from, "false"), outside_or("item-not-found", own));
    }
    // Whoever says that he is somebody else is himself.
    let actor = format!("<mute xmlns='{JITMEET_AUDIO}' jid='{bob}' actor='{ROOM}/alice'>true</mute>");
    row("muting in another's name", |_, _| ("set".into(), actor.clone()), outside_or("item-not-found", others));
    // One who is in another room, though the one who asks leads here.
    let mallory = format!("{OTHER}/mallory");
    let elsewhere = [refused, ("not-allowed", &[]), refused, ("not-allowed", &[])];
    row(
        "muting in another room",
        |_, _| mute(JITMEET_AUDIO, &mallory, "true"),
        outside_or("item-not-found", elsewhere),
    );
}

#[test]
fn jingle_in_somebody_elses_session() {
    let not_yours: Cell = ("item-not-found", &[]);
    let contents = "<content creator='responder' name='audio'><description xmlns='urn:xmpp:jingle:apps:rtp:1' media='audio'>\
                    <source xmlns='urn:xmpp:jingle:apps:rtp:ssma:0' ssrc='4711' name='bob-a7'/></description>\
                    <transport xmlns='urn:xmpp:jingle:transports:ice-udp:1' ufrag='u' pwd='p'/></content>";
    let failed = format!("<ice-state xmlns='{}'>failed</ice-state>", ns::FOCUS);
    let restart = format!("<bridge-session xmlns='{}' id='x' restart='true'/>", ns::FOCUS);
    // Its sources and its endpoint go, it is invited, answers, and what it sends is told.
    const ANEW: &[&str] =
        &["iq alice", "iq carol", "iq jvb1", "iq jvb1", "iq bob", "iq jvb1", "iq alice", "iq carol", "iq bob"];
    let all_told: &[&str] = &["iq jvb1", "iq alice", "iq carol"];
    for (action, more, own) in [
        ("session-accept", contents, ("result", all_told)),
        ("transport-accept", contents, ("result", all_told)),
        ("transport-info", contents, ("result", &["iq jvb1"] as &[&str])),
        ("source-add", contents, ("result", all_told)),
        ("addsource", contents, ("result", all_told)),
        ("session-info", "", ("result", &[])),
        ("session-info", failed.as_str(), ("result", &[])),
        ("transport-reject", "", ("result", &[])),
        ("source-remove", "", ("result", &[])),
        ("removesource", contents, ("bad-request", &[])),
        ("session-initiate", contents, ("feature-not-implemented", &[])),
        ("transport-replace", contents, ("feature-not-implemented", &[])),
        ("content-add", "", ("feature-not-implemented", &[])),
        ("made-up", "", ("bad-request", &[])),
        ("session-terminate", "", ("item-not-found", &["iq alice", "iq carol", "iq jvb1"])),
        ("session-terminate", restart.as_str(), ("item-not-found", ANEW)),
    ] {
        row(
            action,
            |s, _| {
                // Whoever it is about knows it best; others may have learned of it.
                let sid = sid(s, "bob");
                ("set".into(), format!("<jingle xmlns='{}' action='{action}' sid='{sid}'>{more}</jingle>", ns::JINGLE))
            },
            |sender| match sender.stands {
                OnComponent => ("feature-not-implemented", &[]),
                Outside | OnService => ("bad-request", &[]),
                Uninvited | Participant | Moderator if action == "made-up" => ("item-not-found", &[]),
                Uninvited | Participant | Moderator => not_yours,
                Itself => own,
            },
        );
    }
    // A session that there is nowhere.
    let unknown = |_: &Scenario, _: &Sender| {
        ("set".to_owned(), format!("<jingle xmlns='{}' action='session-terminate' sid='unknown'/>", ns::JINGLE))
    };
    row("jingle of no session", unknown, |sender| match sender.stands {
        OnComponent => ("feature-not-implemented", &[]),
        _ => ("bad-request", &[]),
    });
}

#[test]
fn what_anybody_may_ask() {
    for child in [
        format!("<ping xmlns='{}'/>", ns::PING),
        format!("<query xmlns='{}'/>", ns::VERSION),
        format!("<query xmlns='{}'/>", ns::DISCO_INFO),
    ] {
        row("a question", |_, _| ("get".into(), child.clone()), all("result"));
    }
}

#[test]
fn what_nobody_may_ask() {
    for (kind, child) in [
        ("set", format!("<ping xmlns='{}'/>", ns::PING)),
        ("set", format!("<query xmlns='{}'/>", ns::DISCO_INFO)),
        ("get", format!("<conference xmlns='{}' room='{ROOM}'/>", ns::FOCUS)),
        ("get", format!("<jingle xmlns='{}' action='session-terminate' sid='x'/>", ns::JINGLE)),
        ("get", mute(JITMEET_AUDIO, &format!("{ROOM}/bob"), "true").1),
        (
            "get",
            format!(
                "<conference-modify xmlns='{}' meeting-id='x'><endpoint id='bob' expire='true'/></conference-modify>",
                ns::COLIBRI2
            ),
        ),
        ("set", format!("<query xmlns='{}'><item affiliation='owner' jid='eve@meet.test'/></query>", ns::MUC_ADMIN)),
        ("get", format!("<query xmlns='{}'/>", ns::MUC_OWNER)),
        ("set", format!("<query xmlns='{}'/>", ns::ROSTER)),
        ("get", format!("<healthcheck xmlns='{}'/>", ns::HEALTHCHECK)),
        ("set", "<anything xmlns='urn:x:unknown'/>".to_owned()),
        // Where there are no visitors; where there are, `permissions/nodes.rs`.
        ("set", format!("<visitors xmlns='{}' room='{ROOM}'><broadcast enabled='true'/></visitors>", ns::VISITORS)),
        ("set", format!("<visitors xmlns='{}' room='{ROOM}'><connect-vnode vnode='v0'/></visitors>", ns::VISITORS)),
    ] {
        row(&child, |_, _| (kind.into(), child.clone()), all("feature-not-implemented"));
    }
}

/// The component's connection is for conference requests: what belongs into a room does not come that way.
#[test]
fn what_comes_by_the_component_is_nobodys_in_a_room() {
    let mut s = Scenario::new().bridge("jvb1").component().participant("alice").participant("bob").start();
    s.run_until(Scenario::all_connected);
    connect(&mut s, "out", "out@meet.test/web");
    let bob = format!("{ROOM}/bob");
    let sid = sid(&s, "bob");
    request(&mut s, "out", "m1", &mute(JITMEET_AUDIO, &bob, "true").1);
    request(&mut s, "out", "j1", &format!("<jingle xmlns='{}' action='session-terminate' sid='{sid}'/>", ns::JINGLE));
    s.settle();
    assert_eq!(error(&only(&s, "out", "m1")).0, "item-not-found");
    assert_eq!(error(&only(&s, "out", "j1")).0, "feature-not-implemented");
    assert!(s.view("bob").mute_requests().is_empty() && s.view("bob").connected());
    s.finish();
}

/// A client that sends whatever comes to its mind, through the server as it is.
#[test]
fn a_hostile_occupant_harms_nobody() {
    let mut s = stage(Off);
    let (focus, bob) = (format!("{ROOM}/focus"), sid(&s, "bob"));
    let payloads: Vec<Element> = [
        mute(JITMEET_AUDIO, &format!("{ROOM}/bob"), "true").1,
        mute(JITMEET_AUDIO, &format!("{ROOM}/alice"), "false").1,
        mute(JITMEET_AUDIO, &format!("{OTHER}/mallory"), "true").1,
        format!(
            "<jingle xmlns='{}' action='session-terminate' sid='{bob}' initiator='{ROOM}/bob' responder='{ROOM}/bob'/>",
            ns::JINGLE
        ),
        format!("<jingle xmlns='{}' action='session-accept' sid='{bob}' responder='{ROOM}/bob'/>", ns::JINGLE),
        format!("<conference-modify xmlns='{}' meeting-id='x' expire='true'/>", ns::COLIBRI2),
        format!("<query xmlns='{}'><item role='none' nick='bob'/></query>", ns::MUC_ADMIN),
    ]
    .iter()
    .map(|xml| parse(xml).unwrap())
    .collect();
    let asked = payloads.len();
    for payload in payloads {
        s.participant("carol").send_iq("set", &focus, payload);
    }
    let json = format!(
        "<json-message xmlns='{}'>{{\"type\":\"av_moderation\",\"room\":\"{ROOM}\",\"enabled\":true,\"mediaType\":\"audio\"}}</json-message>",
        ns::JITMEET
    );
    for to in [ROOM, FOCUS, &focus, "avmoderation.meet.test"] {
        for kind in ["", " type='groupchat'"] {
            s.inject("carol", &format!("<message{kind} to='{to}'>{json}</message>"));
        }
    }
    s.settle();
    let refused = s.participant("carol").take_refusals();
    assert_eq!(refused.len(), asked, "{refused:?}");
    for name in ["alice", "bob", "carol"] {
        assert!(s.view(name).connected() && s.view(name).mute_requests().is_empty(), "{name}");
        assert_eq!(s.view(name).session().unwrap().state, SessionState::Active);
        assert_eq!(s.view_bridge("jvb1").endpoint(name).unwrap().force_mute, (false, false));
    }
    unharmed(&s);
}
