//! From the value of every key to the tree that the rest of the program reads.

use super::schema::element;
use super::settings::Settings;
use super::tree::*;
use super::typed::Setting;

impl Config {
    pub(super) fn build(s: &Settings) -> Config {
        Config {
            xmpp: xmpp(s),
            component: component(s),
            local_region: s.text("local-region"),
            authentication: authentication(s),
            bridge: bridge(s),
            codec: codec(s),
            conference: conference(s),
            health: Health {
                enabled: s.bool("health.enabled"),
                interval: s.duration("health.interval"),
                timeout: s.duration("health.timeout"),
                max_check_duration: s.duration("health.max-check-duration"),
                room_name_prefix: s.text("health.room-name-prefix").unwrap_or_default(),
            },
            rest: rest(s),
            metrics: Metrics { update_interval: s.duration("metrics.update-interval") },
            tracing: tracing(s),
            jigasi: service(s, "jigasi"),
            jibri: service(s, "jibri"),
            recording: Recording {
                sip_brewery_jid: s.bare_jid("jibri-sip.brewery-jid"),
                num_retries: s.int("jibri.num-retries"),
                pending_timeout: s.duration("jibri.pending-timeout"),
            },
            octo: Octo {
                enabled: s.bool("octo.enabled"),
                allow_mixed_versions: s.bool("octo.allow-mixed-versions"),
                sctp_datachannels: s.bool("octo.sctp-datachannels"),
            },
            sctp: Sctp { enabled: s.bool("sctp.enabled") },
            transcription: side_service(s, "transcription"),
            translation: Translation {
                service: side_service(s, "translation"),
                mode: match s.text("translation.mode").as_deref() {
                    Some("single-bridge") => TranslationMode::SingleBridge,
                    _ => TranslationMode::PerSource,
                },
                max_languages_per_connect: s.int("translation.max-languages-per-connect"),
            },
            visitors: visitors(s),
            logging: Logging {
                json: s.text("logging.format").as_deref() == Some("json"),
                levels: match s.setting("logging.levels") {
                    Some(Setting::Map(levels)) => levels.clone(),
                    _ => Default::default(),
                },
                timestamp: s.bool("logging.timestamp"),
                redact_addresses: s.bool("logging.redact-addresses"),
            },
        }
    }
}

fn xmpp(s: &Settings) -> Xmpp {
    let service = s.bool("xmpp.service.enabled").then(|| account(s, "xmpp.service"));
    let nodes = s.visitors.iter().filter(|id| s.bool(&format!("xmpp.visitors.{}.enabled", element(id))));
    Xmpp {
        client: Client {
            account: account(s, "xmpp.client"),
            xmpp_domain: s.text("xmpp.client.xmpp-domain"),
            conference_muc_jid: s.text("xmpp.client.conference-muc-jid"),
            client_proxy: s.domain("xmpp.client.client-proxy"),
        },
        service,
        visitors: nodes.map(|id| (id.clone(), visitor_node(s, id))).collect(),
        trusted_domains: match s.setting("xmpp.trusted-domains") {
            Some(Setting::Domains(domains)) => domains.iter().map(ToString::to_string).collect(),
            _ => Vec::new(),
        },
        use_jitsi_jid_validation: s.bool("xmpp.use-jitsi-jid-validation"),
    }
}

fn account(s: &Settings, section: &str) -> Account {
    let at = |name: &str| format!("{section}.{name}");
    Account {
        hostname: s.text(&at("hostname")).unwrap_or_default(),
        port: s.int(&at("port")),
        domain: s.text(&at("domain")).unwrap_or_default(),
        username: s.text(&at("username")).unwrap_or_default(),
        resource: s.text(&at("resource")).unwrap_or_default(),
        password: s.text(&at("password")).map(Secret::new),
        reply_timeout: s.duration(&at("reply-timeout")),
        disable_certificate_verification: s.bool(&at("disable-certificate-verification")),
        use_tls: s.bool(&at("use-tls")),
    }
}

