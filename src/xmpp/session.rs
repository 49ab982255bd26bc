//! A session while it lasts: stanzas both ways, acknowledgements, and a look now and then whether anybody is there (`liveness.rs`).

use std::time::{Duration, SystemTime};

use tokio::io::{AsyncReadExt, ReadHalf, WriteHalf, split};
use tokio::sync::mpsc;
use tokio::task::yield_now;
use tokio::time::{Instant, sleep_until};

use super::clock::{self, ServerClock};
use super::errors::{Error, broken, condition};
use super::framing::{Frame, Framer};
use super::lingering::Lingering;
use super::liveness::{Behind, Liveness, Silence};
use super::out::Out;
use super::packets::Shown;
use super::report::Oddities;
use super::sm::StreamManagement;
use super::socket::Transport;
use super::stream::{END_TAG, READ_SIZE};
use super::throttle::{Pace, Throttle};
use super::{Event, Link, Outgoing, PACKETS};
use crate::focus::problems::Kind;
use crate::wire::Jid;
use crate::wire::sm::{Ack, AckRequest, Incoming, read_stanza};
use crate::wire::stanza::{EntityTime, Iq, IqBody, MAX_SENT, Payload, Ping, Stanza, StanzaError, StanzaKind};
use crate::wire::values::{Condition, ErrorType, StanzaId};
use crate::wire::xml;

/// How long a stop waits for a server that takes nothing and says nothing: for the end of what is queued, and then for it to close
/// the stream, too.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// And for any: less than an orderly end of the process may take (spec/80 §7).
const LONGEST_CLOSE: Duration = Duration::from_secs(8);

/// So many bytes may wait for a server that does not read.
const MAX_UNWRITTEN: usize = 64 * 1024 * 1024;

/// What somebody may ask of us in one stanza: several times what any client needs. What of it is passed on grows at most
/// sixfold by escaping, and stays below the 256 kB at which servers end the stream of whoever sends it.
const MAX_REQUEST: usize = 40 * 1024;

/// No answer is larger: but for what the one who asked wrote into his request, such as its id.
const MAX_ANSWER: usize = 64 * 1024;

/// How much the log shows of a stanza that is too large, in characters: its kind and to whom it would have gone.
const SHOWN_HEAD: usize = 200;

/// Ids of requests of this layer begin so; their answers go no further.
pub const OWN_ID: &str = "connection-";

/// The one about the server's clock.
const TIME_ID: &str = "connection-time";

/// A stream that is ready for stanzas.
pub struct Established {
    pub transport: Transport,
    pub framer: Framer,
    pub jid: Jid,
    /// None: the server has no stream management.
    pub sm: Option<StreamManagement>,
    /// Goes on with the session of before.
    pub resumed: bool,
    pub ping: PingAddress,
    pub reply_timeout: Duration,
}

/// Whom to ask whether anybody is there, where there is no stream management.
pub struct PingAddress {
    pub from: Option<Jid>,
    pub to: Option<Jid>,
}

/// How a session ended.
pub enum End {
    /// As we wanted it to.
    Stopped,
    Lost(Error, Option<StreamManagement>, Option<Lingering>),
}

/// Carries stanzas until the connection is lost or shall end.
pub async fn run(established: Established, link: &mut Link) -> End {
    let Established { transport, framer, sm, ping, reply_timeout, jid, .. } = established;
    let (mut reader, mut writer) = split(transport);
    let now = Instant::now();
    // A component is asked and answered by others; its server is that of a client, too.
    let clock = ServerClock::new(now, ping.from.is_none() && ping.to.is_some());
    let mut session = Session {
        name: link.name.clone(),
        jid,
        framer,
        sm,
        ping,
        pings: 0,
        reply_timeout,
        out: Out::default(),
        liveness: Liveness::new(now, reply_timeout),
        acknowledge: false,
        closing: None,
        ended: false,
        oddities: Oddities::default(),
        throttle: Throttle::default(),
        pace: Pace::Same,
        clock,
        time: clock::Shown::Same,
    };
    let result = session.carry(&mut reader, &mut writer, link).await;
    match result {
        Ok(()) => End::Stopped,
        Err(_) if session.closing.is_some() => {
            let unwritten = session.out.unwritten();
            if unwritten > 0 {
                log::warn!("The {} connection ends with {unwritten} bytes that the server has not taken", session.name);
            }
            End::Stopped
        }
        Err(error) => {
            // Only a server that said nothing may yet read what it was sent.
            let lingers =
                matches!(error, Error::Silent { .. }) && session.sm.as_ref().is_some_and(|sm| sm.id.is_some());
            let begin = || Lingering::begin(reader, writer, session.framer, session.out, session.liveness.questions());
            let lingering = lingers.then(begin);
            End::Lost(error, session.sm, lingering)
        }
    }
}

