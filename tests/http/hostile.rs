//! Clients that are slow, silent, too many or out of their minds: they lose their own connections, and nobody else notices.

use std::time::Duration;

use futures::future::join_all;
use jicofo::focus::command::{Refusal, Reply};
use jicofo::http::Server;
use serde_json::json;
use testkit::http::{Answer, Request, exchange, send};
use testkit::scenario::Scenario;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::*;

const PATH: &str = "/conference-request/v1";

#[test]
fn what_is_no_http_ends_its_own_connection() {
    let (mut s, mut api) = three(Scenario::new());
    let address = api.address;
    for bytes in [
        b"\0\xff\xfe\r\n\r\n".to_vec(),
        b"GET\r\n\r\n".to_vec(),
        [b"GET / HTTP/1.1\r\nX: ".to_vec(), vec![b'x'; 100_000], b"\r\n\r\n".to_vec()].concat(),
        [b"GET / HTTP/1.1\r\n".to_vec(), b"a: b\r\n".repeat(1000), b"\r\n".to_vec()].concat(),
        [b"GET /".to_vec(), vec![b'a'; 200_000], b" HTTP/1.1\r\n\r\n".to_vec()].concat(),
    ] {
        let answered = api.during(&mut s, async move { exchange(address, &bytes).await });
        let text = String::from_utf8_lossy(&answered).into_owned();
        assert!(text.is_empty() || text.starts_with("HTTP/1.1 4"), "{text}");
    }
    assert_eq!(api.get(&mut s, "/about/version").status, 200);
    s.finish();
}

#[test]
fn a_body_that_is_too_long_is_refused_before_it_is_read() {
    let (mut s, mut api) = three(Scenario::new());
    let body = json!({"room": "x".repeat(200_000)}).to_string();
    let answer = api.post(&mut s, PATH, &body);
    let (status, text) = answer.text();
    assert!(status == 400 && text.starts_with("Bad request: "), "{status} {text}");
    // It promises more than any machine has.
    let address = api.address;
    let head = format!(
        "POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{{",
        u64::MAX / 2
    );
    let answered = api.during(&mut s, async move { exchange(address, head.as_bytes()).await });
    assert_eq!(Answer::read(&answered).status, 400);
    s.finish();
}

#[test]
fn who_leaves_before_the_answer_leaves_nothing_behind() {
    let (mut s, mut api) = three(Scenario::new());
    let address = api.address;
    let request = format!(
        "POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 36\r\n\r\n\
         {{\"room\":\"gone@conference.meet.test\"}}"
    );
    for cut in [10, 60, request.len() - 5, request.len()] {
        let part = request[..cut].to_owned();
        api.during(&mut s, async move {
            let mut stream = TcpStream::connect(address).await.expect("the API listens");
            stream.write_all(part.as_bytes()).await.expect("it is read");
            drop(stream);
            // A request after it: by then the API has seen the end of the other one.
            send(address, &Request::get("/about/version")).await
        });
    }
    assert!(s.focus().audit().is_empty(), "{:?}", s.focus().audit());
    s.finish();
}

/// More connections than there may be, all of which say the beginning of a request and no more: the oldest of them go, and
/// whoever has something to say is heard.
#[test]
fn silent_connections_make_room_for_those_that_speak() {
    let (mut s, mut api) = three(Scenario::new());
    let address = api.address;
    let (answer, lost) = api.during(&mut s, async move {
        let mut silent = Vec::new();
        for _ in 0..600 {
            let mut stream = TcpStream::connect(address).await.expect("the API listens");
            stream.write_all(b"GET /about/version HTTP/1.1\r\nX-Slow: ").await.expect("it is read");
            silent.push(stream);
        }
        let answer = send(address, &Request::get("/about/version")).await;
        let mut lost = 0;
        for mut stream in silent {
            let mut byte = [0];
            let read = tokio::time::timeout(Duration::from_millis(1), stream.read(&mut byte)).await;
            lost += usize::from(read.is_ok());
        }
        (answer, lost)
    });
    assert_eq!(answer.status, 200);
    assert!((89..600).contains(&lost), "{lost} of 600 were closed");
    s.finish();
}

