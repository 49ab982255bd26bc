//! A client of its own make, and what tests read of what it is told.

use std::time::Duration;

use minidom::Element;
use testkit::{
    login::Session,
    prosody::{Prosody, Wiring},
};
use tokio::{io::AsyncReadExt, net::TcpStream, time::timeout};

/// Longer than anything here takes, also on a busy machine.
pub const DEADLINE: Duration = Duration::from_secs(60);

pub const FOCUS: &str = "http://jitsi.org/protocol/focus";
pub const JITMEET: &str = "http://jitsi.org/jitmeet";
pub const MUC_USER: &str = "http://jabber.org/protocol/muc#user";
pub const FORM: &str = "jabber:x:data";
pub const STANZAS: &str = "urn:ietf:params:xml:ns:xmpp-stanzas";

/// A client that is logged in, and what tests ask of it.
pub struct Client {
    pub session: Session,
    pub jid: String,
}

impl Client {
    pub async fn anonymous(prosody: &Prosody) -> Self {
        Self::of(Session::anonymous(prosody).await)
    }

    pub async fn focus(prosody: &Prosody) -> Self {
        Self::of(Session::focus(prosody).await)
    }

    pub async fn bridge(prosody: &Prosody) -> Self {
        Self::of(Session::bridge(prosody).await)
    }

    pub fn of(session: Session) -> Self {
        Self { jid: session.jid.clone(), session }
    }

    pub async fn send(&mut self, xml: &str) {
        self.session.send_xml(xml).await;
    }

    /// The next stanza that is as wanted. Others are dropped.
    pub async fn next(&mut self, what: &str, wanted: impl Fn(&Element) -> bool) -> Element {
        let search = async {
            loop {
                let element = self.session.next().await.expect("the stream goes on");
                if wanted(&element) {
                    return element;
                }
            }
        };
        timeout(DEADLINE, search).await.unwrap_or_else(|_| panic!("{what} did not come"))
    }

    pub async fn request(&mut self, iq: &str) -> Element {
        self.send(&iq.replacen("<iq ", "<iq id='request' ", 1)).await;
        self.next("the answer", |answer| answer.name() == "iq" && answer.attr("id") == Some("request")).await
    }

    /// What was sent before has been dealt with when the answer is here.
    pub async fn ping(&mut self, prosody: &Prosody) {
        self.request(&format!("<iq type='get' to='{}'><ping xmlns='urn:xmpp:ping'/></iq>", prosody.domain())).await;
    }

    /// Joins, and the own presence that says so.
    pub async fn join(&mut self, occupant: &str) -> Element {
        self.send(&format!("<presence to='{occupant}'><x xmlns='http://jabber.org/protocol/muc'/></presence>")).await;
        self.own_presence().await
    }

    pub async fn own_presence(&mut self) -> Element {
        self.next("the own presence", |stanza| {
            stanza.name() == "presence" && statuses(stanza).contains(&"110".to_owned())
        })
        .await
    }
}

pub fn statuses(presence: &Element) -> Vec<String> {
    let x = presence.get_child("x", MUC_USER);
    x.into_iter().flat_map(|x| x.children()).filter_map(|child| child.attr("code")).map(str::to_owned).collect()
}

pub fn item<'a>(presence: &'a Element, name: &'a str) -> Option<&'a str> {
    presence.get_child("x", MUC_USER)?.get_child("item", MUC_USER)?.attr(name)
}

pub fn field(form: &Element, name: &str) -> Option<String> {
    let field = form.children().find(|field| field.attr("var") == Some(name))?;
    Some(field.get_child("value", FORM)?.text())
}

pub fn condition(error: &Element) -> Option<&str> {
    let error = error.get_child("error", "jabber:client")?;
    error.children().find(|child| child.ns() == STANZAS && child.name() != "text").map(Element::name)
}

pub async fn both() -> [Prosody; 2] {
    [Prosody::start(Wiring::Classic).await, Prosody::start(Wiring::Proxy).await]
}

pub async fn read_until(stream: &mut TcpStream, end: &str) -> String {
    let mut text = Vec::new();
    let read = async {
        while !text.ends_with(end.as_bytes()) {
            text.push(stream.read_u8().await.expect("the stream goes on"));
        }
    };
    timeout(DEADLINE, read).await.expect("an answer");
    String::from_utf8(text).expect("UTF-8")
}
