//! A line to a server that can be cut, stalled and mended: what networks do to a connection.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Whole,
    /// Connections stay, bytes do not arrive.
    Stalled,
    /// Connections are broken, new ones are closed at once.
    Cut,
}

/// Forwards connections to a server. All of them break when this is dropped.
pub struct TcpProxy {
    address: SocketAddr,
    state: watch::Sender<State>,
    task: JoinHandle<()>,
}

impl TcpProxy {
    pub async fn to(server: SocketAddr) -> TcpProxy {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let (state, states) = watch::channel(State::Whole);
        let task = tokio::spawn(accept(listener, server, states));
        TcpProxy { address, state, task }
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Breaks all connections, and lets no new one through until [`TcpProxy::mend`].
    pub fn cut(&self) {
        self.state.send_replace(State::Cut);
    }

    /// Holds back all bytes in both directions; they arrive after [`TcpProxy::mend`], unless the connection has ended.
    pub fn stall(&self) {
        self.state.send_replace(State::Stalled);
    }

    pub fn mend(&self) {
        self.state.send_replace(State::Whole);
    }
}

impl Drop for TcpProxy {
    fn drop(&mut self) {
        self.state.send_replace(State::Cut);
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, server: SocketAddr, state: watch::Receiver<State>) {
    while let Ok((near, _)) = listener.accept().await {
        let mut cut = state.clone();
        let line = forward(near, server, state.clone());
        tokio::spawn(async move {
            tokio::select! {
                _ = line => {}
                _ = cut.wait_for(|state| *state == State::Cut) => {}
            }
        });
    }
}

/// Until one of the two sides closes; what it said before arrives.
async fn forward(near: TcpStream, server: SocketAddr, state: watch::Receiver<State>) -> io::Result<()> {
    let far = TcpStream::connect(server).await?;
    near.set_nodelay(true)?;
    far.set_nodelay(true)?;
    let (near_in, near_out) = near.into_split();
    let (far_in, far_out) = far.into_split();
    tokio::select! {
        ended = pump(near_in, far_out, state.clone()) => ended,
        ended = pump(far_in, near_out, state) => ended,
    }
}

async fn pump(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut state: watch::Receiver<State>) -> io::Result<()> {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let count = from.read(&mut buffer).await?;
        if count == 0 {
            return Ok(());
        }
        // An error: the proxy is gone, and with it this line.
        state.wait_for(|state| *state == State::Whole).await.map_err(io::Error::other)?;
        to.write_all(&buffer[..count]).await?;
    }
}
