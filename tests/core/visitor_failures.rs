//! Visitor nodes that fail, and the end of conferences with visitors (spec/60 §6.3, §6.7, §6.13, §6.14).

use jicofo::focus::NodeId;
use testkit::Time;
use testkit::participant::Place;
use testkit::room::Fate;
use testkit::scenario::Scenario;
use testkit::xml::Read;

use crate::support::*;
use crate::visitors::*;

const V0: NodeId = NodeId(0);

/// One participant, and a visitor on `v0`.
fn with_a_visitor() -> Scenario {
    let mut s = one_node(1).participant("alice").start();
    s.settle();
    s.joins("vera");
    s.run_until(|s| s.all_connected());
    s
}

/// Whether everything that was said to `first` was said before everything to `then`.
fn before(s: &Scenario, first: &testkit::wire_log::Query<'_>, then: &testkit::wire_log::Query<'_>) {
    assert!(!first.is_empty() && !then.is_empty() && first.come_before(then), "{}", s.story());
}

/// Covers spec/60: 41; spec/90: 105.
#[test]
fn at_the_end_visitors_are_told_before_any_room_is_left() {
    // The answer comes; it does not.
    for lost in [false, true] {
        let mut s =
            with_limit(1).config(|config| config.visitors.max_visitors_per_node = 1).participant("alice").start();
        s.settle();
        for name in ["vera", "will"] {
            s.joins(name);
            s.settle();
        }
        s.run_until(|s| s.all_connected());
        assert_ne!(answered(&s, "vera").0, answered(&s, "will").0);
        let begin = s.now();
        if lost {
            s.accident(1, Fate::IsLost, |d| d.to == "focus" && d.stanza.get("from") == Some(COMPONENT));
        }
        s.participant("alice").leave();
        s.run_for(Time::from_secs(1));
        assert_eq!(told_component(&s).pop().as_deref(), Some("disconnect-vnode v0, disconnect-vnode v1"));
        if lost {
            assert_eq!(leaves(&s, ROOM).count(), 0, "the answer is awaited");
            connect(&mut s, "g", "g1@guest.meet.test/r1");
            let early = answer_to(&mut s, "g", ROOM);
            assert_eq!((of_conference(&early, "ready"), of_conference(&early, "vnode")), (Some("false"), None));
            s.run_for(Time::from_secs(15));
        }
        assert_eq!(leaves(&s, ROOM).count(), 1, "{lost}");
        let disconnect = said_to(&s, COMPONENT).since(begin);
        before(&s, &disconnect, &leaves(&s, ROOM));
        // Their node destroyed these rooms when it was told.
        assert_eq!((leaves(&s, MIRROR).count(), leaves(&s, MIRROR1).count()), (0, 0));
        assert_eq!(s.view("vera").place(), Place::Left);
        assert_eq!(s.focus().gauges().visitors, 0);
        let bridge = s.said().containing("colibri2").since(begin);
        before(&s, &bridge, &disconnect);
        s.finish();
    }
}

/// Where the nodes do not destroy the rooms by themselves they are left, before the main room.
/// Covers spec/90: 105.
#[test]
fn rooms_of_visitors_are_left_before_the_main_room() {
    let mut s = with_a_visitor();
    // The component hears nothing any more, so nobody destroys anything.
    s.server().options.silent_visitors = true;
    s.participant("alice").leave();
    s.run_for(Time::from_secs(14));
    assert_eq!((leaves(&s, MIRROR).count(), leaves(&s, ROOM).count()), (0, 0));
    s.run_for(Time::from_secs(2));
    before(&s, &leaves(&s, MIRROR), &leaves(&s, ROOM));
    s.participant("vera").leave();
    s.finish();
}

