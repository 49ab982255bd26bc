//! Simulated lives (docs/SIMULATION.md): a fixed few hundred, all that ever failed, and some of a focus that does wrong.

mod plans;

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};

use testkit::scenario::Tamper;
use testkit::simulation::{Act, Client, Options, Plan, Setting, Stored, What, as_test, live_as, play_with, survives};

/// So many lives are played from the fixed start.
const LIVES: u64 = 300;

/// So many with visitor nodes and strangers.
const WITH_NODES: u64 = 24;

fn play(lives: &[Plan]) {
    let next = AtomicU64::new(0);
    let work = || {
        while let Some(plan) = lives.get(next.fetch_add(1, Ordering::Relaxed) as usize) {
            if let Err(failed) = live_as(plan.clone()) {
                panic!("seed {} in {:?} fails {failed}\n\n{}", plan.seed, plan.setting, as_test(&failed.plan));
            }
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(work);
        work();
    });
}

#[test]
fn lives_of_fixed_seeds_are_clean() {
    play(&(1..=LIVES).map(|seed| Plan::of(seed, &Options::default())).collect::<Vec<_>>());
}

/// So many with all kinds of trouble that otherwise only some have.
const OF_EVERY_KIND: u64 = 60;

#[test]
fn lives_with_every_kind_of_trouble_are_clean() {
    let options = Options { every_kind: true, ..Options::default() };
    play(&(1..=OF_EVERY_KIND).map(|seed| Plan::of(seed, &options)).collect::<Vec<_>>());
}

/// With visitors who ask for what is others' to have, too.
#[test]
fn lives_with_visitor_nodes_and_strangers_are_clean() {
    let options = Options { nodes: 2, strangers: true, ..Options::default() };
    play(&(1..=WITH_NODES).map(|seed| Plan::of(seed, &options)).collect::<Vec<_>>());
}

#[test]
fn lives_that_failed_once_are_clean() {
    let stored = Stored::all().expect("seeds");
    let lives: Vec<Plan> = stored.iter().map(|it| it.plan().unwrap_or_else(|wrong| panic!("{wrong}"))).collect();
    assert!(!lives.is_empty());
    play(&lives);
}

#[test]
fn lives_that_were_written_down_are_clean() {
    play(&plans::all());
}

/// One of so many lives notices anything that the focus does wrong again and again.
const NOTICED: u64 = 16;

/// One of so many says so in the words for it.
const NAMED: u64 = 16;

/// What a focus does wrong, each time that there is occasion; and what is complained of.
const WRONGS: [(&str, Tamper, &str); 19] = [
    ("withdraws no sources", |said| said.contains("action='source-remove'").then(Vec::new), " knows of "),
    ("tells of sources twice", |said| twice(said, "action='source-add'"), "twice"),
    ("ends no session", |said| said.contains("action='session-terminate'").then(Vec::new), " lives"),
    ("asks bridges of other conferences", of_another_conference, "Conference not found"),
    ("forwards no client's transport", without_transport, " reaches "),
    (
        "offers another transport than the bridge's",
        |said| said.contains("action='session-initiate'").then(|| vec![said.replace(" ufrag='", " ufrag='other-")]),
        " reaches ",
    ),
    ("tells bridges of no number of videos", |said| without(said, "<initial-last-n "), " videos"),
    ("lets nobody go from a bridge", |said| is_expiry(said).then(Vec::new), " is left on "),
    ("tells of other sources", of_another_ssrc, " knows of "),
    ("answers no request of a client", |said| is_answer(said).then(Vec::new), "no answer"),
    ("answers twice", |said| if is_answer(said) { twice(said, "type='result'") } else { None }, "which is not open"),
    ("refuses Jingle", |said| (is_answer(said) && said.ends_with("/>")).then(|| vec![refused(said)]), "was refused "),
    ("has nobody find a conference", |said| is_ready(said).then(|| vec![refused(said)]), "was refused conference"),
    ("tells clients to ask again", |said| instead(said, "focusjid=", "ready='true'", "ready='false'"), "not ready"),
    (
        "has everybody wait for a host",
        |said| is_ready(said).then(|| vec![refused(said).replace("item-not-found", "not-authorized")]),
        "not-authorized",
    ),
    ("ends a session where somebody adds a source", ends_a_session, "is ended without cause"),
    ("makes nobody an owner", |said| said.contains("affiliation='owner'").then(Vec::new), "nobody leads "),
    ("writes what is no XML", |said| instead(said, "<jingle ", "<content ", "<content <"), "not well-formed"),
    (
        "closes what is not open",
        |said| instead(said, "<conference-modify ", "</conference-modify>", "</conference>"),
        "not well-formed",
    ),
];

