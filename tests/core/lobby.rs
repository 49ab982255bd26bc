//! The lobby: a room for members only, and those who wait to be let in.

use testkit::Time;
use testkit::ns;
use testkit::ns::JITMEET_AUDIO;
use testkit::participant::Place;
use testkit::scenario::Scenario;
use testkit::wire_log::Wire;

use crate::support::*;

/// A room with a lobby; alice leads it.
fn closed(people: &[&str]) -> Scenario {
    let mut s = people.iter().fold(Scenario::new().bridge("jvb1"), |builder, name| builder.participant(name)).start();
    s.run_until(|s| s.participants().all(|it| it.place() == Place::InRoom));
    s.settle();
    s.participant("alice").set_members_only(true);
    s.settle();
    s
}

/// A guest asks for the conference, is told that it is ready, and is not let in.
fn knocks(s: &mut Scenario, name: &str) {
    s.joins(name);
    s.settle();
    let refused: Vec<String> = s.participant(name).take_refusals().into_iter().map(|it| it.condition).collect();
    assert_eq!(refused, ["registration-required"]);
    assert_eq!(of_conference(s.view(name).conference_answers().last().unwrap(), "ready"), Some("true"));
    let lobby = s.view_server().lobby_of(ROOM);
    s.participant(name).knock(&lobby);
    s.settle();
}

/// What the focus said since then that was not about bridges' health.
fn said(s: &Scenario, since: Time) -> Vec<String> {
    s.said().since(since).iter().map(outline).filter(|line| !line.contains("healthcheck")).collect()
}

#[test]
fn a_guest_waits_in_the_lobby_and_is_invited_when_it_is_let_in() {
    let mut s = closed(&["alice"]);
    let now = s.now();
    knocks(&mut s, "bob");
    let lobby = s.view_server().lobby_of(ROOM);
    assert_eq!(s.view_server().room(&lobby).unwrap().occupants.keys().collect::<Vec<_>>(), ["bob"]);
    // For the focus nobody has come: it answered a request, that is all.
    assert_eq!(said(&s, now), ["iq result focus"]);
    assert_eq!((s.focus().gauges().members, s.focus().gauges().participants), (1, 0));
    // However long it takes.
    s.run_for(Time::from_secs(120));
    assert_eq!((s.focus().gauges().members, offers(&s, "alice")), (1, 0));
    let jid = s.view("bob").settings.jid.clone();
    s.participant("alice").let_in(&jid);
    s.settle();
    assert_eq!((s.focus().gauges().members, offers(&s, "alice")), (1, 0), "it may come, and has not yet");
    s.participant("bob").request_conference();
    s.run_until(Scenario::all_connected);
    s.settle();
    assert_eq!((offers(&s, "alice"), offers(&s, "bob"), grants(&s, ROOM)), (1, 1, vec!["alice@meet.test".into()]));
    // A member of the room is an ordinary participant.
    s.participant("bob").ask_mute_of(JITMEET_AUDIO, "alice", true);
    s.settle();
    assert_eq!(s.participant("bob").take_refusals()[0].condition, "not-allowed");
    s.finish();
}

#[test]
fn whoever_is_not_let_in_is_nobody_here() {
    let mut s = closed(&["alice", "bob"]);
    s.run_until(Scenario::all_connected);
    knocks(&mut s, "eve");
    // From the lobby, as from anywhere outside, nothing can be done to the room.
    let now = s.now();
    let focus = format!("{ROOM}/focus");
    let target = format!("{ROOM}/bob");
    for (index, to) in [focus.as_str(), FOCUS, "focus.meet.test"].into_iter().enumerate() {
        let mute = format!("<mute xmlns='{JITMEET_AUDIO}' jid='{target}'>true</mute>");
        s.inject("eve", &format!("<iq type='set' id='lobby-{index}' to='{to}'>{mute}</iq>"));
    }
    s.settle();
    assert!(s.said().since(now).request("mute").is_empty());
    assert!(s.view("bob").mute_requests().is_empty());
    let conditions: Vec<String> = (0..3).map(|index| error(&only(&s, "eve", &format!("lobby-{index}"))).0).collect();
    assert_eq!(conditions, ["not-acceptable", "item-not-found", "item-not-found"]);
    s.participant("eve").take_violations();
    s.finish();
}

