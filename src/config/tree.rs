//! The configuration as the rest of the program reads it: typed values, no text, no defaults of its own.

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
#[derive(Debug, Clone)]
pub struct Config {
    pub xmpp: Xmpp,
    /// The classic wiring's external component, from `--secret` (spec/10 §10.3).
    pub component: Option<Component>,
    pub local_region: Option<String>,
    pub authentication: Authentication,
    pub bridge: Bridge,
    pub codec: Codec,
    pub conference: Conference,
    pub health: Health,
    pub rest: Rest,
    pub metrics: Metrics,
    /// None: off.
    pub tracing: Option<Tracing>,
    pub jigasi: Service,
    pub jibri: Service,
    pub recording: Recording,
    pub octo: Octo,
    pub sctp: Sctp,
    pub transcription: SideService,
    pub translation: Translation,
    pub visitors: Visitors,
    pub logging: Logging,
}

/// How lines of the log look, and which there are (spec/80 §8).
#[derive(Debug, Clone)]
pub struct Logging {
    pub json: bool,
    /// Level by module.
    pub levels: BTreeMap<String, String>,
    pub timestamp: bool,
    pub redact_addresses: bool,
}

#[derive(Debug, Clone)]
pub struct Xmpp {
    pub client: Client,
    /// Where bridges and recorders are, if it is another server.
    pub service: Option<Account>,
    /// By the name that clients are told; only those that are enabled.
    pub visitors: BTreeMap<String, VisitorNode>,
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

impl Client {
    /// Where rooms are: as it is set, else the usual domain for it. None: nothing says.
    pub fn rooms_domain(&self) -> Option<String> {
        let usual = || Some(format!("conference.{}", self.xmpp_domain.as_ref()?));
        self.conference_muc_jid.clone().or_else(usual)
    }
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

/// A server for visitors.
#[derive(Debug, Clone)]
pub struct VisitorNode {
    pub account: Account,
    /// Takes the place of the client's `xmpp_domain` at the end of a room's domain.
    pub xmpp_domain: Option<String>,
    pub conference_service: String,
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

#[derive(Debug, Clone)]
pub struct Authentication {
    /// None also if authentication is not enabled.
    pub kind: AuthenticationType,
    /// A domain, whatever its name says.
    pub login_url: Option<String>,
    pub authentication_lifetime: Duration,
    pub enable_auto_login: bool,
}

/// Which connection joins a brewery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectionName {
    Client,
    Service,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SelectionStrategy {
    #[default]
    Single,
    Split,
    RegionBased,
    IntraRegion,
    /// Uses one strategy for participants and one for visitors.
    Visitor,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TopologyStrategy {
    #[default]
    SingleMesh,
    Visitor,
}

/// How load is estimated that a bridge has not reported yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LoadModel {
    /// From what was placed on it, and what such things have cost it before.
    #[default]
    Predictive,
    /// The original's: an average for each endpoint of the last while.
    Classic,
}

/// Regions that are close to each other.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RegionGroups(Vec<Vec<String>>);

impl RegionGroups {
    pub fn new(groups: Vec<Vec<String>>) -> RegionGroups {
        RegionGroups(groups)
    }

    /// The regions close to `region`, itself among them: the last group that names it, else itself alone.
    pub fn around<'r>(&'r self, region: &'r str) -> Vec<&'r str> {
        match self.0.iter().rev().find(|group| group.iter().any(|r| r == region)) {
            Some(group) => group.iter().map(String::as_str).collect(),
            None => vec![region],
        }
    }

