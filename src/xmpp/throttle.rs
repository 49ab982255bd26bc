//! Whether the server takes what we send as fast as it comes (spec/80 §13, rate-limited).
//!
//! A server that limits how much a client may send reads its connection slowly: acknowledgements come late, and ever more waits
//! behind the one that is open. Long ways alone delay them too, but then nothing piles up.

use std::time::Duration;

use tokio::time::Instant;

/// An acknowledgement that takes longer is slow (spec/80 §13).
const SLOW: Duration = Duration::from_secs(1);

/// So many stanzas more than when it was asked for are a queue that grows: several times what is sent between two questions.
const GROWN: usize = 20;

/// After so long without a slow one it is over.
const QUIET: Duration = Duration::from_secs(60);

#[derive(Debug, Default)]
pub struct Throttle {
    /// When the open question went out, and how many stanzas were without acknowledgement then.
    asked: Option<(Instant, usize)>,
    /// When it was slow last, if that was told.
    slow: Option<Instant>,
}

/// What an acknowledgement shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// Nothing new.
    Same,
    /// Slow, for the first time: it took so long, and so many stanzas waited by then.
    Slow(Duration, usize),
    /// Not any more.
    Quiet,
}

impl Throttle {
    /// A question for an acknowledgement goes out, while so many stanzas are open.
    pub fn asked(&mut self, now: Instant, open: usize) {
        self.asked.get_or_insert((now, open));
    }

    /// It is answered; until now so many stanzas were open.
    pub fn answered(&mut self, now: Instant, open: usize) -> Pace {
        let Some((at, before)) = self.asked.take() else { return Pace::Same };
        let took = now - at;
        if took > SLOW && open >= before + GROWN {
            return match self.slow.replace(now) {
                None => Pace::Slow(took, open),
                Some(_) => Pace::Same,
            };
        }
        if self.slow.is_some_and(|slow| now - slow >= QUIET) {
            self.slow = None;
            return Pace::Quiet;
        }
        Pace::Same
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers to questions, each as (asked at, open then, answered at, open by then), in tenths of a second.
    fn paces(answers: &[(u64, usize, u64, usize)]) -> Vec<Pace> {
        let start = Instant::now();
        let at = |tenths: u64| start + Duration::from_millis(tenths * 100);
        let mut throttle = Throttle::default();
        let pace = |&(asked, open, answered, by_then): &(u64, usize, u64, usize)| {
            throttle.asked(at(asked), open);
            throttle.answered(at(answered), by_then)
        };
        answers.iter().map(pace).collect()
    }

    #[test]
    fn a_late_answer_behind_which_much_waits_is_told_once_until_it_is_quiet() {
        let slow = Pace::Slow(Duration::from_millis(1500), 25);
        let answers =
            [(0, 5, 15, 25), (20, 5, 60, 400), (70, 5, 71, 5), (600, 5, 601, 9), (700, 5, 701, 5), (710, 5, 711, 5)];
        assert_eq!(paces(&answers), [slow, Pace::Same, Pace::Same, Pace::Same, Pace::Quiet, Pace::Same]);
        assert_eq!(
            paces(&[(0, 5, 15, 25), (20, 0, 700, 0), (710, 0, 730, 40)])[1..],
            [Pace::Quiet, Pace::Slow(Duration::from_secs(2), 40)]
        );
    }

    #[test]
    fn a_long_way_or_a_burst_alone_is_no_limit() {
        let answers = [(0, 5, 100, 24), (110, 5, 119, 5000), (130, 0, 140, 20), (200, 40, 250, 50)];
        assert_eq!(paces(&answers), [Pace::Same; 4]);
    }
}
