//! Values of attributes: identifiers as types of their own, keywords as enums. Foreign text becomes one of these once, at the edge.

use super::xml::{keywords, newtype};

newtype! {
    /// A synchronisation source, 1 to 2³²−1.
    Ssrc(u32),
    /// The nickname of a participant in its room, which also names its endpoint on the bridge.
    EndpointId(Arc<str>),
    /// The name of a source, such as `abcd1234-v0`.
    SourceName(Arc<str>),
    /// The identity of a meeting, the same on all bridges (spec/40 §2.1).
    MeetingId(Arc<str>),
    /// The `sid` of a Jingle session.
    SessionId(Arc<str>),
    /// The identity of a conference on one bridge, told to clients (spec/40, "bridge session id").
    BridgeSessionId(Arc<str>),
    /// The id of an IQ; unique for those we ask, echoed to the letter for those we answer.
    StanzaId(Arc<str>),
}

keywords! {
    /// Who may send in a content. LJM says `rejected` for one it does not want.
    pub enum Senders { Both = "both", Initiator = "initiator", Responder = "responder", None = "none", Rejected = "rejected" }
    /// Any case is read (spec/30 §7.2).
    pub enum Semantics [ignore case] { Sim = "SIM", Fid = "FID" }
    pub enum MediaType [ignore case] { Audio = "audio", Video = "video" }
    pub enum VideoType [ignore case] { Camera = "camera", Desktop = "desktop" }
    pub enum Setup { Actpass = "actpass", Active = "active", Passive = "passive", Holdconn = "holdconn" }
    pub enum SctpRole { Client = "client", Server = "server" }
    pub enum Affiliation { Owner = "owner", Admin = "admin", Member = "member", None = "none", Outcast = "outcast" }
    pub enum MucRole { Moderator = "moderator", Participant = "participant", Visitor = "visitor", None = "none" }
    pub enum PresenceType {
        Unavailable = "unavailable", Subscribe = "subscribe", Subscribed = "subscribed", Unsubscribe = "unsubscribe",
        Unsubscribed = "unsubscribed", Probe = "probe", Error = "error",
    }
    pub enum MessageType { Normal = "normal", Chat = "chat", Groupchat = "groupchat", Headline = "headline", Error = "error" }
    pub enum ErrorType { Auth = "auth", Cancel = "cancel", Continue = "continue", Modify = "modify", Wait = "wait" }
    /// Conditions of RFC 6120 §8.3.3.
    pub enum Condition {
        BadRequest = "bad-request", Conflict = "conflict", FeatureNotImplemented = "feature-not-implemented",
        Forbidden = "forbidden", Gone = "gone", InternalServerError = "internal-server-error",
        ItemNotFound = "item-not-found", JidMalformed = "jid-malformed", NotAcceptable = "not-acceptable",
        NotAllowed = "not-allowed", NotAuthorized = "not-authorized", PolicyViolation = "policy-violation",
        RecipientUnavailable = "recipient-unavailable", Redirect = "redirect",
        RegistrationRequired = "registration-required", RemoteServerNotFound = "remote-server-not-found",
        RemoteServerTimeout = "remote-server-timeout", ResourceConstraint = "resource-constraint",
        ServiceUnavailable = "service-unavailable", SubscriptionRequired = "subscription-required",
        UndefinedCondition = "undefined-condition", UnexpectedRequest = "unexpected-request",
    }
    /// Actions of XEP-0166 and Jitsi's two. `addsource` and `removesource` are their old names (spec/30 §9.1).
    pub enum Action {
        SessionInitiate = "session-initiate", SessionAccept = "session-accept", SessionInfo = "session-info",
        SessionTerminate = "session-terminate", SourceAdd = "source-add", SourceRemove = "source-remove",
        AddSource = "addsource", RemoveSource = "removesource", TransportInfo = "transport-info",
        TransportAccept = "transport-accept", TransportReject = "transport-reject",
        TransportReplace = "transport-replace", ContentAccept = "content-accept", ContentAdd = "content-add",
        ContentModify = "content-modify", ContentReject = "content-reject", ContentRemove = "content-remove",
        DescriptionInfo = "description-info", SecurityInfo = "security-info",
    }
}
