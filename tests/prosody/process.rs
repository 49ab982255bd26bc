//! The process: how it ends, how it comes back, what it shows and what it costs.

use std::future::pending;
use std::time::{Duration, Instant};

use testkit::focus::FocusProcess;
use testkit::participant::Participant;
use testkit::prosody::{Prosody, Wiring};
use tokio::time::sleep;

use super::support::{PATIENCE, focus, focus_by_script, in_brewery, left, shown, stage};

/// Covers spec/80: 29; spec/90: 61.
#[tokio::test]
async fn sigterm_empties_the_bridges_leaves_the_rooms_and_ends_with_143() {
    let prosody = Prosody::start(Wiring::Proxy).await;
    let mut focus = focus().start(&prosody).await;
    let mut stage = stage(&prosody);
    stage.bridge("jvb1").await;
    for room in ["east", "west"] {
        stage.go_to(room);
        for number in 1..=2 {
            stage.joins(&format!("{room}{number}")).await;
        }
    }
    stage.agree().await;
    assert_eq!(stage.look().bridge("jvb1").conferences().len(), 2);

    focus.signal("TERM");
    let status = focus.ended(PATIENCE).await.unwrap_or_else(|| panic!("it still runs\n{}", focus.log()));
    assert_eq!(status.code(), Some(143));
    // Spec/80 §7 bounds an end by ten seconds: with a server that answers it needs no bound.
    assert!(!focus.log().contains("did not end within"), "{}", focus.log());
    stage.until(|look| look.bridge("jvb1").conferences().is_empty()).await;
    stage.until(|look| look.participants().all(Participant::focus_gone)).await;
    left(&prosody, 0, "east").await;
    left(&prosody, 0, "west").await;
    let brewery = format!("occupant left: {}/focus", prosody.brewery());
    assert!(prosody.logged(0, &brewery, PATIENCE).await);
    assert!(focus.errors().is_empty() && focus.log().contains("Stopped."), "{}", focus.log());
    let complaints = stage.look().complaints();
    assert!(complaints.is_empty(), "{complaints:#?}");
}

/// Covers spec/80: 29.
#[tokio::test]
async fn a_second_signal_ends_it_at_once_though_the_server_does_not_answer() {
    let mut prosody = Prosody::start(Wiring::Proxy).await;
    // It waits 2 s for such a server and ends: on a busy machine the second signal may come too late to show anything.
    for _ in 0..5 {
        let mut focus = focus().start(&prosody).await;
        prosody.pause();
        focus.signal("TERM");
        assert!(focus.logged(0, "Caught signal SIGTERM, stopping.", PATIENCE).await, "{}", focus.log());
        focus.signal("TERM");
        let status = focus.ended(PATIENCE).await;
        prosody.resume();
        assert_eq!(status.and_then(|status| status.code()), Some(143), "{}", focus.log());
        if focus.log().contains("Caught signal SIGTERM, stopped at once") {
            return;
        }
        assert!(focus.log().contains("Stopped."), "{}", focus.log());
    }
    panic!("no second signal ended it at once");
}

/// The bridge still has the conference of the one before, under the same meeting id.
///
/// Covers spec/10: 55; spec/90: 92.
#[tokio::test]
async fn after_sigkill_a_successor_takes_up_the_room_with_those_in_it_on_request() {
    let prosody = Prosody::start(Wiring::Proxy).await;
    let first = focus().start(&prosody).await;
    let mut stage = stage(&prosody);
    stage.bridge("jvb1").await;
    for name in ["alice", "bob"] {
        stage.joins(name).await;
    }
    stage.agree().await;

    let since = prosody.log().len();
    first.kill();
    let second = focus().start(&prosody).await;
    stage.until(|look| look.participants().all(Participant::focus_gone)).await;
    in_brewery(&prosody, since).await;
    assert!(!second.log().contains("room@"), "nobody has asked for it yet: {}", second.log());
    // One asks and does not even leave; the other is in the room, and is invited, too.
    stage.joins("carol").await;
    stage.agree().await;
    stage.until(|look| ["alice", "bob"].iter().all(|name| look.participant(name).sessions() >= 2)).await;
    for name in ["alice", "bob", "carol"] {
        stage.participant(name).tell(Participant::leave);
    }
    left(&prosody, since, "room").await;
    stage.until(|look| look.bridge("jvb1").conferences().is_empty()).await;
    assert!(second.errors().is_empty(), "{}", second.log());
}

