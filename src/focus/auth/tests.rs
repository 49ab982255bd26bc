use super::*;
use crate::focus::ids::Ids;

const LIFETIME: u64 = 30;

fn authentication(kind: AuthenticationType, auto_login: bool) -> Authentication {
    let mut config = Config::default();
    config.authentication.kind = kind;
    config.authentication.login_url = Some("meet.test".into());
    config.authentication.authentication_lifetime = Duration::from_secs(LIFETIME);
    config.authentication.enable_auto_login = auto_login;
    Authentication::new(&config)
}

/// Somebody asks; what is decided, and his session.
struct Asks<'a> {
    authentication: &'a mut Authentication,
    ids: &'a mut Ids,
    second: u64,
}

impl Asks<'_> {
    fn ask(
        &mut self,
        sender: Option<&str>,
        session: Option<&str>,
        machine: &str,
        room: (&str, Room),
    ) -> (Rule, Option<String>) {
        let sender = sender.map(|jid| Jid::new(jid).expect("an address"));
        let name = BareJid::new(&format!("{}@conference.meet.test", room.0)).expect("a room");
        let question =
            Question { sender: sender.as_ref(), session, machine_uid: Some(machine), room: &name, state: room.1 };
        let now = Timestamp(self.second * 1_000_000);
        let decision = self.authentication.decide(now, &question);
        let login = self.authentication.admit(self.ids, now, &question, &decision);
        assert_eq!(self.authentication.audit(), Vec::<String>::new());
        (decision.rule, login.map(|login| login.session.expose().to_owned()))
    }
}

const HOST: Option<&str> = Some("alice@meet.test/web");
const GUEST: Option<&str> = Some("g1@guest.meet.test/r1");
const NEW: (&str, Room) = ("daily", Room::New);

