//! The server does what Prosody does, as far as the traces show it.

use super::{Fate, NOT_PROMOTED, Options, Server};
use crate::Time;
use crate::ns;
use crate::xml::{Element, Read, error_in, parse, to_text};

const ROOM: &str = "room@conference.meet.test";

fn server() -> Server {
    let mut server = Server::new(Options::default());
    server.connect("focus", "focus@auth.meet.test/focus", true);
    server.connect("alice", "alice@meet.test/web", false);
    server.connect("bob", "bob@meet.test/web", false);
    server
}

fn send(server: &mut Server, from: &str, xml: &str) {
    server.receive(Time::ZERO, from, parse(xml).expect("the test's XML is right"));
}

/// What comes to `to`, in order; what comes to others is dropped.
fn received(server: &mut Server, to: &str) -> Vec<Element> {
    std::iter::from_fn(|| server.next(Time::ZERO)).filter(|d| d.to == to).map(|d| d.stanza).collect()
}

fn join(server: &mut Server, who: &str) {
    send(server, who, &format!("<presence to='{ROOM}/{who}'><x xmlns='http://jabber.org/protocol/muc'/></presence>"));
}

fn codes(presence: &Element) -> Vec<String> {
    let user = presence.kid("x", ns::MUC_USER).expect("muc#user");
    user.kids("status", ns::MUC_USER).filter_map(|s| s.get("code")).map(str::to_owned).collect()
}

#[test]
fn joins_are_shown_to_all() {
    let mut server = server();
    join(&mut server, "focus");
    let own = received(&mut server, "focus");
    assert_eq!(codes(&own[0]), ["201", "100", "110"]);
    assert!(own[1].kid("subject", ns::CLIENT).is_some());
    join(&mut server, "alice");
    join(&mut server, "bob");
    let seen = received(&mut server, "bob");
    let from: Vec<_> = seen.iter().filter(|s| s.name() == "presence").filter_map(|s| s.get("from")).collect();
    assert_eq!(from, [format!("{ROOM}/focus"), format!("{ROOM}/alice"), format!("{ROOM}/bob")]);
    let item = seen[0].kid("x", ns::MUC_USER).and_then(|x| x.kid("item", ns::MUC_USER)).expect("an item");
    assert_eq!((item.get("jid"), item.get("affiliation")), (Some("focus@auth.meet.test/focus"), Some("owner")));
}

#[test]
fn only_admins_create_rooms() {
    let mut server = server();
    join(&mut server, "alice");
    let refusal = received(&mut server, "alice");
    assert_eq!(error_in(&refusal[0]), Some(("not-allowed".into(), "Room creation is restricted".into())));
}

#[test]
fn metadata_comes_with_the_first_presence_after_creation() {
    let mut server = server();
    join(&mut server, "focus");
    assert!(received(&mut server, "focus").iter().all(|s| s.kid("json-message", ns::JITMEET).is_none()));
    send(&mut server, "focus", &format!("<presence to='{ROOM}/focus'/>"));
    let seen = received(&mut server, "focus");
    assert!(seen[0].kid("json-message", ns::JITMEET).is_some_and(|json| json.text().contains("moderators")));
    assert_eq!(codes(&seen[1]), ["110"]);
}

#[test]
fn grants_are_shown_before_they_are_confirmed() {
    let mut server = server();
    join(&mut server, "focus");
    join(&mut server, "alice");
    received(&mut server, "");
    let grant =
        "<query xmlns='http://jabber.org/protocol/muc#admin'><item affiliation='owner' jid='alice@meet.test'/></query>";
    send(&mut server, "focus", &format!("<iq type='set' id='g' to='{ROOM}'>{grant}</iq>"));
    let seen = received(&mut server, "focus");
    assert!(to_text(&seen[0]).contains("moderator") && seen[1].get("type") == Some("result"));
    send(
        &mut server,
        "focus",
        &format!("<iq type='set' id='g' to='{ROOM}'>{}</iq>", grant.replace("@meet.test", "@meet.test/web")),
    );
    assert_eq!(error_in(&received(&mut server, "focus")[0]).map(|e| e.0).as_deref(), Some("jid-malformed"));
    assert_eq!(server.take_violations().len(), 1, "a full JID is a fault of the focus");
}

