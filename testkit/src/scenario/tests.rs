//! Scenarios of the core, to see that the kit works.

use crate::participant::media::desktop;
use crate::scenario::Scenario;

#[test]
fn two_participants_meet() {
    let mut s = Scenario::new().bridge("jvb1").participant("alice").participant("bob").start();
    s.run_until(Scenario::all_connected);
    s.participant("alice").add_source(desktop());
    s.settle();
    assert_eq!(s.sent_to("bob").jingle("session-initiate").count(), 1);
    s.participant("bob").leave();
    s.finish();
}
