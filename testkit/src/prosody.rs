//! The real Prosody, with the configuration that we ship (`prosody-example.cfg.lua`) and a folder of its own.
//!
//! ```no_run
//! # async fn example() {
//! use testkit::prosody::{Prosody, Wiring};
//!
//! let prosody = Prosody::start(Wiring::Classic).await;
//! assert_eq!(prosody.domain(), "meet.test");
//! prosody.stop().await;
//! # }
//! ```
//!
//! Everything is on 127.0.0.1, on ports that were free. When a test panics the folder with Prosody's log is kept and its
//! name printed, else it goes with the value. Prosody itself ends with the value, and also when the test is killed.
//! What cannot be started is a panic: there is no test without a server.

use std::{
    collections::HashMap,
    fs,
    net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket},
    ops::Range,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Mutex,
    time::{Duration, Instant},
};

use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::process::{POLL, Process, Usage};

/// How long Prosody may take until it answers. It needs a fifth of a second on an idle machine, but many may share it.
const START_DEADLINE: Duration = Duration::from_secs(120);

/// Somebody else may take a port between our look and Prosody's.
const PORT_ATTEMPTS: usize = 5;

/// How a client's request reaches the focus (`docs/protocol/10-conference-request-and-auth.md` §2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wiring {
    /// `focus.<domain>` is an external component, which the focus connects as.
    Classic,
    /// `focus.<domain>` is a module of Prosody, which forwards to the focus' user.
    Proxy,
}

/// How a Prosody is to be; [`Prosody::with`] makes one.
#[derive(Clone, Debug)]
pub struct Options {
    wiring: Wiring,
    domain: String,
    accounts: Vec<(String, String)>,
    roster: bool,
    tls_required: bool,
    hibernation: Option<Duration>,
    modules: Vec<String>,
    more: String,
    log_level: &'static str,
}

impl Options {
    fn new(wiring: Wiring) -> Self {
        Self {
            wiring,
            domain: "meet.test".into(),
            accounts: vec![("focus".into(), FOCUS_PASSWORD.into()), ("jvb".into(), JVB_PASSWORD.into())],
            roster: true,
            tls_required: false,
            hibernation: None,
            modules: vec!["tell_of_occupants".into()],
            more: String::new(),
            log_level: "info",
        }
    }

    /// The domain of the deployment, `meet.test` otherwise. All others follow from it.
    pub fn domain(mut self, domain: &str) -> Self {
        self.domain = domain.into();
        self
    }

    /// One more account on the auth domain.
    pub fn account(mut self, user: &str, password: &str) -> Self {
        self.accounts.push((user.into(), password.into()));
        self
    }

    /// Leaves out what installers put into the focus' roster: the subscription by the proxy.
    pub fn without_roster(mut self) -> Self {
        self.roster = false;
        self
    }

    /// No log-in on the auth domain without TLS, as in a real deployment. Simulated bridges cannot log in then.
    pub fn tls_required(mut self) -> Self {
        self.tls_required = true;
        self
    }

    /// How long a session on the auth domain outlives its connection, in whole seconds; 15 s otherwise.
    pub fn hibernation(mut self, time: Duration) -> Self {
        self.hibernation = Some(time);
        self
    }

    /// One more module of Prosody on every host.
    pub fn module(mut self, name: &str) -> Self {
        self.modules.push(name.into());
        self
    }

    /// More hosts and components, as text of a Prosody configuration.
    pub fn more(mut self, lua: &str) -> Self {
        self.more.push_str(lua);
        self
    }

    /// Every stanza in the log.
    pub fn verbose(mut self) -> Self {
        self.log_level = "debug";
        self
    }

    pub async fn start(self) -> Prosody {
        Prosody::launch(self).await
    }
}

const FOCUS_PASSWORD: &str = "focus-pässword"; // Not ASCII: SCRAM is to be right about it
const JVB_PASSWORD: &str = "jvb-password";
const COMPONENT_SECRET: &str = "component-secret";

