//! What an installation's files, flags and environment say (docs/protocol/70-configuration.md), as one tree of typed values.
//!
//! The rest of the program reads these structs and nothing else: no text, no defaults of its own.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crate::wire::{BareJid, Jid};

/// A value that never reaches a log, an error or a dump.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Secret(String);

impl Secret {
    pub fn new(text: impl Into<String>) -> Secret {
        Secret(text.into())
    }

    /// The value itself, for the one place that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("******")
    }
}

/// Everything that can be configured. Field paths follow the keys of spec/70 §5 (`jicofo.conference.min-participants` is
/// `conference.min_participants`).
#[derive(Debug, Clone, Default)]
pub struct Config {
    pub xmpp: Xmpp,
    /// The classic wiring's external component, from `--secret` (spec/10 §10.3).
    pub component: Option<Component>,
    pub local_region: Option<String>,
    pub authentication: Authentication,
    pub bridge: Bridge,
    pub codec: Codec,
    pub conference: Conference,
    pub jigasi: Service,
    pub jibri: Service,
    pub octo: Octo,
    pub sctp: Sctp,
}

#[derive(Debug, Clone)]
pub struct Xmpp {
    pub client: Client,
    /// Where bridges and recorders are, if it is another server.
    pub service: Option<Account>,
    pub trusted_domains: Vec<String>,
    pub use_jitsi_jid_validation: bool,
}

/// The connection of the focus user.
#[derive(Debug, Clone)]
pub struct Client {
    pub account: Account,
    /// Asked for components; the base of the MUC's default name.
    pub xmpp_domain: Option<String>,
    pub conference_muc_jid: Option<String>,
    /// The component that passes on clients' requests (spec/70 §10.4).
    pub client_proxy: Option<Jid>,
}

/// How to log in somewhere.
#[derive(Debug, Clone)]
pub struct Account {
    pub hostname: String,
    pub port: u16,
    /// The login domain: stream `to`, the name in the certificate.
    pub domain: String,
    pub username: String,
    pub resource: String,
    /// None: SASL ANONYMOUS.
    pub password: Option<Secret>,
    pub reply_timeout: Duration,
    pub disable_certificate_verification: bool,
    pub use_tls: bool,
}

/// XEP-0114.
#[derive(Debug, Clone)]
pub struct Component {
    pub hostname: String,
    pub port: u16,
    /// `focus.<domain>`
    pub domain: String,
    pub secret: Secret,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AuthenticationType {
    #[default]
    None,
    Xmpp,
    Jwt,
}

#[derive(Debug, Clone, Default)]
pub struct Authentication {
    pub kind: AuthenticationType,
    pub login_url: Option<String>,
}

/// Which connection joins a brewery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectionName {
    Client,
    Service,
}

#[derive(Debug, Clone)]
pub struct Bridge {
    pub brewery_jid: Option<BareJid>,
    pub xmpp_connection_name: ConnectionName,
    pub max_bridge_participants: i32,
    pub average_participant_stress: f64,
    pub participant_rampup_interval: Duration,
    pub stress_threshold: f64,
    pub failure_reset_threshold: Duration,
    pub health_checks: HealthChecks,
}

#[derive(Debug, Clone)]
pub struct HealthChecks {
    pub enabled: bool,
    pub interval: Duration,
    /// None: half the interval.
    pub retry_delay: Option<Duration>,
    pub use_presence: bool,
    pub presence_timeout: Duration,
}

#[derive(Debug, Clone)]
pub struct Codec {
    pub video: VideoCodecs,
    pub audio: AudioCodecs,
    pub rtp_extensions: RtpExtensions,
}

#[derive(Debug, Clone)]
pub struct VideoCodecs {
    pub av1: VideoCodec,
    pub vp8: VideoCodec,
    pub vp9: VideoCodec,
    pub h264: VideoCodec,
}

#[derive(Debug, Clone)]
pub struct VideoCodec {
    pub enabled: bool,
    /// Not above 0: not offered.
    pub pt: i32,
    pub rtx_pt: i32,
    pub enable_remb: bool,
}

#[derive(Debug, Clone)]
pub struct AudioCodecs {
    pub opus: Opus,
    pub telephone_event: PayloadTypeSwitch,
}

#[derive(Debug, Clone)]
pub struct Opus {
    pub enabled: bool,
    pub pt: i32,
    pub minptime: i32,
    pub use_inband_fec: bool,
    pub red: PayloadTypeSwitch,
}

#[derive(Debug, Clone)]
pub struct PayloadTypeSwitch {
    pub enabled: bool,
    pub pt: i32,
}

#[derive(Debug, Clone)]
pub struct RtpExtensions {
    pub audio_level: Extension,
    pub tof: Extension,
    pub abs_send_time: Extension,
    pub rid: Extension,
    pub tcc: Extension,
    pub video_content_type: Extension,
    pub framemarking: Extension,
    pub mid: Extension,
    pub av1_dependency_descriptor: Extension,
    pub video_layers_allocation: Extension,
    pub extmap_allow_mixed: bool,
}

