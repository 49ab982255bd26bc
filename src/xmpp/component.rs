//! Connecting as an external component (XEP-0114): a digest of a shared secret, no TLS, no stream management.

use std::time::Duration;

use sha1::{Digest, Sha1};
use tokio::time::Instant;

use super::errors::Error;
use super::route::Route;
use super::session::{Established, PingAddress};
use super::socket::{Socket, Transport};
use super::stream::{Kind, LOGIN_TIMEOUT, XmlStream};
use crate::config::Component;
use crate::wire::Jid;
use crate::wire::sm::{Handshake, Incoming};

/// How long an answer to a ping may take; a component's configuration does not say.
const REPLY_TIMEOUT: Duration = Duration::from_secs(15);

pub async fn connect_component(component: &Component, route: &mut Route) -> Result<Established, Error> {
    let socket = route.connect().await?;
    let address = socket.peer;
    let result = log_in(component, socket).await;
    route.led(address, result.is_ok());
    result
}

async fn log_in(component: &Component, socket: Socket) -> Result<Established, Error> {
    let jid = Jid::new(&component.domain).map_err(|_| Error::Domain(component.domain.clone()))?;
    let mut stream = XmlStream::new(Transport::Plain(socket), Instant::now() + LOGIN_TIMEOUT);
    handshake(&mut stream, component).await.map_err(|error| match error {
        Error::Stream { condition, text } => Error::ComponentRefused { condition, text },
        error => error,
    })?;
    // `<domain>` of `focus.<domain>`. Whether it is anybody's does not matter: an error is an answer, too.
    let parent = component.domain.split_once('.').map_or(component.domain.as_str(), |(_, parent)| parent);
    let ping = PingAddress { from: Some(jid.clone()), to: Jid::new(parent).ok() };
    let XmlStream { transport, framer, .. } = stream;
    Ok(Established { transport, framer, jid, sm: None, resumed: false, ping, reply_timeout: REPLY_TIMEOUT })
}

async fn handshake(stream: &mut XmlStream, component: &Component) -> Result<(), Error> {
    let header = stream.open(Kind::Component, &component.domain).await?;
    stream.doing("shaking hands as a component");
    let Some(id) = header.id else {
        // A server that refuses says so in a header of its own (XEP-0114 §3, host-unknown).
        return Err(stream.next().await.err().unwrap_or_else(|| stream.unexpected("a header without id")));
    };
    stream.push(&Handshake { digest: digest(&id, component.secret.expose()) });
    stream.flush().await?;
    match stream.next().await? {
        Incoming::Handshake(_) => Ok(()),
        _ => Err(stream.unexpected("something else than <handshake/>")),
    }
}

/// Lower-case hex of SHA-1 over the stream's id and the secret.
fn digest(id: &str, secret: &str) -> String {
    hex::encode(Sha1::new().chain_update(id).chain_update(secret).finalize())
}

#[cfg(test)]
mod tests {
    /// The example of XEP-0114 §3.
    #[test]
    fn the_digest_is_that_of_the_specification() {
        assert_eq!(super::digest("3BF96D32", "test"), "aaee83c26aeeafcbabeabfcbcd50df997e0a2a1e");
    }
}
