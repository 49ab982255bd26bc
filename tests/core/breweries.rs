//! The bridges' room: where it is entered, and what becomes of it.

use testkit::Time;
use testkit::ns;
use testkit::room::Fate;
use testkit::scenario::{Builder, Scenario};
use testkit::wire_log::Query;
use testkit::xml::{Read, error_in};

use crate::bridges_support::*;
use crate::support::*;

fn bridges(s: &Scenario) -> usize {
    s.focus().gauges().bridges
}

/// What the brewery and its bridges send to one of the focus' connections.
fn from_brewery<'a>(s: &'a Scenario, resource: &str) -> Query<'a> {
    let heard =
        s.sent_to("focus").filter(|wire| wire.stanza.get("to") == Some(&*format!("focus@auth.meet.test/{resource}")));
    heard.filter(|wire| wire.stanza.get("from").is_some_and(|from| from.starts_with(BREWERY)))
}

/// A focus that has just come and is refused, so often as it asks.
fn refused(builder: Builder, condition: &str) -> Scenario {
    let mut s = builder.server(|options| options.brewery_refuses_focus = None).start();
    s.server().options.brewery_refuses_focus = Some((condition.into(), "not here".into()));
    s.focus_is_replaced();
    s
}

/// Covers spec/70: 38.
#[test]
fn a_brewery_that_refuses_us_is_asked_again_until_it_does_not() {
    let mut s = refused(Scenario::new().bridge("jvb1"), "not-allowed");
    let start = s.now();
    s.run_for(seconds(50));
    let asked: Vec<u64> = joins(&s, BREWERY).since(start).times().iter().map(|at| (*at - start).as_secs()).collect();
    assert_eq!((asked, bridges(&s)), (vec![0, 15, 30, 45], 0));
    s.joins("alice");
    s.joins("bob");
    s.run_for(seconds(1));
    assert_eq!(bridge_not_available(&s, "alice").last(), Some(&true));
    s.server().options.brewery_refuses_focus = None;
    s.server().take_violations();
    s.run_for(seconds(15));
    assert_eq!((bridges(&s), joins(&s, BREWERY).since(start).count()), (1, 5));
    s.run_until(Scenario::all_connected);
    s.run_for(seconds(60));
    assert_eq!(joins(&s, BREWERY).since(start).count(), 5);
    s.finish();
}

/// A loss of the connection in the middle of the tries leaves one chain of them.
#[test]
fn the_tries_go_on_with_the_next_login() {
    let mut s = refused(Scenario::new().bridge("jvb1"), "forbidden");
    s.run_for(seconds(20));
    s.focus_is_cut_off();
    s.run_for(seconds(40));
    let before = joins(&s, BREWERY).count();
    s.server().options.brewery_refuses_focus = None;
    s.focus_logs_in_anew();
    s.run_for(seconds(60));
    assert_eq!((joins(&s, BREWERY).count() - before, bridges(&s)), (1, 1));
    s.server().take_violations();
    s.finish();
}

/// The room need not be there, nor any bridge.
#[test]
fn the_focus_makes_the_brewery_if_it_comes_first() {
    let mut s = Scenario::new().start();
    assert_eq!((bridges(&s), s.server().room(BREWERY).is_some()), (0, true));
    s.add_bridge("jvb1", |_| {});
    s.run_for(seconds(1));
    assert_eq!(bridges(&s), 1);
    s.finish();
}

/// What a bridge made is the bridge's: being in it is enough.
#[test]
fn a_brewery_of_somebody_else_is_as_good() {
    let mut s = Scenario::new().bridge("jvb1").start();
    s.accident(2, Fate::IsAnError, |d| {
        d.to == "focus" && d.stanza.name() == "iq" && d.stanza.get("from") == Some(BREWERY)
    });
    s.focus_is_replaced();
    let start = s.now();
    s.run_for(seconds(60));
    let errors = s.sent_to("focus").since(start).filter(|wire| error_in(&wire.stanza).is_some());
    let errors = errors.filter(|wire| wire.stanza.get("from") == Some(BREWERY));
    assert_eq!((errors.count(), bridges(&s)), (2, 1));
    assert_eq!((joins(&s, BREWERY).since(start).count(), leaves(&s, BREWERY).since(start).count()), (1, 0));
    s.finish();
}

