//! What would become of a conference request, by which rule, and what to change if that surprises: `jicofo explain-auth`.
//! It decides with the rules of the running focus.

use std::fmt::Write as _;
use std::time::Duration;

use super::decide::MAX_MACHINE_UID;
use super::sessions::LoginId;
use super::{Authentication, Mode, Question, Refusal, Room, Rule};
use crate::config::Config;
use crate::focus::ids::Ids;
use crate::focus::request::rules::GeneralRule;
use crate::focus::request::{BREWERY, NoRoom, is_brewery, read_room, sender_behind};
use crate::focus::time::Timestamp;
use crate::wire::{BareJid, Jid};

/// The session of the hypothesis.
const KNOWN: &str = "known";

/// What is known of a request that nobody has sent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Hypothesis {
    /// `from`, as it reaches the focus: behind the client proxy `focus.<domain>/<address of the client>`. None: over HTTP.
    pub from: Option<String>,
    /// A room, or its name in the usual domain.
    pub room: Option<String>,
    pub room_exists: bool,
    /// Breakout rooms of this room are open.
    pub breakouts_open: bool,
    pub session: Session,
    pub machine: Machine,
    /// The address used a session before, which lives.
    pub bound: bool,
}

/// The session id in the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Session {
    #[default]
    None,
    /// It was given out by this focus, and lives.
    Known,
    Unknown,
}

/// The machine that the request names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Machine {
    /// The one on which the session was made, if there is one.
    #[default]
    Same,
    Other,
    None,
    /// A name of more than any client writes.
    Long,
}

impl Session {
    /// As people write it.
    pub fn named(name: &str) -> Option<Session> {
        match name {
            "none" => Some(Session::None),
            "known" => Some(Session::Known),
            "unknown" => Some(Session::Unknown),
            _ => None,
        }
    }
}

impl Machine {
    /// As people write it.
    pub fn named(name: &str) -> Option<Machine> {
        match name {
            "same" => Some(Machine::Same),
            "other" => Some(Machine::Other),
            "none" => Some(Machine::None),
            "long" => Some(Machine::Long),
            _ => None,
        }
    }
}

/// The answer to a hypothesis, in some lines; Err: what is wrong with it.
pub fn explain(config: &Config, given: &Hypothesis) -> Result<String, String> {
    let from = given.from.as_deref().map(|from| Jid::new(from).map_err(|error| format!("--from {from}: {error}")));
    let from = from.transpose()?;
    let room = room(config, given)?;
    let sender = from.as_ref().map(|from| sender_behind(config, from));
    if from.is_none()
        && let Some(why) = not_served(config)
    {
        return Ok(why);
    }
    if is_brewery(config, &room) {
        return Ok(brewery(&room, from.is_none()));
    }
    let state = state(config, given, &room);
    let now = Timestamp(1);
    let mut authentication = Authentication::new(config);
    let (id, machine) = (KNOWN, "machine");
    let long = "m".repeat(MAX_MACHINE_UID + 1);
    if given.session == Session::Known || given.bound {
        let account = Jid::new(&format!("somebody@{}", authentication.mode.domain().unwrap_or("nowhere")));
        let account = account.map_err(|error| format!("jicofo.authentication.login-url: {error}"))?;
        let key = authentication.sessions.add(now, LoginId::new(id.into()), account, machine, room.clone());
        if let Some(sender) = sender.as_ref().filter(|_| given.bound) {
            authentication.sessions.bind(key, sender);
        }
    }
    let question = Question {
        sender: sender.as_ref(),
        session: match given.session {
            Session::None => None,
            Session::Known => Some(id),
            Session::Unknown => Some("unknown"),
        },
        machine_uid: match given.machine {
            Machine::Same => Some(machine),
            Machine::Other => Some("another machine"),
            Machine::None => None,
            Machine::Long => Some(&long),
        },
        room: &room,
        state,
    };
    let decision = authentication.decide(now, &question);
    let rule = decision.rule;
    authentication.admit(&mut Ids::new(0), now, &question, &decision);
    let leads = sender.as_ref().is_some_and(|sender| authentication.is_bound(now, sender));
    let mut text = String::new();
    let mut line = |what: &str, words: String| _ = writeln!(text, "{what:<9} {words}");
    line("asks", who(config, from.as_ref(), sender.as_ref()));
    line("room", format!("{room}: {}", room_words(state)));
    line("mode", mode(&authentication.mode));
    line(
        "decision",
        format!("{}, by rule {}", if rule.refusal().is_some() { "refused" } else { "let in" }, rule.name()),
    );
    line("because", rule.words().into());
    line("answer", answer(&question, rule));
    if rule.refusal().is_none() {
        let later = GeneralRule::AFTER_AUTHENTICATION.map(GeneralRule::name).join(", ");
        line("unless", format!("a running focus stops it, by rule {later}"));
    }
    line("owner", owner(config, &question, rule, leads));
    _ = writeln!(text, "\nIf that surprises: {}", remedy(config, &authentication.mode, &question, rule));
    if from.is_none() && authentication.is_on() && rule != Rule::NotAuthorized {
        _ = writeln!(text, "Authentication is on: {FAILS_OVER_HTTP}");
    }
    Ok(text)
}

