//! A stream while it is being negotiated: one element after the other, each step within one deadline.

use std::future::Future;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout_at};

use super::errors::{Error, broken};
use super::framing::{Frame, Framer, Header};
use super::socket::Transport;
use crate::wire::ns::{CLIENT, COMPONENT, STREAMS};
use crate::wire::sm::{Incoming, read_stanza};
use crate::wire::xml::{self, Element};

/// How long everything from the connected socket to the bound session may take, however many bytes trickle in. A server
/// that was just restarted and gets all of its users at once takes seconds.
pub const LOGIN_TIMEOUT: Duration = Duration::from_secs(30);

/// How much is read at once; a TLS record holds no more.
pub const READ_SIZE: usize = 16 * 1024;

/// What of a stream is negotiated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Client,
    Component,
}

pub struct XmlStream {
    pub transport: Transport,
    pub framer: Framer,
    out: String,
    deadline: Instant,
    /// For the error, should nothing come: "waiting for the stream's header".
    doing: &'static str,
}

impl XmlStream {
    pub fn new(transport: Transport, deadline: Instant) -> XmlStream {
        XmlStream { transport, framer: Framer::new(), out: String::new(), deadline, doing: "connecting" }
    }

    /// What is waited for from now on.
    pub fn doing(&mut self, doing: &'static str) {
        self.doing = doing;
    }

    /// Something else had to be waited for: what comes now has as much time as all of it.
    pub fn has_waited(&mut self) {
        self.deadline = self.deadline.max(Instant::now() + LOGIN_TIMEOUT);
    }

    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Sends our start tag and waits for the server's.
    pub async fn open(&mut self, kind: Kind, to: &str) -> Result<Header, Error> {
        self.doing("waiting for the stream's header");
        self.out.push_str(&start_tag(kind, to));
        self.flush().await?;
        match self.frame().await? {
            Frame::Header(header) => Ok(header),
            _ => Err(self.unexpected("no header")),
        }
    }

    /// Adds an element to the next [`XmlStream::flush`].
    pub fn push<T: Element>(&mut self, element: &T) {
        xml::write_to(element, &mut self.out);
    }

    /// Sends all that was pushed, in one write.
    pub async fn flush(&mut self) -> Result<(), Error> {
        let transport = &mut self.transport;
        let bytes = self.out.as_bytes();
        let written = within(self.deadline, self.doing, async {
            transport.write_all(bytes).await?;
            transport.flush().await
        });
        written.await?.map_err(|source| broken(self.doing, source))?;
        self.out.clear();
        Ok(())
    }

    /// The next element that can be understood. The end of the stream, with a reason or without, is an error.
    pub async fn next(&mut self) -> Result<Incoming, Error> {
        loop {
            match self.frame().await? {
                Frame::Element(document) => match read_stanza(&document) {
                    Ok(Incoming::StreamError(error)) => return Err(error.into()),
                    Ok(incoming) => return Ok(incoming),
                    Err(error) => log::debug!("while {}: skipped an element: {error}", self.doing),
                },
                Frame::Refused(refused) => {
                    log::debug!("while {}: skipped <{}>: {}", self.doing, refused.name, refused.why)
                }
                Frame::End => return Err(Error::Closed { doing: self.doing }),
                Frame::Header(_) => return Err(self.unexpected("another header")),
            }
        }
    }

    pub fn unexpected(&self, found: &str) -> Error {
        Error::Unexpected { doing: self.doing, found: found.to_owned() }
    }

    async fn frame(&mut self) -> Result<Frame, Error> {
        loop {
            if let Some(frame) = self.framer.next()? {
                return Ok(frame);
            }
            let buffer = self.framer.buffer();
            buffer.reserve(READ_SIZE);
            let read = within(self.deadline, self.doing, self.transport.read_buf(buffer)).await?;
            match read {
                Ok(0) => return Err(Error::Closed { doing: self.doing }),
                Ok(_) => {}
                Err(source) => return Err(broken(self.doing, source)),
            }
        }
    }
}

/// The result, if it comes before the deadline.
pub async fn within<T>(deadline: Instant, doing: &'static str, work: impl Future<Output = T>) -> Result<T, Error> {
    timeout_at(deadline, work).await.map_err(|_| Error::Silent { doing, after: LOGIN_TIMEOUT })
}

pub const END_TAG: &str = "</stream:stream>";

/// By hand, as it is no element: it does not end.
fn start_tag(kind: Kind, to: &str) -> String {
    let mut escaped = String::new();
    for c in to.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '\'' => escaped.push_str("&apos;"),
            c => escaped.push(c),
        }
    }
    let (namespace, version) = match kind {
        Kind::Client => (CLIENT, " version='1.0'"),
        Kind::Component => (COMPONENT, ""),
    };
    format!("<?xml version='1.0'?><stream:stream xmlns='{namespace}' xmlns:stream='{STREAMS}' to='{escaped}'{version}>")
}