#[test]
fn a_lobby_that_opens_and_closes_while_people_meet_changes_nothing_for_them() {
    let mut s = closed(&["alice", "bob"]);
    s.run_until(Scenario::all_connected);
    s.settle();
    let now = s.now();
    s.participant("alice").set_members_only(false);
    s.settle();
    s.participant("alice").set_members_only(true);
    s.settle();
    s.participant("alice").set_members_only(false);
    s.settle();
    assert_eq!(said(&s, now), Vec::<String>::new());
    s.joins("carol");
    s.run_until(Scenario::all_connected);
    assert_eq!((offers(&s, "alice"), offers(&s, "bob"), offers(&s, "carol")), (1, 1, 1));
    s.finish();
}

/// The focus gets into a room for members only: it owns it.
#[test]
fn the_focus_comes_back_into_a_room_with_a_lobby() {
    let mut s = closed(&["alice", "bob"]);
    s.run_until(Scenario::all_connected);
    s.settle();
    s.focus_is_replaced();
    s.joins("alice");
    s.joins("bob");
    s.run_until(Scenario::all_connected);
    s.settle();
    assert_eq!(s.focus().gauges().participants, 2);
    knocks(&mut s, "carol");
    assert_eq!(s.focus().gauges().members, 2);
}

/// All leave while somebody waits: the meeting ends, and the lobby with it.
#[test]
fn a_meeting_ends_though_somebody_waits_outside() {
    let mut s = closed(&["alice"]);
    knocks(&mut s, "bob");
    s.participant("alice").leave();
    s.settle();
    assert_eq!((s.focus().gauges().conferences, leaves(&s, ROOM).count()), (0, 1));
    assert!(s.view_server().rooms().keys().all(|room| room.starts_with("jvbbrewery@")));
    s.finish();
}

/// What the focus is told when a lobby opens or closes, in short.
fn told(s: &Scenario, since: Time) -> Vec<String> {
    let word = |wire: &Wire| {
        let text = wire.text();
        let words = ["LOBBY-ENABLED", "lobbyEnabled", "status"];
        words.into_iter().find(|word| text.contains(word)).unwrap_or("?").to_owned()
    };
    s.sent_to("focus").since(since).filter(|wire| wire.stanza.name() == "message").iter().map(word).collect()
}

fn has_lobby(s: &Scenario) -> Option<bool> {
    Some(s.focus().metadata_of(ROOM)?.lobby_enabled)
}

/// Covers spec/20: 51, 54.
#[test]
fn a_lobby_is_what_the_metadata_says_and_nothing_is_said_of_it() {
    let mut s = Scenario::new().bridge("jvb1").participant("alice").start();
    s.run_until(|s| s.view("alice").place() == Place::InRoom);
    s.settle();
    assert_eq!(has_lobby(&s), Some(false));
    let now = s.now();
    s.participant("alice").set_members_only(true);
    s.settle();
    assert_eq!(told(&s, now), ["LOBBY-ENABLED", "lobbyEnabled", "status"]);
    assert_eq!((has_lobby(&s), said(&s, now)), (Some(true), vec![]));

    let now = s.now();
    knocks(&mut s, "bob");
    assert_eq!(said(&s, now), ["iq result focus"]);
    let now = s.now();
    s.participant("alice").set_members_only(false);
    s.settle();
    assert_eq!(told(&s, now), ["lobbyEnabled", "LOBBY-ENABLED", "status"]);
    assert_eq!((has_lobby(&s), said(&s, now)), (Some(false), vec![]));
    // What its occupants say of it, and that the room has changed, counts for nothing.
    for kind in ["groupchat", "normal"] {
        let json = r#"{"type":"lobby-notify","event":"LOBBY-ENABLED","value":true,"lobbyEnabled":true}"#;
        let json = format!("<json-message xmlns='{}' room='{ROOM}'>{json}</json-message>", ns::JITMEET);
        to_focus(&mut s, &format!("<message type='{kind}' from='{ROOM}/alice' to='{FOCUS}'>{json}</message>"));
    }
    assert_eq!(has_lobby(&s), Some(false));

    s.participant("alice").set_members_only(true);
    s.settle();
    let now = s.now();
    s.participant("alice").leave();
    s.settle();
    assert_eq!(said(&s, now), ["presence unavailable "], "a plain leave, and no bridge hears of anything");
    assert_eq!(has_lobby(&s), None);
    s.finish();
}
