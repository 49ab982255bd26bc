//! What one input costs, counted in rooms of two sizes: it may grow with what has to be told, and with nothing else.
//!
//! Counted are memory allocations, and the entries that the core looks at in walks over conferences, members and owners of
//! sources: the same on any machine, however busy.

use jicofo::wire::stanza::{IqBody, Payload, Stanza};
use testkit::participant::media::desktop;
use testkit::participant::profile::Profile;
use testkit::room::Fate;
use testkit::scenario::Scenario;
use testkit::sources::Media;
use testkit::xml::to_text;
use testkit::{Time, ns};

use crate::authentication::{HOST, secured};
use crate::by_hand::*;
use crate::support::{FOCUS, connect, request, to_focus};

const FEW: usize = 6;
const MANY: usize = 60;

/// Something that happens in a room that is full.
type Act = (&'static str, fn(&mut Scenario));

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Cost {
    stanzas: u64,
    allocations: u64,
    walked: u64,
}

/// What each act costs the core, in a room of that size. All send; `a`, who is its owner, and `b` are the first.
fn costs(size: usize, profile: fn() -> Profile, acts: &[Act]) -> Vec<Cost> {
    let mut s = Scenario::new().recorded().bridge("jvb1").start();
    fill(&mut s, size, profile);
    measure(s, acts)
}

fn fill(s: &mut Scenario, size: usize, profile: fn() -> Profile) {
    for number in 0..size {
        let name = match number {
            0 => "a".to_owned(),
            1 => "b".to_owned(),
            _ => format!("p{number}"),
        };
        s.joins_with(&name, |p| p.profile = profile());
        s.run_for(Time::from_millis(100));
    }
    s.settle();
    assert!(s.all_connected());
}

fn measure(mut s: Scenario, acts: &[Act]) -> Vec<Cost> {
    let mut ends = vec![s.inputs()];
    for (_, act) in acts {
        act(&mut s);
        s.settle();
        ends.push(s.inputs());
    }
    assert_eq!(s.complaints(), Vec::<String>::new());
    let recording = s.take_recordings().pop().expect("it is recorded");
    let mut focus = recording.core();
    let mut costs = Vec::new();
    for (number, (at, input)) in recording.inputs.into_iter().enumerate() {
        // Which act this belongs to; what came before them is the room's growing.
        let act = ends.iter().rposition(|end| number >= *end);
        let before = focus.walked();
        let mut stanzas = 0;
        let counted = allocation_counter::measure(|| {
            focus.handle(at, input);
            while let Some(output) = focus.poll_output() {
                // Checks of bridges come when they come.
                let Some(Stanza::Iq(iq)) = output.stanza() else { continue };
                stanzas += u64::from(!matches!(iq.body, IqBody::Get(Payload::Healthcheck(_))));
            }
        });
        let Some(act) = act.filter(|act| *act < acts.len()) else { continue };
        costs.resize(act + 1, Cost { stanzas: 0, allocations: 0, walked: 0 });
        let cost: &mut Cost = &mut costs[act];
        cost.stanzas += stanzas;
        cost.allocations += counted.count_total;
        cost.walked += focus.walked() - before;
    }
    costs
}

/// Each walk over conferences counts, and there is one of them: each input may look at it a few times.
const A_FEW: u64 = 20;

/// Where the bridge tells clients of sources, there is nothing to tell anybody of most that happens.
///
/// Covers spec/90: 109.
#[test]
fn what_a_participant_does_costs_the_same_in_a_large_room_where_nobody_has_to_be_told() {
    let acts: &[Act] = &[
        ("a presence", |s| s.participant("b").mute(Media::Audio, true)),
        ("a source-add", |s| drop(s.participant("b").add_source(desktop()))),
        ("a source-remove", |s| s.participant("b").remove_source("b-v1")),
        ("a mute", |s| s.participant("a").ask_mute("b", Media::Audio, true)),
        ("a join", |s| s.joins_with("new", |p| p.profile = Profile::ssrc_rewriting())),
        ("a restart", |s| s.participant("b").restart()),
        ("a failure of ICE", |s| s.participant("new").report_ice_failed()),
        ("a leave", |s| s.participant("new").leave()),
        ("a return", |s| s.joins_with("new", |p| p.profile = Profile::ssrc_rewriting())),
    ];
    let few = costs(FEW, Profile::ssrc_rewriting, acts);
    let many = costs(MANY, Profile::ssrc_rewriting, acts);
    for ((name, _), (few, many)) in acts.iter().zip(few.iter().zip(&many)) {
        assert_eq!(few.stanzas, many.stanzas, "{name}");
        assert!(many.allocations <= few.allocations + few.allocations / 8 + 16, "{name}: {few:?} {many:?}");
        assert!(many.walked <= few.walked.max(A_FEW), "{name}: {few:?} {many:?}");
    }
}

/// What has to be told is encoded once: each who is told costs an envelope.
#[test]
fn telling_many_of_one_change_costs_the_same_for_each_of_them() {
    let acts: &[Act] = &[
        ("a source-add", |s| drop(s.participant("b").add_source(desktop()))),
        ("a source-remove", |s| s.participant("b").remove_source("b-v1")),
    ];
    let few = costs(FEW, Profile::current, acts);
    let many = costs(MANY, Profile::current, acts);
    for ((name, _), (few, many)) in acts.iter().zip(few.iter().zip(&many)) {
        let more = many.stanzas - few.stanzas;
        assert!(more as usize >= MANY - FEW, "{name}: everybody is told");
        let each = (many.allocations - few.allocations) as f64 / more as f64;
        assert!(each < 12.0, "{name}: {each} allocations for each stanza");
        // Each who is told is looked at once.
        assert!(many.walked <= few.walked.max(A_FEW) + more, "{name}: {few:?} {many:?}");
    }
}

/// Where changes are collected, only the first has everybody's flush scheduled: those that follow look at nobody.
///
/// Covers spec/90: 109.
#[test]
fn a_change_while_changes_are_collected_costs_the_same_in_a_large_room() {
    let collecting = |size: usize| {
        let mut s = Scenario::new().recorded().bridge("jvb1");
        let delays = [(0, Time::ZERO), (FEW as u32, Time::from_secs(600))];
        s = s.config(move |config| config.conference.source_signaling_delays.0 = delays.into());
        let mut s = s.start();
        fill(&mut s, size, Profile::current);
        drop(s.participant("a").add_source(desktop()));
        drop(s.participant("b").add_source(desktop()));
        s.settle();
        measure(
            s,
            &[
                ("a source-remove", |s| s.participant("b").remove_source("b-v1")),
                ("a source-add", |s| drop(s.participant("b").add_source(desktop()))),
                ("a source-remove of another", |s| s.participant("a").remove_source("a-v1")),
            ],
        )
    };
    for (few, many) in collecting(FEW).iter().zip(&collecting(MANY)) {
        assert_eq!(few.stanzas, many.stanzas, "nobody is told yet");
        assert!(many.allocations <= few.allocations + few.allocations / 8 + 16, "{few:?} {many:?}");
        assert!(many.walked <= few.walked.max(A_FEW), "{few:?} {many:?}");
    }
}

/// Sources are looked up, not sought, among those of all others: accepted ones, and those that are somebody else's.
///
/// Covers spec/90: 110.
#[test]
fn a_source_is_checked_against_those_of_all_senders_at_the_same_cost_however_many_send() {
    let acts: &[Act] = &[
        ("six sources in four groups", |s| s.participant("b").announce(simulcast("b-2"))),
        ("the same again", |s| {
            s.participant("b").announce(simulcast("b-2"));
            s.settle();
            assert_eq!(s.participant("b").take_refusals().len(), 1);
        }),
        ("somebody else's", |s| {
            let theirs = s.view("a").own().clone();
            let sid = sid(s, "b");
            let source = &theirs.sources[0];
            let xml = source_xml(&format!("ssrc='{}'", source.ssrc), source.msid.as_deref());
            say(s, "b", "source-add", &sid, &content(source.media.name(), &xml));
            say(s, "b", "source-remove", &sid, &content(source.media.name(), &xml));
            assert_eq!(s.participant("b").take_refusals().len(), 2);
        }),
        ("what was added", |s| s.participant("b").withdraw(&[1, 2, 3, 4, 5, 6, 7])),
    ];
    let few = costs(FEW, Profile::ssrc_rewriting, acts);
    let many = costs(MANY, Profile::ssrc_rewriting, acts);
    for ((name, _), (few, many)) in acts.iter().zip(few.iter().zip(&many)) {
        assert!(many.allocations <= few.allocations + few.allocations / 8 + 16, "{name}: {few:?} {many:?}");
        assert!(many.walked <= few.walked.max(A_FEW), "{name}: {few:?} {many:?}");
    }
}

/// The bridge hears nothing of what everybody begins to send: it is told again of each, which takes as long as there are many.
#[test]
fn what_bridges_do_not_answer_is_kept_at_the_same_cost_for_each_however_much_that_is() {
    let costs = |size: usize| {
        let mut s = Scenario::new().recorded().bridge("jvb1").start();
        fill(&mut s, size, Profile::ssrc_rewriting);
        s.run_for(Time::from_secs(5));
        s.accident(size, Fate::IsLost, |d| d.to == "jvb1" && to_text(&d.stanza).contains("desktop"));
        let names: Vec<String> = s.participants().map(|it| it.nick().to_owned()).collect();
        for name in &names {
            drop(s.participant(name).add_source(desktop()));
            s.run_for(Time::from_millis(5));
        }
        s.run_for(Time::from_millis(14_500));
        // They are given up one after the other, and all told again a second later.
        measure(s, &[("what was lost", |s| s.run_for(Time::from_secs(3)))])[0]
    };
    let (few, many) = (costs(FEW), costs(MANY));
    assert_eq!((few.stanzas, many.stanzas), (FEW as u64, MANY as u64));
    let each = (many.allocations - few.allocations) / (MANY - FEW) as u64;
    assert!(each < 60, "{each} allocations for each: {few:?} {many:?}");
    // Once when they are told, and once more for each twenty who have to wait for their turn.
    assert!(many.walked <= A_FEW + 4 * MANY as u64, "{few:?} {many:?}");
}

/// The host asks for a room, on one of his machines.
fn asks(s: &mut Scenario, room: &str, machine: &str) {
    let child = format!("<conference xmlns='{}' room='{room}' machine-uid='{machine}'/>", ns::FOCUS);
    request(s, "host", &format!("of-{machine}"), &child);
    s.run_for(Time::from_millis(100));
}

/// A host who is in a room already logs in again: whether he is in any of the others is looked up.
///
/// Covers spec/90: 109.
#[test]
fn a_request_costs_the_same_however_many_rooms_there_are() {
    let costs = |rooms: usize| {
        let mut s = Scenario::new().config(secured).recorded().bridge("jvb1").start();
        connect(&mut s, "host", HOST);
        for number in 0..rooms {
            let room = format!("room{number}@conference.meet.test");
            asks(&mut s, &room, &format!("m{number}"));
            for nick in ["x", "y", "z"] {
                let item = format!("<item affiliation='none' role='participant' jid='{nick}{number}@meet.test/web'/>");
                let user = format!("<x xmlns='{}'>{item}</x>", ns::MUC_USER);
                to_focus(&mut s, &format!("<presence from='{room}/{nick}' to='{FOCUS}'>{user}</presence>"));
            }
        }
        s.run_for(Time::from_secs(60));
        s.server().take_violations();
        let again: &[Act] = &[("a request", |s| asks(s, "room0@conference.meet.test", "again"))];
        measure(s, again)[0]
    };
    let (few, many) = (costs(2), costs(40));
    assert!(many.allocations <= few.allocations + few.allocations / 8 + 16, "{few:?} {many:?}");
    assert!(many.walked <= few.walked.max(4), "{few:?} {many:?}");
}
