//! Names from before the HOCON file (spec/70 §6): in `sip-communicator.properties`, or as `-Dname=value`.

use super::hocon::{Node, Value};
use super::problem::Origin;
use super::typed::{Kind, duration};

/// What to tell those who want the third type of authentication, which classic documents describe (spec/10 §6.8).
pub const INSTEAD_OF_SHIBBOLETH: &str = "Shibboleth has been gone since 2023. For single sign-on let the login page give \
    users a token (JWT) and Prosody check it: type = JWT, login-url = \"<the domain that wants tokens>\"; for accounts of \
    your own type = XMPP; docs/SECURE-DOMAIN.md has both. Remove it to run without authentication";

/// What to tell of a setting that only that type had.
pub const OF_SHIBBOLETH: &str = "belonged to Shibboleth, which has been gone since 2023; remove it (docs/SECURE-DOMAIN.md has \
    what to use instead)";

/// Whether only Shibboleth had a setting of that name, be it a key or an older property.
pub fn is_of_shibboleth(name: &str) -> bool {
    ["jicofo.authentication.logout-url", "org.jitsi.jicofo.auth.LOGOUT_URL"].contains(&name)
}

/// Whether this is what stood for Shibboleth where another type has a domain: its word, the pattern of its login page, or the
/// page itself (spec/10 §6.8).
pub fn means_shibboleth(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    ["shibboleth", "machineuid=", "%1$s", "%3$s"].iter().any(|sign| text.contains(sign))
}

/// An old name of a key, and how its value becomes the key's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Legacy {
    pub name: &'static str,
    pub how: How,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    Same,
    /// `true` in any letter case is true, everything else false.
    Bool,
    NotBool,
    Millis,
    /// As [`How::Millis`], where 0 and less switch something off and say nothing of the time.
    MillisIfPositive,
    Seconds,
    /// Any value at all means true.
    Present,
    /// A number above 0 means true, any other false.
    Positive,
    /// A prefix of the configured `xmpp-domain`.
    MucPrefix,
    /// `XMPP:domain` or `EXT_JWT:domain`: on, its type, its domain.
    AuthEnabled,
    AuthType,
    AuthDomain,
    /// Nothing reads it, nor did the reference; it is said so.
    Ignored,
}

/// What an old value comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Converted {
    Text(String),
    /// Says nothing about this key, and is right so.
    Nothing,
    /// Cannot be read: the next source counts.
    FallsThrough,
    /// Must not be passed over; why, and what to do.
    Refused(String),
}

fn shortened(text: &str) -> String {
    text.chars().take(60).collect()
}

impl How {
    /// What to tell of a value that cannot be read.
    pub fn expects(self) -> &'static str {
        match self {
            How::Millis | How::MillisIfPositive | How::Positive => {
                "expected a number of milliseconds; write digits only, or remove the line"
            }
            How::Seconds => "expected a number of seconds; write digits only, or remove the line",
            How::MucPrefix => "there is no XMPP domain that it could be the prefix of; set that, or remove the line",
            _ => "not a value of this setting; correct it, or remove the line",
        }
    }
}

impl Legacy {
    /// `xmpp_domain`: what [`How::MucPrefix`] is the prefix of.
    pub fn convert(&self, value: &str, xmpp_domain: Option<&str>) -> Converted {
        let value = value.trim();
        let truth = |value: bool| Converted::Text(value.to_string());
        match self.how {
            How::Same => Converted::Text(value.to_owned()),
            How::Bool => truth(value.eq_ignore_ascii_case("true")),
            How::NotBool => truth(!value.eq_ignore_ascii_case("true")),
            How::Present => truth(true),
            How::Positive => value.parse::<i64>().map_or(Converted::FallsThrough, |n| truth(n > 0)),
            How::Millis => match value.parse::<i64>() {
                Ok(ms) if ms >= 0 => Converted::Text(format!("{ms} ms")),
                _ => Converted::FallsThrough,
            },
            How::MillisIfPositive => match value.parse::<i64>() {
                Ok(ms) if ms > 0 => Converted::Text(format!("{ms} ms")),
                // What is no number is told of the key that is switched.
                _ => Converted::Nothing,
            },
            How::Seconds => match value.parse::<i64>() {
                Ok(seconds) if duration(&format!("{seconds} s")).is_ok() => Converted::Text(format!("{seconds} s")),
                _ => Converted::FallsThrough,
            },
            How::MucPrefix => match xmpp_domain {
                Some(domain) => Converted::Text(format!("{value}.{domain}")),
                None => Converted::FallsThrough,
            },
            How::AuthEnabled | How::AuthType | How::AuthDomain => self.authentication(value),
            How::Ignored => Converted::FallsThrough,
        }
    }

