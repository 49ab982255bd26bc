//! The launcher: certificates, ports, restarts, pauses, and what becomes of processes.

use std::{
    os::unix::process::ExitStatusExt,
    process::Command,
    time::{Duration, Instant},
};

use testkit::{
    focus::FocusProcess,
    prosody::{Prosody, Wiring},
};
use tokio::{io::AsyncWriteExt, net::TcpStream, time::timeout};

use crate::support::*;

#[tokio::test]
async fn starts_quickly_with_nothing_to_complain_of_in_both_wirings() {
    for prosody in both().await {
        let log = prosody.log();
        let complaints: Vec<_> =
            log.lines().filter(|line| line.contains("\terror\t") || line.contains("\twarn\t")).collect();
        assert!(complaints.is_empty(), "{complaints:#?}");
        assert!(prosody.usage().rss > 1_000_000);
        println!("{:?}: ready in {:?}, {:?}", prosody.wiring(), prosody.started_in(), prosody.usage());
    }
}

#[tokio::test]
async fn the_auth_domain_has_a_certificate_as_debians_installer_makes_it_and_can_insist_on_tls() {
    let prosody = Prosody::with(Wiring::Classic).tls_required().start().await;
    let mut stream = TcpStream::connect(prosody.client_address()).await.expect("Prosody listens");
    let header = format!(
        "<stream:stream to='{}' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>",
        prosody.auth_domain()
    );
    stream.write_all(header.as_bytes()).await.expect("written");
    let features = read_until(&mut stream, "</stream:features>").await;
    assert!(features.contains("<required/>") && !features.contains("<mechanism>"), "{features}");

    let [address, auth, certificate] =
        [prosody.client_address().to_string(), prosody.auth_domain(), prosody.certificate().display().to_string()];
    let arguments = [
        "s_client",
        "-starttls",
        "xmpp",
        "-xmpphost",
        &auth,
        "-connect",
        &address,
        "-CAfile",
        &certificate,
        "-verify_hostname",
        &auth,
        "-verify_return_error",
    ];
    let output = tokio::task::spawn_blocking({
        let arguments = arguments.map(str::to_owned);
        move || Command::new("openssl").args(arguments).stdin(std::process::Stdio::null()).output()
    });
    let output = output.await.expect("it ran").expect("openssl is there");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("Verify return code: 0 (ok)"), "{text}{}", String::from_utf8_lossy(&output.stderr));
    let shown = Command::new("openssl")
        .args(["x509", "-noout", "-ext", "basicConstraints,subjectAltName", "-in", &certificate])
        .output()
        .expect("openssl is there");
    let shown = String::from_utf8_lossy(&shown.stdout);
    assert!(
        shown.contains("CA:TRUE") && shown.contains(&format!("DNS:{auth}")) && shown.contains("othername"),
        "{shown}"
    );
}

#[tokio::test]
async fn browsers_find_bosh_and_websocket() {
    let prosody = Prosody::start(Wiring::Proxy).await;
    for (path, expected) in [("http-bind", "HTTP/1.1 200"), ("xmpp-websocket", "HTTP/1.1 101")] {
        let mut http = TcpStream::connect(prosody.http_address()).await.expect("the HTTP port is open");
        let upgrade = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: xmpp\r\n";
        let upgrade = if path == "xmpp-websocket" { upgrade } else { "" };
        http.write_all(format!("GET /{path} HTTP/1.1\r\nHost: {}\r\n{upgrade}\r\n", prosody.http_address()).as_bytes())
            .await
            .expect("written");
        let answer = read_until(&mut http, "\r\n").await;
        assert!(answer.starts_with(expected), "{path}: {answer}");
    }
}

#[tokio::test]
async fn a_restart_keeps_ports_accounts_and_the_proxys_subscription() {
    let mut prosody = Prosody::with(Wiring::Proxy).without_roster().start().await;
    let mut focus = Client::focus(&prosody).await;
    focus.send("<presence/>").await;
    focus.next("the proxy's request", |stanza| stanza.attr("type") == Some("subscribe")).await;
    focus.send(&format!("<presence type='subscribed' to='{}'/>", prosody.focus_domain())).await;
    assert!(prosody.logged(0, "is available", DEADLINE).await);

    for orderly in [true, false] {
        let since = prosody.log().len();
        if orderly {
            prosody.restart().await;
        } else {
            prosody.kill();
            prosody.start_again().await;
        }
        let mut focus = Client::focus(&prosody).await;
        focus.send("<presence/>").await;
        assert!(prosody.logged(since, "is available", DEADLINE).await, "the roster was kept");
    }
}

