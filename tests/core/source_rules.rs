//! What participants may say of their sources, and what is refused.

use std::fmt::Write as _;
use std::time::Instant;

use testkit::scenario::Scenario;
use testkit::sources::{Media, Source, Sources};
use testkit::xml::Read;
use testkit::{Time, ns};

use crate::by_hand::*;

fn add(s: &mut Scenario, who: &str, contents: &str) {
    let sid = sid(s, who);
    say(s, who, "source-add", &sid, contents);
}

fn remove(s: &mut Scenario, who: &str, contents: &str) {
    let sid = sid(s, who);
    say(s, who, "source-remove", &sid, contents);
}

/// What the bridge was told last of an endpoint: all SSRCs.
fn on_bridge(s: &Scenario, who: &str) -> Vec<u32> {
    let endpoint = s.view_bridge("jvb1").endpoint(who).expect("an endpoint");
    endpoint.sources.sources.iter().map(|source| source.ssrc).collect()
}

/// Covers spec/30: 16.
#[test]
fn an_ssrc_has_32_bits_and_is_not_0() {
    let mut s = met(silent_pair());
    let refused = [("ssrc='0'", "0"), ("ssrc='4294967296'", "4294967296"), ("", "-1")];
    for (attributes, text) in refused {
        add(&mut s, "alice", &content("audio", &source_xml(attributes, None)));
        assert_eq!(refusal(&mut s, "alice"), bad_request(&format!("Invalid SSRC: {text}.")));
        assert_eq!(last_error_type(&s, "alice"), "modify");
    }
    assert!(s.sent_to("bob").jingle("source-add").is_empty());
    s.participant("alice").announce(audio(u32::MAX, "alice-a0"));
    s.finish();
}

/// Covers spec/30: 17; spec/90: 77.
#[test]
fn nobody_has_more_sources_or_groups_than_allowed() {
    let limits = |config: &mut jicofo::config::Config| {
        config.conference.max_ssrcs_per_user = 4;
        config.conference.max_ssrc_groups_per_user = 2;
    };
    let mut s = met(silent_pair().config(limits));
    let three = |base: u32| -> Sources {
        let mut all = Sources::default();
        (base..base + 3).for_each(|ssrc| all.extend(audio(ssrc, &format!("alice-a{ssrc}"))));
        all
    };
    s.participant("alice").announce(three(10));
    s.settle();
    s.participant("alice").announce(three(20));
    s.settle();
    assert_eq!(refusal(&mut s, "alice"), bad_request("SSRC limit (4) exceeded."));
    assert_eq!(on_bridge(&s, "alice"), [10, 11, 12]);
    assert_eq!(s.sent_to("bob").jingle("source-add").count(), 1);
    // Nothing of what was refused is kept: it is free for others.
    s.participant("bob").announce(audio(20, "bob-a0"));
    s.settle();
    s.check();

    let pair = |first| group_xml("SIM", &[first]);
    let one = source_xml("ssrc='30' name='v'", Some("m"));
    add(&mut s, "bob", &content("video", &format!("{one}{}{}{}", pair(30), group_xml("SIM", &[30, 30]), pair(20))));
    assert_eq!(refusal(&mut s, "bob"), bad_request("ssrc-group limit (2) exceeded."));
    assert_eq!(on_bridge(&s, "bob"), [20]);
    s.finish();
}

/// Covers spec/30: 18.
#[test]
fn a_group_is_of_known_sources_and_of_the_right_size() {
    let mut s = met(silent_pair());
    let source = |ssrc: u32| source_xml(&format!("ssrc='{ssrc}'"), Some("m t"));
    add(&mut s, "alice", &content("video", &format!("{}{}", source(1), group_xml("FID", &[1, 2]))));
    let unknown = "An SSRC group contains an SSRC, which hasn't been signaled as a source: [1, 2].";
    assert_eq!(refusal(&mut s, "alice"), bad_request(unknown));
    let three: String = (1..=3).map(source).collect();
    add(&mut s, "alice", &content("video", &format!("{three}{}", group_xml("FID", &[1, 2, 3]))));
    assert_eq!(refusal(&mut s, "alice"), bad_request("Invalid FID group: [1, 2, 3]."));
    assert!(on_bridge(&s, "alice").is_empty() && s.sent_to("bob").jingle("source-add").is_empty());

    let groups = [group_xml("SIM", &[]), group_xml("FID", &[1, 2]), group_xml("FID", &[1, 2])].concat();
    add(&mut s, "alice", &content("video", &format!("{}{}{groups}", source(1), source(2))));
    assert_eq!(refusals(&mut s, "alice"), []);
    let told = json_in(jingle(s.sent_to("bob").jingle("source-add").first()));
    assert_eq!(told["alice"][1], serde_json::json!([["f", 1, 2]]));
    assert!(s.complaints().is_empty(), "{:?}", s.complaints());
}

