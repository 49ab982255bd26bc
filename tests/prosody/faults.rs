//! Connections that break, servers that come and go.

use std::time::Duration;

use testkit::bridge::Bridge;
use testkit::focus::FocusProcess;
use testkit::http::{Answer, Request, send, until};
use testkit::openmetrics::Page;
use testkit::participant::Participant;
use testkit::participant::media::desktop;
use testkit::prosody::{Prosody, Wiring};
use testkit::tcp::Stage;
use testkit::tcp_proxy::TcpProxy;
use tokio::time::timeout;

use super::support::{PATIENCE, focus, in_brewery, left, signal, stage, undisturbed};

/// A short `reply-timeout`, so that what waits for it does not take long. On a busy machine it is long enough for a
/// login, and for a bridge that is a task of this process.
const SHORT_REPLY_TIMEOUT: &str = "jicofo.xmpp.client.reply-timeout = 8 seconds";

const RESUMABLE: &str = "The client connection is lost, its session may be resumed";

/// A server that keeps sessions for longer than the way back to them takes on a busy machine.
async fn server_that_keeps_sessions() -> Prosody {
    Prosody::with(Wiring::Proxy).hibernation(Duration::from_secs(60)).start().await
}

async fn two_meet(stage: &mut Stage<'_>) {
    stage.bridge("jvb1").await;
    two_come(stage).await;
}

async fn two_come(stage: &mut Stage<'_>) {
    for name in ["alice", "bob"] {
        stage.joins(name).await;
    }
    stage.agree().await;
}

/// All agree and leave, nobody complains, and the focus has nothing of them any more. The bridges are still there then, so that
/// their endpoints are counted.
async fn nothing_stays(stage: Stage<'_>, focus: &FocusProcess) {
    stage.agree().await;
    stage.everybody_leaves().await;
    let (api, metrics) = (focus.http_address(), Request::get("/metrics"));
    let bridges = stage.look().bridges().count();
    let empty = |answer: &Answer| {
        let page = Page::open_metrics(&answer.body);
        what_stays(&page).is_empty() && endpoints(&page).count() == bridges
    };
    if timeout(PATIENCE, until(api, &metrics, empty, 2 * PATIENCE)).await.is_err() {
        let page = Page::open_metrics(&send(api, &metrics).await.body);
        panic!("of {bridges} bridges {} are known, and there stays {:#?}", endpoints(&page).count(), what_stays(&page));
    }
    stage.finish().await;
}

/// What counts those who are there, and what goes wrong in the core, where that is not 0.
fn what_stays(page: &Page) -> Vec<(&str, f64)> {
    let names = [
        "jitsi_jicofo_conferences",
        "jitsi_jicofo_conferences_with_visitors",
        "jitsi_jicofo_largest_conference",
        "jitsi_jicofo_participants_current",
        "jitsi_jicofo_visitors_current",
        "jitsi_jicofo_internal_errors_total",
        "jitsi_jicofo_conferences_contradictory_total",
    ];
    let counted = names.into_iter().map(|name| (name, page.value(name)));
    counted.chain(endpoints(page)).filter(|(_, count)| *count != 0.0).collect()
}

/// How many endpoints each bridge has.
fn endpoints(page: &Page) -> impl Iterator<Item = (&str, f64)> {
    let family = page.families.get("jitsi_jicofo_bridge_endpoints");
    family.into_iter().flat_map(|family| family.samples.iter().map(|(name, count)| (name.as_str(), *count)))
}

/// Exactly one loss, after which the session went on, and nobody in the room has seen anything of it.
async fn nobody_noticed(focus: &FocusProcess, stage: &Stage<'_>) {
    assert!(focus.logged(0, "The client connection has resumed the session", PATIENCE).await, "{}", focus.log());
    let log = focus.log();
    assert_eq!(log.matches("connection is lost").count(), 1, "{log}");
    assert_eq!(log.matches("The client connection has logged in").count(), 1, "{log}");
    let look = stage.look();
    for participant in look.participants() {
        assert!(!participant.focus_gone() && participant.sessions() == 1, "{} has noticed", participant.nick());
    }
}