/// A running Prosody.
#[derive(Debug)]
pub struct Prosody {
    options: Options,
    ports: Ports,
    process: Process,
    /// `None` once it is to be kept.
    folder: Option<TempDir>,
    path: PathBuf,
    started_in: Duration,
}

#[derive(Clone, Copy, Debug)]
struct Ports {
    client: u16,
    component: u16,
    http: u16,
}

impl Prosody {
    /// Starts one as most tests need it: accounts, roster entry, TLS offered but not required.
    pub async fn start(wiring: Wiring) -> Self {
        Options::new(wiring).start().await
    }

    /// For a test that needs it otherwise.
    pub fn with(wiring: Wiring) -> Options {
        Options::new(wiring)
    }

    async fn launch(options: Options) -> Self {
        let folder = tempfile::Builder::new().prefix("prosody-").tempdir().expect("a temporary folder can be made");
        let path = folder.path().to_owned();
        prepare(&path, &options);
        for _ in 0..PORT_ATTEMPTS {
            let ports = Ports { client: free_port(), component: free_port(), http: free_port() };
            let begin = Instant::now();
            let process = spawn(&path, &options, ports);
            let mut prosody = Self {
                options: options.clone(),
                ports,
                process,
                folder: None,
                path: path.clone(),
                started_in: Duration::ZERO,
            };
            match prosody.ready(begin).await {
                Ok(()) => {
                    prosody.folder = Some(folder);
                    return prosody;
                }
                Err(NotReady::PortTaken) => fs::remove_file(prosody.log_path()).unwrap_or_default(),
                Err(NotReady::Other(why)) => {
                    let log = fs::read_to_string(prosody.log_path()).unwrap_or_default();
                    let kept = folder.keep();
                    panic!("Prosody did not start: {why}\n{log}\nkept in {}", kept.display());
                }
            }
        }
        panic!("no free ports in {PORT_ATTEMPTS} attempts");
    }

    /// Waits until the client port answers for the auth domain. That comes after everything else: Prosody serves nobody before all its
    /// modules are loaded and all its ports open.
    async fn ready(&mut self, begin: Instant) -> Result<(), NotReady> {
        loop {
            if let Some(status) = self.process.ended() {
                return Err(NotReady::Other(format!("it ended with {status}")));
            }
            if let Ok(Ok(())) = timeout(START_DEADLINE, greet(self.client_address(), &self.auth_domain())).await {
                break;
            }
            if self.port_taken() {
                return Err(NotReady::PortTaken);
            }
            if begin.elapsed() > START_DEADLINE {
                return Err(NotReady::Other(format!("no answer within {START_DEADLINE:?}")));
            }
            tokio::time::sleep(POLL).await;
        }
        // If the port was somebody else's, it was somebody else who answered.
        if self.port_taken() {
            return Err(NotReady::PortTaken);
        }
        self.started_in = begin.elapsed();
        Ok(())
    }

    fn port_taken(&self) -> bool {
        self.log().contains("Failed to open server port")
    }

    /// Orderly, as `systemctl stop` does it: everybody is told. Tests that only end need not: the value's end is the server's.
    pub async fn stop(mut self) {
        self.process.stop().await;
    }

    /// Does what the end of this process would do, without any clean-up. Whether Prosody has ended.
    pub async fn abandon(&mut self, within: Duration) -> bool {
        self.process.abandon();
        self.process.wait(within).await.is_some()
    }

    /// Orderly, then again: same folder, same ports, accounts and roster as they were.
    pub async fn restart(&mut self) {
        self.process.stop().await;
        self.start_again().await;
    }

    /// SIGKILL: connections break without a word.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// After [`Prosody::kill`], on the same ports.
    pub async fn start_again(&mut self) {
        assert!(self.process.ended().is_some(), "Prosody still runs");
        let begin = Instant::now();
        self.process = spawn(&self.path, &self.options, self.ports);
        match self.ready(begin).await {
            Ok(()) => {}
            Err(NotReady::PortTaken) => panic!("somebody took Prosody's port while it was away"),
            Err(NotReady::Other(why)) => panic!("Prosody did not start again: {why}\n{}", self.log()),
        }
    }

