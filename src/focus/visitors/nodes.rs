//! The visitor nodes that are configured, and Prosody's component for them.

use std::time::Duration;

use crate::config::{Config, VisitorNode};
use crate::focus::{Connection, NodeId};
use crate::wire::{BareJid, Jid};

/// A server for visitors.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    /// What clients and Prosody know it by.
    pub id: String,
    pub reply_timeout: Duration,
    /// What clients are told to recognise the focus by there, `username@domain`. None for an anonymous log-in.
    focus_jid: Option<Jid>,
    /// Takes the place of the main domain in the names of rooms. None: nobody can be sent there.
    domain: Option<String>,
}

impl Node {
    fn new(id: &str, node: &VisitorNode) -> Node {
        let account = &node.account;
        let named = || Jid::new(&format!("{}@{}", account.username, account.domain)).ok();
        Node {
            id: id.to_owned(),
            reply_timeout: account.reply_timeout,
            focus_jid: account.password.is_some().then(named).flatten(),
            domain: node.xmpp_domain.clone(),
        }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Nodes {
    enabled: bool,
    main_domain: Option<String>,
    all: Vec<Node>,
    /// The visitors component, where Prosody said last that it is.
    component: Option<Jid>,
    /// It said so when it was asked last.
    announced: bool,
}

impl Nodes {
    pub fn new(config: &Config) -> Nodes {
        Nodes {
            enabled: config.visitors.enabled,
            main_domain: config.xmpp.client.xmpp_domain.clone(),
            all: config.xmpp.visitors.iter().map(|(id, node)| Node::new(id, node)).collect(),
            component: None,
            announced: false,
        }
    }

    pub fn get(&self, node: NodeId) -> &Node {
        // Invariant: whoever has an id has it from here, or from a connection that was made for one.
        &self.all[usize::from(node.0)]
    }

    pub fn ids(&self) -> impl Iterator<Item = NodeId> + use<> {
        (0..u16::try_from(self.all.len()).unwrap_or(u16::MAX)).map(NodeId)
    }

    /// Whether anybody can be a visitor: it is switched on, and Prosody helps.
    pub fn usable(&self) -> bool {
        self.enabled && self.announced
    }

    pub fn enabled(&self) -> bool {
        self.enabled
    }

    /// Where to connect nodes, and to disconnect them though it is announced no more.
    pub fn component(&self) -> Option<&Jid> {
        self.component.as_ref()
    }

    pub fn announced(&self) -> Option<&Jid> {
        self.component.as_ref().filter(|_| self.announced)
    }

    pub fn announce(&mut self, address: Option<&str>) {
        let address = address.and_then(|address| Jid::new(address).ok());
        self.announced = address.is_some();
        self.component = address.or(self.component.take());
    }

    /// The address by which clients know the focus on a node; that of the connection where none is configured.
    pub fn focus_jid(&self, node: NodeId, bound: Option<&Jid>) -> Option<Jid> {
        self.get(node).focus_jid.clone().or_else(|| bound.map(Jid::to_bare))
    }

    /// The room on a node that mirrors a main room: its domain ends with the node's domain instead of the main one
    /// (spec/60 §6.1). None: there can be none.
    pub fn mirror_of(&self, node: NodeId, room: &BareJid) -> Option<BareJid> {
        let (main, own) = (self.main_domain.as_deref()?, self.get(node).domain.as_deref()?);
        let rest = room.domain().strip_suffix(main).filter(|_| self.mirrors(room))?;
        BareJid::new(&format!("{}@{rest}{own}", room.node())).ok()
    }

    /// Whether a room can have one at all: it is below the main domain.
    pub fn mirrors(&self, room: &BareJid) -> bool {
        let rest = self.main_domain.as_deref().and_then(|main| room.domain().strip_suffix(main));
        rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    }

    /// Whether it is known how rooms are called on this node.
    pub fn is_named(&self, node: NodeId) -> bool {
        self.main_domain.is_some() && self.get(node).domain.is_some()
    }
}

impl NodeId {
    pub(crate) fn connection(self) -> Connection {
        Connection::Visitors(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Account;

    fn nodes(main: &str, own: Option<&str>) -> Nodes {
        let mut config = Config::default();
        config.xmpp.client.xmpp_domain = Some(main.to_owned());
        let account = Account { domain: "auth.v0.test".into(), ..config.xmpp.client.account.clone() };
        let node =
            VisitorNode { account, xmpp_domain: own.map(str::to_owned), conference_service: "muc.v0.test".into() };
        config.xmpp.visitors.insert("v0".into(), node);
        Nodes::new(&config)
    }

    #[test]
    fn only_the_end_of_the_domain_is_replaced() {
        let nodes = nodes("meet.jitsi", Some("v0.meet.jitsi"));
        let mirror = |room: &str| {
            let room = BareJid::new(room).unwrap();
            nodes.mirror_of(NodeId(0), &room).map(|room| room.as_jid().to_string())
        };
        assert_eq!(mirror("standup@muc.meet.jitsi").as_deref(), Some("standup@muc.v0.meet.jitsi"));
        assert_eq!(mirror("standup@muc.acme.meet.jitsi").as_deref(), Some("standup@muc.acme.v0.meet.jitsi"));
        assert_eq!(mirror("meet.jitsi@muc.meet.jitsi").as_deref(), Some("meet.jitsi@muc.v0.meet.jitsi"));
        assert_eq!(mirror("x@meet.jitsi.meet.jitsi").as_deref(), Some("x@meet.jitsi.v0.meet.jitsi"));
        assert_eq!(mirror("x@muc.other.test"), None);
        assert_eq!(mirror("x@muc-meet.jitsi"), None, "a label is replaced whole or not at all");
        let unnamed = super::tests::nodes("meet.jitsi", None);
        assert_eq!(unnamed.mirror_of(NodeId(0), &"x@muc.meet.jitsi".parse().unwrap()), None);
    }
}