#[tokio::test]
async fn a_second_focus_with_the_account_takes_over_and_the_first_says_so_and_keeps_away() {
    let prosody = Prosody::start(Wiring::Proxy).await;
    let mut first = focus().start(&prosody).await;
    let second = focus().start(&prosody).await;
    assert!(first.logged(0, "Another process logs in as focus@auth.meet.test with the same resource", PATIENCE).await);
    assert_eq!(first.errors().len(), 1, "{}", first.log());
    kept_away(&mut first, two_meet_and_leave(&prosody)).await;
    assert!(second.errors().is_empty(), "{}", second.log());
}

pub(super) async fn two_meet_and_leave(prosody: &Prosody) {
    let mut stage = stage(prosody);
    stage.bridge("jvb1").await;
    stage.joins("alice").await;
    stage.joins("bob").await;
    stage.agree().await;
    stage.finish().await;
}

/// A focus that has lost its account to another keeps away for 30 s, and takes it back then. What takes longer on a
/// busy machine it shall not disturb: it stands still from a third of that time on. Whether it does.
pub(super) async fn kept_away(first: &mut FocusProcess, meanwhile: impl Future<Output = ()>) -> bool {
    let mut stands_still = false;
    let stop = async {
        sleep(Duration::from_secs(10)).await;
        first.pause();
        stands_still = true;
        pending::<()>().await;
    };
    tokio::select! {
        () = meanwhile => {}
        () = stop => {}
    }
    stands_still
}

#[tokio::test]
async fn no_secret_is_in_arguments_or_logs_and_only_the_two_variables_hold_them() {
    let prosody = Prosody::start(Wiring::Classic).await;
    let loud = |options: testkit::focus::Options| options.environment("JICOFO_LOG", "trace");
    // By flags through the script, which hands them on, and by environment.
    let by_flags = loud(focus_by_script(&prosody)).start(&prosody).await;
    nothing_shown(&prosody, &by_flags);
    assert!(by_flags.stop().await.is_some_and(|status| status.code() == Some(143)));

    let by_environment = loud(focus())
        .without_secrets()
        .environment("JICOFO_SECRET", prosody.component_secret())
        .environment("JICOFO_AUTH_PASSWORD", prosody.focus_password())
        .start(&prosody)
        .await;
    nothing_shown(&prosody, &by_environment);
}

fn nothing_shown(prosody: &Prosody, focus: &FocusProcess) {
    let arguments = shown(focus.pid(), "cmdline");
    let environment = shown(focus.pid(), "environ");
    let log = focus.log();
    for (secret, variable) in
        [(prosody.component_secret(), "JICOFO_SECRET"), (prosody.focus_password(), "JICOFO_AUTH_PASSWORD")]
    {
        assert!(arguments.iter().all(|argument| !argument.contains(secret)), "{arguments:?}");
        let holders: Vec<_> = environment.iter().filter(|variable| variable.contains(secret)).collect();
        assert_eq!(holders, [&format!("{variable}={secret}")]);
        assert!(!log.contains(secret), "{log}");
    }
    assert!(!log.contains("<auth ") && !log.contains("<response "), "SASL is in the log");
}

/// Covers spec/90: 112.
#[tokio::test]
async fn without_anything_to_do_it_takes_no_time_and_few_threads() {
    let prosody = Prosody::start(Wiring::Proxy).await;
    // Its own clock says when time has passed: the next check of a bridge, and the one after that.
    let checks = "jicofo.bridge.health-checks.interval = 3 seconds";
    let focus =
        focus().configuration(checks).environment("JICOFO_LOG", "info,xmpp.packets=trace").start(&prosody).await;
    let mut stage = stage(&prosody);
    stage.bridge("jvb1").await;
    let check = async |since: usize| {
        assert!(focus.logged(since, "/protocol/healthcheck", PATIENCE).await, "{}", focus.log());
        focus.log().len()
    };
    let first = check(0).await;
    let (begin, before) = (Instant::now(), focus.usage());
    check(first).await;
    let (lasted, after) = (begin.elapsed(), focus.usage());
    // A check makes it wake up some eight times, wherever it runs; how long its work takes depends on who else does.
    // We may see a check late, too: then the next is right behind it, or more of them have come meanwhile.
    let woke = u128::from(after.waits.saturating_sub(before.waits));
    assert!(woke <= (lasted.as_millis() / 20).max(50), "in {lasted:?}: {before:?} {after:?}");
    let most = (lasted / 50).max(Duration::from_millis(20));
    assert!(after.cpu.saturating_sub(before.cpu) <= most, "in {lasted:?}: {before:?} {after:?}");
    assert!(after.threads <= 4, "{after:?}");
}
