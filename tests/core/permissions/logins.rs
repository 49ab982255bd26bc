//! Who may ask for a conference, start one, log in and log out.

use testkit::ns;

use super::*;

/// Answers for who is on the connection for bridges, on which nobody asks for a conference.
fn not_on_service(sender: &Sender, answer: Cell) -> Cell {
    if sender.stands == OnService { ("feature-not-implemented", &[]) } else { answer }
}

fn conference(room: &str, more: &str) -> (String, String) {
    ("set".into(), format!("<conference xmlns='{}' room='{room}' {more}/>", ns::FOCUS))
}

/// Whoever knows its name may have a room that is there; one that is not, only a user where there are users. Both in all modes,
/// and that an occupant of a room, a component or a bridge is never taken for a user.
#[test]
fn asking_for_a_conference() {
    for mode in MODES {
        let is_user = |sender: &Sender| mode != Off && sender.user;
        row_in(
            mode,
            "a conference",
            |_, _| conference(ROOM, "machine-uid='m'"),
            |sender| not_on_service(sender, ("result", &[])),
        );
        // Whoever is logged in has a session, which needs a machine.
        row_in(
            mode,
            "a conference, of no machine",
            |_, _| conference(ROOM, ""),
            |sender| not_on_service(sender, (if is_user(sender) { "not-acceptable" } else { "result" }, &[])),
        );
        row_in(
            mode,
            "a session that there is not",
            |_, _| conference(ROOM, "machine-uid='m' session-id='x'"),
            |sender| not_on_service(sender, (if mode == Off { "result" } else { "not-acceptable" }, &[])),
        );
        row_in(
            mode,
            "a bridges' room",
            |_, _| conference("jvbbrewery@internal.auth.meet.test", "machine-uid='m'"),
            |sender| not_on_service(sender, ("not-allowed", &[])),
        );
    }
}

#[test]
fn starting_a_conference() {
    for mode in MODES {
        for sender in &SENDERS {
            let mut s = stage(mode);
            let (kind, child) = conference("new@conference.meet.test", "machine-uid='m'");
            let stanza = format!("<iq type='{kind}' id='x' from='{}' to='{FOCUS}'>{child}</iq>", sender.from);
            let (answer, told) = play(&mut s, sender, &stanza);
            let starts = sender.stands != OnService && (mode == Off || sender.user);
            let refusal = if sender.stands == OnService { "feature-not-implemented" } else { "not-authorized" };
            assert_eq!(answer.as_deref(), Some(if starts { "result" } else { refusal }), "{mode:?} {sender:?}");
            assert_eq!(told.is_empty(), !starts, "{mode:?} {sender:?}: {told:?}");
            assert_eq!(joins(&s, "new@conference.meet.test").count(), usize::from(starts), "{mode:?} {sender:?}");
            // Whoever starts a room leads none that is there by it.
            assert_eq!(grants(&s, ROOM), ["alice@meet.test"], "{mode:?} {sender:?}");
        }
    }
}

/// Where to log in anybody may ask, and with a session's id anybody may end it: who has it is its bearer.
#[test]
fn logging_in_and_out() {
    for mode in MODES {
        let url = format!("<login-url xmlns='{}' room='{ROOM}' machine-uid='m'/>", ns::FOCUS);
        let answer = if mode == Off { "feature-not-implemented" } else { "result" };
        row_in(mode, "login-url", |_, _| ("get".into(), url.clone()), |sender| not_on_service(sender, (answer, &[])));
        row_in(mode, "login-url set", |_, _| ("set".into(), url.clone()), all("feature-not-implemented"));

        let logout = |id: &str| format!("<logout xmlns='{}' session-id='{id}'/>", ns::FOCUS);
        let answer = if mode == Off { "feature-not-implemented" } else { "not-acceptable" };
        row_in(mode, "logout", |_, _| ("set".into(), logout("x")), |sender| not_on_service(sender, (answer, &[])));
        row_in(mode, "logout get", |_, _| ("get".into(), logout("x")), all("feature-not-implemented"));
        if mode == Off {
            continue;
        }
        // Nobody is told anybody's id but its bearer, and the moderator stays what he is without it.
        for sender in SENDERS.iter().filter(|sender| sender.stands != OnService) {
            let mut s = stage(mode);
            let id = s.view("alice").login().session_id.clone().expect("alice has logged in");
            assert!(s.log().iter().all(|wire| wire.to == "focus" || wire.to == "alice" || !wire.text().contains(&id)));
            let stanza = format!("<iq type='set' id='x' from='{}' to='{FOCUS}'>{}</iq>", sender.from, logout(&id));
            assert_eq!(play(&mut s, sender, &stanza), (Some("result".into()), vec![]), "{mode:?} {sender:?}");
            assert_eq!(play(&mut s, sender, &stanza).0.as_deref(), Some("not-acceptable"), "{mode:?} {sender:?}");
            assert!(s.view("alice").is_moderator());
            unharmed(&s);
        }
    }
}

/// A session's id is good with its machine alone, and makes an owner of nobody but whoever speaks from the address that showed it.
#[test]
fn asking_with_anothers_session() {
    for mode in [Xmpp, Jwt] {
        for sender in SENDERS.iter().filter(|sender| sender.stands != OnService) {
            let mut s = stage(mode);
            let login = s.view("alice").login();
            let (id, machine) = (login.session_id.clone().expect("logged in"), "machine-of-alice");
            let ask = |machine: &str| {
                let (kind, child) = conference(ROOM, &format!("machine-uid='{machine}' session-id='{id}'"));
                format!("<iq type='{kind}' id='x' from='{}' to='{FOCUS}'>{child}</iq>", sender.from)
            };
            let refused = (Some("not-acceptable".to_owned()), vec![]);
            assert_eq!(play(&mut s, sender, &ask("other")), refused, "{mode:?} {sender:?}");
            assert_eq!(play(&mut s, sender, &ask("")), refused, "{mode:?} {sender:?}");
            let before = grants(&s, ROOM).len();
            assert_eq!(play(&mut s, sender, &ask(machine)), (Some("result".into()), vec![]), "{mode:?} {sender:?}");
            assert_eq!(grants(&s, ROOM).len(), before, "an occupant's address is nobody's connection: {sender:?}");
        }
    }
}
