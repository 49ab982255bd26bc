//! What a core was fed in a scenario, to be fed again to another one: by benches, which want the core's share alone.
//!
//! A core of the same seed says the same again, so that the recorded answers fit its requests.

use std::sync::Arc;

use jicofo::config::Config;
use jicofo::focus::{Focus, Input, Timestamp};

use super::Scenario;
use crate::Time;

/// Everything a core was fed, from its birth on.
pub struct Recording {
    pub config: Arc<Config>,
    pub seed: u64,
    pub inputs: Vec<(Timestamp, Input)>,
}

/// So much time passes between two joins: nobody waits for anybody.
const PACE: Time = Time::from_millis(200);

impl Recording {
    /// So many rooms, one after the other, each filled to that size; everybody is connected in the end.
    pub fn of_rooms(rooms: usize, size: usize) -> Recording {
        let mut scenario = Scenario::new().bridge("jvb1").recording().start();
        let domain = scenario.server.options.domains.muc.clone();
        for room in 0..rooms {
            for member in 0..size {
                let home = format!("room{room}@{domain}");
                scenario.joins_with(&format!("p{room}x{member}"), |settings| settings.room = home);
                scenario.run_for(PACE);
            }
        }
        scenario.settle();
        assert!(scenario.all_connected(), "{}", scenario.complaints().join("\n"));
        let Scenario { config, seed, recorded, .. } = scenario;
        Recording { config, seed, inputs: recorded.unwrap_or_default() }
    }

    /// A core to which nothing has happened yet.
    pub fn core(&self) -> Focus {
        Focus::new(self.config.clone(), self.seed)
    }
}