/// Covers spec/30: 19.
#[test]
fn an_msid_belongs_to_one_thing() {
    let mut s = met(silent_pair());
    let source = |ssrc: u32, msid: Option<&str>| source_xml(&format!("ssrc='{ssrc}'"), msid);
    let sources =
        |msids: &[Option<&str>]| -> String { (1..).zip(msids).map(|(ssrc, msid)| source(ssrc, *msid)).collect() };
    let sim = group_xml("SIM", &[1, 2, 3]);
    let pairs = format!("{}{}", group_xml("FID", &[1, 4]), group_xml("FID", &[2, 5]));
    let refused = [
        (format!("{}{sim}", sources(&[None; 3])), "Required source parameter 'msid' is not present."),
        (
            format!("{}{sim}", sources(&[Some("m"), Some("m"), Some("n")])),
            "SsrcGroup contains sources with different MSIDs: [1, 2, 3].",
        ),
        (format!("{}{pairs}", sources(&[Some("m"); 5])), "MSID is already used: m."),
    ];
    for (inner, text) in refused {
        add(&mut s, "alice", &content("video", &inner));
        assert_eq!(refusal(&mut s, "alice"), bad_request(text));
    }
    add(&mut s, "alice", &content("video", &sources(&[None; 3])));
    let shared =
        [content("audio", &source(10, Some("shared"))), content("video", &source(11, Some("shared")))].concat();
    add(&mut s, "alice", &shared);
    assert_eq!(refusals(&mut s, "alice"), []);
    assert_eq!(on_bridge(&s, "alice").len(), 5);
    add(&mut s, "bob", &content("audio", &source(20, Some("shared"))));
    assert_eq!(refusal(&mut s, "bob"), bad_request("MSID is already used: shared."));
}

/// Covers spec/30: 20.
#[test]
fn what_is_removed_is_whole_and_ones_own() {
    let mut s = met(silent_pair());
    s.participant("alice").announce(simulcast("alice"));
    s.participant("bob").announce(audio(99, "bob-a0"));
    s.settle();
    let video = |inner: &str| content("video", inner);
    let refused = [
        (video(&source_xml("ssrc='1'", None)), "MSID is already used: alice-video t."),
        (video(&group_xml("SIM", &[1, 2, 3])), "MSID is already used: alice-video t."),
        (
            content("audio", &source_xml("ssrc='99'", None)),
            "Source does not exist or is not owned by endpoint (ssrc=99).",
        ),
        (video(&group_xml("SIM", &[1, 2])), "Source group does not exist"),
    ];
    for (contents, text) in refused {
        remove(&mut s, "alice", &contents);
        assert_eq!(refusal(&mut s, "alice"), bad_request(text));
    }
    s.check();
    let before = s.now();
    let six: String = (1..=6).map(|ssrc| source_xml(&format!("ssrc='{ssrc}'"), None)).collect();
    remove(&mut s, "alice", &video(&six));
    assert_eq!(refusals(&mut s, "alice"), []);
    assert_eq!(on_bridge(&s, "alice"), [7]);
    assert!(s.view_bridge("jvb1").endpoint("alice").expect("there").sources.groups.is_empty());
    let told = json_in(jingle(s.sent_to("bob").since(before).jingle("source-remove").first()));
    assert_eq!((ssrcs_of(&told, "alice"), &told["alice"][1]), (vec![1, 4], &serde_json::json!([["f", 1, 4]])));
    assert_eq!(s.view("bob").remote().of("alice").map(|left| left.sources.len()), Some(1));
}

