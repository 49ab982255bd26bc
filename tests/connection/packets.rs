//! The log of packets.

use jicofo::wire::stanza::{Iq, Stanza};
use jicofo::wire::xml::read_str;
use jicofo::xmpp::Event;

use crate::focus::{Focus, account};
use crate::memory::{PACKET_LINES, log_to_memory};
use crate::server::{BIND, component_header};

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
        server.scram_as(name, "pencil").await;
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
