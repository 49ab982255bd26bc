//! The cases of spec/30 §10 and §14 (13 to 15), and whole conferences by a seed.

use serde_json::Value;

use super::*;
use crate::focus::sources::samples::{candidate, group, simulcast_from, source};
use crate::focus::sources::set::{Source, SsrcGroup};
use crate::focus::sources::validate::{ConferenceSources, Limits};
use crate::wire::jingle::{Content, Jingle};
use crate::wire::values::{MediaType, Semantics, Ssrc, VideoType};
use crate::wire::xml::{read_str, to_string};

const VIEW: View = View { audio: true, video: true, strip_simulcast: true, rewriting: false, encoding: Encoding::Json };
const LIMITS: Limits = Limits { ssrcs: 30, groups: 30 };

/// A conference: who sends what, and who was told.
#[derive(Default)]
struct Room {
    sources: ConferenceSources,
    signals: Signals,
}

impl Room {
    fn of(receivers: &[&str]) -> Room {
        let mut room = Room::default();
        receivers.iter().for_each(|receiver| room.signals.offered(&(*receiver).into(), VIEW, Heard::All));
        room
    }

    fn add(&mut self, owner: &str, set: &SourceSet) {
        let changed = self.sources.try_add(&owner.into(), &candidate(set), LIMITS).expect("valid").expect("new");
        self.signals.changed(&owner.into(), &changed);
    }

    fn remove(&mut self, owner: &str, set: &SourceSet) {
        let changed = self.sources.try_remove(&owner.into(), &candidate(set)).expect("valid").expect("not empty");
        self.signals.changed(&owner.into(), &changed);
    }

    fn flush(&mut self, receiver: &str) -> (Option<Value>, Option<Value>) {
        let flush = self.signals.flush(&receiver.into(), &self.sources);
        let one = |pieces: &[Piece]| {
            assert!(pieces.len() <= 1);
            pieces.first().map(|piece| json(piece))
        };
        (one(&flush.remove), one(&flush.add))
    }
}

fn json(pieces: &[Raw]) -> Value {
    let message: JsonMessage = pieces[0].read_as().expect("a json-message");
    serde_json::from_str::<Value>(&message.json).expect("valid JSON")["sources"].take()
}

fn audio(ssrc: u32) -> SourceSet {
    SourceSet { sources: vec![source(ssrc, MediaType::Audio, "")], groups: vec![] }
}

#[test]
fn everybody_but_the_owner_is_told_once() {
    let mut room = Room::of(&["a", "b", "c"]);
    room.add("a", &audio(300));
    assert_eq!(room.signals.waiting().map(EndpointId::as_str).collect::<Vec<_>>(), ["b", "c"]);
    let told = serde_json::json!({"a": [[], [], [{"s": 300}]]});
    assert_eq!(room.flush("a"), (None, None));
    assert_eq!(room.flush("b"), (None, Some(told.clone())));
    assert_eq!(room.flush("b"), (None, None));
    assert_eq!(room.flush("c"), (None, Some(told)));
    assert!(room.signals.log.is_empty(), "nobody waits for it any more");
}

#[test]
fn receivers_of_one_change_share_one_encoding() {
    let mut room = Room::of(&["a", "b", "c"]);
    room.signals.offered(&"x".into(), View { encoding: Encoding::Xml, ..VIEW }, Heard::All);
    room.add("a", &simulcast_from(0, "a"));
    let of = |room: &mut Room, receiver: &str| room.signals.flush(&receiver.into(), &room.sources).add.remove(0);
    let (b, c, x) = (of(&mut room, "b"), of(&mut room, "c"), of(&mut room, "x"));
    assert!(Arc::ptr_eq(&b, &c));
    assert_eq!(x.iter().map(Raw::name).collect::<Vec<_>>(), ["content", "content"]);
}

/// spec/30 §14 (13).
#[test]
fn what_was_added_and_removed_between_two_flushes_is_not_told() {
    let mut room = Room::of(&["b"]);
    room.add("a", &audio(300));
    room.remove("a", &audio(300));
    room.add("a", &audio(301));
    assert_eq!(room.flush("b"), (None, Some(serde_json::json!({"a": [[], [], [{"s": 301}]]}))));

    room.remove("a", &audio(301));
    room.add("a", &audio(301));
    assert_eq!(room.flush("b"), (None, None));
}