/// Covers spec/30: 21; spec/90: 73.
#[test]
fn no_more_senders_than_allowed_and_what_was_refused_is_nobodys() {
    let mut builder = Scenario::new().bridge("jvb1").config(|config| config.conference.max_audio_senders = 5);
    for number in 0..5 {
        builder = builder.participant_with(&format!("p{number}"), sends(&[testkit::participant::media::microphone()]));
    }
    let mut s = met(builder.participant_with("late", sends(&[])));
    s.participant("late").announce(audio(700, "late-a0"));
    s.settle();
    let expected = ("resource-constraint".to_owned(), "Sender count exceeded for: audio ".to_owned());
    assert_eq!(refusal(&mut s, "late"), expected);
    assert_eq!(last_error_type(&s, "late"), "wait");
    assert!(s.sent_to("p0").containing("700").is_empty() && s.sent_to("jvb1").containing("700").is_empty());
    s.participant("late").announce(video(701, "late-v0"));
    s.settle();
    assert_eq!(refusals(&mut s, "late"), []);
    // Who accepts is not limited.
    s.joins_with("later", sends(&[testkit::participant::media::microphone()]));
    s.run_until(Scenario::all_connected);
    for name in ["p0", "p2"] {
        s.participant(name).leave();
    }
    s.settle();
    s.participant("p1").announce(audio(700, "p1-a1"));
    s.settle();
    assert_eq!(refusals(&mut s, "p1"), []);
    s.finish();
}

/// Covers spec/30: 23; spec/90: 115.
#[test]
fn what_cannot_be_read_is_answered_and_changes_nothing() {
    let mut s = met(silent_pair());
    s.participant("alice").announce(simulcast("alice"));
    s.settle();
    let before = s.now();
    let msid = Some("m");
    let grouped = format!("{}{}", source_xml("ssrc='50'", msid), group_xml("FEC", &[50]));
    let malformed = [
        ("source-add", content("audio", &source_xml("ssrc='abc'", msid))),
        ("source-add", content("video", &grouped)),
        ("source-add", content("video", &source_xml("ssrc='50' videoType='none'", msid))),
        ("source-modify", content("audio", &source_xml("ssrc='50'", msid))),
        ("source-add", content("smell", &source_xml("ssrc='50'", msid))),
    ];
    for (action, contents) in malformed {
        let sid = sid(&s, "alice");
        say(&mut s, "alice", action, &sid, &contents);
        assert_eq!(refusal(&mut s, "alice").0, "bad-request", "{action} {contents}");
    }
    for action in ["content-add", "content-remove", "description-info", "security-info", "transport-replace"] {
        let sid = sid(&s, "alice");
        say(&mut s, "alice", action, &sid, "");
        let expected = ("feature-not-implemented".to_owned(), "Unsupported 'action'".to_owned());
        assert_eq!(refusal(&mut s, "alice"), expected);
    }
    assert!(s.sent_to("bob").since(before).actions().is_empty());
    assert!(s.sent_to("jvb1").since(before).request("conference-modify").is_empty());
    // And the session lives.
    s.participant("alice").announce(audio(50, "alice-a1"));
    s.finish();
}

/// No action, no sid, none that there ever was; and a request for something else altogether.
#[test]
fn jingle_of_no_session_is_refused() {
    let mut s = met(silent_pair());
    let own = sid(&s, "alice");
    let raw = |attributes: &str| {
        let xml = format!("<jingle xmlns='{JINGLE}' {attributes}/>");
        testkit::xml::parse(&xml).expect("well-formed")
    };
    let table = [
        (format!("sid='{own}'"), bad_request("Missing 'action'")),
        (format!("sid='{own}' action='dance'"), bad_request("Missing 'action'")),
        ("sid='never' action='session-info'".into(), bad_request("")),
        ("action='session-info'".into(), bad_request("Missing 'sid'")),
    ];
    for (attributes, expected) in table {
        s.participant("alice").send_jingle(raw(&attributes));
        s.settle();
        assert_eq!(refusal(&mut s, "alice"), expected, "{attributes}");
    }
    // In an IQ of type `get` it is not Jingle.
    let focus = s.view("alice").focus_occupant();
    s.participant("alice").send_iq("get", &focus, raw(&format!("sid='{own}' action='session-info'")));
    s.settle();
    assert_eq!(refusal(&mut s, "alice").0, "feature-not-implemented");
    s.finish();
}

