//! Codecs, feedback and header extensions of an offer (spec/30 §4.1 to §4.5): one for each set of features.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::config::{self, Config, Extension, VideoCodec};
use crate::focus::conference::features::Features;
use crate::wire::colibri2::Media;
use crate::wire::jingle::Description;
use crate::wire::rtp::{Detail, HeaderExtension, Parameter, PayloadType, RtcpFb};
use crate::wire::values::MediaType;
use crate::wire::xml::Raw;

/// What is offered to all participants with the same features, and what their bridge is told of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Codecs {
    /// Audio, then video, as far as the client can.
    pub media: Vec<MediaCodecs>,
    /// Whether a data channel is offered, hence whether the bridge is asked for SCTP.
    pub data: bool,
}

/// One kind of media.
#[derive(Debug, Clone, PartialEq)]
pub struct MediaCodecs {
    pub kind: MediaType,
    pub description: Description,
    /// The same, encoded.
    pub encoded: Raw,
    /// The bridge's `<media>`, encoded.
    pub for_bridge: Raw,
}

/// The codecs that were built, by those features that matter to them. One for the whole focus.
#[derive(Debug, Clone, Default)]
pub struct CodecCache {
    built: BTreeMap<Features, Arc<Codecs>>,
}

/// Features that make a difference here, so that there are few entries, whatever clients say.
const RELEVANT: Features = Features::AUDIO
    .with(Features::VIDEO)
    .with(Features::SCTP)
    .with(Features::RTX)
    .with(Features::REMB)
    .with(Features::TCC)
    .with(Features::OPUS_RED);

impl CodecCache {
    /// The configuration must be the same every time.
    pub fn get(&mut self, features: Features, config: &Config) -> Arc<Codecs> {
        let features = features.only(RELEVANT);
        self.built.entry(features).or_insert_with(|| Arc::new(Codecs::of(features, config))).clone()
    }
}

impl Codecs {
    fn of(features: Features, config: &Config) -> Codecs {
        let client = Client { features, config: &config.codec };
        let audio = features.has(Features::AUDIO).then(|| MediaCodecs::of(MediaType::Audio, client.audio()));
        let video = features.has(Features::VIDEO).then(|| MediaCodecs::of(MediaType::Video, client.video()));
        Codecs {
            media: audio.into_iter().chain(video).collect(),
            data: config.sctp.enabled && features.has(Features::SCTP),
        }
    }
}

impl MediaCodecs {
    fn of(kind: MediaType, description: Description) -> MediaCodecs {
        let media = Media {
            kind,
            payload_types: description.payload_types.clone(),
            header_extensions: description.header_extensions.clone(),
            extmap_allow_mixed: description.extmap_allow_mixed,
        };
        MediaCodecs { kind, encoded: Raw::of(&description), for_bridge: Raw::of(&media), description }
    }
}

const VIDEO_CLOCK: u32 = 90_000;
const OPUS_CLOCK: u32 = 48_000;
const TELEPHONE_CLOCK: u32 = 8_000;

/// A whole fmtp tail in one parameter: receivers paste it after `name=` (spec/30 §4.1).
const H264_PARAMETERS: (&str, &str) = ("profile-level-id", "42e01f;level-asymmetry-allowed=1;packetization-mode=1;");

struct Client<'a> {
    features: Features,
    config: &'a config::Codec,
}

