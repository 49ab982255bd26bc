//! Moderators at work: muting, moderation, breakout rooms, the end of a meeting, with the server's components.

use testkit::focus::FocusProcess;
use testkit::ns::{JITMEET_AUDIO, JITMEET_DESKTOP, JITMEET_VIDEO};
use testkit::participant::{Participant, Place};
use testkit::prosody::{Prosody, Wiring};
use testkit::tcp::Stage;
use testkit::xml::Read;

use super::support::{PATIENCE, focus, left, met, undisturbed};

/// Breakout rooms, and a component by which moderators end meetings.
const MORE: &str = r#"
VirtualHost "meet.test"
	modules_enabled = { "smacks"; "room_metadata"; "av_moderation"; "muc_breakout_rooms" }
	breakout_rooms_muc = "breakout.meet.test"
Component "breakout.meet.test" "muc"
	modules_enabled = { "muc_meeting_id" }
	storage = "memory"
	admins = { "focus@auth.meet.test" }
	restrict_room_creation = true
	muc_room_locking = false
	muc_room_default_public_jids = true
	muc_tombstones = false
Component "endconference.meet.test" "end_conference"
	muc_component = "conference.meet.test"
"#;

struct Meeting<'p> {
    prosody: &'p Prosody,
    focus: FocusProcess,
    stage: Stage<'p>,
}

/// A meeting of these, of whom the first leads.
async fn meeting<'p>(prosody: &'p Prosody, people: &[&str]) -> Meeting<'p> {
    let focus = focus().start(prosody).await;
    let stage = met(prosody, people).await;
    Meeting { prosody, focus, stage }
}

impl Meeting<'_> {
    /// What somebody's request to mute is answered: None if it was done.
    async fn asks(&self, name: &str, namespace: &str, target: &str, mute: bool) -> Option<String> {
        let peer = self.stage.participant(name);
        peer.tell(|participant| participant.ask_mute_of(namespace, target, mute));
        self.stage.until(|look| !look.participant(name).is_waiting_for("mute")).await;
        peer.tell(|participant| participant.take_refusals().pop()).map(|refusal| refusal.condition)
    }

    async fn muted_by_bridge(&self, name: &str, muted: (bool, bool)) {
        self.stage
            .until(|look| look.bridge("jvb1").endpoint(name).is_some_and(|endpoint| endpoint.force_mute == muted))
            .await;
    }

    async fn was_told(&self, name: &str, key: &str) {
        self.stage.until(|look| look.participant(name).told().iter().any(|told| told[key] == true)).await;
    }

    /// Somebody goes to another room, under the old name and address.
    async fn goes_to(&self, name: &str, room: &str) {
        self.stage.participant(name).tell(|participant| participant.go_to(room));
        self.stage.until(|look| look.participant(name).place() == Place::InRoom).await;
    }
}

#[tokio::test]
async fn a_moderator_mutes_moderates_and_approves() {
    mutes_moderates_and_approves(Wiring::Proxy).await;
}

/// The same where the focus is a component of the server.
#[tokio::test]
async fn a_moderator_mutes_moderates_and_approves_with_the_classic_wiring() {
    mutes_moderates_and_approves(Wiring::Classic).await;
}