/// Nobody listens for the refusal in a client that has no connection yet (spec/10 §11.4).
const FAILS_OVER_HTTP: &str = "a client that asks over HTTP before it is connected cannot wait for a host nor log in, it fails \
                               as long as there is no such conference; remove conferenceRequestUrl from its config.js, so \
                               that it asks over XMPP (and give --from here: the address with which it does)";

/// What becomes of everything that comes over HTTP, if it is not served.
fn not_served(config: &Config) -> Option<String> {
    let (key, answer) = match &config.rest {
        rest if !rest.enabled => ("jicofo.rest.enabled is false, or jicofo.rest.port is 0", "nobody listens"),
        rest if !rest.conference_request => ("jicofo.rest.conference-request.enabled is false", "404"),
        _ => return None,
    };
    Some(format!(
        "asks      somebody without an address (HTTP)\n\
         decision  not served\n\
         because   {key}\n\
         answer    {answer}: the client fails\n\
         owner     nobody comes\n\n\
         If that surprises: remove conferenceRequestUrl from the clients' config.js, so that they ask over XMPP (and give \
         --from here: the address with which they do), or switch it on\n"
    ))
}

fn room(config: &Config, given: &Hypothesis) -> Result<BareJid, String> {
    let room = given.room.as_deref().ok_or("no room is named; write --room NAME")?;
    let whole = match (room.contains('@'), config.xmpp.client.rooms_domain()) {
        (true, _) => room.to_owned(),
        (false, Some(domain)) => format!("{room}@{domain}"),
        (false, None) => {
            return Err(format!("--room {room}: write it with its domain, as no xmpp-domain is configured"));
        }
    };
    read_room(config, &whole).map_err(|error| format!("--room {whole}: {error}"))
}

/// Refused before any rule of authentication is asked.
fn brewery(room: &BareJid, over_http: bool) -> String {
    let NoRoom { rule, condition, text } = BREWERY;
    let answer = if over_http { format!("400 Bad request: {text}") } else { format!("error {condition}: {text}") };
    format!(
        "room      {room}: the brewery of the bridges, of Jigasi or of Jibri\n\
         decision  refused, by rule {rule}, before any other is asked\n\
         because   whoever is in a brewery is no participant\n\
         answer    {answer}\n\
         owner     nobody comes\n\n\
         If that surprises: brewery-jid of jicofo.bridge, jicofo.jigasi or jicofo.jibri names this room; let bridges, gateways \
         and recorders meet in a room of its own, in a component that clients cannot enter\n"
    )
}

/// Which domain breakout rooms have the server says; here it is the usual one.
fn state(config: &Config, given: &Hypothesis, room: &BareJid) -> Room {
    let breakout = config.xmpp.client.xmpp_domain.as_ref().map(|domain| format!("breakout.{domain}"));
    match (given.room_exists, given.breakouts_open) {
        _ if breakout.as_deref() == Some(room.as_jid().domain()) => Room::Breakout,
        (true, _) => Room::Exists,
        (false, true) => Room::HasBreakouts,
        (false, false) => Room::New,
    }
}