fn with(kind: AuthenticationType, auto_login: bool, act: impl FnOnce(&mut Asks<'_>)) {
    let (mut authentication, mut ids) = (authentication(kind, auto_login), Ids::new(1));
    act(&mut Asks { authentication: &mut authentication, ids: &mut ids, second: 0 });
}

#[test]
fn the_first_rule_that_fits_decides() {
    with(AuthenticationType::None, true, |it| {
        assert_eq!(it.ask(GUEST, Some("bogus"), "", NEW), (Rule::AuthenticationOff, None));
    });
    with(AuthenticationType::Xmpp, true, |it| {
        let (rule, session) = it.ask(HOST, None, "m1", NEW);
        assert_eq!(rule, Rule::LoggedIn);
        let known = session.as_deref();
        for (sender, session, machine, state, expected) in [
            (GUEST, None, "m1", Room::New, Rule::NotAuthorized),
            (GUEST, None, "m1", Room::Exists, Rule::RoomExists),
            (GUEST, None, "m1", Room::HasBreakouts, Rule::BreakoutsOpen),
            (GUEST, Some("bogus"), "m1", Room::Breakout, Rule::BreakoutRoom),
            (GUEST, Some("bogus"), "m1", Room::Exists, Rule::SessionUnknown),
            (HOST, Some("bogus"), "m1", Room::New, Rule::SessionUnknown),
            (GUEST, Some("  "), "m1", Room::Exists, Rule::RoomExists),
            (GUEST, known, "m2", Room::New, Rule::MachineMismatch),
            (GUEST, known, "", Room::Exists, Rule::MachineMismatch),
            (HOST, None, "  ", Room::Exists, Rule::MachineMissing),
            (HOST, None, &"x".repeat(257), Room::Exists, Rule::MachineTooLong),
            (None, None, "m1", Room::New, Rule::NotAuthorized),
            (None, None, "m1", Room::Exists, Rule::RoomExists),
            (None, known, "m1", Room::New, Rule::SessionKnown),
            (GUEST, known, "m1", Room::New, Rule::SessionKnown),
            (GUEST, None, "", Room::New, Rule::Bound),
        ] {
            assert_eq!(
                it.ask(sender, session, machine, ("daily", state)).0,
                expected,
                "{sender:?} {session:?} {machine}"
            );
        }
    });
}

#[test]
fn over_http_a_session_lets_in_and_binds_nobody() {
    with(AuthenticationType::Xmpp, true, |it| {
        let session = it.ask(HOST, None, "m1", NEW).1;
        assert_eq!(it.ask(None, session.as_deref(), "m1", NEW).1, session);
        let host = Jid::new(HOST.unwrap()).unwrap();
        assert!(it.authentication.is_bound(Timestamp(0), &host), "the one that it is bound to stays");
        assert_eq!(it.ask(GUEST, None, "m1", NEW).0, Rule::NotAuthorized);
    });
}

#[test]
fn an_account_has_one_session_a_machine_which_lives_as_long_as_it_is_used() {
    with(AuthenticationType::Xmpp, true, |it| {
        let first = it.ask(HOST, None, "m1", NEW).1;
        assert_eq!(it.ask(Some("alice@meet.test/other"), None, "m1", ("weekly", Room::New)).1, first);
        assert_ne!(it.ask(HOST, None, "m2", NEW).1, first);
        assert_ne!(it.ask(Some("bob@meet.test/web"), None, "m1", NEW).1, first);
        it.second = LIFETIME;
        assert_eq!(it.ask(GUEST, first.as_deref(), "m1", NEW).0, Rule::SessionKnown);
        assert_eq!(it.authentication.sessions(), 3);
        it.second = 2 * LIFETIME;
        it.authentication.expire(Timestamp(it.second * 1_000_000));
        assert_eq!(it.authentication.sessions(), 1, "what was used in time stays");
        it.second = 2 * LIFETIME + 1;
        assert_eq!(
            it.ask(GUEST, first.as_deref(), "m1", NEW).0,
            Rule::SessionUnknown,
            "also before it is cleared away"
        );
        assert_eq!(it.ask(GUEST, None, "m1", NEW).0, Rule::NotAuthorized);
    });
}

#[test]
fn sessions_that_end_with_their_conference_are_made_for_each() {
    for (kind, auto_login) in [(AuthenticationType::Xmpp, false), (AuthenticationType::Jwt, true)] {
        with(kind, auto_login, |it| {
            let daily = it.ask(HOST, None, "m1", NEW).1;
            assert_eq!(it.ask(HOST, None, "m1", NEW).1, daily);
            let weekly = it.ask(HOST, None, "m1", ("weekly", Room::New)).1;
            assert_ne!(weekly, daily);
            assert_eq!(it.authentication.conference_ended(&BareJid::new("daily@conference.meet.test").unwrap()), 1);
            assert_eq!(it.ask(GUEST, daily.as_deref(), "m1", NEW).0, Rule::SessionUnknown);
            assert_eq!(it.ask(GUEST, weekly.as_deref(), "m1", NEW).0, Rule::SessionKnown);
        });
    }
}

#[test]
fn a_client_that_takes_ever_new_addresses_and_machines_takes_no_more_room() {
    with(AuthenticationType::Xmpp, true, |it| {
        let session = it.ask(HOST, None, "m1", NEW).1;
        let guest = |n: usize| format!("g{n}@guest.meet.test/r");
        for n in 0..100 {
            it.ask(Some(&guest(n)), session.as_deref(), "m1", NEW);
        }
        assert_eq!(it.ask(Some(&guest(99)), None, "", NEW).0, Rule::Bound);
        assert_eq!(it.ask(Some(&guest(0)), None, "", NEW).0, Rule::NotAuthorized, "the oldest address goes");
        for n in 0..100 {
            it.second += 1;
            it.authentication.mode =
                Mode::Xmpp(Xmpp { lifetime: Duration::from_secs(3600), ..xmpp_of(it.authentication) });
            it.ask(HOST, None, &format!("machine {n}"), NEW);
        }
        assert_eq!(it.authentication.sessions(), 64);
        assert_eq!(it.ask(GUEST, session.as_deref(), "m1", NEW).0, Rule::SessionUnknown, "the oldest session goes");
    });
}

fn xmpp_of(authentication: &Authentication) -> Xmpp {
    match &authentication.mode {
        Mode::Xmpp(xmpp) => xmpp.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_logout_ends_a_session_and_no_log_shows_its_id() {
    with(AuthenticationType::Xmpp, true, |it| {
        let session = it.ask(HOST, None, "m1", NEW).1.expect("a session");
        assert!(it.authentication.log_out(Timestamp(0), "bogus").is_none());
        let login = it.authentication.log_out(Timestamp(0), &session).expect("it was there");
        assert_eq!(login.identity, "alice@meet.test");
        for shown in [login.session.to_string(), format!("{login:?}")] {
            assert!(!shown.contains(&session[..8]) && shown.contains(&session[..6]), "{shown}");
        }
        assert!(it.authentication.log_out(Timestamp(0), &session).is_none());
    });
}

#[test]
fn every_rule_has_a_name_of_its_own() {
    let names: std::collections::BTreeSet<&str> = Rule::ALL.iter().map(|rule| rule.name()).collect();
    assert_eq!(names.len(), Rule::ALL.len());
}
