//! Attempts that fail: what is said about them, and that another one comes.

use std::time::Duration;

use jicofo::config::Account;
use jicofo::xmpp::{Settings, Trust};
use tokio::net::TcpSocket;
use tokio::time::timeout;

use crate::focus::{Focus, account, unencrypted};
use crate::server::{BIND, PLAIN, SCRAM, features, header, stream_error};

#[tokio::test(start_paused = true)]
async fn each_failure_is_one_line_that_says_what_to_do() {
    const FAILURE: &str =
        "<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><not-authorized/><text>No.</text></failure>";
    let header = |more: &str| format!("{}{more}", header());
    let table = [
        ("wrong password", header(&features(SCRAM)) + FAILURE, "prosodyctl register focus auth.meet.example.com"),
        ("unknown domain", header(&stream_error("host-unknown")), "is no VirtualHost of the server"),
        ("another focus", header(&stream_error("conflict")), "Another process logs in as focus@auth.meet.example.com"),
        ("HTTP", "HTTP/1.1 400 Bad Request\r\n".into(), "not that of HTTP or BOSH"),
        ("silent", String::new(), "no answer within 30 s while waiting for the stream's header. Does an XMPP server"),
        ("silent later", header(""), "no answer within 30 s while waiting for the stream's features"),
        ("shutting down", header(&stream_error("system-shutdown")), "system-shutdown. It is restarting"),
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
                server.accept_password().await;
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