/// Covers spec/60: 42; spec/20: 43.
#[test]
fn a_destroyed_room_of_visitors_is_over_and_begun_anew() {
    let mut s = with_a_visitor();
    // Participants are mirrored there; they are none of the conference's.
    let mirrored = format!(
        "<presence from='{MIRROR}/alice2' to='focus@auth.v0.meet.test/focus'>\
         <x xmlns='http://jabber.org/protocol/muc#user'><item affiliation='none' role='participant' \
         jid='alice2@meet.test/web'/></x></presence>"
    );
    let now = s.now();
    s.server().send(now, "focus/visitors/0", testkit::xml::parse(&mirrored).unwrap());
    s.settle();
    assert_eq!(s.focus().gauges().members, 2);
    let now = s.now();
    s.server().close_mirror(now, ROOM, "v0");
    s.settle();
    assert_eq!(told_component(&s), ["connect-vnode v0", "disconnect-vnode v0"]);
    assert_eq!(leaves(&s, MIRROR).count(), 0, "nobody leaves a room that is gone");
    assert!(s.view_bridge("jvb1").endpoint("vera").is_none(), "her endpoint is expired");
    let gauges = s.focus().gauges();
    assert_eq!((gauges.visitors, gauges.members, gauges.conferences), (0, 1, 1));
    // The threshold decides again: alice alone is as many as there may be.
    s.joins("will");
    s.run_until(|s| s.view("will").connected());
    assert_eq!(answered(&s, "will"), node("v0"));
    assert_eq!(joins(&s, MIRROR).count(), 2);
    assert_eq!(told_component(&s)[2..], ["connect-vnode v0"]);
    s.run_for(Time::from_secs(20));
    assert_eq!(s.view("alice").property("visitor-count").as_deref(), Some("1"));
    // It is empty again, and then below the limit.
    s.participant("will").leave();
    let now = s.now();
    s.server().close_mirror(now, ROOM, "v0");
    s.settle();
    metadata(&mut s, ROOM, &serde_json::json!({ "participantsSoftLimit": 5 }));
    s.joins("bob");
    s.run_until(|s| s.view("bob").connected());
    assert_eq!(answered(&s, "bob"), main_room());
    s.finish();
}

#[test]
fn whoever_puts_the_focus_out_of_a_room_of_visitors_ends_it() {
    let mut s = with_a_visitor();
    let now = s.now();
    s.server().put_out(now, MIRROR, "focus", &["307"]);
    s.settle();
    assert_eq!(told_component(&s), ["connect-vnode v0", "disconnect-vnode v0"]);
    assert_eq!((leaves(&s, MIRROR).count(), s.focus().gauges().visitors), (0, 0));
    s.finish();
}

/// Covers spec/60: 43.
#[test]
fn a_room_of_visitors_that_cannot_be_entered_sends_them_to_another_node() {
    let refused = || ("not-allowed".to_owned(), "Room creation is restricted".to_owned());
    let mut s = with_limit(1).server(|server| _ = server.nodes_refuse_focus.insert("v0".into(), refused())).start();
    s.joins("alice");
    s.settle();
    for name in ["vera", "will", "xena"] {
        s.joins(name);
        s.run_until(|s| s.view(name).connected());
        assert_eq!(answered(&s, name), node("v1"));
    }
    s.finish();

    // There is no other.
    let mut s = one_node(1).server(|server| _ = server.nodes_refuse_focus.insert("v0".into(), refused())).start();
    s.joins("alice");
    s.settle();
    s.joins("vera");
    s.settle();
    assert_eq!(answered(&s, "vera"), (None, "false".to_owned(), None));
    let problems: Vec<String> =
        s.focus().problems().iter().map(|it| format!("{} {}", it.kind.id(), it.subject)).collect();
    assert!(problems.contains(&"visitors-off v0".to_owned()), "{problems:?}");
    assert_eq!((leaves(&s, MIRROR).count(), told_component(&s).len()), (0, 0));
    // She asks again by herself, and by then the node has been mended.
    s.server().options.nodes_refuse_focus.clear();
    s.run_until(|s| s.view("vera").connected());
    assert_eq!(answered(&s, "vera"), node("v0"));
    assert!(s.focus().problems().iter().all(|it| it.kind.id() != "visitors-off"));
    s.finish();
}

/// Covers spec/60: 43.
#[test]
fn a_node_that_says_nothing_is_left_for_another() {
    let mut s = one_node(1).start();
    s.joins("alice");
    s.settle();
    s.accident(usize::MAX, Fate::IsLost, |d| d.to == "focus/visitors/0" && d.stanza.name() == "presence");
    s.joins("vera");
    s.joins("will");
    s.run_for(Time::from_secs(14));
    assert_eq!(s.view("vera").conference_answers().len(), 0);
    assert_eq!(joins(&s, MIRROR).count(), 1, "both wait for the same");
    s.run_for(Time::from_secs(2));
    for name in ["vera", "will"] {
        assert_eq!(s.view(name).conference_answers().len(), 1);
    }
    assert_eq!(leaves(&s, MIRROR).count(), 1, "the server may have let us in");
    s.server().forget_rules();
    s.run_until(|s| s.all_connected() || s.view("vera").connected());
    s.run_until(|s| s.view("will").connected());
    s.finish();
}