/// The answer that somebody's conference is there.
fn is_ready(said: &str) -> bool {
    said.contains("<conference ") && said.contains("ready='true'")
}

/// With an endpoint another goes, which is there as a rule.
fn of_a_neighbour(said: &str) -> Option<Vec<String>> {
    let start = said.find("<endpoint id='p").filter(|_| is_expiry(said))? + "<endpoint id='p".len();
    let other = if said[start..].starts_with('0') { '1' } else { '0' };
    let end = start + said[start..].find('\'')?;
    let another = format!("{}{other}{}", &said[..start], &said[end..]).replacen(" id='", " id='also-", 1);
    Some(vec![said.to_owned(), another])
}

/// Whoever is told of a source of another loses its session instead.
fn ends_a_session(said: &str) -> Option<Vec<String>> {
    let start = said.find("<jingle ").filter(|_| said.contains("action='source-add'"))?;
    let sid = said[start..].split_once(" sid='")?.1.split_once('\'')?.0;
    let reason = "<reason><success/><text>moving</text></reason>";
    let end =
        format!("<jingle xmlns='urn:xmpp:jingle:1' action='session-terminate' sid='{sid}'>{reason}</jingle></iq>");
    Some(vec![format!("{}{end}", &said[..start])])
}

fn twice(said: &str, what: &str) -> Option<Vec<String>> {
    said.contains(what).then(|| vec![said.to_owned(); 2])
}

fn instead(said: &str, of: &str, old: &str, new: &str) -> Option<Vec<String>> {
    said.contains(of).then(|| vec![said.replacen(old, new, 1)])
}

/// What a bridge is told of a client, without how that is reached.
fn without_transport(said: &str) -> Option<Vec<String>> {
    let of_client = said.contains("<conference-modify ") && !said.contains("<relay ");
    let start = of_client.then(|| said.find("<transport xmlns='urn:xmpp:jingle:transports:ice-udp:1'")).flatten()?;
    let end = "</transport>";
    let rest = said[start..].split_once(end)?.1;
    Some(vec![format!("{}{rest}", &said[..start])])
}

/// What a bridge is told, without an empty element.
fn without(said: &str, element: &str) -> Option<Vec<String>> {
    let start = said.contains("<conference-modify ").then(|| said.find(element)).flatten()?;
    let rest = said[start..].split_once("/>")?.1;
    Some(vec![format!("{}{rest}", &said[..start])])
}

/// The last digit of the first SSRC is another.
fn of_another_ssrc(said: &str) -> Option<Vec<String>> {
    let start = said.contains("action='source-add'").then(|| said.find(" ssrc='")).flatten()? + " ssrc='".len();
    let last = start + said[start..].find('\'')? - 1;
    let digit = (said.as_bytes()[last] - b'0' + 1) % 10;
    Some(vec![format!("{}{digit}{}", &said[..last], &said[last + 1..])])
}

fn of_another_conference(said: &str) -> Option<Vec<String>> {
    let changes = !said.contains("create='true'") && !is_expiry(said);
    changes.then(|| instead(said, "<conference-modify ", "meeting-id='", "meeting-id='other-")).flatten()
}

/// An error in place of a result.
fn refused(said: &str) -> String {
    let head = said.split('>').next().unwrap_or_default().trim_end_matches('/').replacen("'result'", "'error'", 1);
    format!("{head}><error type='cancel'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>")
}

fn is_expiry(said: &str) -> bool {
    said.contains("<conference-modify ") && said.contains("expire='true'")
}

fn is_answer(said: &str) -> bool {
    said.starts_with("<iq ") && said.contains("type='result'") && said.contains("@conference.")
}

