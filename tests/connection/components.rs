//! Connections of a component (XEP-0114).

use jicofo::wire::Jid;
use jicofo::wire::stanza::{Iq, IqBody, Payload, Ping};
use jicofo::wire::values::StanzaId;
use tokio::time::Instant;

use crate::focus::Focus;
use crate::server::{component_header, stream_error};

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
