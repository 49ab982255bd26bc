//! Invitations, offers and sessions.

use testkit::scenario::Scenario;

#[test]
fn two_people_meet_and_part() {
    let mut s = Scenario::new().bridge("jvb1").participant("alice").participant("bob").start();
    s.run_until(Scenario::all_connected);
    s.participant("bob").leave();
    s.finish();
}
