//! The ways from clients to the focus: the proxy, and the component.

use sha1::{Digest, Sha1};
use testkit::prosody::{Prosody, Wiring};
use tokio::{io::AsyncWriteExt, net::TcpStream};

use crate::support::*;

/// What clients ask, through the proxy, and what they are told: `docs/protocol/10-conference-request-and-auth.md` §2.1.
async fn ask_through_the_proxy(prosody: &Prosody, focus: &mut Client) {
    let mut guest = Client::anonymous(prosody).await;
    let proxy = prosody.focus_domain();
    guest
        .send(&format!(
            "<iq type='set' id='conference:1' to='{proxy}'><conference xmlns='{FOCUS}' room='room@{}'/></iq>",
            prosody.muc_domain()
        ))
        .await;
    let request = focus.next("the request", |stanza| stanza.has_child("conference", FOCUS)).await;
    let from = request.attr("from").expect("whose it is").to_owned();
    assert_eq!(from, format!("{proxy}/{}", guest.jid));
    assert_eq!(request.attr("to"), Some(&*focus.jid));
    assert_eq!(request.attr("id"), Some("conference:1"));

    focus
        .send(&format!(
            "<iq type='result' id='conference:1' to='{from}'><conference xmlns='{FOCUS}' ready='true'/></iq>"
        ))
        .await;
    let answer = guest.next("the answer", |stanza| stanza.attr("id") == Some("conference:1")).await;
    assert_eq!((answer.attr("from"), answer.attr("to")), (Some(&*proxy), Some(&*guest.jid)));
    assert_eq!(answer.get_child("conference", FOCUS).and_then(|conference| conference.attr("ready")), Some("true"));

    guest.send(&format!("<iq type='get' id='login:1' to='{proxy}'><login-url xmlns='{FOCUS}'/></iq>")).await;
    focus.next("the second request", |stanza| stanza.attr("id") == Some("login:1")).await;
    let error = format!("<error type='cancel'><not-acceptable xmlns='{STANZAS}'/></error>");
    focus.send(&format!("<iq type='error' id='login:1' to='{from}'>{error}</iq>")).await;
    let answer = guest.next("the error", |stanza| stanza.attr("id") == Some("login:1")).await;
    assert_eq!(condition(&answer), Some("not-acceptable"));
}

#[tokio::test]
async fn the_proxy_forwards_requests_to_the_focus_and_brings_the_answers_back() {
    let prosody = Prosody::start(Wiring::Proxy).await;
    let mut focus = Client::focus(&prosody).await;
    focus.send("<presence/>").await;
    let available = format!("{} is available", focus.jid);
    assert!(prosody.logged(0, &available, DEADLINE).await);
    ask_through_the_proxy(&prosody, &mut focus).await;
}

#[tokio::test]
async fn the_focus_can_subscribe_the_proxy_itself() {
    let prosody = Prosody::with(Wiring::Proxy).without_roster().start().await;
    let mut focus = Client::focus(&prosody).await;
    focus.send("<presence/>").await;
    let request = focus.next("the proxy's request", |stanza| stanza.attr("type") == Some("subscribe")).await;
    assert_eq!(request.attr("from"), Some(&*prosody.focus_domain()));
    focus.send(&format!("<presence type='subscribed' to='{}'/>", prosody.focus_domain())).await;
    assert!(prosody.logged(0, &format!("{} is available", focus.jid), DEADLINE).await);
    ask_through_the_proxy(&prosody, &mut focus).await;
}

#[tokio::test]
async fn the_proxy_says_at_once_that_there_is_no_focus() {
    let prosody = Prosody::start(Wiring::Proxy).await;
    let mut guest = Client::anonymous(&prosody).await;
    let request = format!(
        "<iq type='set' to='{}'><conference xmlns='{FOCUS}' room='room@{}'/></iq>",
        prosody.focus_domain(),
        prosody.muc_domain()
    );
    assert_eq!(condition(&guest.request(&request).await), Some("service-unavailable"));

    let mut focus = Client::focus(&prosody).await;
    focus.send("<presence/>").await;
    assert!(prosody.logged(0, "is available", DEADLINE).await);
    focus.send("<presence type='unavailable'/>").await;
    focus.ping(&prosody).await;
    assert_eq!(condition(&guest.request(&request).await), Some("service-unavailable"));
}

#[tokio::test]
async fn the_proxy_lets_nothing_else_of_the_focus_through() {
    let prosody = Prosody::start(Wiring::Proxy).await;
    let mut focus = Client::focus(&prosody).await;
    let guest = Client::anonymous(&prosody).await;
    let answer = focus
        .request(&format!(
            "<iq type='get' to='{}/{}'><ping xmlns='urn:xmpp:ping'/></iq>",
            prosody.focus_domain(),
            guest.jid
        ))
        .await;
    assert_eq!(condition(&answer), Some("feature-not-implemented"));
}

#[tokio::test]
async fn the_focus_connects_as_a_component_and_guests_reach_it() {
    let prosody = Prosody::start(Wiring::Classic).await;
    let mut component = TcpStream::connect(prosody.component_address()).await.expect("the component's port is open");
    let domain = prosody.focus_domain();
    let header = format!(
        "<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' to='{domain}'>"
    );
    component.write_all(header.as_bytes()).await.expect("written");
    let opened = read_until(&mut component, ">").await + &read_until(&mut component, ">").await;
    let id = opened
        .split("id='")
        .nth(1)
        .and_then(|rest| rest.split('\'').next())
        .unwrap_or_else(|| panic!("no id in {opened}"));
    let digest = hex::encode(Sha1::digest(format!("{id}{}", prosody.component_secret())));
    component.write_all(format!("<handshake>{digest}</handshake>").as_bytes()).await.expect("written");
    assert_eq!(read_until(&mut component, "/>").await, "<handshake/>");

    let mut guest = Client::anonymous(&prosody).await;
    guest
        .send(&format!(
            "<iq type='set' id='c1' to='{domain}'><conference xmlns='{FOCUS}' room='room@{}'/></iq>",
            prosody.muc_domain()
        ))
        .await;
    let request = read_until(&mut component, "</iq>").await;
    assert!(request.contains(&format!("from='{}'", guest.jid)) && request.contains("id='c1'"), "{request}");
    component
        .write_all(format!("<iq type='result' id='c1' from='{domain}' to='{}'/>", guest.jid).as_bytes())
        .await
        .expect("written");
    let answer = guest.next("the answer", |stanza| stanza.attr("id") == Some("c1")).await;
    assert_eq!(answer.attr("from"), Some(&*domain));
}
