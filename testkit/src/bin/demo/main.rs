//! `scripts/demo`: a meeting on the real Prosody and the real focus, told as it happens, and checked.

mod story;

use std::{
    cell::RefCell,
    panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind},
    process::ExitCode,
    time::{Duration, Instant},
};

use testkit::{
    focus::FocusProcess,
    participant::{Participant, Place, media},
    prosody::{Prosody, Wiring, project},
    tcp::{Look, Stage},
};

use story::Story;

/// Everything here takes milliseconds, with hundreds of participants seconds. What is not done by then never will be.
const PATIENCE: Duration = Duration::from_secs(20);

const ROOM: &str = "demo";
const BRIDGE: &str = "jvb1";
const NAMES: [&str; 10] = ["alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi", "ivan", "judy"];
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
                    Ok(number @ 3..=500) => options.participants = number,
                    _ => return Err(format!("--participants takes a number from 3 to 500, not {number}")),
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
    // What is wrong is a panic of the test kit, which says what.
    std::panic::set_hook(Box::new(say_what_is_wrong));
    match catch_unwind(AssertUnwindSafe(|| runtime.block_on(run(&options)))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn say_what_is_wrong(panic: &PanicHookInfo<'_>) {
    let payload = panic.payload();
    let text = payload.downcast_ref::<String>().map(String::as_str).or(payload.downcast_ref::<&str>().copied());
    let text = text.unwrap_or("something that cannot be said");
    eprintln!("\nThis is wrong:\n{text}");
}

async fn run(options: &Options) {
    let prosody = Prosody::start(options.wiring).await;
    println!("Prosody answers on {} after {} ms.", prosody.client_address(), prosody.started_in().as_millis());
    let focus = start_focus(&prosody).await;
    println!("The focus is connected and in the bridges' room after {} ms.", focus.started_in().as_millis());

    let mut meeting = Meeting::new(&prosody);
    meeting.run(options.participants).await;

    println!(
        "\n{} participants met, spoke and left. All were told of exactly the others' sources,",
        options.participants
    );
    println!("the bridge held exactly theirs and holds nothing now, and nobody had to complain.");
    story::latencies(&meeting.stage.latencies());
    story::usage(&focus, &prosody);
    if options.hold {
        hold(&prosody, &focus).await;
    }
    focus.stop().await;
    prosody.stop().await;
}

/// As people start it: through the script, if there is one.
async fn start_focus(prosody: &Prosody) -> FocusProcess {
    let script = project().join("jicofo.sh");
    let how = FocusProcess::with();
    let how = if script.is_file() { how.program(script) } else { how };
    println!("Starting {}", how.command_line(prosody));
    how.start(prosody).await
}

async fn hold(prosody: &Prosody, focus: &FocusProcess) {
    println!("\nStaying up until Ctrl-C:");
    println!("  clients     xmpp://{} (domain {}, anonymous, no TLS)", prosody.client_address(), prosody.domain());
    println!("  browsers    {}  {}", prosody.bosh_url(), prosody.websocket_url());
    println!("  bridges     jvb@{}, password {}", prosody.auth_domain(), prosody.jvb_password());
    println!("              room {}", prosody.brewery());
    println!("  focus       http://{}/about/health, log {}", focus.http_address(), focus.log_path().display());
    println!("  Prosody     log {}", prosody.log_path().display());
    if let Err(error) = tokio::signal::ctrl_c().await {
        eprintln!("Cannot wait for Ctrl-C: {error}");
    }
}

/// Everybody who takes part, and what is to be seen of it.
struct Meeting<'a> {
    prosody: &'a Prosody,
    stage: Stage<'a>,
    names: Vec<String>,
    story: RefCell<Story>,
}

impl<'a> Meeting<'a> {
    fn new(prosody: &'a Prosody) -> Self {
        let mut stage = Stage::at(prosody);
        stage.go_to(ROOM);
        stage.patience = PATIENCE;
        Self { prosody, stage, names: Vec::new(), story: RefCell::new(Story::new(Instant::now())) }
    }

    async fn run(&mut self, participants: usize) {
        self.story.borrow_mut().chapter("A bridge is there, and they come");
        self.stage.bridge(BRIDGE).await;
        self.say(BRIDGE, "is in the bridges' room");
        // The first is alone for a while, as in life; all others come at the same time.
        self.comes().await;
        let first = self.names[0].clone();
        self.until(move |look| look.participant(&first).place() == Place::InRoom).await;
        for _ in 1..participants {
            self.comes().await;
        }
        self.agree().await;
        self.sources_come_and_go().await;

        self.story.borrow_mut().chapter("The last one goes");
        self.tell(participants - 1, Participant::leave);
        self.agree().await;

        self.story.borrow_mut().chapter("All go");
        for index in 0..participants - 1 {
            self.tell(index, Participant::leave);
        }
        self.until(|look| look.bridge(BRIDGE).conferences().is_empty()).await;
        self.say(BRIDGE, "holds nothing any more");
        let left = format!("occupant left: {ROOM}@{}/focus", self.prosody.muc_domain());
        assert!(self.prosody.logged(0, &left, PATIENCE).await, "the focus did not leave the room");
        self.say("focus", "has left the room");
        let complaints = self.stage.look().complaints();
        assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    }

    async fn sources_come_and_go(&mut self) {
        let [screen, camera] = [format!("{}-v1", self.names[0]), format!("{}-v0", self.names[1])];
        self.story
            .borrow_mut()
            .chapter(&format!("{} shares a screen, {} takes the camera away", self.names[0], self.names[1]));
        self.tell(0, |participant| drop(participant.add_source(media::desktop())));
        self.agree().await;
        self.tell(1, |participant| participant.remove_source(&camera));
        self.agree().await;
        self.story.borrow_mut().chapter("The screen goes, the camera is back");
        self.tell(0, |participant| participant.remove_source(&screen));
        self.tell(1, |participant| drop(participant.add_source(media::camera())));
        self.agree().await;
    }

    async fn comes(&mut self) {
        let number = self.names.len();
        let name = NAMES.get(number).map_or_else(|| format!("guest{number}"), |name| (*name).to_owned());
        self.stage.joins(&name).await;
        self.names.push(name);
        self.story.borrow_mut().watch(self.stage.look().participants());
    }

    fn tell(&self, index: usize, what: impl FnOnce(&mut Participant)) {
        self.stage.participant(&self.names[index]).tell(what);
    }

    fn say(&self, who: &str, what: &str) {
        self.story.borrow_mut().say(who, what);
    }

    /// Whoever is in the room is connected and knows exactly the others' sources; the bridge holds exactly theirs.
    async fn agree(&self) {
        self.until(|look| look.all_connected() && look.disagreements().is_empty()).await;
    }

    /// Waits for it, and tells what is seen meanwhile.
    async fn until(&self, reached: impl Fn(&Look<'_>) -> bool) {
        let watched = |look: &Look<'_>| {
            self.story.borrow_mut().watch(look.participants());
            reached(look)
        };
        self.stage.until(watched).await;
    }
}
