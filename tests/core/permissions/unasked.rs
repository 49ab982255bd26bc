//! Whose messages, presences and answers count.

use testkit::Time;
use testkit::ns;
use testkit::room::Fate;
use testkit::xml::Read;

use super::*;

/// Messages: of the components alone, and each of its own kind alone.
#[test]
fn messages() {
    let json = |json: &str| format!("<json-message xmlns='{}' room='{ROOM}'>{json}</json-message>", ns::JITMEET);
    let moderation = json(&format!(
        "{{\"type\":\"av_moderation\",\"room\":\"{ROOM}\",\"enabled\":true,\"mediaType\":\"audio\",\"actor\":\"{ROOM}/alice\"}}"
    ));
    let metadata = json(
        "{\"type\":\"room_metadata\",\"metadata\":{\"recording\":{\"isTranscribingEnabled\":true},\"asyncTranscription\":true}}",
    );
    let status = format!("<x xmlns='{}'><status code='104'/></x>", ns::MUC_USER);
    let owner = format!("<x xmlns='{}'><item affiliation='owner' jid='eve@meet.test'/></x>", ns::MUC_USER);
    let mutes: &[&str] = &["iq jvb1", "iq bob", "iq carol"];
    let property: &[&str] = &["presence focus"];
    for (what, child, effective, effect) in [
        ("moderation", &moderation, "moderation component", mutes),
        ("metadata", &metadata, "metadata component", property),
        ("a changed configuration", &status, "nobody, where there is metadata", &[]),
        ("an affiliation", &owner, "nobody", &[]),
    ] {
        for kind in ["", " type='normal'", " type='groupchat'", " type='chat'", " type='error'"] {
            let mut s = stage(Xmpp);
            let mut senders = SENDERS;
            senders.sort_by_key(|sender| sender.who == effective);
            for sender in senders {
                let Sender { who, from, .. } = sender;
                let stanza = format!("<message{kind} from='{from}' to='{FOCUS}'>{child}</message>");
                let (answer, others) = play(&mut s, &sender, &stanza);
                let counts = who == effective && (kind.is_empty() || kind.contains("normal"));
                let expected = if counts { effect } else { &[] };
                assert_eq!(
                    (answer, others),
                    (None, expected.iter().map(|it| (*it).to_owned()).collect()),
                    "{what}{kind} of {who}"
                );
            }
            unharmed(&s);
        }
    }
}

/// Presence: everybody's is about himself, whatever it says.
#[test]
fn presence() {
    let destroyed = format!(
        "<x xmlns='{}'><item affiliation='none' role='none' jid='{FOCUS}' nick='bob'/><destroy><reason>x</reason></destroy>\
         <status code='110'/><status code='307'/></x>",
        ns::MUC_USER
    );
    let mut s = stage(Xmpp);
    for sender in &SENDERS {
        let Sender { who, from, stands, .. } = *sender;
        let of_itself = matches!(stands, Participant | Moderator | Itself);
        if of_itself || matches!(who, "bridge" | "the focus' own place in the room") {
            continue;
        }
        for kind in [" type='unavailable'", " type='error'", ""] {
            // Somebody who comes into a room with these is in it; that is his own business.
            if kind.is_empty() && from.contains('/') && from.contains("@conference") {
                continue;
            }
            let stanza = format!("<presence{kind} from='{from}' to='{FOCUS}'>{destroyed}</presence>");
            let (answer, _) = play(&mut s, sender, &stanza);
            assert_eq!(answer, None, "{who}{kind}");
            for name in ["alice", "bob", "carol"] {
                assert!(
                    s.view(name).connected() && s.view_bridge("jvb1").endpoint(name).is_some(),
                    "{who}{kind}: {name}"
                );
            }
            assert!(leaves(&s, ROOM).is_empty() && s.focus().gauges().conferences >= 1, "{who}{kind}");
        }
    }
    // Its own leave is its own, though it claims to be the focus'.
    let from = format!("{ROOM}/carol");
    let carol = SENDERS.iter().find(|sender| sender.stands == Participant).expect("in the table");
    play(&mut s, carol, &format!("<presence type='unavailable' from='{from}' to='{FOCUS}'>{destroyed}</presence>"));
    assert!(s.view_bridge("jvb1").endpoint("carol").is_none());
    assert!(s.view("alice").connected() && s.view("bob").connected() && leaves(&s, ROOM).is_empty());
    // Nobody sees our presence but whom it is meant for.
    for sender in &SENDERS {
        let Sender { who, from, .. } = *sender;
        let (_, told) = play(&mut s, sender, &format!("<presence type='subscribe' from='{from}' to='{FOCUS}'/>"));
        let answer = s.said().presence().last().stanza.clone();
        let welcome = answer.attr("type") != Some("unsubscribed");
        assert_eq!(welcome, from.starts_with("proxy.meet.test"), "{who}");
        assert_eq!(told.len(), if welcome { 2 } else { 1 }, "{who}");
    }
}

/// An answer counts from where the question went, and from nowhere else.
#[test]
fn answers() {
    let mut s = stage(Off);
    s.accident(1, Fate::IsLate(Time::from_secs(5)), |d| {
        d.to == "focus/service" && d.stanza.kid("conference-modified", ns::COLIBRI2).is_some()
    });
    s.joins("dave");
    s.run_for(Time::from_millis(100));
    let asked = s.said().containing("'dave'").containing("create=").last().stanza.clone();
    // The bridge itself is in the table, on a connection on which it was not asked.
    let id = asked.attr("id").unwrap().to_owned();
    assert_eq!(asked.attr("to"), Some("jvbbrewery@internal.auth.meet.test/jvb1"));
    let transport = format!(
        "<conference-modified xmlns='{}'><endpoint id='dave'><transport><transport \
         xmlns='urn:xmpp:jingle:transports:ice-udp:1' ufrag='evil' pwd='evil'/></transport></endpoint></conference-modified>",
        ns::COLIBRI2
    );
    let error = format!("<error type='cancel'><item-not-found xmlns='{}'/></error>", ns::STANZA_ERRORS);
    for sender in &SENDERS {
        let Sender { who, from, .. } = *sender;
        for (kind, child) in [("result", transport.as_str()), ("error", error.as_str()), ("result", "")] {
            let (answer, others) =
                play(&mut s, sender, &format!("<iq type='{kind}' id='{id}' from='{from}' to='{FOCUS}'>{child}</iq>"));
            assert_eq!((answer, others), (None, vec![]), "{kind} of {who}");
        }
    }
    assert_eq!(offers(&s, "dave"), 0);
    s.run_until(|s| s.view("dave").connected());
    assert!(!s.sent_to("dave").jingle("session-initiate").first().text().contains("evil"));
    unharmed(&s);
}