#[tokio::test]
async fn a_connection_that_is_cut_for_a_moment_goes_on_where_it_was() {
    let prosody = server_that_keeps_sessions().await;
    let line = TcpProxy::to(prosody.client_address()).await;
    let focus = focus().client_port(line.port()).start(&prosody).await;
    let mut stage = stage(&prosody);
    two_meet(&mut stage).await;

    line.cut();
    assert!(focus.logged(0, RESUMABLE, PATIENCE).await, "{}", focus.log());
    // Into the gap: a request to the focus, and somebody who comes.
    stage.participant("alice").tell(|participant| drop(participant.add_source(desktop())));
    stage.joins("carol").await;
    line.mend();
    stage.agree().await;

    nobody_noticed(&focus, &stage).await;
    nothing_stays(stage, &focus).await;
    left(&prosody, 0, "room").await;
    assert!(focus.errors().iter().all(|line| line.contains("failed")), "{:?}", focus.errors());
}

/// The component is there, but there is no way into the room.
#[tokio::test]
async fn who_asks_while_the_account_is_not_connected_is_told_to_ask_again() {
    let prosody = Prosody::start(Wiring::Classic).await;
    let line = TcpProxy::to(prosody.client_address()).await;
    let focus = focus().client_port(line.port()).start(&prosody).await;
    let mut stage = stage(&prosody);
    stage.bridge("jvb1").await;

    line.cut();
    assert!(focus.logged(0, RESUMABLE, PATIENCE).await, "{}", focus.log());
    stage.joins("alice").await;
    stage.until(|look| !look.participant("alice").conference_answers().is_empty()).await;
    let ready =
        |answer: &testkit::xml::Element| answer.children().next().and_then(|it| it.attr("ready").map(str::to_owned));
    let first = stage.participant("alice").look(|alice| ready(&alice.conference_answers()[0]));
    assert_eq!(first.as_deref(), Some("false"));
    line.mend();
    stage.joins("bob").await;
    stage.agree().await;
    nothing_stays(stage, &focus).await;
}

#[tokio::test]
async fn a_connection_that_is_cut_for_long_ends_the_conferences_and_they_come_back_on_request() {
    let prosody = Prosody::with(Wiring::Proxy).hibernation(Duration::from_secs(1)).start().await;
    let line = TcpProxy::to(prosody.client_address()).await;
    let focus = focus().client_port(line.port()).configuration(SHORT_REPLY_TIMEOUT).start(&prosody).await;
    let mut stage = stage(&prosody);
    two_meet(&mut stage).await;

    let since = prosody.log().len();
    line.cut();
    left(&prosody, since, "room").await;
    stage.until(|look| look.participants().all(Participant::focus_gone)).await;
    line.mend();
    in_brewery(&prosody, since).await;
    assert!(!focus.log().contains("has resumed"), "{}", focus.log());
    // Somebody asks: all who are in the room are invited anew. The bridge has not heard of the end, and still has the
    // conference of before under the same meeting id.
    stage.joins("carol").await;
    stage.until(|look| ["alice", "bob"].iter().all(|name| look.participant(name).sessions() >= 2)).await;
    stage.agree().await;
    let refused = stage.bridge_named("jvb1").tell(Bridge::take_errors);
    assert!(refused.iter().all(|refusal| refusal.condition == "conflict"), "{refused:?}");
    let since = prosody.log().len();
    nothing_stays(stage, &focus).await;
    left(&prosody, since, "room").await;
}

/// Covers spec/70: 39.
#[tokio::test]
async fn a_path_that_goes_silent_is_noticed_and_the_session_resumed() {
    tokio::join!(a_stalled_line(), a_server_that_stands_still());
}

