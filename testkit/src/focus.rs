//! The real focus: the program that people run, as a process of its own beside the real Prosody.
//!
//! ```no_run
//! # async fn example() {
//! use testkit::{focus::FocusProcess, prosody::{Prosody, Wiring}};
//!
//! let prosody = Prosody::start(Wiring::Proxy).await;
//! let focus = FocusProcess::start(&prosody).await; // is connected, in the brewery, and takes requests
//! # }
//! ```

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::{Command, ExitStatus},
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

use crate::{
    process::{POLL, Process, Usage},
    prosody::{Prosody, Wiring, free_port},
};

/// How long the focus may take until clients can ask it for a conference, also on a machine that many share.
const START_DEADLINE: Duration = Duration::from_secs(120);

/// How the focus is to be started; [`FocusProcess::with`] makes one.
#[derive(Clone, Debug)]
pub struct Options {
    program: PathBuf,
    configuration: String,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
    ready: bool,
    secrets: bool,
}

impl Options {
    /// The program. Tests of the focus pass `env!("CARGO_BIN_EXE_jicofo")`; else `$JICOFO_PROGRAM`, else what was built beside this.
    pub fn program(mut self, program: impl Into<PathBuf>) -> Self {
        self.program = program.into();
        self
    }

    /// More of `jicofo.conf`: HOCON, which comes last and so wins.
    pub fn configuration(mut self, hocon: &str) -> Self {
        self.configuration.push_str(hocon);
        self.configuration.push('\n');
        self
    }

    pub fn argument(mut self, argument: &str) -> Self {
        self.arguments.push(argument.into());
        self
    }

    pub fn environment(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// Without the flags that bear secrets: they come by environment.
    pub fn without_secrets(mut self) -> Self {
        self.secrets = false;
        self
    }

    /// Its user's connection leads elsewhere than straight to the server: through a proxy, or to something else.
    pub fn client_port(self, port: u16) -> Self {
        self.configuration(&format!("jicofo.xmpp.client.port = {port}"))
    }

    /// Does not wait until it serves: for tests in which it cannot.
    pub fn not_waiting(mut self) -> Self {
        self.ready = false;
        self
    }

    /// How it will be called, for people: without the environment.
    pub fn command_line(&self, prosody: &Prosody) -> String {
        let program = self.program.display().to_string();
        [vec![program], arguments(self, prosody)].concat().join(" ")
    }

    pub async fn start(self, prosody: &Prosody) -> FocusProcess {
        FocusProcess::launch(self, prosody).await
    }
}

/// A running focus. Killed with its value; its files are in the folder of its Prosody.
#[derive(Debug)]
pub struct FocusProcess {
    process: Process,
    log: PathBuf,
    /// What must never be in the log.
    secrets: [String; 2],
    http: SocketAddr,
    started_in: Duration,
}

impl FocusProcess {
    pub async fn start(prosody: &Prosody) -> Self {
        Self::with().start(prosody).await
    }

    pub fn with() -> Options {
        Options {
            program: built_program(),
            configuration: String::new(),
            arguments: Vec::new(),
            environment: Vec::new(),
            ready: true,
            secrets: true,
        }
    }

    async fn launch(options: Options, prosody: &Prosody) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(1);
        let name = format!("focus-{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let http = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()));
        let configuration = prosody.folder().join(format!("{name}.conf"));
        let text = configuration_for(prosody, http) + &options.configuration;
        fs::write(&configuration, text).expect("the folder of Prosody can be written to");
        let log = prosody.folder().join(format!("{name}.log"));
        let since = prosody.log().len();
        let begin = Instant::now();
        let process = spawn(&options, prosody, &configuration, &log);
        let secrets = [prosody.focus_password().to_owned(), prosody.component_secret().to_owned()];
        let mut focus = Self { process, log, secrets, http, started_in: Duration::ZERO };
        if options.ready {
            focus.serves(prosody, since, begin).await;
        }
        focus
    }

    /// Waits until the server has seen all that a client's request needs: the focus in the brewery, and the way to it open.
    async fn serves(&mut self, prosody: &Prosody, since: usize, begin: Instant) {
        let brewery = format!("occupant joined: {}/focus is", prosody.brewery());
        let way = match prosody.wiring() {
            Wiring::Classic => "External component successfully authenticated".to_owned(),
            Wiring::Proxy => format!("focus@{}/focus is available", prosody.auth_domain()),
        };
        loop {
            let log = prosody.log();
            let new = log.get(since..).unwrap_or_default();
            let missing = [&brewery, &way].into_iter().find(|text| !new.contains(*text));
            let Some(missing) = missing else { break };
            if let Some(status) = self.process.ended() {
                panic!("the focus ended with {status}\n{}", self.log());
            }
            assert!(
                begin.elapsed() < START_DEADLINE,
                "Prosody has not seen \"{missing}\" within {START_DEADLINE:?}\n{}",
                self.log()
            );
            tokio::time::sleep(POLL).await;
        }
        self.started_in = begin.elapsed();
    }

    /// SIGTERM, and how it ended.
    pub async fn stop(mut self) -> Option<ExitStatus> {
        self.process.stop().await
    }

    /// SIGKILL: nobody is told.
    pub fn kill(mut self) {
        self.process.kill();
    }

    /// SIGSTOP: connected, and silent.
    pub fn pause(&mut self) {
        self.process.signal("STOP");
    }

    pub fn resume(&mut self) {
        self.process.signal("CONT");
    }

    /// Sends a signal, by its name without SIG.
    pub fn signal(&mut self, name: &str) {
        self.process.signal(name);
    }

    /// Waits until it ends by itself, and how it did.
    pub async fn ended(&mut self, within: Duration) -> Option<ExitStatus> {
        self.process.wait(within).await
    }