    /// What a value means, if it is not what one would think.
    pub fn surprise(&self, value: &str) -> Option<String> {
        let is_bool = matches!(self.how, How::Bool | How::NotBool);
        let plain = ["true", "false"].iter().any(|word| value.trim().eq_ignore_ascii_case(word));
        (is_bool && !plain).then(|| {
            format!("{:?} counts as false, as only `true` is true here; write true or false", shortened(value.trim()))
        })
    }

    fn authentication(&self, value: &str) -> Converted {
        let (prefix, domain) = value.split_once(':').unwrap_or((value, ""));
        let kind = match prefix.to_ascii_uppercase().as_str() {
            "XMPP" => "XMPP",
            "EXT_JWT" => "JWT",
            // The reference goes on without authentication, that is, lets everybody in.
            // Neither this word nor a page needs to have a prefix (spec/10 §6.8).
            _ if means_shibboleth(value) || value.contains(['/', '?', '%']) => {
                return Converted::Refused(INSTEAD_OF_SHIBBOLETH.into());
            }
            _ => {
                return Converted::Refused(
                    "only XMPP:domain and EXT_JWT:domain exist; write one of them, or remove the line to run without \
                     authentication. Anything else was once a page of Shibboleth, which has been gone since 2023"
                        .into(),
                );
            }
        };
        // Passed over it would leave a login without a domain, with which the start is refused.
        if domain.trim().is_empty() {
            let prefix = prefix.to_ascii_uppercase();
            let text = format!(
                "there is no domain behind {prefix}:; write {prefix}:domain, that of users who have logged in, or remove the line \
                 to run without authentication"
            );
            return Converted::Refused(text);
        }
        if let Err(wrong) = Kind::Domain.read(&Node::new(Value::text(domain), Origin::Default)) {
            return Converted::Refused(wrong.text);
        }
        Converted::Text(match self.how {
            How::AuthType => kind.to_owned(),
            How::AuthDomain => domain.to_owned(),
            _ => "true".to_owned(),
        })
    }
}

const fn old(name: &'static str, how: How) -> Legacy {
    Legacy { name, how }
}

/// The old names of each key, strongest first.
pub mod names {
    use super::{How, Legacy, old};

    macro_rules! legacy {
        ($($id:ident: $($name:literal $how:ident),+;)+) => {
            $(pub const $id: &[Legacy] = &[$(old($name, How::$how)),+];)+
        };
    }

