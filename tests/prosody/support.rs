//! What all of these tests need: the program, and what is to be seen of it.

use std::fs;
use std::process::Command;
use std::time::Duration;

use testkit::focus::{FocusProcess, Options};
use testkit::prosody::{Prosody, project};
use testkit::tcp::Stage;

/// Longer than anything here takes, also on a machine that many share; what works is done long before.
pub const PATIENCE: Duration = Duration::from_secs(180);

/// The program that was built for these tests.
pub fn focus() -> Options {
    FocusProcess::with().program(env!("CARGO_BIN_EXE_jicofo"))
}

/// As packages install it: `jicofo.sh`, and the program beside it.
pub fn focus_by_script(prosody: &Prosody) -> Options {
    let folder = prosody.folder().join("installed");
    let script = folder.join("jicofo.sh");
    if !script.exists() {
        fs::create_dir_all(&folder).expect("Prosody's folder can be written to");
        // Not by ourselves: what another test starts meanwhile would hold it open for writing, and it could not be run.
        let copied = Command::new("cp").arg(project().join("jicofo.sh")).arg(&script).status();
        assert!(copied.is_ok_and(|status| status.success()), "the script is part of the project");
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_jicofo"), folder.join("jicofo")).expect("a link can be made");
    }
    FocusProcess::with().program(script)
}

/// A stage whose tests are as patient as all others.
pub fn stage(prosody: &Prosody) -> Stage<'_> {
    let mut stage = Stage::at(prosody);
    stage.patience = PATIENCE;
    stage
}

/// A stage on which these have met, with one bridge. The first of them leads, and nobody else: whoever is in the room first is
/// made owner, and those who ask at the same time may overtake each other.
pub async fn met<'p>(prosody: &'p Prosody, names: &[&str]) -> Stage<'p> {
    let mut stage = stage(prosody);
    stage.bridge("jvb1").await;
    for (place, name) in names.iter().enumerate() {
        stage.joins(name).await;
        if place == 0 {
            stage.until(|look| look.participant(name).is_moderator()).await;
        }
    }
    stage.agree().await;
    stage
}

/// Waits until the focus has left a room.
pub async fn left(prosody: &Prosody, since: usize, room: &str) {
    let line = format!("occupant left: {room}@{}/focus", prosody.muc_domain());
    assert!(prosody.logged(since, &line, PATIENCE).await, "the focus has not left {room}");
}

/// Waits until the focus is in the bridges' room, after the first `since` bytes of the server's log.
pub async fn in_brewery(prosody: &Prosody, since: usize) {
    let line = format!("occupant joined: {}/focus is", prosody.brewery());
    assert!(prosody.logged(since, &line, PATIENCE).await, "the focus is not in the brewery");
}

/// It was connected all the time, and nothing was wrong.
pub fn undisturbed(focus: &FocusProcess) {
    let log = focus.log();
    assert!(focus.errors().is_empty() && !log.contains("connection is lost"), "{log}");
}

/// Sends a signal to a process of this test, by its name without SIG.
pub fn signal(pid: u32, name: &str) {
    let sent = Command::new("kill").args([&format!("-{name}"), &pid.to_string()]).status();
    assert!(sent.is_ok_and(|status| status.success()), "SIG{name} cannot be sent to {pid}");
}

/// What is in the files that a process shows to others: its arguments or its environment.
pub fn shown(pid: u32, file: &str) -> Vec<String> {
    let bytes = fs::read(format!("/proc/{pid}/{file}")).expect("the process runs");
    bytes.split(|byte| *byte == 0).map(|word| String::from_utf8_lossy(word).into_owned()).collect()
}
