//! A guest that sends bytes as they are, and looks at bytes: for what no library would write.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::prosody::Prosody;

/// Longer than any answer takes, also on a busy machine.
const DEADLINE: Duration = Duration::from_secs(120);

pub struct RawGuest {
    stream: TcpStream,
    /// What came and was not looked at yet.
    received: Vec<u8>,
    /// The full JID which the server has given it.
    pub jid: String,
}

impl RawGuest {
    /// Logs in at the main domain without an account.
    pub async fn at(prosody: &Prosody) -> RawGuest {
        let stream = TcpStream::connect(prosody.client_address()).await.expect("Prosody listens");
        stream.set_nodelay(true).expect("a TCP socket");
        let mut guest = RawGuest { stream, received: Vec::new(), jid: String::new() };
        let header = format!(
            "<stream:stream to='{}' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>",
            prosody.domain()
        );
        guest.send(&header).await;
        guest.until("</stream:features>").await;
        guest.send("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='ANONYMOUS'>=</auth>").await;
        guest.until("<success").await;
        guest.until(">").await;
        guest.send(&header).await;
        guest.until("</stream:features>").await;
        guest.send("<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>").await;
        let bound = guest.until("</iq>").await;
        let jid = bound.split_once("<jid>").and_then(|(_, rest)| rest.split_once("</jid>"));
        guest.jid = jid.unwrap_or_else(|| panic!("no address in {bound}")).0.to_owned();
        guest
    }

    pub async fn send(&mut self, xml: &str) {
        self.stream.write_all(xml.as_bytes()).await.expect("Prosody takes it");
    }

    /// What came, up to and with `end`.
    pub async fn until(&mut self, end: &str) -> String {
        let read = async {
            loop {
                let at = self.received.windows(end.len()).position(|window| window == end.as_bytes());
                if let Some(at) = at {
                    let text: Vec<u8> = self.received.drain(..at + end.len()).collect();
                    return String::from_utf8_lossy(&text).into_owned();
                }
                let count = self.stream.read_buf(&mut self.received).await.expect("the connection lasts");
                assert!(count > 0, "closed before {end}, after: {}", String::from_utf8_lossy(&self.received));
            }
        };
        match timeout(DEADLINE, read).await {
            Ok(text) => text,
            Err(_) => panic!("\"{end}\" did not come, but: {}", String::from_utf8_lossy(&self.received)),
        }
    }

    /// Sends an IQ of that id; the whole answer.
    pub async fn request(&mut self, id: &str, iq: &str) -> String {
        self.send(iq).await;
        loop {
            // Answers have quotes of either kind.
            let answer = self.next_iq().await;
            if [format!("id='{id}'"), format!("id=\"{id}\"")].iter().any(|attribute| answer.contains(attribute)) {
                return answer;
            }
        }
    }

    async fn next_iq(&mut self) -> String {
        self.until("<iq ").await;
        let tag = self.until(">").await;
        if tag.ends_with("/>") { tag } else { tag + &self.until("</iq>").await }
    }
}
