//! Connections against the real Prosody: TLS with its own kind of certificate, SCRAM, XEP-0198, and its restarts.

use std::time::Duration;

use jicofo::config::{Account, Component, Secret};
use jicofo::focus::Connection;
use jicofo::focus::problems::Kind;
use jicofo::wire::Jid;
use jicofo::wire::stanza::{Iq, IqBody, Payload, Ping, Stanza};
use jicofo::wire::values::StanzaId;
use jicofo::xmpp::{Event, Handle, SessionId, Settings, Trust, spawn};
use testkit::prosody::{Prosody, Wiring};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;

use super::support::PATIENCE;

#[tokio::test]
async fn a_session_outlives_its_connection_and_ends_with_the_server() {
    // The session may be resumed for longer than the way back to it takes on a busy machine.
    let mut prosody = Prosody::with(Wiring::Proxy).hibernation(Duration::from_secs(60)).start().await;
    let line = Line::to(&prosody).await;
    let mut focus = Focus::start(Settings::Client(line.account(&prosody), trust(&prosody)));
    let (session, resumed) = focus.connected().await;
    assert!(!resumed);
    focus.ping(session, "q1", &prosody).await;

    line.cut();
    assert!(matches!(focus.event().await, Event::Disconnected { resumable: true }));
    // Sent into the gap, answered on the next connection.
    focus.ask(session, "q2", &prosody);
    assert_eq!(focus.connected().await, (session, true));
    focus.answered("q2").await;

    prosody.restart().await;
    assert!(matches!(focus.event().await, Event::Disconnected { .. }));
    let (next, resumed) = focus.connected().await;
    assert!(!resumed && next != session);
    focus.ping(next, "q3", &prosody).await;
    timeout(PATIENCE, focus.handle.stop()).await.expect("the server closes the stream");
    prosody.stop().await;
}

#[tokio::test]
async fn a_component_logs_in_with_its_secret() {
    let prosody = Prosody::start(Wiring::Classic).await;
    let component = Component {
        hostname: "127.0.0.1".into(),
        port: prosody.component_address().port(),
        domain: prosody.focus_domain(),
        secret: Secret::new(prosody.component_secret()),
    };
    let mut focus = Focus::start(Settings::from(&component));
    let (session, _) = focus.connected().await;
    let from = Some(Jid::new(&component.domain).expect("an address"));
    focus.send(session, "q1", from, &prosody);
    focus.answered("q1").await;
    prosody.stop().await;
}

/// Its certificate is an authority's, signed by itself, and trusted as such.
fn trust(prosody: &Prosody) -> Trust {
    let certificate = CertificateDer::from_pem_file(prosody.certificate()).expect("a certificate");
    Trust::Certificates(vec![certificate])
}

/// A line to Prosody that can be cut.
struct Line {
    port: u16,
    cut: watch::Sender<()>,
}

impl Line {
    async fn to(prosody: &Prosody) -> Line {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let (cut, cuts) = watch::channel(());
        let server = prosody.client_address();
        tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                let mut cuts = cuts.clone();
                cuts.mark_unchanged();
                tokio::spawn(async move {
                    // Without a server the line is closed at once.
                    let Ok(mut far) = TcpStream::connect(server).await else { return };
                    tokio::select! {
                        _ = copy_bidirectional(&mut near, &mut far) => {}
                        _ = cuts.changed() => {}
                    }
                });
            }
        });
        Line { port, cut }
    }

    fn cut(&self) {
        self.cut.send(()).expect("the line is there");
    }

    fn account(&self, prosody: &Prosody) -> Account {
        Account {
            hostname: "127.0.0.1".into(),
            port: self.port,
            domain: prosody.auth_domain(),
            password: Some(Secret::new(prosody.focus_password())),
            ..Account::default()
        }
    }
}

struct Focus {
    handle: Handle,
    events: mpsc::Receiver<(Connection, Event)>,
}

impl Focus {
    fn start(settings: Settings) -> Focus {
        let (sender, events) = mpsc::channel(64);
        Focus { handle: spawn(Connection::Client, settings, sender, None), events }
    }

    /// What happens next to sessions and stanzas. How slow a server is, and how long it is away, is of no interest.
    async fn event(&mut self) -> Event {
        loop {
            let event = timeout(PATIENCE, self.events.recv()).await.expect("something happens");
            match event.expect("the connection lives").1 {
                Event::Trouble { kind: Kind::AuthFailed, text } => panic!("{text}"),
                Event::Trouble { .. } | Event::Relief { .. } | Event::Quiet { .. } | Event::Behind { .. } => {}
                event => return event,
            }
        }
    }

    async fn connected(&mut self) -> (SessionId, bool) {
        match self.event().await {
            Event::Connected { session, resumed, .. } => (session, resumed),
            other => panic!("expected a login, got {other:?}"),
        }
    }

    fn ask(&self, session: SessionId, id: &str, prosody: &Prosody) {
        self.send(session, id, None, prosody);
    }

    fn send(&self, session: SessionId, id: &str, from: Option<Jid>, prosody: &Prosody) {
        let to = Some(Jid::new(prosody.domain()).expect("an address"));
        let body = IqBody::Get(Payload::Ping(Ping {}));
        self.handle.send(session, Iq { from, to, id: StanzaId::from(id), body }.into(), None);
    }

    async fn answered(&mut self, id: &str) {
        loop {
            match self.event().await {
                Event::Stanza { stanza: Stanza::Iq(iq), .. } if iq.id.as_str() == id => return,
                Event::Stanza { .. } => {}
                other => panic!("expected an answer to {id}, got {other:?}"),
            }
        }
    }

    async fn ping(&mut self, session: SessionId, id: &str, prosody: &Prosody) {
        self.ask(session, id, prosody);
        self.answered(id).await;
    }
}
