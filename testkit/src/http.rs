//! A client of the HTTP API that reads HTTP by itself, and the API of a focus that lives in a scenario: a real socket in front of
//! virtual time.

use std::net::SocketAddr;
use std::time::Duration;

use jicofo::focus::command::CommandId;
use jicofo::http::{Server, Serving, Waiting};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::Time;
use crate::process::POLL;
use crate::scenario::Scenario;

/// Longer than any answer takes, also on a busy machine.
const DEADLINE: Duration = Duration::from_secs(120);

/// How long the focus may take for an answer, in virtual time.
const PATIENCE: Time = Time::from_secs(120);

/// What is sent.
#[derive(Clone, Debug)]
pub struct Request {
    method: &'static str,
    path: String,
    headers: Vec<(String, String)>,
    body: String,
}

impl Request {
    pub fn new(method: &'static str, path: &str) -> Request {
        Request { method, path: path.to_owned(), headers: Vec::new(), body: String::new() }
    }

    pub fn get(path: &str) -> Request {
        Request::new("GET", path)
    }

    /// A body that says that it is JSON.
    pub fn post(path: &str, body: &str) -> Request {
        Request::new("POST", path).header("Content-Type", "application/json").body(body)
    }

    pub fn header(mut self, name: &str, value: &str) -> Request {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn body(mut self, body: &str) -> Request {
        self.body = body.to_owned();
        self
    }

    fn bytes(&self) -> Vec<u8> {
        let mut text = format!("{} {} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n", self.method, self.path);
        for (name, value) in &self.headers {
            text += &format!("{name}: {value}\r\n");
        }
        if self.method == "POST" {
            text += &format!("Content-Length: {}\r\n", self.body.len());
        }
        (text + "\r\n" + &self.body).into_bytes()
    }
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Answer {
    /// Reads a whole answer.
    ///
    /// # Panics
    /// If it is none, or not whole.
    pub fn read(bytes: &[u8]) -> Answer {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no end of the header: {text:?}"));
        let mut lines = head.split("\r\n");
        let status = lines.next().and_then(|line| line.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok());
        let status = status.unwrap_or_else(|| panic!("no status: {head:?}"));
        let header = |line: &str| {
            let (name, value) = line.split_once(':').unwrap_or_else(|| panic!("no header: {line:?}"));
            (name.to_ascii_lowercase(), value.trim().to_owned())
        };
        let mut answer = Answer { status, headers: lines.map(header).collect(), body: String::new() };
        answer.body = match (answer.header("transfer-encoding"), answer.header("content-length")) {
            (Some("chunked"), None) => unchunked(body),
            (None, Some(length)) => {
                // The answer to HEAD has the length of what it leaves out.
                assert!(body.is_empty() || length == body.len().to_string(), "{length} bytes of {body:?}");
                body.to_owned()
            }
            (coding, length) => panic!("no length, or two: {coding:?} {length:?}"),
        };
        answer
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub fn content_type(&self) -> &str {
        self.header("content-type").unwrap_or_default()
    }

    /// The body as the JSON that it says it is.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        assert_eq!(self.content_type(), "application/json", "{}", self.body);
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    /// The body as the text that it says it is, with the status.
    #[track_caller]
    pub fn text(&self) -> (u16, &str) {
        assert_eq!(self.content_type(), "text/plain; charset=UTF-8", "{}", self.body);
        (self.status, &self.body)
    }
}

fn unchunked(mut rest: &str) -> String {
    let mut body = String::new();
    loop {
        let (size, after) = rest.split_once("\r\n").expect("the size of a chunk");
        let size = usize::from_str_radix(size, 16).expect("the size of a chunk");
        if size == 0 {
            assert_eq!(after, "\r\n", "after the last chunk");
            return body;
        }
        body += &after[..size];
        rest = after[size..].strip_prefix("\r\n").expect("the end of a chunk");
    }
}

/// Sends a request on a connection of its own.
pub async fn send(address: SocketAddr, request: &Request) -> Answer {
    Answer::read(&exchange(address, &request.bytes()).await)
}

/// Asks again until the answer is the wanted one.
///
/// # Panics
/// If it is not within that time.
pub async fn until(
    address: SocketAddr,
    request: &Request,
    wanted: impl Fn(&Answer) -> bool,
    within: Duration,
) -> Answer {
    let deadline = tokio::time::Instant::now() + within;
    loop {
        let answer = send(address, request).await;
        if wanted(&answer) {
            return answer;
        }
        assert!(tokio::time::Instant::now() < deadline, "waited in vain: {answer:?}");
        tokio::time::sleep(POLL).await;
    }
}

/// Sends these bytes, and reads until the other side closes.
pub async fn exchange(address: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let exchanged = async {
        let mut stream = TcpStream::connect(address).await.expect("the API listens");
        // Whoever is refused may be so before all is read.
        let _ = stream.write_all(bytes).await;
        let mut received = Vec::new();
        let _ = stream.read_to_end(&mut received).await;
        received
    };
    timeout(DEADLINE, exchanged).await.expect("an answer in time")
}

/// The HTTP API of a scenario's focus, on a port of its own.
pub struct Api {
    runtime: tokio::runtime::Runtime,
    serving: Serving,
    pub address: SocketAddr,
}

impl Api {
    pub fn of(scenario: &Scenario) -> Api {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("an event queue");
        let mut config = scenario.config().clone();
        config.rest.port = 0;
        let (address, serving) = runtime.block_on(async {
            let server = Server::bind(&config).await.expect("a free port").expect("it is switched on");
            (server.address().expect("it is bound"), server.serve(std::sync::Arc::new(config)))
        });
        Api { runtime, serving, address }
    }

    pub fn get(&mut self, scenario: &mut Scenario, path: &str) -> Answer {
        self.send(scenario, Request::get(path))
    }

    pub fn post(&mut self, scenario: &mut Scenario, path: &str, body: &str) -> Answer {
        self.send(scenario, Request::post(path, body))
    }

    /// Sends a request, and lets the scenario go on as long as the focus has not answered.
    pub fn send(&mut self, scenario: &mut Scenario, request: Request) -> Answer {
        let address = self.address;
        self.during(scenario, async move { send(address, &request).await })
    }

    /// Carries out what the API asks of the focus until `client` is done.
    pub fn during<T: Send + 'static>(
        &mut self,
        scenario: &mut Scenario,
        client: impl Future<Output = T> + Send + 'static,
    ) -> T {
        let Api { runtime, serving, .. } = self;
        runtime.block_on(async {
            let mut client = tokio::spawn(client);
            loop {
                tokio::select! {
                    biased;
                    done = &mut client => return done.expect("the client fails"),
                    Some(call) = serving.next() => {
                        let (command, waiting) = call.split();
                        let mut all = vec![(scenario.gives(command), waiting)];
                        // Those that came at the same time are handled at the same time.
                        while let Some(call) = serving.try_next() {
                            let (command, waiting) = call.split();
                            all.push((scenario.gives(command), waiting));
                        }
                        answer(scenario, all);
                    }
                }
            }
        })
    }
}

/// Lets the scenario go on until all have their answers.
fn answer(scenario: &mut Scenario, mut all: Vec<(CommandId, Waiting)>) {
    let end = scenario.now() + PATIENCE;
    loop {
        let mut left = Vec::new();
        for (id, waiting) in all {
            match scenario.replied(id) {
                Some(reply) => waiting.answer(reply),
                None => left.push((id, waiting)),
            }
        }
        if left.is_empty() {
            return;
        }
        all = left;
        assert!(scenario.next_time().is_some_and(|at| at <= end), "the focus does not answer {:?}", all);
        scenario.step(end);
    }
}
