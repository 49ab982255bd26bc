//! What a session carries, and how it comes back.

use std::time::Duration;

use jicofo::xmpp::{Event, MAX_WAITING};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::{Instant, sleep, timeout};

use crate::focus::{Focus, message};
use crate::memory::BREAKS;
use crate::server::{BIND, ENABLED, bound, stream_error};

#[tokio::test(start_paused = true)]
async fn all_that_is_sent_in_one_turn_is_one_write() {
    let (focus, mut server, session) = Focus::connected_to(BIND).await;
    for id in ["a", "b", "c"] {
        focus.send(session, message(id));
    }
    let segment = server.segment().await;
    assert!(segment.contains("'a'") && segment.contains("'c'"), "{segment}");
}

#[tokio::test(start_paused = true)]
async fn a_stanza_that_cannot_be_read_is_counted_and_answered_and_the_stream_lives() {
    let (mut focus, mut server, _) = Focus::connected_to(BIND).await;
    // No child, a wrong attribute, XML that is none, too deep: all of them stanzas to the server.
    server.send("<iq type='set' id='q1' from='a@b/c' to='d@e/f'/>").await;
    let answer = server.until("</iq>").await;
    for part in ["type='error'", "id='q1'", "to='a@b/c'", "bad-request", "modify", "without a child"] {
        assert!(answer.contains(part), "{part}: {answer}");
    }
    server.send("<message from='@'/><presence x:y='z'/>").await;
    let deep = format!("<iq type='get' id='q2' from='a@b/c'>{}{}</iq>", "<x>".repeat(70), "</x>".repeat(70));
    server.send(&deep).await;
    assert!(server.until("</iq>").await.contains("q2"));
    server.send("<message id='m1'/><r xmlns='urn:xmpp:sm:3'/>").await;
    assert_eq!(focus.message().await, "m1");
    let acknowledgement = server.until("/>").await;
    assert!(acknowledgement.contains("<a ") && acknowledgement.contains("h='5'"), "{acknowledgement}");
}

#[tokio::test(start_paused = true)]
async fn bytes_that_are_no_stream_end_it_and_the_session_is_resumed() {
    let (mut focus, mut server, _) = Focus::connected_to(BIND).await;
    server.send("<!DOCTYPE x>").await;
    assert!(matches!(focus.event().await, Event::Disconnected { resumable: true }));
    let mut server = focus.accept().await;
    server.log_in(BIND).await;
    server.until("<resume").await;
    // They stand in a stanza that the server sends again: it would be so for ever.
    server.send("<resumed xmlns='urn:xmpp:sm:3' previd='s1' h='0'/><!DOCTYPE x>").await;
    assert!(matches!(focus.event().await, Event::Connected { resumed: true, .. }));
    assert!(matches!(focus.event().await, Event::Disconnected { resumable: false }));
    let mut server = focus.accept().await;
    server.log_in(BIND).await;
    let bind = server.until("<enable").await;
    assert!(bind.contains("<bind") && !bind.contains("<resume"), "{bind}");
}

#[tokio::test(start_paused = true)]
async fn a_session_is_resumed_and_exactly_what_did_not_arrive_is_sent_again() {
    let (mut focus, mut server, session) = Focus::connected_to(BIND).await;
    for id in ["a", "b", "c"] {
        focus.send(session, message(id));
    }
    server.until("'c'").await;
    server.send("<message id='m1'/><a xmlns='urn:xmpp:sm:3' h='1'/>").await;
    assert_eq!(focus.message().await, "m1");
    drop(server);
    assert!(matches!(focus.event().await, Event::Disconnected { resumable: true }));
    focus.send(session, message("d"));

    let mut server = focus.accept().await;
    server.log_in(BIND).await;
    let resume = server.until("/>").await;
    assert!(resume.contains("<resume") && resume.contains("previd='s1'") && resume.contains("h='1'"), "{resume}");
    server.send("<resumed xmlns='urn:xmpp:sm:3' previd='s1' h='2'/><message id='m2'/>").await;
    assert!(matches!(focus.event().await, Event::Connected { resumed: true, session: s, .. } if s == session));
    assert_eq!(focus.message().await, "m2");
    let sent = server.until("'d'").await;
    assert!(sent.contains("'c'") && !sent.contains("'b'"), "{sent}");
}

