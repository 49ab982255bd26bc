//! Meetings as people hold them.

use testkit::focus::FocusProcess;
use testkit::http::{Request, send};
use testkit::openmetrics::Page;
use testkit::participant::Participant;
use testkit::participant::media::{desktop, microphone};
use testkit::participant::profile::Profile;
use testkit::prosody::{Prosody, Wiring};

use super::support::{focus, focus_by_script, left, stage, undisturbed};

#[tokio::test]
async fn clients_of_all_kinds_meet_through_flags_script_and_component() {
    let prosody = Prosody::start(Wiring::Classic).await;
    let focus = focus_by_script(&prosody).start(&prosody).await;
    all_kinds_meet(&prosody, &focus).await;
}

#[tokio::test]
async fn clients_of_all_kinds_meet_through_file_and_proxy() {
    let prosody = Prosody::start(Wiring::Proxy).await;
    let focus = focus().start(&prosody).await;
    all_kinds_meet(&prosody, &focus).await;
}

async fn all_kinds_meet(prosody: &Prosody, focus: &FocusProcess) {
    let mut stage = stage(prosody);
    stage.bridge("jvb1").await;
    let kinds = [
        ("current", Profile::current()),
        ("old", Profile::old()),
        ("xml", Profile::xml_sources()),
        ("rewriter", Profile::ssrc_rewriting()),
    ];
    for (name, profile) in kinds {
        stage.joins_with(name, |settings| settings.profile = profile).await;
    }
    stage
        .joins_with("telephone", |settings| {
            settings.profile = Profile::audio_only();
            settings.tracks = vec![microphone()];
        })
        .await;
    stage.agree().await;

    for name in ["current", "xml"] {
        stage.participant(name).tell(|participant| drop(participant.add_source(desktop())));
    }
    stage.agree().await;
    stage.participant("rewriter").tell(|participant| participant.remove_source("rewriter-v0"));
    stage.participant("current").tell(|participant| participant.remove_source("current-v1"));
    stage.agree().await;

    stage.participant("old").tell(Participant::restart);
    stage.until(|look| look.participant("old").sessions() == 2).await;
    stage.agree().await;

    stage.participant("xml").tell(Participant::leave);
    stage.agree().await;
    stage.finish().await;
    left(prosody, 0, "room").await;
    undisturbed(focus);
}

#[tokio::test]
async fn two_rooms_know_nothing_of_each_other() {
    let prosody = Prosody::start(Wiring::Proxy).await;
    let focus = focus().start(&prosody).await;
    let mut stage = stage(&prosody);
    stage.bridge("jvb1").await;
    for room in ["east", "west"] {
        stage.go_to(room);
        for number in 1..=3 {
            stage.joins(&format!("{room}{number}")).await;
        }
    }
    stage.agree().await;
    stage.until(|look| look.bridge("jvb1").conferences().len() == 2).await;

    // One room ends; the other goes on.
    for number in 1..=3 {
        stage.participant(&format!("east{number}")).tell(Participant::leave);
    }
    left(&prosody, 0, "east").await;
    stage.until(|look| look.bridge("jvb1").conferences().len() == 1).await;
    stage.participant("west1").tell(|participant| drop(participant.add_source(desktop())));
    stage.agree().await;
    stage.finish().await;
    left(&prosody, 0, "west").await;
    undisturbed(&focus);
}

#[tokio::test]
async fn fifty_people_come_into_one_room_at_once() {
    let prosody = Prosody::start(Wiring::Proxy).await;
    let focus = focus().start(&prosody).await;
    let mut stage = stage(&prosody);
    stage.bridge("jvb1").await;
    let names: Vec<String> = (0..50).map(|number| format!("guest{number}")).collect();
    stage.join_at_once(&names).await;
    stage.agree().await;
    stage.finish().await;
    left(&prosody, 0, "room").await;
    undisturbed(&focus);
}

/// As at the beginning of a working day.
#[tokio::test]
async fn two_hundred_people_come_into_four_rooms_within_a_second() {
    let prosody = Prosody::start(Wiring::Proxy).await;
    // Nothing is asked of another bridge, or again, because this machine is slow.
    let focus = focus().configuration("jicofo.xmpp.client.reply-timeout = 2 minutes").start(&prosody).await;
    let mut stage = stage(&prosody);
    stage.bridge("jvb1").await;
    let names = |room: usize| (0..50).map(move |number| format!("r{room}n{number}")).collect();
    let rooms: Vec<(String, Vec<String>)> = (0..4).map(|room| (format!("room{room}"), names(room))).collect();
    // On any machine that is not starved they ask within a second. Where they do not the focus has done nothing wrong.
    let within = stage.join_rooms_at_once(&rooms).await;
    println!("The last of them asked {within:?} after the first.");
    stage.agree().await;
    {
        let look = stage.look();
        let conferences = look.bridge("jvb1").conferences();
        assert_eq!(conferences.values().map(|conference| conference.endpoints.len()).collect::<Vec<_>>(), [50; 4]);
        // Nobody was asked or told twice.
        assert!(look.participants().all(|participant| participant.sessions() == 1));
    }
    let page = Page::open_metrics(&send(focus.http_address(), &Request::get("/metrics")).await.body);
    assert_eq!(page.value("jitsi_jicofo_conferences"), 4.0);
    assert_eq!(page.value("jitsi_jicofo_participants_current"), 200.0);
    stage.finish().await;
    for (room, _) in &rooms {
        left(&prosody, 0, room).await;
    }
    let page = Page::open_metrics(&send(focus.http_address(), &Request::get("/metrics")).await.body);
    for nothing in ["conferences", "participants_current", "bridge_endpoints{jvb=\"jvb1\"}"] {
        assert_eq!(page.value(&format!("jitsi_jicofo_{nothing}")), 0.0, "{nothing}");
    }
    undisturbed(&focus);
}

#[tokio::test]
async fn twenty_rooms_of_five_begin_at_once() {
    let prosody = Prosody::start(Wiring::Classic).await;
    let focus = focus().start(&prosody).await;
    let mut stage = stage(&prosody);
    stage.bridge("jvb1").await;
    for room in 0..20 {
        stage.go_to(&format!("room{room}"));
        let names: Vec<String> = (0..5).map(|number| format!("r{room}n{number}")).collect();
        stage.join_at_once(&names).await;
    }
    stage.agree().await;
    stage.until(|look| look.bridge("jvb1").conferences().len() == 20).await;
    stage.finish().await;
    for room in 0..20 {
        left(&prosody, 0, &format!("room{room}")).await;
    }
    undisturbed(&focus);
}
