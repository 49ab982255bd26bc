//! What Prosody's metadata component says of a room (spec/20 §11). Read here: whether newcomers start muted.

use serde_json::Value;

use super::Conference;
use crate::focus::context::Context;

/// Who starts muted by the room's policy (spec/20 §10).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct StartMutedPolicy {
    pub audio: bool,
    pub video: bool,
}

impl Conference {
    /// A message of the metadata component. It carries everything, not only what changed.
    pub(in crate::focus) fn metadata(&mut self, cx: &mut Context, metadata: &Value) {
        if let Some(policy) = metadata.get("startMuted").filter(|policy| policy.is_object()) {
            let is_on = |media: &str| policy.get(media).and_then(Value::as_bool).unwrap_or(false);
            self.start_muted_policy = StartMutedPolicy { audio: is_on("audio"), video: is_on("video") };
        }
        self.metadata_known(cx);
    }
}

/// The `metadata` of a `room_metadata` message; None if it is anything else.
pub(crate) fn read(json: &str) -> Option<Value> {
    let mut message: Value = serde_json::from_str(json).ok()?;
    if message.get("type").and_then(Value::as_str) != Some("room_metadata") {
        return None;
    }
    message.get_mut("metadata").map(Value::take)
}
