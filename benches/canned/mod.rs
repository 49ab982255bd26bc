//! A core with everybody else played by canned stanzas: with as little in them as the focus needs, and nothing kept of what
//! it says, so that there may be very many of them.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use jicofo::config::Config;
use jicofo::focus::{Connection, Focus, Input, Output, Timestamp};
use jicofo::wire::sm::{Incoming, read_stanza};
use jicofo::wire::stanza::{IqBody, Payload, Stanza};

pub const BREWERY: &str = "jvbbrewery@internal.meet.example";
pub const FOCUS: &str = "focus@auth.meet.example/focus";
pub const HEADER: &str =
    "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>";

/// What this thread has run. To yield brings the scheduler's account up to date.
pub fn cpu() -> Duration {
    std::thread::yield_now();
    let account = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux says so");
    let nanos = account.split_whitespace().next().and_then(|nanos| nanos.parse().ok());
    Duration::from_nanos(nanos.expect("a number first"))
}

/// What this thread has run since then. What it takes to ask is not counted: some microseconds, more than some of what is
/// measured.
pub fn spent(since: Duration) -> Duration {
    const ASKED: u32 = 1000;
    static ASKING: OnceLock<Duration> = OnceLock::new();
    let took = cpu() - since;
    let asking = ASKING.get_or_init(|| {
        let started = cpu();
        (0..ASKED).for_each(|_| _ = cpu());
        (cpu() - started) / (ASKED + 1)
    });
    took.saturating_sub(*asking)
}

/// Megabytes.
pub fn resident() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux says so");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("it is there");
    line.trim().trim_end_matches(" kB").trim().parse::<f64>().expect("a number") / 1000.0
}

pub fn stanza(text: &str) -> Stanza {
    let Ok(Incoming::Stanza(stanza)) = read_stanza(&format!("{HEADER}{text}</stream:stream>")) else {
        panic!("not read: {text}")
    };
    stanza
}

/// What a bridge publishes: some eighty statistics, as recorded (spec/50 §2.3).
pub fn statistics(bridge: usize, stress: f64) -> String {
    let fill: String =
        (0..68).map(|number| format!("<stat name='some_other_statistic_{number}' value='1234'/>")).collect();
    format!(
        "<presence from='{BREWERY}/jvb{bridge}' to='{FOCUS}'><priority>0</priority>\
         <stats xmlns='http://jitsi.org/protocol/colibri'>{fill}<stat name='stress_level' value='{stress}'/>\
         <stat name='average_participant_stress' value='0.01'/><stat name='graceful_shutdown' value='false'/>\
         <stat name='shutting_down' value='false'/><stat name='drain' value='false'/>\
         <stat name='current_timestamp' value='2026-08-20 09:15:30.123'/><stat name='relay_id' value='jvb{bridge}'/>\
         <stat name='healthy' value='true'/><stat name='version' value='2.3.223-g1a2b3c4d5'/>\
         <stat name='release' value='4567'/><stat name='region' value='region-{}'/></stats></presence>",
        bridge % 10
    )
}

/// A core, and everybody else.
pub struct World {
    pub focus: Focus,
    /// Microseconds.
    pub now: u64,
    /// How often it asked for something.
    pub requests: BTreeMap<&'static str, usize>,
}

impl World {
    pub fn new(config: Config) -> World {
        let mut world = World { focus: Focus::new(Arc::new(config), 1), now: 1_000_000_000, requests: BTreeMap::new() };
        let jid = FOCUS.parse().expect("an address");
        world.give(Input::Connected { on: Connection::Client, jid, resumed: false });
        world
    }

    pub fn time(&self) -> Timestamp {
        Timestamp(self.now)
    }

    pub fn hear(&mut self, text: &str) {
        let stanza = stanza(text);
        self.give(Input::Stanza { on: Connection::Client, stanza });
    }

