//! What is wrong around the focus is told once, and once more when it is gone (spec/80 §13).

use jicofo::config::{Config, VisitorNode};
use jicofo::focus::command::Command;
use jicofo::focus::problems::Kind;
use jicofo::focus::{Connection, Input};
use log::Level;
use testkit::Time;
use testkit::logs::{Line, keep_lines, take_lines};
use testkit::ns;
use testkit::scenario::Scenario;
use testkit::xml::Read;

use super::authentication::secured;
use super::support::{FOCUS, ROOM, answer_to, connect, of_conference, to_focus};

/// The ids of the problems that last.
fn lasting(s: &Scenario) -> Vec<&'static str> {
    s.focus().problems().iter().map(|problem| problem.kind.id()).collect()
}

fn told(lines: &[Line], beginning: &str) -> Vec<String> {
    lines.iter().filter(|line| line.message.starts_with(beginning)).map(|line| line.message.clone()).collect()
}

/// Covers spec/80: 40.
#[test]
fn a_brewery_without_bridges_for_a_minute_is_told_with_who_is_there() {
    keep_lines();
    let mut s = Scenario::new().start();
    let brewery = "jvbbrewery@internal.auth.meet.test";
    to_focus(
        &mut s,
        &format!("<presence xmlns='jabber:client' from='{brewery}/impostor' to='focus@auth.meet.test/focus'/>"),
    );
    s.run_for(Time::from_secs(50));
    assert!(lasting(&s).is_empty(), "{:?}", lasting(&s));
    s.run_for(Time::from_secs(300));
    assert_eq!(lasting(&s), ["empty-brewery"]);
    let lines = take_lines();
    let problems = told(&lines, "PROBLEM ");
    assert_eq!(problems.len(), 1, "{problems:#?}");
    assert!(problems[0].starts_with("PROBLEM empty-brewery: ") && problems[0].contains(brewery), "{problems:?}");
    assert!(problems[0].contains("impostor"), "{problems:?}");
    s.add_bridge("jvb1", |_| {});
    s.settle();
    assert!(lasting(&s).is_empty());
    assert_eq!(told(&take_lines(), "SOLVED empty-brewery: ").len(), 1);
}

/// Covers spec/80: 40.
#[test]
fn a_recorder_from_a_domain_that_is_not_trusted_is_a_problem_while_it_is_there() {
    keep_lines();
    let mut s = Scenario::new().bridge("jvb1").participant("alice").participant("bob").start();
    s.run_until(Scenario::all_connected);
    let features =
        format!("<features xmlns='{}'><feature var='http://jitsi.org/protocol/jibri'/></features>", ns::CLIENT);
    for _ in 0..3 {
        s.inject("bob", &format!("<presence to='{ROOM}/bob'>{features}</presence>"));
        s.settle();
    }
    assert_eq!(lasting(&s), ["jibri-untrusted"]);
    let problems = told(&take_lines(), "PROBLEM ");
    assert_eq!(problems.len(), 1, "{problems:#?}");
    assert!(problems[0].contains("xmpp.trusted-domains += \"meet.test\""), "{problems:?}");
    s.participant("bob").leave();
    s.settle();
    assert!(lasting(&s).is_empty());
    assert_eq!(told(&take_lines(), "SOLVED jibri-untrusted (meet.test): ").len(), 1);
}

/// Covers spec/80: 42.
#[test]
fn a_roster_without_the_proxy_is_a_problem_until_the_proxy_may_see_us() {
    keep_lines();
    let mut s = Scenario::new().server(|options| options.no_roster = true).bridge("jvb1").start();
    s.settle();
    assert_eq!(lasting(&s), ["no-subscription"]);
    let problems = told(&take_lines(), "PROBLEM no-subscription: ");
    assert!(problems.len() == 1 && problems[0].contains("focus.meet.test"), "{problems:?}");
    to_focus(
        &mut s,
        "<presence xmlns='jabber:client' type='subscribe' from='focus.meet.test' to='focus@auth.meet.test'/>",
    );
    let answers = s.said().filter(|wire| wire.stanza.get("type") == Some("subscribed"));
    assert_eq!(answers.count(), 1);
    assert!(lasting(&s).is_empty());
    assert_eq!(told(&take_lines(), "SOLVED no-subscription (focus.meet.test): ").len(), 1);
    connect(&mut s, "guest", "guest@meet.test/web");
    assert_eq!(of_conference(&answer_to(&mut s, "guest", ROOM), "ready"), Some("true"));
}