    /// SIGSTOP: it is there, takes connections, and says nothing.
    pub fn pause(&mut self) {
        self.process.signal("STOP");
    }

    pub fn resume(&mut self) {
        self.process.signal("CONT");
    }

    pub fn wiring(&self) -> Wiring {
        self.options.wiring
    }

    pub fn domain(&self) -> &str {
        &self.options.domain
    }

    /// Where the focus and the bridges log in.
    pub fn auth_domain(&self) -> String {
        format!("auth.{}", self.domain())
    }

    /// Where the conferences are.
    pub fn muc_domain(&self) -> String {
        format!("conference.{}", self.domain())
    }

    /// Where clients ask for a conference.
    pub fn focus_domain(&self) -> String {
        format!("focus.{}", self.domain())
    }

    pub fn metadata_domain(&self) -> String {
        format!("metadata.{}", self.domain())
    }

    /// The room in which bridges and focus meet.
    pub fn brewery(&self) -> String {
        format!("jvbbrewery@internal.auth.{}", self.domain())
    }

    pub fn client_address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.ports.client).into()
    }

    pub fn component_address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.ports.component).into()
    }

    pub fn http_address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.ports.http).into()
    }

    pub fn bosh_url(&self) -> String {
        format!("http://{}/http-bind", self.http_address())
    }

    pub fn websocket_url(&self) -> String {
        format!("ws://{}/xmpp-websocket", self.http_address())
    }

    /// The self-signed certificate of the auth domain, PEM: what the focus must trust.
    pub fn certificate(&self) -> PathBuf {
        self.path.join("certs").join(format!("{}.crt", self.auth_domain()))
    }

    /// What the component says in the classic wiring.
    pub fn component_secret(&self) -> &'static str {
        COMPONENT_SECRET
    }

    pub fn focus_password(&self) -> &'static str {
        FOCUS_PASSWORD
    }

    pub fn jvb_password(&self) -> &'static str {
        JVB_PASSWORD
    }

    /// Changes an account's password, as `prosodyctl passwd` does.
    pub fn set_password(&self, user: &str, password: &str) {
        write_account(&self.path, &self.auth_domain(), user, password);
    }

    /// Runs `prosodyctl` with these arguments beside the server: with its configuration, on its data.
    ///
    /// # Panics
    /// If it does not do what it is told.
    pub fn prosodyctl(&self, arguments: &[&str]) {
        let mut command = configured("prosodyctl", &self.path, &self.options, self.ports);
        let done = command.args(arguments).stdin(Stdio::null()).output();
        let done = done.expect("prosodyctl can be run (Debian's package prosody)");
        let said = [done.stdout, done.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        assert!(done.status.success(), "prosodyctl {}: {}\n{}", arguments.join(" "), done.status, said.concat());
    }

    /// A folder that goes with this server; helpers of the same test may put their files there.
    pub fn folder(&self) -> &Path {
        &self.path
    }

    pub fn log_path(&self) -> PathBuf {
        self.path.join("prosody.log")
    }

    /// What it has logged since its first start.
    pub fn log(&self) -> String {
        fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    /// Waits until `text` is in the log after its first `since` bytes: the way to learn of things that only the server sees.
    /// Our own module logs who comes and goes: `occupant joined: <room>/<nick> is <JID>`, `occupant left: <room>/<nick>`.
    #[must_use]
    pub async fn logged(&self, since: usize, text: &str, within: Duration) -> bool {
        let deadline = Instant::now() + within;
        loop {
            if self.log().get(since..).is_some_and(|new| new.contains(text)) {
                return true;
            }
            if Instant::now() > deadline {
                return false;
            }
            tokio::time::sleep(POLL).await;
        }
    }

    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    pub fn usage(&self) -> Usage {
        self.process.usage()
    }

    /// How long the last start took, from the call to the first answer.
    pub fn started_in(&self) -> Duration {
        self.started_in
    }
}

impl Drop for Prosody {
    fn drop(&mut self) {
        self.process.kill();
        if std::thread::panicking()
            && let Some(folder) = self.folder.take()
        {
            eprintln!("The logs of Prosody and of what ran beside it are kept in {}", folder.keep().display());
        }
    }
}

enum NotReady {
    PortTaken,
    Other(String),
}

/// The top folder of the project: the configuration and the modules are in it.
pub fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("testkit is a folder of the project")
}