/// Covers spec/60: 44.
#[test]
fn a_node_that_forgot_us_has_its_visitors_come_anew() {
    let mut s = with_a_visitor();
    s.node_logs_in_anew(V0);
    s.settle();
    assert_eq!(told_component(&s), ["connect-vnode v0", "disconnect-vnode v0"]);
    assert!(s.view_bridge("jvb1").endpoint("vera").is_none());
    assert_eq!(s.focus().gauges().visitors, 0);
    s.joins("will");
    s.run_until(|s| s.view("will").connected());
    assert_eq!((answered(&s, "will"), joins(&s, MIRROR).count()), (node("v0"), 2));
    assert_eq!(told_component(&s)[2..], ["connect-vnode v0"]);
    s.finish();
}

#[test]
fn a_node_that_comes_back_in_time_has_lost_nothing() {
    let mut s = with_a_visitor();
    s.node_is_cut_off(V0);
    s.run_for(Time::from_secs(5));
    // Nobody is sent there meanwhile, nor to the main room, where Prosody lets nobody in while a node is connected.
    s.joins("will");
    s.settle();
    assert_eq!(answered(&s, "will"), (None, "false".to_owned(), None));
    s.node_resumes(V0);
    s.settle();
    assert!(s.view("vera").connected());
    assert_eq!(told_component(&s), ["connect-vnode v0"]);
    s.joins("xena");
    s.run_until(|s| s.view("xena").connected() && s.view("will").connected());
    assert_eq!((answered(&s, "will"), answered(&s, "xena")), (node("v0"), node("v0")));
    s.finish();
}

#[test]
fn a_node_that_stays_away_is_given_up() {
    let mut s = with_a_visitor();
    s.node_is_cut_off(V0);
    s.run_for(Time::from_secs(16));
    assert_eq!(s.focus().gauges().visitors, 0);
    assert_eq!(told_component(&s), ["connect-vnode v0", "disconnect-vnode v0"]);
    assert!(s.view_bridge("jvb1").endpoint("vera").is_none());
    s.node_logs_in_anew(V0);
    s.joins("will");
    s.run_until(|s| s.view("will").connected());
    assert_eq!(answered(&s, "will"), node("v0"));
    s.finish();
}

#[test]
fn the_end_of_the_main_connection_leaves_the_rooms_of_visitors() {
    let mut s = with_a_visitor();
    s.focus_logs_in_anew();
    s.settle();
    assert_eq!((leaves(&s, MIRROR).count(), s.focus().gauges().conferences), (1, 0));
    let told = told_component(&s);
    assert_eq!(told, ["connect-vnode v0"], "nobody is there to tell it to");
    // The bridge lets go of the conference by itself.
    assert_eq!(s.complaints(), Vec::<String>::new());
}

/// Vera waits outside of a room of visitors that Prosody was asked to connect, which it has not heard; from now on it hears.
fn whose_connect_was_lost() -> Scenario {
    let mut s = one_node(1).start();
    s.joins("alice");
    s.settle();
    s.server().options.silent_visitors = true;
    s.joins("vera");
    s.run_for(Time::from_secs(10));
    assert_eq!(s.view("vera").conference_answers().len(), 0, "nobody would let her in");
    s.server().options.silent_visitors = false;
    s
}

#[test]
fn a_connect_that_nobody_answered_is_asked_again() {
    let mut s = whose_connect_was_lost();
    s.run_until(|s| s.view("vera").connected());
    assert_eq!(told_component(&s), ["connect-vnode v0", "connect-vnode v0"]);
    s.finish();
}

/// Somebody who waits on a node would wait for ever.
#[test]
fn a_connect_that_nobody_answered_is_asked_again_though_the_connection_was_lost_just_then() {
    let mut s = whose_connect_was_lost();
    s.focus_is_cut_off();
    s.run_for(Time::from_secs(10));
    s.focus_resumes();
    s.run_until(|s| s.view("vera").connected());
    assert_eq!(told_component(&s), ["connect-vnode v0", "connect-vnode v0"]);
    s.finish();
}

