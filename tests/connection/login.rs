//! Logging in: what is proved, what is sent, and what is refused.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use jicofo::config::Account;
use jicofo::xmpp::Event;

use crate::focus::{Focus, account, unencrypted};
use crate::server::{BIND, JID, PLAIN, SCRAM, STARTTLS, bound};

#[tokio::test(start_paused = true)]
async fn logs_in_by_scram_when_both_sides_know_the_password() {
    for name in ["SCRAM-SHA-1", "SCRAM-SHA-256"] {
        let mut focus = Focus::start(&account("pencil")).await;
        let mut server = focus.accept().await;
        server.offer(&format!("<mechanism>PLAIN</mechanism><mechanism>{name}</mechanism>"), "").await;
        server.scram_as(name, "pencil").await;
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
    server.scram_as("SCRAM-SHA-1", "another password").await;
    let line = focus.logged().await;
    assert!(line.contains("did not prove that it knows the password"), "{line}");
    assert!(!line.contains("pencil"), "{line}");
}

#[tokio::test(start_paused = true)]
async fn a_success_without_any_challenge_is_refused() {
    let focus = Focus::start(&account("pencil")).await;
    let mut server = focus.accept().await;
    server.offer(SCRAM, "").await;
    server.accept_password().await;
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
    server.succeed().await;
    server.bind(BIND).await;
    focus.connected().await;
}

#[tokio::test(start_paused = true)]
async fn without_a_password_the_login_is_anonymous() {
    let mut focus = Focus::start(&Account { password: None, ..unencrypted() }).await;
    let mut server = focus.accept().await;
    server.offer("<mechanism>ANONYMOUS</mechanism>", "").await;
    assert!(server.until("ANONYMOUS").await.contains("<auth"));
    server.succeed().await;
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