/// spec/30 §14 (15), §10.1.
#[test]
fn a_source_that_changed_is_removed_and_added() {
    let mut room = Room::of(&["b"]);
    room.add("a", &audio(200));
    room.flush("b");
    room.remove("a", &audio(200));
    let mut renamed = audio(200);
    renamed.sources[0].name = Some("a-a1".into());
    room.add("a", &renamed);
    let removed = serde_json::json!({"a": [[], [], [{"s": 200}]]});
    let added = serde_json::json!({"a": [[], [], [{"s": 200, "n": "a-a1"}]]});
    assert_eq!(room.flush("b"), (Some(removed), Some(added)));
}

/// A client has no group of what it does not have.
#[test]
fn a_group_goes_with_a_source_that_changed_and_comes_back_with_it() {
    let mut room = Room::of(&["b"]);
    let layer = |ssrc| source(ssrc, MediaType::Video, "m");
    let pair = SourceSet { sources: vec![layer(1), layer(4)], groups: vec![group(Semantics::Fid, &[1, 4])] };
    room.add("a", &pair);
    room.flush("b");
    room.remove("a", &pair);
    let mut renamed = pair.clone();
    renamed.sources[0].name = Some("a-v1".into());
    room.add("a", &renamed);
    let removed = serde_json::json!({"a": [[{"s": 1, "m": "m"}], [["f", 1, 4]], []]});
    let added = serde_json::json!({"a": [[{"s": 1, "n": "a-v1", "m": "m"}], [["f", 1, 4]], []]});
    assert_eq!(room.flush("b"), (Some(removed), Some(added)));
}

#[test]
fn simulcast_around_a_known_source_replaces_it_if_it_is_not_the_first_layer() {
    let mut room = Room::of(&["b"]);
    let layer = |ssrc| source(ssrc, MediaType::Video, "m");
    room.add("a", &SourceSet { sources: vec![layer(2)], groups: vec![] });
    room.flush("b");
    let more = SourceSet { sources: vec![layer(1), layer(3)], groups: vec![group(Semantics::Sim, &[1, 2, 3])] };
    room.add("a", &more);
    let (removed, added) = room.flush("b");
    assert_eq!(removed.expect("told")["a"][0][0]["s"], 2);
    assert_eq!(added.expect("told")["a"][0][0]["s"], 1);
}

/// spec/30 §10.1, "Improve".
#[test]
fn who_left_is_not_spoken_of_and_is_new_when_it_comes_back() {
    let mut room = Room::of(&["b", "c"]);
    room.add("a", &audio(1));
    room.flush("b");
    room.sources.remove_owner(&"a".into());
    room.signals.left(&"a".into());
    assert_eq!(room.flush("c"), (None, None), "c never heard of it");
    assert_eq!(room.flush("b"), (None, None), "b's client knows that it left");
    room.add("a", &audio(1));
    let told = Some(serde_json::json!({"a": [[], [], [{"s": 1}]]}));
    assert_eq!((room.flush("b"), room.flush("c")), ((None, told.clone()), (None, told)));
}

#[test]
fn with_rewriting_nothing_is_ever_told() {
    let mut room = Room::of(&[]);
    room.signals.offered(&"b".into(), View { rewriting: true, ..VIEW }, Heard::All);
    room.add("a", &audio(1));
    assert!(!room.signals.is_waiting(&"b".into()));
    assert_eq!(room.flush("b"), (None, None));
    assert!(room.signals.log.is_empty());
}

#[test]
fn a_receiver_that_never_accepts_does_not_make_the_log_grow() {
    let mut room = Room::of(&["b", "slow"]);
    for round in 0..5_000_u32 {
        let owner = format!("p{}", round % 10);
        match room.sources.of(&owner.as_str().into()).is_empty() {
            true => room.add(&owner, &audio(1 + round % 10)),
            false => room.remove(&owner, &audio(1 + round % 10)),
        }
        if round % 7 == 0 {
            room.flush("b");
        }
    }
    assert!(room.signals.log.len() <= CONDENSE_AT, "{}", room.signals.log.len());
}