#[test]
fn requests_by_another_way_than_the_configured_one_are_a_problem() {
    keep_lines();
    let mut s = Scenario::new().config(|config| config.xmpp.client.client_proxy = None).bridge("jvb1").start();
    connect(&mut s, "guest", "guest@meet.test/web");
    answer_to(&mut s, "guest", ROOM);
    assert_eq!(lasting(&s), ["proxy-mismatch"]);
    let problems = told(&take_lines(), "PROBLEM proxy-mismatch: ");
    assert!(problems.len() == 1 && problems[0].contains("client-proxy = \"focus.meet.test\""), "{problems:?}");
}

/// Any server may ask as a proxy would. Nobody is advised to believe it.
#[test]
fn what_asks_as_a_proxy_from_elsewhere_is_no_problem() {
    keep_lines();
    let mut s = Scenario::new().bridge("jvb1").start();
    for from in ["evil.test/alice@meet.test/web", "focus.meet.test.evil.test/alice@meet.test/web"] {
        let ask = format!("<conference xmlns='{}' room='{ROOM}'/>", ns::FOCUS);
        s.early(&format!("<iq type='set' id='c' from='{from}' to='{FOCUS}'>{ask}</iq>"));
    }
    s.settle();
    assert!(lasting(&s).is_empty());
    assert!(told(&take_lines(), "PROBLEM ").is_empty());
}

/// The connection tells of it, and when it is over.
#[test]
fn a_limit_of_the_servers_lasts_until_the_connection_says_that_it_is_over() {
    keep_lines();
    let mut s = Scenario::new().bridge("jvb1").start();
    let (on, kind) = (Connection::Client, Kind::RateLimited);
    s.connection_tells(Input::Trouble { on, kind, text: "the server took 3 s; joins are slow".to_owned() });
    assert_eq!(lasting(&s), ["rate-limited"]);
    assert!(s.focus().problems().iter().all(|problem| !problem.is_severe()));
    s.connection_tells(Input::Relief { on, kind });
    assert!(lasting(&s).is_empty());
    assert_eq!(told(&take_lines(), "SOLVED rate-limited (client connection): the server took 3 s").len(), 1);
}

/// What the configuration alone keeps visitors from: told once, and only if they are wanted.
#[test]
fn visitors_that_can_be_sent_nowhere_are_a_problem() {
    fn node(config: &mut Config, domain: Option<&str>) {
        let account = config.xmpp.client.account.clone();
        let (xmpp_domain, conference_service) = (domain.map(str::to_owned), "conference.v0.meet.test".to_owned());
        let node = VisitorNode { account, xmpp_domain, conference_service };
        config.xmpp.visitors.insert("v0".to_owned(), node);
    }
    type Change = fn(&mut Config);
    let cases: [(&str, Change, &str); 4] = [
        ("no node", |_| {}, "but there is no node for visitors; "),
        ("no domain", |config| node(config, None), "jicofo.xmpp.visitors.v0.xmpp-domain is not set; "),
        (
            "rooms elsewhere",
            |config| {
                node(config, Some("v0.meet.test"));
                config.xmpp.client.conference_muc_jid = Some("conference.other.test".to_owned());
            },
            "rooms are at conference.other.test, which is not below meet.test; ",
        ),
        ("all is well", |config| node(config, Some("v0.meet.test")), ""),
    ];
    for (what, change, says) in cases {
        for enabled in [true, false] {
            keep_lines();
            let mut s = Scenario::new()
                .server(|server| server.nodes = vec!["v0".to_owned()])
                .config(|config| {
                    change(config);
                    config.visitors.enabled = enabled;
                })
                .start();
            s.focus_logs_in_anew();
            s.settle();
            // That Prosody does not help is told beside it.
            let mut problems = told(&take_lines(), "PROBLEM visitors-off: ");
            problems.retain(|problem| !problem.contains("names no component visitors"));
            let mut last =
                s.focus().problems().iter().filter(|it| it.kind == Kind::VisitorsOff && !it.subject.is_empty());
            match enabled && !says.is_empty() {
                true => {
                    assert!(problems.len() == 1 && problems[0].contains(says), "{what}: {problems:?}");
                    assert!(last.next().is_some(), "{what}");
                }
                false => {
                    assert_eq!(problems, Vec::<String>::new(), "{what}");
                    assert_eq!(last.next(), None, "{what}");
                }
            }
        }
    }
}

