//! The same for those whose role changes while they are there: from then on they may what they are, and nothing of what they were.

use super::*;
use crate::moderation::is_shown;

/// What they were, and what they are when they ask.
const CHANGED: [Sender; 10] = [
    sender(Participant, "moderator who was made a participant", "room@conference.meet.test/dora"),
    sender(Participant, "participant who led for a while", "room@conference.meet.test/pam"),
    sender(Participant, "moderator who is shown as a visitor", "room@conference.meet.test/vito"),
    sender(Moderator, "participant who was made a moderator", "room@conference.meet.test/pia"),
    sender(Uninvited, "visitor who is shown as a participant", "room@conference.meet.test/vik"),
    sender(Uninvited, "visitor who is shown as a moderator", "room@conference.meet.test/val"),
    sender(Outside, "one who was kicked out of his session", "room@conference.meet.test/kim"),
    sender(Outside, "moderator who was kicked", "room@conference.meet.test/max"),
    sender(Outside, "moderator who was banned", "room@conference.meet.test/ben"),
    sender(Itself, "the one it is about, who led for a while", "room@conference.meet.test/bob"),
];

/// Everybody comes as one thing and is another then.
fn stage_of_changes(mode: Mode) -> Scenario {
    let mut s = stage(mode);
    let in_sessions = ["dora", "pam", "vito", "pia", "kim", "max", "ben"];
    for name in in_sessions {
        s.joins_with(name, |settings| settings.jid = format!("{name}@guest.meet.test/web"));
    }
    s.run_until(|s| s.connected(&in_sessions));
    for name in ["dora", "pam", "vito", "max", "ben", "bob"] {
        is_shown(&mut s, name, "owner", "moderator");
    }
    let occupant = |s: &mut Scenario, nick: &str, more: &str, item: &str, status: &str| {
        to_focus(
            s,
            &format!(
                "<presence from='{ROOM}/{nick}' to='{FOCUS}'{more}><x xmlns='{}'><item {item} jid='{nick}@guest.meet.test/web'/>\
                 {status}</x></presence>",
                ns::MUC_USER
            ),
        );
    };
    for nick in ["vik", "val"] {
        occupant(&mut s, nick, "", "affiliation='none' role='visitor'", "");
    }
    is_shown(&mut s, "dora", "member", "participant");
    is_shown(&mut s, "pam", "none", "participant");
    is_shown(&mut s, "vito", "none", "visitor");
    is_shown(&mut s, "pia", "owner", "moderator");
    is_shown(&mut s, "bob", "none", "participant");
    occupant(&mut s, "vik", "", "affiliation='member' role='participant'", "");
    occupant(&mut s, "val", "", "affiliation='owner' role='moderator'", "");
    for nick in ["kim", "max"] {
        occupant(&mut s, nick, " type='unavailable'", "affiliation='none' role='none'", "<status code='307'/>");
    }
    occupant(&mut s, "ben", " type='unavailable'", "affiliation='outcast' role='none'", "<status code='301'/>");
    s.run_for(Time::from_secs(1));
    s
}

#[track_caller]
fn changed(what: &str, child: impl Fn(&Scenario, &Sender) -> (String, String), expected: impl Fn(&Sender) -> Cell) {
    for mode in MODES {
        row_of(stage_of_changes(mode), &CHANGED, mode, what, &child, &expected);
    }
}

#[test]
fn muting_after_a_change() {
    let bob = format!("{ROOM}/bob");
    let refused = ("item-not-found", &[] as &[&str]);
    let others = [refused, ("not-allowed", &[]), ("result", &["iq bob"]), ("result", &[])];
    let nobody = [refused, ("not-allowed", &[]), ("not-allowed", &[]), ("result", &[])];
    for media in [JITMEET_AUDIO, ns::JITMEET_VIDEO, ns::JITMEET_DESKTOP] {
        changed(media, |_, _| mute(media, &bob, "true"), outside_or("item-not-found", others));
        changed(media, |_, _| mute(media, &bob, "false"), outside_or("item-not-found", nobody));
    }
}

/// Bob's session is bob's, whoever leads.
#[test]
fn jingle_after_a_change() {
    for action in ["session-terminate", "session-accept", "session-info", "source-remove", "transport-reject"] {
        changed(
            action,
            |s, _| {
                let sid = sid(s, "bob");
                ("set".into(), format!("<jingle xmlns='{}' action='{action}' sid='{sid}'/>", ns::JINGLE))
            },
            |sender| match (sender.stands, action) {
                (Outside, _) => ("bad-request", &[]),
                (Itself, "session-terminate") => {
                    ("item-not-found", &["iq alice", "iq carol", "iq dora", "iq pam", "iq vito", "iq pia", "iq jvb1"])
                }
                (Itself, "session-accept") => ("result", &["iq jvb1"]),
                (Itself, _) => ("result", &[]),
                _ => ("item-not-found", &[]),
            },
        );
    }
}

/// Nobody is taken for a user by what he leads, and nobody who was put out is kept from asking: whether he gets in is the room's
/// matter.
#[test]
fn asking_after_a_change() {
    let new = "new@conference.meet.test";
    for mode in MODES {
        let asks = |room: &str| {
            ("set".to_owned(), format!("<conference xmlns='{}' room='{room}' machine-uid='m'/>", ns::FOCUS))
        };
        row_of(stage_of_changes(mode), &CHANGED, mode, "a conference", |_, _| asks(ROOM), all("result"));
        if mode != Off {
            row_of(stage_of_changes(mode), &CHANGED, mode, "a new conference", |_, _| asks(new), all("not-authorized"));
        }
    }
    for child in [format!("<ping xmlns='{}'/>", ns::PING), format!("<query xmlns='{}'/>", ns::DISCO_INFO)] {
        changed("a question", |_, _| ("get".into(), child.clone()), all("result"));
    }
    let affiliation =
        format!("<query xmlns='{}'><item affiliation='owner' jid='eve@meet.test'/></query>", ns::MUC_ADMIN);
    let visitors = format!("<visitors xmlns='{}' room='{ROOM}'><broadcast enabled='true'/></visitors>", ns::VISITORS);
    for child in [affiliation, visitors] {
        changed("what nobody may ask", |_, _| ("set".into(), child.clone()), all("feature-not-implemented"));
    }
}

/// Whoever is made a moderator by the room moderates nobody by that alone: it is the component's to say so.
#[test]
fn messages_after_a_change() {
    let json = format!("{{\"type\":\"av_moderation\",\"room\":\"{ROOM}\",\"enabled\":true,\"mediaType\":\"audio\"}}");
    let json = format!("<json-message xmlns='{}' room='{ROOM}'>{json}</json-message>", ns::JITMEET);
    let mut s = stage_of_changes(Off);
    for sender in &CHANGED {
        for kind in ["", " type='groupchat'"] {
            let message = format!("<message{kind} from='{}' to='{FOCUS}'>{json}</message>", sender.from);
            assert_eq!(play(&mut s, sender, &message), (None, vec![]), "{sender:?}");
        }
    }
    unharmed(&s);
}