async fn mutes_moderates_and_approves(wiring: Wiring) {
    let prosody = Prosody::start(wiring).await;
    let mut meeting = meeting(&prosody, &["alice", "bob", "carol"]).await;
    // Softly, and nobody but a moderator; nobody unmutes others.
    assert_eq!(meeting.asks("alice", JITMEET_AUDIO, "bob", true).await, None);
    meeting.stage.until(|look| look.participant("bob").mute_requests().len() == 1).await;
    assert_eq!(meeting.asks("alice", JITMEET_AUDIO, "bob", false).await.as_deref(), Some("not-allowed"));
    assert_eq!(meeting.asks("bob", JITMEET_AUDIO, "carol", true).await.as_deref(), Some("not-allowed"));
    assert_eq!(meeting.asks("bob", JITMEET_AUDIO, "bob", false).await, None);

    meeting.stage.participant("alice").tell(|alice| alice.moderate("audio", true));
    meeting.stage.until(|look| look.participant("carol").mute_requests().len() == 1).await;
    meeting.muted_by_bridge("bob", (true, false)).await;
    meeting.muted_by_bridge("carol", (true, false)).await;
    meeting.muted_by_bridge("alice", (false, false)).await;
    assert_eq!(meeting.asks("bob", JITMEET_AUDIO, "bob", false).await.as_deref(), Some("not-allowed"));
    assert_eq!(meeting.asks("bob", JITMEET_VIDEO, "bob", false).await, None, "cameras are not moderated");

    meeting.stage.participant("alice").tell(|alice| alice.approve("bob", "audio"));
    meeting.was_told("bob", "approved").await;
    assert_eq!(meeting.asks("bob", JITMEET_AUDIO, "bob", false).await, None);
    meeting.muted_by_bridge("bob", (false, false)).await;
    assert_eq!(meeting.asks("carol", JITMEET_AUDIO, "carol", false).await.as_deref(), Some("not-allowed"));

    // Whoever comes is muted from the start, and told so.
    meeting.stage.joins("dave").await;
    meeting.stage.agree().await;
    meeting.muted_by_bridge("dave", (true, false)).await;
    let offer =
        meeting.stage.participant("dave").look(|dave| dave.session().map(|session| session.offer.clone())).unwrap();
    let muted = offer.kid("startmuted", testkit::ns::START_MUTED).unwrap();
    assert_eq!((muted.get("audio"), muted.get("video")), (Some("true"), Some("false")));

    meeting.stage.participant("alice").tell(|alice| alice.reject("bob", "audio"));
    meeting.was_told("bob", "removed").await;
    assert_eq!(meeting.asks("bob", JITMEET_AUDIO, "bob", false).await.as_deref(), Some("not-allowed"));
    meeting.stage.participant("alice").tell(|alice| alice.moderate("audio", false));
    meeting.stage.until(|look| look.participant("dave").told().iter().any(|told| told["enabled"] == false)).await;
    assert_eq!(meeting.asks("dave", JITMEET_AUDIO, "dave", false).await, None);
    meeting.muted_by_bridge("dave", (false, false)).await;

    // Cameras and screens: a bridge lets nothing of either through where both are moderated, until one is approved.
    for media in ["video", "desktop"] {
        meeting.stage.participant("alice").tell(|alice| alice.moderate(media, true));
    }
    meeting.muted_by_bridge("bob", (false, true)).await;
    meeting.muted_by_bridge("dave", (false, true)).await;
    for namespace in [JITMEET_VIDEO, JITMEET_DESKTOP] {
        assert_eq!(meeting.asks("dave", namespace, "dave", false).await.as_deref(), Some("not-allowed"));
    }
    meeting.stage.participant("alice").tell(|alice| alice.approve("dave", "desktop"));
    meeting
        .stage
        .until(|look| {
            look.participant("dave")
                .told()
                .iter()
                .any(|told| told["mediaType"] == "desktop" && told["approved"] == true)
        })
        .await;
    assert_eq!(meeting.asks("dave", JITMEET_VIDEO, "dave", false).await.as_deref(), Some("not-allowed"));
    assert_eq!(meeting.asks("dave", JITMEET_DESKTOP, "dave", false).await, None);
    meeting.muted_by_bridge("dave", (false, false)).await;
    meeting.stage.participant("alice").tell(|alice| alice.moderate("video", false));
    meeting
        .stage
        .until(|look| {
            look.participant("bob").told().iter().any(|told| told["mediaType"] == "video" && told["enabled"] == false)
        })
        .await;
    assert_eq!(meeting.asks("bob", JITMEET_VIDEO, "bob", false).await, None);
    meeting.muted_by_bridge("bob", (false, false)).await;

    // Whoever is no moderator moderates nothing.
    meeting.stage.participant("carol").tell(|carol| carol.moderate("audio", true));
    let refused = "is not accepted";
    assert!(prosody.logged(0, refused, PATIENCE).await);
    assert_eq!(meeting.asks("dave", JITMEET_AUDIO, "dave", false).await, None);
    let Meeting { focus, stage, .. } = meeting;
    stage.finish().await;
    left(&prosody, 0, "room").await;
    undisturbed(&focus);
}