impl Client<'_> {
    fn audio(&self) -> Description {
        let mut payload_types = Vec::new();
        let opus = &self.config.audio.opus;
        if let Some(pt) = offered(opus.enabled, opus.pt) {
            // RED comes first, so that it is preferred.
            let red = offered(opus.red.enabled, opus.red.pt).filter(|_| self.features.has(Features::OPUS_RED));
            if let Some(red) = red {
                let mut red = payload_type(red, "red", OPUS_CLOCK);
                red.channels = Some(2);
                red.details.push(Detail::Parameter(Parameter { name: None, value: Some(format!("{pt}/{pt}")) }));
                payload_types.push(red);
            }
            payload_types.push(self.opus(pt));
        }
        let telephone_event = &self.config.audio.telephone_event;
        if let Some(pt) = offered(telephone_event.enabled, telephone_event.pt) {
            payload_types.push(payload_type(pt, "telephone-event", TELEPHONE_CLOCK));
        }
        let extensions = &self.config.rtp_extensions;
        let header_extensions = self.extensions(&[
            (&extensions.audio_level, "urn:ietf:params:rtp-hdrext:ssrc-audio-level"),
            (&extensions.mid, MID),
            (&extensions.tcc, TCC),
        ]);
        Description { maxptime: Some(60), ..self.description("audio", payload_types, header_extensions) }
    }

    fn opus(&self, pt: u8) -> PayloadType {
        let config = &self.config.audio.opus;
        let mut opus = payload_type(pt, "opus", OPUS_CLOCK);
        opus.channels = Some(2);
        opus.details.push(parameter("minptime", &config.minptime.to_string()));
        if config.use_inband_fec && !config.red.enabled {
            opus.details.push(parameter("useinbandfec", "1"));
        }
        opus.details.extend(self.transport_cc().then(|| feedback("transport-cc", None)));
        opus
    }

    fn video(&self) -> Description {
        let codecs = &self.config.video;
        let mut payload_types = Vec::new();
        for (codec, name) in [(&codecs.av1, "AV1"), (&codecs.vp8, "VP8"), (&codecs.h264, "H264"), (&codecs.vp9, "VP9")]
        {
            let Some(pt) = offered(codec.enabled, codec.pt) else { continue };
            let mut payload_type = payload_type(pt, name, VIDEO_CLOCK);
            payload_type.details = self.video_feedback(codec);
            // Behind the feedback, as in the reference.
            if name == "H264" {
                payload_type.details.push(parameter(H264_PARAMETERS.0, H264_PARAMETERS.1));
            }
            payload_types.push(payload_type);
        }
        if self.features.has(Features::RTX) {
            // H264's has no feedback of its own, in the reference.
            let retransmitted = [(&codecs.av1, true), (&codecs.vp8, true), (&codecs.vp9, true), (&codecs.h264, false)];
            payload_types.extend(retransmitted.into_iter().filter_map(|(codec, feedback)| rtx(codec, feedback)));
        }
        let extensions = &self.config.rtp_extensions;
        let header_extensions = self.extensions(&[
            (
                &extensions.video_layers_allocation,
                "http://www.webrtc.org/experiments/rtp-hdrext/video-layers-allocation00",
            ),
            (
                &extensions.av1_dependency_descriptor,
                "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension",
            ),
            (&extensions.tof, "urn:ietf:params:rtp-hdrext:toffset"),
            (&extensions.mid, MID),
            (&extensions.abs_send_time, "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"),
            (&extensions.framemarking, "http://tools.ietf.org/html/draft-ietf-avtext-framemarking-07"),
            (&extensions.video_content_type, "http://www.webrtc.org/experiments/rtp-hdrext/video-content-type"),
            (&extensions.rid, "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"),
            (&extensions.tcc, TCC),
        ]);
        self.description("video", payload_types, header_extensions)
    }

    fn transport_cc(&self) -> bool {
        self.config.rtp_extensions.tcc.enabled && self.features.has(Features::TCC)
    }

    /// REMB is offered whenever transport-cc is not (spec/30 §4.1, "Improve").
    fn video_feedback(&self, codec: &VideoCodec) -> Vec<Detail> {
        let mut all = repair_feedback();
        if self.transport_cc() {
            all.push(feedback("transport-cc", None));
        } else if codec.enable_remb && self.features.has(Features::REMB) {
            all.push(feedback("goog-remb", None));
        }
        all
    }

    fn extensions(&self, wanted: &[(&Extension, &str)]) -> Vec<HeaderExtension> {
        wanted
            .iter()
            .filter(|(extension, uri)| extension.enabled && (*uri != TCC || self.features.has(Features::TCC)))
            .map(|(extension, uri)| HeaderExtension { id: extension.id, uri: (*uri).into() })
            .collect()
    }

    fn description(
        &self,
        media: &str,
        payload_types: Vec<PayloadType>,
        extensions: Vec<HeaderExtension>,
    ) -> Description {
        Description {
            media: Some(media.into()),
            payload_types,
            header_extensions: extensions,
            extmap_allow_mixed: self.config.rtp_extensions.extmap_allow_mixed,
            rtcp_mux: true,
            ..Description::default()
        }
    }
}