#[test]
fn ids_are_rewritten_and_restored() {
    let mut server = server();
    join(&mut server, "focus");
    join(&mut server, "alice");
    received(&mut server, "");
    send(&mut server, "alice", &format!("<iq type='get' id='q1' to='{ROOM}/focus'><ping xmlns='urn:xmpp:ping'/></iq>"));
    let request = received(&mut server, "focus").remove(0);
    let id = request.get("id").expect("an id").to_owned();
    assert!(id.len() > 40 && id != "q1");
    assert_eq!(request.get("from"), Some(format!("{ROOM}/alice").as_str()));
    assert_eq!(server.unanswered("focus").len(), 1);
    send(&mut server, "focus", &format!("<iq type='result' id='{id}' to='{ROOM}/alice'/>"));
    assert_eq!(received(&mut server, "alice")[0].get("id"), Some("q1"));
    assert!(server.unanswered("focus").is_empty() && server.violations().is_empty());
    send(&mut server, "focus", &format!("<iq type='result' id='{id}' to='{ROOM}/alice'/>"));
    assert_eq!(server.take_violations().len(), 1, "answered twice");
    send(&mut server, "focus", &format!("<iq type='result' id='q1' to='{ROOM}/alice'/>"));
    assert!(!server.take_violations().is_empty(), "answered with an id that nobody used");
}

#[test]
fn the_absent_are_not_found() {
    let mut server = server();
    let ping = format!("<iq type='get' id='1' to='{ROOM}/bob'><ping xmlns='urn:xmpp:ping'/></iq>");
    join(&mut server, "focus");
    received(&mut server, "");
    send(&mut server, "focus", &ping);
    let answer = received(&mut server, "focus").remove(0);
    assert_eq!(error_in(&answer), Some(("item-not-found".into(), "Recipient not in room".into())));
    send(&mut server, "alice", &ping);
    assert_eq!(error_in(&received(&mut server, "alice")[0]).map(|e| e.0).as_deref(), Some("not-acceptable"));
}

#[test]
fn leaves_kicks_and_lost_sessions_differ() {
    let mut server = server();
    for who in ["focus", "alice", "bob"] {
        join(&mut server, who);
    }
    received(&mut server, "");
    send(&mut server, "alice", &format!("<presence type='unavailable' to='{ROOM}/alice'/>"));
    assert!(codes(&received(&mut server, "focus")[0]).is_empty());
    join(&mut server, "alice");
    received(&mut server, "");
    let kick = "<query xmlns='http://jabber.org/protocol/muc#admin'><item nick='alice' role='none'/></query>";
    send(&mut server, "focus", &format!("<iq type='set' id='k' to='{ROOM}'>{kick}</iq>"));
    assert_eq!(codes(&received(&mut server, "alice")[0]), ["307", "110"]);
    server.disconnect(Time::ZERO, "bob");
    assert_eq!(codes(&received(&mut server, "focus")[0]), ["333"]);
    send(&mut server, "focus", &format!("<presence type='unavailable' to='{ROOM}/focus'/>"));
    assert!(server.rooms().is_empty(), "the last one turns off the light");
    send(&mut server, "focus", &format!("<presence type='unavailable' to='{ROOM}/focus'/>"));
    assert_eq!(server.take_violations().len(), 1, "left without being there");
}

#[test]
fn the_proxy_wraps_requests_once_it_knows_the_focus() {
    let mut server = server();
    let request =
        "<iq type='set' id='c1' to='focus.meet.test'><conference xmlns='http://jitsi.org/protocol/focus'/></iq>";
    send(&mut server, "alice", request);
    let answer = received(&mut server, "alice").remove(0);
    assert_eq!(error_in(&answer).map(|e| e.0).as_deref(), Some("service-unavailable"));
    send(&mut server, "focus", "<presence/>");
    send(&mut server, "alice", request);
    let wrapped = received(&mut server, "focus").remove(0);
    assert_eq!(wrapped.get("from"), Some("focus.meet.test/alice@meet.test/web"));
    send(&mut server, "focus", "<iq type='result' id='c1' to='focus.meet.test/alice@meet.test/web'/>");
    let answer = received(&mut server, "alice").remove(0);
    assert_eq!((answer.get("from"), answer.get("id")), (Some("focus.meet.test"), Some("c1")));
    assert!(server.unanswered("focus").is_empty() && server.violations().is_empty());
}

