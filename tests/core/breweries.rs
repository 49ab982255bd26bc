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

/// Prosody's module that invites Jigasis takes every other occupant for one (spec/50 §1.1).
#[test]
fn the_nick_in_breweries_is_focus_whatever_the_account_is_called() {
    let mut s = Scenario::new()
        .bridge("jvb1")
        .config(|config| {
            config.xmpp.client.account.username = "bob".into();
            config.jigasi.brewery_jid = Some("jigasibrewery@internal.auth.meet.test".parse().expect("valid"));
        })
        .start();
    s.run_for(seconds(1));
    for brewery in [BREWERY, "jigasibrewery@internal.auth.meet.test"] {
        let to: Vec<_> =
            joins(&s, brewery).iter().filter_map(|wire| wire.stanza.get("to").map(str::to_owned)).collect();
        assert_eq!(to, [format!("{brewery}/focus")]);
    }
    assert_eq!(bridges(&s), 1);
}

/// Covers spec/70: 38; spec/90: 44.
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

/// It was to be tried again when the process was asked to stop: that is over.
#[test]
fn a_focus_that_stops_enters_no_brewery_again() {
    let mut s = Scenario::new().bridge("jvb1").start();
    s.server().options.brewery_refuses_focus = Some(("forbidden".into(), "not here".into()));
    s.focus_is_replaced();
    s.run_for(seconds(20));
    s.server().options.brewery_refuses_focus = None;
    let before = joins(&s, BREWERY).count();
    s.stop_focus();
    s.run_for(seconds(60));
    assert_eq!(joins(&s, BREWERY).count(), before);
    assert!(s.server().rooms().values().all(|room| !room.occupants.contains_key("focus")));
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
        testkit::scenario::add_service(config);
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

/// Whoever was shown to us before we came (again) is in the room only if it is shown once more.
#[test]
fn who_was_seen_in_an_earlier_stay_is_no_bridge() {
    let mut s = Scenario::new().bridge("jvb1").start();
    let of_brewery = |d: &testkit::room::Delivery| {
        let presence = d.to == "focus" && d.from != "server" && d.stanza.name() == "presence";
        presence && d.stanza.get("from").is_some_and(|it| it.starts_with(BREWERY))
    };
    s.accident(10, Fate::IsLost, of_brewery);
    s.focus_is_replaced();
    let says = |s: &mut Scenario, nick: &str, kind: &str, child: &str| {
        let xml = format!(
            "<presence from='{BREWERY}/{nick}' to='{FOCUS}'{kind}>{child}<x xmlns='{}'><item affiliation='owner' \
             role='moderator'/>{}</x></presence>",
            ns::MUC_USER,
            if nick == "focus" { "<status code='110'/>" } else { "" }
        );
        let now = s.now();
        s.server().send(now, "focus", testkit::xml::parse(&xml).expect("well-formed XML"));
    };
    let stats = format!("<stats xmlns='{}'><stat name='stress_level' value='0.1'/></stats>", ns::COLIBRI);
    let calm = |s: &mut Scenario| s.run_for(Time::from_millis(5));
    // Lost so far: the room's answer to our join. Now it comes, of two stays.
    s.run_for(Time::from_millis(100));
    assert_eq!(bridges(&s), 0);
    for (nick, kind) in [("ghost", ""), ("jvb1", ""), ("focus", " type='unavailable'"), ("jvb1", ""), ("focus", "")] {
        says(&mut s, nick, kind, if nick == "focus" { "" } else { &stats });
    }
    calm(&mut s);
    s.run_for(Time::from_millis(500));
    assert_eq!(bridges(&s), 1, "{:?}", s.focus().bridges());
    assert_eq!(s.focus().bridges()[0].jid.resource(), Some("jvb1"));
}

const JIBRIS: &str = "jibribrewery@internal.auth.meet.test";
const SIP_JIBRIS: &str = "sipbrewery@internal.auth.meet.test";
const JIGASIS: &str = "jigasibrewery@internal.auth.meet.test";

/// Recorders on the client's connection, gateways on that of the bridges.
fn all_breweries() -> Builder {
    with_service(jicofo::config::ConnectionName::Service).config(|config| {
        config.jibri.brewery_jid = JIBRIS.parse().ok();
        config.recording.sip_brewery_jid = SIP_JIBRIS.parse().ok();
        config.jigasi.brewery_jid = JIGASIS.parse().ok();
        config.jigasi.xmpp_connection_name = jicofo::config::ConnectionName::Service;
    })
}

/// An instance enters a brewery.
fn instance(s: &mut Scenario, brewery: &str, nick: &str) {
    s.server().connect(nick, &format!("{nick}@auth.meet.test/1"), true);
    s.inject(nick, &format!("<presence to='{brewery}/{nick}'><x xmlns='{}'/></presence>", ns::MUC));
    s.run_for(Time::from_millis(20));
}

fn jibri_is(s: &mut Scenario, brewery: &str, nick: &str, busy: &str, health: &str) {
    s.inject(
        nick,
        &format!(
            "<presence to='{brewery}/{nick}'><jibri-status xmlns='http://jitsi.org/protocol/jibri'>\
             <busy-status status='{busy}'/><health-status xmlns='http://jitsi.org/protocol/health' status='{health}'/>\
             </jibri-status></presence>"
        ),
    );
    s.run_for(Time::from_millis(20));
}

fn jigasi_is(s: &mut Scenario, nick: &str, stats: &[(&str, &str)]) {
    let stats: String = stats.iter().map(|(name, value)| format!("<stat name='{name}' value='{value}'/>")).collect();
    s.inject(
        nick,
        &format!("<presence to='{JIGASIS}/{nick}'><stats xmlns='{}'>{stats}</stats></presence>", ns::COLIBRI),
    );
    s.run_for(Time::from_millis(20));
}

/// Jibris and those that are free; SIP Jibris likewise; Jigasis that call, those of them that go, those that transcribe.
fn instances(s: &Scenario) -> [usize; 7] {
    let it = s.focus().gauges().instances;
    [
        it.jibris,
        it.jibris_available,
        it.sip_jibris,
        it.sip_jibris_available,
        it.sip_gateways,
        it.sip_gateways_in_shutdown,
        it.transcribers,
    ]
}

/// The breweries of recorders and gateways are kept as that of the bridges is, each on its connection; what their occupants say
/// is known.
#[test]
fn recorders_and_gateways_are_known_by_what_they_say_in_their_breweries() {
    let mut s = meet(all_breweries());
    for (room, resource) in [(JIBRIS, "focus"), (SIP_JIBRIS, "focus"), (JIGASIS, "service"), (BREWERY, "service")] {
        let of_us = s.sent_to("focus").presence().filter(|wire| {
            wire.stanza.get("from") == Some(&*format!("{room}/focus"))
                && wire.stanza.get("to") == Some(&*format!("focus@auth.meet.test/{resource}"))
        });
        assert_eq!((joins(&s, room).count(), of_us.is_empty()), (1, false), "{room}");
    }
    assert_eq!(instances(&s), [0; 7]);
    for (brewery, nick) in [(JIBRIS, "j1"), (JIBRIS, "j2"), (SIP_JIBRIS, "sip"), (JIGASIS, "g1"), (JIGASIS, "g2")] {
        instance(&mut s, brewery, nick);
    }
    assert_eq!(instances(&s), [0; 7], "they have said nothing of themselves");
    jibri_is(&mut s, JIBRIS, "j1", "idle", "healthy");
    jibri_is(&mut s, JIBRIS, "j2", "BUSY", "Healthy");
    jibri_is(&mut s, SIP_JIBRIS, "sip", "idle", "unhealthy");
    jigasi_is(&mut s, "g1", &[("supports_sip", "true"), ("participants", "9"), ("region", "eu")]);
    jigasi_is(&mut s, "g2", &[("supports_sip", "TRUE"), ("supports_transcription", "true")]);
    assert_eq!(instances(&s), [2, 1, 1, 0, 2, 0, 1]);
    jibri_is(&mut s, JIBRIS, "j2", "idle", "healthy");
    jibri_is(&mut s, SIP_JIBRIS, "sip", "idle", "healthy");
    jigasi_is(&mut s, "g2", &[("supports_sip", "true"), ("graceful_shutdown", "true")]);
    assert_eq!(instances(&s), [2, 2, 1, 1, 2, 1, 0]);
    // Neither what says nothing of it nor the words of a room's bridge change anything.
    s.inject("j1", &format!("<presence to='{JIBRIS}/j1'/>"));
    jibri_is(&mut s, JIBRIS, "j1", "expired", "healthy");
    assert_eq!(instances(&s), [2, 1, 1, 1, 2, 1, 0]);
    s.inject("j1", &format!("<presence type='unavailable' to='{JIBRIS}/j1'/>"));
    s.run_for(Time::from_millis(20));
    assert_eq!(instances(&s), [1, 1, 1, 1, 2, 1, 0]);
    assert_eq!((bridges(&s), moves(&s, "alice")), (2, 0));
    // Nobody has a conference there.
    for room in [JIBRIS, SIP_JIBRIS, JIGASIS] {
        connect(&mut s, "mallory", "mallory@meet.test/1");
        let answer = answer_to(&mut s, "mallory", room);
        assert_eq!(error(&answer).0, "not-allowed", "{room}");
    }
    s.finish();
}

/// Each comes and goes with its own room and connection.
#[test]
fn a_brewery_that_is_lost_takes_its_own_instances_and_no_others() {
    let mut s = meet(all_breweries());
    for (brewery, nick) in [(JIBRIS, "j1"), (SIP_JIBRIS, "sip"), (JIGASIS, "g1")] {
        instance(&mut s, brewery, nick);
    }
    jibri_is(&mut s, JIBRIS, "j1", "idle", "healthy");
    jibri_is(&mut s, SIP_JIBRIS, "sip", "idle", "healthy");
    jigasi_is(&mut s, "g1", &[("supports_sip", "true")]);
    assert_eq!(instances(&s), [1, 1, 1, 1, 1, 0, 0]);
    // A short loss of its connection is none.
    s.service_is_cut_off();
    s.run_for(seconds(5));
    s.service_resumes();
    s.run_for(seconds(1));
    assert_eq!((instances(&s), bridges(&s)), ([1, 1, 1, 1, 1, 0, 0], 2));
    // A session that is lost: who is seen again was never away.
    s.service_is_cut_off();
    s.service_logs_in_anew();
    s.run_for(seconds(1));
    assert_eq!((instances(&s), bridges(&s), moves(&s, "alice")), ([1, 1, 1, 1, 1, 0, 0], 2, 0));
    assert_eq!((joins(&s, JIGASIS).count(), joins(&s, JIBRIS).count()), (2, 1));
    // Away for too long: those of that connection are gone until it is back.
    s.service_is_cut_off();
    s.run_for(seconds(16));
    assert_eq!((instances(&s), bridges(&s)), ([1, 1, 1, 1, 0, 0, 0], 0));
    s.service_logs_in_anew();
    s.run_for(seconds(1));
    assert_eq!((instances(&s), bridges(&s)), ([1, 1, 1, 1, 1, 0, 0], 2));
    // A room that is no more is entered again, and made anew, after a while.
    let now = s.now();
    s.server().destroy(now, JIBRIS, "maintenance");
    s.run_for(seconds(1));
    assert_eq!(instances(&s), [0, 0, 1, 1, 1, 0, 0]);
    let problems: Vec<String> = s.focus().problems().iter().map(|problem| problem.text.clone()).collect();
    assert!(problems.iter().any(|it| it.contains("the Jibri brewery") && it.contains("jicofo.jibri.brewery-jid")));
    s.run_for(seconds(15));
    instance(&mut s, JIBRIS, "j1");
    jibri_is(&mut s, JIBRIS, "j1", "idle", "healthy");
    assert_eq!(instances(&s), [1, 1, 1, 1, 1, 0, 0]);
    assert!(s.focus().problems().iter().all(|problem| !problem.text.contains("the Jibri brewery")));
    s.run_until(Scenario::all_connected);
    // What was said while the connection was down is lost, and what is said to a room that is no more comes to nothing.
    ["jvb1", "jvb2"].iter().for_each(|name| _ = s.bridge(name).take_errors());
    s.server().take_violations();
    s.finish();
}

/// It is told that it is to let go once more, as what it was told on its way may be lost; nothing is created there before.
#[test]
fn a_bridge_that_comes_back_before_it_has_let_go_is_told_again() {
    let mut s = meet(Scenario::new().bridge("jvb1"));
    let before = count(&s, "jvb1");
    // What the focus says to it in that moment is lost, and it goes on as if nothing had been.
    s.accident(1, Fate::IsLost, |d| d.to == "jvb1" && d.stanza.name() == "iq");
    for kind in [" type='unavailable'", ""] {
        let xml = format!(
            "<presence from='{BREWERY}/jvb1' to='{FOCUS}'{kind}><stats xmlns='{}'><stat name='stress_level' \
             value='0.1'/></stats></presence>",
            ns::COLIBRI
        );
        reaches_focus(&mut s, &xml);
    }
    s.run_for(seconds(2));
    assert_eq!(asked_since(&s, "jvb1", before)[..2], ["expire", "expire"]);
    s.run_until(Scenario::all_connected);
    assert_eq!(s.bridge("jvb1").take_errors().len(), 0, "nothing was there twice");
    s.settle();
    s.finish();
}

/// Two in one room would put each other out of it, and all bridges with them.
#[test]
fn a_room_that_is_configured_twice_is_entered_once() {
    let twice = |config: &mut jicofo::config::Config| config.jigasi.brewery_jid = config.bridge.brewery_jid.clone();
    let mut s = Scenario::new().bridge("jvb1").config(twice).participant("alice").participant("bob").start();
    s.run_until(Scenario::all_connected);
    s.run_for(seconds(60));
    assert_eq!((joins(&s, BREWERY).count(), bridges(&s)), (1, 1));
    assert!(s.connected(&["alice", "bob"]));
    s.finish();
}

/// Recorders and gateways are told apart from a place that is lost like bridges, though nothing is asked of them.
#[test]
fn a_place_among_recorders_or_gateways_that_was_lost_silently_is_taken_again() {
    let mut s = meet(all_breweries());
    instance(&mut s, JIBRIS, "jibri1");
    jibri_is(&mut s, JIBRIS, "jibri1", "idle", "healthy");
    instance(&mut s, JIGASIS, "jigasi1");
    jigasi_is(&mut s, "jigasi1", &[("supports_sip", "true")]);
    let before = instances(&s);
    for room in [JIBRIS, JIGASIS] {
        s.server().forgets(room, "focus");
    }
    // One more comes, of which we are not told.
    instance(&mut s, JIBRIS, "jibri2");
    jibri_is(&mut s, JIBRIS, "jibri2", "idle", "healthy");
    assert_eq!(instances(&s), before);
    s.run_for(seconds(50));
    let entered = [JIBRIS, SIP_JIBRIS, JIGASIS, BREWERY].map(|room| joins(&s, room).count());
    assert_eq!(entered, [2, 1, 2, 1]);
    assert_eq!((instances(&s)[0], instances(&s)[4]), (2, 1));
    s.run_for(seconds(200));
    assert_eq!(joins(&s, JIBRIS).count(), 2);
}