struct Session {
    /// For the log, both.
    name: String,
    jid: Jid,
    framer: Framer,
    sm: Option<StreamManagement>,
    ping: PingAddress,
    pings: u32,
    reply_timeout: Duration,
    out: Out,
    liveness: Liveness,
    /// The server wants to know how many stanzas we have.
    acknowledge: bool,
    closing: Option<Closing>,
    /// The server has sent its end tag.
    ended: bool,
    oddities: Oddities,
    throttle: Throttle,
    /// What the latest acknowledgement showed, until it is told.
    pace: Pace,
    clock: ServerClock,
    /// What the latest answer about the time showed, until it is told.
    time: clock::Shown,
}

/// Our end tag is queued, and we wait for the server's.
struct Closing {
    until: Instant,
    /// However much it has to say until then.
    latest: Instant,
    /// When `until` was set, so many bytes had been written, and the last one had been heard then.
    seen: (u64, Instant),
}

impl Session {
    /// Returns when we have closed the stream; every other end is an error.
    async fn carry(
        &mut self,
        reader: &mut ReadHalf<Transport>,
        writer: &mut WriteHalf<Transport>,
        link: &mut Link,
    ) -> Result<(), Error> {
        if let Some(sm) = &self.sm {
            // After a resumption: what the server has not.
            for stanza in sm.open() {
                self.out.text(stanza);
            }
        }
        // What came in the same segment as the answer to our login.
        self.take_in(link).await?;
        let mut timer = std::pin::pin!(sleep_until(self.due()));
        loop {
            if self.ended {
                return if self.closing.is_some() { Ok(()) } else { Err(Error::Ended) };
            }
            if link.overflowed() {
                return Err(Error::QueueFull { stanzas: link.outgoing.len(), bytes: self.out.unwritten() });
            }
            // The answer to a question is about all that is before it: it goes behind what the core has said meanwhile.
            if self.closing.is_none() {
                self.send_all(link)?;
            }
            self.add_acknowledgements();
            // What went out may be due before anything else is.
            if self.due() < timer.deadline() {
                timer.as_mut().reset(self.due());
            }
            self.framer.buffer().reserve(READ_SIZE);
            // In this order: all that is to be sent joins one write, and that goes before the next read.
            let step = tokio::select! {
                biased;
                outgoing = next_outgoing(&mut link.outgoing), if self.closing.is_none() => Step::Send(outgoing),
                written = self.out.write(writer), if self.out.waits() => Step::Wrote(written),
                read = reader.read_buf(self.framer.buffer()) => Step::Read(read),
                () = timer.as_mut() => Step::Timer,
                () = Link::stopped(&mut link.stop), if self.closing.is_none() => Step::Stop,
            };
            match step {
                Step::Send(first) => {
                    self.send(first, link)?;
                    self.send_all(link)?;
                }
                Step::Wrote(Ok(())) => {
                    self.out.written(link.latency.as_deref());
                    if self.closing.is_some() {
                        self.close_by(Instant::now() + CLOSE_TIMEOUT);
                    }
                }
                Step::Read(Ok(0)) if self.closing.is_some() => return Ok(()),
                Step::Read(Ok(0)) => return Err(Error::Closed { doing: "carrying stanzas" }),
                Step::Read(Ok(_)) => {
                    if self.liveness.heard(Instant::now()) {
                        link.tell(Event::Quiet { quiet: false }).await;
                    }
                    self.take_in(link).await?;
                    self.tell_behind(link).await;
                    // The core has its turn, so that what it answers goes out with our acknowledgement in one write.
                    yield_now().await;
                }
                Step::Wrote(Err(source)) | Step::Read(Err(source)) => return Err(broken("carrying stanzas", source)),
                Step::Timer => {
                    if self.look()? {
                        link.tell(Event::Quiet { quiet: true }).await;
                    }
                    self.tell_behind(link).await;
                    timer.as_mut().reset(self.due());
                }
                Step::Stop => {
                    self.send_all(link)?;
                    self.out.text(END_TAG);
                    let now = Instant::now();
                    let seen = self.seen();
                    self.closing = Some(Closing { until: now + CLOSE_TIMEOUT, latest: now + LONGEST_CLOSE, seen });
                    timer.as_mut().reset(self.due());
                }
            }
        }
    }

    fn send_all(&mut self, link: &mut Link) -> Result<(), Error> {
        while let Ok(outgoing) = link.outgoing.try_recv() {
            self.send(outgoing, link)?;
        }
        Ok(())
    }

