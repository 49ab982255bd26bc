//! The way to a server: the addresses that its name has, and which of them answers.
//!
//! Whoever is asked for the name may be as silent as an address. Neither may cost a session that the server keeps for some seconds
//! only (spec/70 §10.2).

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use tokio::net::{TcpStream, lookup_host};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, sleep_until, timeout};

use super::errors::Error;
use super::socket::Socket;

/// How long one address may take to answer: three questions of the kernel. It would ask again after 7 and 15 s, and find a way that
/// is back when it is too late; the next attempt asks sooner.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(4);

/// Without an answer of one address for so long the next is tried, too (RFC 8305 §5).
const NEXT_AFTER: Duration = Duration::from_millis(250);

/// So many addresses are tried at a time, with a socket each.
const MAX_AT_ONCE: usize = 4;

/// How long the name's resolution may take.
const RESOLVE_TIMEOUT: Duration = Duration::from_secs(30);

/// After so long the server is looked for where it was last, too.
const RESOLVED_LATE: Duration = Duration::from_secs(1);

/// An answer to a question of so long ago is no news.
const OLD_ANSWER: Duration = Duration::from_secs(60);

/// How to get to a server, from one attempt to the next.
pub struct Route {
    host: String,
    port: u16,
    /// Where we logged in last.
    last: Option<SocketAddr>,
    /// The question to the system's resolver. It cannot be taken back and holds a thread meanwhile, so that the next attempt waits
    /// for the same one.
    lookup: Option<Lookup>,
}

/// Since when it has been under way.
type Lookup = (Instant, JoinHandle<io::Result<Vec<SocketAddr>>>);

impl Route {
    pub fn new(host: &str, port: u16) -> Route {
        Route { host: host.to_owned(), port, last: None, lookup: None }
    }

    /// Whether we could log in at that address.
    pub fn led(&mut self, to: SocketAddr, logged_in: bool) {
        self.last = logged_in.then_some(to);
    }

    /// Connects to whichever address answers first.
    pub async fn connect(&mut self) -> Result<Socket, Error> {
        let (stream, peer) = self.first().await?;
        // One that hangs keeps its thread, and is what the next attempt waits for.
        self.lookup.take_if(|(_, lookup)| lookup.is_finished());
        Socket::new(stream, peer)
    }

    async fn first(&mut self) -> Result<(TcpStream, SocketAddr), Error> {
        let Route { host, port, last, lookup } = self;
        let begin = Instant::now();
        // An answer that came when we were there already says where the server was then.
        lookup.take_if(|(asked, lookup)| lookup.is_finished() && begin - *asked >= OLD_ANSWER);
        let patience = last.map_or(RESOLVE_TIMEOUT, |_| RESOLVED_LATE + CONNECT_TIMEOUT);
        let mut resolving = pin!(resolve(lookup, host, *port));
        // Once it is: why it is not, if so.
        let mut resolved: Option<Option<io::Error>> = None;
        let mut race = Race::new(begin);
        loop {
            race.begin();
            if let Some(failed) = resolved.take_if(|_| race.is_over()) {
                return Err(failed.map_or_else(|| race.lost(host), |source| unresolved(host, source)));
            }
            tokio::select! {
                found = resolving.as_mut(), if resolved.is_none() => match found {
                    Ok(found) => {
                        race.enter(last.filter(|last| found.contains(last)).into_iter().chain(found));
                        resolved = Some(None);
                    }
                    Err(error) => {
                        race.enter(*last);
                        resolved = Some(Some(error));
                    }
                },
                first = race.next() => if let Some(first) = first {
                    return Ok(first);
                },
                () = sleep_until(begin + RESOLVED_LATE), if resolved.is_none() && last.is_some_and(|last| !race.knows(last)) => {
                    race.enter(*last);
                }
                () = sleep_until(begin + patience), if resolved.is_none() => {
                    return Err(Error::Silent { doing: "resolving the host's name", after: patience });
                }
            }
        }
    }
}

/// The addresses of a name. May be dropped at any point and called again.
async fn resolve(lookup: &mut Option<Lookup>, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    let target = (host.to_owned(), port);
    let ask = || (Instant::now(), tokio::spawn(async { Ok(lookup_host(target).await?.collect()) }));
    let (_, under_way) = lookup.get_or_insert_with(ask);
    let found = under_way.await;
    *lookup = None;
    found.unwrap_or_else(|ended| Err(io::Error::other(ended)))
}

fn unresolved(host: &str, source: io::Error) -> Error {
    Error::Resolve { host: host.to_owned(), source }
}

