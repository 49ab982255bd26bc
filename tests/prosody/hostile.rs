//! A participant and strangers who send what no client would, while a meeting goes on elsewhere.

use testkit::ns;
use testkit::participant::Participant;
use testkit::participant::media::desktop;
use testkit::prosody::{Prosody, Wiring};
use testkit::raw::RawGuest;
use testkit::sources::{Media, Source, Sources};
use testkit::xml::parse;

use super::support::{focus, left, met, undisturbed};

/// Prosody's own limit would end the attacker's stream long before ours.
const NO_LIMIT: &str = "c2s_stanza_size_limit = 8 * 1024 * 1024\nlimits = { c2s = { rate = \"100mb/s\" } }\n";

/// Covers spec/90: 114, 115.
#[tokio::test]
async fn whatever_a_guest_sends_is_answered_and_hurts_nobody() {
    let prosody = Prosody::with(Wiring::Proxy).more(NO_LIMIT).start().await;
    let focus = focus().start(&prosody).await;
    let mut stage = met(&prosody, &["alice", "bob"]).await;

    let mut mallory = RawGuest::at(&prosody).await;
    let room = format!("den@{}", prosody.muc_domain());
    enters(&mut mallory, &prosody, &room).await;
    for (number, (what, condition)) in requests().into_iter().enumerate() {
        for to in [format!("{room}/focus"), format!("focus@{}/focus", prosody.auth_domain())] {
            let id = format!("r{number}{}", to.len());
            let iq = format!("<iq type='set' id='{id}' to='{to}' from='{room}/alice'>{what}</iq>");
            let answer = mallory.request(&id, &iq).await;
            let start: String = what.chars().take(100).collect();
            assert!(answer.contains(condition), "{start} to {to}: {answer}");
        }
    }
    for stanza in without_answer(&room, &prosody) {
        mallory.send(&stanza).await;
    }
    // All of it has been dealt with when this is answered.
    let ping = format!("<iq type='get' id='last' to='{room}/focus'><ping xmlns='urn:xmpp:ping'/></iq>");
    let answer = mallory.request("last", &ping).await;
    assert!(answer.contains("result"), "{answer}");

    stage.participant("alice").tell(|participant| drop(participant.add_source(desktop())));
    stage.agree().await;
    stage.joins("carol").await;
    stage.finish().await;
    left(&prosody, 0, "room").await;
    undisturbed(&focus);
    assert!(!focus.log().contains("The focus failed"), "{}", focus.log());
}

/// Asks for a conference of its own, and enters its room under another's nick.
async fn enters(guest: &mut RawGuest, prosody: &Prosody, room: &str) {
    let request = format!(
        "<iq type='set' id='c' to='{}'><conference xmlns='http://jitsi.org/protocol/focus' room='{room}'/></iq>",
        prosody.focus_domain()
    );
    let answer = guest.request("c", &request).await;
    assert!(answer.contains("ready='true'") || answer.contains("ready=\"true\""), "{answer}");
    guest.send(&format!("<presence to='{room}/alice'><x xmlns='http://jabber.org/protocol/muc'/></presence>")).await;
    guest.until("110").await;
}

/// What is asked, and what is to be in the answer.
fn requests() -> Vec<(String, &'static str)> {
    let jingle = |action: &str, inside: &str| {
        format!("<jingle xmlns='urn:xmpp:jingle:1' action='{action}' sid='s'>{inside}</jingle>")
    };
    let attributes: String = (0..3000).map(|n| format!(" xmlns:p{n}='urn:n{n}' p{n}:a='{n}'")).collect();
    let deep = format!("{}{}", "<a xmlns='urn:a'>".repeat(200), "</a>".repeat(200));
    vec![
        ("<query xmlns='urn:unknown'/>".into(), "feature-not-implemented"),
        ("<conference xmlns='http://jitsi.org/protocol/focus'/>".into(), "bad-request"),
        ("<conference xmlns='http://jitsi.org/protocol/focus' room='@@'/>".into(), "bad-request"),
        (jingle("source-modify", ""), "bad-request"),
        (jingle("content-add", "<content name='x' creator='initiator'/>"), "bad-request"),
        (jingle("session-initiate", ""), "bad-request"),
        (jingle("nonsense", ""), "bad-request"),
        ("<jingle xmlns='urn:xmpp:jingle:1'/>".into(), "bad-request"),
        ("<mute xmlns='http://jitsi.org/jitmeet/audio' jid='x@@y'>maybe</mute>".into(), "type='error'"),
        (format!("<query xmlns='urn:unknown'{attributes}/>"), "bad-request"),
        (deep, "bad-request"),
        (format!("<query xmlns='urn:unknown'>{}</query>", "x".repeat(512 * 1024)), "policy-violation"),
    ]
}