/// Names of the worst characters, an owner of the longest name, and what no real client has: all are below what is counted.
#[test]
fn what_is_counted_for_an_owner_is_never_less_than_what_it_takes() {
    let texts = ["", "alice-v0", "'''", "\"\"\"", "&<>", "\\\t\n\r", "\u{fffe}\u{ffff}", "ü→🦀", "\u{1}"];
    for encoding in [Encoding::Json, Encoding::Xml] {
        for (count, text) in (1..40).flat_map(|count| texts.map(|text| (count, text))) {
            let owner = EndpointId::from(format!("o{}", text.repeat(count as usize)).as_str());
            let mut set = SourceSet::default();
            for ssrc in 0..count {
                let media = if ssrc % 3 == 0 { MediaType::Audio } else { MediaType::Video };
                let mut source = source(u32::MAX - ssrc, media, &text.repeat(2));
                source.name = Some(text.repeat(5).as_str().into());
                source.video_type = Some(VideoType::Desktop);
                set.sources.push(source);
            }
            set.groups.push(group(Semantics::Sim, &[u32::MAX; 9]));
            set.groups.push(SsrcGroup { media: MediaType::Audio, ..group(Semantics::Fid, &[u32::MAX; 2]) });
            let size = |set: &SourceSet| -> usize {
                encode(std::iter::once((&owner, set)), encoding).iter().map(|raw| raw.as_str().len()).sum()
            };
            // What is around all owners of a stanza is not counted.
            let around = match encoding {
                Encoding::Json => to_string(&JsonMessage { room: None, json: String::new() }).len() + 60,
                Encoding::Xml => 2 * to_string(&contents_of([(&owner, &set)])[0]).find('>').unwrap_or(0) + 400,
            };
            let (counted, taken) = (encoding.size_of(&owner, &set), size(&set));
            assert!(taken <= counted + around, "{encoding:?} {count} {text:?}: {taken}, counted {counted}");
        }
    }
}

/// A small generator (xorshift64*), so that a failing seed can be run again.
struct Random(u64);

impl Random {
    fn below(&mut self, n: u32) -> u32 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let high = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        u32::try_from(high % u64::from(n)).expect("below a u32")
    }
}

/// What a client knows of others: it applies what it is told, and refuses what makes no sense.
#[derive(Default)]
struct Client(BTreeMap<String, SourceSet>);

impl Client {
    fn apply(&mut self, removed: Vec<(String, SourceSet)>, added: Vec<(String, SourceSet)>) {
        for (owner, set) in removed {
            let known = self.0.remove(&owner).expect("removed of an unknown owner");
            assert!(set.minus(&known).is_empty(), "removed what was not there");
            let left = known.minus(&set);
            if !left.is_empty() {
                self.0.insert(owner, left);
            }
        }
        for (owner, set) in added {
            let known = self.0.entry(owner).or_default();
            assert_eq!(set.minus(known), set, "added what was there");
            *known = known.plus(&set);
        }
    }
}

fn read_json(pieces: &[Raw]) -> Vec<(String, SourceSet)> {
    let number = |value: &Value| Ssrc(u32::try_from(value.as_u64().expect("a number")).expect("32 bits"));
    let mut owners = Vec::new();
    for (owner, lists) in json(pieces).as_object().expect("an object") {
        let mut set = SourceSet::default();
        for (index, list) in lists.as_array().expect("a list").iter().enumerate() {
            let media = if index < 2 { MediaType::Video } else { MediaType::Audio };
            for item in list.as_array().expect("a list") {
                if index % 2 == 0 {
                    let ssrc = number(&item["s"]);
                    set.sources.push(Source { ssrc, ..source(0, media, item["m"].as_str().unwrap_or("")) });
                } else {
                    let semantics = if item[0] == "f" { Semantics::Fid } else { Semantics::Sim };
                    let ssrcs = item.as_array().expect("a list")[1..].iter().map(number).collect();
                    set.groups.push(SsrcGroup { semantics, media, ssrcs });
                }
            }
        }
        owners.push((owner.clone(), set));
    }
    owners
}

fn read_xml(pieces: &[Raw]) -> Vec<(String, SourceSet)> {
    let contents: Vec<Content> = pieces.iter().map(|piece| piece.read_as().expect("a content")).collect();
    let jingle: Jingle = read_str(&to_string(&Jingle { contents, ..Jingle::default() })).expect("legal");
    let mut owners: BTreeMap<String, SourceSet> = BTreeMap::new();
    for content in jingle.contents {
        let media: MediaType = content.name.expect("named").parse().expect("audio or video");
        let description = content.description.expect("described");
        for of in description.sources {
            let owner = of.info.clone().and_then(|info| info.owner).expect("owned");
            let msid = of.parameters.first().and_then(|parameter| parameter.value.clone()).unwrap_or_default();
            let ssrc = u32::try_from(of.ssrc.expect("an SSRC")).expect("32 bits");
            owners.entry(owner).or_default().sources.push(source(ssrc, media, &msid));
        }
        for of in description.groups {
            let ssrcs: Box<[Ssrc]> =
                of.sources.iter().map(|of| Ssrc(u32::try_from(of.ssrc.expect("an SSRC")).expect("32 bits"))).collect();
            // The base of an SSRC says whose it is (`simulcast_from`); XML does not.
            let owner = format!("p{}", ssrcs[0].0 / 100);
            let group = SsrcGroup { semantics: of.semantics, media, ssrcs };
            owners.entry(owner).or_default().groups.push(group);
        }
    }
    owners.into_iter().collect()
}

