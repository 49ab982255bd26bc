//! What the reference said to real peers finds no complaint: strictness is that of the real ones, not more.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use testkit::Time;
use testkit::bridge::Bridge;
use testkit::participant::profile::Profile;
use testkit::participant::{Participant, Settings};
use testkit::xml::{Element, Read, bare, parse, resource, set_attr};
use testkit::{bridge, ns};

struct Line {
    at: Time,
    sent: bool,
    stanza: Element,
}

/// What the focus sent and received, stanzas only.
fn trace(name: &str) -> Vec<Line> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/traces").join(name);
    let text = fs::read_to_string(&path).expect("a trace");
    let lines = text.lines().skip(1).map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"));
    let of_focus = lines.filter(|line| line["who"] == "focus");
    let stanza = |line: serde_json::Value| {
        let xml = line["xml"].as_str()?;
        let is_stanza = ["<iq", "<presence", "<message"].iter().any(|start| xml.starts_with(start));
        let at = Time::from_secs_f64(line["ms"].as_f64()? / 1000.0);
        is_stanza.then(|| Line { at, sent: line["dir"] == ">", stanza: parse(xml).expect("a stanza") })
    };
    of_focus.filter_map(stanza).collect()
}

fn participant(nick: &str, room: &str, profile: Profile) -> Participant {
    let mut settings = Settings::new(nick, room, "focus.meet.test");
    settings.profile = profile;
    // The recording is the focus' view: what others saw when is not in it.
    settings.grace = Time::from_secs(3);
    let mut participant = Participant::new(settings);
    participant.join();
    participant
}

/// Shows each participant what the focus showed it, and what the room showed the focus.
fn replay(name: &str, profile: impl Fn() -> Profile) -> (usize, Vec<String>) {
    let mut participants: BTreeMap<String, Participant> = BTreeMap::new();
    let mut complaints = Vec::new();
    let mut offers = 0;
    for Line { at, sent, mut stanza } in trace(name) {
        let (from, to) = (stanza.get("from").unwrap_or("").to_owned(), stanza.get("to").unwrap_or("").to_owned());
        let peer = if sent { &to } else { &from };
        if !peer.contains("@conference.") {
            continue;
        }
        let room = bare(peer).to_owned();
        let nick = resource(peer).unwrap_or("").to_owned();
        if !sent && stanza.name() == "presence" {
            let available = stanza.get("type").is_none();
            if available && nick != "focus" && !participants.contains_key(peer) {
                let mut newcomer = participant(&nick, &room, profile());
                let own = format!(
                    "<presence from='{peer}'><x xmlns='http://jabber.org/protocol/muc#user'><status code='110'/></x></presence>"
                );
                let focus = format!(
                    "<presence from='{room}/focus'><c xmlns='http://jabber.org/protocol/caps'/>
                        <x xmlns='http://jabber.org/protocol/muc#user'><item jid='focus@auth.meet.test/focus'/></x></presence>"
                );
                newcomer.handle(at, &parse(&focus).expect("XML"));
                for other in participants.keys().filter(|other| bare(other) == room) {
                    newcomer.handle(at, &parse(&own.replace(peer.as_str(), other).replace("110", "0")).expect("XML"));
                }
                newcomer.handle(at, &parse(&own).expect("XML"));
                participants.insert(peer.clone(), newcomer);
            }
            for participant in participants.values_mut().filter(|p| p.settings.room == room) {
                participant.handle(at, &stanza);
                while participant.poll_output().is_some() {}
            }
            if !available && let Some(gone) = participants.remove(peer) {
                complaints.extend(gone.violations().iter().map(ToString::to_string));
            }
        }
        // What the client did on its own account.
        let ends = stanza.children().any(|child| child.get("action") == Some("session-terminate"));
        if let Some(participant) = participants.get_mut(peer).filter(|_| !sent && ends) {
            participant.terminate("success", "restart required", Some(true));
            while participant.poll_output().is_some() {}
        }
        let to_participant = sent && stanza.name() == "iq" && matches!(stanza.get("type"), Some("get" | "set"));
        if let Some(participant) = participants.get_mut(peer).filter(|_| to_participant) {
            set_attr(&mut stanza, "from", format!("{room}/focus"));
            participant.handle(at, &stanza);
            offers += usize::from(participant.sessions() > 0);
        }
    }
    complaints.extend(participants.values().flat_map(|p| p.violations()).map(ToString::to_string));
    (offers, complaints)
}

#[test]
fn participants_have_no_complaint_of_the_reference() {
    let names = [
        "bridge-dies",
        "bridge-drains",
        "current-clients",
        "focus-stops",
        "ice-and-restart",
        "lobby",
        "moderation",
        "screen-share",
        "start-muted",
        "two-bridges",
    ];
    for name in names {
        let (offers, complaints) = replay(&format!("{name}.jsonl"), Profile::current);
        assert!(offers > 1, "{name}: nobody was invited");
        assert!(complaints.is_empty(), "{name}:\n{}", complaints.join("\n"));
    }
    for name in ["old-clients", "old-client-ice-failed"] {
        let (offers, complaints) = replay(&format!("{name}.jsonl"), Profile::old);
        assert!(offers > 1, "{name}: nobody was invited");
        assert!(complaints.is_empty(), "{name}:\n{}", complaints.join("\n"));
    }
    let (offers, complaints) = replay("ssrc-rewriting.jsonl", Profile::ssrc_rewriting);
    assert!(offers > 1 && complaints.is_empty(), "{}", complaints.join("\n"));
}

/// Every request of the reference is understood, and answered in the same way: result or error.
#[test]
fn bridges_take_what_the_reference_asks() {
    for name in [
        "current-clients",
        "two-bridges",
        "bridge-dies",
        "bridge-drains",
        "screen-share",
        "ice-and-restart",
        "moderation",
    ] {
        let mut bridges: BTreeMap<String, Bridge> = BTreeMap::new();
        let mut requests = 0;
        for Line { at, sent, mut stanza } in trace(&format!("{name}.jsonl")) {
            let to = stanza.get("to").unwrap_or("").to_owned();
            if !sent || stanza.kid("conference-modify", ns::COLIBRI2).is_none() {
                continue;
            }
            requests += 1;
            let nick = resource(&to).expect("a bridge").to_owned();
            let bridge = bridges.entry(nick.clone()).or_insert_with(|| {
                let mut settings = bridge::Settings::new(nick.as_str(), bare(&to));
                settings.stats.relay_id = Some(nick.clone());
                Bridge::new(settings)
            });
            set_attr(&mut stanza, "from", format!("{}/focus", bare(&to)));
            bridge.handle(at, &stanza);
            assert!(bridge.poll_output().is_some(), "{name}: no answer");
        }
        assert!(requests > 5, "{name}: {requests} requests");
        for bridge in bridges.values() {
            assert!(bridge.violations().is_empty(), "{name}: {:?}", bridge.violations());
            assert!(bridge.errors().is_empty(), "{name}: {:?}", bridge.errors());
            assert!(bridge.conferences().is_empty(), "{name}: everything was expired");
        }
    }
}