/// Covers spec/30: 24; spec/90: 77.
#[test]
fn nobody_acts_for_another() {
    let mut s = met(silent_pair());
    s.participant("alice").announce(audio(100, "alice-a0"));
    s.settle();
    let before = s.now();
    let theirs = sid(&s, "alice");
    let add = content("audio", &source_xml("ssrc='200'", None));
    let remove = content("audio", &source_xml("ssrc='100'", None));
    let bridge_session = bridge_session(&s, "alice");
    let restart = bridge_session_xml(&bridge_session, "restart='true'");
    for (action, children) in [
        ("source-add", add.as_str()),
        ("source-remove", &remove),
        ("session-accept", &add),
        ("session-terminate", &restart),
        ("session-info", &restart),
        ("transport-info", ""),
    ] {
        say(&mut s, "bob", action, &theirs, children);
        assert_eq!(refusal(&mut s, "bob").0, "item-not-found", "{action}");
    }
    // Not even under one's own session.
    let own = sid(&s, "bob");
    say(&mut s, "bob", "source-remove", &own, &remove);
    let none = "Source does not exist or is not owned by endpoint null.";
    assert_eq!(refusal(&mut s, "bob"), bad_request(none));
    assert!(s.sent_to("alice").since(before).actions().is_empty());
    assert_eq!(on_bridge(&s, "alice"), [100]);
    // The answers say it the same way whoever owns the SSRC.
    s.participant("bob").announce(audio(100, "bob-a0"));
    s.settle();
    assert_eq!(refusal(&mut s, "bob"), bad_request("SSRC is already used: 100."));
    s.finish();
}

/// Covers spec/30: 25.
#[test]
fn the_msid_is_read_in_both_namespaces() {
    let mut s = met(silent_pair());
    for (ssrc, namespace) in [(100, ns::SSMA), (101, ns::RTP)] {
        let source = format!(
            "<source xmlns='{}' ssrc='{ssrc}' name='n{ssrc}'><parameter xmlns='{namespace}' name='msid' value='m{ssrc} t'/></source>",
            ns::SSMA
        );
        add(&mut s, "alice", &content("audio", &source));
    }
    let adds = s.sent_to("bob").jingle("source-add");
    let msids: Vec<_> =
        adds.iter().map(|wire| json_in(jingle(wire))["alice"][2][0]["m"].as_str().map(str::to_owned)).collect();
    assert_eq!(msids, [Some("m100 t".to_owned()), Some("m101 t".to_owned())]);
}

/// Ten thousand sources, ten thousand groups: refused in the time that reading takes, and nobody else notices.
///
/// Covers spec/90: 77.
#[test]
fn a_flood_of_sources_is_refused_quickly() {
    let mut s = met(silent_pair());
    let before = s.now();
    let (mut sources, mut groups) = (String::new(), source_xml("ssrc='1'", Some("m")));
    for number in 1..=10_000 {
        write!(sources, "<source xmlns='{}' ssrc='{number}'/>", ns::SSMA).expect("memory");
        groups += &group_xml("SIM", &vec![1; 1 + number % 3]);
    }
    let start = Instant::now();
    add(&mut s, "alice", &content("audio", &sources));
    assert_eq!(refusal(&mut s, "alice"), bad_request("SSRC limit (20) exceeded."));
    add(&mut s, "alice", &content("video", &groups));
    assert_eq!(refusal(&mut s, "alice").0, "bad-request");
    remove(&mut s, "alice", &content("audio", &sources));
    assert_eq!(refusal(&mut s, "alice").0, "bad-request");
    // Generous: unoptimised, on a busy machine, and most of it is the kit's own XML. Anything quadratic takes minutes.
    assert!(start.elapsed().as_secs() < 60, "{:?}", start.elapsed());
    assert!(s.sent_to("bob").since(before).actions().is_empty());
    assert!(s.sent_to("jvb1").since(before).request("conference-modify").is_empty());
    s.participant("alice").announce(audio(1, "alice-a0"));
    s.finish();
}

/// What says nothing is answered, and nobody is told.
#[test]
fn empty_changes_are_nothing() {
    let mut s = met(silent_pair());
    let before = s.now();
    for action in ["source-add", "source-remove", "addsource", "removesource"] {
        let sid = sid(&s, "alice");
        say(&mut s, "alice", action, &sid, &content("audio", ""));
        say(&mut s, "alice", action, &sid, "");
    }
    assert_eq!(s.sent_to("alice").since(before).results().count(), 8);
    assert!(s.sent_to("bob").since(before).actions().is_empty());
    assert!(s.sent_to("jvb1").since(before).request("conference-modify").is_empty());
    assert!(s.view("alice").own().of(Media::Audio).is_empty());
    s.finish();
}

