//! The side under test.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use jicofo::config::{Account, Component, Secret};
use jicofo::focus::Connection;
use jicofo::measure::Histogram;
use jicofo::wire::stanza::{Message, Stanza};
use jicofo::xmpp::{Event, Handle, SessionId, Settings, Trust, spawn};
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::mpsc;

use crate::memory::{LINES, LOGGED, log_to_memory};
use crate::server::{BIND, DOMAIN, ENABLED, Server, bound};

pub fn account(password: &str) -> Account {
    log_to_memory();
    // In clear text, and as PLAIN sends it.
    testkit::logs::keep_secret(password);
    testkit::logs::keep_secret(&BASE64.encode(format!("\0focus\0{password}")));
    Account {
        hostname: "127.0.0.1".into(),
        domain: DOMAIN.into(),
        password: Some(Secret::new(password)),
        ..Account::default()
    }
}

/// Logs in with PLAIN at once.
pub fn unencrypted() -> Account {
    Account { use_tls: false, ..account("pencil") }
}

pub fn message(id: &str) -> Stanza {
    Message { id: Some(id.into()), ..Message::default() }.into()
}

async fn listening() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.expect("a free port")
}

/// The side under test, and the port to which it connects.
pub struct Focus {
    handle: Option<Handle>,
    pub events: mpsc::Receiver<(Connection, Event)>,
    pub listener: Option<TcpListener>,
    pub port: u16,
    pub latency: Arc<Histogram>,
    logged_before: usize,
}

impl Focus {
    pub async fn start(account: &Account) -> Focus {
        Focus::trusting(account, Trust::Everybody).await
    }

    pub async fn trusting(account: &Account, trust: Trust) -> Focus {
        Focus::of(listening().await, |port| Settings::Client(Account { port, ..account.clone() }, trust))
    }

    /// A user whose server listens on that socket, with so many places in its queue and one.
    pub fn on(socket: TcpSocket, backlog: u32) -> Focus {
        socket.bind("127.0.0.1:0".parse().expect("an address")).expect("a free port");
        Focus::served_by(socket.listen(backlog).expect("it listens"))
    }

    /// A user whose server listens there.
    pub fn served_by(listener: TcpListener) -> Focus {
        Focus::of(listener, |port| Settings::Client(Account { port, ..unencrypted() }, Trust::Everybody))
    }

    pub async fn component(secret: &str) -> Focus {
        Focus::of(listening().await, |port| {
            let component = Component {
                hostname: "127.0.0.1".into(),
                port,
                domain: "focus.meet.example.com".into(),
                secret: Secret::new(secret),
            };
            Settings::from(&component)
        })
    }

    /// With settings for the port at which its server listens.
    fn of(listener: TcpListener, settings: impl FnOnce(u16) -> Settings) -> Focus {
        let port = listener.local_addr().expect("it is bound").port();
        let mut focus = Focus::at(settings(port), port);
        focus.listener = Some(listener);
        focus
    }

    pub fn at(settings: Settings, port: u16) -> Focus {
        log_to_memory();
        let (sender, events) = mpsc::channel(64);
        let logged_before = LINES.with_borrow(Vec::len);
        let latency = Arc::<Histogram>::default();
        let on = if matches!(settings, Settings::Component(_)) { Connection::Component } else { Connection::Client };
        let handle = spawn(on, settings, sender, Some(latency.clone()));
        Focus { handle: Some(handle), events, listener: None, port, latency, logged_before }
    }

    /// Both sides, behind the login.
    pub async fn connected_to(features: &str) -> (Focus, Server, SessionId) {
        let mut focus = Focus::start(&unencrypted()).await;
        let (server, session) = focus.log_in(features).await;
        (focus, server, session)
    }

    /// The other side, behind the login.
    pub async fn log_in(&mut self, features: &str) -> (Server, SessionId) {
        let mut server = self.accept().await;
        server.log_in(features).await;
        // The whole of what it sends: bind, and <enable/> where that is offered.
        server.until(if features == BIND { "/>" } else { "</iq>" }).await;
        server.send(&bound()).await;
        if features == BIND {
            server.send(ENABLED).await;
        }
        let session = self.connected().await;
        (server, session)
    }

    pub async fn accept(&self) -> Server {
        let listener = self.listener.as_ref().expect("somebody listens");
        let (stream, _) = listener.accept().await.expect("a connection");
        Server { stream: Box::new(stream), seen: String::new() }
    }

    pub fn handle(&self) -> &Handle {
        self.handle.as_ref().expect("not stopped")
    }

    pub fn take_handle(&mut self) -> Handle {
        self.handle.take().expect("not stopped")
    }

    pub fn send(&self, session: SessionId, stanza: Stanza) {
        self.handle().send(session, stanza, None);
    }

    /// What happens next, apart from why it failed before: that is in the log.
    pub async fn event(&mut self) -> Event {
        loop {
            match self.events.recv().await.expect("the connection lives").1 {
                Event::Trouble { .. } => {}
                event => return event,
            }
        }
    }

    pub async fn connected(&mut self) -> SessionId {
        match self.event().await {
            Event::Connected { session, resumed: false, .. } => session,
            other => panic!("expected a login, got {other:?}"),
        }
    }

    /// The id of the next stanza, which is a message.
    pub async fn message(&mut self) -> String {
        match self.event().await {
            Event::Stanza { stanza: Stanza::Message(message), .. } => message.id.expect("it has an id"),
            other => panic!("expected a message, got {other:?}"),
        }
    }

    /// What was logged since this connection began, of its address.
    pub fn lines(&self) -> Vec<String> {
        let address = format!(":{} ", self.port);
        let new = |lines: &Vec<String>| {
            lines.iter().skip(self.logged_before).filter(|line| line.contains(&address)).cloned().collect()
        };
        LINES.with_borrow(new)
    }

    /// The first line in the log about this connection's failures.
    pub async fn logged(&self) -> String {
        loop {
            let logged = LOGGED.notified();
            if let Some(line) = self.lines().into_iter().next() {
                return line;
            }
            logged.await;
        }
    }
}