#[test]
fn accidents_and_broken_streams() {
    let mut server = server();
    join(&mut server, "focus");
    join(&mut server, "alice");
    received(&mut server, "");
    let ping = format!("<iq type='get' id='1' to='{ROOM}/alice'><ping xmlns='urn:xmpp:ping'/></iq>");
    server.rule(1, Fate::IsLost, |delivery| delivery.to == "alice");
    send(&mut server, "focus", &ping);
    assert!(received(&mut server, "alice").is_empty());
    server.rule(1, Fate::ComesTwice(Time::ZERO), |delivery| delivery.to == "alice");
    send(&mut server, "focus", &ping);
    assert_eq!(received(&mut server, "alice").len(), 2);
    server.suspend("alice");
    send(&mut server, "focus", &ping);
    assert!(received(&mut server, "alice").is_empty());
    server.resume(Time::ZERO, "alice");
    assert_eq!(received(&mut server, "alice").len(), 1);
    server.suspend("alice");
    send(&mut server, "focus", &ping);
    received(&mut server, "");
    server.disconnect(Time::ZERO, "alice");
    let bounced = received(&mut server, "focus");
    assert_eq!(error_in(&bounced[0]).map(|e| e.0).as_deref(), Some("recipient-unavailable"));
    assert_eq!(bounced[1].get("type"), Some("unavailable"));
}

#[test]
fn who_forges_answers_first_and_changes_nothing_for_who_was_asked() {
    let mut server = server();
    for who in ["focus", "alice", "bob"] {
        join(&mut server, who);
    }
    received(&mut server, "");
    server.forges("alice", Time::from_secs(1));
    let ping = |id: &str, nick: &str| {
        format!("<iq type='get' id='{id}' to='{ROOM}/{nick}'><ping xmlns='urn:xmpp:ping'/></iq>")
    };
    send(&mut server, "focus", &ping("7", "bob"));
    let answered = |server: &mut Server| {
        let answers = received(server, "focus").into_iter();
        let text = |answer: &Element, name: &str| answer.get(name).unwrap_or_default().to_owned();
        answers.map(|it| (text(&it, "from"), text(&it, "type"), text(&it, "id"))).collect::<Vec<_>>()
    };
    let told = |from: &str, kind: &str| (from.to_owned(), kind.to_owned(), "7".to_owned());
    let forged = [told("alice@meet.test/web", "result"), told(&format!("{ROOM}/alice"), "error")];
    assert_eq!(answered(&mut server), forged);
    assert_eq!(server.unanswered("bob").len(), 1, "the question is open");
    // What it is asked itself is its own to answer.
    send(&mut server, "focus", &ping("8", "alice"));
    assert!(answered(&mut server).is_empty());
    server.forget_rules();
    send(&mut server, "focus", &ping("9", "bob"));
    assert!(answered(&mut server).is_empty());
}

#[test]
fn nobody_comes_to_a_main_room_while_a_node_is_connected() {
    let mut server = server();
    server.options.nodes = vec!["v0".into()];
    for who in ["focus", "alice"] {
        join(&mut server, who);
    }
    let mirror = server.mirror_of(ROOM, "v0");
    send(&mut server, "focus", &format!("<presence to='{mirror}/focus'><x xmlns='{}'/></presence>", ns::MUC));
    let asks = |server: &mut Server, what: &str| {
        let to = server.options.domains.visitors.clone();
        let wish = format!("<visitors xmlns='{}' room='{ROOM}'><{what} vnode='v0'/></visitors>", ns::VISITORS);
        send(server, "focus", &format!("<iq type='get' id='{what}' to='{to}'>{wish}</iq>"));
        received(server, "focus");
    };
    let enters = |server: &mut Server, who: &str| {
        join(server, who);
        received(server, who).iter().find_map(error_in)
    };
    asks(&mut server, "connect-vnode");
    assert_eq!(enters(&mut server, "bob"), Some(("not-allowed".into(), NOT_PROMOTED.into())));
    assert_eq!(enters(&mut server, "alice"), None, "she is in it");
    asks(&mut server, "disconnect-vnode");
    assert_eq!(enters(&mut server, "bob"), None);
    assert!(server.violations().is_empty(), "{:?}", server.violations());
}