fn spawn(folder: &Path, options: &Options, ports: Ports) -> Process {
    match Process::spawn(configured("prosody", folder, options, ports).arg("-F"), &folder.join("prosody.log")) {
        Ok(process) => process,
        Err(error) => panic!("Prosody cannot be run ({error}); it is in Debian's package prosody, see scripts/test"),
    }
}

/// One of Prosody's programs with our configuration, whose values are those of this server.
fn configured(program: &str, folder: &Path, options: &Options, ports: Ports) -> Command {
    let project = project();
    let modules = [project.join("prosody-plugins"), project.join("testkit/prosody-modules")];
    let mut command = Command::new(program);
    command
        .arg("--config")
        .arg(project.join("prosody-example.cfg.lua"))
        .env("XMPP_DOMAIN", &options.domain)
        .env("XMPP_DATA", folder.join("data"))
        .env("XMPP_CERTS", folder.join("certs"))
        .env("XMPP_INTERFACE", "127.0.0.1")
        .env("XMPP_PORT", ports.client.to_string())
        .env("XMPP_COMPONENT_PORT", ports.component.to_string())
        .env("XMPP_HTTP_PORT", ports.http.to_string())
        .env("XMPP_PLUGINS", modules.map(|path| path.display().to_string()).join(":"))
        .env("XMPP_MODULES", options.modules.join(" "))
        .env("XMPP_INCLUDE", folder.join("more.cfg.lua"))
        .env("XMPP_RUN_AS_ROOT", "true")
        .env("XMPP_LOG_LEVEL", options.log_level)
        .env("XMPP_AUTH_TLS", if options.tls_required { "required" } else { "optional" });
    match options.wiring {
        Wiring::Classic => command.env("XMPP_WIRING", "classic").env("JICOFO_COMPONENT_SECRET", COMPONENT_SECRET),
        Wiring::Proxy => command.env("XMPP_WIRING", "proxy").env_remove("JICOFO_COMPONENT_SECRET"),
    };
    match options.hibernation {
        Some(time) => command.env("XMPP_HIBERNATION_TIME", time.as_secs().to_string()),
        None => command.env_remove("XMPP_HIBERNATION_TIME"),
    };
    command
}

/// Everything in the folder that Prosody is to find. Accounts and roster are written as Prosody itself stores them, with the password in
/// the clear, which the first log-in hashes: no `prosodyctl register` for each.
fn prepare(folder: &Path, options: &Options) {
    let auth = format!("auth.{}", options.domain);
    for (user, password) in &options.accounts {
        write_account(folder, &auth, user, password);
    }
    if options.roster && options.wiring == Wiring::Proxy {
        let entry =
            format!("[\"focus.{}\"] = {{ [\"subscription\"] = \"from\", [\"groups\"] = {{}} }}", options.domain);
        let roster = format!("return {{ [false] = {{ [\"version\"] = 1, [\"pending\"] = {{}} }}, {entry} }};\n");
        write(&store_of(folder, &auth).join("roster").join("focus.dat"), &roster);
    }
    write(&folder.join("more.cfg.lua"), &options.more);
    let (certificate, key) = certificate_of(&auth);
    write(&folder.join("certs").join(format!("{auth}.crt")), &certificate);
    write(&folder.join("certs").join(format!("{auth}.key")), &key);
}

/// Where Prosody keeps what belongs to a host.
fn store_of(folder: &Path, host: &str) -> PathBuf {
    folder.join("data").join(file_name(host))
}

fn write_account(folder: &Path, host: &str, user: &str, password: &str) {
    let file = store_of(folder, host).join("accounts").join(file_name(user) + ".dat");
    write(&file, &format!("return {{ [\"password\"] = {password:?} }};\n"));
}

