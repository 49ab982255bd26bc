//! The peers at the real Prosody, with the core of the focus.

use testkit::participant::media::desktop;
use testkit::participant::profile::Profile;
use testkit::prosody::{Prosody, Wiring};
use testkit::tcp::Stage;

#[tokio::test]
async fn two_participants_meet() {
    let prosody = Prosody::start(Wiring::Proxy).await;
    let mut stage = Stage::at(&prosody);
    stage.bridge("jvb1").await;
    stage.core(|_| {}).await;
    stage.joins("alice").await;
    stage.joins("bob").await;
    stage.joins_with("old", |p| p.profile = Profile::old()).await;
    stage.until(|s| s.all_connected()).await;
    stage.participant("alice").tell(|p| p.add_source(desktop()));
    stage.until(|s| s.participant("bob").remote().of("alice").is_some_and(|s| s.sources.len() == 5)).await;
    stage.participant("bob").tell(|p| p.leave());
    println!("{:?}", stage.latencies());
    stage.finish().await;
}