/// After any sequence of changes, departures and flushes, a client that was told everything knows what it can see of all
/// others' sources, and nothing else.
#[test]
fn clients_know_what_there_is() {
    let views = [
        VIEW,
        View { strip_simulcast: false, ..VIEW },
        View { video: false, ..VIEW },
        View { encoding: Encoding::Xml, ..VIEW },
        View { encoding: Encoding::Xml, strip_simulcast: false, ..VIEW },
    ];
    for seed in 1..=150 {
        let mut random = Random(seed);
        let mut room = Room::default();
        let mut clients: BTreeMap<String, (Client, View)> = BTreeMap::new();
        for _ in 0..150 {
            let number = random.below(6);
            let id = format!("p{number}");
            let endpoint = EndpointId::from(id.as_str());
            if let std::collections::btree_map::Entry::Vacant(free) = clients.entry(id.clone()) {
                let view = views[random.below(5) as usize];
                // Some offers have no room for all, or for anybody.
                let heard = match random.below(8) {
                    0 => Heard::UpTo(None),
                    number @ 1..=3 => Heard::UpTo(Some(format!("p{number}").as_str().into())),
                    _ => Heard::All,
                };
                let offered = room.sources.iter().filter(|(owner, _)| heard.of(owner));
                let offered = offered.map(|(owner, set)| (owner.to_string(), view.filter(set)));
                let client = Client(offered.filter(|(_, set)| !set.is_empty()).collect());
                free.insert((client, view));
                room.signals.offered(&endpoint, view, heard);
                continue;
            }
            let all = simulcast_from(number * 100, &id);
            let extra = SourceSet { sources: vec![source(number * 100 + 9, MediaType::Audio, "")], groups: vec![] };
            let set = if random.below(2) == 0 { &all } else { &extra };
            match random.below(8) {
                0..=1 if room.sources.of(&endpoint).minus(set) == *room.sources.of(&endpoint) => room.add(&id, set),
                2..=3 if set.minus(&room.sources.of(&endpoint)).is_empty() => room.remove(&id, set),
                4 => room.signals.condense(),
                5 if random.below(4) == 0 => {
                    room.sources.remove_owner(&endpoint);
                    room.signals.left(&endpoint);
                    room.signals.forget(&endpoint);
                    clients.remove(&id);
                    clients.values_mut().for_each(|(client, _)| drop(client.0.remove(&id)));
                }
                _ => flush(&mut room, &mut clients, &id, seed),
            }
        }
        let ids: Vec<String> = clients.keys().cloned().collect();
        ids.iter().for_each(|id| flush(&mut room, &mut clients, id, seed));
        assert!(room.signals.log.is_empty(), "seed {seed}");
    }
}

fn flush(room: &mut Room, clients: &mut BTreeMap<String, (Client, View)>, id: &str, seed: u64) {
    let (client, view) = clients.get_mut(id).expect("it is there");
    let flush = room.signals.flush(&id.into(), &room.sources);
    let read_one = |piece: &Piece| match view.encoding {
        Encoding::Json => read_json(piece),
        Encoding::Xml => read_xml(piece),
    };
    let read = |pieces: Vec<Piece>| pieces.iter().flat_map(read_one).collect();
    client.apply(read(flush.remove), read(flush.add));
    let visible = room.sources.iter().filter(|(owner, _)| owner.as_str() != id);
    let expected: BTreeMap<String, SourceSet> =
        visible.map(|(owner, set)| (owner.to_string(), view.filter(set))).filter(|(_, set)| !set.is_empty()).collect();
    let same = |a: &SourceSet, b: &SourceSet| a.minus(b).is_empty() && b.minus(a).is_empty();
    assert!(
        client.0.len() == expected.len()
            && client.0.iter().all(|(owner, set)| expected.get(owner).is_some_and(|other| same(set, other))),
        "seed {seed}, {id}: {:?} instead of {expected:?}",
        client.0
    );
}