/// The names of 2014 for adding and removing (spec/30 §9.1).
#[test]
fn the_old_names_of_the_actions_still_work() {
    let mut s = met(silent_pair());
    let own = sid(&s, "alice");
    let contents = content("audio", &source_xml("ssrc='100' name='alice-a0'", Some("m t")));
    say(&mut s, "alice", "addsource", &own, &contents);
    assert_eq!(told(&s.sent_to("bob").jingle("source-add"), "alice"), [[100]]);
    say(&mut s, "alice", "removesource", &own, &contents);
    assert_eq!(told(&s.sent_to("bob").jingle("source-remove"), "alice"), [[100]]);
    s.finish();
}

/// Errors begin with the condition, which clients take for the reason (spec/30 §9.2).
#[test]
fn the_condition_is_the_first_child_of_an_error() {
    let mut s = met(silent_pair());
    add(&mut s, "alice", &content("audio", &source_xml("ssrc='0'", None)));
    refusals(&mut s, "alice");
    let errors = s.sent_to("alice").errors("bad-request");
    let error = errors.last().stanza.kid("error", ns::CLIENT).expect("an error");
    let children: Vec<_> = error.children().map(|child| child.name()).collect();
    assert_eq!(children, ["bad-request", "text"]);
    s.finish();
}

/// Names go into everybody's offers: who makes them long does not make everybody's session fail.
#[test]
fn a_source_of_a_name_or_msid_beyond_all_measure_is_refused() {
    let mut s = met(Scenario::new().bridge("jvb1").participant("alice").participant("bob"));
    let long = "x".repeat(129);
    let source = |name: &str, msid: &str| Sources {
        sources: vec![Source {
            ssrc: 4711,
            media: Media::Video,
            name: Some(name.to_owned()),
            msid: Some(msid.to_owned()),
            desktop: false,
        }],
        groups: Vec::new(),
    };
    s.participant("alice").announce(source(&long, "stream track"));
    s.participant("alice").announce(source("alice-v1", &long));
    s.settle();
    let refusals: Vec<_> = s.participant("alice").take_refusals().into_iter().map(|it| it.condition).collect();
    assert_eq!(refusals, ["bad-request", "bad-request"]);
    s.participant("alice").announce(source("alice-v1", &long[1..]));
    s.settle();
    assert_eq!(s.participant("alice").take_refusals().len(), 0);
    let told = s.view("bob").remote().of("alice").expect("she sends");
    assert!(told.sources.iter().any(|it| it.ssrc == 4711));
}

/// What another's client will call its sources in its next session can be guessed: its msids count up (spec/30 §6.5). Whoever
/// took them would keep it out of the meeting the next time that its bridge goes.
#[test]
fn nobody_takes_the_names_that_another_will_need() {
    let named = |name: &str, msid: &str| {
        let (name, msid) = (Some(name.to_owned()), Some(msid.to_owned()));
        let source = Source { ssrc: 4711, media: Media::Video, name, msid, desktop: false };
        Sources { sources: vec![source], groups: Vec::new() }
    };
    let mut s = met(silent_pair());
    s.joins_with("bob-ross", |p| p.tracks = Vec::new());
    s.run_until(Scenario::all_connected);
    for (who, name, msid, fine) in [
        ("alice", "bob-v0", "alice-video-0-2 t-2", false),
        ("alice", "alice-v0", "bob-video-0-2 t-2", false),
        ("alice", "alice-v0", "bob-ross-video-0-2 t-2", false),
        ("alice", "alice-v0", "mixedmslabel mixedlabelvideo0", false),
        ("alice", "jvb-v0", "alice-video-0-2 t-2", false),
        // One's own, also where that begins like another's; those of nobody who is here; and anything else.
        ("bob-ross", "bob-ross-v0", "bob-ross-video-0-2 t-2", true),
        ("alice", "carol-v0", "3d1b64a6-6b1c-4c29-a1ce-9f7a8d2f9c01 t", true),
        ("alice", "v0", "bobby-1 t-1", true),
    ] {
        s.participant(who).announce(named(name, msid));
        s.settle();
        let refused = s.participant(who).take_refusals();
        assert_eq!(refused.is_empty(), fine, "{who} {name} {msid}: {refused:?}");
        let text = if name.starts_with(who) { msid } else { name };
        assert!(refused.iter().all(|it| it.text == format!("The name or msid of another: {text}.")), "{refused:?}");
        if fine {
            s.participant(who).withdraw(&[4711]);
            s.settle();
        }
    }
    s.finish();
}

