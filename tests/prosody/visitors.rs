//! Visitors on a server of their own: two Prosodys, the focus on both.

use testkit::participant::Participant;
use testkit::participant::media::desktop;
use testkit::prosody::{Prosody, Wiring};

use super::support::{PATIENCE, focus, left, stage, undisturbed};

const NODE: &str = r#"
Component "conference.v0.meet.test" "muc"
	modules_enabled = { "muc_meeting_id"; "ping"; "fmuc" }
"#;

const MIRROR: &str = "room@conference.v0.meet.test";

/// The main server, which knows of that node.
fn main_server(node: &Prosody) -> String {
    let url = format!("http://{}/fmuc", node.http_address());
    format!(
        r#"
VirtualHost "meet.test"
	modules_enabled = {{ "smacks"; "room_metadata"; "av_moderation"; "visitors" }}
Component "visitors.meet.test" "visitors_component"
	muc_component = "conference.meet.test"
	visitors_nodes = {{ v0 = {{ url = "{url}", host = "conference.v0.meet.test" }} }}
"#
    )
}

/// Of the focus: the node, and from how many in the main room on others are sent there.
fn with_node(node: &Prosody, limit: u32) -> String {
    let address = node.client_address();
    format!(
        "jicofo.visitors {{ enabled = true, max-participants = {limit}, notification-interval = 1 second }}\n\
         jicofo.xmpp.visitors.v0 {{ hostname = \"{}\", port = {}, domain = \"{}\", xmpp-domain = v0.meet.test, \
         conference-service = conference.v0.meet.test, password = \"{}\", disable-certificate-verification = true }}",
        address.ip(),
        address.port(),
        node.auth_domain(),
        node.focus_password(),
    )
}

/// With real servers, beside the simulated ones of tests/core/visitors.rs.
#[tokio::test]
async fn whoever_comes_to_a_full_room_looks_on_from_a_server_for_visitors() {
    let node = Prosody::with(Wiring::Proxy).domain("v0.meet.test").more(NODE).start().await;
    let prosody = Prosody::with(Wiring::Proxy).more(&main_server(&node)).start().await;
    let focus = focus().configuration(&with_node(&node, 2)).start(&prosody).await;
    assert!(node.logged(0, "focus@auth.v0.meet.test/focus is available", PATIENCE).await, "{}", focus.log());

    let mut stage = stage(&prosody);
    stage.bridge("jvb1").await;
    for name in ["alice", "bob"] {
        stage.joins(name).await;
        stage.until(|look| look.participant(name).place() == testkit::participant::Place::InRoom).await;
    }
    stage.agree().await;

    // She is sent to the node, enters the room there when it is connected with the main one, and gets an offer.
    stage.joins("vera").await;
    stage.follows("vera", &node, MIRROR).await;
    stage.agree().await;
    let (prosody_says, node_says) = (prosody.log(), node.log());
    assert!(prosody_says.contains("connects v0 to room@conference.meet.test"), "{prosody_says}");
    assert!(node_says.contains(&format!("{MIRROR} is connected")), "{node_says}");
    let count = |look: &testkit::tcp::Look<'_>, name: &str| look.participant(name).property("visitor-count");
    stage.until(|look| ["alice", "bob", "vera"].iter().all(|name| count(look, name).as_deref() == Some("1"))).await;
    let codecs = stage.look().participant("bob").property("visitor-codecs");
    assert_eq!(codecs.as_deref(), Some("av1,vp9,vp8,h264"));
    assert!(stage.look().bridge("jvb1").endpoint("vera").is_some_and(|endpoint| endpoint.visitor));

    // What participants send later reaches her, and another comes and goes.
    stage.participant("alice").tell(|alice| drop(alice.add_source(desktop())));
    stage.agree().await;
    stage.joins("will").await;
    stage.follows("will", &node, MIRROR).await;
    stage.agree().await;
    stage.until(|look| count(look, "alice").as_deref() == Some("2")).await;
    stage.participant("will").tell(Participant::leave);
    stage.until(|look| count(look, "alice").as_deref() == Some("1")).await;
    stage.agree().await;

    // The participants leave: the node is told of the end before the focus leaves any room.
    for name in ["alice", "bob"] {
        stage.participant(name).tell(Participant::leave);
    }
    left(&prosody, 0, "room").await;
    assert!(node.logged(0, &format!("{MIRROR} is disconnected"), PATIENCE).await, "{}", node.log());
    stage.until(|look| look.participant("vera").place() == testkit::participant::Place::Left).await;
    stage.finish().await;
    undisturbed(&focus);
}