fn who(config: &Config, from: Option<&Jid>, sender: Option<&Jid>) -> String {
    match (from, sender) {
        (Some(from), Some(sender)) if from != sender => format!("{sender}, behind the client proxy {}", from.domain()),
        (Some(from), _) => match &config.xmpp.client.client_proxy {
            Some(proxy) if proxy.domain() == from.domain() => format!("{from}, whose resource is no address"),
            _ => format!("{from}, directly"),
        },
        _ => "somebody without an address (HTTP)".into(),
    }
}

fn room_words(state: Room) -> &'static str {
    match state {
        Room::Breakout => "a breakout room (if breakout.<xmpp-domain> is where they are)",
        Room::Exists => "there is such a conference",
        Room::HasBreakouts => "there is no such conference, but breakout rooms of it are open",
        Room::New => "there is no such conference",
    }
}

fn mode(mode: &Mode) -> String {
    match mode {
        Mode::Off => "no authentication (jicofo.authentication.enabled, .type)".into(),
        Mode::Xmpp(xmpp) => format!(
            "XMPP: who is logged in on {} is authenticated; a session lives {} after its last use{}",
            xmpp.domain,
            hours(xmpp.lifetime),
            if xmpp.auto_login { "" } else { " or until its conference ends" }
        ),
        Mode::Jwt(jwt) => format!(
            "JWT: whom {} lets in with a token is authenticated; a session lives {} after its last use or until its \
             conference ends",
            jwt.domain,
            hours(super::jwt::LIFETIME)
        ),
    }
}

fn hours(time: Duration) -> String {
    match time.as_secs() {
        seconds if seconds > 0 && seconds % 3600 == 0 => format!("{} h", seconds / 3600),
        seconds => format!("{seconds} s"),
    }
}

fn answer(question: &Question<'_>, rule: Rule) -> String {
    if question.sender.is_none() {
        return http_answer(rule).into();
    }
    let refused = |condition: &str, more: &str| format!("error {condition}{more}");
    match rule.refusal() {
        Some(Refusal::NotAuthorized) => {
            refused("not-authorized", ": the client shows that it waits for a host, asks again every 5 s")
        }
        Some(Refusal::InvalidSession) => {
            refused("not-acceptable with session-invalid", ": the client forgets its session and asks again without")
        }
        Some(_) => refused("not-acceptable", ": the client forgets its session and asks again without"),
        None if matches!(rule, Rule::LoggedIn | Rule::SessionKnown) => {
            let account = match (rule, question.sender) {
                (Rule::LoggedIn, Some(sender)) => sender.to_bare().to_string(),
                _ => "the account that logged in".into(),
            };
            format!("ready, with a session-id and {account} as identity")
        }
        None => "ready, without session-id and identity".into(),
    }
}

/// As `request/json.rs` writes it (spec/10 §3.6).
fn http_answer(rule: Rule) -> &'static str {
    match rule.refusal() {
        Some(Refusal::NotAuthorized) => {
            "403: nobody in the client listens for that before it is connected, so that it fails"
        }
        Some(_) => "400 invalid-session: the client forgets its session and asks again without",
        None if rule == Rule::SessionKnown => {
            "200, ready, with a session-id and the account that logged in as identity"
        }
        None => "200, ready, without session-id and identity",
    }
}