async fn a_stalled_line() {
    let prosody = server_that_keeps_sessions().await;
    let line = TcpProxy::to(prosody.client_address()).await;
    let focus = focus().client_port(line.port()).configuration(SHORT_REPLY_TIMEOUT).start(&prosody).await;
    let mut stage = stage(&prosody);
    two_meet(&mut stage).await;

    line.stall();
    stage.participant("alice").tell(|participant| drop(participant.add_source(desktop())));
    assert!(focus.logged(0, RESUMABLE, PATIENCE).await, "{}", focus.log());
    assert!(focus.log().contains("no answer within 8 s while asking whether it is still there"), "{}", focus.log());
    assert!(
        focus.log().contains("client connection: nothing is heard, though the server was asked"),
        "{}",
        focus.log()
    );
    line.mend();
    assert!(focus.logged(0, "The client connection has resumed the session", PATIENCE).await, "{}", focus.log());
    stage.agree().await;
    nobody_noticed(&focus, &stage).await;
    nothing_stays(stage, &focus).await;
}

/// Prosody reads 8 kB by 8 kB of what was held back, and goes on with the session where its parser stands by then: so it has to
/// read to the end before.
#[tokio::test]
async fn much_that_a_stalled_server_was_sent_is_read_to_its_end() {
    let prosody = server_that_keeps_sessions().await;
    let line = TcpProxy::to(prosody.client_address()).await;
    let focus = focus().client_port(line.port()).configuration(SHORT_REPLY_TIMEOUT).start(&prosody).await;
    let mut stage = stage(&prosody);
    two_meet(&mut stage).await;

    line.stall();
    let api = focus.http_address();
    let mut asking = tokio::task::JoinSet::new();
    for number in 0..100 {
        let body = format!("{{\"room\": \"asked-for-{number}@{}\"}}", prosody.muc_domain());
        asking.spawn(async move { send(api, &Request::post("/conference-request/v1", &body)).await.status });
    }
    assert!(focus.logged(0, RESUMABLE, PATIENCE).await, "{}", focus.log());
    line.mend();
    while let Some(status) = asking.join_next().await {
        assert_eq!(status.expect("each is answered"), 200);
    }
    stage.agree().await;
    nobody_noticed(&focus, &stage).await;
    nothing_stays(stage, &focus).await;
}

async fn a_server_that_stands_still() {
    let prosody = server_that_keeps_sessions().await;
    let focus = focus().configuration(SHORT_REPLY_TIMEOUT).start(&prosody).await;
    let pid = prosody.pid();
    let mut stage = stage(&prosody);
    two_meet(&mut stage).await;

    signal(pid, "STOP");
    stage.participant("alice").tell(|participant| drop(participant.add_source(desktop())));
    assert!(focus.logged(0, RESUMABLE, PATIENCE).await, "{}", focus.log());
    signal(pid, "CONT");
    stage.agree().await;
    nobody_noticed(&focus, &stage).await;
    nothing_stays(stage, &focus).await;
    left(&prosody, 0, "room").await;
}

/// Longer than the focus waits for it: it says so when the server goes on, and all come back on request.
#[tokio::test]
async fn a_server_that_stands_still_for_long_ends_the_conferences_and_they_come_back_on_request() {
    let prosody = Prosody::start(Wiring::Proxy).await;
    let focus = focus().configuration(SHORT_REPLY_TIMEOUT).start(&prosody).await;
    let (pid, api) = (prosody.pid(), focus.http_address());
    let mut stage = stage(&prosody);
    two_meet(&mut stage).await;

    signal(pid, "STOP");
    let ended = |answer: &Answer| Page::open_metrics(&answer.body).value("jitsi_jicofo_conferences") == 0.0;
    until(api, &Request::get("/metrics"), ended, PATIENCE).await;
    let (said, since) = (focus.log().len(), prosody.log().len());
    signal(pid, "CONT");
    stage.until(|look| look.participants().all(Participant::focus_gone)).await;
    // Who asks before there is a way to the focus asks nobody. With the old session it is still there.
    assert!(focus.logged(said, "The client connection has ", PATIENCE).await, "{}", focus.log());
    if focus.log()[said..].contains("The client connection has logged in") {
        back_again(&prosody, since).await;
    }
    stage.joins("carol").await;
    stage.until(|look| ["alice", "bob"].iter().all(|name| look.participant(name).sessions() >= 2)).await;
    stage.agree().await;
    let refused = stage.bridge_named("jvb1").tell(Bridge::take_errors);
    assert!(refused.iter().all(|refusal| refusal.condition == "conflict"), "{refused:?}");
    nothing_stays(stage, &focus).await;
    left(&prosody, 0, "room").await;
}

