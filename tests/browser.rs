//! A real client library in headless Chromium meets through the real Prosody and the focus (`tests/browser/run.mjs`).
//!
//! Needs Node.js, npm and Chromium: `scripts/test` installs them. What npm fetches is pinned by `tests/browser/package-lock.json`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::Mutex,
    time::Duration,
};

use testkit::{
    focus::FocusProcess,
    process::Process,
    prosody::{Prosody, Wiring},
    tcp::Stage,
};

const CHROMIUM: &str = "/usr/bin/chromium";

/// Of each expectation of the play. The whole play takes five seconds on two idle cores, but tests share their machine.
const DEADLINE: Duration = Duration::from_secs(120);

/// Of the play: it ends at the first act that misses its deadline.
const PLAY_DEADLINE: Duration = Duration::from_secs(600);

#[tokio::test]
async fn old_clients_meet_in_chromium_over_websocket_and_the_proxy() {
    let prosody = Prosody::start(Wiring::Proxy).await;
    meet(&prosody, &prosody.websocket_url()).await;
}

#[tokio::test]
async fn old_clients_meet_in_chromium_over_bosh_and_the_component() {
    let prosody = Prosody::start(Wiring::Classic).await;
    meet(&prosody, &prosody.bosh_url()).await;
}

async fn meet(prosody: &Prosody, service_url: &str) {
    let folder = browser_folder();
    install(&folder);
    let focus = FocusProcess::with().program(env!("CARGO_BIN_EXE_jicofo")).start(prosody).await;
    let mut stage = Stage::at(prosody);
    stage.bridge("jvb1").await;

    let output = prosody.folder().join("browser.log");
    let mut command = Command::new("node");
    command
        .current_dir(&folder)
        .arg("run.mjs")
        .args(["--service-url", service_url])
        .args(["--domain", prosody.domain()])
        .args(["--muc", &prosody.muc_domain()])
        .args(["--focus", &prosody.focus_domain()])
        .args(["--deadline", &DEADLINE.as_secs().to_string()])
        .args(["--chromium", CHROMIUM]);
    let mut play = Process::spawn(&mut command, &output).expect("Node.js ran a moment ago");
    let status = play.wait(PLAY_DEADLINE).await;

    assert!(
        status.is_some_and(|status| status.success()),
        "the play ended with {status:?}:\n{}\nthe focus said:\n{}",
        fs::read_to_string(&output).unwrap_or_default(),
        focus.log()
    );
    let complaints = stage.look().complaints();
    assert!(complaints.is_empty(), "the bridge complains: {complaints:#?}");
}

fn browser_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser")
}

/// Makes `node_modules` what the lock file says, unless it is. One test at a time; a copy of the lock file tells the next.
fn install(folder: &Path) {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(|poisoned| poisoned.into_inner());

    for (program, package) in [("node", "nodejs"), ("npm", "npm"), (CHROMIUM, "chromium")] {
        let runs = Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success());
        assert!(runs, "{program} cannot be run: `apt-get install {package}`, or scripts/test, installs it");
    }

    let wanted = fs::read(folder.join("package-lock.json")).expect("the lock file is part of the project");
    let installed = folder.join("node_modules/.installed-lock.json");
    if fs::read(&installed).is_ok_and(|lock| lock == wanted) {
        return;
    }
    let npm = Command::new("npm")
        .args(["ci", "--ignore-scripts"])
        .current_dir(folder)
        .output()
        .expect("npm ran a moment ago");
    assert!(
        npm.status.success(),
        "`npm ci --ignore-scripts` failed in {}:\n{}",
        folder.display(),
        String::from_utf8_lossy(&npm.stderr)
    );
    fs::write(&installed, wanted).expect("npm has made node_modules");
}
