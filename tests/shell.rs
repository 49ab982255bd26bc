//! The process as a whole: it logs in, and a signal ends it in order.

use std::process::{Command, id};
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use jicofo::config::{Account, Client, Config, Secret, Xmpp};
use jicofo::server::serve;
use testkit::http::{Request, send};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::Mutex;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, pause, timeout};

/// One at a time: the signal is for all of this process. Other tests have processes of their own.
static SIGNALLED: Mutex<()> = Mutex::const_new(());

/// Longer than anything here takes, also on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Far below what an end takes that is not in order, in time that passes only when somebody waits for it.
const AT_ONCE: Duration = Duration::from_millis(1500);

#[tokio::test]
async fn a_signal_closes_the_streams_and_says_which_it_was() {
    let _alone = SIGNALLED.lock().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let mut config = logging_in_at(&listener);
    // Its usual port may be somebody else's here.
    config.rest.enabled = false;

    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        log_in(&mut stream).await;
        let still = Still::begin();
        terminate();
        until(&mut stream, "</stream:stream>").await;
        stream.write_all(b"</stream:stream>").await.expect("it is read");
        still
    });
    let code = timeout(PATIENCE, serve(Arc::new(config), || ())).await.expect("it ends");
    assert_eq!(code, 143);
    let still = server.await.expect("the stream was closed");
    assert!(still.began.elapsed() < AT_ONCE, "{:?}", still.began.elapsed());
}

/// Whoever asks over HTTP while the process ends is refused, and not left to wait.
#[tokio::test]
async fn a_request_over_http_while_the_process_ends_is_refused_at_once() {
    let _alone = SIGNALLED.lock().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let mut config = logging_in_at(&listener);
    // Bound, so that nobody is given the port. Who asks for it by number may listen there: both reuse it.
    let kept = TcpSocket::new_v4().expect("a socket");
    kept.set_reuseaddr(true).expect("it is not bound yet");
    kept.bind("127.0.0.1:0".parse().expect("an address")).expect("a free port");
    let rest = kept.local_addr().expect("it is bound");
    (config.rest.host, config.rest.port) = (rest.ip().to_string(), rest.port());

    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        log_in(&mut stream).await;
        let still = Still::begin();
        terminate();
        // We do not close ours yet.
        until(&mut stream, "</stream:stream>").await;
        let refused = send(rest, &Request::get("/debug")).await;
        assert_eq!((refused.status, refused.text().1), (503, "The focus is stopping"));
        assert!(still.began.elapsed() < AT_ONCE, "{:?}", still.began.elapsed());
        stream.write_all(b"</stream:stream>").await.expect("it is read");
        (still, stream)
    });
    let code = timeout(PATIENCE, serve(Arc::new(config), || ())).await.expect("it ends");
    assert_eq!(code, 143);
    server.await.expect("the request was refused, and the stream closed");
}

/// While this is there time stands still, but for half a minute at most: what has to wait for it is late then, and
/// nothing else is, however slow the machine.
struct Still {
    began: Instant,
    _held: Sender<()>,
}

impl Still {
    fn begin() -> Still {
        pause();
        let (held, over) = channel();
        // Time that is paused jumps on whenever nobody has anything to do, but not while a blocking task runs.
        spawn_blocking(move || over.recv_timeout(PATIENCE / 2));
        Still { began: Instant::now(), _held: held }
    }
}

/// A user of the server that listens there.
fn logging_in_at(server: &TcpListener) -> Config {
    let account = Account {
        hostname: "127.0.0.1".into(),
        port: server.local_addr().expect("it is bound").port(),
        domain: "auth.meet.example.com".into(),
        password: Some(Secret::new("pencil")),
        use_tls: false,
        ..Account::default()
    };
    let client = Client { account, ..Client::default() };
    Config { xmpp: Xmpp { client, ..Xmpp::default() }, ..Config::default() }
}

/// As whoever stops the process does.
fn terminate() {
    let kill = Command::new("kill").args(["-TERM", &id().to_string()]).status().expect("kill is there");
    assert!(kill.success());
}

async fn log_in(stream: &mut TcpStream) {
    const HEADER: &str =
        "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>";
    let script = [
        (
            "version='1.0'>",
            "<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>PLAIN</mechanism>\
             </mechanisms></stream:features>",
        ),
        ("</auth>", "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>"),
        ("version='1.0'>", "<stream:features><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></stream:features>"),
        (
            "</iq>",
            "<iq type='result' id='connection-bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>\
             <jid>focus@auth.meet.example.com/focus</jid></bind></iq>",
        ),
    ];
    for (received, answer) in script {
        until(stream, received).await;
        let header = if answer.contains("<stream:features>") { HEADER } else { "" };
        stream.write_all(format!("{header}{answer}").as_bytes()).await.expect("it is read");
    }
}

async fn until(stream: &mut TcpStream, text: &str) {
    let mut seen = Vec::new();
    while !String::from_utf8_lossy(&seen).contains(text) {
        assert!(stream.read_buf(&mut seen).await.expect("it is sent") > 0, "closed before {text}");
    }
}