/// Whoever comes while a bridge stands still, and whoever is on it, meets on another; and when it goes on it is rid of them.
#[tokio::test]
async fn a_bridge_that_stands_still_is_left_and_serves_again_when_it_goes_on() {
    let prosody = Prosody::start(Wiring::Proxy).await;
    let focus = focus().configuration(SHORT_REPLY_TIMEOUT).start(&prosody).await;
    let mut stage = stage(&prosody);
    for (name, stress) in [("jvb1", 0.1), ("jvb2", 0.4)] {
        stage.bridge_with(name, |bridge| bridge.stats.stress = stress).await;
    }
    stage.joins("alice").await;
    stage.joins("bob").await;
    stage.agree().await;
    assert_eq!(stage.look().bridge("jvb1").endpoint_count(), 2);

    stage.bridge_named("jvb1").pause();
    stage.joins("carol").await;
    let meets = |look: &testkit::tcp::Look<'_>| look.all_connected() && look.bridge("jvb2").endpoint_count() == 3;
    stage.until(meets).await;
    assert_eq!(stage.look().participant("alice").sessions(), 2);
    assert!(stage.look().participants().all(|participant| !participant.focus_gone()));
    stage.bridge_named("jvb1").resume();
    stage.agree().await;
    stage.bridge_named("jvb1").tell(Bridge::take_errors);
    nothing_stays(stage, &focus).await;
    left(&prosody, 0, "room").await;
    assert!(!focus.log().contains("connection is lost"), "{}", focus.log());
}

/// Its own process stood still while a bridge answered: that is not the bridge's silence.
#[tokio::test]
async fn a_focus_that_stands_still_blames_nobody_for_it() {
    let prosody = Prosody::start(Wiring::Proxy).await;
    let mut focus = focus().configuration(SHORT_REPLY_TIMEOUT).start(&prosody).await;
    let mut stage = stage(&prosody);
    for (name, stress) in [("jvb1", 0.1), ("jvb2", 0.4)] {
        stage.bridge_with(name, |bridge| bridge.stats.stress = stress).await;
    }
    two_come(&mut stage).await;

    stage.bridge_named("jvb1").tell(|bridge| bridge.settings.delay = Duration::from_secs(1));
    stage.joins("carol").await;
    stage.until(|look| look.bridge("jvb1").endpoint_count() == 3).await;
    focus.pause();
    // Longer than any answer is waited for, and than from one check of a bridge to the next: nobody hears of it.
    let asked = Request::get("/about/version");
    let answer = timeout(Duration::from_secs(12), send(focus.http_address(), &asked)).await;
    assert!(answer.is_err(), "it stands still, and answers {:?}", answer.map(|answer| answer.status));
    focus.resume();
    stage.until(|look| look.all_connected()).await;
    stage.bridge_named("jvb1").tell(|bridge| bridge.settings.delay = Duration::ZERO);
    assert!(focus.log().contains("This process did not run for"), "{}", focus.log());
    assert_eq!(stage.look().bridge("jvb1").endpoint_count(), 3);
    assert!(["alice", "bob", "carol"].iter().all(|name| stage.look().participant(name).sessions() == 1));
    nothing_stays(stage, &focus).await;
    left(&prosody, 0, "room").await;
}

