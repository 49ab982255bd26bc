//! `scripts/demo`: a meeting on the real Prosody and the real focus, told as it happens, and checked.

mod live;
mod story;

use std::{
    panic::AssertUnwindSafe,
    process::ExitCode,
    rc::Rc,
    time::{Duration, Instant},
};

use testkit::{
    bridge::{self, Bridge},
    focus::FocusProcess,
    login::Session,
    participant::{self, Participant, Place, media},
    prosody::{Prosody, Wiring},
    sources::Sources,
};
use tokio::{sync::Notify, task::LocalSet, time::timeout};

use live::Live;
use story::Story;

/// Everything here takes milliseconds. Who is not ready by then never will be.
const PATIENCE: Duration = Duration::from_secs(15);

const USAGE: &str = "demo [--wiring=classic|proxy] [--participants N] [--hold]";

struct Options {
    wiring: Wiring,
    participants: usize,
    hold: bool,
}

impl Options {
    fn read(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self { wiring: Wiring::Classic, participants: 5, hold: false };
        while let Some(argument) = arguments.next() {
            let (name, value) = match argument.split_once('=') {
                Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
                None => (argument, None),
            };
            if name == "--hold" && value.is_none() {
                options.hold = true;
                continue;
            }
            let value = value.or_else(|| arguments.next());
            match (name.as_str(), value.as_deref()) {
                ("--wiring", Some("classic")) => options.wiring = Wiring::Classic,
                ("--wiring", Some("proxy")) => options.wiring = Wiring::Proxy,
                ("--participants", Some(number)) => match number.parse() {
                    Ok(number @ 2..=500) => options.participants = number,
                    _ => return Err(format!("--participants takes a number from 2 to 500, not {number}")),
                },
                _ => return Err(format!("not understood: {name}\n{USAGE}")),
            }
        }
        Ok(options)
    }
}

fn main() -> ExitCode {
    let options = match Options::read(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime can be made");
    // What the test kit cannot do is a panic, which says why.
    let ended = std::panic::catch_unwind(AssertUnwindSafe(|| LocalSet::new().block_on(&runtime, run(&options))));
    match ended {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(wrong)) => {
            eprintln!("\nThis is wrong:\n{wrong}");
            ExitCode::FAILURE
        }
        Err(_) => ExitCode::FAILURE,
    }
}

async fn run(options: &Options) -> Result<(), String> {
    let prosody = Prosody::start(options.wiring).await;
    println!("Prosody {} answers after {} ms.", prosody.client_address(), prosody.started_in().as_millis());
    let focus = start_focus(&prosody).await;
    println!("The focus is connected and in the bridges' room after {} ms.\n", focus.started_in().as_millis());

    let mut meeting = Meeting::new(&prosody).await;
    let outcome = meeting.run(options.participants).await;
    println!();
    let wrong = match outcome {
        Ok(()) => meeting.complaints(),
        Err(what) => [vec![what], meeting.complaints()].concat(),
    };
    if wrong.is_empty() {
        meeting.story.summary(&meeting.participants);
        story::usage(&focus, &prosody);
        if options.hold {
            hold(&prosody, &focus).await;
        }
    } else {
        println!("The end of the focus' log:\n{}\n", last_lines(&focus.log(), 30));
    }
    focus.stop().await;
    prosody.stop().await;
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n")) }
}

/// As people start it: through the script, if there is one.
async fn start_focus(prosody: &Prosody) -> FocusProcess {
    let script = testkit::prosody::project().join("jicofo.sh");
    let how = FocusProcess::with();
    let how = if script.is_file() { how.program(script) } else { how };
    println!("Starting {}", how.command_line(prosody));
    how.start(prosody).await
}

fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}

async fn hold(prosody: &Prosody, focus: &FocusProcess) {
    println!("\nStaying up until Ctrl-C:");
    println!("  clients     xmpp://{} (domain {}, anonymous, no TLS)", prosody.client_address(), prosody.domain());
    println!("  browsers    {}  {}", prosody.bosh_url(), prosody.websocket_url());
    println!("  accounts    jvb@{} password {}", prosody.auth_domain(), prosody.jvb_password());
    println!("  bridges     join {}", prosody.brewery());
    println!("  focus       http://{}/about/health, log {}", focus.http_address(), focus.log_path().display());
    println!("  Prosody     log {}", prosody.log_path().display());
    if let Err(error) = tokio::signal::ctrl_c().await {
        eprintln!("Cannot wait for Ctrl-C: {error}");
    }
}

/// Everybody who takes part, and what is to be seen of it.
struct Meeting<'a> {
    prosody: &'a Prosody,
    room: String,
    begin: Instant,
    changed: Rc<Notify>,
    bridge: Live<Bridge>,
    participants: Vec<Live<Participant>>,
    story: Story,
}

impl<'a> Meeting<'a> {
    async fn new(prosody: &'a Prosody) -> Self {
        let begin = Instant::now();
        let changed = Rc::new(Notify::new());
        let session = Session::bridge(prosody).await;
        let mut settings = bridge::Settings::new("jvb1", prosody.brewery());
        settings.jid = session.jid.clone();
        let bridge = Live::new(Bridge::new(settings), session, begin, changed.clone());
        let room = format!("demo@{}", prosody.muc_domain());
        let participants = Vec::new();
        Self { prosody, room, begin, changed, bridge, participants, story: Story::new(begin) }
    }

    async fn run(&mut self, count: usize) -> Result<(), String> {
        self.bridge.tell(Bridge::join);
        self.until("the bridge is in its room", |meeting| meeting.bridge.look().joined()).await?;
        self.story.say("jvb1", "is in the bridges' room");
        self.everybody_comes(count).await?;
        self.somebody_shares_a_screen().await?;
        self.somebody_goes().await?;
        self.everybody_goes().await
    }

