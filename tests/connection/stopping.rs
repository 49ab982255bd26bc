//! Stops, which send what is queued.

use std::time::Duration;

use tokio::net::TcpSocket;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use crate::focus::{Focus, message};
use crate::server::{BIND, Server};

#[tokio::test(start_paused = true)]
async fn a_stop_sends_what_is_queued_and_closes_the_stream() {
    let (mut focus, mut server, session) = Focus::connected_to(BIND).await;
    focus.send(session, message("last"));
    let stopping = tokio::spawn(focus.take_handle().stop());
    let sent = server.until("</stream:stream>").await;
    assert!(sent.contains("last"), "{sent}");
    server.send("</stream:stream>").await;
    let waited = Instant::now();
    stopping.await.expect("it stops");
    assert_eq!(waited.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_stop_waits_two_seconds_for_a_server_that_does_not_close() {
    let (mut focus, mut server, _) = Focus::connected_to(BIND).await;
    let stopping = tokio::spawn(focus.take_handle().stop());
    server.until("</stream:stream>").await;
    let waited = Instant::now();
    stopping.await.expect("it stops");
    assert_eq!(waited.elapsed().as_secs(), 2);
}

/// What is queued at a stop may be more than a slow server takes in that time.
#[tokio::test(start_paused = true)]
async fn a_stop_goes_on_as_long_as_the_server_takes_what_is_queued() {
    /// Several times what two sockets take in advance, so that the rest waits with us.
    async fn much_queued() -> (Server, JoinHandle<()>) {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_recv_buffer_size(64 * 1024).expect("a small one");
        let mut focus = Focus::on(socket, 8);
        let (server, session) = focus.log_in(BIND).await;
        for _ in 0..100 {
            focus.send(session, message(&"x".repeat(100_000)));
        }
        (server, tokio::spawn(focus.take_handle().stop()))
    }

    let (mut server, stopping) = much_queued().await;
    let begin = Instant::now();
    for slice in 0..4 {
        sleep(Duration::from_millis(1_500)).await;
        server.take(2 << 20).await.unwrap_or_else(|error| panic!("slice {slice}: {error}"));
    }
    let rest = server.rest_until_end().await;
    assert!(rest.ends_with("</stream:stream>"), "{} bytes", rest.len());
    server.send("</stream:stream>").await;
    stopping.await.expect("it stops");
    assert_eq!(begin.elapsed().as_secs(), 6);

    // One that takes and says nothing is not waited for; and none is for ever.
    for (speaks, lasts) in [(false, 2..=4), (true, 8..=8)] {
        let (mut server, mut stopping) = much_queued().await;
        let begin = Instant::now();
        loop {
            tokio::select! {
                stopped = &mut stopping => break stopped.expect("it stops"),
                () = sleep(Duration::from_millis(1_100)) => {}
            }
            if speaks {
                server.send("<message id='others'/>").await;
            }
        }
        assert!(lasts.contains(&begin.elapsed().as_secs()), "{speaks}: {:?}", begin.elapsed());
    }
}
