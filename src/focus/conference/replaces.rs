//! Which `transport-replace` a `transport-accept` answers: nothing in it says so (spec/30 §6.5, §9.4).

use super::AttemptId;

/// So many are waited for in one session. Whoever confirms more than that and accepts none has forgotten the first.
const MOST: usize = 8;

/// Those that a client has neither accepted nor rejected yet, in the order in which they went out: a client answers in that order.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Replaces(Vec<Replace>);

#[derive(Debug, Clone, PartialEq)]
struct Replace {
    attempt: AttemptId,
    /// The client has confirmed the request.
    is_heard: bool,
}

impl Replaces {
    pub fn sent(&mut self, attempt: AttemptId) {
        if self.0.len() == MOST {
            self.0.remove(0);
        }
        self.0.push(Replace { attempt, is_heard: false });
    }

    /// The client confirmed the request: it will not hear of an earlier one that it has not confirmed.
    pub fn heard(&mut self, attempt: AttemptId) {
        let Some(index) = self.0.iter().position(|it| it.attempt == attempt) else { return };
        self.0[index].is_heard = true;
        self.0.retain(|it| it.is_heard || it.attempt > attempt);
    }

    /// The client refused the request, or said nothing to it.
    pub fn failed(&mut self, attempt: AttemptId) {
        self.0.retain(|it| it.attempt != attempt);
    }

    /// The client accepted one, or rejected it. Whether that was the last one.
    pub fn answered(&mut self) -> bool {
        if !self.0.is_empty() {
            self.0.remove(0);
        }
        self.0.is_empty()
    }
}