const MID: &str = "urn:ietf:params:rtp-hdrext:sdes:mid";
const TCC: &str = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01";

/// The payload type of what is switched on; payload types have 7 bits, and 0 and below switch off.
fn offered(enabled: bool, pt: i32) -> Option<u8> {
    u8::try_from(pt).ok().filter(|pt| enabled && (1..=127).contains(pt))
}

fn rtx(codec: &VideoCodec, feedback: bool) -> Option<PayloadType> {
    let apt = offered(codec.enabled, codec.pt)?;
    let mut rtx = payload_type(offered(true, codec.rtx_pt)?, "rtx", VIDEO_CLOCK);
    rtx.details.push(parameter("apt", &apt.to_string()));
    if feedback {
        rtx.details.extend(repair_feedback());
    }
    Some(rtx)
}

fn repair_feedback() -> Vec<Detail> {
    vec![feedback("ccm", Some("fir")), feedback("nack", None), feedback("nack", Some("pli"))]
}

fn payload_type(id: u8, name: &str, clockrate: u32) -> PayloadType {
    PayloadType { id, name: Some(name.into()), clockrate: Some(clockrate), channels: None, details: Vec::new() }
}

fn parameter(name: &str, value: &str) -> Detail {
    Detail::Parameter(Parameter { name: Some(name.into()), value: Some(value.into()) })
}

fn feedback(kind: &str, subtype: Option<&str>) -> Detail {
    Detail::Feedback(RtcpFb { kind: kind.into(), subtype: subtype.map(Into::into) })
}

#[cfg(test)]
mod tests {
    use super::*;

    const CURRENT: Features = Features::AUDIO
        .with(Features::VIDEO)
        .with(Features::SCTP)
        .with(Features::RTX)
        .with(Features::TCC)
        .with(Features::REMB);

    fn built(features: Features, config: &Config) -> (Vec<PayloadType>, Vec<PayloadType>, Codecs) {
        let codecs = Codecs::of(features, config);
        let of = |kind| {
            let media = codecs.media.iter().find(|media| media.kind == kind);
            media.map(|media| media.description.payload_types.clone()).unwrap_or_default()
        };
        (of(MediaType::Audio), of(MediaType::Video), codecs)
    }

    fn ids(payload_types: &[PayloadType]) -> Vec<u8> {
        payload_types.iter().map(|payload_type| payload_type.id).collect()
    }

    fn has_feedback(payload_type: &PayloadType, kind: &str) -> bool {
        payload_type.feedback().any(|feedback| feedback.kind == kind)
    }

    /// spec/30 §14 (1).
    #[test]
    fn a_current_client_gets_all_codecs_in_order() {
        let (audio, video, codecs) = built(CURRENT, &Config::default());
        assert_eq!(ids(&audio), [111, 126]);
        assert_eq!(ids(&video), [41, 100, 107, 101, 42, 96, 97, 99]);
        assert!(!video.iter().any(|payload_type| has_feedback(payload_type, "goog-remb")));
        let with_tcc = audio.iter().chain(&video).filter(|payload_type| has_feedback(payload_type, "transport-cc"));
        assert_eq!(with_tcc.map(|payload_type| payload_type.id).collect::<Vec<_>>(), [111, 41, 100, 107, 101]);
        assert!(video[7].feedback().next().is_none());
        assert!(codecs.data);
        let extensions = |index: usize| {
            let description = &codecs.media[index].description;
            description.header_extensions.iter().map(|extension| extension.id).collect::<Vec<_>>()
        };
        assert_eq!((extensions(0), extensions(1)), (vec![1, 10, 5], vec![11, 10, 3, 5]));
    }

