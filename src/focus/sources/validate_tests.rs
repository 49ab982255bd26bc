//! The cases of spec/30 §9.3, §9.6 and §14 (16 to 20).

use super::*;
use crate::focus::sources::samples::{candidate, group, simulcast, simulcast_from, source};

const LIMITS: Limits = Limits { ssrcs: 20, groups: 20 };
const VIDEO: MediaType = MediaType::Video;
const AUDIO: MediaType = MediaType::Audio;

fn set(sources: &[Source], groups: &[SsrcGroup]) -> SourceSet {
    SourceSet { sources: sources.to_vec(), groups: groups.to_vec() }
}

fn a() -> EndpointId {
    "a".into()
}

fn b() -> EndpointId {
    "b".into()
}

fn add(to: &mut ConferenceSources, owner: EndpointId, set: &SourceSet) -> Result<Option<Changed>, String> {
    to.try_add(&owner, &candidate(set), LIMITS).map_err(|rejection| rejection.text)
}

fn remove(from: &mut ConferenceSources, owner: EndpointId, set: &SourceSet) -> Result<Option<Changed>, String> {
    from.try_remove(&owner, &candidate(set)).map_err(|rejection| rejection.text)
}

/// A conference in which `a` sends what spec/30 §14 (7) describes.
fn with_a() -> ConferenceSources {
    let mut sources = ConferenceSources::default();
    add(&mut sources, a(), &simulcast()).expect("valid");
    sources
}

/// The indexes say what the sets say.
fn check_invariants(sources: &ConferenceSources) {
    let mut by_ssrc = BTreeMap::new();
    for (owner, set) in sources.owners.iter() {
        assert!(!set.is_empty());
        for source in &set.sources {
            assert_eq!(by_ssrc.insert(source.ssrc, owner.clone()), None);
        }
    }
    assert!(sources.is_consistent());
}

#[test]
fn what_is_accepted_becomes_the_owners_set() {
    let mut sources = with_a();
    assert_eq!(*sources.of(&a()), simulcast());
    let more = set(&[source(8, VIDEO, "screen")], &[]);
    let changed = add(&mut sources, a(), &more).expect("valid").expect("something new");
    assert_eq!(*changed.before, simulcast());
    assert_eq!(changed.after.minus(&changed.before), more);
    assert!(Arc::ptr_eq(&changed.after, &sources.of(&a())), "shared, not copied");
    check_invariants(&sources);
}

#[test]
fn a_refused_addition_says_why_and_changes_nothing() {
    let table: &[(&str, SourceSet, &str)] = &[
        ("used by another", set(&[source(1, VIDEO, "")], &[]), "SSRC is already used: 1."),
        ("used in another kind of media", set(&[source(7, VIDEO, "")], &[]), "SSRC is already used: 7."),
        (
            "twice in one request",
            set(&[source(50, VIDEO, ""), source(50, AUDIO, "")], &[]),
            "SSRC is already used: 50.",
        ),
        ("msid of another", set(&[source(50, AUDIO, "a-video t")], &[]), "MSID is already used: a-video t."),
        (
            "group of an unknown source",
            set(&[source(50, VIDEO, "m")], &[group(Semantics::Fid, &[50, 51])]),
            "An SSRC group contains an SSRC, which hasn't been signaled as a source: [50, 51].",
        ),
        (
            "group of another's source",
            set(&[source(50, VIDEO, "m")], &[group(Semantics::Fid, &[50, 1])]),
            "An SSRC group contains an SSRC, which hasn't been signaled as a source: [50, 1].",
        ),
        (
            "FID of three",
            set(
                &[source(51, VIDEO, "m"), source(52, VIDEO, "m"), source(53, VIDEO, "m")],
                &[group(Semantics::Fid, &[51, 52, 53])],
            ),
            "Invalid FID group: [51, 52, 53].",
        ),
        (
            "grouped without msid",
            set(&[source(51, VIDEO, ""), source(52, VIDEO, "")], &[group(Semantics::Sim, &[51, 52])]),
            "Required source parameter 'msid' is not present.",
        ),
        (
            "group of two msids",
            set(&[source(51, VIDEO, "m"), source(52, VIDEO, "n")], &[group(Semantics::Sim, &[51, 52])]),
            "SsrcGroup contains sources with different MSIDs: [51, 52].",
        ),
        (
            "one msid for two pairs",
            set(
                &[source(51, VIDEO, "m"), source(52, VIDEO, "m"), source(54, VIDEO, "m"), source(55, VIDEO, "m")],
                &[group(Semantics::Fid, &[51, 54]), group(Semantics::Fid, &[52, 55])],
            ),
            "MSID is already used: m.",
        ),
        (
            "one msid for two lone sources",
            set(&[source(51, VIDEO, "m"), source(52, VIDEO, "m")], &[]),
            "MSID is already used: m.",
        ),
        (
            "one source in two groups of a kind",
            set(
                &[source(51, VIDEO, "m"), source(52, VIDEO, "m"), source(53, VIDEO, "m")],
                &[group(Semantics::Fid, &[51, 52]), group(Semantics::Fid, &[51, 53])],
            ),
            "Invalid FID group: [51, 53].",
        ),
    ];
    for (case, wanted, text) in table {
        let mut sources = with_a();
        add(&mut sources, b(), &set(&[source(99, AUDIO, "b-audio")], &[])).expect("valid");
        let before = sources.clone();
        assert_eq!(add(&mut sources, b(), wanted), Err((*text).into()), "{case}");
        assert_eq!(sources.owners, before.owners, "{case}");
        check_invariants(&sources);
    }
}