/// Here domain and resource follow from other keys of the node (spec/70 §5.2).
fn visitor_node(s: &Settings, id: &str) -> VisitorNode {
    let section = format!("xmpp.visitors.{}", element(id));
    let mut account = account(s, &section);
    if account.domain.is_empty() {
        account.domain = account.hostname.clone();
    }
    if account.resource.is_empty() {
        account.resource = account.username.clone();
    }
    VisitorNode {
        account,
        xmpp_domain: s.text(&format!("{section}.xmpp-domain")),
        conference_service: s.text(&format!("{section}.conference-service")).unwrap_or_default(),
    }
}

fn component(s: &Settings) -> Option<Component> {
    let secret = s.text("xmpp.component.secret")?;
    let domain = s.text("xmpp.component.domain")?;
    let subdomain = s.text("xmpp.component.subdomain")?;
    Some(Component {
        hostname: s.text("xmpp.component.hostname").unwrap_or_default(),
        port: s.int("xmpp.component.port"),
        domain: format!("{subdomain}.{domain}"),
        secret: Secret::new(secret),
    })
}

fn authentication(s: &Settings) -> Authentication {
    let kind = match s.text("authentication.type").as_deref() {
        _ if !s.bool("authentication.enabled") => AuthenticationType::None,
        Some("XMPP") => AuthenticationType::Xmpp,
        Some("JWT") => AuthenticationType::Jwt,
        _ => AuthenticationType::None,
    };
    Authentication {
        kind,
        login_url: s.text("authentication.login-url"),
        authentication_lifetime: s.duration("authentication.authentication-lifetime"),
        enable_auto_login: s.bool("authentication.enable-auto-login"),
    }
}

fn connection_name(s: &Settings, path: &str) -> ConnectionName {
    match s.text(path).as_deref() {
        Some("Client") => ConnectionName::Client,
        _ => ConnectionName::Service,
    }
}

fn strategy(s: &Settings, path: &str) -> Option<SelectionStrategy> {
    Some(match s.text(path)?.as_str() {
        "SplitBridgeSelectionStrategy" => SelectionStrategy::Split,
        "RegionBasedBridgeSelectionStrategy" => SelectionStrategy::RegionBased,
        "IntraRegionBridgeSelectionStrategy" => SelectionStrategy::IntraRegion,
        "VisitorSelectionStrategy" => SelectionStrategy::Visitor,
        _ => SelectionStrategy::Single,
    })
}

fn bridge(s: &Settings) -> Bridge {
    Bridge {
        brewery_jid: s.bare_jid("bridge.brewery-jid"),
        xmpp_connection_name: connection_name(s, "bridge.xmpp-connection-name"),
        selection_strategy: strategy(s, "bridge.selection-strategy").unwrap_or_default(),
        participant_selection_strategy: strategy(s, "bridge.participant-selection-strategy"),
        visitor_selection_strategy: strategy(s, "bridge.visitor-selection-strategy"),
        topology_strategy: match s.text("bridge.topology-strategy").as_deref() {
            Some("VisitorTopologyStrategy") => TopologyStrategy::Visitor,
            _ => TopologyStrategy::SingleMesh,
        },
        region_groups: match s.setting("bridge.region-groups") {
            Some(Setting::RegionGroups(groups)) => RegionGroups::new(groups.clone()),
            _ => RegionGroups::default(),
        },
        max_bridge_participants: s.int("bridge.max-bridge-participants"),
        max_bridge_participants_per_interval: s.int("bridge.max-bridge-participants-per-interval"),
        max_bridge_participants_interval: s.duration("bridge.max-bridge-participants-interval"),
        selection_load_model: match s.text("bridge.selection-load-model").as_deref() {
            Some("classic") => LoadModel::Classic,
            _ => LoadModel::Predictive,
        },
        average_participant_stress: s.double("bridge.average-participant-stress"),
        participant_rampup_interval: s.duration("bridge.participant-rampup-interval"),
        stress_threshold: s.double("bridge.stress-threshold"),
        failure_reset_threshold: s.duration("bridge.failure-reset-threshold"),
        health_checks: HealthChecks {
            enabled: s.bool("bridge.health-checks.enabled"),
            interval: s.duration("bridge.health-checks.interval"),
            retry_delay: s.optional_duration("bridge.health-checks.retry-delay"),
            use_presence: s.bool("bridge.health-checks.use-presence"),
            presence_timeout: s.duration("bridge.health-checks.presence-timeout"),
        },
        ice_failure_detection: IceFailureDetection {
            enabled: s.bool("bridge.ice-failure-detection.enabled"),
            interval: s.duration("bridge.ice-failure-detection.interval"),
            min_endpoints: s.int("bridge.ice-failure-detection.min-endpoints"),
            threshold: s.double("bridge.ice-failure-detection.threshold"),
            timeout: s.duration("bridge.ice-failure-detection.timeout"),
        },
        load_redistribution: LoadRedistribution {
            enabled: s.bool("bridge.load-redistribution.enabled"),
            interval: s.duration("bridge.load-redistribution.interval"),
            stress_threshold: s.double("bridge.load-redistribution.stress-threshold"),
            timeout: s.duration("bridge.load-redistribution.timeout"),
            endpoints: s.int("bridge.load-redistribution.endpoints"),
        },
    }
}