    /// spec/30 §14 (2), and the improvement of §4.1.
    #[test]
    fn remb_stands_in_for_transport_cc() {
        let mut config = Config::default();
        let remb = |config: &Config, features| {
            let (_, video, codecs) = built(features, config);
            let five = codecs.media.iter().flat_map(|media| &media.description.header_extensions).any(|e| e.id == 5);
            (video.iter().filter(|it| has_feedback(it, "goog-remb")).count(), five)
        };
        let old = Features::AUDIO.with(Features::VIDEO).with(Features::REMB);
        assert_eq!(remb(&config, old), (4, false));
        assert_eq!(ids(&built(old, &config).1), [41, 100, 107, 101]);
        config.codec.video.vp8.enable_remb = false;
        assert_eq!(remb(&config, old), (3, false));
        config.codec.rtp_extensions.tcc.enabled = false;
        assert_eq!(remb(&config, CURRENT), (3, false));
    }

    /// spec/30 §14 (4).
    #[test]
    fn red_precedes_opus() {
        let mut config = Config::default();
        config.codec.audio.opus.red.enabled = true;
        let (audio, ..) = built(CURRENT.with(Features::OPUS_RED), &config);
        assert_eq!(ids(&audio), [112, 111, 126]);
        assert_eq!(audio[0].details, [Detail::Parameter(Parameter { name: None, value: Some("111/111".into()) })]);
        assert_eq!(audio[1].parameters().count(), 1);
        assert_eq!(audio[1].details[0], parameter("minptime", "10"));
        let (audio, ..) = built(CURRENT, &config);
        assert_eq!((ids(&audio), audio[0].parameters().count()), (vec![111, 126], 1));
        config.codec.audio.opus.enabled = false;
        assert_eq!(ids(&built(CURRENT.with(Features::OPUS_RED), &config).0), [126]);
    }

    /// spec/30 §14 (5).
    #[test]
    fn a_codec_needs_its_payload_type_and_its_switch() {
        let ids_of = |change: fn(&mut VideoCodec)| {
            let mut config = Config::default();
            change(&mut config.codec.video.vp8);
            ids(&built(CURRENT, &config).1)
        };
        let without_vp8 = [41, 107, 101, 42, 97, 99];
        assert_eq!(ids_of(|vp8| vp8.pt = -1), without_vp8);
        assert_eq!(ids_of(|vp8| vp8.pt = 356), without_vp8);
        assert_eq!(ids_of(|vp8| vp8.enabled = false), without_vp8);
        assert_eq!(ids_of(|vp8| vp8.rtx_pt = -1), [41, 100, 107, 101, 42, 97, 99]);
    }

    #[test]
    fn what_a_client_cannot_do_is_not_offered() {
        let mut config = Config::default();
        let (audio, video, codecs) = built(Features::AUDIO, &config);
        assert_eq!((ids(&audio).len(), ids(&video).len(), codecs.media.len(), codecs.data), (2, 0, 1, false));
        assert!(built(Features::default(), &config).2.media.is_empty());
        config.sctp.enabled = false;
        assert!(!built(CURRENT, &config).2.data);
    }

    #[test]
    fn codecs_are_built_once_for_the_features_that_matter() {
        let mut cache = CodecCache::default();
        let config = Config::default();
        let first = cache.get(CURRENT, &config);
        assert!(Arc::ptr_eq(&first, &cache.get(CURRENT.with(Features::RAYO), &config)));
        assert!(!Arc::ptr_eq(&first, &cache.get(Features::AUDIO, &config)));
        let media: Media = first.media[1].for_bridge.read_as().expect("a media element");
        assert_eq!(media.payload_types, first.media[1].description.payload_types);
        assert_eq!(first.media[1].encoded.read_as::<Description>().as_ref(), Ok(&first.media[1].description));
    }
}