/// Until it has the old one again.
#[tokio::test]
async fn a_server_that_comes_back_with_another_password_is_a_problem_told_once_and_tried_again() {
    let mut prosody = Prosody::start(Wiring::Proxy).await;
    let focus = focus().start(&prosody).await;
    let mut first = stage(&prosody);
    two_meet(&mut first).await;
    drop(first);

    prosody.kill();
    prosody.set_password("focus", "another");
    let since = focus.log().len();
    prosody.start_again().await;
    assert!(focus.logged(since, "PROBLEM auth-failed", PATIENCE).await, "{}", focus.log());
    // And twice more, which is no news.
    for _ in 0..2 {
        let server = prosody.log().len();
        assert!(prosody.logged(server, "Client connected", PATIENCE).await, "it does not try again");
    }
    let log = focus.log();
    assert_eq!(log[since..].matches("PROBLEM auth-failed").count(), 1, "{log}");

    let server = prosody.log().len();
    prosody.set_password("focus", prosody.focus_password());
    in_brewery(&prosody, server).await;
    let mut second = stage(&prosody);
    second.bridge_with("jvb1", |bridge| bridge.follows = true).await;
    two_come(&mut second).await;
    nothing_stays(second, &focus).await;
    left(&prosody, server, "room").await;
}

#[tokio::test]
async fn a_server_that_pauses_for_less_than_that_is_waited_for() {
    let prosody = Prosody::start(Wiring::Classic).await;
    let focus = focus().start(&prosody).await;
    let pid = prosody.pid();
    let mut stage = stage(&prosody);
    two_meet(&mut stage).await;
    signal(pid, "STOP");
    for name in ["alice", "bob"] {
        stage.participant(name).tell(|participant| drop(participant.add_source(desktop())));
    }
    signal(pid, "CONT");
    stage.agree().await;
    nothing_stays(stage, &focus).await;
    undisturbed(&focus);
}

/// Covers spec/90: 25, 29, 41.
#[tokio::test]
async fn after_a_restart_of_the_server_everybody_meets_again_through_the_proxy() {
    everybody_meets_again(Wiring::Proxy).await;
}

#[tokio::test]
async fn after_a_restart_of_the_server_everybody_meets_again_through_the_component() {
    everybody_meets_again(Wiring::Classic).await;
}

async fn everybody_meets_again(wiring: Wiring) {
    let mut prosody = Prosody::start(wiring).await;
    let focus = focus().start(&prosody).await;
    let names: Vec<String> = (0..8).map(|number| format!("guest{number}")).collect();

    // In the middle of a meeting, in order.
    let mut first = stage(&prosody);
    first.bridge("jvb1").await;
    first.join_at_once(&names).await;
    first.agree().await;
    signal(prosody.pid(), "TERM");
    assert!(focus.logged(0, "The client connection is lost", PATIENCE).await, "{}", focus.log());
    drop(first);
    let since = prosody.log().len();
    prosody.restart().await;
    back_again(&prosody, since).await;

    // While they come, without a word.
    let mut second = stage(&prosody);
    second.bridge_with("jvb1", |bridge| bridge.follows = true).await;
    second.join_at_once(&names).await;
    second.until(|look| look.participants().any(|participant| participant.session().is_some())).await;
    signal(prosody.pid(), "KILL");
    drop(second);
    prosody.kill();
    let since = prosody.log().len();
    prosody.start_again().await;
    back_again(&prosody, since).await;

    let mut third = stage(&prosody);
    third.bridge_with("jvb1", |bridge| bridge.follows = true).await;
    third.join_at_once(&names).await;
    third.agree().await;
    nothing_stays(third, &focus).await;
    left(&prosody, since, "room").await;
    assert_eq!(focus.log().matches("The client connection is lost").count(), 2, "{}", focus.log());
}

/// The focus can be reached, and will see the bridge.
async fn back_again(prosody: &Prosody, since: usize) {
    in_brewery(prosody, since).await;
    let way = match prosody.wiring() {
        Wiring::Classic => "External component successfully authenticated".to_owned(),
        Wiring::Proxy => format!("focus@{}/focus is available", prosody.auth_domain()),
    };
    assert!(prosody.logged(since, &way, PATIENCE).await, "no way to the focus");
}