/// Whatever ends our stay, it begins anew.
#[test]
fn a_brewery_that_is_destroyed_or_puts_us_out_is_entered_again() {
    let ends: [fn(&mut Scenario); 3] = [
        |s| {
            let now = s.now();
            s.server().destroy(now, BREWERY, "maintenance");
        },
        |s| {
            let now = s.now();
            s.server().put_out(now, BREWERY, "focus", &["307"]);
        },
        |s| {
            let now = s.now();
            s.server().put_out(now, BREWERY, "focus", &["301"]);
        },
    ];
    for (number, end) in ends.into_iter().enumerate() {
        let mut s = meet(Scenario::new().bridge("jvb1"));
        let start = s.now();
        end(&mut s);
        s.run_for(Time::from_millis(100));
        assert_eq!((bridges(&s), moves(&s, "alice"), joins(&s, BREWERY).since(start).count()), (0, 1, 0), "{number}");
        if number == 0 {
            // Its bridges enter it again by themselves.
            s.dies("jvb1");
            s.run_for(seconds(3));
            s.returns("jvb1");
        }
        s.run_for(seconds(16));
        assert_eq!((bridges(&s), joins(&s, BREWERY).since(start).count()), (1, 1), "{number}");
        s.run_until(Scenario::all_connected);
        s.run_for(seconds(60));
        assert_eq!((moves(&s, "alice"), joins(&s, BREWERY).since(start).count()), (1, 1), "{number}");
        s.bridge("jvb1").take_errors();
        s.server().take_violations();
        s.finish();
    }
}

fn with_service(name: jicofo::config::ConnectionName) -> Builder {
    two_bridges().config(move |config| {
        let mut account = config.xmpp.client.account.clone();
        account.resource = "service".into();
        config.xmpp.service = Some(account);
        config.bridge.xmpp_connection_name = name;
    })
}

/// Covers spec/70: 37.
#[test]
fn bridges_are_asked_on_the_connection_that_is_in_their_brewery() {
    use jicofo::config::ConnectionName::{Client, Service};
    for (name, own, other) in [(Client, "focus", "service"), (Service, "service", "focus")] {
        let mut s = meet(with_service(name));
        s.run_for(seconds(30));
        let heard = from_brewery(&s, own);
        assert!(!heard.clone().presence().is_empty(), "{own} is in it");
        let answers = heard.results();
        let checks = checks(&s, "jvb1").len() + checks(&s, "jvb2").len();
        assert!(checks > 0 && answers.clone().containing("conference-modified").count() > 0);
        // The form and its confirmation, too.
        assert_eq!(answers.count(), checks + count(&s, "jvb1") + count(&s, "jvb2") + 2);
        assert!(from_brewery(&s, other).is_empty(), "{}", from_brewery(&s, other).first());
        s.finish();
    }
    // Without a connection of its own, on the client's.
    let s = meet(two_bridges().config(|config| config.bridge.xmpp_connection_name = Service));
    assert!(from_brewery(&s, "focus").containing("conference-modified").count() > 0);
}

/// Presences of the brewery that tell nothing of a bridge: of another focus, of who has no statistics, of who left before.
#[test]
fn not_every_occupant_is_a_bridge() {
    let mut s = Scenario::new().bridge("jvb1").start();
    s.server().connect("other", "other@auth.meet.test/1", true);
    s.inject("other", &format!("<presence to='{BREWERY}/other'><x xmlns='{}'/></presence>", ns::MUC));
    s.run_for(Time::from_millis(100));
    assert_eq!(bridges(&s), 1);
    let gone = format!("<presence type='unavailable' from='{BREWERY}/never' to='{FOCUS}'/>");
    reaches_focus(&mut s, &gone);
    assert_eq!((bridges(&s), s.focus().metrics().lost_bridges), (1, 0));
    s.finish();
}
