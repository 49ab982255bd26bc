//! The rows of spec/40 §8.1 and §8.2.

use super::*;
use crate::focus::sources::samples::source;
use crate::wire::xml::read_str;

const ICE: &str = "<transport xmlns='urn:xmpp:jingle:transports:ice-udp:1' ufrag='u' pwd='p'/>";
const SCTP: &str = "<sctp role='server' port='5000'/>";

fn modified(inside: &str) -> Payload {
    let xml = format!("<conference-modified xmlns='jitsi:colibri2'>{inside}</conference-modified>");
    Payload::ConferenceModified(read_str(&xml).expect("legal"))
}

fn restarted(inside: &str) -> ConferenceModified {
    let Payload::ConferenceModified(modified) = modified(inside) else { panic!("made so") };
    modified
}

/// An error of the bridge, or, without a reason, perhaps of somebody else.
fn error(condition: &str, reason: &str) -> StanzaError {
    let reason = match reason {
        "" => String::new(),
        reason => format!("<error xmlns='jitsi:colibri2' reason='{reason}'/><endpoint xmlns='jitsi:colibri2' id='p'/>"),
    };
    let xml =
        format!("<error type='cancel'><{condition} xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>{reason}</error>");
    read_str(&xml).expect("legal")
}

#[test]
fn an_answer_brings_transport_feedback_and_port() {
    let feedback = "<sources><media-source type='audio' id='jvb-a0'>\
        <source xmlns='urn:xmpp:jingle:apps:rtp:ssma:0' ssrc='11' name='jvb-a0'/></media-source>\
        <media-source type='video' id='jvb-v0'><source xmlns='urn:xmpp:jingle:apps:rtp:ssma:0' ssrc='12'/></media-source></sources>";
    let answer = modified(&format!("<endpoint id='p'><transport>{ICE}{SCTP}</transport></endpoint>{feedback}"));
    let allocated = allocation(&"p".into(), true, Answer::Result(Some(&answer))).expect("all is there");
    assert_eq!(allocated.transport.ufrag.as_deref(), Some("u"));
    assert_eq!(allocated.sctp_port, Some(5000));
    let named = |ssrc, media, msid: &str, name: &str| Source { name: Some(name.into()), ..source(ssrc, media, msid) };
    let expected = vec![
        named(11, MediaType::Audio, "mixedmslabel mixedlabelaudio0", "jvb-a0"),
        named(12, MediaType::Video, "mixedmslabel mixedlabelvideo0", "jvb-v0"),
    ];
    assert_eq!(allocated.feedback, Some(SourceSet { sources: expected, groups: vec![] }));

    let answer = modified(&format!("<endpoint id='p'><transport>{ICE}</transport></endpoint>"));
    let allocated = allocation(&"p".into(), false, Answer::Result(Some(&answer))).expect("no SCTP was asked for");
    assert_eq!((allocated.sctp_port, allocated.feedback), (None, None));
}

#[test]
fn each_failed_allocation_has_its_row() {
    use AllocationFailure::*;
    // Condition, reason; failure, whether the session goes, whether the bridge is marked.
    let table = [
        ("bad-request", "", BadRequest, false, false),
        ("item-not-found", "conference_not_found", ConferenceNotFound, true, false),
        ("item-not-found", "CONFERENCE_NOT_FOUND", ConferenceNotFound, true, false),
        ("item-not-found", "", BridgeLeft, false, false),
        ("item-not-found", "something_new", BridgeLeft, false, false),
        ("conflict", "conference_already_exists", ConferenceAlreadyExists, true, false),
        ("conflict", "", Conflict, true, false),
        ("service-unavailable", "graceful_shutdown", GracefulShutdown, true, false),
        ("service-unavailable", "", Unavailable, true, true),
        ("service-unavailable", "unspecified", Unavailable, true, true),
        ("forbidden", "", OtherError, true, true),
        ("internal-server-error", "unspecified", OtherError, true, true),
        ("recipient-unavailable", "", OtherError, true, true),
        ("feature-not-implemented", "feature_not_implemented", NotImplemented, true, false),
    ];
    for (condition, reason, failure, removes, marks) in table {
        let found = allocation(&"p".into(), true, Answer::Error(&error(condition, reason)));
        assert_eq!(found, Err(failure), "{condition} {reason}");
        assert_eq!((failure.removes_session(), failure.marks_bridge()), (removes, marks), "{condition} {reason}");
    }
}