#[test]
fn without_a_brewery_there_is_one_line_that_says_so() {
    keep_lines();
    let mut s = Scenario::new().config(|config| config.bridge.brewery_jid = None).start();
    s.settle();
    s.focus_logs_in_anew();
    s.settle();
    assert_eq!(lasting(&s), ["no-brewery"]);
    assert_eq!(told(&take_lines(), "PROBLEM no-brewery: ").len(), 1);
}

#[test]
fn rooms_without_meeting_id_are_told_once_for_their_domain() {
    keep_lines();
    let mut s = Scenario::new().server(|options| options.no_meeting_id = true).bridge("jvb1").start();
    for (name, room) in [("alice", "east"), ("bob", "west")] {
        s.joins_with(name, |settings| settings.room = format!("{room}@conference.meet.test"));
        s.settle();
    }
    assert_eq!(lasting(&s), ["no-meeting-id"]);
    assert_eq!(told(&take_lines(), "PROBLEM no-meeting-id: ").len(), 1);
}

/// A bridge that is there and of no use is not the same as none.
#[test]
fn bridges_that_are_all_unwell_or_leave_are_a_problem_of_their_own() {
    keep_lines();
    let mut s = Scenario::new().bridge("jvb1").start();
    s.settle();
    s.bridge("jvb1").publish(|stats| stats.graceful_shutdown = true);
    s.settle();
    assert_eq!(lasting(&s), ["bridges-leaving"]);
    s.bridge("jvb1").publish(|stats| stats.graceful_shutdown = false);
    s.settle();
    assert!(lasting(&s).is_empty());
    assert_eq!(told(&take_lines(), "SOLVED bridges-leaving: ").len(), 1);
}

/// The proxy refuses what its own target asks; where there is none, the server refuses.
#[test]
fn a_server_without_the_client_proxy_is_told_until_it_has_one() {
    keep_lines();
    let mut s = Scenario::new().server(|options| options.no_proxy = true).bridge("jvb1").start();
    s.settle();
    s.focus_logs_in_anew();
    s.settle();
    assert_eq!(lasting(&s), ["no-proxy"]);
    let problems = told(&take_lines(), "PROBLEM no-proxy: ");
    assert_eq!(problems.len(), 1, "{problems:#?}");
    assert!(problems[0].contains("`Component \"focus.meet.test\" \"client_proxy\"`"), "{problems:?}");
    assert!(problems[0].contains("focus@auth.meet.test"), "{problems:?}");
    s.server().options.no_proxy = false;
    s.run_for(Time::from_secs(300));
    assert!(lasting(&s).is_empty(), "{:?}", lasting(&s));
    assert_eq!(told(&take_lines(), "SOLVED no-proxy (focus.meet.test): ").len(), 1);
}

#[test]
fn a_component_that_the_server_lacks_is_told_with_what_does_not_work() {
    keep_lines();
    let mut s = Scenario::new().server(|options| options.no_moderation = true).bridge("jvb1").start();
    s.settle();
    s.focus_logs_in_anew();
    s.settle();
    assert_eq!(lasting(&s), ["no-components"]);
    let problems = told(&take_lines(), "PROBLEM no-components: ");
    assert_eq!(problems.len(), 1, "{problems:#?}");
    assert!(problems[0].contains("av_moderation; moderators cannot take the microphones"), "{problems:?}");
    s.server().options.no_moderation = false;
    s.run_for(Time::from_secs(300));
    assert!(lasting(&s).is_empty(), "{:?}", lasting(&s));
    assert_eq!(told(&take_lines(), "SOLVED no-components (av_moderation): ").len(), 1);
}