/// Prosody announces the component, and has none: whoever is sent to a node would stand before a door that stays closed.
#[test]
fn a_room_of_visitors_that_is_not_connected_makes_a_visitor_of_nobody() {
    let mut s = one_node(50).server(|server| server.refuses_nodes = true).participant("alice").start();
    s.settle();
    s.joins_with("vera", wants_to_look_on);
    s.settle();
    assert_eq!(answered(&s, "vera"), (None, "false".to_owned(), None));
    // Once, or again when she asks again; it may be connected all the same, where only the answer went wrong.
    let told = told_component(&s);
    assert_eq!(told[..2], ["connect-vnode v0", "disconnect-vnode v0"]);
    assert_eq!(leaves(&s, MIRROR).count(), told.len() / 2);
    let problem =
        s.focus().problems().iter().find(|it| it.subject == "v0").expect("a problem of the node").text.clone();
    assert!(problem.contains("Prosody refuses to connect rooms of visitors on v0"), "{problem}");
    assert!(problem.contains(&format!("Component \"{COMPONENT}\"")), "{problem}");
    s.joins("bob");
    s.run_until(|s| s.connected(&["alice", "bob"]));
    assert_eq!(answered(&s, "bob"), main_room());
    // She asks again by herself, and by then the component is there.
    s.server().options.refuses_nodes = false;
    s.run_until(|s| s.view("vera").connected());
    assert_eq!(answered(&s, "vera"), node("v0"));
    assert_eq!(s.focus().problems().iter().count(), 0);
    s.finish();
}

#[test]
fn without_the_component_there_are_no_visitors() {
    let mut s = one_node(1).server(|server| server.no_visitors = true).start();
    s.joins("alice");
    s.settle();
    s.joins_with("vera", wants_to_look_on);
    s.settle();
    assert_eq!(answered(&s, "vera"), main_room());
    let told = properties(s.view("vera").conference_answers().last().unwrap());
    assert_eq!(told.last(), Some(&pair("visitors-supported", "false")));
    assert!(s.focus().problems().iter().any(|it| it.kind.id() == "visitors-off"));
    // It is loaded later.
    s.server().options.no_visitors = false;
    s.run_for(Time::from_secs(301));
    assert!(s.focus().problems().iter().all(|it| it.kind.id() != "visitors-off"));
    s.joins_with("will", wants_to_look_on);
    s.run_until(|s| s.view("will").connected());
    assert_eq!(answered(&s, "will"), node("v0"));
    s.finish();
}

#[test]
fn where_broadcasts_are_not_automatic_a_moderator_lets_visitors_in() {
    let mut s = one_node(1).config(|config| config.visitors.auto_enable_broadcast = false).start();
    s.joins("alice");
    s.run_until(|s| s.view("alice").is_moderator());
    metadata(&mut s, ROOM, &serde_json::json!({ "participantsSoftLimit": 2 }));
    s.joins("bob");
    s.settle();
    s.joins("vera");
    s.run_for(Time::from_secs(30));
    assert_eq!((s.view("vera").place(), told_component(&s).len()), (Place::Joining, 0));
    let focus = format!("{ROOM}/focus");
    // Not everybody may, nor for another room, nor the reverse.
    s.participant("bob").send_iq("set", &focus, broadcast(true));
    s.participant("alice").send_iq("set", &focus, broadcast(false));
    let mut elsewhere = broadcast(true);
    testkit::xml::set_attr(&mut elsewhere, "room", "other@conference.meet.test");
    s.participant("alice").send_iq("set", &focus, elsewhere);
    s.settle();
    let refused: Vec<String> = s.participant("alice").take_refusals().into_iter().map(|it| it.condition).collect();
    assert_eq!(refused, ["bad-request", "bad-request"]);
    assert_eq!(s.participant("bob").take_refusals()[0].condition, "forbidden");
    assert_eq!(told_component(&s).len(), 0);
    s.participant("alice").send_iq("set", &focus, broadcast(true));
    s.run_until(|s| s.view("vera").connected());
    s.participant("alice").send_iq("set", &focus, broadcast(true));
    s.settle();
    assert_eq!(told_component(&s), ["connect-vnode v0"], "once");
    // Nodes that are used from now on are connected at once.
    let now = s.now();
    s.server().close_mirror(now, ROOM, "v0");
    s.settle();
    s.joins("will");
    s.run_until(|s| s.view("will").connected());
    assert_eq!(told_component(&s)[1..], ["disconnect-vnode v0", "connect-vnode v0"]);
    s.finish();
}