    pub fn groups(&self) -> &[Vec<String>] {
        &self.0
    }
}

#[derive(Debug, Clone)]
pub struct Bridge {
    pub brewery_jid: Option<BareJid>,
    pub xmpp_connection_name: ConnectionName,
    pub selection_strategy: SelectionStrategy,
    /// Both are there if the strategy is [`SelectionStrategy::Visitor`].
    pub participant_selection_strategy: Option<SelectionStrategy>,
    pub visitor_selection_strategy: Option<SelectionStrategy>,
    pub topology_strategy: TopologyStrategy,
    pub region_groups: RegionGroups,
    /// Of one conference; not above 0: no limit.
    pub max_bridge_participants: i32,
    /// Not above 0: no limit.
    pub max_bridge_participants_per_interval: i32,
    pub max_bridge_participants_interval: Duration,
    pub selection_load_model: LoadModel,
    pub average_participant_stress: f64,
    pub participant_rampup_interval: Duration,
    pub stress_threshold: f64,
    pub failure_reset_threshold: Duration,
    pub health_checks: HealthChecks,
    pub ice_failure_detection: IceFailureDetection,
    pub load_redistribution: LoadRedistribution,
}

#[derive(Debug, Clone)]
pub struct IceFailureDetection {
    pub enabled: bool,
    pub interval: Duration,
    pub min_endpoints: u32,
    /// Fraction of the endpoints.
    pub threshold: f64,
    pub timeout: Duration,
}

#[derive(Debug, Clone)]
pub struct LoadRedistribution {
    pub enabled: bool,
    pub interval: Duration,
    pub stress_threshold: f64,
    pub timeout: Duration,
    pub endpoints: u32,
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
    pub source_signaling_delays: DelaysBySize,
    pub reinvite_method: ReinviteMethod,
    pub enable_ice_restart: bool,
    pub restart_request_rate_limits: RateLimits,
}

/// Size of a conference → delay.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DelaysBySize(pub BTreeMap<u32, Duration>);

impl DelaysBySize {
    /// How long changes of sources are collected in a conference of this size: the greatest key not above it counts
    /// (spec/70 §5.7).
    pub fn at(&self, size: u32) -> Duration {
        self.0.range(..=size).next_back().map(|(_, delay)| *delay).unwrap_or_default()
    }
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
    pub xmpp_connection_name: ConnectionName,
    pub use_private_address_connectivity: bool,
}

#[derive(Debug, Clone)]
pub struct Octo {
    pub enabled: bool,
    pub allow_mixed_versions: bool,
    pub sctp_datachannels: bool,
}

#[derive(Debug, Clone)]
pub struct Sctp {
    pub enabled: bool,
}

/// What Jibris need beside their brewery (`jibri.*`, `jibri-sip.*`).
#[derive(Debug, Clone)]
pub struct Recording {
    pub sip_brewery_jid: Option<BareJid>,
    /// Below 0: without end.
    pub num_retries: i32,
    pub pending_timeout: Duration,
}

/// The check of this focus itself.
#[derive(Debug, Clone)]
pub struct Health {
    pub enabled: bool,
    /// Zero: check when asked.
    pub interval: Duration,
    pub timeout: Duration,
    pub max_check_duration: Duration,
    pub room_name_prefix: String,
}

/// The HTTP interface.
#[derive(Debug, Clone)]
pub struct Rest {
    pub enabled: bool,
    pub port: u16,
    pub host: String,
    pub prometheus: bool,
    pub conference_request: bool,
    pub move_endpoints: bool,
    pub debug: bool,
    pub pin: bool,
}

#[derive(Debug, Clone)]
pub struct Metrics {
    pub update_interval: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OtlpProtocol {
    Grpc,
    Http,
}

#[derive(Debug, Clone)]
pub struct Tracing {
    pub service_name: String,
    pub otlp_endpoint: String,
    pub otlp_protocol: OtlpProtocol,
}

/// A service that bridges send audio to: transcription, translation.
#[derive(Debug, Clone)]
pub struct SideService {
    /// None: off.
    pub url_template: Option<String>,
    pub http_headers: BTreeMap<String, Secret>,
    pub ping_enabled: bool,
    pub ping_interval: Duration,
    pub ping_timeout: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TranslationMode {
    PerSource,
    SingleBridge,
}

#[derive(Debug, Clone)]
pub struct Translation {
    pub service: SideService,
    pub mode: TranslationMode,
    pub max_languages_per_connect: u32,
}

#[derive(Debug, Clone)]
pub struct Visitors {
    pub enabled: bool,
    pub max_participants: u32,
    pub max_visitors_per_node: u32,
    pub notification_interval: Duration,
    pub auto_enable_broadcast: bool,
    pub require_muc_config_flag: bool,
    pub enable_live_room: bool,
    pub vnode_join_latency_interval: Duration,
}

impl Default for Config {
    /// The schema's defaults. Not a configuration that can be started: it has no domain and no password.
    fn default() -> Config {
        super::defaults()
    }
}

/// A part's default is the whole's: the schema alone knows them.
macro_rules! default_as_in_config {
    ($($part:ident: $($field:ident).+;)+) => {
        $(impl Default for $part {
            fn default() -> $part {
                Config::default().$($field).+
            }
        })+
    };
}

default_as_in_config! {
    Xmpp: xmpp;
    Client: xmpp.client;
    Account: xmpp.client.account;
    Authentication: authentication;
    Bridge: bridge;
    HealthChecks: bridge.health_checks;
    Codec: codec;
    Conference: conference;
    Service: jigasi;
    Octo: octo;
    Sctp: sctp;
    Health: health;
    Rest: rest;
    Visitors: visitors;
}