fn write(path: &Path, text: &str) {
    let folder = path.parent().expect("all our files are in a folder");
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(path, text))
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}

/// How Prosody calls a host's folder or a user's file: everything but letters and digits as %xx.
fn file_name(name: &str) -> String {
    name.bytes()
        .map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02x}") })
        .collect()
}

/// A certificate and its key as Debian's installer makes them for the auth domain: self-signed, `CA:TRUE`, the name as dNSName, xmppAddr and SRVName
/// (`docs/protocol/70-configuration.md` §10.3). Made once a process: the key alone takes a tenth of a second.
fn certificate_of(host: &str) -> (String, String) {
    static MADE: Mutex<Option<HashMap<String, (String, String)>>> = Mutex::new(None);
    let mut made = MADE.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    made.get_or_insert_default().entry(host.to_owned()).or_insert_with(|| make_certificate(host)).clone()
}

fn make_certificate(host: &str) -> (String, String) {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let [settings, certificate, key] = ["settings", "certificate", "key"].map(|name| folder.path().join(name));
    write(
        &settings,
        &format!(
            "[req]\ndistinguished_name = name\nx509_extensions = extensions\nprompt = no\n[name]\nCN = {host}\n[extensions]\nbasicConstraints = CA:TRUE\n\
             subjectAltName = DNS:{host}, otherName:1.3.6.1.5.5.7.8.5;UTF8:{host}, otherName:1.3.6.1.5.5.7.8.7;IA5STRING:_xmpp-client.{host}\n"
        ),
    );
    let mut command = Command::new("openssl");
    command.args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30"]);
    command.arg("-config").arg(&settings).arg("-keyout").arg(&key).arg("-out").arg(&certificate);
    let made = command.output().expect("openssl can be run (Debian's package openssl)");
    assert!(made.status.success(), "openssl: {}", String::from_utf8_lossy(&made.stderr));
    let read = |path: &Path| fs::read_to_string(path).expect("openssl has written it");
    (read(&certificate), read(&key))
}

/// A port that nobody listens on, and that no other process of ours is given as long as this one lives.
pub(crate) fn free_port() -> u16 {
    static SUPPLY: Mutex<Supply> = Mutex::new(Supply { claims: Vec::new(), left: 0..0, tried: 0 });
    let mut supply = SUPPLY.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    loop {
        let port = supply.draw();
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}

/// Ports for this process, block by block, below the range that the system gives to outgoing connections.
struct Supply {
    /// Whoever has a block has its first port in UDP, which nothing of ours speaks: one process until it ends.
    claims: Vec<UdpSocket>,
    /// Of the last block.
    left: Range<u16>,
    /// Blocks that were asked for.
    tried: u32,
}

impl Supply {
    const FIRST: u16 = 18_000;
    const BLOCK: u16 = 50;
    const BLOCKS: u32 = 280;

    fn draw(&mut self) -> u16 {
        loop {
            if let Some(port) = self.left.next() {
                return port;
            }
            assert!(self.tried < Self::BLOCKS, "no free port on this machine");
            // Each process begins in another place: it seldom asks in vain.
            let block = std::process::id().wrapping_mul(97).wrapping_add(self.tried) % Self::BLOCKS;
            self.tried += 1;
            let first = Self::FIRST + block as u16 * Self::BLOCK;
            if let Ok(claim) = UdpSocket::bind((Ipv4Addr::LOCALHOST, first)) {
                self.claims.push(claim);
                self.left = first..first + Self::BLOCK;
            }
        }
    }
}

/// Opens a stream to `host` and reads until its features are there.
async fn greet(address: SocketAddr, host: &str) -> std::io::Result<()> {
    let mut stream = TcpStream::connect(address).await?;
    let header = format!(
        "<stream:stream to='{host}' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"
    );
    stream.write_all(header.as_bytes()).await?;
    let mut answer = Vec::new();
    while !String::from_utf8_lossy(&answer).contains("</stream:features>") {
        if stream.read_buf(&mut answer).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    }
    stream.write_all(b"</stream:stream>").await
}
