//! What goes out on a connection, until the transport has it: whole stanzas, many in one write.

use std::collections::VecDeque;

use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::time::Instant;

use crate::measure::Histogram;
use crate::wire::xml;

/// So much goes out in one write, and so in one TLS record, unless a single stanza is longer: what Prosody reads at once. It
/// goes on with a session that is resumed where its parser stood when the connection before was lost (`lingering.rs`). So it
/// gets whole stanzas, or nothing.
const AT_ONCE: usize = 8 * 1024;

/// A write buffer that one burst has left is given back, and what is written of one that never empties is given up in parts of
/// this size at least.
const KEPT_CAPACITY: usize = 256 * 1024;

/// Text of elements, each of which ends with [`Out::ends_element`], and how far it is written.
#[derive(Default)]
pub struct Out {
    text: String,
    /// So many bytes of it are with the transport.
    done: usize,
    /// And so many of all that ever went this way.
    taken: u64,
    /// Where elements end.
    ends: VecDeque<usize>,
    /// The transport may hold bytes back.
    flush: bool,
    /// When that which caused a stanza of this write was read.
    causes: Vec<Instant>,
}

impl Out {
    /// Whether there is something to write.
    pub fn waits(&self) -> bool {
        self.flush || self.done < self.text.len()
    }

    /// So many bytes the transport has not taken.
    pub fn unwritten(&self) -> usize {
        self.text.len() - self.done
    }

    /// So many elements, those that are written in part among them.
    pub fn waiting(&self) -> usize {
        self.ends.len()
    }

    /// So many bytes it has taken.
    pub fn taken(&self) -> u64 {
        self.taken
    }

    /// A whole element.
    pub fn element(&mut self, element: &impl xml::Element) {
        self.begin(element);
        self.ends_element();
    }

    /// The text of a whole element.
    pub fn text(&mut self, text: &str) {
        self.text.push_str(text);
        self.ends_element();
    }

    /// An element that is taken back, or ended, before anything else happens here. Returns where it begins.
    pub fn begin(&mut self, element: &impl xml::Element) -> usize {
        let start = self.text.len();
        xml::write_to(element, &mut self.text);
        start
    }

    /// The text of what [`Out::begin`] began there.
    pub fn begun(&self, start: usize) -> &str {
        &self.text[start..]
    }

    /// It is not sent.
    pub fn take_back(&mut self, start: usize) {
        self.text.truncate(start);
    }

    /// What stands behind the last end is an element.
    pub fn ends_element(&mut self) {
        self.ends.push_back(self.text.len());
    }

    /// When that which caused the element before was read.
    pub fn caused_at(&mut self, cause: Instant) {
        self.causes.push(cause);
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
            self.taken += taken as u64;
            if self.done == end {
                self.give_up_written();
            }
        }
        writer.flush().await?;
        self.flush = false;
        Ok(())
    }

    /// A server that takes as much as comes, and never all of it, must not cost the memory of all that it has taken.
    fn give_up_written(&mut self) {
        if self.done < KEPT_CAPACITY || self.done < self.unwritten() {
            return;
        }
        self.text.drain(..self.done);
        self.ends.iter_mut().for_each(|end| *end -= self.done);
        self.done = 0;
    }

    /// All is written; `latency` counts how long each cause was ago.
    pub fn written(&mut self, latency: Option<&Histogram>) {
        if let Some(latency) = latency {
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

#[cfg(test)]
mod tests {
    use std::io;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use super::*;

    /// What came in each write, of which it takes so much at most, and only so many of them.
    struct Taker {
        most: usize,
        writes: usize,
        taken: Vec<String>,
    }

    impl Taker {
        fn new(most: usize) -> Taker {
            Taker { most, writes: usize::MAX, taken: Vec::new() }
        }

        fn lengths(&self) -> Vec<usize> {
            self.taken.iter().map(String::len).collect()
        }
    }

    impl AsyncWrite for Taker {
        fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
            if self.writes == 0 {
                return Poll::Pending;
            }
            self.writes -= 1;
            let taken = bytes.len().min(self.most);
            self.taken.push(String::from_utf8_lossy(&bytes[..taken]).into_owned());
            Poll::Ready(Ok(taken))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    fn add(out: &mut Out, lengths: &[usize]) {
        for length in lengths {
            out.text(&format!("<{}>", "m".repeat(length - 2)));
        }
    }

    #[tokio::test]
    async fn each_write_has_whole_stanzas_and_no_more_than_is_read_at_once() {
        let mut taker = Taker::new(usize::MAX);
        let mut out = Out::default();
        add(&mut out, &[100, 8092, 3, 8190, 8191, 20_000, 5, 6]);
        out.write(&mut taker).await.expect("it takes all");
        assert_eq!(taker.lengths(), [8192, 3, 8190, 8191, 20_000, 11]);
        assert!(taker.taken.iter().all(|text| text.starts_with('<') && text.ends_with('>')));
        assert!(!out.waits());
    }

    #[tokio::test]
    async fn what_is_taken_in_part_is_completed_by_a_write_of_its_own() {
        let mut taker = Taker::new(90);
        let mut out = Out::default();
        add(&mut out, &[100, 50]);
        out.write(&mut taker).await.expect("it takes all in the end");
        assert_eq!(taker.lengths(), [90, 60]);
        assert_eq!(taker.taken.concat().len(), 150);
    }

    /// As much comes as is taken, so that it never runs empty.
    #[tokio::test]
    async fn what_is_written_of_a_queue_that_never_empties_is_given_up() {
        let mut taker = Taker::new(usize::MAX);
        let mut out = Out::default();
        add(&mut out, &[5000, 5000, 5000]);
        for _ in 0..1000 {
            add(&mut out, &[5000]);
            taker.writes = 1;
            tokio::select! {
                biased;
                written = out.write(&mut taker) => panic!("all is written: {written:?}"),
                () = std::future::ready(()) => {}
            }
        }
        assert_eq!((out.unwritten(), out.taken()), (15_000, 5_000_000));
        assert!(out.text.capacity() <= 4 * KEPT_CAPACITY, "it holds {} bytes", out.text.capacity());
        taker.writes = usize::MAX;
        out.write(&mut taker).await.expect("it takes the rest");
        assert_eq!(taker.lengths(), [5000; 1003]);
        assert!(taker.taken.iter().all(|text| text.starts_with('<') && text.ends_with('>')));
    }
}
