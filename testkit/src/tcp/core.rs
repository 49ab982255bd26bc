//! The focus' core at the real Prosody without its shell: through the same independent client as the peers.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use jicofo::config::Config;
use jicofo::focus::{Connection, Focus, Input, Timestamp};
use jicofo::wire::sm::{Incoming, read_stanza};
use jicofo::wire::xml;

use super::peer::Machine;
use crate::Time;
use crate::prosody::Prosody;
use crate::xml::Element;

/// The core, fed and drained by one connection.
pub struct Core {
    focus: Focus,
    /// What the core's clock says at time zero.
    epoch: Timestamp,
    now: Time,
}

impl Core {
    /// A configuration for that server; `change` it as needed.
    pub fn new(prosody: &Prosody, jid: &str, change: impl FnOnce(&mut Config)) -> Core {
        let mut config = Config::default();
        let client = &mut config.xmpp.client;
        client.account.domain = prosody.auth_domain();
        client.xmpp_domain = Some(prosody.domain().to_owned());
        client.conference_muc_jid = Some(prosody.muc_domain());
        client.client_proxy = prosody.focus_domain().parse().ok();
        config.bridge.brewery_jid = prosody.brewery().parse().ok();
        change(&mut config);
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let epoch = Timestamp::default() + since_epoch;
        let mut focus = Focus::new(Arc::new(config), epoch.0);
        let jid = jid.parse().expect("the server gave a JID");
        focus.handle(epoch, Input::Connected { on: Connection::Client, jid, resumed: false });
        Core { focus, epoch, now: Time::ZERO }
    }

    pub fn focus(&self) -> &Focus {
        &self.focus
    }
}

impl Machine for Core {
    fn set_now(&mut self, now: Time) {
        self.now = now;
    }

    fn handle(&mut self, now: Time, stanza: &Element) {
        self.now = now;
        if let Ok(Incoming::Stanza(stanza)) = read_stanza(&crate::xml::to_text(stanza)) {
            self.focus.handle(self.epoch + now, Input::Stanza { on: Connection::Client, stanza });
        }
    }

    fn handle_timeout(&mut self, now: Time) {
        self.now = now;
        self.focus.handle(self.epoch + now, Input::Tick);
    }

    fn poll_output(&mut self) -> Option<Element> {
        let output = self.focus.poll_output()?;
        let stanza = output.stanza().expect("no commands are given");
        Some(crate::xml::parse(&xml::to_string(stanza)).expect("the core writes XML"))
    }

    fn poll_timeout(&self) -> Option<Time> {
        self.focus.poll_timeout().map(|at| at.since(self.epoch))
    }
}
