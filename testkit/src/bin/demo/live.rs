//! A simulated peer on a real connection: hands it what comes and the time, sends what it says.

use std::{
    cell::{Ref, RefCell},
    rc::Rc,
    time::Instant,
};

use minidom::Element;
use testkit::{Time, bridge::Bridge, login::Session, participant::Participant};
use tokio::{sync::Notify, time::sleep_until};

/// What a peer without I/O and clock is driven by.
pub trait Peer {
    fn handle(&mut self, now: Time, stanza: &Element);
    fn handle_timeout(&mut self, now: Time);
    fn poll_output(&mut self) -> Option<Element>;
    fn poll_timeout(&self) -> Option<Time>;
    fn set_now(&mut self, now: Time);
}

macro_rules! peer {
    ($peer:ty) => {
        impl Peer for $peer {
            fn handle(&mut self, now: Time, stanza: &Element) {
                <$peer>::handle(self, now, stanza);
            }
            fn handle_timeout(&mut self, now: Time) {
                <$peer>::handle_timeout(self, now);
            }
            fn poll_output(&mut self) -> Option<Element> {
                <$peer>::poll_output(self)
            }
            fn poll_timeout(&self) -> Option<Time> {
                <$peer>::poll_timeout(self)
            }
            fn set_now(&mut self, now: Time) {
                <$peer>::set_now(self, now);
            }
        }
    };
}
peer!(Participant);
peer!(Bridge);

/// A peer, its connection driven by a task of this thread.
pub struct Live<P> {
    peer: Rc<RefCell<P>>,
    told: Rc<Notify>,
    begin: Instant,
}

impl<P: Peer + 'static> Live<P> {
    /// `changed` is notified after everything that happens to it.
    pub fn new(peer: P, session: Session, begin: Instant, changed: Rc<Notify>) -> Self {
        let live = Self { peer: Rc::new(RefCell::new(peer)), told: Rc::default(), begin };
        tokio::task::spawn_local(drive(live.peer.clone(), live.told.clone(), session, begin, changed));
        live
    }

    pub fn look(&self) -> Ref<'_, P> {
        self.peer.borrow()
    }

    /// Tells it to do something, now.
    pub fn tell(&self, what: impl FnOnce(&mut P)) {
        let mut peer = self.peer.borrow_mut();
        peer.set_now(self.begin.elapsed());
        what(&mut peer);
        self.told.notify_one();
    }
}

async fn drive<P: Peer>(
    peer: Rc<RefCell<P>>,
    told: Rc<Notify>,
    mut session: Session,
    begin: Instant,
    changed: Rc<Notify>,
) {
    loop {
        loop {
            let output = peer.borrow_mut().poll_output();
            let Some(output) = output else { break };
            session.send(&output).await;
        }
        changed.notify_one();
        let deadline = peer.borrow().poll_timeout();
        let timer = async {
            match deadline {
                Some(at) => sleep_until((begin + at).into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            element = session.next() => match element {
                Some(element) => peer.borrow_mut().handle(begin.elapsed(), &element),
                None => return,
            },
            () = told.notified() => {}
            () = timer => peer.borrow_mut().handle_timeout(begin.elapsed()),
        }
    }
}
