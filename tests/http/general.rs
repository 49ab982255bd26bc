//! What holds for all paths, and the version.

use std::net::TcpListener;
use std::process::{Command, Stdio};

use jicofo::config::Config;
use testkit::http::Request;
use testkit::scenario::Scenario;

use crate::support::*;

/// Covers spec/80: 8.
#[test]
fn the_version_is_told_under_the_name_that_monitoring_knows() {
    let (mut s, mut api) = started(Scenario::new());
    let answer = api.get(&mut s, "/about/version");
    let told = answer.json();
    assert_eq!((answer.status, &told["name"], &told["os"]), (200, &"JiCoFo".into(), &"Linux".into()));
    assert_eq!(told["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(told.as_object().map(serde_json::Map::len), Some(3));
}

#[test]
fn what_is_not_there_is_404_and_what_is_not_done_with_it_405_without_a_word() {
    let (mut s, mut api) = started(Scenario::new());
    for path in ["/", "/nothing", "/about/version/", "/about", "/about/health", "//about/version"] {
        let answer = api.get(&mut s, path);
        assert_eq!((answer.status, &*answer.body, answer.content_type()), (404, "", ""), "{path}");
        assert_eq!(answer.header("content-length"), Some("0"));
    }
    for (method, path) in [("POST", "/about/version"), ("GET", "/conference-request/v1"), ("DELETE", "/pin")] {
        let answer = api.send(&mut s, Request::new(method, path));
        assert_eq!((answer.status, &*answer.body, answer.content_type()), (405, "", ""), "{method} {path}");
    }
    // As GET, without the body.
    let head = api.send(&mut s, Request::new("HEAD", "/about/version"));
    assert_eq!((head.status, head.content_type(), &*head.body), (200, "application/json", ""));
}

#[test]
fn what_is_switched_off_is_not_there() {
    let off = |config: &mut Config| {
        let rest = &mut config.rest;
        (rest.prometheus, rest.conference_request, rest.move_endpoints) = (false, false, false);
        (rest.debug, rest.pin) = (false, false);
    };
    let (mut s, mut api) = started(Scenario::new().config(off));
    for path in ["/move-endpoints/move-endpoint", "/move-endpoints/move-fraction", "/pin"] {
        assert_eq!(api.get(&mut s, path).status, 404, "{path}");
    }
    for path in ["/conference-request/v1", "/pin/remove"] {
        assert_eq!(api.post(&mut s, path, "{}").status, 404, "{path}");
    }
    assert_eq!(api.get(&mut s, "/about/version").status, 200);
}

/// As everything is, it runs to no purpose: whoever watches it, and clients behind it, would see nothing of it.
///
/// Covers spec/80: 31.
#[test]
fn a_port_that_is_taken_ends_the_start_before_anybody_is_told_of_it() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let server = TcpListener::bind("127.0.0.1:0").expect("a free port");
    server.set_nonblocking(true).expect("a socket");
    let address = taken.local_addr().expect("it is bound");
    let file = std::env::temp_dir().join(format!("jicofo-port-{}.conf", std::process::id()));
    let text = format!(
        "jicofo.rest.port = {}\njicofo.xmpp.client {{ domain = a.x, password = p, hostname = \"127.0.0.1\", port = {} }}",
        address.port(),
        server.local_addr().expect("it is bound").port()
    );
    std::fs::write(&file, text).expect("the temporary folder can be written");
    let mut command = Command::new(env!("CARGO_BIN_EXE_jicofo"));
    command.arg("--config").arg(&file).env_clear().stdin(Stdio::null());
    let output = command.output().expect("the binary was built for this test");
    let said = String::from_utf8_lossy(&output.stderr);
    let _ = std::fs::remove_file(file);
    assert_eq!(output.status.code(), Some(1), "{said}");
    let says = format!("Cannot start: the HTTP interface cannot listen on {address} (Address already in use");
    assert!(said.lines().any(|line| line.contains(" SEVERE: ") && line.contains(&says)), "{said}");
    assert!(server.accept().is_err(), "nobody has come to the XMPP server");
}