#[test]
fn visitors_who_wait_for_the_first_participant_are_kept_and_leave_when_the_last_one_has() {
    let mut s = one_node(50).server(allows_promotion).start();
    s.joins_with("vera", wants_to_look_on);
    s.run_for(Time::from_secs(60));
    assert_eq!((s.view("vera").place(), s.focus().gauges().conferences), (Place::InRoom, 1));
    s.joins_with("mona", |settings| settings.token = Some(token("u1", "x")));
    s.settle();
    assert_eq!(answered(&s, "mona"), node("v0"), "nobody is listed: all go there");
    s.participant("mona").leave();
    s.settle();
    metadata(&mut s, ROOM, &serde_json::json!({ "moderators": ["u1"] }));
    s.joins_with("mona", |settings| settings.token = Some(token("u1", "x")));
    s.run_until(|s| s.all_connected());
    assert_eq!(answered(&s, "mona"), main_room());
    s.participant("mona").leave();
    s.settle();
    assert_eq!((s.focus().gauges().conferences, s.view("vera").place()), (0, Place::Left));
    s.finish();
}

#[test]
fn visitors_who_wait_in_vain_end_the_conference_by_leaving() {
    let mut s = one_node(50).start();
    s.joins_with("vera", wants_to_look_on);
    s.run_for(Time::from_secs(60));
    s.participant("vera").leave();
    s.settle();
    assert_eq!(s.focus().gauges().conferences, 0);
    s.finish();
}

/// A visitor that takes a participant's name has no place; one whose name a participant takes makes way.
#[test]
fn two_of_one_name_are_not_one() {
    let mut s = one_node(1).server(allows_promotion).participant("alice").start();
    s.settle();
    s.joins("vera");
    s.run_until(|s| s.all_connected());
    let visitor = |nick: &str, kind: &str| {
        format!(
            "<presence from='{MIRROR}/{nick}' to='focus@auth.v0.meet.test/focus' {kind}>\
             <x xmlns='http://jabber.org/protocol/muc#user'><item affiliation='none' role='visitor' \
             jid='{nick}@v0.meet.test/web'/></x></presence>"
        )
    };
    let now = s.now();
    s.server().send(now, "focus/visitors/0", testkit::xml::parse(&visitor("alice", "")).unwrap());
    s.settle();
    assert_eq!(s.focus().gauges().members, 2);
    // It goes: alice stays.
    let now = s.now();
    s.server().send(now, "focus/visitors/0", testkit::xml::parse(&visitor("alice", "type='unavailable'")).unwrap());
    s.settle();
    assert!(s.view("alice").connected() && s.focus().gauges().members == 2);
    // The visitor of that name is there first.
    let now = s.now();
    s.server().send(now, "focus/visitors/0", testkit::xml::parse(&visitor("bob", "")).unwrap());
    s.settle();
    assert_eq!(s.focus().gauges().members, 3);
    metadata(&mut s, ROOM, &serde_json::json!({ "moderators": ["u1"] }));
    s.joins_with("bob", |settings| settings.token = Some(token("u1", "x")));
    s.run_until(|s| s.view("bob").connected());
    assert_eq!(s.focus().gauges().members, 3);
    s.finish();
}

/// The process ends in order: what can be said is said, and nothing is waited for.
#[test]
fn a_stop_leaves_all_rooms_at_once() {
    let mut s = with_a_visitor();
    s.stop_focus();
    assert_eq!(told_component(&s).pop().as_deref(), Some("disconnect-vnode v0"));
    assert_eq!((leaves(&s, MIRROR).count(), leaves(&s, ROOM).count()), (1, 1));
    s.settle();
}

