//! A session while it lasts: stanzas both ways, acknowledgements, and a look now and then whether anybody is there.

use std::collections::VecDeque;
use std::pin::Pin;
use std::time::{Duration, SystemTime};

use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf, split};
use tokio::sync::mpsc;
use tokio::task::yield_now;
use tokio::time::{Instant, Sleep, sleep_until};

use super::clock::{self, ServerClock};
use super::errors::{Error, broken, condition};
use super::framing::{Frame, Framer};
use super::lingering::Lingering;
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

/// After that long without a byte from the server we ask whether it is there (spec/70 §10.6).
pub const IDLE: Duration = Duration::from_secs(10);

/// If that is not answered in so much of the time that answers are waited for, the way may be gone: together, and with what is
/// left of that time, soon enough for nobody to be blamed whose answer does not come.
const QUIET: (u32, u32) = (4, 15);

/// With stanzas for which no acknowledgement was asked for it is asked for after so much of that time: without a question it does
/// not show that the server is behind.
const UNASKED: (u32, u32) = (2, 15);

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

/// So much goes out in one write, and so in one TLS record, unless a single stanza is longer: what Prosody reads at once. It
/// goes on with a session that is resumed where its parser stood when the connection before was lost (`lingering.rs`). So it
/// gets whole stanzas, or nothing.
const AT_ONCE: usize = 8 * 1024;

