//! Connecting as a user: log in, then go on with the session of before or begin one (RFC 6120 §7, XEP-0198 §5).

use std::sync::Arc;

use super::errors::{Error, condition};
use super::lingering::Lingering;
use super::login::login;
use super::route::Route;
use super::session::{Established, OWN_ID, PingAddress};
use super::sm::StreamManagement;
use super::socket::Socket;
use super::stream::XmlStream;
use super::tls::{Connector, Trust};
use crate::config::Account;
use crate::wire::Jid;
use crate::wire::ns::SESSION;
use crate::wire::sm::{Bind, Enable, Features, Incoming, Resume};
use crate::wire::stanza::{Iq, IqBody, Payload, Stanza};
use crate::wire::values::StanzaId;
use crate::wire::xml::{Element, Node, Writer};

/// A user's connection, while there is none.
pub struct Client {
    account: Account,
    trust: Trust,
    route: Route,
    /// Kept over attempts, as it holds the system's store and TLS sessions.
    connector: Option<Arc<Connector>>,
    /// The session to go on with, and who we were in it.
    pub session: Option<(StreamManagement, Jid)>,
    /// Its connection, if the server may yet read from that.
    pub before: Option<Lingering>,
}

impl Client {
    pub fn new(account: Account, trust: Trust) -> Client {
        let route = Route::new(&account.hostname, account.port);
        Client { account, trust, route, connector: None, session: None, before: None }
    }

    pub async fn connect(&mut self) -> Result<Established, Error> {
        let socket = self.route.connect().await?;
        let address = socket.peer;
        let result = self.log_in(socket).await;
        self.route.led(address, result.is_ok());
        if let Err(Error::Certificate(_)) = result {
            // People put it into the store while we run.
            self.connector = None;
        }
        result
    }

    async fn log_in(&mut self, socket: Socket) -> Result<Established, Error> {
        let Client { account, trust, connector, .. } = self;
        let connector = || match connector {
            Some(connector) => Ok(connector.clone()),
            None => {
                let made = Arc::new(Connector::new(&account.domain, trust.clone())?);
                Ok(connector.insert(made).clone())
            }
        };
        let (mut stream, features) = login(socket, account, connector).await?;
        if features.stream_management && self.resume(&mut stream).await? {
            if let Some((session, jid)) = self.session.take() {
                return Ok(self.established(stream, jid, Some(session), true));
            }
        }
        self.session = None;
        let (jid, sm) = bind(&mut stream, &features, &self.account.resource).await?;
        Ok(self.established(stream, jid, sm, false))
    }

    /// Whether the session of before goes on. It is kept if the connection breaks before the server has said so.
    async fn resume(&mut self, stream: &mut XmlStream) -> Result<bool, Error> {
        let Some((session, _)) = &mut self.session else { return Ok(false) };
        let Some(previd) = session.id.clone() else { return Ok(false) };
        if let Some(before) = &mut self.before {
            before.is_read().await;
            stream.has_waited();
        }
        stream.doing("resuming the session");
        stream.push(&Resume { previd, h: session.h() });
        stream.flush().await?;
        loop {
            match stream.next().await? {
                Incoming::Resumed(resumed) => {
                    let counted = session.resumed(resumed.h);
                    if counted.is_err() {
                        self.session = None;
                    }
                    return counted.map(|()| true);
                }
                Incoming::Failed(failed) => {
                    log::info!("the session cannot be resumed ({})", condition(&failed.condition));
                    return Ok(false);
                }
                _ => log::debug!("skipped an element that came before the answer to <resume/>"),
            }
        }
    }

    fn established(&self, stream: XmlStream, jid: Jid, sm: Option<StreamManagement>, resumed: bool) -> Established {
        let ping = PingAddress { from: None, to: Jid::new(&self.account.domain).ok() };
        let XmlStream { transport, framer, .. } = stream;
        Established { transport, framer, jid, sm, resumed, ping, reply_timeout: self.account.reply_timeout }
    }
}

/// Begins a session: one write with all that it takes (each answer that is awaited costs a round trip).
async fn bind(
    stream: &mut XmlStream,
    features: &Features,
    resource: &str,
) -> Result<(Jid, Option<StreamManagement>), Error> {
    stream.doing("binding the resource");
    let id = StanzaId::from(format!("{OWN_ID}bind"));
    let bind = Payload::Bind(Bind { resource: Some(resource.to_owned()), jid: None });
    stream.push(&Iq { from: None, to: None, id: id.clone(), body: IqBody::Set(bind) });
    if features.session.as_ref().is_some_and(|session| !session.optional) {
        stream.push(&SessionRequest);
    }
    let sm = features.stream_management.then(|| {
        stream.push(&Enable { resume: true });
        StreamManagement::default()
    });
    stream.flush().await?;
    loop {
        match stream.next().await? {
            Incoming::Stanza(Stanza::Iq(iq)) if iq.id == id => match iq.body {
                IqBody::Result(Some(Payload::Bind(Bind { jid: Some(jid), .. }))) => match Jid::new(&jid) {
                    Ok(jid) => return Ok((jid, sm)),
                    Err(error) => return Err(stream.unexpected(&format!("an address that is none ({error})"))),
                },
                IqBody::Error(error) => {
                    return Err(Error::BindRefused { condition: error.condition.to_string(), text: error.text });
                }
                _ => return Err(stream.unexpected("an answer without our address")),
            },
            // The last presences of a predecessor with this resource: they are not for this session (spec/10 §5.7).
            _ => log::debug!("skipped an element that came before the answer to <bind/>"),
        }
    }
}

/// What servers of RFC 3921 want before stanzas. The answer is one to this layer.
struct SessionRequest;

impl Element for SessionRequest {
    fn is(_: Node<'_, '_>) -> bool {
        false
    }
    fn read(node: Node<'_, '_>) -> Result<Self, crate::wire::xml::Error> {
        Err(node.unexpected())
    }
    fn write(&self, w: &mut Writer<'_>) {
        let parent = w.start(crate::wire::ns::STANZA, "iq");
        w.attribute_str("type", "set");
        w.attribute_str("id", &format!("{OWN_ID}session"));
        w.flag(SESSION, "session", true);
        w.end("iq", parent);
    }
}
