//! Connections: how many there are, how slow they may be, and which goes first when there are too many.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;
use tokio::time::{sleep, timeout};

/// A process has 1,024 descriptors where nobody says otherwise, and the connections to the server need some of them.
const MAX_CONNECTIONS: usize = 512;

/// How long the header of a request may take, also of the next one on a connection that is kept.
const HEADER_TIMEOUT: Duration = Duration::from_secs(20);

/// How long a connection may last: then it ends behind the request that is under way, and is opened anew by whoever needs it.
const LIFETIME: Duration = Duration::from_secs(600);

/// How long that request may take yet: more than any is waited for.
const LAST_REQUEST: Duration = Duration::from_secs(70);

/// The header of a request, or what of an answer waits to be written.
const MAX_BUFFER: usize = 16 * 1024;

const MAX_HEADERS: usize = 64;

/// When nothing can be accepted (no descriptors are left), how long until the next try.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

pub(super) async fn accept(listener: TcpListener, router: Router) {
    let open = Arc::new(Open::default());
    let mut told = false;
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                told = false;
                open.clone().add(stream, router.clone());
            }
            Err(error) => {
                if !std::mem::replace(&mut told, true) {
                    log::warn!("The HTTP interface cannot accept connections ({error}); it tries again");
                }
                sleep(ACCEPT_AGAIN).await;
            }
        }
    }
}

/// All connections that are open, in the order in which they came.
#[derive(Default)]
struct Open {
    all: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    count: u64,
    connections: BTreeMap<u64, Connection>,
}

struct Connection {
    /// Of its requests so many are being handled. What has no request under way waits for its client.
    under_way: Arc<AtomicU32>,
    task: AbortHandle,
}

impl Open {
    fn table(&self) -> MutexGuard<'_, Table> {
        // What panicked while it held the lock left a table in order: each change is one step.
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Serves a connection, at the cost of the oldest one that waits for its client if there are too many.
    fn add(self: Arc<Self>, stream: TcpStream, router: Router) {
        let mut table = self.table();
        if table.connections.len() >= MAX_CONNECTIONS {
            let idle = |connection: &Connection| connection.under_way.load(Ordering::Relaxed) == 0;
            let oldest = table.connections.iter().find(|(_, connection)| idle(connection)).map(|(id, _)| *id);
            // With a request under way on each of them, the newcomer has to come again.
            let Some(connection) = oldest.and_then(|id| table.connections.remove(&id)) else { return };
            connection.task.abort();
        }
        table.count += 1;
        let id = table.count;
        let under_way = Arc::new(AtomicU32::new(0));
        let serving = serve(stream, router, under_way.clone());
        let open = self.clone();
        let task = tokio::spawn(async move {
            let _removed = Removed { open, id };
            serving.await;
        });
        table.connections.insert(id, Connection { under_way, task: task.abort_handle() });
    }
}

/// Takes a connection out of the table, however it ended.
struct Removed {
    open: Arc<Open>,
    id: u64,
}

impl Drop for Removed {
    fn drop(&mut self) {
        self.open.table().connections.remove(&self.id);
    }
}

/// Counts a request as long as it is there.
struct UnderWay(Arc<AtomicU32>);

impl UnderWay {
    fn new(count: &Arc<AtomicU32>) -> UnderWay {
        count.fetch_add(1, Ordering::Relaxed);
        UnderWay(count.clone())
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

async fn serve(stream: TcpStream, router: Router, under_way: Arc<AtomicU32>) {
    // An answer is one write.
    let _ = stream.set_nodelay(true);
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
        let counted = UnderWay::new(&under_way);
        let answer = router.call(request.map(Body::new));
        async move {
            let answer = answer.await;
            drop(counted);
            answer
        }
    });
    let mut http = hyper::server::conn::http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT).max_headers(MAX_HEADERS).max_buf_size(MAX_BUFFER);
    let mut connection = pin!(http.serve_connection(TokioIo::new(stream), service));
    let ended = match timeout(LIFETIME, connection.as_mut()).await {
        Ok(ended) => Ok(ended),
        Err(_) => {
            connection.as_mut().graceful_shutdown();
            timeout(LAST_REQUEST, connection).await
        }
    };
    match ended {
        Ok(Ok(())) => {}
        Ok(Err(error)) => log::debug!("an HTTP connection ends: {error}"),
        Err(_) => log::debug!("an HTTP connection is cut: its last request takes too long"),
    }
}