/// The participants go to a breakout room, and the conference waits for that; a visitor who leaves meanwhile ends nothing.
#[test]
fn a_visitor_who_leaves_ends_nothing_while_participants_change_rooms() {
    let breakout = "b1@breakout.meet.test";
    let mut s = one_node(1).server(|server| _ = server.breakouts.insert(breakout.into(), ROOM.into())).start();
    s.joins("alice");
    s.settle();
    for name in ["vera", "will"] {
        s.joins(name);
    }
    s.run_until(|s| s.all_connected());
    s.participant("alice").leave_with_status("switch_room");
    s.run_for(Time::from_secs(1));
    s.participant("will").leave();
    s.run_for(Time::from_secs(1));
    assert_eq!((s.focus().gauges().conferences, s.view("vera").place()), (1, Place::InRoom));
    s.joins_with("alice", |settings| settings.room = breakout.into());
    s.run_for(Time::from_secs(30));
    assert_eq!((s.focus().gauges().conferences, s.view("vera").place()), (2, Place::InRoom));
    s.participant("alice").leave();
    s.settle();
    assert_eq!((s.focus().gauges().conferences, s.view("vera").place()), (0, Place::Left));
    s.finish();
}

/// Requests that wait for a room of visitors are answered when the conference ends.
#[test]
fn whoever_waits_for_a_room_of_visitors_is_answered_at_the_end() {
    let mut s = one_node(1).start();
    s.joins("alice");
    s.settle();
    s.accident(usize::MAX, Fate::IsLost, |d| d.to == "focus/visitors/0" && d.stanza.name() == "presence");
    s.joins("vera");
    s.run_for(Time::from_secs(2));
    assert_eq!(s.view("vera").conference_answers().len(), 0);
    s.participant("alice").leave();
    s.run_for(Time::from_millis(100));
    assert_eq!(answered(&s, "vera"), (None, "false".to_owned(), None));
    assert_eq!((leaves(&s, MIRROR).count(), leaves(&s, ROOM).count(), told_component(&s).len()), (1, 1, 0));
    s.server().forget_rules();
    s.run_until(|s| s.view("vera").connected() || s.view("vera").place() == Place::InRoom);
    s.finish();
}

/// An error of ours in the midst of it costs the conference at most: whoever waits is answered once, and all rooms are left.
/// The room on the node has outlived the focus that began it, with somebody in it.
#[test]
fn whoever_waits_for_a_room_of_visitors_is_answered_when_the_conference_ends_with_its_last_visitor() {
    // Which of the two nodes is taken is drawn: the same one, twice.
    let of_seed = |seed| {
        let mut s = with_limit(50).seed(seed).start();
        s.joins_with("vera", wants_to_look_on);
        s.run_until(|s| s.view("vera").place() == Place::InRoom);
        let node = answered(&s, "vera").0.expect("a node");
        s.focus_is_replaced();
        s.server().options.silent_visitors = true;
        s.joins_with("wilma", wants_to_look_on);
        s.settle();
        let mirror = format!("room@conference.{node}.meet.test");
        (joins(&s, &mirror).count() == 2).then_some((s, node))
    };
    let (mut s, node) = (1..20).find_map(of_seed).expect("one of them");
    assert_eq!((s.focus().gauges().members, s.view("wilma").conference_answers().len()), (1, 0));
    let now = s.now();
    s.server().close_mirror(now, ROOM, &node);
    s.settle();
    assert_eq!(answered(&s, "wilma"), (None, "false".to_owned(), None));
    s.server().options.silent_visitors = false;
    s.run_until(|s| s.view("wilma").place() == Place::InRoom);
    s.participant("wilma").leave();
    s.finish();
}

#[test]
fn an_error_of_ours_leaves_nobody_without_an_answer() {
    let mut failures = 0;
    for stanzas in 0..60 {
        let mut s = one_node(1).latency(Time::from_millis(20), Time::from_millis(10)).start();
        s.joins("alice");
        s.settle();
        s.sabotage(stanzas);
        s.joins("vera");
        s.joins("will");
        s.settle();
        s.participant("alice").leave();
        s.run_for(Time::from_secs(60));
        let mut wrong = s.focus().audit();
        wrong.extend(s.complaints().into_iter().filter(|it| it.contains("never answered") || it.contains("not open")));
        assert!(wrong.is_empty(), "after {stanzas}: {wrong:?}\n{}", s.story());
        failures += s.failures();
    }
    assert!(failures > 30, "{failures}");
}

