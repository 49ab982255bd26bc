//! The life of a connection: an attempt, a session, a pause, for ever.

use std::future::poll_fn;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::client::Client;
use super::component::connect_component;
use super::errors::{Error, Pace, Target};
use super::report::Failures;
use super::route::Route;
use super::session::{self, End, Established};
use super::{Event, Link, SessionId, Settings, name};
use crate::config::Component;
use crate::focus::Connection;

/// A session that lasted that long was a good one: the next attempt follows at once.
const GOOD_SESSION: Duration = Duration::from_secs(10);

/// So often a session that another process took from us is taken back. Two focuses that go on with that end each other's
/// conferences for ever; the one that stays away leaves the other in peace (spec/70 §10.6).
const MAX_TAKEN_BACK: u32 = 3;

/// Between losses that far apart there was no quarrel.
const PEACE: Duration = Duration::from_secs(600);

/// Whom to connect to, and how.
pub struct Peer {
    kind: Kind,
    target: Target,
}

enum Kind {
    Client(Box<Client>),
    Component(Component, Route),
}

impl Peer {
    pub fn new(connection: Connection, settings: Settings) -> Peer {
        let name = name(connection, &settings);
        match settings {
            Settings::Client(account, trust) | Settings::Node(_, account, trust) => {
                let keys = format!("jicofo.xmpp.{name}");
                let anonymous = account.password.is_none();
                let user = if anonymous { String::new() } else { account.username.clone() };
                let target = Target {
                    name,
                    keys,
                    host: account.hostname.clone(),
                    port: account.port,
                    domain: account.domain.clone(),
                    account: if anonymous { account.domain.clone() } else { format!("{user}@{}", account.domain) },
                    user,
                };
                Peer { kind: Kind::Client(Box::new(Client::new(account, trust))), target }
            }
            Settings::Component(component) => {
                let target = Target {
                    name,
                    keys: String::new(),
                    host: component.hostname.clone(),
                    port: component.port,
                    domain: component.domain.clone(),
                    account: component.domain.clone(),
                    user: String::new(),
                };
                let route = Route::new(&component.hostname, component.port);
                Peer { kind: Kind::Component(component, route), target }
            }
        }
    }

    /// Something is missing in what waits for the session: it cannot be gone on with.
    fn forget_session(&mut self) {
        if let Kind::Client(client) = &mut self.kind {
            (client.session, client.before) = (None, None);
        }
    }

    async fn connect(&mut self) -> Result<Established, Error> {
        match &mut self.kind {
            Kind::Client(client) => client.connect().await,
            Kind::Component(component, route) => connect_component(component, route).await,
        }
    }
}

/// Keeps a connection for ever, an error of ours in it included: that costs its session, of which the core hears.
pub async fn supervise(mut peer: Peer, mut link: Link) {
    while unwound(keep(&mut peer, &mut link)).await.is_err() {
        log::error!("The {} connection failed by an error of ours. It is made anew; please report this.", link.name);
        peer.forget_session();
        link.forget_waiting();
        if std::mem::take(&mut link.connected) {
            link.tell(Event::Disconnected { resumable: false }).await;
        }
        // It may be what comes at once that fails.
        tokio::select! {
            () = sleep(Backoff::SHORTEST) => {}
            () = Link::stopped(&mut link.stop) => return,
        }
    }
}

/// As the future, with its panic as an error. What it has borrowed has to be put in order then.
async fn unwound<T>(work: impl Future<Output = T>) -> std::thread::Result<T> {
    let mut work = pin!(work);
    let poll = |cx: &mut Context<'_>| match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(cx))) {
        Ok(poll) => poll.map(Ok),
        Err(panic) => Poll::Ready(Err(panic)),
    };
    poll_fn(poll).await
}

/// Returns at a stop.
async fn keep(peer: &mut Peer, link: &mut Link) {
    let mut failures = Failures::new(peer.target.clone());
    let mut backoff = Backoff::new(matches!(peer.kind, Kind::Component(..)));
    let mut quarrel = Quarrel::default();
    loop {
        if link.overflowed() {
            peer.forget_session();
        }
        let attempt = tokio::select! {
            attempt = peer.connect() => attempt,
            () = Link::stopped(&mut link.stop) => return,
        };
        let pace = match attempt {
            Ok(established) => {
                let Some(error) = live(peer, established, link, &mut failures, &mut backoff).await else {
                    return;
                };
                let pace = error.pace();
                if pace == Pace::Contended {
                    let goes_on = quarrel.lost_to_another(Instant::now());
                    let text = failures.replaced(&error, goes_on);
                    link.tell(Event::Trouble { kind: error.problem(), text }).await;
                    if !goes_on {
                        return Link::stopped(&mut link.stop).await;
                    }
                }
                pace
            }
            Err(error) => {
                if let Some(text) = failures.attempt_failed(&error) {
                    link.tell(Event::Trouble { kind: error.problem(), text }).await;
                }
                error.pace()
            }
        };
        tokio::select! {
            () = sleep(backoff.pause(pace, Instant::now())) => {}
            () = Link::stopped(&mut link.stop) => return,
        }
    }
}