#[test]
fn without_the_domain_of_users_no_component_is_found() {
    keep_lines();
    let mut s = Scenario::new().config(|config| config.xmpp.client.xmpp_domain = None).bridge("jvb1").start();
    s.settle();
    s.focus_logs_in_anew();
    s.settle();
    assert_eq!(lasting(&s), ["no-components"]);
    let problems = told(&take_lines(), "PROBLEM no-components: ");
    assert!(problems.len() == 1 && problems[0].contains("xmpp-domain is not set"), "{problems:?}");
}

#[test]
fn bridges_that_cannot_be_linked_are_told_where_conferences_use_several() {
    keep_lines();
    let mut s =
        Scenario::new().config(|config| config.octo.enabled = true).bridge("jvb1").relay_bridge("jvb2", "eu").start();
    s.settle();
    assert_eq!(lasting(&s), ["octo-relay"]);
    let problems = told(&take_lines(), "PROBLEM octo-relay: ");
    assert!(problems.len() == 1 && problems[0].contains("1 of the bridges say no relay_id"), "{problems:?}");
    assert!(problems[0].contains("jvb1") && !problems[0].contains("jvb2"), "{problems:?}");
    s.bridge("jvb1").publish(|stats| stats.relay_id = Some("jvb1".into()));
    s.settle();
    assert!(lasting(&s).is_empty(), "{:?}", lasting(&s));
    assert_eq!(told(&take_lines(), "SOLVED octo-relay: ").len(), 1);
}

#[test]
fn bridges_of_two_versions_are_told_where_conferences_use_several() {
    keep_lines();
    let two = |octo: bool, mixed: bool| {
        let config = move |config: &mut jicofo::config::Config| {
            config.octo.enabled = octo;
            config.octo.allow_mixed_versions = mixed;
        };
        let mut s = Scenario::new().config(config).relay_bridge("jvb1", "eu").relay_bridge("jvb2", "eu").start();
        s.bridge("jvb2").publish(|stats| stats.version = "2.3-9".into());
        s.settle();
        s
    };
    assert!(lasting(&two(false, false)).is_empty() && lasting(&two(true, true)).is_empty());
    let mut s = two(true, false);
    assert_eq!(lasting(&s), ["version-mix"]);
    let problems = told(&take_lines(), "PROBLEM version-mix: ");
    assert!(problems.len() == 1 && problems[0].contains("2.3-9"), "{problems:?}");
    s.bridge("jvb1").publish(|stats| stats.version = "2.3-9".into());
    s.settle();
    assert!(lasting(&s).is_empty(), "{:?}", lasting(&s));
    assert_eq!(told(&take_lines(), "SOLVED version-mix: ").len(), 1);
}

#[test]
fn a_pin_to_a_version_that_no_bridge_has_is_told_until_it_ends() {
    keep_lines();
    let mut s = Scenario::new().bridge("jvb1").start();
    s.settle();
    for (version, minutes) in [("2.3-7", 60), ("2.3-8", 1)] {
        let room = format!("{version}@conference.meet.test").parse().expect("a room");
        let duration = Time::from_secs(60 * minutes);
        s.command(Command::Pin { room, version: version.into(), duration });
    }
    assert_eq!(lasting(&s), ["version-mix", "version-mix"]);
    s.run_for(Time::from_secs(70));
    s.bridge("jvb1").publish(|stats| stats.stress = 0.2);
    s.settle();
    assert_eq!(lasting(&s), ["version-mix"]);
    s.command(Command::Unpin { room: "2.3-7@conference.meet.test".parse().expect("a room") });
    assert!(lasting(&s).is_empty(), "{:?}", lasting(&s));
    let lines = take_lines();
    assert_eq!(told(&lines, "PROBLEM version-mix: ").len(), 2);
    for version in ["2.3-7", "2.3-8"] {
        assert_eq!(told(&lines, &format!("SOLVED version-mix ({version}): ")).len(), 1, "{version}");
    }
}