/// The kernel asks an address that is silent after 1, 3, 7, 15 s: a way that is back at 8 s would be found at 15, when all is given
/// up that waits for it.
#[tokio::test(start_paused = true)]
async fn a_way_that_was_gone_for_a_while_is_taken_soon_after_it_is_back() {
    // Whose queue is full with one connection that nobody accepts: then it is silent to others.
    let mut focus = Focus::on(TcpSocket::new_v4().expect("a socket"), 0);
    let (server, _) = focus.log_in(BIND).await;
    let _in_the_way = TcpStream::connect(("127.0.0.1", focus.port)).await.expect("the queue has one place");
    drop(server);
    assert!(matches!(focus.event().await, Event::Disconnected { resumable: true }));
    let lost = Instant::now();
    sleep(Duration::from_secs(8)).await;
    drop(focus.accept().await);
    let mut server = focus.accept().await;
    assert!(lost.elapsed() <= Duration::from_secs(12), "{:?}", lost.elapsed());
    server.log_in(BIND).await;
    server.until("<resume").await;
}

/// Covers spec/70: 33.
#[tokio::test(start_paused = true)]
async fn nothing_of_a_session_that_the_server_has_forgotten_reaches_the_next_one() {
    let (mut focus, mut server, session) = Focus::connected_to(BIND).await;
    focus.send(session, message("old-sent"));
    server.until("old-sent").await;
    drop(server);
    assert!(matches!(focus.event().await, Event::Disconnected { resumable: true }));
    focus.send(session, message("old-waiting"));

    let mut server = focus.accept().await;
    server.log_in(BIND).await;
    server.until("<resume").await;
    let gone = "<item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>";
    server.send(&format!("<failed xmlns='urn:xmpp:sm:3'>{gone}</failed>")).await;
    server.until("<enable").await;
    server.send(&bound()).await;
    server.send(ENABLED).await;
    let next = focus.connected().await;
    assert_ne!(next, session);
    // The core had not yet heard of it when it sent this.
    focus.send(session, message("old-late"));
    focus.send(next, message("new"));
    let sent = server.until("new").await;
    assert!(!sent.contains("old-"), "{sent}");
    assert_eq!(focus.handle().dropped(), 2);
}

/// Covers spec/70: 35.
#[tokio::test(start_paused = true)]
async fn an_end_in_words_is_not_resumed() {
    for end in ["</stream:stream>".to_owned(), stream_error("system-shutdown")] {
        let (mut focus, mut server, _) = Focus::connected_to(BIND).await;
        server.send(&end).await;
        assert!(matches!(focus.event().await, Event::Disconnected { resumable: false }), "{end}");
        // It comes back, anew.
        let mut server = focus.accept().await;
        server.log_in(BIND).await;
        assert!(server.until("/>").await.contains("<enable"));
    }
}

