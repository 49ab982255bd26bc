//! Who is in no room of ours: many who were made up ask for conferences and for anything else, and the room of a foreign server
//! says what it likes (spec/30 §12.4). Nobody in a room may notice.

use super::plan::What;
use super::play::{Later, Life, room};
use crate::Time;
use crate::ns;
use crate::xml::parse;

const FOCUS: &str = "focus@auth.meet.test/focus";
const TRAP: &str = "trap@rooms.foreign.test";

/// Until the focus is in the foreign room, if it goes there.
const UNTIL_THERE: Time = Time::from_secs(3);

/// More than anybody may ask at once.
const FLOOD: usize = 300;

impl Life<'_> {
    pub(super) fn act_of_strangers(&mut self, what: What) {
        match what {
            What::StrangersAsk(number, count) => self.strangers_ask(number, count),
            What::ForeignRoom(who) => {
                let ask = format!("<conference xmlns='{}' room='{TRAP}' machine-uid='m'/>", ns::FOCUS);
                self.says_outside("iq", "set", "host@meet.test/trap", &ask);
                self.later(UNTIL_THERE, Later::ForeignRoomSpeaks(who));
            }
            _ => {}
        }
    }

    /// As the server hands it to the focus.
    fn says_outside(&mut self, name: &str, kind: &str, from: &str, child: &str) {
        // Nothing reaches it otherwise.
        if self.focus_away {
            return;
        }
        let kind = if kind.is_empty() { String::new() } else { format!(" type='{kind}'") };
        let id = if name == "iq" { " id='stranger'" } else { "" };
        let text = format!("<{name} xmlns='jabber:client'{kind}{id} from='{from}' to='{FOCUS}'>{child}</{name}>");
        let now = self.s.now();
        self.s.server().send(now, "focus", parse(&text).expect("well-formed XML"));
    }

    fn strangers_ask(&mut self, number: u8, count: u8) {
        let asked_for = room(number);
        let version = "<property name='visitors-version' value='1'/>";
        for number in 0..count {
            let domain = ["guest.meet.test", "foreign.test", "meet.test"][usize::from(number % 3)];
            let from = format!("stranger{number}@{domain}/x");
            let wish = if number % 2 == 0 { "<property name='visitor' value='true'/>" } else { "" };
            let stray = format!("stray{}@conference.meet.test", number % 4);
            let room = if number % 5 == 4 { &stray } else { &asked_for };
            let machine = format!("machine-uid='m{number}'");
            let ask = format!("<conference xmlns='{}' room='{room}' {machine}>{version}{wish}</conference>", ns::FOCUS);
            self.says_outside("iq", "set", &from, &ask);
        }
        // And what is nobody's but an occupant's, or a component's.
        let json = format!(r#"{{"type":"av_moderation","room":"{asked_for}","mediaType":"audio","enabled":true}}"#);
        for from in ["stranger@guest.meet.test/x", "foreign.test", "foreign.test/x"] {
            let mute = format!("<mute xmlns='{}' jid='{asked_for}/p0'>true</mute>", ns::JITMEET_AUDIO);
            self.says_outside("iq", "set", from, &mute);
            let terminate = format!("<jingle xmlns='{}' action='session-terminate' sid='x'/>", ns::JINGLE);
            self.says_outside("iq", "set", from, &terminate);
            let json = format!("<json-message xmlns='{}' room='{asked_for}'>{json}</json-message>", ns::JITMEET);
            self.says_outside("message", "", from, &json);
            self.says_outside("presence", "unavailable", from, "");
        }
    }

    /// The foreign room shows somebody's address for one who is in it, who leads it, and asks for everything.
    pub(super) fn foreign_room_speaks(&mut self, who: u8) {
        let victim = self.people.get(&who).map(|person| person.label.clone());
        let shown = victim.as_ref().map(|label| self.s.view(label).settings.jid.clone());
        let shown = shown.unwrap_or_else(|| "nobody@meet.test/x".into());
        let sid = victim.as_ref().and_then(|label| self.s.view(label).session()).map(|session| session.sid.clone());
        let occupant = format!("{TRAP}/occupant");
        let item = format!("<item affiliation='owner' role='moderator' jid='{shown}'/>");
        let user = format!("<x xmlns='{}'>{item}</x>", ns::MUC_USER);
        self.says_outside("presence", "", &occupant, &user);
        for _ in 0..FLOOD {
            self.says_outside("iq", "get", &occupant, &format!("<ping xmlns='{}'/>", ns::PING));
        }
        for number in 0..4 {
            let stray = format!("stray{number}@conference.meet.test");
            let ask = format!("<conference xmlns='{}' room='{stray}' machine-uid='m'/>", ns::FOCUS);
            self.says_outside("iq", "set", &occupant, &ask);
        }
        for room in (0..self.plan.setting.rooms).map(room) {
            let mute = format!("<mute xmlns='{}' jid='{room}/p{who}'>true</mute>", ns::JITMEET_AUDIO);
            self.says_outside("iq", "set", &occupant, &mute);
            let json = format!(r#"{{"type":"av_moderation","room":"{room}","mediaType":"audio","enabled":true}}"#);
            let json = format!("<json-message xmlns='{}' room='{room}'>{json}</json-message>", ns::JITMEET);
            self.says_outside("message", "", TRAP, &json);
        }
        if let Some(sid) = sid {
            for action in ["session-terminate", "source-remove", "session-accept"] {
                let jingle = format!("<jingle xmlns='{}' action='{action}' sid='{sid}'/>", ns::JINGLE);
                self.says_outside("iq", "set", &occupant, &jingle);
            }
        }
        self.says_outside("presence", "unavailable", &occupant, &user);
    }
}
