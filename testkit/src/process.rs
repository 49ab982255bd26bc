//! A server process that a test has started: signals, the end, what it costs. Linux only: it reads `/proc`.
//!
//! Signals go out by process id through the shell's `kill`, so that nothing here needs `unsafe`.

use std::{
    fs::File,
    io,
    path::Path,
    process::{Child, ChildStdin, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

/// What `/proc/<pid>/stat` counts in: 100 a second, whatever the kernel's own clock does.
const TICKS_PER_SECOND: u64 = 100;

/// How long a process may take to end after SIGTERM before it is killed. What works has ended long before.
const STOP_DEADLINE: Duration = Duration::from_secs(60);

/// How often a condition that nobody announces is looked at again.
pub(crate) const POLL: Duration = Duration::from_millis(4);

#[derive(Debug)]
pub struct Process {
    child: Child,
    /// Kills `child` when this process is gone, however it went.
    guard: Guard,
    ended: Option<ExitStatus>,
}

/// A shell that waits for the end of its standard input, which is held by us alone, and then kills a process. A test that is killed
/// cannot clean up after itself.
#[derive(Debug)]
struct Guard {
    shell: Child,
    input: Option<ChildStdin>,
}

impl Guard {
    fn of(pid: u32) -> io::Result<Self> {
        let mut command = Command::new("sh");
        command.args(["-c", &format!("read _; kill -KILL {pid}")]);
        let mut shell = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        Ok(Self { input: shell.stdin.take(), shell })
    }

    /// Its process has ended: the id may be somebody else's by now.
    fn dismiss(&mut self) {
        let _ = self.shell.kill();
        let _ = self.shell.wait();
    }
}

impl Process {
    /// Starts `command`, its output appended to the file `log`.
    pub fn spawn(command: &mut Command, log: &Path) -> io::Result<Self> {
        let out = File::options().create(true).append(true).open(log)?;
        let mut child = command.stdin(Stdio::null()).stdout(out.try_clone()?).stderr(out).spawn()?;
        match Guard::of(child.id()) {
            Ok(guard) => Ok(Self { child, guard, ended: None }),
            Err(error) => {
                let _ = child.kill();
                let _ = child.wait();
                Err(error)
            }
        }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        if self.ended.is_none() {
            self.ended = self.child.try_wait().ok().flatten();
            if self.ended.is_some() {
                self.guard.dismiss();
            }
        }
        self.ended
    }

    /// SIGTERM, then SIGKILL if that does not help. How it ended.
    pub async fn stop(&mut self) -> Option<ExitStatus> {
        let deadline = Instant::now() + STOP_DEADLINE;
        self.signal("TERM");
        while self.ended().is_none() {
            if Instant::now() > deadline {
                self.kill();
            }
            tokio::time::sleep(POLL).await;
        }
        self.ended
    }

    /// SIGKILL, and gone when this returns.
    pub fn kill(&mut self) {
        if self.ended().is_none() {
            self.guard.dismiss();
            let _ = self.child.kill();
            self.ended = self.child.wait().ok();
        }
    }

    /// Does what the end of this process would do, without any clean-up.
    pub fn abandon(&mut self) {
        self.guard.input = None;
    }

    /// Waits until it ends by itself.
    pub async fn wait(&mut self, deadline: Duration) -> Option<ExitStatus> {
        let deadline = Instant::now() + deadline;
        while self.ended().is_none() && Instant::now() < deadline {
            tokio::time::sleep(POLL).await;
        }
        self.ended
    }

    /// Sends a signal, by its name without SIG. Nothing happens if the process has ended: its id may be somebody else's by now.
    pub fn signal(&mut self, name: &str) {
        if self.ended().is_none() {
            let kill = format!("kill -{name} {}", self.pid());
            let sent = Command::new("sh").args(["-c", &kill]).status();
            assert!(sent.is_ok_and(|status| status.success()), "`{kill}` failed");
        }
    }

    pub fn usage(&self) -> Usage {
        Usage::of(self.pid()).unwrap_or_default()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// What a process has used, as the kernel counts it. All zero once it has ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// User and system time since its start; in steps of 10 ms where the scheduler keeps no account.
    pub cpu: Duration,
    /// Bytes of memory it has in RAM now, shared libraries included.
    pub rss: u64,
    /// The most it ever had.
    pub peak_rss: u64,
    pub threads: u64,
    /// How often its threads that run now had nothing to do and waited.
    pub waits: u64,
}

impl Usage {
    pub fn of(pid: u32) -> io::Result<Self> {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
        let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
        let (scheduled, waits) = threads(pid);
        Ok(Self {
            // Threads that have ended are in the first only.
            cpu: cpu_time(&stat).max(scheduled),
            rss: field(&status, "VmRSS:") * 1024,
            peak_rss: field(&status, "VmHWM:") * 1024,
            threads: field(&status, "Threads:"),
            waits,
        })
    }
}

/// `utime` and `stime` are the 14th and 15th field; the second, the name, may hold blanks and brackets.
fn cpu_time(stat: &str) -> Duration {
    let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks: u64 = after_name.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 1000 / TICKS_PER_SECOND)
}

/// How long the threads have run, to the nanosecond, and how often they waited.
fn threads(pid: u32) -> (Duration, u64) {
    let folders = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let mut sum = (Duration::ZERO, 0);
    for folder in folders {
        let read = |name| std::fs::read_to_string(folder.path().join(name)).unwrap_or_default();
        let ran = read("schedstat").split_whitespace().next().and_then(|nanos| nanos.parse().ok()).unwrap_or(0);
        sum.0 += Duration::from_nanos(ran);
        sum.1 += field(&read("status"), "voluntary_ctxt_switches:");
    }
    sum
}

fn field(status: &str, name: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|value| value.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_kernel_says() {
        let stat = "42 (a (b) c) S 1 42 42 0 -1 4194560 900 0 0 0 123 45 0 0 20 0 3 0 1000 1 2";
        assert_eq!(cpu_time(stat), Duration::from_millis(1680));
        let own = Usage::of(std::process::id()).expect("this process runs");
        assert!(
            own.cpu > Duration::ZERO && own.rss > 100_000 && own.peak_rss >= own.rss && own.threads >= 1,
            "{own:?}"
        );
    }
}