#[tokio::test]
async fn breakout_rooms_open_people_move_and_the_main_room_lives_on() {
    let prosody = Prosody::with(Wiring::Proxy).more(MORE).start().await;
    let people = ["alice", "bob", "carol", "dave"];
    let meeting = meeting(&prosody, &people).await;
    let added = "breakout room added: ";
    meeting.stage.participant("alice").tell(|alice| alice.add_breakout_room("one"));
    assert!(prosody.logged(0, added, PATIENCE).await);
    let log = prosody.log();
    let room = log.split(added).nth(1).and_then(|rest| rest.split_whitespace().next()).unwrap().to_owned();

    for name in ["bob", "carol"] {
        meeting.goes_to(name, &room).await;
    }
    meeting.stage.agree().await;
    meeting.stage.until(|look| look.bridge("jvb1").conferences().len() == 2).await;
    // Guests among themselves: nobody is made owner there.
    meeting.stage.until(|look| look.participant("carol").occupants().contains_key("bob")).await;
    assert!(meeting.stage.look().participants().all(|it| it.is_moderator() == (it.nick() == "alice")));

    // The main room's last ones leave for it, too; it waits for them.
    for name in ["dave", "alice"] {
        meeting.goes_to(name, &room).await;
    }
    meeting.stage.agree().await;
    meeting.stage.until(|look| look.participant("alice").is_moderator()).await;
    let main = format!("occupant left: room@{}/focus", prosody.muc_domain());
    assert!(!prosody.log().contains(&main), "the focus stays in the main room");
    meeting.stage.until(|look| look.bridge("jvb1").conferences().len() == 1).await;

    // All come back; the breakout room ends, the main room goes on.
    let main_room = format!("room@{}", prosody.muc_domain());
    for name in people {
        meeting.goes_to(name, &main_room).await;
    }
    meeting.stage.agree().await;
    assert!(prosody.logged(0, &format!("occupant left: {room}/focus"), PATIENCE).await);
    meeting.stage.until(|look| look.participant("alice").is_moderator()).await;

    // One goes there again, and is put out with the room.
    meeting.goes_to("dave", &room).await;
    meeting.stage.participant("alice").tell(|alice| alice.remove_breakout_room(&room));
    meeting.stage.until(|look| look.participant("dave").place() == Place::Left).await;
    meeting.goes_to("dave", &main_room).await;
    meeting.stage.agree().await;
    assert!(!prosody.log().contains(&main));
    let Meeting { focus, stage, .. } = meeting;
    stage.finish().await;
    left(&prosody, 0, "room").await;
    undisturbed(&focus);
}

#[tokio::test]
async fn a_meeting_that_a_moderator_ends_is_over_for_all_and_can_begin_again() {
    let prosody = Prosody::with(Wiring::Proxy).more(MORE).start().await;
    let mut meeting = meeting(&prosody, &["alice", "bob"]).await;
    meeting.stage.participant("bob").tell(Participant::end_meeting);
    assert!(prosody.logged(0, "leads no room", PATIENCE).await);
    let since = meeting.focus.log().len();
    meeting.stage.participant("alice").tell(Participant::end_meeting);
    meeting.stage.until(|look| look.participants().all(|it| it.place() == Place::Left)).await;
    meeting.stage.until(|look| look.bridge("jvb1").conferences().is_empty()).await;
    let reason = "the room was destroyed: The meeting has been terminated";
    assert!(meeting.focus.logged(since, reason, PATIENCE).await, "{}", meeting.focus.log());
    for name in ["alice", "bob"] {
        meeting.stage.joins(name).await;
    }
    meeting.stage.agree().await;
    let Meeting { focus, stage, prosody } = meeting;
    stage.finish().await;
    left(prosody, 0, "room").await;
    undisturbed(&focus);
}