#[test]
fn a_login_domain_of_which_nobody_is_is_told_without_a_word_of_the_guests() {
    keep_lines();
    let mut s = Scenario::new().config(secured).bridge("jvb1").start();
    for guest in 0..12 {
        let label = format!("g{guest}");
        connect(&mut s, &label, &format!("{label}@guest.meet.test/web"));
        answer_to(&mut s, &label, ROOM);
        assert_eq!(lasting(&s).is_empty(), guest < 9, "after {} guests", guest + 1);
    }
    assert_eq!(lasting(&s), ["auth-domain"]);
    let problems = told(&take_lines(), "PROBLEM auth-domain: ");
    assert!(problems.len() == 1 && problems[0].contains("10 users have asked"), "{problems:?}");
    assert!(
        problems[0].contains("none of them was of meet.test, ")
            && problems[0].contains("guests wait for the first host")
    );
    assert!(!problems[0].contains("guest.meet.test"), "whoever wrote that as login-url would make every guest a host");
    connect(&mut s, "host", "host@meet.test/web");
    answer_to(&mut s, "host", ROOM);
    assert!(lasting(&s).is_empty(), "{:?}", lasting(&s));
    assert_eq!(told(&take_lines(), "SOLVED auth-domain: ").len(), 1);
}

/// A few guests who ask every five seconds are a secure domain that works, and of other servers' users nobody is ever a host.
#[test]
fn guests_who_wait_for_the_first_host_are_no_problem_of_the_login_domain() {
    let mut s = Scenario::new().config(secured).bridge("jvb1").start();
    for guest in 0..3 {
        connect(&mut s, &format!("g{guest}"), &format!("g{guest}@guest.meet.test/web"));
    }
    for _ in 0..20 {
        for guest in 0..3 {
            answer_to(&mut s, &format!("g{guest}"), ROOM);
        }
        s.run_for(Time::from_secs(5));
    }
    let child = format!("<conference xmlns='{}' room='{ROOM}' machine-uid='m'/>", ns::FOCUS);
    for number in 0..40 {
        let from = format!("u{number}@foreign.test/r");
        s.early(&format!("<iq type='set' id='f' from='{from}' to='{FOCUS}'>{child}</iq>"));
    }
    assert!(lasting(&s).is_empty(), "{:?}", lasting(&s));
}

#[test]
fn rooms_that_hide_who_is_in_them_are_told_once_for_their_domain() {
    keep_lines();
    let mut s = Scenario::new().bridge("jvb1").participant("alice").start();
    s.settle();
    let shown = |name: &str, jid: &str| {
        format!(
            "<presence xmlns='jabber:client' from='{ROOM}/{name}' to='focus@auth.meet.test/focus'><x xmlns='{}'>\
             <item affiliation='none' role='participant' {jid}/></x></presence>",
            ns::MUC_USER
        )
    };
    for name in ["one", "two"] {
        to_focus(&mut s, &shown(name, ""));
    }
    assert_eq!(lasting(&s), ["anonymous-room"]);
    let problems = told(&take_lines(), "PROBLEM anonymous-room: ");
    assert!(problems.len() == 1 && problems[0].contains("conference.meet.test"), "{problems:?}");
    to_focus(&mut s, &shown("one", "jid='one@meet.test/web'"));
    assert!(lasting(&s).is_empty(), "{:?}", lasting(&s));
    assert_eq!(told(&take_lines(), "SOLVED anonymous-room (conference.meet.test): ").len(), 1);
}

/// Anybody can ask for a room of a domain that there is not: that takes no place from what people have to mend.
#[test]
fn rooms_of_made_up_domains_are_few_problems_for_a_while_and_none_of_them_is_severe() {
    keep_lines();
    let mut s = Scenario::new().bridge("jvb1").start();
    for n in 0..20 {
        let label = format!("g{n:02}");
        connect(&mut s, &label, &format!("{label}@guest.meet.test/r"));
        answer_to(&mut s, &label, &format!("room@made-up-{n:02}.test"));
    }
    let kept: Vec<&str> = s.focus().problems().iter().map(|problem| problem.subject.as_str()).collect();
    let expected: Vec<String> = (12..20).map(|n| format!("made-up-{n}.test")).collect();
    assert_eq!(kept, expected, "the latest");
    assert!(s.focus().problems().iter().all(|problem| problem.kind.id() == "no-muc" && !problem.is_severe()));
    let lines = take_lines();
    assert!(lines.iter().filter(|line| line.message.starts_with("PROBLEM ")).all(|line| line.level == Level::Warn));
    assert_eq!(told(&lines, "PROBLEM no-muc: ").len(), 20);
    s.run_for(Time::from_secs(3660));
    assert!(lasting(&s).is_empty(), "{:?}", lasting(&s));
}
