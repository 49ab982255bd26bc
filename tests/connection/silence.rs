//! Servers that say nothing, are slow to take what they are sent, or tell the time by another clock.

use std::time::Duration;

use jicofo::focus::problems::Kind;
use jicofo::xmpp::Event;
use tokio::time::{Instant, sleep, timeout};

use crate::focus::{Focus, message};
use crate::server::{BIND, BIND_ONLY, DOMAIN};

/// Covers spec/70: 39.
#[tokio::test(start_paused = true)]
async fn a_dead_path_is_noticed_within_the_reply_timeout() {
    for (offer, question) in [(BIND, "<r xmlns="), (BIND_ONLY, "urn:xmpp:ping")] {
        let (mut focus, mut server, _) = Focus::connected_to(offer).await;
        let quiet = Instant::now();
        server.until(question).await;
        assert_eq!(quiet.elapsed().as_secs(), 10, "{question}");
        assert!(matches!(focus.event().await, Event::Quiet { quiet: true }));
        assert_eq!(quiet.elapsed().as_secs(), 14, "before anything that was asked on it runs out");
        assert!(matches!(focus.event().await, Event::Disconnected { .. }));
        assert_eq!(quiet.elapsed().as_secs(), 25, "{question}");
    }
}

/// Any byte will do.
#[tokio::test(start_paused = true)]
async fn a_server_that_was_slow_to_say_that_it_is_there_is_heard_again() {
    let (mut focus, mut server, _) = Focus::connected_to(BIND).await;
    for _ in 0..2 {
        let heard = Instant::now();
        server.until("<r xmlns=").await;
        assert!(matches!(focus.event().await, Event::Quiet { quiet: true }));
        assert_eq!(heard.elapsed().as_secs(), 14);
        tokio::time::advance(Duration::from_secs(5)).await;
        server.send("<a xmlns='urn:xmpp:sm:3' h='0'/>").await;
        assert!(matches!(focus.event().await, Event::Quiet { quiet: false }));
    }
}

/// It speaks all the time, and is slow to take what it is sent: that is told, and how far it has got.
#[tokio::test(start_paused = true)]
async fn a_server_that_speaks_and_takes_nothing_is_behind_until_it_has_taken_what_it_was_sent() {
    let (mut focus, mut server, session) = Focus::connected_to(BIND).await;
    let begin = Instant::now();
    let mut told = Vec::new();
    for second in 1..=40 {
        // A few, behind which an acknowledgement is asked for after a while only.
        if [1, 4, 30].contains(&second) {
            focus.send(session, message(&second.to_string()));
        }
        sleep(Duration::from_secs(1)).await;
        server.send("<message id='others'/>").await;
        match second {
            18 => server.send("<a xmlns='urn:xmpp:sm:3' h='1'/>").await,
            // The next question is soon answered.
            21 => server.send("<a xmlns='urn:xmpp:sm:3' h='2'/>").await,
            _ => {}
        }
        sleep(Duration::from_millis(1)).await;
        while let Ok((_, event)) = focus.events.try_recv() {
            match event {
                Event::Behind { behind, taken } => {
                    told.push((begin.elapsed().as_secs(), behind, taken.map(|taken| (taken - begin).as_secs())));
                }
                Event::Stanza { .. } => {}
                other => panic!("{other:?}"),
            }
        }
    }
    assert_eq!(told, [(6, true, None), (18, false, Some(2)), (35, true, Some(20))]);
}