/// A write buffer that one burst has left is given back.
const KEPT_CAPACITY: usize = 256 * 1024;

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
        heard: now,
        asked: None,
        quiet: false,
        acknowledge: false,
        questions: VecDeque::new(),
        taken: None,
        behind: None,
        unasked: None,
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
            let unwritten = session.out.text.len() - session.out.done;
            if unwritten > 0 {
                log::warn!("The {} connection ends with {unwritten} bytes that the server has not taken", session.name);
            }
            End::Stopped
        }
        Err(error) => {
            // Only a server that said nothing may yet read what it was sent.
            let lingers =
                matches!(error, Error::Silent { .. }) && session.sm.as_ref().is_some_and(|sm| sm.id.is_some());
            let begin = || Lingering::begin(reader, writer, session.framer, session.out, session.questions.len());
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
    /// When the last byte came.
    heard: Instant,
    /// Since when a question whether anybody is there has been open.
    asked: Option<Instant>,
    /// It took long enough to be told.
    quiet: bool,
    /// The server wants to know how many stanzas we have.
    acknowledge: bool,
    /// When the requests for an acknowledgement went out that it has not answered.
    questions: VecDeque<Instant>,
    /// When the latest went out that it has answered: it has what was sent before that.
    taken: Option<Instant>,
    /// It has left one open for long though it speaks: told, with what it has.
    behind: Option<Option<Instant>>,
    /// Since when there have been stanzas for which none was asked for.
    unasked: Option<Instant>,
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
    seen: (usize, Instant),
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
                self.out.text.push_str(stanza);
                self.out.ends_element();
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
                return Err(Error::QueueFull { stanzas: link.outgoing.len(), bytes: self.out.text.len() });
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
                    self.out.written(link);
                    if self.closing.is_some() {
                        self.close_by(Instant::now() + CLOSE_TIMEOUT);
                    }
                }
                Step::Read(Ok(0)) if self.closing.is_some() => return Ok(()),
                Step::Read(Ok(0)) => return Err(Error::Closed { doing: "carrying stanzas" }),
                Step::Read(Ok(_)) => {
                    self.heard = Instant::now();
                    if self.asked.take().is_some() {
                        timer.as_mut().reset(self.due());
                    }
                    if std::mem::take(&mut self.quiet) {
                        link.tell(Event::Quiet { quiet: false }).await;
                    }
                    self.take_in(link).await?;
                    self.tell_behind(link).await;
                    // The core has its turn, so that what it answers goes out with our acknowledgement in one write.
                    yield_now().await;
                }
                Step::Wrote(Err(source)) | Step::Read(Err(source)) => return Err(broken("carrying stanzas", source)),
                Step::Timer => {
                    let before = self.quiet;
                    self.look(timer.as_mut())?;
                    if self.quiet && !before {
                        link.tell(Event::Quiet { quiet: true }).await;
                    }
                    self.tell_behind(link).await;
                }
                Step::Stop => {
                    self.send_all(link)?;
                    self.out.text.push_str(END_TAG);
                    self.out.ends_element();
                    let now = Instant::now();
                    let seen = (self.out.done, self.heard);
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
        let others = [self.clock.due(), self.behind_due(), self.unasked_due()];
        let next = others.into_iter().flatten().fold(self.alive_due(), Instant::min);
        self.closing.as_ref().map_or(next, |closing| closing.until)
    }

    /// The server is waited for until then, unless that is too long.
    fn close_by(&mut self, until: Instant) {
        let seen = (self.out.done, self.heard);
        if let Some(closing) = &mut self.closing {
            (closing.until, closing.seen) = (until.min(closing.latest), seen);
        }
    }

    /// When the server counts as behind, or since when. One that says nothing at all is another matter.
    fn late_at(&self) -> Option<Instant> {
        let asked = self.questions.front().filter(|asked| self.heard > **asked)?;
        Some(*asked + self.reply_timeout * QUIET.0 / QUIET.1)
    }

    /// The same, if it is not told already.
    fn behind_due(&self) -> Option<Instant> {
        self.late_at().filter(|_| self.behind.is_none())
    }

    /// When an acknowledgement is asked for behind fewer stanzas than it mostly is.
    fn unasked_due(&self) -> Option<Instant> {
        self.unasked.map(|since| since + self.reply_timeout * UNASKED.0 / UNASKED.1)
    }

    /// When the server has to have been heard of, or is asked whether it is there.
    fn alive_due(&self) -> Instant {
        match self.asked {
            Some(asked) if !self.quiet => asked + self.reply_timeout * QUIET.0 / QUIET.1,
            // Asked sooner, it is not given up sooner.
            Some(asked) => asked.max(self.heard + IDLE) + self.reply_timeout,
            None => self.heard + IDLE.min(self.reply_timeout * 2 / 3),
        }
    }

    /// The timer has run off. It is not set anew with each read, so that it may have run off early.
    fn look(&mut self, timer: Pin<&mut Sleep>) -> Result<(), Error> {
        let now = Instant::now();
        if let Some(closing) = self.closing.as_ref().filter(|closing| now >= closing.until) {
            if now >= closing.latest || closing.seen == (self.out.done, self.heard) {
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
        if self.closing.is_none() && now >= self.alive_due() {
            match self.asked {
                Some(_) if self.quiet => {
                    let doing = "asking whether it is still there";
                    return Err(Error::Silent { doing, after: self.reply_timeout });
                }
                Some(_) => self.quiet = true,
                None => {
                    self.ask();
                    self.asked = Some(now);
                }
            }
        }
        timer.reset(self.due());
        Ok(())
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
        self.questions.push_back(now);
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
        let (wanted, unasked) = (sm.wants_acknowledgement(), sm.has_unasked());
        self.unasked = unasked.then(|| self.unasked.unwrap_or_else(Instant::now));
        if wanted || self.unasked_due().is_some_and(|due| due <= Instant::now()) {
            self.unasked = None;
            self.ask_for_acknowledgement();
        }
    }

    fn send(&mut self, outgoing: Outgoing, link: &Link) -> Result<(), Error> {
        if !link.take(&outgoing) {
            return Ok(());
        }
        self.write(&outgoing.stanza)?;
        self.out.causes.extend(outgoing.caused_at.filter(|_| link.latency.is_some()));
        Ok(())
    }

    fn write(&mut self, stanza: &impl xml::Element) -> Result<(), Error> {
        let start = self.out.text.len();
        xml::write_to(stanza, &mut self.out.text);
        let bytes = self.out.text.len() - start;
        if bytes > MAX_ANSWER && is_answer(&self.out.text[start..]) {
            self.out.text.truncate(start);
            self.oddities.note(&self.name, "answer", || format!("its answer would have {bytes} bytes and is not sent"));
            return Ok(());
        }
        // One request that is never answered instead of the end of every conference.
        if bytes > MAX_SENT {
            let head: String = self.out.text[start..].chars().take(SHOWN_HEAD).collect();
            self.out.text.truncate(start);
            log::error!("{}: a stanza of {bytes} bytes is not sent, no server takes it: {}…", self.name, Shown(&head));
            return Ok(());
        }
        log::trace!(target: PACKETS, "SENT PKT ({}): {}", self.name, Shown(&self.out.text[start..]));
        self.out.ends_element();
        if let Some(sm) = &mut self.sm {
            sm.sent(&self.out.text[start..])?;
        }
        let bytes = self.out.text.len() - self.out.done;
        if bytes > MAX_UNWRITTEN {
            return Err(Error::QueueFull { stanzas: self.out.causes.len(), bytes });
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
                        link.tell(Event::Stanza { stanza, read_at: self.heard }).await;
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
                if let Some(asked) = self.questions.pop_front() {
                    self.taken = Some(asked);
                }
                if let Some(sm) = &mut self.sm {
                    self.pace = self.throttle.answered(self.heard, sm.open().len());
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
                self.questions.clear();
                self.unasked = None;
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
        if iq.id.as_str() == TIME_ID {
            let time = match &iq.body {
                IqBody::Result(Some(Payload::Time(time))) => Some(time),
                _ => None,
            };
            self.time = self.clock.answered(time, SystemTime::now());
        }
    }

    /// Tells of a server that has not taken for long what it was sent, of each part that it takes then, and when it is behind no more.
    async fn tell_behind(&mut self, link: &Link) {
        let behind = self.late_at().is_some_and(|due| due <= Instant::now());
        let told = behind.then_some(self.taken);
        if std::mem::replace(&mut self.behind, told) != told {
            link.tell(Event::Behind { behind, taken: self.taken }).await;
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

/// What goes out, and how far it is.
#[derive(Default)]
pub struct Out {
    text: String,
    /// So many bytes are with the transport.
    done: usize,
    /// Where elements end.
    ends: VecDeque<usize>,
    /// The transport may hold bytes back.
    flush: bool,
    /// When that which caused a stanza of this write was read.
    causes: Vec<Instant>,
}

impl Out {
    fn waits(&self) -> bool {
        self.flush || self.done < self.text.len()
    }

    pub fn element(&mut self, element: &impl xml::Element) {
        xml::write_to(element, &mut self.text);
        self.ends_element();
    }

    fn ends_element(&mut self) {
        self.ends.push_back(self.text.len());
    }

    /// Where the next write ends: behind as many elements as it takes, or behind one that is longer.
    fn next_end(&mut self) -> usize {
        let mut end = self.done;
        while let Some(next) =
            self.ends.front().copied().filter(|next| end <= self.done || *next <= self.done + AT_ONCE)
        {
            end = end.max(next);
            self.ends.pop_front();
        }
        // Not to be looked for again if less of it is taken.
        self.ends.push_front(end);
        end
    }

    /// Hands everything to the transport. May be dropped at any point and called again.
    pub async fn write(&mut self, writer: &mut (impl AsyncWrite + Unpin)) -> std::io::Result<()> {
        while self.done < self.text.len() {
            self.flush = true;
            let end = self.next_end();
            let taken = writer.write(&self.text.as_bytes()[self.done..end]).await?;
            if taken == 0 {
                return Err(std::io::ErrorKind::WriteZero.into());
            }
            self.done += taken;
        }
        writer.flush().await?;
        self.flush = false;
        Ok(())
    }

    /// All is written.
    fn written(&mut self, link: &Link) {
        if let Some(latency) = &link.latency {
            let now = Instant::now();
            self.causes.iter().for_each(|cause| latency.record(now.duration_since(*cause)));
        }
        self.causes.clear();
        self.done = 0;
        self.text.clear();
        self.ends.clear();
        if self.text.capacity() > KEPT_CAPACITY {
            self.text = String::new();
        }
    }
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
    let answer = Iq { from: None, to: Some(from.clone()), id: iq.id.clone(), body: IqBody::Error(error) };
    Some(Stanza::Iq(Box::new(answer)))
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::task::{Context, Poll};

    use super::*;

    /// What came in each write, of which it takes so much at most.
    struct Taker(usize, Vec<String>);

    impl AsyncWrite for Taker {
        fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
            let taken = bytes.len().min(self.0);
            self.1.push(String::from_utf8_lossy(&bytes[..taken]).into_owned());
            Poll::Ready(Ok(taken))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    fn out(lengths: &[usize]) -> Out {
        let mut out = Out::default();
        for length in lengths {
            out.text.push_str(&format!("<{}>", "m".repeat(length - 2)));
            out.ends_element();
        }
        out
    }

    #[tokio::test]
    async fn each_write_has_whole_stanzas_and_no_more_than_is_read_at_once() {
        let mut taker = Taker(usize::MAX, Vec::new());
        let mut out = out(&[100, 8092, 3, 8190, 8191, 20_000, 5, 6]);
        out.write(&mut taker).await.expect("it takes all");
        let lengths: Vec<usize> = taker.1.iter().map(String::len).collect();
        assert_eq!(lengths, [8192, 3, 8190, 8191, 20_000, 11]);
        assert!(taker.1.iter().all(|text| text.starts_with('<') && text.ends_with('>')));
        assert!(!out.waits());
    }

    #[tokio::test]
    async fn what_is_taken_in_part_is_completed_by_a_write_of_its_own() {
        let mut taker = Taker(90, Vec::new());
        let mut out = out(&[100, 50]);
        out.write(&mut taker).await.expect("it takes all in the end");
        let lengths: Vec<usize> = taker.1.iter().map(String::len).collect();
        assert_eq!(lengths, [90, 60]);
        assert_eq!(taker.1.concat().len(), 150);
    }
}