    /// Where its HTTP API is.
    pub fn http_address(&self) -> SocketAddr {
        self.http
    }

    /// What it has written to its standard output and error.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Waits until `text` is in its log after the first `since` bytes.
    #[must_use]
    pub async fn logged(&self, since: usize, text: &str, within: Duration) -> bool {
        let deadline = Instant::now() + within;
        while !self.log().get(since..).is_some_and(|new| new.contains(text)) {
            if Instant::now() > deadline {
                return false;
            }
            tokio::time::sleep(POLL).await;
        }
        true
    }

    /// The lines of its log at the level of errors.
    pub fn errors(&self) -> Vec<String> {
        self.log().lines().filter(|line| line.contains(" SEVERE: ")).map(str::to_owned).collect()
    }

    pub fn log_path(&self) -> &Path {
        &self.log
    }

    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// The TCP ports on which it takes connections, by the kernel's tables.
    pub fn listens_on(&self) -> Vec<u16> {
        let own: Vec<String> = fs::read_dir(format!("/proc/{}/fd", self.pid()))
            .expect("it runs")
            .filter_map(|file| Some(fs::read_link(file.ok()?.path()).ok()?.to_str()?.to_owned()))
            .collect();
        let table = |name: &str| fs::read_to_string(format!("/proc/{}/net/{name}", self.pid())).unwrap_or_default();
        let mut ports = Vec::new();
        for line in (table("tcp") + &table("tcp6")).lines() {
            // Number, local address and port, the other end's, state, …, inode (proc_pid_net(5)).
            let fields: Vec<&str> = line.split_whitespace().collect();
            let [_, local, _, "0A", ..] = fields[..] else { continue };
            let ours = fields.get(9).is_some_and(|inode| own.contains(&format!("socket:[{inode}]")));
            let port = local.rsplit(':').next().and_then(|port| u16::from_str_radix(port, 16).ok());
            ports.extend(port.filter(|_| ours));
        }
        ports
    }

    pub fn usage(&self) -> Usage {
        self.process.usage()
    }

    /// From the start of the process until it served.
    pub fn started_in(&self) -> Duration {
        self.started_in
    }
}

/// Whatever a test is about: no secret of its installation, and none of whoever met there, is in the log (spec/80
/// §8).
impl Drop for FocusProcess {
    fn drop(&mut self) {
        let log = self.log();
        let leaked = self.secrets.iter().any(|secret| !secret.is_empty() && log.contains(secret.as_str()))
            || crate::logs::holds_secret(&log);
        // A second panic while one is under way would end the whole test run.
        assert!(!leaked || std::thread::panicking(), "a secret is in the log {}", self.log.display());
    }
}

fn spawn(options: &Options, prosody: &Prosody, configuration: &Path, log: &Path) -> Process {
    let mut command = Command::new(&options.program);
    command
        .env("JAVA_SYS_PROPS", format!("-Dconfig.file={}", configuration.display()))
        .env("SSL_CERT_FILE", prosody.certificate())
        .env_remove("JICOFO_SECRET")
        .env_remove("JICOFO_AUTH_PASSWORD");
    command.args(arguments(options, prosody)).envs(options.environment.iter().map(|(name, value)| (name, value)));
    match Process::spawn(&mut command, log) {
        Ok(process) => process,
        Err(error) => panic!("{} cannot be run: {error}", options.program.display()),
    }
}

fn arguments(options: &Options, prosody: &Prosody) -> Vec<String> {
    let mut wiring = if prosody.wiring() == Wiring::Classic { classic_arguments(prosody) } else { Vec::new() };
    wiring.retain(|flag| options.secrets || !(flag.starts_with("--secret=") || flag.starts_with("--user_password=")));
    [wiring, options.arguments.clone()].concat()
}

/// The flags of old installations (`docs/protocol/10-conference-request-and-auth.md` §10).
fn classic_arguments(prosody: &Prosody) -> Vec<String> {
    vec![
        "--host=127.0.0.1".into(),
        format!("--domain={}", prosody.domain()),
        format!("--port={}", prosody.component_address().port()),
        format!("--secret={}", prosody.component_secret()),
        format!("--user_domain={}", prosody.auth_domain()),
        "--user_name=focus".into(),
        format!("--user_password={}", prosody.focus_password()),
    ]
}

/// In the classic wiring only what there was no flag for.
fn configuration_for(prosody: &Prosody, http: SocketAddr) -> String {
    let mut text = format!(
        "jicofo.xmpp.client.port = {}\njicofo.bridge.brewery-jid = \"{}\"\njicofo.rest {{ host = \"{}\", port = {} }}\n",
        prosody.client_address().port(),
        prosody.brewery(),
        http.ip(),
        http.port()
    );
    if prosody.wiring() == Wiring::Proxy {
        text += &format!(
            "jicofo.xmpp.client {{\n  hostname = \"127.0.0.1\"\n  domain = \"{}\"\n  xmpp-domain = \"{}\"\n  username = \"focus\"\n  password = \"{}\"\n  \
             client-proxy = \"{}\"\n}}\n",
            prosody.auth_domain(),
            prosody.domain(),
            prosody.focus_password(),
            prosody.focus_domain()
        );
    }
    text
}

/// Tests and helpers are in `target/<profile>/` or in its folders `deps` and `examples`.
fn built_program() -> PathBuf {
    if let Some(program) = std::env::var_os("JICOFO_PROGRAM") {
        return program.into();
    }
    let own = std::env::current_exe().unwrap_or_default();
    let beside = own.ancestors().skip(1).take(2).map(|folder| folder.join("jicofo")).find(|program| program.is_file());
    beside.unwrap_or_else(|| "jicofo".into())
}
