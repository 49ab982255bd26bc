//! Whether the server is there, and whether it takes what it is sent: by when it was heard, and by what it has answered.
//!
//! Only times; asking is the session's business.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// After that long without a byte from the server we ask whether it is there (spec/70 §10.6).
pub const IDLE: Duration = Duration::from_secs(10);

/// If that is not answered in so much of the time that answers are waited for, the way may be gone: together, and with what is
/// left of that time, soon enough for nobody to be blamed whose answer does not come.
const QUIET: (u32, u32) = (4, 15);

/// With stanzas for which no acknowledgement was asked for it is asked for after so much of that time: without a question it does
/// not show that the server is behind.
const UNASKED: (u32, u32) = (2, 15);

/// What is known of the server.
#[derive(Debug)]
pub struct Liveness {
    reply_timeout: Duration,
    /// When the last byte came.
    heard: Instant,
    /// Since when a question whether anybody is there has been open.
    asked: Option<Instant>,
    /// It took long enough to be told.
    quiet: bool,
    /// When the requests for an acknowledgement went out that it has not answered.
    questions: VecDeque<Instant>,
    /// When the latest went out that it has answered: it has what was sent before that.
    taken: Option<Instant>,
    /// It has left one open for long though it speaks: told, with what it has.
    behind: Option<Option<Instant>>,
    /// Since when there have been stanzas for which none was asked for.
    unasked: Option<Instant>,
}

/// What its silence asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Silence {
    /// To be asked whether it is there, which [`Liveness::asked`] is told.
    Ask,
    /// It does not say: that is told.
    Quiet,
    /// It is given up.
    Gone,
}

/// Whether the server has not taken for long what it was sent, and when that was sent which it has. None: nothing of this session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Behind {
    pub behind: bool,
    pub taken: Option<Instant>,
}

impl Liveness {
    /// It has just been heard.
    pub fn new(now: Instant, reply_timeout: Duration) -> Liveness {
        Liveness {
            reply_timeout,
            heard: now,
            asked: None,
            quiet: false,
            questions: VecDeque::new(),
            taken: None,
            behind: None,
            unasked: None,
        }
    }

    /// When it was heard last.
    pub fn last_heard(&self) -> Instant {
        self.heard
    }

    /// Something came. Whether that ends a silence that was told of.
    pub fn heard(&mut self, now: Instant) -> bool {
        self.heard = now;
        self.asked = None;
        std::mem::take(&mut self.quiet)
    }

    /// A question whether it is there goes out.
    pub fn asked(&mut self, now: Instant) {
        self.asked = Some(now);
    }

    /// A request for an acknowledgement goes out.
    pub fn asked_to_acknowledge(&mut self, now: Instant) {
        self.questions.push_back(now);
        self.unasked = None;
    }

    /// It has answered the oldest one.
    pub fn acknowledged(&mut self) {
        if let Some(asked) = self.questions.pop_front() {
            self.taken = Some(asked);
        }
    }

    /// It does not acknowledge anything in this session.
    pub fn never_acknowledges(&mut self) {
        self.questions.clear();
        self.unasked = None;
    }

    /// How many requests for an acknowledgement it has not answered.
    pub fn questions(&self) -> usize {
        self.questions.len()
    }

    /// Whether there are stanzas for which no acknowledgement was asked for, and it is time to.
    pub fn unasked(&mut self, unasked: bool, now: Instant) -> bool {
        self.unasked = unasked.then(|| self.unasked.unwrap_or(now));
        self.unasked_due().is_some_and(|due| due <= now)
    }

    /// When something is to be done unless something comes or goes before.
    pub fn due(&self) -> Instant {
        let others = [self.behind_due(), self.unasked_due()];
        others.into_iter().flatten().fold(self.silence_due(), Instant::min)
    }

    /// What its silence asks for by now.
    pub fn silence(&mut self, now: Instant) -> Option<Silence> {
        if now < self.silence_due() {
            return None;
        }
        Some(match self.asked {
            None => Silence::Ask,
            Some(_) if self.quiet => Silence::Gone,
            Some(_) => {
                self.quiet = true;
                Silence::Quiet
            }
        })
    }

