//! Namespaces. Constants only, each named as the XEP or the protocol documents name it.

/// The namespace of stanzas: none, `jabber:client` and `jabber:component:accept` are one to us, so that a stanza reads and
/// writes alike on either kind of stream.
pub const STANZA: &str = "";
pub const CLIENT: &str = "jabber:client";
pub const COMPONENT: &str = "jabber:component:accept";
pub const STREAMS: &str = "http://etherx.jabber.org/streams";
pub const STREAM_ERRORS: &str = "urn:ietf:params:xml:ns:xmpp-streams";
pub const STANZA_ERRORS: &str = "urn:ietf:params:xml:ns:xmpp-stanzas";
pub const TLS: &str = "urn:ietf:params:xml:ns:xmpp-tls";
pub const SASL: &str = "urn:ietf:params:xml:ns:xmpp-sasl";
pub const BIND: &str = "urn:ietf:params:xml:ns:xmpp-bind";
pub const SESSION: &str = "urn:ietf:params:xml:ns:xmpp-session";
pub const SM: &str = "urn:xmpp:sm:3";
pub const PING: &str = "urn:xmpp:ping";
pub const TIME: &str = "urn:xmpp:time";
pub const ROSTER: &str = "jabber:iq:roster";
pub const VERSION: &str = "jabber:iq:version";
pub const DATA_FORM: &str = "jabber:x:data";
pub const DELAY: &str = "urn:xmpp:delay";

pub const DISCO_INFO: &str = "http://jabber.org/protocol/disco#info";
pub const DISCO_ITEMS: &str = "http://jabber.org/protocol/disco#items";
pub const CAPS: &str = "http://jabber.org/protocol/caps";
pub const MUC: &str = "http://jabber.org/protocol/muc";
pub const MUC_USER: &str = "http://jabber.org/protocol/muc#user";
pub const MUC_ADMIN: &str = "http://jabber.org/protocol/muc#admin";
pub const MUC_OWNER: &str = "http://jabber.org/protocol/muc#owner";
pub const NICK: &str = "http://jabber.org/protocol/nick";

pub const JINGLE: &str = "urn:xmpp:jingle:1";
pub const JINGLE_ERRORS: &str = "urn:xmpp:jingle:errors:1";
pub const RTP: &str = "urn:xmpp:jingle:apps:rtp:1";
pub const RTCP_FB: &str = "urn:xmpp:jingle:apps:rtp:rtcp-fb:0";
pub const HDREXT: &str = "urn:xmpp:jingle:apps:rtp:rtp-hdrext:0";
pub const SSMA: &str = "urn:xmpp:jingle:apps:rtp:ssma:0";
pub const ICE: &str = "urn:xmpp:jingle:transports:ice-udp:1";
pub const DTLS: &str = "urn:xmpp:jingle:apps:dtls:0";
pub const DTLS_SCTP: &str = "urn:xmpp:jingle:transports:dtls-sctp:1";
pub const GROUPING: &str = "urn:xmpp:jingle:apps:grouping:0";

pub const COLIBRI2: &str = "jitsi:colibri2";
pub const COLIBRI: &str = "http://jitsi.org/protocol/colibri";
pub const HEALTHCHECK: &str = "http://jitsi.org/protocol/healthcheck";
pub const JIBRI: &str = "http://jitsi.org/protocol/jibri";
pub const HEALTH: &str = "http://jitsi.org/protocol/health";
pub const FOCUS: &str = "http://jitsi.org/protocol/focus";
pub const JITMEET: &str = "http://jitsi.org/jitmeet";
pub const JITMEET_AUDIO: &str = "http://jitsi.org/jitmeet/audio";
pub const JITMEET_VIDEO: &str = "http://jitsi.org/jitmeet/video";
pub const JITMEET_DESKTOP: &str = "http://jitsi.org/jitmeet/desktop";
pub const START_MUTED: &str = "http://jitsi.org/jitmeet/start-muted";
pub const ETHERPAD: &str = "http://jitsi.org/jitmeet/etherpad";
pub const OPENTELEMETRY: &str = "jitsi:opentelemetry";
pub const VISITORS: &str = "jitsi:visitors";