/// Presence, messages and answers to nothing: there is nothing to say to them.
fn without_answer(room: &str, prosody: &Prosody) -> Vec<String> {
    let focus = format!("focus@{}/focus", prosody.auth_domain());
    let presence = |inside: &str| format!("<presence to='{room}/alice'>{inside}</presence>");
    vec![
        presence("<SourceInfo>{\"a\":{\"muted\":\"maybe\"},[}</SourceInfo>"),
        presence(&format!("<SourceInfo>{}</SourceInfo>", "[".repeat(100_000))),
        presence("<features xmlns='urn:x'><feature/></features><c xmlns='http://jabber.org/protocol/caps' ver=''/>"),
        presence(&format!("<nick xmlns='http://jabber.org/protocol/nick'>{}</nick>", "n".repeat(512 * 1024))),
        format!(
            "<message to='{focus}'><json-message xmlns='http://jitsi.org/jitmeet'>{{\"type\":</json-message></message>"
        ),
        format!("<message type='groupchat' to='{room}'><body>{}</body></message>", "b".repeat(512 * 1024)),
        format!("<iq type='result' id='nothing' to='{focus}'/>"),
        format!("<iq type='result' id='nothing' to='{room}/focus'/>"),
        format!("<iq type='error' id='nothing' to='{room}/focus'/>"),
        format!("<presence type='subscribe' to='{focus}'/>"),
        format!("<presence type='nonsense' to='{focus}'/>"),
    ]
}

#[tokio::test]
async fn ten_thousand_sources_are_refused_and_the_meeting_goes_on() {
    let prosody = Prosody::with(Wiring::Proxy).more(NO_LIMIT).start().await;
    let focus = focus().start(&prosody).await;
    let stage = met(&prosody, &["alice", "bob", "mallory"]).await;

    let source = |ssrc| Source {
        ssrc,
        media: Media::Video,
        name: Some(format!("mallory-v{ssrc}")),
        msid: Some(format!("m{ssrc} t{ssrc}")),
        desktop: false,
    };
    let many = Sources { sources: (1..=10_000).map(source).collect(), groups: Vec::new() };
    stage.participant("mallory").tell(|participant| participant.announce(many));
    stage.until(|look| !look.participant("mallory").refusals().is_empty()).await;
    let refusals = stage.participant("mallory").tell(Participant::take_refusals);
    assert_eq!(refusals[0].request, "source-add", "{refusals:?}");
    stage.participant("alice").tell(|participant| drop(participant.add_source(desktop())));
    stage.agree().await;
    stage.finish().await;
    undisturbed(&focus);
}

/// What others own, and sessions of others, by somebody in the same room.
#[tokio::test]
async fn nobody_withdraws_anothers_sources_or_ends_anothers_session() {
    let prosody = Prosody::start(Wiring::Classic).await;
    let focus = focus().start(&prosody).await;
    let stage = met(&prosody, &["alice", "bob", "mallory"]).await;
    let sid = stage.participant("alice").look(|alice| alice.session().map(|session| session.sid.clone()));
    let sid = sid.expect("she is connected");
    stage.participant("mallory").tell(|mallory| {
        let terminate = format!("<jingle xmlns='urn:xmpp:jingle:1' action='session-terminate' sid='{sid}'/>");
        mallory.send_jingle(terminate.parse().expect("the test's XML is right"));
    });
    stage.until(|look| !look.participant("mallory").refusals().is_empty()).await;
    let refusals = stage.participant("mallory").tell(Participant::take_refusals);
    assert_eq!(refusals[0].condition, "item-not-found", "{refusals:?}");
    stage.finish().await;
    undisturbed(&focus);
}

