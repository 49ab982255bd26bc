//! Many bridges, conferences and participants in one core: what a selection, a bridge's statistics and a bridge's death cost.
//!
//!     cargo bench -p jicofo --bench bridges [-- CONFERENCES]
//!
//! Everybody else is played by canned stanzas: nothing but the focus is timed, in processor time of the thread, reading of
//! XML apart.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use jicofo::config::{Config, LoadModel, SelectionStrategy};
use jicofo::focus::bridges::predict::{Load, Stay};
use jicofo::focus::bridges::registry::Bridges;
use jicofo::focus::bridges::select::Wanted;
use jicofo::focus::{Connection, Focus, Input, Output, Timestamp};
use jicofo::wire::presence::{Stat, Stats};
use jicofo::wire::sm::{Incoming, read_stanza};
use jicofo::wire::stanza::{IqBody, Payload, Stanza};

const BRIDGES: usize = 500;
const CONFERENCES: usize = 20_000;
const SIZE: usize = 5;
const BREWERY: &str = "jvbbrewery@internal.meet.example";
const FOCUS: &str = "focus@auth.meet.example/focus";
const HEADER: &str =
    "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>";

fn cpu() -> Duration {
    std::thread::yield_now();
    let account = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux says so");
    let nanos = account.split_whitespace().next().and_then(|nanos| nanos.parse().ok());
    Duration::from_nanos(nanos.expect("a number first"))
}

fn resident() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux says so");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("it is there");
    line.trim().trim_end_matches(" kB").trim().parse::<f64>().expect("a number") / 1000.0
}

fn stanza(text: &str) -> Stanza {
    let Ok(Incoming::Stanza(stanza)) = read_stanza(&format!("{HEADER}{text}</stream:stream>")) else {
        panic!("not read: {text}")
    };
    stanza
}