/// Time stands still as long as anybody has anything to do: here it is the limits that end the waiting.
#[tokio::test(start_paused = true)]
async fn who_says_less_than_a_request_for_long_is_hung_up_on() {
    let mut config = jicofo::config::Config::default();
    config.rest.port = 0;
    let server = Server::bind(&config).await.expect("a free port").expect("it is switched on");
    let address = server.address().expect("it is bound");
    let _serving = server.serve(std::sync::Arc::new(config));
    let begin = tokio::time::Instant::now();
    for (said, answered) in [
        ("", ""),
        ("GET /about/version HTTP/1.1\r\nX-Slow: ", ""),
        // The body that it promises does not come.
        (
            "POST /pin HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{",
            "HTTP/1.1 400 ",
        ),
        // A whole one, after which it is as silent.
        ("GET /about/version HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 200 "),
    ] {
        let mut stream = TcpStream::connect(address).await.expect("the API listens");
        stream.write_all(said.as_bytes()).await.expect("it is read");
        let mut received = Vec::new();
        let _ = stream.read_to_end(&mut received).await;
        let received = String::from_utf8_lossy(&received);
        assert!(received.starts_with(answered) && received.is_empty() == answered.is_empty(), "{said}: {received}");
    }
    assert!(begin.elapsed() < Duration::from_secs(120), "{:?}", begin.elapsed());
}

/// A connection ends behind a request, and not in its midst.
#[tokio::test(start_paused = true)]
async fn a_connection_that_has_lasted_long_ends_with_the_answer_to_its_last_request() {
    let mut config = jicofo::config::Config::default();
    config.rest.port = 0;
    let server = Server::bind(&config).await.expect("a free port").expect("it is switched on");
    let address = server.address().expect("it is bound");
    let mut serving = server.serve(std::sync::Arc::new(config));
    let begin = tokio::time::Instant::now();
    let mut stream = TcpStream::connect(address).await.expect("the API listens");
    while begin.elapsed() < Duration::from_secs(590) {
        stream.write_all(b"GET /about/version HTTP/1.1\r\nHost: x\r\n\r\n").await.expect("it is read");
        let mut received = Vec::new();
        while !received.ends_with(b"}") {
            assert!(stream.read_buf(&mut received).await.expect("it is answered") > 0, "closed");
        }
        tokio::time::sleep(Duration::from_secs(10)).await;
    }
    let body = json!({"room": ROOM}).to_string();
    let head = format!("POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n");
    let request = format!("{head}Content-Length: {}\r\n\r\n{body}", body.len());
    stream.write_all(request.as_bytes()).await.expect("it is read");
    let (_, waiting) = serving.next().await.expect("it serves").split();
    tokio::time::sleep(Duration::from_secs(40)).await;
    assert!(begin.elapsed() > Duration::from_secs(620));
    waiting.answer(Reply::Refused(Refusal::NotConnected));
    let mut received = Vec::new();
    stream.read_to_end(&mut received).await.expect("it is answered");
    let received = String::from_utf8_lossy(&received);
    assert!(received.starts_with("HTTP/1.1 503 ") && received.contains("connection: close"), "{received}");

    // One without a request under way ends then; and none lasts for ever, whatever it waits for.
    for (said, lasts) in [("", 600), (request.as_str(), 670)] {
        let begin = tokio::time::Instant::now();
        let mut stream = TcpStream::connect(address).await.expect("the API listens");
        while begin.elapsed() < Duration::from_secs(595) {
            stream.write_all(b"GET /about/version HTTP/1.1\r\nHost: x\r\n\r\n").await.expect("it is read");
            let mut received = Vec::new();
            while !received.ends_with(b"}") {
                assert!(stream.read_buf(&mut received).await.expect("it is answered") > 0, "closed");
            }
            tokio::time::sleep(Duration::from_secs(7)).await;
        }
        stream.write_all(said.as_bytes()).await.expect("it is read");
        let _ = stream.read_to_end(&mut Vec::new()).await;
        assert!(begin.elapsed() <= Duration::from_secs(lasts), "{said}: {:?}", begin.elapsed());
    }
}

#[test]
fn ten_thousand_requests_are_answered_one_way_or_the_other_while_a_conference_goes_on() {
    let (mut s, mut api) = three(Scenario::new());
    let address = api.address;
    let statuses = api.during(&mut s, async move {
        let client = |number: usize| async move {
            let mut statuses = Vec::new();
            for _ in 0..100 {
                let request = match number % 3 {
                    0 => Request::get("/about/version"),
                    1 => Request::get("/pin"),
                    _ => Request::post(PATH, &json!({"room": ROOM}).to_string()),
                };
                statuses.push(send(address, &request).await.status);
            }
            statuses
        };
        join_all((0..100).map(client)).await.concat()
    });
    assert_eq!(statuses.len(), 10_000);
    assert!(statuses.iter().all(|status| *status == 200), "{statuses:?}");
    s.joins("dave");
    s.run_until(Scenario::all_connected);
    s.finish();
}