/// `leads`: the sender has a session when he has been answered.
fn owner(config: &Config, question: &Question<'_>, rule: Rule, leads: bool) -> String {
    match (rule, question.sender) {
        (rule, _) if rule.refusal().is_some() => "nobody comes".into(),
        (Rule::AuthenticationOff, None) if question.state != Room::Breakout && config.conference.enable_auto_owner => {
            "the first who comes".into()
        }
        (_, None) => "nobody: over HTTP it is not known who will come".into(),
        (Rule::AuthenticationOff, _) if question.state == Room::Breakout => {
            "nobody is elected; in a breakout room the owners of the main room are owners".into()
        }
        (Rule::AuthenticationOff, _) if config.conference.enable_auto_owner => "the first who comes".into(),
        (Rule::AuthenticationOff, _) => "nobody (jicofo.conference.enable-auto-owner is off)".into(),
        (_, Some(sender)) if leads => {
            format!("{} is made owner of the room when it is in it from {sender}", sender.bare_str())
        }
        (Rule::BreakoutRoom, Some(sender)) if question.session == Some(KNOWN) => format!(
            "{} is made owner if it used its session from {sender} before, as for the main room; a request for a breakout room \
             looks at no session",
            sender.bare_str()
        ),
        (Rule::BreakoutRoom, _) => {
            "not this one, unless the address used a session before (--bound); the owners of the main room are owners"
                .into()
        }
        _ => "not this one, unless the address used a session before (--bound)".into(),
    }
}

/// What to change where the rule is not the one that was meant.
fn remedy(config: &Config, mode: &Mode, question: &Question<'_>, rule: Rule) -> String {
    let domain = mode.domain().unwrap_or_default();
    match rule {
        Rule::AuthenticationOff => "write jicofo.authentication { enabled = true, type = XMPP, login-url = \"<domain of the \
                                    accounts>\" } to have somebody log in first"
            .into(),
        Rule::BreakoutRoom => "Prosody's module of breakout rooms decides: only a moderator of the main room adds them".into(),
        Rule::SessionUnknown => "sessions end with their lifetime (jicofo.authentication.authentication-lifetime), with a \
                                 logout, with a restart of the focus, and without enable-auto-login (always with type JWT) \
                                 with their conference; the client logs in again by itself or asks its user"
            .into(),
        Rule::MachineMismatch => "the id was copied to another browser, or the client's storage is half deleted: log in there \
                                  again"
            .into(),
        Rule::MachineMissing | Rule::MachineTooLong => {
            "the client is no lib-jitsi-meet, or a broken one: it must send machine-uid, 32 hex digits of its own".into()
        }
        Rule::SessionKnown => "whoever has the session id and the machine-uid is taken for the account; log out to end it".into(),
        Rule::LoggedIn => format!(
            "everybody on {domain} counts as logged in, so Prosody must let nobody in there without a password or token: give \
             guests a virtual host of their own (anonymousdomain in the client's config.js)"
        ),
        Rule::RoomExists => "who may enter a conference that is there is the room's matter: a lobby or a password keeps guests \
                             out"
            .into(),
        Rule::BreakoutsOpen => "it ends with the last breakout room".into(),
        Rule::Bound => "the address was used with a session id before; it counts until the session ends".into(),
        Rule::NotAuthorized => match question.sender {
            Some(sender) => not_authorized(config, domain, sender),
            None => FAILS_OVER_HTTP.into(),
        },
    }
}

fn not_authorized(config: &Config, domain: &str, from: &Jid) -> String {
    let sender = from.domain();
    if sender == domain {
        return format!(
            "{from} is on {domain} (jicofo.authentication.login-url), but is no full address, and only those are \
             authenticated: write --from user@{domain}/resource, as Prosody names who has logged in there"
        );
    }
    let proxy = config.xmpp.client.client_proxy.as_ref().map(Jid::domain);
    let services = config.xmpp.client.xmpp_domain.as_ref().map(|domain| format!("focus.{domain}"));
    if proxy.is_none() && services.as_deref() == Some(sender) {
        return format!(
            "the request comes through Prosody's client_proxy, but jicofo.xmpp.client.client-proxy is not set, so that who \
             asks is not looked for: write client-proxy = \"{sender}\""
        );
    }
    if proxy.is_some_and(|proxy| proxy != sender) && sender.starts_with("focus.") {
        return format!(
            "jicofo.xmpp.client.client-proxy is not {sender}; only the proxy named there may say for whom it asks"
        );
    }
    format!(
        "users of {sender} are guests, only those of {domain} (jicofo.authentication.login-url) are authenticated; the host \
         logs in there, or login-url names another domain than Prosody's with the accounts"
    )
}
