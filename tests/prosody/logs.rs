//! The log of the program: its format and words, the packet log, and what a SIGHUP does.

use std::fs;
use std::path::{Path, PathBuf};

use testkit::focus::{FocusProcess, Options};
use testkit::participant::Participant;
use testkit::prosody::{Prosody, Wiring};

use super::support::{PATIENCE, focus, left, stage};

const HANDLER: &str = "org.jitsi.impl.protocol.xmpp.log.XmppPacketsFileHandler";

/// A `logging.properties` as packages install it, with the packet handler switched on.
fn properties(folder: &Path, limit: u32, more: &str) -> PathBuf {
    let path = folder.join("logging.properties");
    let text = format!(
        "handlers = java.util.logging.ConsoleHandler, {HANDLER}\n\
         java.util.logging.ConsoleHandler.level = ALL\n\
         java.util.logging.ConsoleHandler.filter = org.jitsi.impl.protocol.xmpp.log.ExcludeXmppPackets\n\
         org.jitsi.utils.logging2.JitsiLogFormatter.programname = Jicofo\n\
         .level = INFO\n\
         org.jitsi.impl.protocol.xmpp.log.PacketDebugger.level = ALL\n\
         {HANDLER}.pattern = {}\n{HANDLER}.limit = {limit}\n{HANDLER}.count = 3\n{HANDLER}.append = true\n{more}\n",
        folder.join("packets.log").display()
    );
    fs::write(&path, text).expect("the folder can be written to");
    path
}

fn with(properties: &Path) -> Options {
    focus().argument(&format!("-Djava.util.logging.config.file={}", properties.display()))
}

fn packets(folder: &Path, generation: u32) -> String {
    fs::read_to_string(folder.join(format!("packets.log.{generation}"))).unwrap_or_default()
}

async fn two_meet_and_leave(prosody: &Prosody) {
    let mut stage = stage(prosody);
    stage.bridge("jvb1").await;
    for name in ["alice", "bob"] {
        stage.joins(name).await;
    }
    stage.agree().await;
    let since = prosody.log().len();
    for name in ["alice", "bob"] {
        stage.participant(name).tell(Participant::leave);
    }
    left(prosody, since, "room").await;
}

/// The regular expression of spec/80 §8, by hand: a word, a time, a level, a thread, what it is about, a place, a message.
fn is_line(line: &str) -> bool {
    let parsed = || {
        let (program, rest) = line.split_once(' ')?;
        let (time, rest) = (rest.get(..23)?, rest.get(23..)?.strip_prefix(' ')?);
        let (level, rest) = rest.split_once(": [")?;
        let (thread, rest) = rest.split_once("] ")?;
        let rest = match rest.strip_prefix('[') {
            Some(about) => about.split_once("] ")?.1,
            None => rest,
        };
        let (place, message) = rest.split_once(": ")?;
        let shape: String = time.chars().map(|c| if c.is_ascii_digit() { '9' } else { c }).collect();
        let number = place.split_once('#').is_none_or(|(_, number)| number.bytes().all(|b| b.is_ascii_digit()));
        let ok = program.bytes().all(|b| b.is_ascii_alphanumeric())
            && shape == "9999-99-99 99:99:99.999"
            && ["SEVERE", "WARNING", "INFO", "FINE", "FINER"].contains(&level)
            && !thread.is_empty()
            && thread.bytes().all(|b| b.is_ascii_digit())
            && number
            && !place.contains(' ')
            && !message.is_empty();
        Some(ok)
    };
    parsed() == Some(true)
}

/// Covers spec/80: 33.
#[tokio::test]
async fn every_line_is_one_of_the_originals_and_has_its_words() {
    let prosody = Prosody::start(Wiring::Proxy).await;
    let mut focus = focus().environment("JICOFO_LOG", "trace").start(&prosody).await;
    two_meet_and_leave(&prosody).await;
    focus.signal("TERM");
    focus.ended(PATIENCE).await.expect("it ends");
    let log = focus.log();
    let room = format!("room@{}", prosody.muc_domain());
    for words in [
        format!(": Conference request for room {room}"),
        format!(": Joining {room}"),
        ": Created new conference.".into(),
        ": Member joined: alice".into(),
        ": Member left: alice".into(),
        ": Terminating alice, reason: gone".into(),
        ": Removed participant alice".into(),
        ": Stopped.".into(),
        "FINER: ".into(),
    ] {
        assert!(log.contains(&words), "{words} is not in\n{log}");
    }
    // What follows a line end within a message is moved in, as stack traces were.
    for line in log.lines().filter(|line| !line.starts_with("    ")) {
        assert!(is_line(line), "{line}");
    }
}