#[derive(Debug, Clone)]
pub struct Extension {
    pub enabled: bool,
    pub id: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReinviteMethod {
    RestartJingle,
    ReplaceTransport,
}

#[derive(Debug, Clone)]
pub struct Conference {
    pub enable_auto_owner: bool,
    pub enable_moderator_checks: bool,
    pub initial_timeout: Duration,
    pub single_participant_timeout: Duration,
    pub min_participants: u32,
    pub max_ssrcs_per_user: usize,
    pub max_ssrc_groups_per_user: usize,
    pub max_audio_senders: u32,
    pub max_video_senders: u32,
    pub strip_simulcast: bool,
    pub use_ssrc_rewriting: bool,
    pub use_rtp_mid_demux: bool,
    pub use_json_encoded_sources: bool,
    /// `shared-document.use-random-name`
    pub shared_document_random_name: bool,
    /// Conference size → delay; the greatest key not above the size counts.
    pub source_signaling_delays: BTreeMap<u32, Duration>,
    pub reinvite_method: ReinviteMethod,
    pub enable_ice_restart: bool,
    pub restart_request_rate_limits: RateLimits,
}

#[derive(Debug, Clone)]
pub struct RateLimits {
    pub min_interval: Duration,
    pub max_requests: u32,
    pub interval: Duration,
}

/// A brewery of Jibris or Jigasis.
#[derive(Debug, Clone)]
pub struct Service {
    pub brewery_jid: Option<BareJid>,
    pub use_private_address_connectivity: bool,
}

#[derive(Debug, Clone, Default)]
pub struct Octo {
    pub enabled: bool,
}

#[derive(Debug, Clone)]
pub struct Sctp {
    pub enabled: bool,
}

const SECOND: Duration = Duration::from_secs(1);

impl Default for Account {
    fn default() -> Account {
        Account {
            hostname: "localhost".into(),
            port: 5222,
            domain: String::new(),
            username: "focus".into(),
            resource: "focus".into(),
            password: None,
            reply_timeout: 15 * SECOND,
            disable_certificate_verification: false,
            use_tls: true,
        }
    }
}

impl Default for Client {
    fn default() -> Client {
        Client { account: Account::default(), xmpp_domain: None, conference_muc_jid: None, client_proxy: None }
    }
}

impl Default for Xmpp {
    fn default() -> Xmpp {
        Xmpp { client: Client::default(), service: None, trusted_domains: Vec::new(), use_jitsi_jid_validation: true }
    }
}

impl Default for Bridge {
    fn default() -> Bridge {
        Bridge {
            brewery_jid: None,
            xmpp_connection_name: ConnectionName::Service,
            max_bridge_participants: 80,
            average_participant_stress: 0.01,
            participant_rampup_interval: 20 * SECOND,
            stress_threshold: 0.8,
            failure_reset_threshold: 60 * SECOND,
            health_checks: HealthChecks::default(),
        }
    }
}

impl Default for HealthChecks {
    fn default() -> HealthChecks {
        HealthChecks {
            enabled: true,
            interval: 10 * SECOND,
            retry_delay: None,
            use_presence: false,
            presence_timeout: 45 * SECOND,
        }
    }
}

impl Default for Codec {
    fn default() -> Codec {
        let video = |pt, rtx_pt| VideoCodec { enabled: true, pt, rtx_pt, enable_remb: true };
        let extension = |enabled, id| Extension { enabled, id };
        Codec {
            video: VideoCodecs { av1: video(41, 42), vp8: video(100, 96), vp9: video(101, 97), h264: video(107, 99) },
            audio: AudioCodecs {
                opus: Opus {
                    enabled: true,
                    pt: 111,
                    minptime: 10,
                    use_inband_fec: true,
                    red: PayloadTypeSwitch { enabled: false, pt: 112 },
                },
                telephone_event: PayloadTypeSwitch { enabled: true, pt: 126 },
            },
            rtp_extensions: RtpExtensions {
                audio_level: extension(true, 1),
                tof: extension(false, 2),
                abs_send_time: extension(true, 3),
                rid: extension(false, 4),
                tcc: extension(true, 5),
                video_content_type: extension(false, 7),
                framemarking: extension(false, 9),
                mid: extension(true, 10),
                av1_dependency_descriptor: extension(true, 11),
                video_layers_allocation: extension(false, 12),
                extmap_allow_mixed: true,
            },
        }
    }
}

impl Default for Conference {
    fn default() -> Conference {
        Conference {
            enable_auto_owner: true,
            enable_moderator_checks: true,
            initial_timeout: 15 * SECOND,
            single_participant_timeout: 20 * SECOND,
            min_participants: 2,
            max_ssrcs_per_user: 20,
            max_ssrc_groups_per_user: 20,
            max_audio_senders: 999_999,
            max_video_senders: 999_999,
            strip_simulcast: true,
            use_ssrc_rewriting: true,
            use_rtp_mid_demux: true,
            use_json_encoded_sources: true,
            shared_document_random_name: false,
            source_signaling_delays: BTreeMap::new(),
            reinvite_method: ReinviteMethod::RestartJingle,
            enable_ice_restart: true,
            restart_request_rate_limits: RateLimits {
                min_interval: 5 * SECOND,
                max_requests: 5,
                interval: 60 * SECOND,
            },
        }
    }
}

impl Default for Service {
    fn default() -> Service {
        Service { brewery_jid: None, use_private_address_connectivity: true }
    }
}

impl Default for Sctp {
    fn default() -> Sctp {
        Sctp { enabled: true }
    }
}
