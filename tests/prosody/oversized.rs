//! What is small enough for the server when it comes, and would be too large when the focus passes it on: the server ends the
//! stream of whoever sends that, and with it every conference.

use testkit::ns;
use testkit::prosody::{Prosody, Wiring};
use testkit::raw::RawGuest;
use testkit::sources::{Media, Source, Sources};

use super::support::{focus, met, undisturbed};

/// Six times as long when it is escaped.
fn quotes() -> String {
    "'".repeat(100_000)
}

#[tokio::test]
async fn no_guest_makes_the_focus_send_what_the_server_does_not_take() {
    let prosody = Prosody::with(Wiring::Proxy).start().await;
    let focus = focus().start(&prosody).await;
    let mut stage = met(&prosody, &["alice", "bob", "mallory"]).await;

    let mut guest = RawGuest::at(&prosody).await;
    let room = format!("den@{}", prosody.muc_domain());
    let (domain, quotes) = (prosody.focus_domain(), quotes());
    let conference = format!("<conference xmlns='{}' room='{room}'/>", ns::FOCUS);
    // Its id comes back in the answer.
    guest.send(&format!("<iq type='set' to='{domain}' id=\"{quotes}\">{conference}</iq>")).await;
    let answer = guest.request("c", &format!("<iq type='set' to='{domain}' id='c'>{conference}</iq>")).await;
    assert!(answer.contains("ready"), "{answer}");
    // Its capabilities are asked for by their name.
    let caps = format!("<c xmlns='{}' hash='sha-1' ver='v' node=\"{quotes}\"/>", ns::CAPS);
    guest.send(&format!("<presence to='{room}/guest'><x xmlns='{}'/>{caps}</presence>", ns::MUC)).await;
    guest.until("110").await;
    let long = format!("<iq type='set' to='{room}/focus' id='l'><query xmlns='urn:x' a=\"{quotes}\"/></iq>");
    let answer = guest.request("l", &long).await;
    assert!(answer.contains("policy-violation"), "{answer}");

    // Names of sources are told to everybody.
    for number in 0..14u32 {
        let name = Some(format!("mallory-v{number}{}", "x".repeat(7_500)));
        let source = Source { ssrc: 990_000 + number, media: Media::Video, name, msid: None, desktop: false };
        let sources = Sources { sources: vec![source], groups: Vec::new() };
        stage.participant("mallory").tell(|mallory| mallory.announce(sources));
    }
    stage.until(|look| look.participant("mallory").refusals().len() == 14).await;

    stage.joins("carol").await;
    stage.until(|look| look.all_connected()).await;
    undisturbed(&focus);
    assert!(!focus.log().contains("connection is lost"), "{}", focus.log());
}

/// Fourteen clients with as many sources as they may have, with names as long and as unwieldy as they may be: more than the server
/// takes in one stanza. Whoever comes later is told of all of them.
#[tokio::test]
async fn a_room_may_have_more_sources_than_fit_into_a_stanza() {
    let prosody = Prosody::with(Wiring::Proxy).start().await;
    let focus = focus().start(&prosody).await;
    let senders: Vec<String> = (0..14).map(|number| format!("sender{number}")).collect();
    let names: Vec<&str> = senders.iter().map(String::as_str).collect();
    let mut stage = met(&prosody, &names).await;
    let long = |text: String| format!("{text:'<128}");
    for (who, ssrc) in names.iter().zip((1_000_000..).step_by(1_000)) {
        for half in [0..7, 7..13] {
            let source = |number: u32| Source {
                ssrc: ssrc + number,
                media: Media::Video,
                name: Some(long(format!("{who}-v{number}"))),
                msid: Some(long(format!("{who}-{number} track"))),
                desktop: false,
            };
            let sources = Sources { sources: half.map(source).collect(), groups: Vec::new() };
            stage.participant(who).tell(|client| client.announce(sources));
        }
    }
    let of = |look: &testkit::tcp::Look<'_>, who: &str| {
        let owners = look.participant(who).remote().by_owner().iter().filter(|(owner, _)| owner.starts_with("sender"));
        owners
            .map(|(_, sources)| sources.sources.iter().filter(|source| source.ssrc >= 1_000_000).count())
            .sum::<usize>()
    };
    stage.until(|look| of(look, "sender0") >= 13 * 13).await;
    stage.joins("carol").await;
    stage.until(|look| of(look, "carol") >= 14 * 13).await;
    undisturbed(&focus);
    assert!(!focus.log().contains("connection is lost"), "{}", focus.log());
}
