//! What Prosody's metadata component says of a room (spec/20 §11).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::{Conference, MemberId};
use crate::focus::context::Context;
use crate::focus::seat::RoomForm;

/// Everything that is known of a room by its metadata. A message carries all of it; what one leaves out has the value that
/// spec/20 §11 gives it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RoomMetadata {
    /// Who wants in waits in the lobby.
    pub lobby_enabled: bool,
    /// None: not said.
    pub visitors_enabled: Option<bool>,
    /// The size from which further ones become visitors, if it is more than 0. None: not said.
    pub participants_soft_limit: Option<i64>,
    pub visitors_live: bool,
    /// Users and groups who are preferred in the main room.
    pub moderators: BTreeSet<String>,
    /// The users and groups for whom the main room is. None: for all.
    pub participants: Option<BTreeSet<String>>,
    pub start_muted: StartMutedPolicy,
    /// The bridge transcribes: somebody wants it, and the server lets the bridge do it.
    pub transcribing: bool,
    /// For the connection to the transcription service.
    pub transcription_headers: Option<BTreeMap<String, String>>,
    pub transcription_url_params: Option<BTreeMap<String, String>>,
    pub translation_headers: Option<BTreeMap<String, String>>,
    /// Whose speech is wanted in which languages, by endpoint.
    pub audio_translations: BTreeMap<String, Vec<String>>,
}

/// Who starts muted by the room's policy (spec/20 §10).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StartMutedPolicy {
    pub audio: bool,
    pub video: bool,
}

impl RoomMetadata {
    /// Takes over a message. A field of a wrong type counts as one that is not there; the others count.
    pub fn apply(&mut self, metadata: &Map<String, Value>) {
        let section = |name: &str| metadata.get(name).and_then(Value::as_object);
        let flag = |section: Option<&Map<String, Value>>, name: &str| section?.get(name).and_then(boolean);
        let all = Some(metadata);
        self.lobby_enabled = flag(all, "lobbyEnabled").unwrap_or(false);
        self.visitors_enabled = flag(all, "visitorsEnabled").or(self.visitors_enabled);
        self.participants_soft_limit =
            metadata.get("participantsSoftLimit").and_then(integer).or(self.participants_soft_limit);
        self.visitors_live = flag(section("visitors"), "live").unwrap_or(false);
        self.moderators = metadata.get("moderators").and_then(strings).unwrap_or_default();
        self.participants = metadata.get("participants").and_then(strings);
        if let Some(policy) = section("startMuted") {
            let is_on = |media: &str| policy.get(media).and_then(boolean).unwrap_or(false);
            self.start_muted = StartMutedPolicy { audio: is_on("audio"), video: is_on("video") };
        }
        let wanted = flag(section("recording"), "isTranscribingEnabled").unwrap_or(false);
        self.transcribing = wanted && flag(all, "asyncTranscription").unwrap_or(false);
        let map = |name: &str, field: &str| section(name)?.get(field).and_then(string_map);
        self.transcription_headers = map("transcription", "httpHeaders");
        self.transcription_url_params = map("transcription", "urlParams");
        self.translation_headers = map("translation", "httpHeaders");
        let translations = section("audioTranslationRequests").into_iter().flatten();
        self.audio_translations =
            translations.filter_map(|(endpoint, languages)| Some((endpoint.clone(), list(languages)?))).collect();
    }

    /// What some modules say in the room's configuration form only. It counts, as it is now, until metadata says something: every
    /// message does of the lobby.
    pub(crate) fn apply_form(&mut self, form: &RoomForm, is_known: bool) {
        if !is_known {
            self.lobby_enabled = form.members_only;
            self.visitors_enabled = form.visitors_enabled;
            self.participants_soft_limit = form.participants_soft_limit;
            return;
        }
        self.visitors_enabled = self.visitors_enabled.or(form.visitors_enabled);
        self.participants_soft_limit = self.participants_soft_limit.or(form.participants_soft_limit);
    }

    /// Whether a user of a group is one for whom there is a place in the main room before others.
    pub fn prefers(&self, user: Option<&str>, group: Option<&str>) -> bool {
        let is_in = |list: &BTreeSet<String>| [user, group].into_iter().flatten().any(|id| list.contains(id));
        is_in(&self.moderators) || self.participants.as_ref().is_some_and(is_in)
    }

    /// Whether a user of a group may be in the main room at all.
    pub fn allows(&self, user: Option<&str>, group: Option<&str>) -> bool {
        self.participants.is_none() || self.prefers(user, group)
    }
}

/// Lua modules write some of them as text.
fn boolean(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(value) => Some(*value),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Some(true),
        Value::String(text) if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// An empty table of Lua is `{}` also where a list is meant.
fn list(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::Array(items) => Some(items.iter().filter_map(Value::as_str).map(str::to_owned).collect()),
        Value::Object(map) if map.is_empty() => Some(Vec::new()),
        _ => None,
    }
}

fn strings(value: &Value) -> Option<BTreeSet<String>> {
    list(value).map(|items| items.into_iter().collect())
}

