//! Every way in which there is no connection, and that it comes as soon as the cause is mended.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use futures::future::join_all;
use testkit::focus::{FocusProcess, Options};
use testkit::prosody::{Prosody, Wiring};
use tokio::net::{TcpListener, TcpSocket};

use super::support::{PATIENCE, focus, in_brewery, stage};

/// What one cause makes the program say.
struct Trial {
    what: &'static str,
    focus: FocusProcess,
    /// What was tried, what came back, what to do.
    says: Vec<String>,
}

impl Trial {
    async fn start(what: &'static str, prosody: &Prosody, options: Options, says: &[&str]) -> Trial {
        let focus = options.not_waiting().start(prosody).await;
        Trial { what, focus, says: says.iter().map(|part| (*part).to_owned()).collect() }
    }

    async fn check(self, secrets: &[&str]) {
        let Trial { what, focus, says } = self;
        let all = || {
            let errors = focus.errors();
            errors.len() == 1 && says.iter().all(|part| errors[0].contains(part))
        };
        assert!(focus.logged(0, " SEVERE: ", PATIENCE).await, "{what}: {}", focus.log());
        assert!(all(), "{what}: one line with {says:?} is expected in\n{}", focus.log());
        assert!(focus.log().contains("Attempts go on every"), "{what}: {}", focus.log());
        for secret in secrets {
            assert!(!focus.log().contains(secret), "{what}: a secret is in the log");
        }
        let status = focus.stop().await;
        assert_eq!(status.and_then(|status| status.code()), Some(143), "{what}: it ends in order nevertheless");
    }
}

/// Where the account and the server are wrong, in the proxy wiring.
#[tokio::test]
async fn each_failed_login_is_one_line_that_says_what_was_tried_what_came_back_and_what_to_do() {
    const WRONG: &str = "wröng-password";
    let prosody = Prosody::start(Wiring::Proxy).await;
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    // Ours as long as the test lasts, so that nobody else listens there; nor do we.
    let closed = TcpSocket::new_v4().expect("a socket can be made");
    closed.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).expect("a free port");
    let [silent_port, closed_port] =
        [silent.local_addr(), closed.local_addr()].map(|address| address.expect("it is bound").port());
    let here = format!("focus@auth.meet.test to 127.0.0.1:{}", prosody.client_address().port());
    let client = |hocon: &str| focus().configuration(&format!("jicofo.xmpp.client {{ {hocon} }}"));

    let closed_at = format!("127.0.0.1:{closed_port}");
    let trials = [
        (
            "wrong password",
            client(&format!("password = \"{WRONG}\"")),
            vec!["PROBLEM auth-failed: ", &here, "not-authorized", "prosodyctl register focus auth.meet.test"],
        ),
        (
            "missing account",
            client("username = nobody"),
            vec!["nobody@auth.meet.test", "not-authorized", "prosodyctl register nobody auth.meet.test"],
        ),
        (
            "unknown domain",
            client("domain = \"auth.other.test\""),
            vec![
                "focus@auth.other.test",
                "host-unknown",
                "jicofo.xmpp.client.domain: \"auth.other.test\" is no VirtualHost",
            ],
        ),
        (
            "untrusted certificate",
            focus().environment("SSL_CERT_FILE", certificate("expired").to_str().expect("a plain path")),
            vec![&here, "is untrusted", "SHA-256 ", "names: auth.meet.test", "update-ca-certificates"],
        ),
        (
            "closed port",
            focus().client_port(closed_port),
            vec![&closed_at, "Connection refused", "Is the XMPP server running?"],
        ),
        (
            "name that does not resolve",
            client("hostname = \"no-such-host.invalid\""),
            vec!["no-such-host.invalid", "does not resolve", "Check jicofo.xmpp.client.hostname"],
        ),
        (
            "port of HTTP",
            focus().client_port(prosody.http_address().port()),
            vec![
                "no answer within 30 s while waiting for the stream's header",
                "Check jicofo.xmpp.client.port",
                "not that of HTTP or BOSH",
            ],
        ),
        (
            "silent server",
            focus().client_port(silent_port),
            vec![
                "no answer within 30 s while waiting for the stream's header",
                "Does an XMPP server listen on 127.0.0.1:",
            ],
        ),
    ];
    let trials = trials.map(|(what, options, says)| {
        let prosody = &prosody;
        async move { Trial::start(what, prosody, options, &says).await.check(&[WRONG, prosody.focus_password()]).await }
    });
    join_all(trials).await;
}

/// The project's certificates are all for `auth.meet.example.com`.
fn certificate(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/data/certs/{name}.pem"))
}

/// A Prosody whose auth domain shows that certificate, and a focus that trusts it.
async fn with_certificate(domain: &str, name: &str) -> (Prosody, Options) {
    let host = format!(
        "VirtualHost \"auth.{domain}\"\n\tssl = {{ certificate = {:?}, key = {:?} }}\n",
        certificate(name),
        certificate("key")
    );
    let prosody = Prosody::with(Wiring::Proxy).domain(domain).more(&host).start().await;
    (prosody, focus().environment("SSL_CERT_FILE", certificate(name).to_str().expect("a plain path")))
}