/// What somebody sent is kept for it while it has no session, and until it has said in the next one what it sends: what it does
/// not send any more is then free (spec/30 §9.3).
#[test]
fn what_one_sends_no_more_after_a_restart_may_be_anothers() {
    let microphone = |nick: &str| Sources {
        sources: vec![a_source(Media::Audio, 100, &format!("{nick}-a0"), "stream track")],
        groups: Vec::new(),
    };
    let mut s = met(silent_pair());
    s.participant("alice").announce(microphone("alice"));
    s.settle();
    s.participant("alice").settings.thinks = Time::from_secs(5);
    let before = s.now();
    s.participant("alice").restart();
    s.settle();
    assert_eq!(told(&s.sent_to("bob").since(before).jingle("source-remove"), "alice"), [[100]]);
    s.participant("bob").announce(microphone("bob"));
    s.settle();
    assert_eq!(refusal(&mut s, "bob"), bad_request("SSRC is already used: 100."));
    assert!(on_bridge(&s, "bob").is_empty());

    // Her accept names no sources.
    s.run_until(Scenario::all_connected);
    s.settle();
    s.participant("bob").announce(microphone("bob"));
    s.settle();
    assert_eq!(refusals(&mut s, "bob"), []);
    assert_eq!(told(&s.sent_to("alice").since(before).jingle("source-add"), "bob"), [[100]]);
    assert_eq!(on_bridge(&s, "bob"), [100]);
    s.finish();
}

/// Whoever is moved again before it has accepted: what it sent two sessions ago and what it has said in the last one are kept for
/// it (spec/30 §9.3).
#[test]
fn what_one_sent_is_kept_however_often_it_is_moved_before_it_accepts() {
    let named = |who: &str, ssrc: u32, msid: &str| Sources {
        sources: vec![a_source(Media::Audio, ssrc, &format!("{who}-a{ssrc}"), msid)],
        groups: Vec::new(),
    };
    let of_hers = |ssrc: u32, msid: &str| source_xml(&format!("ssrc='{ssrc}' name='alice-a{ssrc}'"), Some(msid));
    for says_some in [true, false] {
        let mut s = met(silent_pair().bridge("jvb2").bridge("jvb3"));
        for (ssrc, msid) in [(100, "stream one"), (101, "stream two")] {
            s.participant("alice").announce(named("alice", ssrc, msid));
        }
        s.settle();
        s.participant("alice").settings.never_accepts = true;
        for time in 0..2 {
            let home = s.home_of("bob").expect("a home").to_owned();
            s.dies(&home);
            s.run_for(Time::from_secs(3));
            assert_eq!(crate::support::offers(&s, "alice"), time + 2);
            if time == 0 && says_some {
                add(&mut s, "alice", &content("audio", &of_hers(100, "stream one")));
                assert_eq!(refusals(&mut s, "alice"), []);
            }
        }
        let before = s.now();
        for (ssrc, msid, text) in [
            (100, "b 1", "SSRC is already used: 100."),
            (101, "b 2", "SSRC is already used: 101."),
            (102, "stream one", "MSID is already used: stream one."),
            (103, "stream two", "MSID is already used: stream two."),
        ] {
            s.participant("bob").announce(named("bob", ssrc, msid));
            s.settle();
            assert_eq!(refusal(&mut s, "bob"), bad_request(text), "{says_some}");
        }
        let own = sid(&s, "alice");
        let both = content("audio", &(of_hers(100, "stream one") + &of_hers(101, "stream two")));
        say(&mut s, "alice", "session-accept", &own, &both);
        assert_eq!(refusals(&mut s, "alice"), []);
        assert_eq!(told(&s.sent_to("bob").since(before).jingle("source-add"), "alice"), [[100, 101]]);
    }
}

/// One who is called like the bridge would have its own sources taken for the bridge's in everybody's offer.
#[test]
fn nobody_takes_part_under_the_name_of_the_bridge() {
    let mut s = Scenario::new().bridge("jvb1").participant("jvb").participant("alice").participant("bob").start();
    s.run_until(|s| s.connected(&["alice", "bob"]));
    s.run_for(testkit::Time::from_secs(40));
    assert!(s.sent_to("jvb").jingle("session-initiate").is_empty());
    assert!(s.view_bridge("jvb1").endpoint("jvb").is_none());
    s.joins("carol");
    s.run_until(|s| s.connected(&["alice", "bob", "carol"]));
    s.finish();
}