#[tokio::test]
async fn who_vanishes_without_a_word_is_missed_after_the_hibernation_time() {
    let prosody = Prosody::with(Wiring::Proxy).hibernation(Duration::from_secs(1)).start().await;
    let brewery = prosody.brewery();
    let mut focus = Client::focus(&prosody).await;
    focus.join(&format!("{brewery}/focus")).await;
    let mut bridge = Client::bridge(&prosody).await;
    bridge.send("<enable xmlns='urn:xmpp:sm:3' resume='true'/>").await;
    let enabled = bridge.next("stream management", |element| element.name() == "enabled").await;
    assert_eq!((enabled.attr("resume"), enabled.attr("max")), (Some("true"), Some("1")));
    bridge.join(&format!("{brewery}/jvb1")).await;
    focus.next("the bridge", |stanza| stanza.attr("from") == Some(&format!("{brewery}/jvb1"))).await;

    let begin = Instant::now();
    drop(bridge); // The socket closes, the stream does not
    let left = focus.next("that it is missed", |stanza| stanza.attr("type") == Some("unavailable")).await;
    assert_eq!(left.attr("from"), Some(&*format!("{brewery}/jvb1")));
    assert!(begin.elapsed() > Duration::from_millis(800), "it was there for a second more: {:?}", begin.elapsed());
}

#[tokio::test]
async fn a_paused_server_says_nothing_until_it_goes_on() {
    let mut prosody = Prosody::start(Wiring::Classic).await;
    let mut guest = Client::anonymous(&prosody).await;
    prosody.pause();
    guest.send(&format!("<iq type='get' id='1' to='{}'><ping xmlns='urn:xmpp:ping'/></iq>", prosody.domain())).await;
    assert!(timeout(Duration::from_millis(50), guest.session.next()).await.is_err());
    prosody.resume();
    guest.next("the answer", |stanza| stanza.attr("id") == Some("1")).await;
    prosody.stop().await;
}

#[tokio::test]
async fn a_process_can_be_watched_paused_and_ended() {
    let prosody = Prosody::start(Wiring::Proxy).await;
    let sleeper = || FocusProcess::with().program("sleep").argument("600").not_waiting();
    let mut process = sleeper().start(&prosody).await;
    let usage = process.usage();
    assert!(usage.rss > 0 && usage.threads == 1 && usage.cpu < Duration::from_secs(1), "{usage:?}");
    process.pause();
    assert_eq!(process.ended(Duration::ZERO).await, None);
    process.resume();
    let status = process.stop().await.expect("it ended");
    assert_eq!(status.signal(), Some(15));

    let mut process = sleeper().start(&prosody).await;
    // Not INT, which whatever runs in the background of a shell ignores, and what it starts.
    process.signal("USR1");
    let status = process.ended(DEADLINE).await.expect("it ended");
    assert_eq!(status.signal(), Some(10));
    sleeper().start(&prosody).await.kill();
}

#[tokio::test]
async fn a_focus_counts_as_started_when_clients_can_reach_it() {
    let prosody = Prosody::start(Wiring::Proxy).await;
    let doing = async {
        let mut focus = Client::focus(&prosody).await;
        focus.send("<presence/>").await;
        focus.join(&format!("{}/focus", prosody.brewery())).await;
        focus
    };
    // Any process will do: it is the server that is asked.
    let (process, _focus) = tokio::join!(FocusProcess::with().program("sleep").argument("600").start(&prosody), doing);
    assert!(process.started_in() > Duration::ZERO);
}

/// A test that is killed cannot clean up after itself.
#[tokio::test]
async fn prosody_ends_when_its_launcher_is_gone() {
    let mut prosody = Prosody::start(Wiring::Proxy).await;
    assert!(prosody.abandon(DEADLINE).await, "process {} is still there", prosody.pid());
}