#[test]
fn ssrcs_have_32_bits_and_are_not_0() {
    for (ssrc, text) in [(0, "0"), (4_294_967_296, "4294967296"), (-1, "-1")] {
        let mut wanted = candidate(&set(&[source(1, AUDIO, "")], &[]));
        wanted.sources[0].ssrc = ssrc;
        let refused = ConferenceSources::default().try_add(&a(), &wanted, LIMITS);
        assert_eq!(refused, Err(Rejection::bad_request(format!("Invalid SSRC: {text}."))));
    }
    assert!(add(&mut ConferenceSources::default(), a(), &set(&[source(u32::MAX, AUDIO, "")], &[])).is_ok());
}

#[test]
fn what_needs_no_msid_and_what_may_share_one_is_accepted() {
    let table = [
        ("lone sources without msid", set(&[source(51, VIDEO, ""), source(52, VIDEO, ""), source(53, VIDEO, "")], &[])),
        ("one msid for audio and video", set(&[source(51, VIDEO, "m"), source(52, AUDIO, "m")], &[])),
        (
            "groups that are empty or repeated",
            set(
                &[source(51, VIDEO, "m"), source(52, VIDEO, "m")],
                &[group(Semantics::Sim, &[]), group(Semantics::Fid, &[51, 52]), group(Semantics::Fid, &[51, 52])],
            ),
        ),
    ];
    for (case, wanted) in table {
        let mut sources = with_a();
        let changed = add(&mut sources, b(), &wanted).expect(case).expect(case);
        assert!(changed.after.groups.len() <= 1, "{case}");
    }
}

#[test]
fn groups_alone_may_complete_what_is_there() {
    let mut sources = ConferenceSources::default();
    add(&mut sources, a(), &set(&[source(1, VIDEO, "m")], &[])).expect("valid");
    let simulcast = set(&[source(2, VIDEO, "m")], &[group(Semantics::Sim, &[2, 1])]);
    add(&mut sources, a(), &simulcast).expect("valid");
    let known = set(&[], &[group(Semantics::Sim, &[2, 1])]);
    assert_eq!(add(&mut sources, a(), &known), Ok(None), "nothing new in it");
}

#[test]
fn limits_count_what_is_there_and_what_is_asked_for() {
    let limits = Limits { ssrcs: 4, groups: 2 };
    let some = |base| set(&[source(base, AUDIO, ""), source(base + 1, AUDIO, ""), source(base + 2, AUDIO, "")], &[]);
    let mut sources = ConferenceSources::default();
    assert!(sources.try_add(&a(), &candidate(&some(1)), limits).is_ok());
    let refused = sources.try_add(&a(), &candidate(&some(11)), limits);
    assert_eq!(refused, Err(Rejection::bad_request("SSRC limit (4) exceeded.")));
    assert_eq!(sources.of(&a()).sources.len(), 3);

    let refused = sources.try_add(&b(), &candidate(&simulcast_from(20, "b")), Limits { ssrcs: 20, groups: 2 });
    assert_eq!(refused, Err(Rejection::bad_request("ssrc-group limit (2) exceeded.")));
    assert!(sources.of(&b()).is_empty());
}

