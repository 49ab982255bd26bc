//! What no honest client does. From then on nothing that it says of the focus counts; what others see of it does.

use super::peers::nick;
use super::plan::What;
use super::play::{Later, Life};
use crate::Time;
use crate::ns;
use crate::participant::media::camera;
use crate::sources::Media;
use crate::xml::{Builder, Element, el};

/// How often somebody restarts in a loop, and how fast.
const LOOPS: u32 = 9;
const LOOP_PAUSE: Time = Time::from_millis(700);

/// More than anybody may ask at once.
const FLOOD: usize = 400;

/// So much is in a presence that is too large for anything.
const MUCH: usize = 300;

impl Life<'_> {
    pub(super) fn act_hostile(&mut self, what: What, number: u8, label: &str) {
        if !self.s.view(label).connected() {
            return;
        }
        if let Some(person) = self.people.get_mut(&number) {
            person.hostile = true;
        }
        match what {
            What::Terminates(_) => self.s.participant(label).terminate("success", "bye", Some(false)),
            What::AcceptsTwice(_) => self.s.participant(label).accept_again(),
            What::UsesAWrongSid(_) => self.send_jingle(label, "source-add", "0123456789abc"),
            What::UsesAForeignSid(_, other) => self.use_foreign_sid(label, number, other),
            What::FloodsSources(_) => {
                for _ in 0..6 {
                    self.s.participant(label).add_source(camera());
                }
            }
            What::AnnouncesForeign(_, other) | What::RemovesForeign(_, other) if other != number => {
                let Some(victim) = self.people.get(&other).map(|person| person.label.clone()) else { return };
                let sources = self.s.view(&victim).own().clone();
                let ssrcs: Vec<u32> = sources.sources.iter().map(|source| source.ssrc).collect();
                self.s.participant(label).announce(sources);
                if matches!(what, What::RemovesForeign(..)) {
                    self.s.participant(label).withdraw(&ssrcs);
                }
            }
            What::SendsNonsense(_) => self.send_nonsense(label),
            What::AnnouncesNonsense(_, other) => self.announce_nonsense(label, other),
            What::FloodsMutes(_, other) => self.flood_mutes(label, other),
            What::Forges(_, other) => self.forge(label, other),
            What::ShowsMuch(_) => self.show_much(label),
            What::FloodsRequests(_) => {
                let focus = self.s.view(label).focus_occupant();
                for _ in 0..FLOOD {
                    self.s.participant(label).send_iq("get", &focus, el("ping", ns::PING).done());
                }
            }
            What::RestartsInALoop(_) => {
                for time in 0..LOOPS {
                    self.later(LOOP_PAUSE * time, Later::Restarts(number));
                }
            }
            What::NeverAccepts(_) => {
                self.s.participant(label).settings.never_accepts = true;
                self.s.participant(label).restart();
            }
            _ => {}
        }
    }

    pub(super) fn use_foreign_sid(&mut self, label: &str, number: u8, other: u8) {
        let victim = self.people.get(&other).filter(|_| other != number).map(|person| person.label.clone());
        let session = victim.and_then(|victim| self.s.view(&victim).session());
        let Some(sid) = session.map(|session| session.sid.clone()) else { return };
        for action in ["session-terminate", "source-remove", "session-accept", "transport-info"] {
            self.send_jingle(label, action, &sid);
        }
    }

    pub(super) fn send_jingle(&mut self, label: &str, action: &str, sid: &str) {
        let jingle = el("jingle", ns::JINGLE).attr("action", action).attr("sid", sid).done();
        self.s.participant(label).send_jingle(jingle);
    }

    fn own_sid(&self, label: &str) -> String {
        self.s.view(label).session().map(|session| session.sid.clone()).unwrap_or_default()
    }

    fn send_nonsense(&mut self, label: &str) {
        let own = self.own_sid(label);
        for action in ["transport-reject", "security-info", "source-add", "no-such-action", "transport-info"] {
            self.send_jingle(label, action, &own);
        }
        self.s.participant(label).send_jingle(el("jingle", ns::JINGLE).done());
        let focus = self.s.view(label).focus_occupant();
        self.s.participant(label).send_iq("get", &focus, el("query", "urn:example:nothing").done());
        let content =
            el("content", ns::JINGLE).attr("name", "smell").child(el("description", ns::RTP).attr("media", "x"));
        let jingle = el("jingle", ns::JINGLE).attr("action", "source-add").attr("sid", own).child(content).done();
        self.s.participant(label).send_jingle(jingle);
    }

    /// Sources that are none, and groups of what is not there.
    fn announce_nonsense(&mut self, label: &str, other: u8) {
        let sid = self.own_sid(label);
        let long = "x".repeat(5_000);
        let name = format!("{}-v0", nick(other));
        let plain = |ssrc: &str| el("source", ns::SSMA).attr("ssrc", ssrc);
        let group = |semantics: &str, ssrcs: &[&str]| {
            let members = ssrcs.iter().map(|ssrc| plain(ssrc));
            el("ssrc-group", ns::SSMA).attr("semantics", semantics).children(members)
        };
        let all: Vec<Vec<Builder>> = vec![
            vec![plain("0")],
            vec![plain("4294967296")],
            vec![plain("-1")],
            vec![plain("seven")],
            vec![plain("")],
            vec![el("source", ns::SSMA)],
            vec![plain("77001").attr("name", &long)],
            vec![plain("77002").attr("name", name)],
            vec![plain("77003"), plain("77003")],
            vec![group("FID", &["77004"])],
            vec![group("FID", &["77005", "77006"])],
            vec![plain("77007"), plain("77008"), group("SIM", &["77007", "77008", "77009"])],
            vec![plain("77010"), plain("77011"), group("NONE", &["77010", "77011"])],
            vec![],
        ];
        for sources in all {
            for action in ["source-add", "source-remove"] {
                let description = el("description", ns::RTP).attr("media", "video").children(sources_again(&sources));
                let content = el("content", ns::JINGLE).attr("name", "video").child(description);
                let jingle = el("jingle", ns::JINGLE).attr("action", action).attr("sid", &sid).child(content).done();
                self.s.participant(label).send_jingle(jingle);
            }
        }
    }

    /// Mutes and unmutes everybody, itself, the focus, and who is not there.
    fn flood_mutes(&mut self, label: &str, other: u8) {
        let own = self.s.view(label).nick().to_owned();
        for _ in 0..5 {
            for target in [nick(other).as_str(), own.as_str(), "focus", "nobody"] {
                for (media, mute) in [(Media::Audio, true), (Media::Video, true), (Media::Audio, false)] {
                    self.s.participant(label).ask_mute(target, media, mute);
                }
            }
        }
    }

    /// Says what only the server's components, the rooms themselves and bridges say.
    fn forge(&mut self, label: &str, other: u8) {
        let focus = self.s.view(label).focus_occupant();
        let room = self.s.view(label).settings.room.clone();
        let victim = format!("{room}/{}", nick(other));
        let messages = [
            format!(r#"{{"type":"av_moderation","room":"{room}","mediaType":"audio","enabled":true}}"#),
            format!(r#"{{"type":"room_metadata","room":"{room}","metadata":{{"startMuted":{{"audio":true}}}}}}"#),
            "{".to_owned(),
        ];
        for json in messages {
            for to in [&room, &focus, "focus@auth.meet.test/focus"] {
                let json = el("json-message", ns::JITMEET).attr("room", &room).text(&json);
                let message = el("message", ns::CLIENT).attr("to", to).child(json).done();
                self.s.participant(label).send_raw(message);
            }
        }
        let changed = el("x", ns::MUC_USER).child(el("status", ns::MUC_USER).attr("code", "104"));
        let message = el("message", ns::CLIENT).attr("to", &room).attr("type", "groupchat").child(changed);
        self.s.participant(label).send_raw(message.done());
        let status = |code: &str| el("status", ns::MUC_USER).attr("code", code);
        let item = el("item", ns::MUC_USER).attr("affiliation", "owner").attr("role", "moderator");
        let user = el("x", ns::MUC_USER).child(item).child(status("110")).child(status("307"));
        let own = self.s.view(label).occupant_jid();
        self.s.participant(label).send_raw(el("presence", ns::CLIENT).attr("to", own).child(user).done());
        let payloads = [
            el("conference", ns::FOCUS).attr("room", &room).done(),
            el("conference-modified", ns::COLIBRI2).done(),
            el("healthcheck", ns::HEALTHCHECK).done(),
            el("mute", ns::JITMEET_AUDIO).attr("jid", &victim).attr("actor", &focus).text("true").done(),
            el("query", ns::MUC_OWNER).child(el("destroy", ns::MUC_OWNER)).done(),
        ];
        for payload in payloads {
            self.s.participant(label).send_iq("set", &focus, payload);
        }
        // Answers to what the focus asked, or may ask next.
        for id in ["a-1", "0", ""] {
            for kind in ["result", "error"] {
                let answer = el("iq", ns::CLIENT).attr("type", kind).attr("id", id).attr("to", &focus).done();
                self.s.participant(label).send_raw(answer);
            }
        }
    }

    /// A presence with far too much in it, time and again.
    fn show_much(&mut self, label: &str) {
        let own = self.s.view(label).occupant_jid();
        let long = "y".repeat(200);
        let deep = (0..20).fold(el("deep", "urn:example:deep"), |inner, _| el("deep", "urn:example:deep").child(inner));
        let many = (0..MUCH).map(|number| el("thing", "urn:example:much").attr("number", number).text(&*long));
        let nick = el("nick", ns::NICK).text(long.repeat(10));
        let presence = el("presence", ns::CLIENT).attr("to", own).child(nick).children(many).child(deep).done();
        for _ in 0..3 {
            self.s.participant(label).send_raw(presence.clone());
        }
    }
}

fn sources_again(sources: &[Builder]) -> Vec<Element> {
    sources.iter().map(|source| source.look().clone()).collect()
}
