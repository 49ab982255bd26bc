//! What a scenario begins with.

use std::sync::Arc;

use indexmap::IndexMap;
use jicofo::config::{Account, Component, Config, Secret, VisitorNode};
use jicofo::focus::Focus;

use super::{Recording, Scenario, Tamper};
use crate::Time;
use crate::logs::FRESH_FOCUS;
use crate::participant::Settings;
use crate::room::{Options, Server, Wiring};

/// Nothing that any other text would hold by accident.
const PASSWORD: &str = "scenario-p4ssw0rd";

type Change<T> = Box<dyn FnOnce(&mut T)>;

/// Collects who takes part, and how everything is set.
pub struct Builder {
    config: Config,
    options: Options,
    seed: u64,
    room: String,
    participants: Vec<(String, Change<Settings>)>,
    bridges: Vec<(String, Change<crate::bridge::Settings>)>,
    recorded: bool,
    tamper: Option<Tamper>,
}

impl Default for Builder {
    fn default() -> Builder {
        let options = Options::default();
        let domains = &options.domains;
        let mut config = Config::default();
        let client = &mut config.xmpp.client;
        client.account.domain = domains.auth.clone();
        client.account.password = Some(Secret::new(PASSWORD));
        // Not where time is measured.
        if cfg!(debug_assertions) {
            crate::logs::keep_secret(PASSWORD);
        }
        client.xmpp_domain = Some(domains.main.clone());
        client.conference_muc_jid = Some(domains.muc.clone());
        client.client_proxy = domains.focus.parse().ok();
        config.bridge.brewery_jid = format!("jvbbrewery@{}", domains.internal_muc).parse().ok();
        Builder {
            config,
            seed: 1,
            room: format!("room@{}", domains.muc),
            options,
            participants: Vec::new(),
            bridges: Vec::new(),
            recorded: false,
            tamper: None,
        }
    }
}

/// Gives the focus a connection of its own to the bridges.
pub fn add_service(config: &mut Config) {
    let mut account = config.xmpp.client.account.clone();
    account.resource = "service".into();
    config.xmpp.service = Some(account);
}

impl Builder {
    /// Changes the focus' configuration.
    pub fn config(mut self, change: impl FnOnce(&mut Config)) -> Builder {
        change(&mut self.config);
        self
    }

    /// Changes how the server behaves.
    pub fn server(mut self, change: impl FnOnce(&mut Options)) -> Builder {
        change(&mut self.options);
        self
    }

    /// Decides everything that is drawn: identifiers of the focus, latencies.
    pub fn seed(mut self, seed: u64) -> Builder {
        self.seed = seed;
        self
    }

    /// What the core is fed and says is kept, and each stanza of it is looked at: [`Scenario::take_recordings`].
    pub fn recorded(mut self) -> Builder {
        self.recorded = true;
        self
    }

    /// The focus says what it should not, from its first word on.
    pub(crate) fn tampered(mut self, tamper: Option<Tamper>) -> Builder {
        self.tamper = tamper;
        self
    }

    /// Each hop takes from `least` to `least + more`.
    pub fn latency(mut self, least: Time, more: Time) -> Builder {
        self.options.latency = (least, more);
        self
    }

    /// The classic wiring: an external component instead of the proxy (spec/10 §10.3).
    pub fn component(mut self) -> Builder {
        self.options.wiring = Wiring::Component;
        self.config.xmpp.client.client_proxy = None;
        self.config.component = Some(Component {
            hostname: "127.0.0.1".into(),
            port: 5347,
            domain: self.options.domains.focus.clone(),
            secret: Secret::new(PASSWORD),
        });
        self
    }

    /// Visitors, on these nodes.
    pub fn nodes(mut self, nodes: &[&str]) -> Builder {
        let domains = self.options.domains.clone();
        self.options.nodes = nodes.iter().map(|node| (*node).to_owned()).collect();
        self.config.visitors.enabled = true;
        for node in nodes {
            let account = Account {
                hostname: "localhost".into(),
                domain: format!("auth.{node}.{}", domains.main),
                password: Some(Secret::new(PASSWORD)),
                ..self.config.xmpp.client.account.clone()
            };
            let node_config = VisitorNode {
                account,
                xmpp_domain: Some(format!("{node}.{}", domains.main)),
                conference_service: domains.mirror_domain(node),
            };
            self.config.xmpp.visitors.insert((*node).to_owned(), node_config);
        }
        self
    }

    /// The room that participants go to, if it is another than `room@…`.
    pub fn room(mut self, name: &str) -> Builder {
        self.room = format!("{name}@{}", self.options.domains.muc);
        self
    }

    /// A participant: a current client with microphone and camera.
    pub fn participant(self, name: &str) -> Builder {
        self.participant_with(name, |_| {})
    }

    pub fn participant_with(mut self, name: &str, change: impl FnOnce(&mut Settings) + 'static) -> Builder {
        self.participants.push((name.to_owned(), Box::new(change)));
        self
    }

    pub fn bridge(self, name: &str) -> Builder {
        self.bridge_with(name, |_| {})
    }

    pub fn bridge_with(mut self, name: &str, change: impl FnOnce(&mut crate::bridge::Settings) + 'static) -> Builder {
        self.bridges.push((name.to_owned(), Box::new(change)));
        self
    }

    /// A bridge with relays: its relay id is its name.
    pub fn relay_bridge(self, name: &str, region: &str) -> Builder {
        let (relay_id, region) = (name.to_owned(), region.to_owned());
        self.bridge_with(name, move |bridge| {
            bridge.stats.relay_id = Some(relay_id);
            bridge.stats.region = Some(region);
        })
    }

    /// Bridges are in their brewery, the focus has logged in; then the participants ask for the conference, in this order.
    pub fn start(self) -> Scenario {
        let Builder { config, mut options, seed, room, participants, bridges, recorded, tamper } = self;
        options.seed = seed;
        log::info!(target: FRESH_FOCUS, "a scenario begins");
        let passwords = options.form.iter().filter(|(var, _)| var == "muc#roomconfig_roomsecret");
        passwords.for_each(|(_, password)| crate::logs::keep_secret_of_peer(password));
        let account = &config.xmpp.client.account;
        let focus_jid = format!("{}@{}/{}", account.username, account.domain, account.resource);
        let config = Arc::new(config);
        let mut scenario = Scenario {
            focus: Focus::new(config.clone(), seed),
            seed,
            now: Time::ZERO,
            server: Server::new(options),
            participants: IndexMap::new(),
            bridges: IndexMap::new(),
            log: Vec::new(),
            said: Vec::new(),
            text: String::new(),
            tamper,
            complaints: Vec::new(),
            room,
            focus_jid,
            cut: false,
            unsent: Vec::new(),
            replies: Vec::new(),
            service_cut: false,
            component_cut: false,
            nodes_cut: Default::default(),
            deliveries_at_once: 0,
            recordings: recorded.then(|| Recording::new(config.clone(), seed)).into_iter().collect(),
            sabotage: None,
            failures: 0,
            failed: false,
            failed_in: None,
            inputs: 0,
            config,
        };
        for (name, change) in bridges {
            scenario.add_bridge(&name, change);
        }
        scenario.run_for(Time::from_millis(500));
        scenario.log_in_focus();
        scenario.log_in_nodes();
        scenario.run_for(Time::from_millis(500));
        for (name, change) in participants {
            scenario.joins_with(&name, change);
        }
        scenario
    }
}
