//! The same peers over TCP, against the real Prosody: each on a task of its own, told what to do and looked at from the test.
//!
//! ```no_run
//! # use testkit::{participant::media::desktop, prosody::{Prosody, Wiring}, tcp::Stage};
//! # async fn example() {
//! let prosody = Prosody::start(Wiring::Proxy).await;
//! // … and the focus …
//! let mut stage = Stage::at(&prosody);
//! stage.bridge("jvb1").await;
//! stage.joins("alice").await;
//! stage.joins("bob").await;
//! stage.until(|s| s.all_connected()).await;
//! stage.participant("alice").tell(|p| p.add_source(desktop()));
//! stage.finish().await; // all views agree, nobody complains
//! # }
//! ```

mod core;
mod peer;
mod stage;

pub use core::Core;
pub use peer::{Machine, Peer};
pub use stage::{Latencies, Look, Stage};