fn codec(s: &Settings) -> Codec {
    let video = |name: &str| {
        let at = |field: &str| format!("codec.video.{name}.{field}");
        VideoCodec {
            enabled: s.bool(&at("enabled")),
            pt: s.int(&at("pt")),
            rtx_pt: s.int(&at("rtx-pt")),
            enable_remb: s.bool(&at("enable-remb")),
        }
    };
    let switch = |section: &str| PayloadTypeSwitch {
        enabled: s.bool(&format!("{section}.enabled")),
        pt: s.int(&format!("{section}.pt")),
    };
    let extension = |name: &str| Extension {
        enabled: s.bool(&format!("codec.rtp-extensions.{name}.enabled")),
        id: s.int(&format!("codec.rtp-extensions.{name}.id")),
    };
    Codec {
        video: VideoCodecs { av1: video("av1"), vp8: video("vp8"), vp9: video("vp9"), h264: video("h264") },
        audio: AudioCodecs {
            opus: Opus {
                enabled: s.bool("codec.audio.opus.enabled"),
                pt: s.int("codec.audio.opus.pt"),
                minptime: s.int("codec.audio.opus.minptime"),
                use_inband_fec: s.bool("codec.audio.opus.use-inband-fec"),
                red: switch("codec.audio.opus.red"),
            },
            telephone_event: switch("codec.audio.telephone-event"),
        },
        rtp_extensions: RtpExtensions {
            audio_level: extension("audio-level"),
            tof: extension("tof"),
            abs_send_time: extension("abs-send-time"),
            rid: extension("rid"),
            tcc: extension("tcc"),
            video_content_type: extension("video-content-type"),
            framemarking: extension("framemarking"),
            mid: extension("mid"),
            av1_dependency_descriptor: extension("av1-dependency-descriptor"),
            video_layers_allocation: extension("video-layers-allocation"),
            extmap_allow_mixed: s.bool("codec.rtp-extensions.extmap-allow-mixed"),
        },
    }
}