/// Somebody asks for far more than anybody needs: he is told to wait, and the others do not notice.
#[tokio::test]
async fn a_flood_of_one_is_stopped_and_the_meeting_goes_on() {
    let prosody = Prosody::with(Wiring::Proxy).more(NO_LIMIT).start().await;
    let focus = focus().start(&prosody).await;
    let mut stage = met(&prosody, &["alice", "bob", "mallory"]).await;
    stage.participant("mallory").tell(|mallory| {
        for _ in 0..2_000 {
            mallory.ask_mute_of(ns::JITMEET_AUDIO, "alice", true);
        }
    });
    stage.participant("alice").tell(|participant| drop(participant.add_source(desktop())));
    stage.joins("carol").await;
    stage.agree().await;
    stage.until(|look| !look.participant("mallory").is_waiting_for("mute")).await;
    let refusals = stage.participant("mallory").tell(Participant::take_refusals);
    let counted = |condition: &str| refusals.iter().filter(|refusal| refusal.condition == condition).count();
    let (refused, wait) = (counted("not-allowed"), counted("resource-constraint"));
    assert!(refused >= 200 && wait > 0 && refused + wait == 2_000, "{refused} {wait}");
    assert!(stage.participant("alice").look(|alice| alice.mute_requests().is_empty()));
    stage.finish().await;
    undisturbed(&focus);
    // It may be told again after a minute, and a busy machine may need some for all that.
    let told = focus.log().matches("asks for more than anybody needs").count();
    assert!((1..5).contains(&told), "once a minute, not 1,800 times: {told}");
}

/// An occupant who speaks in the name of the focus, of components and of the server.
#[tokio::test]
async fn whoever_claims_to_be_somebody_else_is_himself() {
    let prosody = Prosody::start(Wiring::Proxy).await;
    let focus = focus().start(&prosody).await;
    let mut stage = met(&prosody, &["alice", "bob", "mallory"]).await;
    let room = format!("room@{}", prosody.muc_domain());
    let me = format!("focus@{}/focus", prosody.auth_domain());
    let json = |json: &str| format!("<json-message xmlns='{}' room='{room}'>{json}</json-message>", ns::JITMEET);
    let moderation = json(&format!(
        "{{\"type\":\"av_moderation\",\"room\":\"{room}\",\"enabled\":true,\"mediaType\":\"audio\",\"actor\":\"{room}/alice\"}}"
    ));
    let metadata = json(
        "{\"type\":\"room_metadata\",\"metadata\":{\"recording\":{\"isTranscribingEnabled\":true},\"asyncTranscription\":true}}",
    );
    let gone = format!(
        "<x xmlns='{}'><item affiliation='none' role='none' nick='focus' jid='{me}'/><destroy/><status code='110'/>\
         <status code='307'/></x>",
        ns::MUC_USER
    );
    let mut forged = vec![format!("<presence to='{room}/mallory'>{gone}</presence>")];
    for to in [&room, &me, &format!("{room}/focus")] {
        for from in ["", " from='avmoderation.meet.test'", " from='metadata.meet.test'"] {
            for kind in ["", " type='groupchat'"] {
                forged.push(format!("<message to='{to}'{from}{kind}>{moderation}</message>"));
                forged.push(format!("<message to='{to}'{from}{kind}>{metadata}</message>"));
            }
        }
        forged.push(format!(
            "<message to='{to}' type='groupchat'><x xmlns='{}'><status code='104'/></x></message>",
            ns::MUC_USER
        ));
    }
    stage.participant("mallory").tell(|mallory| {
        for xml in &forged {
            mallory.send_raw(parse(xml).expect("the test's XML is right"));
        }
        // All of it has been dealt with when this is answered.
        mallory.ask_mute_of(ns::JITMEET_AUDIO, "mallory", false);
    });
    stage.until(|look| !look.participant("mallory").is_waiting_for("mute")).await;
    assert_eq!(stage.participant("mallory").tell(Participant::take_refusals), [], "nothing is moderated");
    let look = stage.look();
    for name in ["alice", "bob"] {
        let participant = look.participant(name);
        assert!(participant.mute_requests().is_empty() && participant.connected(), "{name}");
        assert_eq!(participant.property("audio-recording-enabled"), None);
        assert_eq!(look.bridge("jvb1").endpoint(name).map(|endpoint| endpoint.force_mute), Some((false, false)));
    }
    drop(look);
    stage.joins("carol").await;
    stage.agree().await;
    stage.finish().await;
    left(&prosody, 0, "room").await;
    undisturbed(&focus);
}