/// What the core says to what was read with an acknowledgement goes before the next question: the answer to that is about it, too.
#[tokio::test(start_paused = true)]
async fn an_acknowledgement_is_asked_for_behind_all_that_is_to_be_sent() {
    let (mut focus, mut server, session) = Focus::connected_to(BIND).await;
    // One is asked for behind five; and the next at once when that is answered.
    for number in 1..=5 {
        focus.send(session, message(&format!("before-{number}")));
    }
    server.until("<r xmlns=").await;
    for number in 6..=10 {
        focus.send(session, message(&format!("before-{number}")));
    }
    server.until("before-10").await;
    server.send("<a xmlns='urn:xmpp:sm:3' h='5'/><message id='go'/>").await;
    assert_eq!(focus.message().await, "go");
    focus.send(session, message("answer"));
    let sent = server.until("<r xmlns=").await;
    assert!(sent.contains("'answer'"), "{sent}");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_answers_is_asked_every_ten_seconds_and_the_core_sees_nothing_of_it() {
    let (mut focus, mut server, _) = Focus::connected_to(BIND_ONLY).await;
    let quiet = Instant::now();
    for turn in 1..=3 {
        let ping = server.until("</iq>").await;
        assert!(ping.contains(&format!("connection-{turn}")), "{ping}");
        assert_eq!(quiet.elapsed().as_secs(), 10 * turn);
        server.send(&format!("<iq type='result' id='connection-{turn}' from='{DOMAIN}'/>")).await;
    }
    server.send("<message id='m1'/>").await;
    assert_eq!(focus.message().await, "m1");
}

/// A server that tells the time by another clock is told of, and when it is right again; one that does not tell is let be.
#[tokio::test(start_paused = true)]
async fn a_clock_that_is_not_the_servers_is_a_problem_until_it_is() {
    let (mut focus, mut server, _) = Focus::connected_to(BIND_ONLY).await;
    let said = |ahead: i64| {
        let time = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(ahead);
        format!(
            "<iq type='result' id='connection-time' from='{DOMAIN}'><time xmlns='urn:xmpp:time'><tzo>+02:00</tzo><utc>{}</utc>\
             </time></iq>",
            time.strftime("%Y-%m-%dT%H:%M:%SZ")
        )
    };
    let begin = Instant::now();
    server.quiet_until("<time").await;
    assert_eq!(begin.elapsed().as_secs(), 60, "the login has other things to do");
    // Anybody can write this.
    let forged = said(-7200).replace(&format!("from='{DOMAIN}'"), "from='mallory@meet.example.com/x'");
    server.send(&forged).await;
    server.send("<message id='m'/>").await;
    assert_eq!(focus.message().await, "m");
    server.send(&said(7200)).await;
    match focus.events.recv().await {
        Some((_, Event::Trouble { kind: Kind::Clock, text })) => {
            let says = "the clock of auth.meet.example.com (the client connection) is 7";
            assert!(text.starts_with(says) && text.contains(" s ahead of this machine's; certificates"), "{text}");
        }
        other => panic!("expected a problem, got {other:?}"),
    }
    for (ahead, over) in [(-7200, false), (-30, true), (30, false)] {
        server.quiet_until("<time").await;
        server.send(&said(ahead)).await;
        server.send("<message id='m'/>").await;
        if over {
            let relief = focus.events.recv().await;
            assert!(matches!(relief, Some((_, Event::Relief { kind: Kind::Clock }))), "{relief:?}");
        }
        assert_eq!(focus.message().await, "m", "nothing else is told of {ahead} s");
    }
    server.quiet_until("<time").await;
    server.send(&format!("<iq type='error' id='connection-time' from='{DOMAIN}'><error type='cancel'/></iq>")).await;
    let asked = timeout(Duration::from_secs(7200), server.quiet_until("<time")).await;
    assert!(asked.is_err(), "a server that does not tell the time is asked no more");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_takes_less_than_is_sent_is_told_of_once_and_when_it_is_over() {
    let (mut focus, mut server, session) = Focus::connected_to(BIND).await;
    let acknowledge = |h: usize| format!("<a xmlns='urn:xmpp:sm:3' h='{h}'/>");
    let send = |focus: &Focus, ids: std::ops::Range<usize>| {
        ids.for_each(|id| focus.send(session, message(&id.to_string())));
    };
    send(&focus, 0..5);
    server.until("<r ").await;
    send(&focus, 5..45);
    server.until("'44'").await;
    sleep(Duration::from_millis(1500)).await;
    server.send(&acknowledge(45)).await;
    let Some((_, Event::Trouble { kind, text })) = focus.events.recv().await else { panic!("nothing is told") };
    assert_eq!(kind.id(), "rate-limited");
    for part in ["took 1.5 s", "45 stanzas waited", "unlimited_jids = { \"focus@auth.meet.example.com\" }"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    // Slow once more: it is the same problem.
    server.until("<r ").await;
    send(&focus, 45..90);
    server.until("'89'").await;
    sleep(Duration::from_millis(3000)).await;
    server.send(&acknowledge(90)).await;
    let slow = Instant::now();
    // It is asked whether it is there, and answers at once.
    let event = loop {
        tokio::select! {
            biased;
            event = focus.events.recv() => break event,
            _ = server.until("<r ") => server.send(&acknowledge(90)).await,
        }
    };
    assert!(matches!(event, Some((_, Event::Relief { kind: relieved })) if relieved == kind), "{event:?}");
    assert!(slow.elapsed() >= Duration::from_secs(60), "{:?}", slow.elapsed());
}
