//! What real clients and bridges were told in recorded meetings, against what these parts make of the same requests.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use super::compact::to_json;
use super::set::{Candidate, SourceSet};
use super::validate::{ConferenceSources, Limits};
use super::view::{Encoding, View};
use crate::config::Config;
use crate::focus::colibri::request::media_sources;
use crate::focus::conference::features::Features;
use crate::focus::conference::offer::CodecCache;
use crate::wire::colibri2::{ConferenceModify, Media};
use crate::wire::jingle::Jingle;
use crate::wire::stanza::{Iq, IqBody, Payload, Stanza};
use crate::wire::values::{EndpointId, MediaType, PresenceType, SessionId};
use crate::wire::xml::read_str;

const VIEW: View = View { audio: true, video: true, strip_simulcast: true, rewriting: false, encoding: Encoding::Json };

/// What the clients of the recordings have that matters to an offer: all but SCTP, which was off.
const CLIENT: Features =
    Features::AUDIO.with(Features::VIDEO).with(Features::RTX).with(Features::TCC).with(Features::REMB);

/// One recorded meeting, followed.
#[derive(Default)]
struct Follower {
    rooms: BTreeMap<String, ConferenceSources>,
    sessions: BTreeMap<SessionId, (String, EndpointId)>,
    /// What others may be told of an owner: its additions and removals, as compact JSON.
    tellable: BTreeMap<EndpointId, Vec<Value>>,
    checked: Checked,
}

/// How much was compared.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Checked {
    accepted: u32,
    told: u32,
    to_bridges: u32,
    offers: u32,
}

fn compact(owner: &EndpointId, set: &SourceSet) -> Value {
    let json: Value = serde_json::from_str(&to_json([(owner, set)])).expect("valid JSON");
    json["sources"][owner.as_str()].clone()
}

/// Lists are sets to their readers, and the reference's have no order.
fn sorted(mut lists: Value) -> Value {
    for list in lists.as_array_mut().expect("lists") {
        list.as_array_mut().expect("a list").sort_by_key(Value::to_string);
    }
    lists
}

impl Follower {
    fn incoming(&mut self, stanza: &Stanza) {
        match stanza {
            Stanza::Presence(presence) if presence.kind == Some(PresenceType::Unavailable) => {
                let Some(from) = &presence.from else { return };
                self.gone(from.bare_str(), &from.resource().unwrap_or_default().into());
            }
            Stanza::Iq(iq) => {
                let Iq { body: IqBody::Set(Payload::Jingle(jingle)), .. } = &**iq else { return };
                let Some((room, owner)) = jingle.sid.as_ref().and_then(|sid| self.sessions.get(sid)).cloned() else {
                    return;
                };
                match jingle.action.as_deref() {
                    Some("session-accept" | "source-add") => self.added(&room, &owner, jingle),
                    Some("session-terminate") => self.gone(&room, &owner),
                    _ => {}
                }
            }
            _ => {}
        }
    }

    fn added(&mut self, room: &str, owner: &EndpointId, jingle: &Jingle) {
        let candidate = Candidate::from_contents(&jingle.contents).expect("real clients name their media");
        let sources = self.rooms.entry(room.into()).or_default();
        let changed = sources.try_add(owner, &candidate, Limits { ssrcs: 20, groups: 20 });
        let Some(changed) = changed.expect("real clients are accepted") else { return };
        self.checked.accepted += 1;
        let new = VIEW.filter(&changed.after).minus(&VIEW.filter(&changed.before));
        self.tellable.entry(owner.clone()).or_default().push(sorted(compact(owner, &new)));
    }

    fn gone(&mut self, room: &str, owner: &EndpointId) {
        let Some(changed) = self.rooms.entry(room.into()).or_default().withdraw(owner) else { return };
        let old = VIEW.filter(&changed.before);
        self.tellable.entry(owner.clone()).or_default().push(sorted(compact(owner, &old)));
    }