fn conference(s: &Settings) -> Conference {
    Conference {
        enable_auto_owner: s.bool("conference.enable-auto-owner"),
        enable_moderator_checks: s.bool("conference.enable-moderator-checks"),
        initial_timeout: s.duration("conference.initial-timeout"),
        single_participant_timeout: s.duration("conference.single-participant-timeout"),
        min_participants: s.int("conference.min-participants"),
        max_ssrcs_per_user: s.int("conference.max-ssrcs-per-user"),
        max_ssrc_groups_per_user: s.int("conference.max-ssrc-groups-per-user"),
        max_audio_senders: s.int("conference.max-audio-senders"),
        max_video_senders: s.int("conference.max-video-senders"),
        strip_simulcast: s.bool("conference.strip-simulcast"),
        use_ssrc_rewriting: s.bool("conference.use-ssrc-rewriting"),
        use_rtp_mid_demux: s.bool("conference.use-rtp-mid-demux"),
        use_json_encoded_sources: s.bool("conference.use-json-encoded-sources"),
        shared_document_random_name: s.bool("conference.shared-document.use-random-name"),
        source_signaling_delays: match s.setting("conference.source-signaling-delays") {
            Some(Setting::Delays(delays)) => DelaysBySize(delays.clone()),
            _ => Default::default(),
        },
        reinvite_method: match s.text("conference.reinvite-method").as_deref() {
            Some("ReplaceTransport") => ReinviteMethod::ReplaceTransport,
            _ => ReinviteMethod::RestartJingle,
        },
        enable_ice_restart: s.bool("conference.enable-ice-restart"),
        restart_request_rate_limits: RateLimits {
            min_interval: s.duration("conference.restart-request-rate-limits.min-interval"),
            max_requests: s.int("conference.restart-request-rate-limits.max-requests"),
            interval: s.duration("conference.restart-request-rate-limits.interval"),
        },
    }
}

fn rest(s: &Settings) -> Rest {
    let port: i32 = s.int("rest.port");
    Rest {
        // Port 0 would be any port; the reference means none by it.
        enabled: s.bool("rest.enabled") && port > 0,
        port: u16::try_from(port).unwrap_or_default(),
        host: s.text("rest.host").unwrap_or_default(),
        prometheus: s.bool("rest.prometheus.enabled"),
        conference_request: s.bool("rest.conference-request.enabled"),
        move_endpoints: s.bool("rest.move-endpoints.enabled"),
        debug: s.bool("rest.debug.enabled"),
        pin: s.bool("rest.pin.enabled"),
    }
}

fn tracing(s: &Settings) -> Option<Tracing> {
    s.bool("tracing.enabled").then(|| Tracing {
        service_name: s.text("tracing.service-name").unwrap_or_default(),
        otlp_endpoint: s.text("tracing.otlp-endpoint").unwrap_or_default(),
        otlp_protocol: match s.text("tracing.otlp-protocol").as_deref() {
            Some("http") => OtlpProtocol::Http,
            _ => OtlpProtocol::Grpc,
        },
    })
}

fn service(s: &Settings, section: &str) -> Service {
    Service {
        brewery_jid: s.bare_jid(&format!("{section}.brewery-jid")),
        xmpp_connection_name: connection_name(s, &format!("{section}.xmpp-connection-name")),
        use_private_address_connectivity: s.bool(&format!("{section}.use-private-address-connectivity")),
    }
}

fn side_service(s: &Settings, section: &str) -> SideService {
    SideService {
        url_template: s.text(&format!("{section}.url-template")),
        http_headers: match s.setting(&format!("{section}.http-headers")) {
            Some(Setting::Map(headers)) => headers.iter().map(|(n, v)| (n.clone(), Secret::new(v.clone()))).collect(),
            _ => Default::default(),
        },
        ping_enabled: s.bool(&format!("{section}.ping.enabled")),
        ping_interval: s.duration(&format!("{section}.ping.interval")),
        ping_timeout: s.duration(&format!("{section}.ping.timeout")),
    }
}

fn visitors(s: &Settings) -> Visitors {
    Visitors {
        enabled: s.bool("visitors.enabled"),
        max_participants: s.int("visitors.max-participants"),
        max_visitors_per_node: s.int("visitors.max-visitors-per-node"),
        notification_interval: s.duration("visitors.notification-interval"),
        auto_enable_broadcast: s.bool("visitors.auto-enable-broadcast"),
        require_muc_config_flag: s.bool("visitors.require-muc-config-flag"),
        enable_live_room: s.bool("visitors.enable-live-room"),
        vnode_join_latency_interval: s.duration("visitors.vnode-join-latency-interval"),
    }
}
