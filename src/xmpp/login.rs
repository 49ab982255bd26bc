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
    if encrypts(features.starttls.as_ref(), account.use_tls, loopback)? {
        stream = start_tls(stream, &*connector()?).await?;
        features = open(&mut stream, account).await?;
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

/// Whether to start TLS (spec/70 §10.2).
fn encrypts(offered: Option<&StartTls>, use_tls: bool, loopback: bool) -> Result<bool, Error> {
    match offered {
        Some(_) if use_tls => Ok(true),
        Some(StartTls { required: true }) => Err(Error::TlsRequired),
        // Within this machine nobody listens, and there are installations without any certificate.
        None if use_tls && !loopback => Err(Error::NoStartTls),
        _ => Ok(false),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Covers spec/70: 27.
    #[test]
    fn what_is_not_encrypted_stays_on_this_machine_unless_that_is_configured() {
        let offered = Some(&StartTls { required: false });
        let required = Some(&StartTls { required: true });
        for loopback in [true, false] {
            assert!(matches!(encrypts(offered, true, loopback), Ok(true)));
            assert!(matches!(encrypts(required, true, loopback), Ok(true)));
            assert!(matches!(encrypts(offered, false, loopback), Ok(false)));
            assert!(matches!(encrypts(required, false, loopback), Err(Error::TlsRequired)));
            assert!(matches!(encrypts(None, false, loopback), Ok(false)));
        }
        assert!(matches!(encrypts(None, true, true), Ok(false)));
        assert!(matches!(encrypts(None, true, false), Err(Error::NoStartTls)));
    }
}
