//! `SourceInfo`: what a client says in its presence of the sources that it sends (spec/20 §4.3).

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::wire::values::VideoType;

/// So many videos of one member are kept: more than it may announce (`max-ssrcs-per-user`). Of the others it has said nothing.
const MAX_VIDEOS: usize = 32;

/// Sources with longer names are not announced.
const MAX_NAME: usize = 128;

/// What a `SourceInfo` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SourceInfo {
    /// Whether all audio is muted.
    pub audio_muted: bool,
    /// Whether all video is muted.
    pub video_muted: bool,
    /// In the order of their names.
    pub videos: Vec<Video>,
}

/// One source of video, as its owner shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Video {
    pub name: Box<str>,
    pub kind: VideoType,
    pub muted: bool,
}

/// One source as it is written there.
#[derive(Deserialize)]
struct Said {
    #[serde(default = "yes")]
    muted: bool,
    #[serde(rename = "videoType", default)]
    video_type: Option<String>,
    #[serde(rename = "mediaType", default)]
    media_type: Option<String>,
}

fn yes() -> bool {
    true
}

impl SourceInfo {
    /// None if any of it can't be read: then nothing changes.
    pub fn read(text: &str) -> Option<SourceInfo> {
        let sources: BTreeMap<String, Said> = serde_json::from_str(text).ok()?;
        let mut info = SourceInfo { audio_muted: true, video_muted: true, videos: Vec::new() };
        for (name, said) in sources {
            // Cameras do not say what they are.
            let kind = said.video_type.as_deref().map_or(Ok(VideoType::Camera), str::parse).ok()?;
            let letter = name.split_once('-').and_then(|(_, rest)| rest.chars().next());
            let (is_audio, is_video) = match said.media_type.as_deref() {
                Some(media) => (media.eq_ignore_ascii_case("audio"), media.eq_ignore_ascii_case("video")),
                None => (letter == Some('a'), letter == Some('v')),
            };
            info.audio_muted &= !is_audio || said.muted;
            info.video_muted &= !is_video || said.muted;
            if is_video && info.videos.len() < MAX_VIDEOS && name.len() <= MAX_NAME {
                info.videos.push(Video { name: name.into(), kind, muted: said.muted });
            }
        }
        Some(info)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn videos(text: &str) -> Vec<(String, VideoType, bool)> {
        let videos = SourceInfo::read(text).expect("it can be read").videos;
        videos.into_iter().map(|video| (video.name.into(), video.kind, video.muted)).collect()
    }

    #[test]
    fn a_video_without_type_is_a_camera() {
        let text = r#"{"a-a0":{"muted":false},"a-v0":{"muted":false},"a-v1":{"videoType":"DESKTOP"},
            "other":{"mediaType":"Video","videoType":"camera","muted":false}}"#;
        let expected = [
            ("a-v0".into(), VideoType::Camera, false),
            ("a-v1".into(), VideoType::Desktop, true),
            ("other".into(), VideoType::Camera, false),
        ];
        assert_eq!(videos(text), expected);
        assert_eq!(videos("{}"), []);
    }

    #[test]
    fn what_can_t_be_read_is_nothing() {
        for text in
            ["", "[]", "garbage", r#"{"a":1}"#, r#"{"a-v0":{"videoType":"hologram"}}"#, r#"{"a-v0":{"muted":7}}"#]
        {
            assert_eq!(SourceInfo::read(text), None, "{text}");
        }
    }

    #[test]
    fn no_more_videos_are_kept_than_anybody_sends() {
        let many: Vec<String> = (0..1_000).map(|number| format!(r#""a-v{number}":{{"muted":false}}"#)).collect();
        assert_eq!(videos(&format!("{{{}}}", many.join(","))).len(), MAX_VIDEOS);
        assert_eq!(videos(&format!(r#"{{"{}":{{"mediaType":"video"}}}}"#, "v".repeat(129))), []);
    }
}