    /// Whether it is behind, if that is news: that it is, each part that it takes then, and that it is no more.
    pub fn behind(&mut self, now: Instant) -> Option<Behind> {
        let behind = self.late_at().is_some_and(|due| due <= now);
        let told = behind.then_some(self.taken);
        let news = std::mem::replace(&mut self.behind, told) != told;
        news.then_some(Behind { behind, taken: self.taken })
    }

    /// When it counts as behind, or since when. One that says nothing at all is another matter.
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

    /// When it has to have been heard of, or is asked whether it is there.
    fn silence_due(&self) -> Instant {
        match self.asked {
            Some(asked) if !self.quiet => asked + self.reply_timeout * QUIET.0 / QUIET.1,
            // Asked sooner, it is not given up sooner.
            Some(asked) => asked.max(self.heard + IDLE) + self.reply_timeout,
            None => self.heard + IDLE.min(self.reply_timeout * 2 / 3),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMEOUT: Duration = Duration::from_secs(15);

    fn begun() -> (Liveness, impl Fn(u64) -> Instant) {
        let start = Instant::now();
        (Liveness::new(start, TIMEOUT), move |seconds| start + Duration::from_secs(seconds))
    }

    #[test]
    fn a_silent_server_is_asked_then_told_of_then_given_up() {
        let (mut liveness, at) = begun();
        assert_eq!((liveness.due(), liveness.silence(at(9))), (at(10), None));
        assert_eq!(liveness.silence(at(10)), Some(Silence::Ask));
        liveness.asked(at(10));
        assert_eq!((liveness.due(), liveness.silence(at(13))), (at(14), None));
        assert_eq!(liveness.silence(at(14)), Some(Silence::Quiet));
        assert_eq!((liveness.due(), liveness.silence(at(24))), (at(25), None));
        assert_eq!(liveness.silence(at(25)), Some(Silence::Gone));
    }

    #[test]
    fn whatever_comes_ends_the_silence_and_says_so_if_it_was_told_of() {
        let (mut liveness, at) = begun();
        liveness.asked(at(10));
        assert!(!liveness.heard(at(12)), "nobody had been told yet");
        assert_eq!(liveness.due(), at(22));
        liveness.asked(at(22));
        assert_eq!(liveness.silence(at(26)), Some(Silence::Quiet));
        assert!(liveness.heard(at(27)));
        assert!(!liveness.heard(at(28)), "once");
    }

    #[test]
    fn one_that_speaks_and_does_not_acknowledge_is_behind_until_it_does() {
        let (mut liveness, at) = begun();
        let behind = |taken| Some(Behind { behind: true, taken });
        liveness.asked_to_acknowledge(at(1));
        liveness.asked_to_acknowledge(at(3));
        assert_eq!(liveness.behind(at(9)), None, "it is silent, which is another matter");
        liveness.heard(at(4));
        assert_eq!((liveness.due(), liveness.behind(at(4))), (at(5), None));
        assert_eq!(liveness.behind(at(5)), behind(None));
        assert_eq!(liveness.behind(at(6)), None, "told once");
        liveness.acknowledged();
        liveness.heard(at(8));
        assert_eq!(liveness.behind(at(8)), behind(Some(at(1))));
        liveness.acknowledged();
        assert_eq!(liveness.behind(at(9)), Some(Behind { behind: false, taken: Some(at(3)) }));
    }

    #[test]
    fn for_few_stanzas_an_acknowledgement_is_asked_for_later() {
        let (mut liveness, at) = begun();
        assert!(!liveness.unasked(true, at(3)));
        assert!(!liveness.unasked(true, at(4)));
        assert_eq!(liveness.due(), at(5));
        assert!(liveness.unasked(true, at(5)));
        liveness.asked_to_acknowledge(at(5));
        assert!(!liveness.unasked(true, at(6)), "the time is that of what was sent since");
        assert!(!liveness.unasked(false, at(9)));
    }
}
