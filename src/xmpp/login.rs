//! From the connected socket to a stream on which we are logged in: header, STARTTLS, SASL (RFC 6120 §4 to §6).

use tokio::time::Instant;

use super::errors::Error;
use super::framing::Framer;
use super::sasl::authenticate;
use super::socket::{Socket, Transport};
use super::stream::{Kind, LOGIN_TIMEOUT, XmlStream, within};
use super::tls::Connector;
use crate::config::Account;
use crate::wire::sm::{Features, Incoming, StartTls};

/// Logs in and says what the server offers to those who are.
pub async fn login(
    socket: Socket,
    account: &Account,
    connector: impl FnOnce() -> Result<std::sync::Arc<Connector>, Error>,
) -> Result<(XmlStream, Features), Error> {
    let loopback = socket.peer.ip().is_loopback();
    let mut stream = XmlStream::new(Transport::Plain(socket), Instant::now() + LOGIN_TIMEOUT);
    let mut features = open(&mut stream, account).await?;
    match &features.starttls {
        Some(_) if account.use_tls => {
            stream = start_tls(stream, &*connector()?).await?;
            features = open(&mut stream, account).await?;
        }
        Some(StartTls { required: true }) => return Err(Error::TlsRequired),
        // Within this machine nobody listens, and there are installations without any certificate.
        None if account.use_tls && !loopback => return Err(Error::NoStartTls),
        _ => {}
    }
    // Without TLS the password is sent only to those who have said that there shall be none.
    let plain_allowed = stream.transport.is_encrypted() || !account.use_tls;
    let offered = features.mechanisms.unwrap_or_default();
    authenticate(&mut stream, &offered, account, plain_allowed).await?;
    // The stream begins anew on the same bytes: what came behind <success/> belongs to it.
    stream.framer.restart();
    let features = open(&mut stream, account).await?;
    Ok((stream, features))
}

/// Opens the stream and waits for what is offered.
async fn open(stream: &mut XmlStream, account: &Account) -> Result<Features, Error> {
    stream.open(Kind::Client, &account.domain).await?;
    stream.doing("waiting for the stream's features");
    match stream.next().await? {
        Incoming::Features(features) => Ok(features),
        _ => Err(stream.unexpected("something else than <features/>")),
    }
}

async fn start_tls(mut stream: XmlStream, connector: &Connector) -> Result<XmlStream, Error> {
    stream.doing("asking for TLS");
    stream.push(&StartTls::default());
    stream.flush().await?;
    match stream.next().await? {
        Incoming::Proceed(_) => {}
        Incoming::TlsFailure(_) => return Err(Error::TlsRefused),
        _ => return Err(stream.unexpected("something else than <proceed/>")),
    }
    if !stream.framer.is_empty() {
        return Err(Error::EarlyData);
    }
    let deadline = stream.deadline();
    let XmlStream { transport: Transport::Plain(socket), .. } = stream else {
        return Err(stream.unexpected("a second offer of TLS"));
    };
    let tls = within(deadline, "negotiating TLS", connector.connect(socket)).await??;
    stream = XmlStream::new(Transport::Tls(Box::new(tls)), deadline);
    stream.framer = Framer::new();
    Ok(stream)
}