    async fn everybody_comes(&mut self, count: usize) -> Result<(), String> {
        self.story.chapter("They come");
        for _ in 0..count {
            self.add_participant().await;
        }
        // The first is alone, as in life; all others come at the same time.
        self.participants[0].tell(Participant::request_conference);
        self.until("the first is in the room", |meeting| meeting.participants[0].look().place() == Place::InRoom)
            .await?;
        for participant in &self.participants[1..] {
            participant.tell(Participant::request_conference);
        }
        self.until("all are connected and know each other", Self::agree).await
    }

    async fn somebody_shares_a_screen(&mut self) -> Result<(), String> {
        self.story.chapter("One shares a screen, another switches the camera off, then back");
        self.participants[0].tell(|participant| {
            participant.add_source(media::desktop());
        });
        self.until("all know the screen", Self::agree).await?;
        let camera = format!("{}-v0", self.participants[1].look().nick());
        self.participants[1].tell(|participant| participant.remove_source(&camera));
        self.until("nobody knows the camera", Self::agree).await?;
        let screen = format!("{}-v1", self.participants[0].look().nick());
        self.participants[0].tell(|participant| participant.remove_source(&screen));
        self.participants[1].tell(|participant| {
            participant.add_source(media::camera());
        });
        self.until("the screen is gone and the camera back", Self::agree).await
    }

    async fn somebody_goes(&mut self) -> Result<(), String> {
        self.story.chapter("The last one goes");
        self.participants[self.participants.len() - 1].tell(Participant::leave);
        self.until("nobody knows of who left", Self::agree).await
    }

    async fn everybody_goes(&mut self) -> Result<(), String> {
        self.story.chapter("All go");
        for participant in &self.participants {
            if participant.look().place() == Place::InRoom {
                participant.tell(Participant::leave);
            }
        }
        self.until("the bridge holds nothing", |meeting| meeting.bridge.look().conferences().is_empty()).await?;
        self.story.say("jvb1", "holds nothing any more");
        let left = format!("occupant left: {}/focus", self.room);
        match self.prosody.logged(0, &left, PATIENCE).await {
            true => self.story.say("focus", "has left the room"),
            false => return Err("the focus did not leave the room".into()),
        }
        Ok(())
    }

    async fn add_participant(&mut self) {
        let session = Session::anonymous(self.prosody).await;
        // Clients take the beginning of their name for their nick, and that is their endpoint's id.
        let mut settings = participant::Settings::new(&session.jid[..8], &self.room, self.prosody.focus_domain());
        settings.jid = session.jid.clone();
        let participant = Live::new(Participant::new(settings), session, self.begin, self.changed.clone());
        self.participants.push(participant);
    }

    /// Waits for it, and writes down what is seen meanwhile.
    async fn until(&mut self, what: &str, reached: impl Fn(&Self) -> bool) -> Result<(), String> {
        let waiting = async {
            loop {
                self.story.watch(&self.participants);
                if reached(self) {
                    return;
                }
                self.changed.notified().await;
            }
        };
        if timeout(PATIENCE, waiting).await.is_ok() {
            return Ok(());
        }
        Err([vec![format!("waited {PATIENCE:?} in vain until {what}")], self.disagreements()].concat().join("\n"))
    }

    fn agree(&self) -> bool {
        self.disagreements().is_empty()
    }

    fn present(&self) -> impl Iterator<Item = &Live<Participant>> {
        self.participants.iter().filter(|participant| participant.look().place() != Place::Left)
    }

    /// Whoever is in the room must be connected and know exactly the others' sources; the bridge must hold exactly theirs.
    fn disagreements(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        for live in self.present() {
            let participant = live.look();
            if !participant.connected() {
                wrong.push(format!("{} is not connected", participant.nick()));
            }
            for other in &self.participants {
                let other = other.look();
                if other.nick() == participant.nick() {
                    continue;
                }
                let sent = if other.place() == Place::Left { Sources::default() } else { other.own().stripped() };
                let known = participant.remote().of(other.nick()).cloned().unwrap_or_default();
                if sent.clone().sorted() != known.clone().sorted() {
                    wrong.push(format!(
                        "{} knows of {}: {known}, but it sends: {sent}",
                        participant.nick(),
                        other.nick()
                    ));
                }
            }
            let bridge = self.bridge.look();
            let held = bridge.endpoint(participant.nick()).map(|endpoint| ssrcs(&endpoint.sources));
            if held.as_ref() != Some(&ssrcs(participant.own())) {
                wrong.push(format!("the bridge holds {held:?} of {}", participant.nick()));
            }
        }
        let endpoints = self.bridge.look().endpoint_count();
        if endpoints != self.present().count() {
            wrong.push(format!("the bridge has {endpoints} endpoints for {} participants", self.present().count()));
        }
        wrong
    }

    fn complaints(&self) -> Vec<String> {
        let mut wrong: Vec<String> = self.bridge.look().violations().iter().map(ToString::to_string).collect();
        wrong.extend(self.bridge.look().errors().iter().map(|error| format!("the bridge answered {error:?}")));
        for participant in &self.participants {
            let participant = participant.look();
            wrong.extend(participant.violations().iter().map(ToString::to_string));
            wrong.extend(participant.refusals().iter().map(|refusal| format!("{}: {refusal:?}", participant.nick())));
        }
        wrong
    }
}

fn ssrcs(sources: &Sources) -> Vec<u32> {
    let mut ssrcs: Vec<u32> = sources.sources.iter().map(|source| source.ssrc).collect();
    ssrcs.sort_unstable();
    ssrcs
}
