//! Connections against a server that follows a script: what they send, what they refuse, what they say about it, and how
//! they come back. Time is virtual; it stands still while anybody has something to do.

use std::cell::RefCell;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use jicofo::config::{Account, Component, Secret};
use jicofo::focus::Connection;
use jicofo::focus::problems::Kind;
use jicofo::measure::Histogram;
use jicofo::wire::Jid;
use jicofo::wire::stanza::{Iq, IqBody, Message, Payload, Ping, Stanza};
use jicofo::wire::values::StanzaId;
use jicofo::wire::xml::read_str;
use jicofo::xmpp::{Event, Handle, MAX_WAITING, PACKETS, SessionId, Settings, Trust, spawn};
use sasl::common::Password;
use sasl::common::scram::{ScramProvider, Sha1, Sha256};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

const DOMAIN: &str = "auth.meet.example.com";
const PLAIN: &str = "<mechanism>PLAIN</mechanism>";
const SCRAM: &str = "<mechanism>SCRAM-SHA-1</mechanism>";
const STARTTLS: &str = "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>";
const BIND: &str = "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/><sm xmlns='urn:xmpp:sm:3'/>";
const BIND_ONLY: &str = "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>";
const JID: &str = "focus@auth.meet.example.com/focus";

// ---------------------------------------------------------------------------------------------------- logging in

#[tokio::test(start_paused = true)]
async fn logs_in_by_scram_when_both_sides_know_the_password() {
    for name in ["SCRAM-SHA-1", "SCRAM-SHA-256"] {
        let mut focus = Focus::start(&account("pencil")).await;
        let mut server = focus.accept().await;
        server.offer(&format!("<mechanism>PLAIN</mechanism><mechanism>{name}</mechanism>"), "").await;
        match name {
            "SCRAM-SHA-1" => server.scram::<Sha1>("pencil", 4096).await,
            _ => server.scram::<Sha256>("pencil", 4096).await,
        };
        server.bind(BIND).await;
        assert!(matches!(focus.event().await, Event::Connected { jid, resumed: false, .. } if jid.as_str() == JID));
    }
}

/// Covers spec/90: 117.
#[tokio::test(start_paused = true)]
async fn a_server_that_does_not_know_the_password_is_refused() {
    let focus = Focus::start(&account("pencil")).await;
    let mut server = focus.accept().await;
    server.offer(SCRAM, "").await;
    server.scram::<Sha1>("another password", 4096).await;
    let line = focus.logged().await;
    assert!(line.contains("did not prove that it knows the password"), "{line}");
    assert!(!line.contains("pencil"), "{line}");
}

#[tokio::test(start_paused = true)]
async fn a_success_without_any_challenge_is_refused() {
    let focus = Focus::start(&account("pencil")).await;
    let mut server = focus.accept().await;
    server.offer(SCRAM, "").await;
    server.until("</auth>").await;
    server.send("<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>").await;
    assert!(focus.logged().await.contains("did not prove"));
}

#[tokio::test(start_paused = true)]
async fn the_password_itself_is_not_sent_without_tls() {
    let focus = Focus::start(&account("pencil")).await;
    let mut server = focus.accept().await;
    server.offer(PLAIN, "").await;
    let line = focus.logged().await;
    assert!(line.contains("no way to log in that both sides accept; the server offers: PLAIN"), "{line}");
    assert!(!server.rest().await.contains("<auth"));
}

#[tokio::test(start_paused = true)]
async fn the_password_is_sent_without_tls_where_that_is_configured() {
    let mut focus = Focus::start(&unencrypted()).await;
    let mut server = focus.accept().await;
    server.offer(PLAIN, "").await;
    let auth = server.until("</auth>").await;
    assert!(auth.contains("mechanism='PLAIN'"), "{auth}");
    assert!(auth.contains(&BASE64.encode("\0focus\0pencil")), "{auth}");
    server.send("<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>").await;
    server.bind(BIND).await;
    focus.connected().await;
}

#[tokio::test(start_paused = true)]
async fn without_a_password_the_login_is_anonymous() {
    let mut focus = Focus::start(&Account { password: None, ..unencrypted() }).await;
    let mut server = focus.accept().await;
    server.offer("<mechanism>ANONYMOUS</mechanism>", "").await;
    assert!(server.until("ANONYMOUS").await.contains("<auth"));
    server.send("<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>").await;
    server.bind(BIND).await;
    focus.connected().await;
}

#[tokio::test(start_paused = true)]
async fn a_huge_number_of_iterations_is_refused_at_once() {
    let focus = Focus::start(&account("pencil")).await;
    let mut server = focus.accept().await;
    server.offer(SCRAM, "").await;
    let nonce = server.scram_first().await.1;
    server.challenge(&format!("r={nonce}x,s=QSXCR+Q6sek8bf92,i=4294967295")).await;
    assert!(focus.logged().await.contains("4294967295 iterations"));
}

