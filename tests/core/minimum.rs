//! How many have to be there before anybody is invited, and that nobody is forgotten then (spec/30 §6.1).

use testkit::Time;
use testkit::ns;
use testkit::participant::Settings;
use testkit::participant::profile::Profile;
use testkit::room::Fate;
use testkit::scenario::Scenario;
use testkit::xml::Read;

use crate::support::*;
use crate::visitors::{answered, one_node};

/// What somebody supports is asked of each, as no two have the same; nobody's answer is lost, and they come when they come.
fn answers_late(s: &mut Scenario, name: &'static str, delay: Time) {
    s.accident(1, Fate::IsLate(delay), move |d| d.from == name && d.stanza.kid("query", ns::DISCO_INFO).is_some());
}

fn with_feature(feature: &'static str) -> impl FnOnce(&mut Settings) {
    move |settings| settings.profile = Profile::current().with(feature)
}

/// The third of three that there have to be is a visitor, and they say what they support in whatever order.
///
/// Covers spec/90: 79.
#[test]
fn all_are_invited_when_a_visitor_makes_them_enough_whoever_is_known_first() {
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let mut s = one_node(2).config(|config| config.conference.min_participants = 3).start();
        for (name, place) in ["alice", "bob", "vera"].into_iter().zip(order) {
            answers_late(&mut s, name, Time::from_secs(2 + 3 * place));
            s.joins_with(name, with_feature(name));
            s.run_for(Time::from_millis(100));
        }
        s.run_for(Time::from_secs(1));
        assert!(s.log().jingle("session-initiate").is_empty());
        s.run_for(Time::from_secs(9));
        let invited = ["alice", "bob", "vera"].map(|name| offers(&s, name));
        assert_eq!((invited, s.all_connected()), ([1; 3], true), "{order:?}: {}", s.story());
        assert_eq!(answered(&s, "vera").0.as_deref(), Some("v0"));
        s.finish();
    }
}

/// Bob was there when there were enough, and nobody knew yet what he supports; when that is known there are too few. He is
/// invited with the next who comes.
#[test]
fn nobody_who_was_there_before_is_forgotten_when_there_are_enough_again() {
    for is_visitor in [false, true] {
        let mut s = one_node(if is_visitor { 2 } else { 9 })
            .config(|config| config.conference.min_participants = 3)
            .participant("alice")
            .start();
        s.run_for(Time::from_millis(100));
        answers_late(&mut s, "carol", Time::from_secs(2));
        s.joins_with("carol", with_feature("carol"));
        s.run_for(Time::from_millis(100));
        answers_late(&mut s, "bob", Time::from_secs(5));
        s.joins_with("bob", with_feature("bob"));
        s.run_until(|s| s.connected(&["alice", "carol"]));
        assert_eq!(answered(&s, "bob").0.is_some(), is_visitor);
        s.participant("carol").leave();
        s.run_for(Time::from_secs(8));
        assert_eq!(offers(&s, "bob"), 0, "two are too few");
        s.joins("dave");
        s.run_until(|s| s.connected(&["alice", "bob", "dave"]));
        assert_eq!(["alice", "bob", "dave"].map(|name| offers(&s, name)), [1; 3]);
        s.finish();
    }
}