#[test]
fn removing_sources_removes_the_groups_that_name_them() {
    let mut sources = with_a();
    let video = SourceSet { sources: simulcast().sources[..6].to_vec(), groups: vec![] };
    let mut named = candidate(&video);
    named.sources.iter_mut().for_each(|source| (source.msid, source.media) = (None, AUDIO));
    let changed = sources.try_remove(&a(), &named).expect("matched by SSRC alone").expect("something was removed");
    assert_eq!(changed.before.minus(&changed.after), SourceSet { groups: simulcast().groups, ..video.clone() });
    check_invariants(&sources);

    // What was removed is free for others at once.
    assert!(add(&mut sources, b(), &SourceSet { groups: simulcast().groups, ..video }).is_ok());
    assert!(remove(&mut sources, a(), &set(&[source(7, AUDIO, "")], &[])).is_ok());
    assert_eq!(sources.iter().map(|(owner, _)| owner.clone()).collect::<Vec<_>>(), [b()]);
    check_invariants(&sources);
}

#[test]
fn a_refused_removal_says_why_and_changes_nothing() {
    let none = "Source does not exist or is not owned by endpoint null.";
    let table: &[(&str, EndpointId, SourceSet, &str)] = &[
        ("owns nothing", "c".into(), set(&[source(1, VIDEO, "")], &[]), none),
        (
            "another's",
            a(),
            set(&[source(99, AUDIO, "")], &[]),
            "Source does not exist or is not owned by endpoint (ssrc=99).",
        ),
        ("unknown group", a(), set(&[], &[group(Semantics::Sim, &[1, 2])]), "Source group does not exist"),
        ("one layer", a(), set(&[source(1, VIDEO, "")], &[]), "MSID is already used: a-video t."),
        ("a group only", a(), set(&[], &[group(Semantics::Sim, &[1, 2, 3])]), "MSID is already used: a-video t."),
    ];
    for (case, owner, unwanted, text) in table {
        let mut sources = with_a();
        add(&mut sources, b(), &set(&[source(99, AUDIO, "b-audio")], &[])).expect("valid");
        let before = sources.clone();
        assert_eq!(remove(&mut sources, owner.clone(), unwanted), Err((*text).into()), "{case}");
        assert_eq!(sources.owners, before.owners, "{case}");
        check_invariants(&sources);
    }
    assert_eq!(remove(&mut with_a(), "c".into(), &SourceSet::default()), Ok(None), "empty is ignored");
}

#[test]
fn an_owner_that_left_leaves_nothing_behind() {
    let mut sources = with_a();
    assert!(sources.withdraw(&a()).is_some());
    add(&mut sources, a(), &set(&[source(50, AUDIO, "a-audio")], &[])).expect("its own msid");
    sources.remove_owner(&a());
    sources.remove_owner(&a());
    check_invariants(&sources);
    assert!(sources.by_ssrc.is_empty() && sources.by_msid.is_empty());
    assert!(add(&mut sources, b(), &simulcast()).is_ok());
}

#[test]
fn what_was_withdrawn_is_kept_for_its_owner_until_it_says_what_it_sends_now() {
    let mut sources = with_a();
    assert!(sources.withdraw(&a()).is_some());
    assert_eq!(sources.withdraw(&a()), None);
    check_invariants(&sources);
    assert_eq!(sources.iter().count(), 0);
    let claims = [
        (set(&[source(1, AUDIO, "b-audio")], &[]), "SSRC is already used: 1."),
        (set(&[source(99, AUDIO, "a-video t")], &[]), "MSID is already used: a-video t."),
    ];
    for (claim, text) in claims {
        assert_eq!(add(&mut sources, b(), &claim), Err(text.into()));
    }
    // Not what it sends: it cannot be removed.
    let first = set(&[source(1, VIDEO, "")], &[]);
    assert!(remove(&mut sources, a(), &first).is_err());
    // In its next session it sends some of it, and more, and thinks better of one before it accepts.
    let next = set(&[source(7, AUDIO, "a-audio"), source(70, VIDEO, "a-other")], &[]);
    add(&mut sources, a(), &next).expect("its own");
    assert_eq!(remove(&mut sources, a(), &first).map_err(|text| text.contains("ssrc=1")), Err(true));
    remove(&mut sources, a(), &set(&[source(7, AUDIO, "a-audio")], &[])).expect("it sends that");
    check_invariants(&sources);
    assert_eq!(
        add(&mut sources, b(), &set(&[source(7, AUDIO, "b-audio")], &[])),
        Err("SSRC is already used: 7.".into())
    );
    sources.release(&a());
    check_invariants(&sources);
    add(&mut sources, b(), &simulcast_from(0, "b")).expect("nobody's");
    assert_eq!(add(&mut sources, b(), &set(&[source(70, AUDIO, "b")], &[])), Err("SSRC is already used: 70.".into()));
}