/// The reverse: an empty map may come as `[]`.
fn string_map(value: &Value) -> Option<BTreeMap<String, String>> {
    match value {
        Value::Object(map) => {
            Some(map.iter().filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect())
        }
        Value::Array(items) if items.is_empty() => Some(BTreeMap::new()),
        _ => None,
    }
}

impl Conference {
    pub(in crate::focus) fn room_metadata(&self) -> &RoomMetadata {
        &self.metadata
    }

    /// A message of the metadata component.
    pub(in crate::focus) fn metadata(&mut self, cx: &mut Context, metadata: &Map<String, Value>) {
        let transcribed = self.metadata.transcribing;
        self.metadata.apply(metadata);
        self.metadata_known(cx);
        if self.metadata.transcribing != transcribed && !self.has_ended() {
            self.publish_transcribing(cx);
            // Whoever waits for company to be invited has it: the transcriber (spec/20 §11).
            self.invite_due(cx, MemberId::NONE);
            self.watch_for_loneliness(cx);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn told(messages: &[Value]) -> RoomMetadata {
        let mut metadata = RoomMetadata::default();
        for message in messages {
            metadata.apply(message.as_object().unwrap());
        }
        metadata
    }

    fn set(items: &[&str]) -> BTreeSet<String> {
        items.iter().map(|item| (*item).to_owned()).collect()
    }

    #[test]
    fn what_a_message_leaves_out_is_over_or_stays_as_the_table_says() {
        let closed = told(&[json!({ "participants": [], "participantsSoftLimit": 5, "lobbyEnabled": true })]);
        assert!(!closed.allows(None, None) && !closed.allows(Some("u1"), Some("g1")));
        assert_eq!((closed.participants_soft_limit, closed.lobby_enabled), (Some(5), true));
        let mut open = closed.clone();
        open.apply(json!({}).as_object().unwrap());
        assert!(open.allows(None, None) && !open.prefers(None, None));
        assert_eq!((open.participants_soft_limit, open.lobby_enabled), (Some(5), false));

        let all = json!({
            "visitorsEnabled": true, "visitors": { "live": true }, "moderators": ["m1", "g1"], "participants": ["p1"],
            "startMuted": { "audio": true, "video": true, "desktop": true },
            "recording": { "isTranscribingEnabled": true }, "asyncTranscription": true,
            "transcription": { "httpHeaders": { "X-T": "1" }, "urlParams": { "lang": "en" } },
            "translation": { "httpHeaders": { "X-L": "2" } },
            "audioTranslationRequests": { "0a1b2c3d": ["en", "es"] },
            "services": {}, "allownersEnabled": true,
        });
        let full = told(std::slice::from_ref(&all));
        let map = |key: &str, value: &str| Some(BTreeMap::from([(key.to_owned(), value.to_owned())]));
        assert_eq!(
            full,
            RoomMetadata {
                lobby_enabled: false,
                visitors_enabled: Some(true),
                participants_soft_limit: None,
                visitors_live: true,
                moderators: set(&["m1", "g1"]),
                participants: Some(set(&["p1"])),
                start_muted: StartMutedPolicy { audio: true, video: true },
                transcribing: true,
                transcription_headers: map("X-T", "1"),
                transcription_url_params: map("lang", "en"),
                translation_headers: map("X-L", "2"),
                audio_translations: BTreeMap::from([("0a1b2c3d".into(), vec!["en".into(), "es".into()])]),
            }
        );
        let allowed = [("m1", "x"), ("x", "g1"), ("p1", "x"), ("x", "y")];
        assert_eq!(allowed.map(|(user, group)| full.allows(Some(user), Some(group))), [true, true, true, false]);
        let kept = RoomMetadata { visitors_enabled: Some(true), start_muted: full.start_muted, ..Default::default() };
        assert_eq!(told(&[all, json!({})]), kept);
        let half = told(&[json!({ "startMuted": { "audio": true, "video": true } }), json!({ "startMuted": {} })]);
        assert_eq!(half.start_muted, StartMutedPolicy::default());
    }

    #[test]
    fn a_field_of_a_wrong_type_costs_itself_alone() {
        let odd = told(&[json!({
            "lobbyEnabled": "true", "participantsSoftLimit": "30", "visitorsEnabled": 7, "moderators": {},
            "participants": {}, "startMuted": { "audio": "yes", "video": true }, "visitors": [], "recording": "on",
            "asyncTranscription": [], "transcription": { "httpHeaders": [], "urlParams": { "a": 1, "b": "c" } },
            "audioTranslationRequests": { "e1": {}, "e2": "en" },
        })]);
        assert_eq!((odd.lobby_enabled, odd.participants_soft_limit, odd.visitors_enabled), (true, Some(30), None));
        assert_eq!((odd.moderators, odd.participants), (set(&[]), Some(set(&[]))));
        assert_eq!(odd.start_muted, StartMutedPolicy { audio: false, video: true });
        assert_eq!((odd.visitors_live, odd.transcribing), (false, false));
        assert_eq!(odd.transcription_headers, Some(BTreeMap::new()));
        assert_eq!(odd.transcription_url_params, Some(BTreeMap::from([("b".to_owned(), "c".to_owned())])));
        assert_eq!(odd.audio_translations, BTreeMap::from([("e1".to_owned(), Vec::new())]));
    }
}