    /// Gives it an input, and answers whatever it says until it has no more to say.
    pub fn give(&mut self, input: Input) {
        let now = self.time();
        self.focus.handle(now, input);
        let mut answers = Vec::new();
        loop {
            while let Some(output) = self.focus.poll_output() {
                if let Output::Send { stanza, .. } = &output {
                    self.answers(stanza, &mut answers);
                }
            }
            if answers.is_empty() {
                return;
            }
            for text in std::mem::take(&mut answers) {
                let stanza = stanza(&text);
                let now = self.time();
                self.focus.handle(now, Input::Stanza { on: Connection::Client, stanza });
            }
        }
    }

    /// What the peer says to it, with as little in it as the focus needs.
    pub fn answers(&mut self, said: &Stanza, answers: &mut Vec<String>) {
        match said {
            Stanza::Presence(presence) => {
                let Some(to) = presence.to.as_ref().filter(|_| presence.kind.is_none()) else { return };
                if presence.join.is_some() {
                    answers.push(format!(
                        "<presence from='{to}' to='{FOCUS}'><x xmlns='http://jabber.org/protocol/muc#user'>\
                         <item affiliation='owner' role='moderator' jid='{FOCUS}'/><status code='110'/></x></presence>"
                    ));
                }
            }
            Stanza::Iq(iq) => {
                let (IqBody::Get(payload) | IqBody::Set(payload)) = &iq.body else { return };
                let to = iq.to.as_ref().map_or("meet.example".to_owned(), ToString::to_string);
                let id = iq.id.as_str();
                let mut result = |inner: String| {
                    answers.push(format!("<iq type='result' id='{id}' from='{to}' to='{FOCUS}'>{inner}</iq>"));
                };
                match payload {
                    Payload::DiscoInfo(_) => result(
                        "<query xmlns='http://jabber.org/protocol/disco#info'>\
                         <feature var='http://jabber.org/protocol/muc'/><feature var='urn:xmpp:jingle:apps:rtp:audio'/>\
                         <feature var='urn:xmpp:jingle:apps:rtp:video'/><feature var='urn:ietf:rfc:5761'/>\
                         <feature var='urn:xmpp:jingle:transports:ice-udp:1'/>\
                         <feature var='http://jitsi.org/json-encoded-sources'/></query>"
                            .into(),
                    ),
                    Payload::MucOwner(_) if matches!(iq.body, IqBody::Get(_)) => {
                        let meeting = to.split('@').next().unwrap_or_default().to_owned();
                        result(format!(
                            "<query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' type='form'>\
                             <field type='hidden' var='FORM_TYPE'><value>http://jabber.org/protocol/muc#roomconfig</value>\
                             </field><field type='text-single' var='muc#roominfo_meetingId'><value>{meeting}-meeting\
                             </value></field><field type='list-single' var='muc#roomconfig_whois'><value>anyone</value>\
                             </field></x></query>"
                        ));
                    }
                    Payload::ConferenceModify(modify) => {
                        *self.requests.entry("bridges").or_default() += 1;
                        let endpoints: String = modify
                            .endpoints
                            .iter()
                            .filter(|endpoint| endpoint.create)
                            .map(|endpoint| {
                                let id = &endpoint.id;
                                format!(
                                    "<endpoint id='{id}'><transport><transport xmlns='urn:xmpp:jingle:transports:ice-udp:1' \
                                     ufrag='abcdefghijklmn' pwd='abcdefghijklmnopqrstuvwxyz'><rtcp-mux/>\
                                     <fingerprint xmlns='urn:xmpp:jingle:apps:dtls:0' hash='sha-256' setup='actpass'>\
                                     4E:71</fingerprint></transport></transport></endpoint>"
                                )
                            })
                            .collect();
                        result(format!(
                            "<conference-modified xmlns='jitsi:colibri2'>{endpoints}<sources><media-source id='jvb-a0' \
                             type='audio'><source xmlns='urn:xmpp:jingle:apps:rtp:ssma:0' ssrc='1' name='jvb-a0'/>\
                             </media-source></sources></conference-modified>"
                        ));
                    }
                    Payload::Jingle(jingle) => {
                        result(String::new());
                        if jingle.action.as_deref() == Some("session-initiate") {
                            *self.requests.entry("offers").or_default() += 1;
                            let sid = jingle.sid.as_ref().map(ToString::to_string).unwrap_or_default();
                            answers.push(accept(&to, &sid));
                        }
                    }
                    _ => result(String::new()),
                }
            }
            Stanza::Message(_) => {}
        }
    }