/// Several addresses of which the first that answers is taken (RFC 8305).
struct Race {
    /// In their order, those that are yet to be tried.
    waiting: VecDeque<SocketAddr>,
    trying: JoinSet<(SocketAddr, io::Result<TcpStream>)>,
    /// When the next may begin.
    next: Instant,
    /// All of them, and why they are out.
    known: BTreeMap<SocketAddr, Option<String>>,
}

impl Race {
    fn new(now: Instant) -> Race {
        Race { waiting: VecDeque::new(), trying: JoinSet::new(), next: now, known: BTreeMap::new() }
    }

    fn enter(&mut self, addresses: impl IntoIterator<Item = SocketAddr>) {
        for address in addresses {
            if !self.knows(address) {
                self.known.insert(address, None);
                self.waiting.push_back(address);
            }
        }
    }

    fn knows(&self, address: SocketAddr) -> bool {
        self.known.contains_key(&address)
    }

    fn has_room(&self) -> bool {
        !self.waiting.is_empty() && self.trying.len() < MAX_AT_ONCE
    }

    /// Tries the next if it is its turn.
    fn begin(&mut self) {
        let now = Instant::now();
        if !self.has_room() || (now < self.next && !self.trying.is_empty()) {
            return;
        }
        if let Some(address) = self.waiting.pop_front() {
            self.next = now + NEXT_AFTER;
            self.trying.spawn(async move {
                let connected = timeout(CONNECT_TIMEOUT, TcpStream::connect(address)).await;
                (address, connected.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())))
            });
        }
    }

    /// Returns with the one that has answered; or when another may begin.
    async fn next(&mut self) -> Option<(TcpStream, SocketAddr)> {
        let has_room = self.has_room();
        tokio::select! {
            Some(ended) = self.trying.join_next() => match ended {
                Ok((address, Ok(stream))) => return Some((stream, address)),
                Ok((address, Err(error))) => {
                    self.next = Instant::now();
                    let why = match error.kind() {
                        io::ErrorKind::TimedOut => format!("no answer within {} s", CONNECT_TIMEOUT.as_secs()),
                        _ => error.to_string(),
                    };
                    self.known.insert(address, Some(why));
                }
                Err(_) => {}
            },
            () = sleep_until(self.next), if has_room => {}
            else => std::future::pending().await,
        }
        None
    }

    fn is_over(&self) -> bool {
        self.waiting.is_empty() && self.trying.is_empty()
    }

    /// Nobody has answered.
    fn lost(&self, host: &str) -> Error {
        if self.known.is_empty() {
            return unresolved(host, io::Error::new(io::ErrorKind::NotFound, "no address"));
        }
        let problems: Vec<String> = self
            .known
            .iter()
            .map(|(address, why)| format!("{address}: {}", why.as_deref().unwrap_or("no answer")))
            .collect();
        Error::Unreachable(problems.join("; "))
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::{TcpListener, TcpSocket};

    use super::*;

    /// Addresses that are silent: their queue is full with one connection that nobody accepts.
    async fn silent(count: usize) -> (Vec<SocketAddr>, Vec<(TcpListener, TcpStream)>) {
        let mut holes = Vec::new();
        for _ in 0..count {
            let socket = TcpSocket::new_v4().expect("a socket");
            socket.bind("127.0.0.1:0".parse().expect("an address")).expect("a free port");
            let listener = socket.listen(0).expect("it listens");
            let address = listener.local_addr().expect("it is bound");
            holes.push((listener, TcpStream::connect(address).await.expect("the queue has one place")));
        }
        let addresses = holes.iter().map(|(listener, _)| listener.local_addr().expect("it is bound"));
        (addresses.collect(), holes)
    }

    async fn open() -> (SocketAddr, TcpListener) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        (listener.local_addr().expect("it is bound"), listener)
    }

    /// One that refuses: bound, so that nobody else gets its port, and nobody listens.
    fn closed() -> (SocketAddr, TcpSocket) {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind("127.0.0.1:0".parse().expect("an address")).expect("a free port");
        (socket.local_addr().expect("it is bound"), socket)
    }

    /// To a name that has these addresses, or is not resolved.
    fn route(addresses: Option<Vec<SocketAddr>>) -> Route {
        let lookup = match addresses {
            Some(addresses) => tokio::spawn(async { Ok(addresses) }),
            None => tokio::spawn(std::future::pending()),
        };
        Route { lookup: Some((Instant::now(), lookup)), ..Route::new("no-such-host.invalid", 5222) }
    }

    #[tokio::test(start_paused = true)]
    async fn addresses_that_are_silent_hold_up_the_one_that_answers_for_a_quarter_of_a_second_each() {
        let (mut addresses, _holes) = silent(3).await;
        let (address, _listener) = open().await;
        addresses.push(address);
        let begin = Instant::now();
        let socket = route(Some(addresses)).connect().await.unwrap_or_else(|error| panic!("{error}"));
        assert_eq!((socket.peer, begin.elapsed().as_millis()), (address, 750));
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_than_four_addresses_are_tried_at_a_time_and_all_are_in_the_end() {
        let (mut addresses, _holes) = silent(8).await;
        // One that refuses takes no time.
        let (refuses, _socket) = closed();
        addresses.insert(2, refuses);
        let begin = Instant::now();
        let (address, _listener) = open().await;
        addresses.push(address);
        let socket = route(Some(addresses)).connect().await.unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(socket.peer, address);
        // Four of the eight silent ones are given up before the others are, and those before it is the turn of the last.
        assert_eq!(begin.elapsed().as_secs(), 8);
    }

    #[tokio::test(start_paused = true)]
    async fn an_attempt_ends_with_what_each_address_said() {
        let (mut addresses, _holes) = silent(1).await;
        let (refuses, _socket) = closed();
        addresses.push(refuses);
        addresses.sort();
        let begin = Instant::now();
        let Err(error) = route(Some(addresses.clone())).connect().await else { panic!("nobody answers") };
        let text = error.to_string();
        assert!(begin.elapsed() <= Duration::from_secs(5), "{:?}", begin.elapsed());
        assert!(addresses.iter().all(|address| text.contains(&format!("{address}: "))), "{text}");
        assert!(text.contains("Connection refused"), "{text}");
    }

    #[tokio::test(start_paused = true)]
    async fn where_the_login_worked_last_is_tried_first_while_the_name_has_it() {
        let (first, _listener) = open().await;
        let (second, _other) = open().await;
        for (last, expected) in [(None, first), (Some(second), second)] {
            let mut route = Route { last, ..route(Some(vec![first, second])) };
            let socket = route.connect().await.unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(socket.peer, expected);
        }
        let mut route = Route { last: Some(second), ..route(Some(vec![first])) };
        let socket = route.connect().await.unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(socket.peer, first, "the name has moved");
    }

    /// The resolver answered when the server had been found without it. By the next loss the server may be elsewhere.
    #[tokio::test(start_paused = true)]
    async fn the_server_is_not_looked_for_where_it_was_long_ago() {
        let (old, _listener) = open().await;
        let mut route = route(Some(vec![old]));
        let (now, _socket) = closed();
        (route.host, route.port) = (now.ip().to_string(), now.port());
        tokio::time::sleep(OLD_ANSWER).await;
        let Err(error) = route.connect().await else { panic!("it goes where the server was") };
        assert!(error.to_string().contains(&now.to_string()), "{error}");
    }

    /// The way to the resolver may be gone with that to the server.
    #[tokio::test(start_paused = true)]
    async fn a_name_that_is_not_resolved_is_looked_for_where_it_was_last() {
        let (address, _listener) = open().await;
        let begin = Instant::now();
        let mut hanging = Route { last: Some(address), ..route(None) };
        let socket = hanging.connect().await.unwrap_or_else(|error| panic!("{error}"));
        assert_eq!((socket.peer, begin.elapsed()), (address, RESOLVED_LATE));
        // It is known no more, as soon as nobody lets us in there.
        hanging.led(address, false);
        hanging.lookup = Some((Instant::now(), tokio::spawn(std::future::pending())));
        let begin = Instant::now();
        let Err(error) = hanging.connect().await else { panic!("there is no address") };
        assert!(error.to_string().contains("resolving the host's name"), "{error}");
        assert_eq!(begin.elapsed(), RESOLVE_TIMEOUT);
        let question = |route: &Route| route.lookup.as_ref().map(|(_, lookup)| lookup.id());
        let asked = question(&hanging);
        assert!(asked.is_some());
        let _ = hanging.connect().await;
        assert_eq!(question(&hanging), asked, "one question at a time");
        // The resolver says that there is no such name.
        let mut gone = Route { last: Some(address), ..Route::new("no-such-host.invalid", 5222) };
        gone.lookup = Some((Instant::now(), tokio::spawn(async { Err(io::ErrorKind::NotFound.into()) })));
        let socket = gone.connect().await.unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(socket.peer, address);
    }
}