#[tokio::test(start_paused = true)]
async fn bytes_behind_proceed_are_refused() {
    let focus = Focus::start(&account("pencil")).await;
    let mut server = focus.accept().await;
    server.offer(SCRAM, STARTTLS).await;
    server.until("<starttls").await;
    server.send("<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/><message/>").await;
    let line = focus.logged().await;
    assert!(line.contains("before the encryption had begun"), "{line}");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_requires_tls_is_told_apart_when_there_shall_be_none() {
    let focus = Focus::start(&unencrypted()).await;
    let mut server = focus.accept().await;
    server.offer(SCRAM, "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls>").await;
    let line = focus.logged().await;
    assert!(line.contains("requires TLS. Remove jicofo.xmpp.client.use-tls = false"), "{line}");
}

/// Covers spec/10: 53.
#[tokio::test(start_paused = true)]
async fn what_the_predecessor_is_sent_before_the_bind_is_not_for_this_session() {
    let mut focus = Focus::start(&unencrypted()).await;
    let mut server = focus.accept().await;
    server.log_in(BIND).await;
    server.until("<enable").await;
    server.send("<presence from='jvbbrewery@internal.auth.meet.example.com/focus' type='unavailable'/>").await;
    server.send(&bound()).await;
    server.send("<message id='m1'/>").await;
    focus.connected().await;
    assert_eq!(focus.message().await, "m1");
}

// ---------------------------------------------------------------------------------------------------- certificates

#[tokio::test(start_paused = true)]
async fn a_self_signed_certificate_of_an_authority_is_believed_if_it_is_in_the_store() {
    for file in ["self-signed-ca", "xmpp-names-only"] {
        let mut focus = Focus::trusting(&account("pencil"), Trust::Certificates(vec![certificate(file)])).await;
        let mut server = focus.accept().await.start_tls(file).await;
        server.offer(PLAIN, "").await;
        server.until("</auth>").await;
        server.send("<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>").await;
        server.bind(BIND).await;
        focus.connected().await;
    }
}

/// Covers spec/70: 26.
#[tokio::test(start_paused = true)]
async fn a_certificate_is_refused_with_which_what_and_how_to_mend_it() {
    let other = Account { domain: "auth.other.com".into(), ..account("pencil") };
    let store = |files: &[&str]| Trust::Certificates(files.iter().map(|file| certificate(file)).collect());
    let table = [
        (account("pencil"), store(&[]), "self-signed-ca", "is untrusted", "update-ca-certificates"),
        (account("pencil"), store(&["expired"]), "self-signed-ca", "is untrusted", "update-ca-certificates"),
        (account("pencil"), store(&["expired"]), "expired", "is expired", "valid 2020-01-01 00:00 UTC to 2021-01-01"),
        (
            other.clone(),
            store(&["self-signed-ca"]),
            "self-signed-ca",
            "(wrong name)",
            "Check jicofo.xmpp.client.domain",
        ),
        (other, store(&["xmpp-names-only"]), "xmpp-names-only", "(wrong name)", "names: auth.meet.example.com"),
    ];
    for (account, trust, file, problem, remedy) in table {
        let focus = Focus::trusting(&account, trust).await;
        let mut server = focus.accept().await;
        server.offer(SCRAM, STARTTLS).await;
        server.refused_tls(file).await;
        let line = focus.logged().await;
        assert!(line.contains(problem) && line.contains(remedy) && line.contains("SHA-256 "), "{file}: {line}");
    }
}

#[tokio::test(start_paused = true)]
async fn any_certificate_is_believed_where_that_is_configured() {
    let focus = Focus::trusting(&account("pencil"), Trust::Everybody).await;
    let mut server = focus.accept().await.start_tls("expired").await;
    server.offer(SCRAM, "").await;
    server.until("</auth>").await;
}

// ---------------------------------------------------------------------------------------------------- explanations

#[tokio::test(start_paused = true)]
async fn each_failure_is_one_line_that_says_what_to_do() {
    const FAILURE: &str =
        "<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><not-authorized/><text>No.</text></failure>";
    let error = |condition: &str| {
        format!(
            "<stream:error><{condition} xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>"
        )
    };
    let header = |more: &str| format!("{}{more}", header());
    let table = [
        ("wrong password", header(&features(SCRAM)) + FAILURE, "prosodyctl register focus auth.meet.example.com"),
        ("unknown domain", header(&error("host-unknown")), "is no VirtualHost of the server"),
        ("another focus", header(&error("conflict")), "Another process logs in as focus@auth.meet.example.com"),
        ("HTTP", "HTTP/1.1 400 Bad Request\r\n".into(), "not that of HTTP or BOSH"),
        ("silent", String::new(), "no answer within 30 s while waiting for the stream's header. Does an XMPP server"),
        ("silent later", header(""), "no answer within 30 s while waiting for the stream's features"),
        ("shutting down", header(&error("system-shutdown")), "system-shutdown. It is restarting"),
    ];
    for (what, says, explanation) in table {
        let focus = Focus::start(&account("pencil")).await;
        let mut server = focus.accept().await;
        server.send(&says).await;
        let line = focus.logged().await;
        assert!(line.contains(explanation), "{what}: {line}");
        assert!(line.contains("The client connection as focus@auth.meet.example.com to 127.0.0.1:"), "{what}: {line}");
        assert!(line.contains("Attempts go on every"), "{what}: {line}");
    }
}

/// A server that is not fully up ends streams with `invalid-namespace`, or says nothing more: wherever the login is by then, the
/// attempt is over soon, and another one comes.
///
/// Covers spec/90: 42.
#[tokio::test(start_paused = true)]
async fn reconnection_goes_on_after_a_stream_error_at_any_point_of_the_login() {
    const MINUTE: Duration = Duration::from_secs(60);
    let mut focus = Focus::start(&unencrypted()).await;
    for at in ["the header", "the features", "the password", "the bind", "silence"] {
        let attempt = timeout(MINUTE, focus.accept()).await;
        let mut server = attempt.unwrap_or_else(|_| panic!("no attempt comes that could fail at {at}"));
        match at {
            "the header" | "silence" => {
                server.until("version='1.0'>").await;
                server.send(&header()).await;
            }
            "the features" => {
                server.offer(PLAIN, "").await;
                server.until("</auth>").await;
            }
            "the password" => {
                server.offer(PLAIN, "").await;
                server.until("</auth>").await;
                server.send("<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>").await;
                server.until("version='1.0'>").await;
                server.send(&header()).await;
            }
            _ => {
                server.log_in(BIND).await;
                server.until("<enable").await;
            }
        }
        if at != "silence" {
            server.send(&stream_error("invalid-namespace")).await;
        }
        assert!(timeout(MINUTE, server.rest()).await.is_ok(), "the attempt that failed at {at} is never given up");
    }
    let login = timeout(MINUTE, focus.log_in(BIND)).await;
    assert!(login.is_ok(), "no attempt comes when the server is up");
    let lines = focus.lines();
    let told = |text: &str| lines.iter().filter(|line| line.contains(text)).count();
    assert_eq!(
        (told("the server ended the stream: invalid-namespace"), told("no answer within 30 s")),
        (1, 1),
        "{lines:#?}"
    );
}

/// Covers spec/90: 28.
#[tokio::test(start_paused = true)]
async fn a_closed_port_is_told_once_and_tried_for_ever() {
    // Bound, so that nobody else gets the port; whoever connects to it is refused as long as nobody listens.
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind("127.0.0.1:0".parse().expect("an address")).expect("a free port");
    let port = socket.local_addr().expect("it is bound").port();
    let mut focus = Focus::at(Settings::Client(Account { port, ..account("pencil") }, Trust::Everybody), port);
    let line = focus.logged().await;
    assert!(line.contains("Connection refused") && line.contains("Is the XMPP server running?"), "{line}");
    // A minute of attempts later the server is there.
    tokio::time::advance(Duration::from_secs(60)).await;
    focus.listener = Some(socket.listen(8).expect("it listens"));
    focus.accept().await;
    let lines = focus.lines();
    assert_eq!(lines.len(), 1, "{lines:?}");
}

#[tokio::test(start_paused = true)]
async fn a_name_that_does_not_resolve_is_told_apart() {
    let account = Account { hostname: "no-such-host.invalid".into(), port: 5999, ..account("pencil") };
    let focus = Focus::at(Settings::Client(account, Trust::Everybody), 5999);
    let line = focus.logged().await;
    assert!(line.contains("does not resolve") && line.contains("Check jicofo.xmpp.client.hostname"), "{line}");
}

// ---------------------------------------------------------------------------------------------------- the session

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

/// What the log of packets shows, with every way to log in and every stanza that bears a secret.
#[tokio::test(start_paused = true)]
async fn no_secret_is_in_the_log_of_packets() {
    // The first logger is the only one, and whoever keeps secrets brings one, too.
    log_to_memory();
    let secrets = [
        "s3ss-1d",
        "t0k3n-1",
        "r00m-p4ss",
        "f0rm-s3cret",
        "p4ss-h3ader",
        "b34rer-x",
        "ic3-pwd",
        "js0n-t0ken",
        "l0bby-p4ss",
    ];
    secrets.into_iter().for_each(testkit::logs::keep_secret);
    for name in ["SCRAM-SHA-1", "SCRAM-SHA-256"] {
        let mut focus = Focus::start(&account("pencil")).await;
        let mut server = focus.accept().await;
        server.offer(&format!("<mechanism>{name}</mechanism>"), "").await;
        match name {
            "SCRAM-SHA-1" => server.scram::<Sha1>("pencil", 4096).await,
            _ => server.scram::<Sha256>("pencil", 4096).await,
        }
        server.bind(BIND).await;
        focus.connected().await;
    }
    let digest = "aaee83c26aeeafcbabeabfcbcd50df997e0a2a1e";
    testkit::logs::keep_secret(digest);
    let mut component = Focus::component("test").await;
    let mut server = component.accept().await;
    server.until("to='focus.meet.example.com'>").await;
    server.send(&component_header("3BF96D32")).await;
    server.until(digest).await;
    server.send("<handshake/>").await;
    component.connected().await;

    let (mut focus, mut server, session) = Focus::connected_to(BIND).await;
    let both = [
        "<iq xmlns='jabber:client' type='set' id='q1' to='x@y'><conference xmlns='http://jitsi.org/protocol/focus' room='r@x' \
         session-id='s3ss-1d' token='t0k3n-1' machine-uid='m'><property name='authToken' value='t0k3n-1'/></conference></iq>",
        "<iq xmlns='jabber:client' type='set' id='q2' to='x@y'><query xmlns='http://jabber.org/protocol/muc#owner'><x \
         xmlns='jabber:x:data' type='submit'><field var='muc#roomconfig_roomsecret'><value>f0rm-s3cret</value></field></x></query></iq>",
        "<iq xmlns='jabber:client' type='set' id='q3' to='x@y'><dial xmlns='urn:xmpp:rayo:1' to='1' from='2'><header \
         name='JvbRoomPassword' value='p4ss-h3ader'/></dial></iq>",
        "<iq xmlns='jabber:client' type='set' id='q4' to='x@y'><connects xmlns='x'><http-header name='Authorization' \
         value='Bearer b34rer-x'/></connects></iq>",
        "<iq xmlns='jabber:client' type='set' id='q5' to='x@y'><transport xmlns='urn:xmpp:jingle:transports:ice-udp:1' \
         ufrag='u' pwd='ic3-pwd'/></iq>",
    ];
    for stanza in both {
        server.send(&stanza.replace(" xmlns='jabber:client'", "").replace("to='x@y'", "from='x@y'")).await;
        match focus.event().await {
            Event::Stanza { .. } => {}
            other => panic!("expected the stanza, got {other:?}"),
        }
        focus.send(session, read_str::<Iq>(stanza).expect("an IQ").into());
        server.until("</iq>").await;
    }
    for (stanza, id) in [
        (
            "<presence from='r@x/a' id='p1'><x xmlns='http://jabber.org/protocol/muc'><password>r00m-p4ss</password></x></presence>\
             <message id='m1'/>",
            "m1",
        ),
        (
            "<message id='m2'><json-message xmlns='http://jitsi.org/jitmeet'>{\"type\":\"x\",\"accessToken\":\"js0n-t0ken\"}\
             </json-message></message>",
            "m2",
        ),
        ("<message id='m3'><lobbyroom xmlns='x' password='l0bby-p4ss'>l</lobbyroom></message>", "m3"),
    ] {
        server.send(stanza).await;
        loop {
            if let Event::Stanza { stanza: Stanza::Message(message), .. } = focus.event().await {
                assert_eq!(message.id.as_deref(), Some(id));
                break;
            }
        }
    }
    let log = PACKET_LINES.with_borrow(|lines| lines.join("\n"));
    // It is the right log, and it is on.
    for shown in [
        "RCV PKT (client): <iq",
        "SENT PKT (client): <iq",
        "session-id='…'",
        "JvbRoomPassword",
        "<password>…</password>",
    ] {
        assert!(log.contains(shown), "{shown} is not in {log}");
    }
    for secret in secrets.into_iter().chain(["pencil", digest, "<auth", "<challenge", "<response", "<handshake"]) {
        assert!(!log.contains(secret), "{secret} is in {log}");
    }
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

#[tokio::test(start_paused = true)]
async fn a_stop_sends_what_is_queued_and_closes_the_stream() {
    let (mut focus, mut server, session) = Focus::connected_to(BIND).await;
    focus.send(session, message("last"));
    let stopping = tokio::spawn(focus.take_handle().stop());
    let sent = server.until("</stream:stream>").await;
    assert!(sent.contains("last"), "{sent}");
    server.send("</stream:stream>").await;
    let waited = Instant::now();
    stopping.await.expect("it stops");
    assert_eq!(waited.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_stop_waits_two_seconds_for_a_server_that_does_not_close() {
    let (mut focus, mut server, _) = Focus::connected_to(BIND).await;
    let stopping = tokio::spawn(focus.take_handle().stop());
    server.until("</stream:stream>").await;
    let waited = Instant::now();
    stopping.await.expect("it stops");
    assert_eq!(waited.elapsed().as_secs(), 2);
}

/// What is queued at a stop may be more than a slow server takes in that time.
#[tokio::test(start_paused = true)]
async fn a_stop_goes_on_as_long_as_the_server_takes_what_is_queued() {
    /// Several times what two sockets take in advance, so that the rest waits with us.
    async fn much_queued() -> (Server, JoinHandle<()>) {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_recv_buffer_size(64 * 1024).expect("a small one");
        let mut focus = Focus::on(socket, 8);
        let (server, session) = focus.log_in(BIND).await;
        for _ in 0..100 {
            focus.send(session, message(&"x".repeat(100_000)));
        }
        (server, tokio::spawn(focus.take_handle().stop()))
    }

    let (mut server, stopping) = much_queued().await;
    let begin = Instant::now();
    for slice in 0..4 {
        sleep(Duration::from_millis(1_500)).await;
        server.stream.read_exact(&mut vec![0; 2 << 20]).await.unwrap_or_else(|error| panic!("slice {slice}: {error}"));
    }
    let rest = server.rest_until_end().await;
    assert!(rest.ends_with("</stream:stream>"), "{} bytes", rest.len());
    server.send("</stream:stream>").await;
    stopping.await.expect("it stops");
    assert_eq!(begin.elapsed().as_secs(), 6);

    // One that takes and says nothing is not waited for; and none is for ever.
    for (speaks, lasts) in [(false, 2..=4), (true, 8..=8)] {
        let (mut server, mut stopping) = much_queued().await;
        let begin = Instant::now();
        loop {
            tokio::select! {
                stopped = &mut stopping => break stopped.expect("it stops"),
                () = sleep(Duration::from_millis(1_100)) => {}
            }
            if speaks {
                server.send("<message id='others'/>").await;
            }
        }
        assert!(lasts.contains(&begin.elapsed().as_secs()), "{speaks}: {:?}", begin.elapsed());
    }
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

// ---------------------------------------------------------------------------------------------------- components

/// With the answer to a request, which is the core's.
/// Covers spec/10: 7.
#[tokio::test(start_paused = true)]
async fn a_component_shakes_hands_and_is_asked_after() {
    let mut focus = Focus::component("test").await;
    let mut server = focus.accept().await;
    let header = server.until("to='focus.meet.example.com'>").await;
    assert!(header.contains("xmlns='jabber:component:accept'") && !header.contains("version='1.0' to"), "{header}");
    server.send(&component_header("3BF96D32")).await;
    assert!(server.until("</handshake>").await.contains("aaee83c26aeeafcbabeabfcbcd50df997e0a2a1e"));
    server.send("<handshake/>").await;
    let session = focus.connected().await;
    server.send("<message id='m1' from='a@b/c' to='focus.meet.example.com'/>").await;
    assert_eq!(focus.message().await, "m1");
    let from = Some(Jid::new("focus.meet.example.com").expect("an address"));
    let to = Some(Jid::new("a@b/c").expect("an address"));
    let ping = IqBody::Get(Payload::Ping(Ping {}));
    focus.send(session, Iq { from, to, id: StanzaId::from("q1"), body: ping }.into());
    let sent = server.until("</iq>").await;
    assert!(sent.contains("focus.meet.example.com") && sent.contains("a@b/c"), "{sent}");
    // Refused by the connection itself: a server ends the stream of a component that does not say who it is.
    let much = "x".repeat(41 * 1024);
    server
        .send(&format!("<iq type='set' id='q2' from='a@b/c' to='focus.meet.example.com'><x xmlns='y'>{much}</x></iq>"))
        .await;
    let refusal = server.until("</iq>").await;
    assert!(refusal.contains("policy-violation") && refusal.contains("from='focus.meet.example.com'"), "{refusal}");
    // Quiet: a ping to the domain above ours.
    let ping = server.until("</iq>").await;
    assert!(ping.contains("connection-1"), "{ping}");
    assert!(ping.contains("to='meet.example.com'"), "{ping}");
}

#[tokio::test(start_paused = true)]
async fn a_component_that_is_refused_says_what_to_change_and_tries_every_five_seconds() {
    let table = [
        ("not-authorized", "must equal the component_secret"),
        ("host-unknown", "If it is a client_proxy there, leave --secret and JICOFO_SECRET away"),
        ("conflict", "Another process is connected as focus.meet.example.com"),
    ];
    for (condition, remedy) in table {
        let focus = Focus::component("wrong").await;
        let mut server = focus.accept().await;
        server.send(&(component_header("1") + &stream_error(condition))).await;
        let line = focus.logged().await;
        assert!(line.contains(remedy) && line.contains("every 5 s"), "{condition}: {line}");
        assert!(!line.contains("wrong "), "{line}");
        let failed = Instant::now();
        focus.accept().await;
        assert_eq!(failed.elapsed().as_secs(), 5);
    }
}

// ---------------------------------------------------------------------------------------------------- measuring

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

// ---------------------------------------------------------------------------------------------------- the two sides

/// A stanza with that in it makes the connection fail: its log does.
const BREAKS: &str = "breaks-the-connection";

const ENABLED: &str = "<enabled xmlns='urn:xmpp:sm:3' id='s1' max='60' resume='true'/>";

fn account(password: &str) -> Account {
    log_to_memory();
    // In clear text, and as PLAIN sends it.
    testkit::logs::keep_secret(password);
    testkit::logs::keep_secret(&BASE64.encode(format!("\0focus\0{password}")));
    Account {
        hostname: "127.0.0.1".into(),
        domain: DOMAIN.into(),
        password: Some(Secret::new(password)),
        ..Account::default()
    }
}

/// Logs in with PLAIN at once.
fn unencrypted() -> Account {
    Account { use_tls: false, ..account("pencil") }
}

fn message(id: &str) -> Stanza {
    Message { id: Some(id.into()), ..Message::default() }.into()
}

fn header() -> String {
    format!(
        "<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' \
         from='{DOMAIN}' id='x1' version='1.0'>"
    )
}

fn component_header(id: &str) -> String {
    format!(
        "<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept' \
         xmlns:stream='http://etherx.jabber.org/streams' from='focus.meet.example.com' id='{id}'>"
    )
}

fn features(mechanisms: &str) -> String {
    format!(
        "<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>{mechanisms}</mechanisms></stream:features>"
    )
}

fn stream_error(condition: &str) -> String {
    format!("<stream:error><{condition} xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>")
}

fn bound() -> String {
    format!(
        "<iq type='result' id='connection-bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>{JID}</jid></bind></iq>"
    )
}

fn pem(file: &str) -> String {
    format!("{}/tests/data/certs/{file}.pem", env!("CARGO_MANIFEST_DIR"))
}

fn certificate(file: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_file(pem(file)).expect("a certificate")
}

fn acceptor(file: &str) -> TlsAcceptor {
    let key = PrivateKeyDer::from_pem_file(pem("key")).expect("a key");
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate(file)], key)
        .expect("they belong together");
    Arc::new(config).into()
}

/// The side under test, and the port to which it connects.
struct Focus {
    handle: Option<Handle>,
    events: mpsc::Receiver<(Connection, Event)>,
    listener: Option<TcpListener>,
    port: u16,
    latency: Arc<Histogram>,
    logged_before: usize,
}

impl Focus {
    async fn start(account: &Account) -> Focus {
        Focus::trusting(account, Trust::Everybody).await
    }

    async fn trusting(account: &Account, trust: Trust) -> Focus {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let mut focus = Focus::at(Settings::Client(Account { port, ..account.clone() }, trust), port);
        focus.listener = Some(listener);
        focus
    }

    /// A user whose server listens on that socket, with so many places in its queue and one.
    fn on(socket: TcpSocket, backlog: u32) -> Focus {
        socket.bind("127.0.0.1:0".parse().expect("an address")).expect("a free port");
        Focus::served_by(socket.listen(backlog).expect("it listens"))
    }

    /// A user whose server listens there.
    fn served_by(listener: TcpListener) -> Focus {
        let port = listener.local_addr().expect("it is bound").port();
        let mut focus = Focus::at(Settings::Client(Account { port, ..unencrypted() }, Trust::Everybody), port);
        focus.listener = Some(listener);
        focus
    }

    async fn component(secret: &str) -> Focus {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let component = Component {
            hostname: "127.0.0.1".into(),
            port,
            domain: "focus.meet.example.com".into(),
            secret: Secret::new(secret),
        };
        let mut focus = Focus::at(Settings::from(&component), port);
        focus.listener = Some(listener);
        focus
    }

    fn at(settings: Settings, port: u16) -> Focus {
        log_to_memory();
        let (sender, events) = mpsc::channel(64);
        let logged_before = LINES.with_borrow(Vec::len);
        let latency = Arc::<Histogram>::default();
        let on = if matches!(settings, Settings::Component(_)) { Connection::Component } else { Connection::Client };
        let handle = spawn(on, settings, sender, Some(latency.clone()));
        Focus { handle: Some(handle), events, listener: None, port, latency, logged_before }
    }

    /// Both sides, behind the login.
    async fn connected_to(features: &str) -> (Focus, Server, SessionId) {
        let mut focus = Focus::start(&unencrypted()).await;
        let (server, session) = focus.log_in(features).await;
        (focus, server, session)
    }

    /// The other side, behind the login.
    async fn log_in(&mut self, features: &str) -> (Server, SessionId) {
        let mut server = self.accept().await;
        server.log_in(features).await;
        // The whole of what it sends: bind, and <enable/> where that is offered.
        server.until(if features == BIND { "/>" } else { "</iq>" }).await;
        server.send(&bound()).await;
        if features == BIND {
            server.send(ENABLED).await;
        }
        let session = self.connected().await;
        (server, session)
    }

    async fn accept(&self) -> Server {
        let listener = self.listener.as_ref().expect("somebody listens");
        let (stream, _) = listener.accept().await.expect("a connection");
        Server { stream: Box::new(stream), seen: String::new() }
    }

    fn handle(&self) -> &Handle {
        self.handle.as_ref().expect("not stopped")
    }

    fn take_handle(&mut self) -> Handle {
        self.handle.take().expect("not stopped")
    }

    fn send(&self, session: SessionId, stanza: Stanza) {
        self.handle().send(session, stanza, None);
    }

    /// What happens next, apart from why it failed before: that is in the log.
    async fn event(&mut self) -> Event {
        loop {
            match self.events.recv().await.expect("the connection lives").1 {
                Event::Trouble { .. } => {}
                event => return event,
            }
        }
    }

    async fn connected(&mut self) -> SessionId {
        match self.event().await {
            Event::Connected { session, resumed: false, .. } => session,
            other => panic!("expected a login, got {other:?}"),
        }
    }

    /// The id of the next stanza, which is a message.
    async fn message(&mut self) -> String {
        match self.event().await {
            Event::Stanza { stanza: Stanza::Message(message), .. } => message.id.expect("it has an id"),
            other => panic!("expected a message, got {other:?}"),
        }
    }

    /// What was logged since this connection began, of its address.
    fn lines(&self) -> Vec<String> {
        let address = format!(":{} ", self.port);
        let new = |lines: &Vec<String>| {
            lines.iter().skip(self.logged_before).filter(|line| line.contains(&address)).cloned().collect()
        };
        LINES.with_borrow(new)
    }

    /// The first line in the log about this connection's failures.
    async fn logged(&self) -> String {
        loop {
            let logged = LOGGED.notified();
            if let Some(line) = self.lines().into_iter().next() {
                return line;
            }
            logged.await;
        }
    }
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// The server's end of one connection.
struct Server {
    stream: Box<dyn Stream>,
    /// What came and was not asked for yet.
    seen: String,
}

impl Server {
    async fn send(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).await.expect("somebody reads");
        self.stream.flush().await.expect("somebody reads");
    }

    /// What came with one write.
    async fn segment(&mut self) -> String {
        if self.seen.is_empty() {
            let mut bytes = vec![0; 1 << 20];
            let read = self.stream.read(&mut bytes).await.expect("it reads");
            assert!(read > 0, "closed");
            self.seen.push_str(std::str::from_utf8(&bytes[..read]).expect("UTF-8"));
        }
        std::mem::take(&mut self.seen)
    }

    /// All up to the end of this text.
    async fn until(&mut self, text: &str) -> String {
        let mut all = String::new();
        loop {
            all.push_str(&self.segment().await);
            if let Some(at) = all.find(text) {
                self.seen = all.split_off(at + text.len());
                return all;
            }
        }
    }

    /// All up to the end of the connection.
    async fn rest(&mut self) -> String {
        let mut bytes = Vec::new();
        // However it ends.
        let _ = self.stream.read_to_end(&mut bytes).await;
        std::mem::take(&mut self.seen) + &String::from_utf8_lossy(&bytes)
    }

    /// The last of what comes up to the end tag.
    async fn rest_until_end(&mut self) -> String {
        let mut last = String::new();
        while !last.ends_with("</stream:stream>") {
            last = last.split_off(last.len().saturating_sub(64)) + &self.segment().await;
        }
        last
    }

    /// Until this comes, whatever asks whether anybody is there is answered.
    async fn quiet_until(&mut self, text: &str) {
        loop {
            let request = self.until("</iq>").await;
            if request.contains(text) {
                return;
            }
            let id =
                request.split("connection-").nth(1).and_then(|rest| rest.split('\'').next()).expect("an id of ours");
            self.send(&format!("<iq type='result' id='connection-{id}' from='{DOMAIN}'/>")).await;
        }
    }

    async fn offer(&mut self, mechanisms: &str, more: &str) {
        self.until("version='1.0'>").await;
        let features = features(mechanisms).replace("<stream:features>", &format!("<stream:features>{more}"));
        self.send(&(header() + &features)).await;
    }

    /// Accepts any password, and offers these features then.
    async fn log_in(&mut self, features: &str) {
        self.offer(PLAIN, "").await;
        self.until("</auth>").await;
        self.send("<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>").await;
        self.until("version='1.0'>").await;
        self.send(&format!("{}<stream:features>{features}</stream:features>", header())).await;
    }

    /// From the login to the bound session.
    async fn bind(&mut self, features: &str) {
        self.until("version='1.0'>").await;
        self.send(&format!("{}<stream:features>{features}</stream:features>", header())).await;
        let request = self.until("</iq>").await;
        assert!(request.contains("<resource>focus</resource>"), "{request}");
        self.send(&bound()).await;
    }

    async fn challenge(&mut self, text: &str) {
        let data = BASE64.encode(text);
        self.send(&format!("<challenge xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>{data}</challenge>")).await;
    }

    /// The base64 text of the next element that ends so, decoded.
    async fn sasl(&mut self, end: &str) -> String {
        let element = self.until(end).await;
        let text = element.strip_suffix(end).and_then(|element| element.rsplit('>').next()).expect("an element");
        String::from_utf8(BASE64.decode(text).expect("base64")).expect("UTF-8")
    }

    /// The client's first message without its header, and its nonce.
    async fn scram_first(&mut self) -> (String, String) {
        let first = self.sasl("</auth>").await;
        let bare = first.strip_prefix("n,,").expect("no channel binding").to_owned();
        let nonce = bare.split_once(",r=").expect("a nonce").1.to_owned();
        (bare, nonce)
    }

    /// The server's side of SCRAM for this password (RFC 5802 §3).
    async fn scram<S: ScramProvider>(&mut self, password: &str, iterations: u32) {
        let salt = b"salt";
        let (first, nonce) = self.scram_first().await;
        let challenge = format!("r={nonce}server,s={},i={iterations}", BASE64.encode(salt));
        self.challenge(&challenge).await;
        let last = self.sasl("</response>").await;
        let (bare, _proof) = last.rsplit_once(",p=").expect("a proof");
        let salted = S::derive(&Password::Plain(password.into()), salt, iterations).expect("derived");
        let server_key = S::hmac(b"Server Key", &salted).expect("any length");
        let signature = S::hmac(format!("{first},{challenge},{bare}").as_bytes(), &server_key).expect("any length");
        let data = BASE64.encode(format!("v={}", BASE64.encode(signature)));
        self.send(&format!("<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>{data}</success>")).await;
    }

    /// Offers TLS with this certificate, and goes on inside of it.
    async fn start_tls(mut self, file: &str) -> Server {
        self.offer(SCRAM, STARTTLS).await;
        self.until("<starttls").await;
        self.until("/>").await;
        self.send("<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>").await;
        let stream = acceptor(file).accept(self.stream).await.expect("the certificate is accepted");
        Server { stream: Box::new(stream), seen: String::new() }
    }

    /// The same where the certificate is not accepted.
    async fn refused_tls(mut self, file: &str) {
        self.until("<starttls").await;
        self.until("/>").await;
        self.send("<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>").await;
        assert!(acceptor(file).accept(self.stream).await.is_err());
    }
}

/// The log of one test: each has a thread of its own, on which its connections run as well.
struct Memory;

thread_local! {
    static LINES: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
    static PACKET_LINES: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}
static LOGGED: Notify = Notify::const_new();

impl log::Log for Memory {
    fn enabled(&self, _metadata: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        testkit::logs::guard(record);
        if record.target() == PACKETS {
            assert!(!record.args().to_string().contains(BREAKS), "a failure on purpose");
            PACKET_LINES.with_borrow_mut(|lines| lines.push(record.args().to_string()));
        }
        if record.level() <= log::Level::Error {
            LINES.with_borrow_mut(|lines| lines.push(record.args().to_string()));
            LOGGED.notify_waiters();
        }
    }

    fn flush(&self) {}
}

fn log_to_memory() {
    static ONCE: OnceLock<()> = OnceLock::new();
    ONCE.get_or_init(|| {
        log::set_boxed_logger(Box::new(Memory)).expect("the only logger");
        log::set_max_level(log::LevelFilter::Trace);
    });
}