    /// When [`Session::look`] has something to do.
    fn due(&self) -> Instant {
        let next = self.clock.due().into_iter().fold(self.liveness.due(), Instant::min);
        self.closing.as_ref().map_or(next, |closing| closing.until)
    }

    /// What moves while a server takes what it is sent, or speaks.
    fn seen(&self) -> (u64, Instant) {
        (self.out.taken(), self.liveness.last_heard())
    }

    /// The server is waited for until then, unless that is too long.
    fn close_by(&mut self, until: Instant) {
        let seen = self.seen();
        if let Some(closing) = &mut self.closing {
            (closing.until, closing.seen) = (until.min(closing.latest), seen);
        }
    }

    /// The timer has run off. It is not set anew with each read, so that it may have run off early. Whether the server turns out to
    /// be quiet.
    fn look(&mut self) -> Result<bool, Error> {
        let now = Instant::now();
        if let Some(closing) = self.closing.as_ref().filter(|closing| now >= closing.until) {
            if now >= closing.latest || closing.seen == self.seen() {
                return Err(Error::Silent { doing: "closing the stream", after: CLOSE_TIMEOUT });
            }
            self.close_by(now + CLOSE_TIMEOUT);
        }
        if self.closing.is_none() && self.clock.due().is_some_and(|due| now >= due) {
            self.clock.ask(now, SystemTime::now());
            self.write(&Iq {
                from: None,
                to: self.ping.to.clone(),
                id: TIME_ID.into(),
                body: IqBody::Get(Payload::Time(EntityTime::default())),
            })?;
        }
        if self.closing.is_some() {
            return Ok(false);
        }
        match self.liveness.silence(now) {
            Some(Silence::Ask) => {
                self.ask();
                self.liveness.asked(now);
            }
            Some(Silence::Gone) => {
                return Err(Error::Silent { doing: "asking whether it is still there", after: self.reply_timeout });
            }
            Some(Silence::Quiet) => return Ok(true),
            None => {}
        }
        Ok(false)
    }

    fn ask(&mut self) {
        match &mut self.sm {
            Some(_) => self.ask_for_acknowledgement(),
            None => {
                self.pings += 1;
                let ping = Iq {
                    from: self.ping.from.clone(),
                    to: self.ping.to.clone(),
                    id: StanzaId::from(format!("{OWN_ID}{}", self.pings)),
                    body: IqBody::Get(Payload::Ping(Ping {})),
                };
                self.out.element(&ping);
            }
        }
    }

    fn ask_for_acknowledgement(&mut self) {
        let Some(sm) = &mut self.sm else { return };
        let now = Instant::now();
        self.out.element(&AckRequest {});
        self.liveness.asked_to_acknowledge(now);
        self.throttle.asked(now, sm.open().len());
        sm.requested();
    }

    /// One for the turn, however often they were asked for.
    fn add_acknowledgements(&mut self) {
        if self.closing.is_some() {
            return;
        }
        let Some(sm) = &mut self.sm else { return };
        if std::mem::take(&mut self.acknowledge) {
            self.out.element(&Ack { h: sm.h() });
        }
        let late = self.liveness.unasked(sm.has_unasked(), Instant::now());
        if late || sm.wants_acknowledgement() {
            self.ask_for_acknowledgement();
        }
    }

    fn send(&mut self, outgoing: Outgoing, link: &Link) -> Result<(), Error> {
        if !link.take(&outgoing) {
            return Ok(());
        }
        self.write(&outgoing.stanza)?;
        if let Some(cause) = outgoing.caused_at.filter(|_| link.latency.is_some()) {
            self.out.caused_at(cause);
        }
        Ok(())
    }

    fn write(&mut self, stanza: &impl xml::Element) -> Result<(), Error> {
        let start = self.out.begin(stanza);
        let bytes = self.out.begun(start).len();
        if bytes > MAX_ANSWER && is_answer(self.out.begun(start)) {
            self.out.take_back(start);
            self.oddities.note(&self.name, "answer", || format!("its answer would have {bytes} bytes and is not sent"));
            return Ok(());
        }
        // One request that is never answered instead of the end of every conference.
        if bytes > MAX_SENT {
            let head: String = self.out.begun(start).chars().take(SHOWN_HEAD).collect();
            self.out.take_back(start);
            log::error!("{}: a stanza of {bytes} bytes is not sent, no server takes it: {}…", self.name, Shown(&head));
            return Ok(());
        }
        log::trace!(target: PACKETS, "SENT PKT ({}): {}", self.name, Shown(self.out.begun(start)));
        self.out.ends_element();
        if let Some(sm) = &mut self.sm {
            sm.sent(self.out.begun(start))?;
        }
        let bytes = self.out.unwritten();
        if bytes > MAX_UNWRITTEN {
            return Err(Error::QueueFull { stanzas: self.out.waiting(), bytes });
        }
        Ok(())
    }

