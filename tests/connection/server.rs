//! The server's end of a connection, which follows a script.

use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use sasl::common::Password;
use sasl::common::scram::{ScramProvider, Sha1, Sha256};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::task::spawn_blocking;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

pub const DOMAIN: &str = "auth.meet.example.com";
pub const PLAIN: &str = "<mechanism>PLAIN</mechanism>";
pub const SCRAM: &str = "<mechanism>SCRAM-SHA-1</mechanism>";
pub const STARTTLS: &str = "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>";
pub const BIND: &str = "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/><sm xmlns='urn:xmpp:sm:3'/>";
pub const BIND_ONLY: &str = "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>";
pub const JID: &str = "focus@auth.meet.example.com/focus";
pub const ENABLED: &str = "<enabled xmlns='urn:xmpp:sm:3' id='s1' max='60' resume='true'/>";

pub fn header() -> String {
    format!(
        "<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' \
         from='{DOMAIN}' id='x1' version='1.0'>"
    )
}

pub fn component_header(id: &str) -> String {
    format!(
        "<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept' \
         xmlns:stream='http://etherx.jabber.org/streams' from='focus.meet.example.com' id='{id}'>"
    )
}

pub fn features(mechanisms: &str) -> String {
    format!(
        "<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>{mechanisms}</mechanisms></stream:features>"
    )
}

pub fn stream_error(condition: &str) -> String {
    format!("<stream:error><{condition} xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>")
}

pub fn bound() -> String {
    format!(
        "<iq type='result' id='connection-bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>{JID}</jid></bind></iq>"
    )
}

pub fn pem(file: &str) -> String {
    format!("{}/tests/data/certs/{file}.pem", env!("CARGO_MANIFEST_DIR"))
}

pub fn certificate(file: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_file(pem(file)).expect("a certificate")
}

pub fn acceptor(file: &str) -> TlsAcceptor {
    let key = PrivateKeyDer::from_pem_file(pem("key")).expect("a key");
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate(file)], key)
        .expect("they belong together");
    Arc::new(config).into()
}

/// Time stands still while this is there. What is more than sockets hold takes the kernel a moment, in which nobody here has anything
/// to do, so that time would go on: it does not while a task blocks.
fn stand_still() -> Sender<()> {
    let (guard, dropped) = channel();
    spawn_blocking(move || _ = dropped.recv());
    guard
}

pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// The server's end of one connection.
pub struct Server {
    pub stream: Box<dyn Stream>,
    /// What came and was not asked for yet.
    pub seen: String,
}

impl Server {
    pub async fn send(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).await.expect("somebody reads");
        self.stream.flush().await.expect("somebody reads");
    }

    /// What came with one write.
    pub async fn segment(&mut self) -> String {
        if self.seen.is_empty() {
            let mut bytes = vec![0; 1 << 20];
            let read = self.stream.read(&mut bytes).await.expect("it reads");
            assert!(read > 0, "closed");
            self.seen.push_str(std::str::from_utf8(&bytes[..read]).expect("UTF-8"));
        }
        std::mem::take(&mut self.seen)
    }

    /// All up to the end of this text.
    pub async fn until(&mut self, text: &str) -> String {
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
    pub async fn rest(&mut self) -> String {
        let mut bytes = Vec::new();
        // However it ends.
        let _ = self.stream.read_to_end(&mut bytes).await;
        std::mem::take(&mut self.seen) + &String::from_utf8_lossy(&bytes)
    }

    /// So many bytes, in no time.
    pub async fn take(&mut self, bytes: usize) -> std::io::Result<()> {
        let _time = stand_still();
        self.stream.read_exact(&mut vec![0; bytes]).await.map(drop)
    }

    /// The last of what comes up to the end tag, in no time.
    pub async fn rest_until_end(&mut self) -> String {
        let _time = stand_still();
        let mut last = String::new();
        while !last.ends_with("</stream:stream>") {
            last = last.split_off(last.len().saturating_sub(64)) + &self.segment().await;
        }
        last
    }

    /// Until this comes, whatever asks whether anybody is there is answered.
    pub async fn quiet_until(&mut self, text: &str) {
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

    pub async fn offer(&mut self, mechanisms: &str, more: &str) {
        self.until("version='1.0'>").await;
        let features = features(mechanisms).replace("<stream:features>", &format!("<stream:features>{more}"));
        self.send(&(header() + &features)).await;
    }

    /// Accepts any password, and offers these features then.
    pub async fn log_in(&mut self, features: &str) {
        self.offer(PLAIN, "").await;
        self.accept_password().await;
        self.until("version='1.0'>").await;
        self.send(&format!("{}<stream:features>{features}</stream:features>", header())).await;
    }

    /// Whatever it is.
    pub async fn accept_password(&mut self) {
        self.until("</auth>").await;
        self.succeed().await;
    }

    /// Says that the login is accepted.
    pub async fn succeed(&mut self) {
        self.send("<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>").await;
    }

    /// From the login to the bound session.
    pub async fn bind(&mut self, features: &str) {
        self.until("version='1.0'>").await;
        self.send(&format!("{}<stream:features>{features}</stream:features>", header())).await;
        let request = self.until("</iq>").await;
        assert!(request.contains("<resource>focus</resource>"), "{request}");
        self.send(&bound()).await;
    }

    pub async fn challenge(&mut self, text: &str) {
        let data = BASE64.encode(text);
        self.send(&format!("<challenge xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>{data}</challenge>")).await;
    }

    /// The base64 text of the next element that ends so, decoded.
    pub async fn sasl(&mut self, end: &str) -> String {
        let element = self.until(end).await;
        let text = element.strip_suffix(end).and_then(|element| element.rsplit('>').next()).expect("an element");
        String::from_utf8(BASE64.decode(text).expect("base64")).expect("UTF-8")
    }

    /// The client's first message without its header, and its nonce.
    pub async fn scram_first(&mut self) -> (String, String) {
        let first = self.sasl("</auth>").await;
        let bare = first.strip_prefix("n,,").expect("no channel binding").to_owned();
        let nonce = bare.split_once(",r=").expect("a nonce").1.to_owned();
        (bare, nonce)
    }

    /// The server's side of SCRAM for this password (RFC 5802 §3).
    pub async fn scram<S: ScramProvider>(&mut self, password: &str, iterations: u32) {
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

    /// The side of SCRAM that this mechanism wants.
    pub async fn scram_as(&mut self, mechanism: &str, password: &str) {
        match mechanism {
            "SCRAM-SHA-1" => self.scram::<Sha1>(password, 4096).await,
            _ => self.scram::<Sha256>(password, 4096).await,
        }
    }

    /// Lets the encryption begin that it is asked for.
    async fn proceed(&mut self) {
        self.until("<starttls").await;
        self.until("/>").await;
        self.send("<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>").await;
    }

    /// Offers TLS with this certificate, and goes on inside of it.
    pub async fn start_tls(mut self, file: &str) -> Server {
        self.offer(SCRAM, STARTTLS).await;
        self.proceed().await;
        let stream = acceptor(file).accept(self.stream).await.expect("the certificate is accepted");
        Server { stream: Box::new(stream), seen: String::new() }
    }

    /// The same where the certificate is not accepted.
    pub async fn refused_tls(mut self, file: &str) {
        self.proceed().await;
        assert!(acceptor(file).accept(self.stream).await.is_err());
    }
}