#[test]
fn whatever_the_focus_does_wrong_is_noticed() {
    for (what, tamper, words) in WRONGS {
        let plays = |seed| Some((seed, play_with(&Plan::of(seed, &Options::default()), Some(tamper)).err()?));
        let mut failures = (1..=NAMED).filter_map(plays).peekable();
        assert!(failures.peek().is_some_and(|(seed, _)| *seed <= NOTICED), "nobody notices who {what}");
        let named = failures.find(|(_, failure)| failure.wrong.iter().any(|wrong| wrong.contains(words)));
        let (seed, failure) = named.unwrap_or_else(|| panic!("nobody says of who {what}: {words}"));
        println!("seed {seed} notices, at step {}, who {what}: {}", failure.step, failure.wrong.join("; "));
    }
}

/// Few lives end in a room where microphones are moderated: this one does.
#[test]
fn a_focus_that_has_bridges_mute_nobody_is_noticed() {
    let joins = |who| What::Joins { who, room: 0, client: Client::Current, thinks: 50 };
    let acts = [(0, joins(0)), (100, joins(1)), (30_000, What::Moderates(0, 0, true)), (31_000, joins(2))];
    let drawn = Plan::of(6, &Options::default());
    let setting = Setting { presets: false, links: 0, ..drawn.setting };
    let plan = Plan { setting, acts: acts.map(|(at, what)| Act { at, what }).into(), ..drawn };
    survives(&plan);
    let withholds: Tamper = |said| without(said, "<force-mute ");
    let failure = play_with(&plan, Some(withholds)).expect_err("it is noticed");
    for who in ["p1", "p2"] {
        let words = format!("lets {who} speak, who is moderated");
        assert!(failure.wrong.iter().any(|wrong| wrong.contains(&words)), "{failure}");
    }
}

thread_local! {
    /// How many requests of one client a focus of this thread has answered.
    static ANSWERED: Cell<u32> = const { Cell::new(0) };
}

/// Two who are connected, and what happens to them after half a minute.
fn two_and(acts: &[(u32, What)]) -> Plan {
    let joins = |who| What::Joins { who, room: 0, client: Client::Current, thinks: 50 };
    let drawn = Plan::of(6, &Options::default());
    let setting = Setting { presets: false, links: 0, ..drawn.setting };
    let acts = [(0, joins(0)), (100, joins(1))].into_iter().chain(acts.iter().copied());
    Plan { setting, acts: acts.map(|(at, what)| Act { at, what }).collect(), ..drawn }
}

/// Its accept is granted, and nothing after it.
#[test]
fn a_focus_that_refuses_what_belongs_to_no_session_any_more_is_noticed() {
    let refuses: Tamper = |said| {
        let of_p0 = is_answer(said) && said.contains("/p0'");
        let answered = of_p0.then(|| ANSWERED.replace(ANSWERED.get() + 1));
        answered.filter(|count| *count >= 1).map(|_| vec![refused(said)])
    };
    for (what, words) in [
        (What::Restarts(0), "p0 was refused session-terminate: item-not-found"),
        (What::AsksToMute(0, 1), "p0 was refused mute: item-not-found"),
    ] {
        let plan = two_and(&[(30_000, what)]);
        survives(&plan);
        ANSWERED.set(0);
        let failure = play_with(&plan, Some(refuses)).expect_err("it is noticed");
        assert!(failure.wrong.iter().any(|wrong| wrong.starts_with(words)), "{failure}");
    }
}

/// Its client asks for another session, and would say nothing.
#[test]
fn a_focus_that_lets_others_go_with_who_leaves_is_noticed() {
    let joins = What::Joins { who: 2, room: 0, client: Client::Current, thinks: 50 };
    let plan = two_and(&[(200, joins), (30_000, What::Leaves(2))]);
    survives(&plan);
    let failure = play_with(&plan, Some(of_a_neighbour)).expect_err("it is noticed");
    let words = "p0 has lost its endpoint";
    assert!(failure.wrong.iter().any(|wrong| wrong.starts_with(words)), "{failure}");
}