    legacy! {
        HOSTNAME: "org.jitsi.jicofo.HOSTNAME" Same;
        CLIENT_ENABLED: "org.jitsi.jicofo.HOSTNAME" Present;
        XMPP_PORT: "org.jitsi.jicofo.XMPP_PORT" Same;
        USER_DOMAIN: "org.jitsi.jicofo.FOCUS_USER_DOMAIN" Same;
        USER_NAME: "org.jitsi.jicofo.FOCUS_USER_NAME" Same;
        USER_PASSWORD: "org.jitsi.jicofo.FOCUS_USER_PASSWORD" Same;
        XMPP_DOMAIN: "org.jitsi.jicofo.XMPP_DOMAIN" Same;
        MUC_PREFIX: "org.jitsi.jicofo.XMPP_MUC_COMPONENT_PREFIX" MucPrefix;
        ALWAYS_TRUST: "org.jitsi.jicofo.ALWAYS_TRUST_MODE_ENABLED" Bool;
        SERVICE_HOST: "org.jitsi.jicofo.BRIDGE_MUC_XMPP_HOST" Same;
        SERVICE_ENABLED: "org.jitsi.jicofo.BRIDGE_MUC_XMPP_HOST" Present;
        SERVICE_PORT: "org.jitsi.jicofo.BRIDGE_MUC_XMPP_PORT" Same;
        SERVICE_DOMAIN: "org.jitsi.jicofo.BRIDGE_MUC_XMPP_USER_DOMAIN" Same;
        SERVICE_USER: "org.jitsi.jicofo.BRIDGE_MUC_XMPP_USER" Same;
        SERVICE_PASSWORD: "org.jitsi.jicofo.BRIDGE_MUC_XMPP_USER_PASS" Same;
        BRIDGE_MUC: "org.jitsi.jicofo.BRIDGE_MUC" Same;
        MAX_PER_BRIDGE: "org.jitsi.jicofo.BridgeSelector.MAX_PARTICIPANTS_PER_BRIDGE" Same;
        STRATEGY: "org.jitsi.jicofo.BridgeSelector.BRIDGE_SELECTION_STRATEGY" Same;
        LOCAL_REGION: "org.jitsi.jicofo.BridgeSelector.LOCAL_REGION" Same;
        FAILURE_RESET: "org.jitsi.focus.BRIDGE_FAILURE_RESET_THRESHOLD" Millis;
        CHECK_INTERVAL: "org.jitsi.jicofo.HEALTH_CHECK_INTERVAL" MillisIfPositive;
        CHECK_ENABLED: "org.jitsi.jicofo.HEALTH_CHECK_INTERVAL" Positive;
        CHECK_RETRY: "org.jitsi.jicofo.HEALTH_CHECK_2NDTRY_DELAY" Millis;
        HEALTH: "org.jitsi.jicofo.health.ENABLE_HEALTH_CHECKS" Bool;
        AUTO_OWNER: "org.jitsi.jicofo.DISABLE_AUTO_OWNER" NotBool;
        MAX_SSRCS: "org.jitsi.jicofo.MAX_SSRC_PER_USER" Same;
        SINGLE_TIMEOUT: "org.jitsi.jicofo.SINGLE_PARTICIPANT_TIMEOUT" Ignored;
        IDLE_TIMEOUT: "org.jitsi.focus.IDLE_TIMEOUT" Ignored;
        AUTH_ENABLED: "org.jitsi.jicofo.auth.URL" AuthEnabled;
        AUTH_TYPE: "org.jitsi.jicofo.auth.URL" AuthType;
        AUTH_DOMAIN: "org.jitsi.jicofo.auth.URL" AuthDomain;
        AUTH_LIFETIME: "org.jitsi.jicofo.auth.AUTH_LIFETIME" Millis;
        AUTO_LOGIN: "org.jitsi.jicofo.auth.DISABLE_AUTOLOGIN" NotBool;
        JIBRI: "org.jitsi.jicofo.jibri.BREWERY" Same;
        JIBRI_SIP: "org.jitsi.jicofo.jibri.SIP_BREWERY" Same;
        JIGASI: "org.jitsi.jicofo.jigasi.BREWERY" Same;
        JIBRI_PENDING: "org.jitsi.jicofo.jibri.PENDING_TIMEOUT" Seconds;
        JIBRI_RETRIES: "org.jitsi.jicofo.NUM_JIBRI_RETRIES" Same;
        AV1: "org.jitsi.jicofo.ENABLE_AV1" Bool;
        AV1_PT: "org.jitsi.jicofo.AV1_PT" Same;
        AV1_RTX: "org.jitsi.jicofo.AV1_RTX_PT" Same;
        VP8: "org.jitsi.jicofo.ENABLE_VP8" Bool;
        VP8_PT: "org.jitsi.jicofo.VP8_PT" Same;
        VP8_RTX: "org.jitsi.jicofo.VP8_RTX_PT" Same;
        VP9: "org.jitsi.jicofo.ENABLE_VP9" Bool;
        VP9_PT: "org.jitsi.jicofo.VP9_PT" Same;
        VP9_RTX: "org.jitsi.jicofo.VP9_RTX_PT" Same;
        H264: "org.jitsi.jicofo.ENABLE_H264" Bool;
        H264_PT: "org.jitsi.jicofo.H264_PT" Same;
        H264_RTX: "org.jitsi.jicofo.H264_RTX_PT" Same;
        TOF: "org.jitsi.jicofo.ENABLE_TOF" Bool;
        AST: "org.jitsi.jicofo.ENABLE_AST" Bool;
        RID: "org.jitsi.jicofo.ENABLE_RID" Bool;
        CONTENT_TYPE: "org.jitsi.jicofo.ENABLE_VIDEO_CONTENT_TYPE" Bool;
        FRAMEMARKING: "org.jitsi.jicofo.ENABLE_FRAMEMARKING" Bool;
    }
}

/// Prefixes of names that this program or its predecessors once read.
pub const OURS: &[&str] = &["org.jitsi.jicofo.", "org.jitsi.focus.", "org.jitsi.impl.reservation."];
