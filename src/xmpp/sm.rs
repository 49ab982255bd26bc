//! Stream management (XEP-0198): what both sides have of each other's stanzas, so that a session outlives its connection.
//!
//! Only counts and queues; sending and receiving are the session's business.

use std::collections::VecDeque;

use super::errors::Error;

/// So many of our stanzas may be without acknowledgement. A server that takes none of so many is gone: the burst of a
/// restart, when a thousand participants are invited anew, has a tenth of it.
pub const MAX_UNACKNOWLEDGED: usize = 50_000;

/// And so many bytes of them.
pub const MAX_UNACKNOWLEDGED_BYTES: usize = 128 * 1024 * 1024;

/// An acknowledgement is asked for behind that many stanzas (spec/70 §10.2), one request at a time.
const ACKNOWLEDGE_EVERY: usize = 5;

/// The state of one session.
#[derive(Debug, Default)]
pub struct StreamManagement {
    /// The server's name for the session, if it can be resumed.
    pub id: Option<String>,
    /// The server has said `<enabled/>`: its stanzas count.
    enabled: bool,
    /// How many stanzas of the server came, modulo 2³².
    received: u32,
    /// How many of ours the server has acknowledged, modulo 2³².
    acknowledged: u32,
    /// Ours behind those, as they went out.
    open: VecDeque<Box<str>>,
    open_bytes: usize,
    /// Sent since the last request for an acknowledgement.
    since_request: usize,
    /// A request is on its way.
    requested: bool,
}

impl StreamManagement {
    /// The server has begun to count, too.
    pub fn enabled(&mut self, id: Option<String>) {
        self.id = id;
        self.enabled = true;
    }

    /// What `<a/>` and `<resume/>` say: how many of the server's stanzas we have.
    pub fn h(&self) -> u32 {
        self.received
    }

    /// A stanza came.
    pub fn received(&mut self) {
        if self.enabled {
            self.received = self.received.wrapping_add(1);
        }
    }

    /// A stanza goes out.
    pub fn sent(&mut self, stanza: &str) -> Result<(), Error> {
        self.open.push_back(stanza.into());
        self.open_bytes += stanza.len();
        self.since_request += 1;
        if self.open.len() > MAX_UNACKNOWLEDGED || self.open_bytes > MAX_UNACKNOWLEDGED_BYTES {
            return Err(Error::QueueFull { stanzas: self.open.len(), bytes: self.open_bytes });
        }
        Ok(())
    }

    /// The server has `h` of ours.
    pub fn acknowledged(&mut self, h: u32) -> Result<(), Error> {
        self.requested = false;
        let new = h.wrapping_sub(self.acknowledged) as usize;
        if new > self.open.len() {
            return Err(Error::Acknowledged { h, before: self.acknowledged, unacknowledged: self.open.len() });
        }
        self.open_bytes -= self.open.drain(..new).map(|stanza| stanza.len()).sum::<usize>();
        self.acknowledged = h;
        Ok(())
    }

    /// Whether it is time to ask for an acknowledgement.
    pub fn wants_acknowledgement(&self) -> bool {
        self.enabled && !self.requested && self.since_request >= ACKNOWLEDGE_EVERY
    }

    /// Whether stanzas have gone out for which no acknowledgement was asked for.
    pub fn has_unasked(&self) -> bool {
        self.enabled && !self.requested && self.since_request > 0
    }

    /// `<r/>` goes out.
    pub fn requested(&mut self) {
        self.requested = true;
        self.since_request = 0;
    }

    /// The session goes on, on another connection; the server has `h` of ours. What it has not is [`Self::open`].
    pub fn resumed(&mut self, h: u32) -> Result<(), Error> {
        self.acknowledged(h)?;
        // All of them go out again.
        self.since_request = self.open.len();
        Ok(())
    }

    /// Ours that are not acknowledged, oldest first.
    pub fn open(&self) -> impl ExactSizeIterator<Item = &str> {
        self.open.iter().map(AsRef::as_ref)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(stanzas: &[&str]) -> StreamManagement {
        let mut sm = StreamManagement::default();
        sm.enabled(Some("s1".into()));
        for stanza in stanzas {
            sm.sent(stanza).expect("within limits");
        }
        sm
    }

    #[test]
    fn exactly_what_is_not_acknowledged_is_sent_again() {
        let mut sm = session(&["<a/>", "<b/>", "<c/>"]);
        sm.acknowledged(1).expect("one of three");
        sm.resumed(2).expect("two of three");
        assert_eq!(sm.open().collect::<Vec<_>>(), ["<c/>"]);
        sm.sent("<d/>").expect("within limits");
        sm.resumed(2).expect("none more");
        assert_eq!(sm.open().collect::<Vec<_>>(), ["<c/>", "<d/>"]);
    }

    #[test]
    fn counters_go_on_behind_their_largest_value() {
        let mut sm = session(&["<a/>", "<b/>"]);
        sm.acknowledged = u32::MAX;
        sm.received = u32::MAX;
        sm.received();
        assert_eq!(sm.h(), 0);
        sm.acknowledged(0).expect("one more, modulo 2^32");
        assert_eq!(sm.open().len(), 1);
    }

    #[test]
    fn an_acknowledgement_of_what_was_never_sent_ends_the_session() {
        let mut sm = session(&["<a/>"]);
        assert!(matches!(sm.acknowledged(2), Err(Error::Acknowledged { h: 2, before: 0, unacknowledged: 1 })));
        sm.acknowledged(1).expect("that one");
        assert!(matches!(sm.acknowledged(0), Err(Error::Acknowledged { .. })), "it cannot be taken back");
    }

    #[test]
    fn the_queue_is_bounded_in_number_and_bytes() {
        let mut sm = session(&[]);
        for _ in 0..MAX_UNACKNOWLEDGED {
            sm.sent("<a/>").expect("within limits");
        }
        assert!(matches!(sm.sent("<a/>"), Err(Error::QueueFull { .. })));
        sm.acknowledged(10).expect("some");
        sm.sent("<a/>").expect("there is room again");
        let mut sm = session(&[]);
        let long = "x".repeat(MAX_UNACKNOWLEDGED_BYTES / 2 + 1);
        sm.sent(&long).expect("within limits");
        assert!(matches!(sm.sent(&long), Err(Error::QueueFull { stanzas: 2, .. })));
    }

    #[test]
    fn stanzas_count_only_once_the_server_counts() {
        let mut sm = StreamManagement::default();
        sm.received();
        assert_eq!(sm.h(), 0);
        sm.enabled(None);
        sm.received();
        assert_eq!(sm.h(), 1);
    }

    #[test]
    fn one_request_for_an_acknowledgement_at_a_time() {
        let mut sm = session(&["<a/>"; 4]);
        assert!(!sm.wants_acknowledgement());
        sm.sent("<a/>").expect("within limits");
        assert!(sm.wants_acknowledgement());
        sm.requested();
        for _ in 0..9 {
            sm.sent("<a/>").expect("within limits");
        }
        assert!(!sm.wants_acknowledgement());
        sm.acknowledged(5).expect("the first five");
        assert!(sm.wants_acknowledgement());
    }
}