/// One session, from its announcement to its end. Nothing if it ended as it should.
async fn live(
    peer: &mut Peer,
    established: Established,
    link: &mut Link,
    failures: &mut Failures,
    backoff: &mut Backoff,
) -> Option<Error> {
    let jid = established.jid.clone();
    let resumed = established.resumed;
    failures.connected(jid.as_str(), resumed);
    if !resumed {
        link.session = SessionId(link.session.0 + 1);
        link.forget_waiting();
    }
    link.connected = true;
    link.tell(Event::Connected { session: link.session, jid: jid.clone(), resumed }).await;
    let began = Instant::now();
    let end = session::run(established, link).await;
    if began.elapsed() >= GOOD_SESSION {
        backoff.worked();
    }
    let End::Lost(error, sm, lingering) = end else { return None };
    // What cannot be read of a session comes again with each resumption, at once.
    let again = resumed && began.elapsed() < GOOD_SESSION && matches!(error, Error::Framing(_));
    let kept = sm.filter(|sm| sm.id.is_some() && error.leaves_session() && !again);
    let resumable = kept.is_some();
    if !resumable {
        link.forget_waiting();
    }
    if let Kind::Client(client) = &mut peer.kind {
        client.session = kept.map(|sm| (sm, jid));
        client.before = lingering;
    }
    failures.lost(&error, resumable);
    link.connected = false;
    link.tell(Event::Disconnected { resumable }).await;
    Some(error)
}

/// Sessions that another process took from us, one after the other.
#[derive(Default)]
struct Quarrel {
    taken: u32,
    last: Option<Instant>,
}

impl Quarrel {
    /// One more. Whether it is taken back.
    fn lost_to_another(&mut self, now: Instant) -> bool {
        if self.last.replace(now).is_some_and(|last| now - last >= PEACE) {
            self.taken = 0;
        }
        self.taken += 1;
        self.taken <= MAX_TAKEN_BACK
    }
}

/// How long to wait between attempts: a tenth of how long it has been failing already, within limits. So a short restart
/// of the server costs a second or two, and nobody knocks every second at the door of one that is away for the night.
struct Backoff {
    component: bool,
    failing_since: Option<Instant>,
    random: u64,
}

impl Backoff {
    const SHORTEST: Duration = Duration::from_secs(1);
    const SHORTEST_SLOW: Duration = Duration::from_secs(5);
    const LONGEST: Duration = Duration::from_secs(30);
    /// Spec/10 §10.2.
    const COMPONENT: Duration = Duration::from_secs(5);
    /// After the loss of a good session: at once, but not all of us in the same instant.
    const FIRST: Duration = Duration::from_millis(200);

    fn new(component: bool) -> Backoff {
        // Only to keep several focuses from knocking in step.
        let random = RandomState::new().build_hasher().finish() | 1;
        Backoff { component, failing_since: None, random }
    }

    /// The connection was good until now.
    fn worked(&mut self) {
        self.failing_since = None;
    }

    fn pause(&mut self, pace: Pace, now: Instant) -> Duration {
        let first = self.failing_since.is_none();
        let failing = now - *self.failing_since.get_or_insert(now);
        if self.component {
            return Self::COMPONENT;
        }
        // Within a fifth around it.
        let jittered = |pause: Duration, random: f64| pause.mul_f64(0.8 + 0.4 * random);
        match pace {
            Pace::Contended => Self::LONGEST,
            Pace::Soon if first => Self::FIRST.mul_f64(self.random()),
            Pace::Soon => jittered((failing / 10).clamp(Self::SHORTEST, Self::LONGEST), self.random()),
            Pace::Slow => jittered((failing / 10).clamp(Self::SHORTEST_SLOW, Self::LONGEST), self.random()),
        }
    }

    /// Evenly within 0 to 1 (xorshift64*).
    fn random(&mut self) -> f64 {
        self.random ^= self.random >> 12;
        self.random ^= self.random << 25;
        self.random ^= self.random >> 27;
        (self.random.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11) as f64 / (1u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_session_is_taken_back_three_times_in_one_quarrel() {
        let start = Instant::now();
        let lost =
            |quarrel: &mut Quarrel, times: [u32; 4]| times.map(|at| quarrel.lost_to_another(start + 60 * at * SECOND));
        let mut quarrel = Quarrel::default();
        assert_eq!(lost(&mut quarrel, [0, 1, 2, 3]), [true, true, true, false]);
        assert_eq!(lost(&mut quarrel, [13, 14, 15, 16]), [true, true, true, false], "another day, another quarrel");
        // However often the connection is lost for other reasons meanwhile.
        assert_eq!(lost(&mut Quarrel::default(), [0, 100, 200, 300]), [true; 4]);
    }

    #[test]
    fn a_pause_is_a_tenth_of_the_outage_between_one_and_thirty_seconds() {
        let start = Instant::now();
        let mut backoff = Backoff::new(false);
        assert!(backoff.pause(Pace::Soon, start) <= Backoff::FIRST);
        for (failing, expected) in [(1, 1.0), (20, 2.0), (100, 10.0), (1000, 30.0)] {
            let pause = backoff.pause(Pace::Soon, start + Duration::from_secs(failing)).as_secs_f64();
            assert!((expected * 0.8..=expected * 1.2).contains(&pause), "{failing} s: {pause}");
        }
        assert!(backoff.pause(Pace::Slow, start).as_secs_f64() >= 4.0);
        assert_eq!(backoff.pause(Pace::Contended, start), Duration::from_secs(30));
        backoff.worked();
        assert!(backoff.pause(Pace::Soon, start + Duration::from_secs(2000)) <= Backoff::FIRST);
        assert_eq!(Backoff::new(true).pause(Pace::Slow, start), Duration::from_secs(5));
    }
}
