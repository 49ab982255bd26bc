//! Log-in at the real Prosody with an independent client (tokio-xmpp), over plain TCP: what participants, bridges and tests
//! speak through.

use futures::{SinkExt, StreamExt};
use minidom::Element;
use sasl::common::{ChannelBinding, Credentials};
use tokio::{io::BufStream, net::TcpStream};
use tokio_xmpp::xmlstream::{InitiatingStream, StreamHeader, Timeouts, XmlStream, initiate_stream};

use crate::{ns, prosody::Prosody};

/// A stream with a bound resource. What it cannot do is a panic: these are tests.
pub struct Session {
    stream: XmlStream<BufStream<TcpStream>, Element>,
    /// The full JID which the server has given it.
    pub jid: String,
}

impl Session {
    /// A guest on the main domain.
    pub async fn anonymous(prosody: &Prosody) -> Self {
        Self::log_in(prosody, prosody.domain(), "ANONYMOUS", ("nobody", ""), None).await
    }

    /// The account of the focus, with its resource.
    pub async fn focus(prosody: &Prosody) -> Self {
        Self::user(prosody, "focus", prosody.focus_password(), Some("focus")).await
    }

    /// The account of the bridges.
    pub async fn bridge(prosody: &Prosody) -> Self {
        Self::user(prosody, "jvb", prosody.jvb_password(), None).await
    }

    /// An account of the auth domain.
    pub async fn user(prosody: &Prosody, user: &str, password: &str, resource: Option<&str>) -> Self {
        Self::log_in(prosody, &prosody.auth_domain(), "SCRAM-SHA-1", (user, password), resource).await
    }

    /// A guest on a domain of his own.
    pub async fn guest(prosody: &Prosody, domain: &str) -> Self {
        Self::log_in(prosody, domain, "ANONYMOUS", ("nobody", ""), None).await
    }

    /// Somebody who has an account on that domain.
    pub async fn account(prosody: &Prosody, domain: &str, user: &str, password: &str) -> Self {
        Self::log_in(prosody, domain, "SCRAM-SHA-1", (user, password), None).await
    }

    /// The bearer of a token, where the server takes it as a password.
    pub async fn bearer(prosody: &Prosody, domain: &str, token: &str) -> Self {
        Self::log_in(prosody, domain, "PLAIN", ("bearer", token), None).await
    }

    /// Whether a token is refused.
    pub async fn is_refused(prosody: &Prosody, domain: &str, token: &str) -> bool {
        Self::authenticated(prosody, domain, "PLAIN", ("bearer", token)).await.is_err()
    }

    /// A stream whose log-in has been taken, before the next header; Err: why it was not.
    async fn authenticated(
        prosody: &Prosody,
        domain: &str,
        mechanism: &str,
        user: (&str, &str),
    ) -> Result<InitiatingStream<BufStream<TcpStream>>, tokio_xmpp::Error> {
        let header = StreamHeader { to: Some(domain.to_owned().into()), from: None, id: None };
        crate::logs::keep_secret_of_peer(user.1);
        let tcp = TcpStream::connect(prosody.client_address()).await.expect("Prosody listens");
        tcp.set_nodelay(true).expect("a TCP socket");
        let stream = initiate_stream(BufStream::new(tcp), ns::CLIENT, header, Timeouts::default()).await;
        let (features, stream) = stream.expect("a stream").recv_features().await.expect("features");
        assert!(features.sasl_mechanisms.contains(mechanism), "{domain} offers {:?}", features.sasl_mechanisms);
        let credentials = Credentials::default()
            .with_username(user.0)
            .with_password(user.1)
            .with_channel_binding(ChannelBinding::None);
        tokio_xmpp::client_login(stream, [mechanism.to_owned()].into(), credentials).await
    }

    async fn log_in(
        prosody: &Prosody,
        domain: &str,
        mechanism: &str,
        user: (&str, &str),
        resource: Option<&str>,
    ) -> Self {
        let header = StreamHeader { to: Some(domain.to_owned().into()), from: None, id: None };
        let stream = Self::authenticated(prosody, domain, mechanism, user).await.expect("log-in");
        let stream = stream.send_header(header).await.expect("a stream again");
        let (_, stream) = stream.recv_features::<Element>().await.expect("features again");
        let mut session = Self { stream, jid: String::new() };
        let resource = resource.map_or(String::new(), |resource| format!("<resource>{resource}</resource>"));
        session
            .send_xml(&format!(
                "<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>{resource}</bind></iq>"
            ))
            .await;
        // Stanzas for a predecessor with the same resource may come first.
        let bound = loop {
            let element = session.next().await.expect("an answer to the bind request");
            if element.attr("id") == Some("bind") {
                break element;
            }
        };
        let bind = bound.children().next().expect("what is bound");
        session.jid = bind.children().next().expect("the JID").text();
        session
    }

    pub async fn send(&mut self, element: &Element) {
        assert!(self.try_send(element).await, "Prosody takes nothing any more");
    }

    /// Whether the stream is still there to take it.
    pub async fn try_send(&mut self, element: &Element) -> bool {
        self.stream.send(element).await.is_ok()
    }

    /// Sends XML as written, in the namespace of clients where it says nothing else.
    pub async fn send_xml(&mut self, xml: &str) {
        let element = Element::from_reader_with_prefixes(xml.as_bytes(), ns::CLIENT.to_owned());
        self.send(&element.expect("the test's XML is right")).await;
    }

    /// The next element; `None` when the stream has ended. Nothing is lost when the future is dropped.
    pub async fn next(&mut self) -> Option<Element> {
        self.stream.next().await?.ok()
    }
}