    /// All that is complete in the receive buffer.
    async fn take_in(&mut self, link: &Link) -> Result<(), Error> {
        while let Some(frame) = self.framer.next()? {
            match frame {
                Frame::Element(document) => {
                    log::trace!(target: PACKETS, "RCV PKT ({}): {}", self.name, Shown(unwrapped(&document)));
                    if let Some(stanza) = self.element(&document)? {
                        link.tell(Event::Stanza { stanza, read_at: self.liveness.last_heard() }).await;
                    }
                    self.tell_pace(link).await;
                    self.tell_time(link).await;
                }
                Frame::Refused(refused) => {
                    self.oddities
                        .note(&self.name, refused.why, || format!("<{}> of {} bytes", refused.name, refused.bytes));
                    if refused.is_stanza() {
                        self.count();
                    }
                    let error = || StanzaError::new(ErrorType::Modify, Condition::BadRequest, refused.why.to_owned());
                    if let Some(answer) = refused.head().and_then(|head| head.answer(error())) {
                        self.write(&answer)?;
                    }
                }
                Frame::End => self.ended = true,
                Frame::Header(_) => {
                    return Err(Error::Unexpected { doing: "carrying stanzas", found: "a stream header".to_owned() });
                }
            }
        }
        Ok(())
    }

    /// One element. What it is to the core, if it is something to it.
    fn element(&mut self, document: &str) -> Result<Option<Stanza>, Error> {
        let incoming = match read_stanza(document) {
            Ok(incoming) => incoming,
            Err(error) => {
                // XML that cannot be read at all has no head, but the server counts it if it is a stanza.
                if error.head.is_some() || looks_like_stanza(document) {
                    self.count();
                }
                let kind = error.head.as_ref().map_or("element", |head: &_| StanzaKind::as_str(head.kind));
                let from = error.head.as_ref().and_then(|head| head.from.clone());
                self.oddities.note(&self.name, kind, || match &from {
                    Some(from) => format!("{error}, from {from}"),
                    None => error.to_string(),
                });
                if let Some(answer) = error.answer() {
                    self.write(&answer)?;
                }
                return Ok(None);
            }
        };
        match incoming {
            Incoming::Stanza(stanza) => {
                self.count();
                if document.len() > MAX_REQUEST
                    && let Some(refusal) = too_large(&stanza)
                {
                    self.oddities.note(&self.name, "request", || format!("it has {} bytes", document.len()));
                    self.write(&refusal)?;
                    return Ok(None);
                }
                if answers_us(&stanza) {
                    self.answered(&stanza);
                    return Ok(None);
                }
                return Ok(Some(stanza));
            }
            Incoming::AckRequest(_) => self.acknowledge = true,
            Incoming::Ack(Ack { h }) => {
                self.liveness.acknowledged();
                if let Some(sm) = &mut self.sm {
                    self.pace = self.throttle.answered(self.liveness.last_heard(), sm.open().len());
                    sm.acknowledged(h)?;
                }
            }
            Incoming::Enabled(enabled) => {
                let resume = matches!(enabled.resume.as_deref(), Some("true" | "1"));
                if let Some(sm) = &mut self.sm {
                    sm.enabled(enabled.id.filter(|_| resume));
                }
            }
            Incoming::Failed(failed) => {
                log::warn!("the server refuses stream management ({})", condition(&failed.condition));
                self.sm = None;
                self.liveness.never_acknowledges();
            }
            Incoming::StreamError(error) => return Err(error.into()),
            Incoming::Unknown { name, ns } => {
                self.oddities.note(&self.name, "unknown element", || format!("<{name}> of {ns}"));
            }
            _ => log::debug!("skipped an element that belongs to the login"),
        }
        Ok(None)
    }

    /// An answer to what this layer asked.
    fn answered(&mut self, stanza: &Stanza) {
        let Stanza::Iq(iq) = stanza else { return };
        // Anybody may write to us under that id.
        let of_server = iq.from.is_none() || iq.from == self.ping.to;
        if iq.id.as_str() == TIME_ID && of_server {
            let time = match &iq.body {
                IqBody::Result(Some(Payload::Time(time))) => Some(time),
                _ => None,
            };
            self.time = self.clock.answered(time, SystemTime::now());
        }
    }

