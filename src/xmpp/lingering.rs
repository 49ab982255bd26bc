//! A connection on which the server has fallen silent, while its session is about to go on with another.
//!
//! Servers go on with the parser of the connection before (Prosody 0.12): whatever that has of a stanza stands before what is
//! sent next, which then is no XML, and the session is over. A server that stood still reads what it was sent meanwhile 8 kB by
//! 8 kB, and stops within a stanza as likely as not if it cannot answer to that, or if the session goes on elsewhere before it
//! has read all. So the old connection stays open, and if the server turns out to read from it, it may read to the end first.

use std::time::Duration;

use tokio::io::{AsyncReadExt, ReadHalf, WriteHalf};
use tokio::sync::watch;
use tokio::time::timeout;

use super::framing::{Frame, Framer};
use super::out::Out;
use super::socket::Transport;
use super::stream::READ_SIZE;
use crate::wire::sm::{AckRequest, Incoming, read_stanza};

/// So long it stays open at most.
const LASTS: Duration = Duration::from_secs(60);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Silent,
    /// Something came: the server is there, and reads what it was sent.
    Reads,
    /// It has read all, or never will.
    Over,
}

/// The connection before.
#[derive(Debug)]
pub struct Lingering {
    state: watch::Receiver<State>,
}

impl Lingering {
    /// `questions`: how many requests for an acknowledgement it was sent and has not answered.
    pub fn begin(
        reader: ReadHalf<Transport>,
        writer: WriteHalf<Transport>,
        framer: Framer,
        out: Out,
        questions: usize,
    ) -> Lingering {
        let (told, state) = watch::channel(State::Silent);
        tokio::spawn(async move {
            let _ = timeout(LASTS, listen(reader, writer, framer, out, questions, &told)).await;
            told.send_replace(State::Over);
        });
        Lingering { state }
    }

    /// Returns when the session can go on elsewhere: at once where the server does not read here.
    pub async fn is_read(&mut self) {
        if *self.state.borrow() == State::Reads {
            log::debug!("the server still reads what it was sent on the connection before");
            let _ = self.state.wait_for(|state| *state == State::Over).await;
        }
    }
}

/// What comes counts for nothing: it has not been acknowledged, so it comes again where the session goes on.
async fn listen(
    mut reader: ReadHalf<Transport>,
    mut writer: WriteHalf<Transport>,
    mut framer: Framer,
    mut out: Out,
    mut questions: usize,
    told: &watch::Sender<State>,
) {
    // The rest of a stanza, if there is one, and a question behind all that it was sent.
    out.element(&AckRequest {});
    questions += 1;
    let write = async {
        if out.write(&mut writer).await.is_ok() {
            std::future::pending().await
        }
    };
    let read = async {
        while questions > 0 {
            framer.buffer().reserve(READ_SIZE);
            let Ok(1..) = reader.read_buf(framer.buffer()).await else { return };
            told.send_replace(State::Reads);
            while let Ok(Some(frame)) = framer.next() {
                let Frame::Element(document) = frame else { continue };
                questions -= usize::from(matches!(read_stanza(&document), Ok(Incoming::Ack(_))) && questions > 0);
            }
        }
    };
    tokio::select! {
        () = write => {}
        () = read => {}
    }
}
