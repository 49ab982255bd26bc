//! Sources as compact JSON (spec/30 §7.3): written straight into a text, with names and msids escaped, which are clients' to
//! choose.

use std::fmt::Write as _;

use super::set::{Source, SourceSet, SsrcGroup};
use crate::wire::values::{EndpointId, MediaType, Semantics, VideoType};

/// `{"sources":{owner:[video sources, video groups, audio sources, audio groups if any],…}}`.
pub fn to_json<'a>(owners: impl IntoIterator<Item = (&'a EndpointId, &'a SourceSet)>) -> String {
    let mut out = String::from(r#"{"sources":{"#);
    list(&mut out, owners, |out, (owner, set)| {
        string(out, owner.as_str());
        out.push_str(":[");
        sources(out, set, MediaType::Video);
        out.push(',');
        groups(out, set, MediaType::Video);
        out.push(',');
        sources(out, set, MediaType::Audio);
        if set.groups.iter().any(|group| group.media == MediaType::Audio) {
            out.push(',');
            groups(out, set, MediaType::Audio);
        }
        out.push(']');
    });
    out.push_str("}}");
    out
}

fn sources(out: &mut String, set: &SourceSet, media: MediaType) {
    out.push('[');
    list(out, set.sources.iter().filter(|source| source.media == media), source);
    out.push(']');
}

/// A video source without `v` is a camera's to its reader.
fn source(out: &mut String, source: &Source) {
    let _ = write!(out, r#"{{"s":{}"#, source.ssrc);
    if let Some(name) = &source.name {
        out.push_str(r#","n":"#);
        string(out, name.as_str());
    }
    if let Some(msid) = &source.msid {
        out.push_str(r#","m":"#);
        string(out, &msid.0);
    }
    if source.video_type == Some(VideoType::Desktop) {
        out.push_str(r#","v":"d""#);
    }
    out.push('}');
}

fn groups(out: &mut String, set: &SourceSet, media: MediaType) {
    out.push('[');
    list(out, set.groups.iter().filter(|group| group.media == media), group);
    out.push(']');
}

fn group(out: &mut String, group: &SsrcGroup) {
    out.push_str(match group.semantics {
        Semantics::Fid => r#"["f""#,
        Semantics::Sim => r#"["s""#,
    });
    for ssrc in &group.ssrcs {
        let _ = write!(out, ",{ssrc}");
    }
    out.push(']');
}

fn list<T>(out: &mut String, items: impl IntoIterator<Item = T>, mut write: impl FnMut(&mut String, T)) {
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write(out, item);
    }
}

/// A JSON string (RFC 8259 §7).
fn string(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\0'..='\x1f' => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            // U+FFFE and U+FFFF are no characters of XML and would be lost on the way.
            '\u{fffe}' | '\u{ffff}' => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            _ => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::focus::sources::samples::{group, simulcast, source};
    use crate::focus::sources::set::Msid;
    use crate::focus::sources::view::{Encoding, View};

    fn read(owners: &[(&str, SourceSet)]) -> Value {
        let owners: Vec<_> = owners.iter().map(|(owner, set)| (EndpointId::from(*owner), set)).collect();
        let json = to_json(owners.iter().map(|(owner, set)| (owner, *set)));
        serde_json::from_str(&json).expect("valid JSON")
    }

    fn plain(ssrcs: std::ops::RangeInclusive<u32>, media: MediaType) -> Vec<Source> {
        ssrcs.map(|ssrc| source(ssrc, media, "")).collect()
    }

    /// spec/30 §14 (7).
    #[test]
    fn stripped_simulcast_is_two_sources_and_a_pair() {
        let view = View { audio: true, video: true, strip_simulcast: true, rewriting: false, encoding: Encoding::Json };
        let mut set = view.filter(&simulcast());
        set.sources.iter_mut().for_each(|source| source.msid = None);
        let expected = json!({"sources": {"a": [[{"s": 1}, {"s": 4}], [["f", 1, 4]], [{"s": 7}]]}});
        assert_eq!(read(&[("a", set)]), expected);
    }

    #[test]
    fn three_lists_are_always_there_and_audio_groups_only_if_there_are_any() {
        let audio = SourceSet { sources: plain(1..=2, MediaType::Audio), groups: vec![] };
        let mut grouped = audio.clone();
        grouped.groups = vec![SsrcGroup { media: MediaType::Audio, ..group(Semantics::Sim, &[1, 2]) }];
        let expected = json!({"sources": {
            "a": [[], [], [{"s": 1}, {"s": 2}]],
            "b": [[], [], [{"s": 1}, {"s": 2}], [["s", 1, 2]]],
            "c": [[], [], []],
        }});
        assert_eq!(read(&[("a", audio), ("b", grouped), ("c", SourceSet::default())]), expected);
        assert_eq!(read(&[]), json!({"sources": {}}));
    }

    #[test]
    fn video_type_is_told_of_a_desktop_only() {
        let mut set = SourceSet { sources: plain(1..=2, MediaType::Video), groups: vec![] };
        set.sources[0].video_type = Some(VideoType::Desktop);
        set.sources[1].video_type = Some(VideoType::Camera);
        assert_eq!(read(&[("a", set)]), json!({"sources": {"a": [[{"s": 1, "v": "d"}, {"s": 2}], [], []]}}));
    }

    /// spec/30 §14 (10).
    #[test]
    fn whatever_a_client_calls_things_the_json_stays_whole() {
        for text in ["x\"y", "a\\", "\"}]}", "tab\tline\nnul\0bell\u{7}", "ü→🦀\u{2028}", "\u{fffe}", ""] {
            let mut named = source(1, MediaType::Audio, "");
            named.name = Some(text.into());
            named.msid = Some(Msid(text.into()));
            let set = SourceSet { sources: vec![named], groups: vec![] };
            assert_eq!(read(&[(text, set)]), json!({"sources": {text: [[], [], [{"s": 1, "n": text, "m": text}]]}}));
        }
    }
}