/// Two that take the session from each other in turn would end each other's conferences for ever.
///
/// Covers spec/70: 34.
#[tokio::test(start_paused = true)]
async fn a_session_that_another_focus_takes_is_taken_back_three_times() {
    let (mut focus, mut server, _) = Focus::connected_to(BIND).await;
    for taken_back in 0..=3 {
        server.send(&stream_error("conflict")).await;
        let lost = Instant::now();
        assert!(matches!(focus.event().await, Event::Disconnected { resumable: false }));
        let Some((_, Event::Trouble { kind, text })) = focus.events.recv().await else { panic!("nothing is told") };
        assert_eq!(kind.id(), "two-focuses");
        assert!(text.contains("Another process logs in as focus@auth.meet.example.com"), "{text}");
        assert_eq!(text.contains("until it is restarted"), taken_back == 3, "{text}");
        if taken_back == 3 {
            break;
        }
        server = focus.accept().await;
        assert!(lost.elapsed() >= Duration::from_secs(30));
        server.log_in(BIND).await;
        server.until("<enable").await;
        server.send(&bound()).await;
        server.send(ENABLED).await;
        focus.connected().await;
    }
    let lines = focus.lines();
    assert_eq!(lines.iter().filter(|line| line.contains("PROBLEM two-focuses: ")).count(), 4, "{lines:#?}");
    let again = timeout(Duration::from_secs(3600), focus.accept()).await;
    assert!(again.is_err(), "it leaves the other in peace");
    focus.take_handle().stop().await;

    // A server that goes away is another matter: it is tried until it is back. As long as this is bound nobody else is
    // given its port meanwhile; that both reuse it lets the server listen there.
    let kept = TcpSocket::new_v4().expect("a socket");
    kept.set_reuseaddr(true).expect("it is not bound yet");
    kept.bind("127.0.0.1:0".parse().expect("an address")).expect("a free port");
    let address = kept.local_addr().expect("it is bound");
    let mut focus = Focus::served_by(TcpListener::bind(address).await.expect("it is kept for this"));
    let (mut server, _) = focus.log_in(BIND).await;
    server.send(&stream_error("system-shutdown")).await;
    assert!(matches!(focus.event().await, Event::Disconnected { resumable: false }));
    drop(server);
    focus.listener = None;
    tokio::time::advance(Duration::from_secs(120)).await;
    focus.listener = Some(TcpListener::bind(address).await.expect("it is kept for this"));
    focus.accept().await.log_in(BIND).await;
}

#[tokio::test(start_paused = true)]
async fn a_queue_that_overflows_costs_the_session_and_nothing_is_lost_silently() {
    let (mut focus, server, session) = Focus::connected_to(BIND).await;
    drop(server);
    assert!(matches!(focus.event().await, Event::Disconnected { resumable: true }));
    for _ in 0..=MAX_WAITING {
        focus.send(session, message("x"));
    }
    assert_eq!(focus.handle().waiting(), MAX_WAITING);
    let mut server = focus.accept().await;
    server.log_in(BIND).await;
    let asked = server.until("/>").await;
    assert!(asked.contains("<enable") && !asked.contains("<resume"), "{asked}");
    server.send(&bound()).await;
    assert_ne!(focus.connected().await, session);
    assert_eq!(focus.handle().waiting(), 0);
}

/// A failure of ours is that of one connection, and the core hears of it.
#[tokio::test(start_paused = true)]
async fn a_connection_whose_task_fails_is_lost_and_made_anew() {
    let (mut focus, mut server, session) = Focus::connected_to(BIND).await;
    for _ in 0..2 {
        server.send(&format!("<message id='{BREAKS}'/>")).await;
        assert!(matches!(focus.event().await, Event::Disconnected { resumable: false }));
        focus.send(session, message("old"));
        server = focus.accept().await;
        server.log_in(BIND).await;
        let asked = server.until("/>").await;
        assert!(asked.contains("<enable") && !asked.contains("<resume"), "{asked}");
        server.send(&bound()).await;
        server.send(ENABLED).await;
        let next = focus.connected().await;
        focus.send(next, message("new"));
        let sent = server.until("'new'").await;
        assert!(!sent.contains("old"), "{sent}");
    }
    let stopping = tokio::spawn(focus.take_handle().stop());
    server.until("</stream:stream>").await;
    server.send("</stream:stream>").await;
    stopping.await.expect("it stops");
}

#[tokio::test(start_paused = true)]
async fn the_time_from_a_stanza_to_its_answer_is_measured() {
    let (mut focus, mut server, session) = Focus::connected_to(BIND).await;
    server.send("<message id='m1'/>").await;
    let Event::Stanza { read_at, .. } = focus.event().await else { panic!("a stanza came") };
    tokio::time::advance(Duration::from_millis(3)).await;
    focus.handle().send(session, message("answer"), Some(read_at));
    server.until("answer").await;
    server.send("<message id='m2'/>").await;
    focus.message().await;
    assert_eq!(focus.latency.count(), 1);
    assert!((3000..4000).contains(&focus.latency.quantile(0.5).as_micros()), "{}", focus.latency);
}