    /// Somebody asks for that room.
    pub fn ask(&mut self, room: usize) {
        let name = room_name(room);
        self.hear(&format!(
            "<iq type='set' id='ask' from='user{room}@meet.example/x' to='{FOCUS}'>\
             <conference xmlns='http://jitsi.org/protocol/focus' room='{name}' machine-uid='u{room}'/></iq>"
        ));
    }
}

fn room_name(room: usize) -> String {
    format!("room{room}@conference.meet.example")
}

/// With which a person of that number comes, sound and pictures on.
pub fn presence(room: usize, person: usize) -> String {
    let (name, nick) = (room_name(room), format!("{person:08x}"));
    format!(
        "<presence from='{name}/{nick}' to='{FOCUS}'><SourceInfo>{{\"{nick}-a0\":{{\"muted\":false}},\
         \"{nick}-v0\":{{\"muted\":false}}}}</SourceInfo><c xmlns='http://jabber.org/protocol/caps' hash='sha-1' \
         node='https://jitsi.org/jitsi-meet' ver='AbC='/><x xmlns='http://jabber.org/protocol/muc#user'>\
         <item affiliation='none' role='participant' jid='{nick}@meet.example/x'/></x></presence>"
    )
}

/// A session-accept with audio, simulcast video and transport.
pub fn accept(from: &str, sid: &str) -> String {
    let nick = from.rsplit('/').next().unwrap_or_default();
    let first = u32::from_str_radix(nick, 16).unwrap_or(1).wrapping_mul(8) + 8;
    let source = |number: u32, name: &str| {
        format!(
            "<source xmlns='urn:xmpp:jingle:apps:rtp:ssma:0' ssrc='{}' name='{nick}-{name}'><parameter name='msid' \
             value='{nick}-{name} t'/></source>",
            first + number
        )
    };
    let transport = format!(
        "<transport xmlns='urn:xmpp:jingle:transports:ice-udp:1' ufrag='{nick}' pwd='pwd-of-{nick}'><fingerprint \
         xmlns='urn:xmpp:jingle:apps:dtls:0' hash='sha-256' setup='active'>B2:73</fingerprint></transport>"
    );
    let group = format!(
        "<ssrc-group xmlns='urn:xmpp:jingle:apps:rtp:ssma:0' semantics='FID'><source ssrc='{}'/><source ssrc='{}'/>\
         </ssrc-group>",
        first + 1,
        first + 2
    );
    format!(
        "<iq type='set' id='accept-{sid}' from='{from}' to='{FOCUS}'><jingle xmlns='urn:xmpp:jingle:1' \
         action='session-accept' sid='{sid}'><content creator='responder' name='audio' senders='both'><description \
         xmlns='urn:xmpp:jingle:apps:rtp:1' media='audio'>{}</description>{transport}</content><content \
         creator='responder' name='video' senders='both'><description xmlns='urn:xmpp:jingle:apps:rtp:1' media='video'>\
         {}{}{group}</description>{transport}</content></jingle></iq>",
        source(0, "a0"),
        source(1, "v0"),
        source(2, "v0"),
    )
}

pub fn config() -> Config {
    let mut config = Config::default();
    config.bridge.brewery_jid = Some(BREWERY.parse().expect("an address"));
    // As in a deployment whose bridges have an account beside.
    config.bridge.xmpp_connection_name = jicofo::config::ConnectionName::Client;
    config
}