/// What a bridge publishes: some eighty statistics, as recorded (spec/50 §2.3).
fn statistics(bridge: usize, stress: f64) -> String {
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
struct World {
    focus: Focus,
    now: u64,
    requests: BTreeMap<&'static str, usize>,
}

impl World {
    fn new(config: Config) -> World {
        let mut world = World { focus: Focus::new(Arc::new(config), 1), now: 1_000_000_000, requests: BTreeMap::new() };
        let jid = FOCUS.parse().expect("an address");
        world.give(Input::Connected { on: Connection::Client, jid, resumed: false });
        world
    }

    fn time(&self) -> Timestamp {
        Timestamp(self.now)
    }

    fn hear(&mut self, text: &str) {
        let stanza = stanza(text);
        self.give(Input::Stanza { on: Connection::Client, stanza });
    }

    /// Gives it an input, and answers whatever it says until it has no more to say.
    fn give(&mut self, input: Input) {
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
    fn answers(&mut self, said: &Stanza, answers: &mut Vec<String>) {
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

    /// A room with so many people, all connected.
    fn fill(&mut self, room: usize, people: usize) {
        let name = format!("room{room}@conference.meet.example");
        self.hear(&format!(
            "<iq type='set' id='ask' from='user{room}@meet.example/x' to='{FOCUS}'>\
             <conference xmlns='http://jitsi.org/protocol/focus' room='{name}' machine-uid='u{room}'/></iq>"
        ));
        for person in 0..people {
            self.now += 1000;
            let nick = format!("{:08x}", room * 1000 + person);
            self.hear(&format!(
                "<presence from='{name}/{nick}' to='{FOCUS}'><SourceInfo>{{\"{nick}-a0\":{{\"muted\":false}},\
                 \"{nick}-v0\":{{\"muted\":false}}}}</SourceInfo><c xmlns='http://jabber.org/protocol/caps' hash='sha-1' \
                 node='https://jitsi.org/jitsi-meet' ver='AbC='/><x xmlns='http://jabber.org/protocol/muc#user'>\
                 <item affiliation='none' role='participant' jid='{nick}@meet.example/x'/></x></presence>"
            ));
        }
    }

    /// Statistics of all bridges, as they would say them.
    fn speak(&mut self, stress: impl Fn(usize) -> f64) {
        for bridge in 0..BRIDGES {
            self.hear(&statistics(bridge, stress(bridge)));
        }
    }
}

/// A session-accept with audio, simulcast video and transport.
fn accept(from: &str, sid: &str) -> String {
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

fn config() -> Config {
    let mut config = Config::default();
    config.bridge.brewery_jid = Some(BREWERY.parse().expect("an address"));
    // As in a deployment whose bridges have an account beside.
    config.bridge.xmpp_connection_name = jicofo::config::ConnectionName::Client;
    config
}

/// The registry alone: selections among bridges with load of all ages.
fn selections() {
    let mut bridges = Bridges::default();
    let mut settings = config();
    settings.octo.enabled = true;
    let start = Timestamp(1_000_000_000);
    for bridge in 0..BRIDGES {
        let stat = |name: &str, value: String| Stat { name: Some(name.into()), value: Some(value) };
        let stats = Stats {
            stats: vec![
                stat("stress_level", format!("0.{:03}", (bridge * 7919) % 800)),
                stat("drain", "false".into()),
                stat("relay_id", format!("jvb{bridge}")),
                stat("version", "2.3".into()),
                stat("region", format!("region-{}", bridge % 10)),
            ],
        };
        let jid = format!("{BREWERY}/jvb{bridge}").parse().expect("an address");
        bridges.presence(start, &jid, &stats, &settings.bridge);
    }
    let ids: Vec<_> = bridges.iter().map(|bridge| bridge.id.clone()).collect();
    for second in 0..20u64 {
        let now = start + Duration::from_secs(second);
        for id in &ids {
            bridges.endpoint_allocated(now, id, &settings.bridge);
            bridges.weighs(now, id, &mut Stay::new(now), Load(3000));
        }
    }
    let now = start + Duration::from_secs(20);
    for strategy in [SelectionStrategy::Single, SelectionStrategy::RegionBased] {
        for model in [LoadModel::Predictive, LoadModel::Classic] {
            settings.bridge.selection_strategy = strategy;
            settings.bridge.selection_load_model = model;
            let wanted = Wanted { region: Some("region-3"), ..Wanted::default() };
            let rounds = 2000;
            let best = (0..5).map(|_| {
                let started = cpu();
                for _ in 0..rounds {
                    black_box(bridges.select(now, &settings, wanted).expect("there are bridges"));
                }
                (cpu() - started) / rounds
            });
            let best = best.min().unwrap_or_default();
            println!("selection among {BRIDGES} bridges, {strategy:?}, {model:?}: {:.1} µs", best.as_secs_f64() * 1e6);
        }
    }
}

fn main() {
    let conferences = std::env::args().find_map(|argument| argument.parse().ok()).unwrap_or(CONFERENCES);
    selections();

    let mut world = World::new(config());
    world.speak(|_| 0.01);
    let (empty, started) = (resident(), cpu());
    for room in 0..conferences {
        world.fill(room, SIZE);
        if room % 500 == 499 {
            world.now += 1_000_000;
            world.give(Input::Tick);
        }
    }
    let gauges = world.focus.gauges();
    println!(
        "\n{} bridges, {} conferences, {} participants, {} endpoints, {} offers; {:.0} µs a join, peers included",
        gauges.bridges,
        gauges.conferences,
        gauges.participants,
        gauges.endpoints,
        world.requests.get("offers").copied().unwrap_or(0),
        (cpu() - started).as_secs_f64() * 1e6 / (conferences * SIZE) as f64
    );
    println!("resident: {:.0} MB, {:.0} MB of it before anybody came", resident(), empty);

    presences(&mut world);
    one_more_join(&mut world, conferences);
    death(&mut world, conferences);
}

fn presences(world: &mut World) {
    let (mut reading, mut handling, mut worst) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
    let rounds = 10;
    for round in 0..rounds {
        for bridge in 0..BRIDGES {
            world.now += 10_000;
            let text = format!("{HEADER}{}</stream:stream>", statistics(bridge, 0.1 + f64::from(round) / 1000.0));
            let started = cpu();
            let Ok(Incoming::Stanza(stanza)) = read_stanza(&text) else { panic!("not read") };
            let read = cpu();
            world.focus.handle(Timestamp(world.now), Input::Stanza { on: Connection::Client, stanza });
            black_box(world.focus.poll_timeout());
            let took = cpu() - read;
            reading += read - started;
            handling += took;
            worst = worst.max(took);
            let mut answers = Vec::new();
            while let Some(Output::Send { stanza, .. }) = world.focus.poll_output() {
                world.answers(&stanza, &mut answers);
            }
            answers.iter().for_each(|text| world.hear(text));
        }
    }
    let each = |all: Duration| all.as_secs_f64() * 1e6 / f64::from(rounds) / BRIDGES as f64;
    println!(
        "statistics of a bridge: handled in {:.1} µs, at most {:.0} µs (with health checks that are due); read in {:.1} µs",
        each(handling),
        worst.as_secs_f64() * 1e6,
        each(reading)
    );
    let started = cpu();
    for _ in 0..100_000 {
        black_box(world.focus.poll_timeout());
    }
    println!("asked when to come back: {:.3} µs", (cpu() - started).as_secs_f64() * 1e6 / 100_000.0);
}

fn one_more_join(world: &mut World, conferences: usize) {
    let started = cpu();
    for room in 0..100 {
        world.fill(conferences + room, SIZE);
    }
    println!("joins into a full core: {:.0} µs each, peers included", (cpu() - started).as_secs_f64() * 1e6 / 500.0);
}

/// A bridge with 1,000 endpoints of 200 conferences is gone; meanwhile somebody elsewhere asks for something.
fn death(world: &mut World, conferences: usize) {
    // All to one: the others say that they are full.
    world.now += 60_000_000;
    world.speak(|bridge| if bridge == 7 { 0.0 } else { 5.0 });
    for room in 0..200 {
        world.fill(conferences + 1000 + room, SIZE);
    }
    let on_it = |world: &World| {
        let all = world.focus.bridges();
        all.iter().find(|bridge| bridge.jid.resource() == Some("jvb7")).map_or(0, |bridge| bridge.endpoints)
    };
    println!("\nthe bridge that dies has {} endpoints", on_it(world));
    world.now += 60_000_000;
    world.speak(|bridge| if bridge == 7 { 0.9 } else { 0.1 });
    let gone = stanza(&format!(
        "<presence type='unavailable' from='{BREWERY}/jvb7' to='{FOCUS}'><x xmlns='http://jabber.org/protocol/muc#user'>\
         <item affiliation='none' role='none'/></x></presence>"
    ));
    let begin = world.now;
    let (mut longest, mut total, mut inputs) = (Duration::ZERO, Duration::ZERO, 0);
    let (mut moved, mut last) = (0u64, begin);
    let mut queue = vec![Input::Stanza { on: Connection::Client, stanza: gone }];
    let moved_before = world.focus.metrics().participants_moved;
    while world.now < begin + 60_000_000 {
        for input in std::mem::take(&mut queue) {
            let started = cpu();
            world.focus.handle(Timestamp(world.now), input);
            let took = cpu() - started;
            (longest, total, inputs) = (longest.max(took), total + took, inputs + 1);
            let mut answers = Vec::new();
            while let Some(Output::Send { stanza, .. }) = world.focus.poll_output() {
                world.answers(&stanza, &mut answers);
            }
            queue.extend(answers.iter().map(|text| Input::Stanza { on: Connection::Client, stanza: stanza(text) }));
        }
        let now = world.focus.metrics().participants_moved - moved_before;
        if now > moved {
            (moved, last) = (now, world.now);
        }
        if queue.is_empty() {
            world.now += 10_000;
            queue.push(Input::Tick);
        }
    }
    println!(
        "its death: {moved} moved within {:.1} s, {:.0} ms in all; the longest that anybody waits for one input: {:.1} ms",
        (last - begin) as f64 / 1e6,
        total.as_secs_f64() * 1e3,
        longest.as_secs_f64() * 1e3
    );
    let status = world.focus.bridges();
    let most = status.iter().map(|bridge| bridge.endpoints).max().unwrap_or(0);
    println!("the fullest bridge has {most} endpoints then; {inputs} inputs");
}