    fn outgoing(&mut self, stanza: &Stanza) {
        let Stanza::Iq(iq) = stanza else { return };
        match &iq.body {
            IqBody::Set(Payload::Jingle(jingle)) => {
                let Some(to) = &iq.to else { return };
                let receiver: EndpointId = to.resource().unwrap_or_default().into();
                match jingle.action.as_deref() {
                    Some("session-initiate") => self.offered(to.bare_str(), &receiver, jingle),
                    Some("session-terminate") => self.gone(to.bare_str(), &receiver),
                    Some("source-add" | "source-remove") => self.told(jingle),
                    _ => {}
                }
            }
            IqBody::Get(Payload::ConferenceModify(modify)) => self.told_bridge(modify),
            _ => {}
        }
    }

    fn offered(&mut self, room: &str, receiver: &EndpointId, jingle: &Jingle) {
        let sid = jingle.sid.clone().expect("each has one");
        self.sessions.insert(sid, (room.into(), receiver.clone()));
        let codecs = CodecCache::default().get(CLIENT, &Config::default());
        for (content, media) in jingle.contents.iter().zip(&codecs.media) {
            assert_eq!(content.description.as_ref(), Some(&media.description), "the description of {:?}", media.kind);
        }
        let sources = self.rooms.entry(room.into()).or_default();
        for (owner, told) in owners(jingle) {
            let known = sources.of(&owner.as_str().into());
            if owner != "jvb" && !known.is_empty() {
                assert_eq!(
                    sorted(told),
                    sorted(compact(&owner.as_str().into(), &VIEW.filter(&known))),
                    "offered of {owner}"
                );
            }
        }
        self.checked.offers += 1;
    }

    fn told(&mut self, jingle: &Jingle) {
        for (owner, told) in owners(jingle) {
            let tellable = &self.tellable[owner.as_str()];
            assert!(tellable.contains(&sorted(told.clone())), "of {owner} was told {told}, not one of {tellable:?}");
            self.checked.told += 1;
        }
    }

    fn told_bridge(&mut self, modify: &ConferenceModify) {
        let codecs = CodecCache::default().get(CLIENT, &Config::default());
        for endpoint in &modify.endpoints {
            for media in &endpoint.media {
                let ours = &codecs.media[if media.kind == MediaType::Audio { 0 } else { 1 }].for_bridge;
                assert_eq!(ours.read_as::<Media>().as_ref(), Ok(media));
            }
            let Some(told) = endpoint.sources.as_ref().filter(|_| !endpoint.create) else { continue };
            let owned = self.rooms.values().map(|sources| sources.of(&endpoint.id)).find(|set| !set.is_empty());
            assert_eq!(&media_sources(&endpoint.id, &owned.unwrap_or_default()), told, "{}", endpoint.id);
            self.checked.to_bridges += 1;
        }
    }
}

fn owners(jingle: &Jingle) -> Vec<(String, Value)> {
    let Some(message) = &jingle.json_message else { return Vec::new() };
    let mut json: Value = serde_json::from_str(&message.json).expect("valid JSON");
    let Value::Object(owners) = json["sources"].take() else { return Vec::new() };
    owners.into_iter().collect()
}

#[test]
fn recorded_meetings_come_out_the_same() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/traces");
    let mut checked = Checked::default();
    for entry in std::fs::read_dir(folder).expect("the traces") {
        let path = entry.expect("a readable folder").path();
        if path.extension().is_none_or(|extension| extension != "jsonl") {
            continue;
        }
        let mut follower = Follower { checked, ..Follower::default() };
        for line in std::fs::read_to_string(&path).expect("a trace").lines().skip(1) {
            let line: Value = serde_json::from_str(line).expect("JSON lines");
            let xml = line["xml"].as_str().expect("each has its stanza");
            let Ok(stanza) = read_str::<Stanza>(xml) else { continue };
            match (line["who"].as_str(), line["dir"].as_str()) {
                (Some("focus"), Some("<")) => follower.incoming(&stanza),
                (Some("focus"), Some(">")) => follower.outgoing(&stanza),
                _ => {}
            }
        }
        checked = follower.checked;
    }
    assert!(
        checked.accepted >= 49 && checked.told >= 63 && checked.to_bridges >= 50 && checked.offers >= 49,
        "the traces are there: {checked:?}"
    );
}