#[test]
fn an_answer_that_lacks_something_is_a_failure() {
    let transport = |inside: &str| modified(&format!("<endpoint id='p'>{inside}</endpoint>"));
    let table = [
        (modified(""), AllocationFailure::NoTransport),
        (modified("<endpoint id='q'><transport/></endpoint>"), AllocationFailure::NoTransport),
        (transport(""), AllocationFailure::NoTransport),
        (transport(&format!("<transport>{SCTP}</transport>")), AllocationFailure::NoTransport),
        (transport(&format!("<transport>{ICE}</transport>")), AllocationFailure::NoSctp),
        (transport(&format!("<transport>{ICE}<sctp role='server'/></transport>")), AllocationFailure::NoSctp),
        (Payload::Ping(Default::default()), AllocationFailure::WrongKind),
    ];
    for (answer, failure) in &table {
        let found = allocation(&"p".into(), true, Answer::Result(Some(answer)));
        assert_eq!(found, Err(*failure), "{answer:?}");
        assert!(!failure.removes_session());
    }
    assert_eq!(allocation(&"p".into(), true, Answer::Result(None)), Err(AllocationFailure::WrongKind));
    assert_eq!(allocation(&"p".into(), true, Answer::Timeout), Err(AllocationFailure::Timeout));
    assert!(AllocationFailure::Timeout.marks_bridge() && AllocationFailure::WrongKind.marks_bridge());
}

#[test]
fn a_failed_update_concerns_an_endpoint_or_the_session() {
    let table = [
        ("item-not-found", "unknown_endpoint", UpdateOutcome::UnknownEndpoint("p".into())),
        ("item-not-found", "conference_not_found", UpdateOutcome::SessionFailed),
        ("item-not-found", "", UpdateOutcome::SessionFailed),
        ("service-unavailable", "", UpdateOutcome::SessionFailed),
        ("bad-request", "", UpdateOutcome::EndpointRefused),
        ("internal-server-error", "", UpdateOutcome::EndpointFailed),
        ("feature-not-implemented", "feature_not_implemented", UpdateOutcome::EndpointRefused),
    ];
    for (condition, reason, outcome) in table {
        assert_eq!(update(Answer::Error(&error(condition, reason))), outcome, "{condition} {reason}");
    }
    assert_eq!(update(Answer::Timeout), UpdateOutcome::Done);
    assert_eq!(update(Answer::Result(Some(&modified("")))), UpdateOutcome::Done);
    assert_eq!(update(Answer::Result(None)), UpdateOutcome::SessionFailed);
}

/// spec/40, test 35.
#[test]
fn an_ice_restart_is_relayed_if_it_is_newer() {
    let answer = |generation: &str| {
        let ice = ICE.replace("pwd='p'", &format!("pwd='p' {generation}"));
        restarted(&format!("<endpoint id='p'><transport>{ice}</transport></endpoint>"))
    };
    let read = |last, answer: &ConferenceModified| ice_restart(&"p".into(), last, answer);
    for (last, generation) in [(None, 1), (Some(1), 2)] {
        let answer = answer(&format!("ice-generation='{generation}'"));
        let relayed = read(last, &answer);
        assert!(matches!(relayed, IceRestart::Relay { generation: found, .. } if found == generation), "{relayed:?}");
    }
    assert_eq!(read(Some(2), &answer("ice-generation='1'")), IceRestart::Stale);
    assert_eq!(read(Some(2), &answer("ice-generation='2'")), IceRestart::Repeated);
    assert_eq!(read(None, &answer("")), IceRestart::NotNeeded);
    assert_eq!(read(None, &restarted("<endpoint id='p'/>")), IceRestart::Declined);
}
