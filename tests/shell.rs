//! The process as a whole: it logs in, and a signal ends it in order.

use std::process::{Command, Stdio, id};
use std::sync::Arc;
use std::time::Duration;

use jicofo::config::{Account, Client, Config, Secret, Xmpp};
use jicofo::server::serve;
use testkit::http::{Request, send};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

/// Nothing else may run in this process: the signal is for all of it. Other tests have processes of their own.
#[tokio::test]
async fn a_signal_closes_the_streams_and_says_which_it_was() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let account = Account {
        hostname: "127.0.0.1".into(),
        port: listener.local_addr().expect("it is bound").port(),
        domain: "auth.meet.example.com".into(),
        password: Some(Secret::new("pencil")),
        use_tls: false,
        ..Account::default()
    };
    let client = Client { account, ..Client::default() };
    let mut config = Config { xmpp: Xmpp { client, ..Xmpp::default() }, ..Config::default() };
    // Its usual port may be somebody else's here.
    config.rest.enabled = false;

    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        log_in(&mut stream).await;
        let kill = Command::new("kill").args(["-TERM", &id().to_string()]).status().expect("kill is there");
        assert!(kill.success());
        until(&mut stream, "</stream:stream>").await;
        stream.write_all(b"</stream:stream>").await.expect("it is read");
    });
    // Far below what an end takes that is not in order.
    let code = timeout(Duration::from_millis(1500), serve(Arc::new(config), || ())).await.expect("it ends at once");
    assert_eq!(code, 143);
    server.await.expect("the stream was closed");
}

/// Whoever asks over HTTP while the process ends is refused, and not left to wait.
#[tokio::test]
async fn a_request_over_http_while_the_process_ends_is_refused_at_once() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let xmpp = listener.local_addr().expect("it is bound").port();
    let rest = TcpListener::bind("127.0.0.1:0").await.and_then(|free| free.local_addr()).expect("a free port");
    let path = std::env::temp_dir().join(format!("jicofo-shell-{}.conf", id()));
    let text = format!(
        "jicofo {{ xmpp.client {{ hostname = 127.0.0.1, port = {xmpp}, domain = auth.meet.example.com, username = focus, \
         password = pencil, xmpp-domain = meet.example.com, use-tls = false }}, rest {{ host = 127.0.0.1, port = {} }} }}",
        rest.port()
    );
    std::fs::write(&path, text).expect("the temporary folder can be written");
    let mut command = Command::new(env!("CARGO_BIN_EXE_jicofo"));
    let child = command.arg("--config").arg(&path).env_clear().stdin(Stdio::null()).stdout(Stdio::null());
    let mut child = Child(child.stderr(Stdio::null()).spawn().expect("the binary was built for this test"));

    let play = async {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        log_in(&mut stream).await;
        let kill = Command::new("kill").args(["-TERM", &child.0.id().to_string()]).status().expect("kill is there");
        assert!(kill.success());
        // We do not close ours yet.
        until(&mut stream, "</stream:stream>").await;
        let request = Request::get("/debug");
        let refused = timeout(Duration::from_millis(1500), send(rest, &request)).await.expect("at once");
        assert_eq!((refused.status, refused.text().1), (503, "The focus is stopping"));
        stream.write_all(b"</stream:stream>").await.expect("it is read");
        stream
    };
    let stream = timeout(Duration::from_secs(30), play).await.expect("it logs in and ends");
    let status = child.0.wait().expect("it is our child");
    drop(stream);
    let _ = std::fs::remove_file(&path);
    assert_eq!(status.code(), Some(143));
}

/// Does not outlive the test.
struct Child(std::process::Child);

impl Drop for Child {
    fn drop(&mut self) {
        let _ = self.0.kill();
    }
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