#[tokio::test]
async fn a_trusted_certificate_that_is_expired_or_for_another_name_is_told_apart() {
    let (expired, options) = with_certificate("meet.example.com", "expired").await;
    let says = ["is expired", "valid 2020-01-01", "prosodyctl cert generate auth.meet.example.com"];
    let trial = Trial::start("expired certificate", &expired, options, &says).await;
    trial.check(&[expired.focus_password()]).await;

    let (other, options) = with_certificate("meet.test", "self-signed-ca").await;
    let says = [
        "for another name than \"auth.meet.test\" (wrong name)",
        "names: auth.meet.example.com",
        "Check jicofo.xmpp.client.domain",
    ];
    let trial = Trial::start("certificate for another name", &other, options, &says).await;
    trial.check(&[other.focus_password()]).await;
}

#[tokio::test]
async fn a_refused_component_is_one_line_and_nothing_else_fails() {
    let classic = Prosody::start(Wiring::Classic).await;
    // The port for components is open for another one, but `focus.…` is none that connects.
    let open_port = "component_ports = { tonumber(ENV_XMPP_COMPONENT_PORT) }\n\
                     Component \"other.meet.test\"\n\tcomponent_secret = \"other-secret\"\n";
    let proxy = Prosody::with(Wiring::Proxy).more(open_port).start().await;
    let proxy_closed = Prosody::start(Wiring::Proxy).await;
    let component = |prosody: &Prosody| {
        focus()
            .argument("--domain=meet.test")
            .argument("--host=127.0.0.1")
            .argument(&format!("--port={}", prosody.component_address().port()))
            .argument("--secret=wrong-secret")
    };
    let port = |prosody: &Prosody| format!("focus.meet.test to 127.0.0.1:{}", prosody.component_address().port());
    let trials = [
        (
            &classic,
            focus().argument("--secret=wrong-secret"),
            vec![port(&classic), "not-authorized".into(), "The secret is wrong".into(), "JICOFO_SECRET".into()],
        ),
        (
            &proxy,
            component(&proxy),
            vec![port(&proxy), "If it is a client_proxy there, leave --secret and JICOFO_SECRET away".into()],
        ),
        (
            &proxy_closed,
            component(&proxy_closed),
            vec![port(&proxy_closed), "Connection refused".into(), "component_ports".into()],
        ),
    ];
    for (prosody, options, says) in trials {
        let trial = Trial { what: "component", focus: options.not_waiting().start(prosody).await, says };
        // The user's connection is there all the same.
        in_brewery(prosody, 0).await;
        trial.check(&["wrong-secret", prosody.component_secret(), prosody.focus_password()]).await;
    }
}

#[tokio::test]
async fn what_is_mended_while_the_program_runs_needs_no_restart() {
    tokio::join!(a_password_that_is_set_later(), a_certificate_that_is_trusted_later(), a_server_that_starts_later());
}

async fn a_password_that_is_set_later() {
    let prosody = Prosody::start(Wiring::Proxy).await;
    let focus = focus().configuration("jicofo.xmpp.client.password = later").not_waiting().start(&prosody).await;
    assert!(focus.logged(0, "not-authorized", PATIENCE).await, "{}", focus.log());
    prosody.set_password("focus", "later");
    meets(&prosody, &focus).await;
}

async fn a_certificate_that_is_trusted_later() {
    let prosody = Prosody::start(Wiring::Proxy).await;
    let store = prosody.folder().join("store.pem");
    fs::copy(certificate("expired"), &store).expect("a file can be copied");
    let options = focus().environment("SSL_CERT_FILE", store.to_str().expect("a plain path"));
    let focus = options.not_waiting().start(&prosody).await;
    assert!(focus.logged(0, "is untrusted", PATIENCE).await, "{}", focus.log());
    fs::copy(prosody.certificate(), &store).expect("a file can be copied");
    meets(&prosody, &focus).await;
}

async fn a_server_that_starts_later() {
    let mut prosody = Prosody::start(Wiring::Classic).await;
    prosody.kill();
    let focus = focus().not_waiting().start(&prosody).await;
    assert!(focus.logged(0, "Connection refused", PATIENCE).await, "{}", focus.log());
    prosody.start_again().await;
    assert!(prosody.logged(0, "External component successfully authenticated", PATIENCE).await, "{}", focus.log());
    meets(&prosody, &focus).await;
}

async fn meets(prosody: &Prosody, focus: &FocusProcess) {
    in_brewery(prosody, 0).await;
    let mut stage = stage(prosody);
    stage.bridge("jvb1").await;
    stage.joins("alice").await;
    stage.joins("bob").await;
    stage.agree().await;
    stage.finish().await;
    assert!(focus.log().contains("failed attempts"), "{}", focus.log());
}