/// Covers spec/80: 34.
#[tokio::test]
async fn packets_go_to_files_of_their_own_that_rotate_and_hold_no_login() {
    let prosody = Prosody::start(Wiring::Proxy).await;
    let file = properties(prosody.folder(), 1000, "");
    let focus = with(&file).start(&prosody).await;
    two_meet_and_leave(&prosody).await;
    assert!(!focus.log().contains("PKT ("), "{}", focus.log());
    // What still writes may be between two files.
    focus.stop().await;
    let all = [0, 1, 2].map(|generation| packets(prosody.folder(), generation));
    assert!(!prosody.folder().join("packets.log").exists() && !prosody.folder().join("packets.log.3").exists());
    for text in &all {
        assert!(!text.is_empty());
        // One that alone is larger than the limit has a file for itself.
        assert!(text.len() <= 1000 || text.lines().count() == 1, "{text}");
        for line in text.lines() {
            let (time, packet) = (&line[..23], &line[23..]);
            assert!(time.starts_with("20") && time.as_bytes()[19] == b'.', "{line}");
            assert!(
                packet.starts_with(": RCV PKT (client): <") || packet.starts_with(": SENT PKT (client): <"),
                "{line}"
            );
        }
    }
}

/// All packets of a run in one file: the login is not among them.
///
/// Covers spec/80: 34.
#[tokio::test]
async fn no_packet_log_holds_what_logs_in() {
    let prosody = Prosody::start(Wiring::Classic).await;
    let file = properties(prosody.folder(), 0, "");
    let focus = with(&file).start(&prosody).await;
    two_meet_and_leave(&prosody).await;
    let log = packets(prosody.folder(), 0);
    assert!(log.contains("SENT PKT (client): <iq ") && log.contains("RCV PKT (component): "), "{log}");
    for sasl in [
        "<auth",
        "<challenge",
        "<response",
        "<success",
        "handshake",
        prosody.focus_password(),
        prosody.component_secret(),
    ] {
        assert!(!log.contains(sasl), "{sasl} is in\n{log}");
    }
    assert!(focus.errors().is_empty(), "{:?}", focus.errors());
}

/// logrotate moves the file away; an operator wants to see more.
///
/// Covers spec/80: 30, 35.
#[tokio::test]
async fn on_sighup_it_stays_opens_its_files_anew_and_reads_its_levels() {
    let prosody = Prosody::start(Wiring::Proxy).await;
    let file = properties(prosody.folder(), 0, "");
    let mut focus = with(&file).start(&prosody).await;
    let (open, moved) = (prosody.folder().join("packets.log.0"), prosody.folder().join("moved"));
    fs::rename(&open, &moved).expect("it is there");
    properties(prosody.folder(), 0, "org.jitsi.jicofo.level = FINE");
    assert!(!focus.log().contains(" FINE: "), "{}", focus.log());
    focus.signal("HUP");
    assert!(focus.logged(0, "log files are opened anew, levels are read anew", PATIENCE).await);
    assert!(focus.logged(0, "Packets go to ", PATIENCE).await);
    let before = fs::read_to_string(&moved).expect("it is there");
    two_meet_and_leave(&prosody).await;
    assert!(packets(prosody.folder(), 0).contains("session-initiate"));
    assert_eq!(fs::read_to_string(&moved).expect("it is there"), before, "it writes to the old file");
    let fine: Vec<String> = focus.log().lines().filter(|line| line.contains(" FINE: ")).map(str::to_owned).collect();
    assert!(!fine.is_empty() && fine.iter().all(|line| line.contains(" jicofo.")), "{fine:?}");
    undisturbed(&focus);
}

fn undisturbed(focus: &FocusProcess) {
    super::support::undisturbed(focus);
    assert_eq!(focus.log().matches("The client connection has logged in").count(), 1);
}