    /// Tells of a server that has not taken for long what it was sent, of each part that it takes then, and when it is behind no more.
    async fn tell_behind(&mut self, link: &Link) {
        if let Some(Behind { behind, taken }) = self.liveness.behind(Instant::now()) {
            link.tell(Event::Behind { behind, taken }).await;
        }
    }

    /// Tells of a server whose clock is not ours, and when it is again.
    async fn tell_time(&mut self, link: &Link) {
        let kind = ServerClock::KIND;
        match std::mem::replace(&mut self.time, clock::Shown::Same) {
            clock::Shown::Same => {}
            clock::Shown::Right => link.tell(Event::Relief { kind }).await,
            clock::Shown::Off(off, ahead) => {
                let server = self.ping.to.as_ref().map_or("the server", Jid::as_str);
                let text = clock::explain(&self.name, server, off, ahead);
                log::warn!("PROBLEM {}: {text}", kind.id());
                link.tell(Event::Trouble { kind, text }).await;
            }
        }
    }

    /// Tells of a server that does not take what is sent as fast as it comes, and when it does again.
    async fn tell_pace(&mut self, link: &Link) {
        let kind = Kind::RateLimited;
        match std::mem::replace(&mut self.pace, Pace::Same) {
            Pace::Same => {}
            Pace::Quiet => link.tell(Event::Relief { kind }).await,
            Pace::Slow(took, open) => {
                let account = self.jid.to_bare();
                let text = format!(
                    "on the {} connection the server took {:.1} s to acknowledge what it was sent, and {open} stanzas waited by \
                     then; joins are slow, and requests time out in meetings of many; exempt the focus from the server's limits: \
                     unlimited_jids = {{ \"{account}\" }} for Prosody's mod_limits, or a higher rate of c2s in `limits`",
                    self.name,
                    took.as_secs_f64(),
                );
                log::warn!("PROBLEM {}: {text}", kind.id());
                link.tell(Event::Trouble { kind, text }).await;
            }
        }
    }

    fn count(&mut self) {
        if let Some(sm) = &mut self.sm {
            sm.received();
        }
    }
}

enum Step {
    Send(Outgoing),
    Wrote(std::io::Result<()>),
    Read(std::io::Result<usize>),
    Timer,
    Stop,
}

/// Waits for ever once the handle is gone: then the stop comes.
async fn next_outgoing(outgoing: &mut mpsc::UnboundedReceiver<Outgoing>) -> Outgoing {
    match outgoing.recv().await {
        Some(outgoing) => outgoing,
        None => std::future::pending().await,
    }
}

/// Answers to what this layer asked.
fn answers_us(stanza: &Stanza) -> bool {
    let Stanza::Iq(iq) = stanza else { return false };
    matches!(iq.body, IqBody::Result(_) | IqBody::Error(_)) && iq.id.as_str().starts_with(OWN_ID)
}

/// Of a document whose XML cannot be read: whether the element behind the stream's start tag is a stanza by name.
fn looks_like_stanza(document: &str) -> bool {
    ["<iq", "<presence", "<message"].iter().any(|tag| unwrapped(document).starts_with(tag))
}

/// Without the stream's start tag before it and its end tag behind.
fn unwrapped(document: &str) -> &str {
    let element = document.split_once('>').map_or("", |(_, element)| element);
    element.rsplit_once("</").map_or(element, |(element, _)| element)
}

/// Whether this is a result or an error. No value can look like it, as apostrophes are escaped in all of them.
fn is_answer(text: &str) -> bool {
    let kind = text.strip_prefix("<iq").and_then(|rest| rest.split_once(" type='"));
    kind.is_some_and(|(_, rest)| rest.starts_with("result'") || rest.starts_with("error'"))
}

/// The refusal of a request that is too large, if it is the request of a user: components and servers may have more to say.
fn too_large(stanza: &Stanza) -> Option<Stanza> {
    let Stanza::Iq(iq) = stanza else { return None };
    let is_request = matches!(iq.body, IqBody::Get(_) | IqBody::Set(_));
    let from = iq.from.as_ref().filter(|from| is_request && (from.local().is_some() || from.resource().is_some()))?;
    let error = StanzaError::new(ErrorType::Modify, Condition::PolicyViolation, "too large".to_owned());
    // Servers end the stream of a component that does not say which of its addresses answers (XEP-0114 §3).
    let answer = Iq { from: iq.to.clone(), to: Some(from.clone()), id: iq.id.clone(), body: IqBody::Error(error) };
    Some(Stanza::Iq(Box::new(answer)))
}