/// What the old stream took with it may have to be made good on a node, where that fails; the new one stands all the same.
#[test]
fn an_error_of_ours_while_the_main_connection_is_set_up_leaves_a_focus_that_serves() {
    let mut failures = 0;
    for stanzas in 0..8 {
        let mut s = with_a_visitor();
        s.server().options.silent_visitors = true;
        s.participant("alice").leave();
        s.run_for(Time::from_millis(100));
        assert_eq!(leaves(&s, MIRROR).count(), 0, "until the server has let its visitors go");
        s.focus_is_cut_off();
        s.sabotage(stanzas);
        s.focus_logs_in_anew();
        s.server().options.silent_visitors = false;
        s.run_for(Time::from_secs(20));
        assert_eq!(leaves(&s, MIRROR).count(), 1, "{stanzas}");
        failures += s.failures();
        for name in ["bob", "carol"] {
            s.joins(name);
        }
        s.run_until(|s| s.view("bob").connected() && s.view("carol").connected());
        assert_eq!(s.focus().audit(), Vec::<String>::new(), "{stanzas}");
    }
    assert!(failures > 3, "{failures}");
}

/// Whoever looked on from a node that lost us would come back to it again and again.
#[test]
fn an_error_of_ours_while_a_node_is_lost_leaves_no_room_of_visitors_connected() {
    let mut failures = 0;
    for stanzas in 0..6 {
        let mut s = with_a_visitor();
        s.node_is_cut_off(V0);
        s.run_for(Time::from_secs(1));
        s.sabotage(stanzas);
        s.node_logs_in_anew(V0);
        s.run_for(Time::from_secs(20));
        failures += s.failures();
        assert_eq!(told_component(&s), ["connect-vnode v0", "disconnect-vnode v0"], "{stanzas}");
        assert_eq!(s.complaints(), Vec::<String>::new(), "{stanzas}");
        assert_eq!(s.focus().audit(), Vec::<String>::new(), "{stanzas}");
    }
    assert!(failures > 0);
}

/// What is said in a stream that is broken arrives when it is resumed: a room of visitors that is left before brings them back
/// again and again.
#[test]
fn rooms_of_visitors_are_left_when_the_main_connection_is_back() {
    let mut s = with_a_visitor();
    s.focus_is_cut_off();
    s.run_for(Time::from_secs(70));
    assert_eq!(s.focus().gauges().conferences, 0, "it was away for too long");
    assert_eq!(leaves(&s, MIRROR).count(), 0);
    s.focus_resumes();
    s.run_for(Time::from_secs(2));
    assert_eq!(told_component(&s), ["connect-vnode v0", "disconnect-vnode v0"]);
    assert!(!s.view_server().rooms().contains_key(MIRROR) && leaves(&s, ROOM).count() == 1);
    // Whose end is told again, though it has arrived.
    let errors = s.bridge("jvb1").take_errors();
    assert!(errors.iter().all(|it| it.text.starts_with("Conference not found")), "{errors:?}");
    assert_eq!(s.complaints(), Vec::<String>::new());
}

/// They share their capabilities: one is asked for both, and the other is not asked in its place in a room that is no more.
#[test]
fn whoever_was_in_a_lost_room_of_visitors_is_not_asked_what_he_supports() {
    let mut s = one_node(1).participant("alice").start();
    s.settle();
    for name in ["vera", "will"] {
        s.joins_with(name, |settings| {
            settings.answers_disco = false;
            settings.profile.node = "https://jitsi.org/another";
        });
    }
    s.run_for(Time::from_millis(500));
    assert_eq!(s.sent_to("vera").request("query").count() + s.sent_to("will").request("query").count(), 1);
    let now = s.now();
    s.node_is_cut_off(V0);
    s.node_logs_in_anew(V0);
    s.run_for(Time::from_secs(5));
    assert_eq!(s.said().since(now).request("query").containing("another").count(), 0);
    assert_eq!(s.complaints(), Vec::<String>::new());
}

/// The one asked for all is the last one in the main room, whose leave is the end for those who look on, too.
#[test]
fn nobody_is_asked_what_he_supports_in_a_conference_that_has_just_ended() {
    let mut s = one_node(1).start();
    for name in ["alice", "vera"] {
        s.joins_with(name, |settings| settings.answers_disco = false);
        s.run_for(Time::from_millis(500));
    }
    assert_eq!(s.sent_to("alice").request("query").count() + s.sent_to("vera").request("query").count(), 1);
    let now = s.now();
    s.participant("alice").leave();
    s.run_for(Time::from_secs(1));
    assert_eq!(s.focus().gauges().conferences, 0);
    assert_eq!(s.sent_to("vera").since(now).request("query").count(), 0);
    assert_eq!(s.complaints(), Vec::<String>::new());
}