#[test]
fn a_focus_that_passes_no_mute_on_is_noticed() {
    let plan = two_and(&[(30_000, What::AsksToMute(0, 1)), (40_000, What::AddsCamera(0))]);
    survives(&plan);
    let withholds: Tamper = |said| said.contains("<mute ").then(Vec::new);
    let failure = play_with(&plan, Some(withholds)).expect_err("it is noticed");
    let words = "p1 was to be muted, and was not told";
    assert!(failure.wrong.iter().any(|wrong| wrong.starts_with(words)), "{failure}");
}

/// Nobody sees anything of it: that there was one explains nothing.
#[test]
fn a_focus_that_ends_sessions_when_its_connection_is_resumed_is_noticed() {
    let plan = two_and(&[(30_000, What::CutAndResumed(5_000)), (36_000, What::AddsCamera(0))]);
    survives(&plan);
    let failure = play_with(&plan, Some(ends_a_session_of_p1)).expect_err("it is noticed");
    let words = "the session of p1 is ended without cause";
    assert!(failure.wrong.iter().any(|wrong| wrong.starts_with(words)), "{failure}");
}

/// The first time that it is told of sources is when both have accepted.
fn ends_a_session_of_p1(said: &str) -> Option<Vec<String>> {
    let is_camera = said.contains("/p1'") && said.contains("p0-v1");
    ends_a_session(said).filter(|_| is_camera)
}

/// What visitors ask for on nodes and must not have.
#[test]
fn a_focus_that_grants_visitors_what_they_ask_for_is_noticed() {
    let grants: Tamper = |said| {
        let to_visitor = said.starts_with("<iq ") && said.contains("@conference.v");
        if to_visitor { instead(said, "type='error'", "type='error'", "type='result'") } else { None }
    };
    let options = Options { nodes: 2, ..Options::default() };
    let failure = (1..=NAMED).find_map(|seed| play_with(&Plan::of(seed, &options), Some(grants)).err());
    let failure = failure.expect("somebody notices");
    assert!(failure.wrong.iter().any(|wrong| wrong.contains(" was granted ")), "{failure}");
}

/// While a node is connected nobody comes to the main room; and as long as it is not disconnected, it is.
#[test]
fn a_focus_that_sends_people_to_a_closed_room_is_noticed() {
    let redirects_nobody: Tamper = |said| {
        let start = said.starts_with("<iq ").then(|| said.find(" vnode='v")).flatten()?;
        let length = " vnode='v0'".len();
        said.contains("focusjid=").then(|| vec![format!("{}{}", &said[..start], &said[start + length..])])
    };
    let disconnects_nothing: Tamper = |said| said.contains("<disconnect-vnode").then(Vec::new);
    let options = Options { nodes: 2, ..Options::default() };
    for (what, tamper, words) in [
        ("redirects nobody", redirects_nobody, "was refused join: not-allowed Visitor needs to be allowed"),
        ("disconnects no node", disconnects_nothing, "before visitors were told of the end"),
    ] {
        let mut failures = (1..=NAMED).filter_map(|seed| play_with(&Plan::of(seed, &options), Some(tamper)).err());
        let named = failures.find(|failure| failure.wrong.iter().any(|wrong| wrong.contains(words)));
        assert!(named.is_some(), "nobody notices who {what}");
    }
}

/// A focus that stops leaves its rooms.
#[test]
fn a_focus_that_stops_and_stays_is_noticed() {
    let joins = |who| What::Joins { who, room: 0, client: Client::Current, thinks: 50 };
    let acts = [(0, joins(0)), (100, joins(1)), (20_000, What::FocusStops(5_000))];
    let acts = acts.map(|(at, what)| Act { at, what }).into();
    let plan = Plan { seed: 1, setting: Setting::PLAIN, acts };
    survives(&plan);
    let stays: Tamper = |said| (said.starts_with("<presence") && said.contains("unavailable")).then(Vec::new);
    let failure = play_with(&plan, Some(stays)).expect_err("it is noticed");
    assert!(failure.wrong[0].starts_with("the focus has stopped, and is still in "), "{failure}");
}

/// The core is made, and logs in, before anybody comes.
#[test]
fn a_failure_at_login_is_told_like_any_other() {
    let fails: Tamper = |_| panic!("nothing can be said");
    let failure = play_with(&Plan::of(1, &Options::default()), Some(fails)).expect_err("it fails");
    assert!(failure.wrong[0].contains("nothing can be said"), "{failure}");
}