/// From one session to the next, none of which it accepts: the latest are kept, and no more than that.
#[test]
fn what_is_kept_for_one_who_never_accepts_has_an_end() {
    let mut sources = ConferenceSources::default();
    for session in 0..100 {
        let said = [7 * session, 7 * session + 6].map(|ssrc| source(ssrc + 1, AUDIO, &format!("m{ssrc}")));
        add(&mut sources, a(), &set(&said, &[])).expect("its own");
        // One of them once more, called otherwise.
        if session > 0 {
            add(&mut sources, a(), &set(&[source(7 * session, AUDIO, "a-other")], &[])).expect("its own");
        }
        assert!(sources.withdraw(&a()).is_some());
        check_invariants(&sources);
    }
    assert_eq!(sources.by_ssrc.values().filter(|owner| **owner == a()).count(), sources.by_ssrc.len());
    assert!((150..=MAX_RESERVED).contains(&sources.by_ssrc.len()), "{}", sources.by_ssrc.len());
    for (ssrc, is_kept) in [(1, false), (7 * 90 + 1, true), (7 * 99 + 7, true)] {
        let claim = add(&mut sources, b(), &set(&[source(ssrc, AUDIO, "b-audio")], &[]));
        assert_eq!(claim.is_err(), is_kept, "{ssrc}");
    }
    sources.release(&a());
    check_invariants(&sources);
    assert_eq!(sources.by_ssrc.len(), 1);
}

#[test]
fn errors_have_the_type_of_their_condition() {
    let table = [
        (Condition::BadRequest, ErrorType::Modify),
        (Condition::Forbidden, ErrorType::Auth),
        (Condition::ResourceConstraint, ErrorType::Wait),
        (Condition::ItemNotFound, ErrorType::Cancel),
    ];
    for (condition, kind) in table {
        assert_eq!(Rejection { condition, text: "x".into() }.into_error().kind, kind);
    }
}

/// A stanza of 5,000 sources or groups is refused for its first excess, not looked at against the whole conference.
#[test]
fn the_conference_can_be_large() {
    let mut sources = ConferenceSources::default();
    for participant in 0..2_000 {
        let owner = EndpointId::from(format!("p{participant}"));
        add(&mut sources, owner.clone(), &simulcast_from(participant * 10, owner.as_str())).expect("valid");
    }
    check_invariants(&sources);
    let many: Vec<Source> = (100_000..105_000).map(|ssrc| source(ssrc, AUDIO, "")).collect();
    assert_eq!(add(&mut sources, "x".into(), &set(&many, &[])), Err("SSRC limit (20) exceeded.".into()));
}

/// By the longest of names that a member can have, and the longest that a source may.
#[test]
fn no_participant_has_more_than_fits_into_what_others_are_told_at_once() {
    let owner = EndpointId::from("'".repeat(1_000).as_str());
    let mut sources = ConferenceSources::default();
    let named = |ssrc: u32| {
        let mut source = source(ssrc, MediaType::Video, &format!("{ssrc:'<128}"));
        source.name = Some(format!("{ssrc:'<128}").as_str().into());
        candidate(&SourceSet { sources: vec![source], groups: Vec::new() })
    };
    let limits = Limits { ssrcs: 1_000, groups: 1_000 };
    let refused = (1..1_000).find_map(|ssrc| Some((ssrc, sources.try_add(&owner, &named(ssrc), limits).err()?)));
    let text = "The sources of one participant, with their names, are too large.";
    assert_eq!(refused, Some((13, Rejection::bad_request(text))));
    assert!(Encoding::Xml.size_of(&owner, &sources.of(&owner)) <= size::OWNER);
}
