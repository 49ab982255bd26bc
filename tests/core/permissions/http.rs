//! The door without an address: what somebody may have who asks over HTTP, and whose rights he does not get by it.

use jicofo::focus::command::{Command, Reply};
use jicofo::wire::focus_iq::Conference;
use testkit::xml::Read;

use super::*;

/// Asks, and gives the status, and what it says of `ready`, session and identity.
fn asks(s: &mut Scenario, room: &str, session: Option<&str>, machine: Option<&str>) -> (u16, bool, bool) {
    let text = |it: Option<&str>| it.map(str::to_owned);
    let conference = Conference {
        room: Some(room.into()),
        session_id: text(session),
        machine_uid: text(machine),
        // Whatever it says of itself: nobody vouches for it.
        identity: Some("alice@meet.test".into()),
        focusjid: "alice@meet.test/web".parse().ok(),
        ..Conference::default()
    };
    let id = s.gives(Command::Conference(Box::new(conference)));
    s.run_for(Time::from_secs(1));
    let reply = s.replied(id).expect("a reply");
    let Reply::Conference(body) = reply else { panic!("{reply:?}") };
    let told = jicofo::focus::request::json::reply(&body);
    (
        told.status,
        told.body.contains("\"ready\":true"),
        told.body.contains("sessionId") || told.body.contains("identity"),
    )
}

#[test]
fn asking_over_http() {
    for mode in MODES {
        let mut s = stage(mode);
        let before = grants(&s, ROOM).len();
        let id = s.view("alice").login().session_id.clone();
        let id = id.as_deref();
        let machine = "machine-of-alice";
        let on = mode != Off;
        // A room that is there, with nothing in hand: as a guest. A new one: only where nobody has to log in.
        assert_eq!(asks(&mut s, ROOM, None, None), (200, true, false), "{mode:?}");
        assert_eq!(asks(&mut s, ROOM, None, Some(machine)), (200, true, false), "{mode:?}: a machine is no account");
        let new = |number: usize| format!("new{number}@conference.meet.test");
        assert_eq!(asks(&mut s, &new(0), None, Some(machine)).0, if on { 403 } else { 200 }, "{mode:?}");
        assert_eq!(joins(&s, &new(0)).count(), usize::from(!on));
        // A brewery is no room for anybody.
        assert_eq!(asks(&mut s, "jvbbrewery@internal.auth.meet.test", id, Some(machine)).0, 400, "{mode:?}");
        if !on {
            continue;
        }
        assert_eq!(asks(&mut s, &new(1), Some("made-up"), Some(machine)).0, 400);
        assert_eq!(asks(&mut s, &new(1), id, Some("another")).0, 400);
        assert_eq!(asks(&mut s, &new(1), id, None).0, 400);
        assert!(joins(&s, &new(1)).is_empty());
        // Its bearer may start a room; nobody is made owner by it, and nothing of the session is taken from its user.
        assert_eq!(asks(&mut s, &new(2), id, Some(machine)), (200, true, true), "{mode:?}");
        assert_eq!((joins(&s, &new(2)).count(), grants(&s, &new(2)).len(), grants(&s, ROOM).len()), (1, 0, before));
        s.participant("alice").request_conference();
        s.run_for(Time::from_secs(1));
        assert_eq!(s.view("alice").login().session_id.as_deref(), id);
        assert!(s.view("alice").is_moderator());
        let told = s.said().containing(id.expect("logged in"));
        assert!(
            told.iter().all(|wire| wire.stanza.get("to").is_some_and(|to| to.contains(HOST))),
            "{mode:?}: nobody else hears of it"
        );
    }
}
