//! What the system says of this process. On other systems than Linux it says nothing.

use std::fs;

/// What `/proc/self/stat` counts time in: 100 a second, whatever the kernel's own clock does.
const TICKS_PER_SECOND: f64 = 100.0;

#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Process {
    pub threads: u64,
    pub cpu_seconds: f64,
    pub resident_bytes: u64,
    pub virtual_bytes: u64,
    pub open_files: u64,
}

impl Process {
    pub fn own() -> Option<Process> {
        let (stat, status) =
            (fs::read_to_string("/proc/self/stat").ok()?, fs::read_to_string("/proc/self/status").ok()?);
        let open_files = fs::read_dir("/proc/self/fd").map_or(0, Iterator::count) as u64;
        Some(Process { open_files, ..Process::read(&stat, &status)? })
    }

    fn read(stat: &str, status: &str) -> Option<Process> {
        // The second field, the name, may hold blanks and brackets; user and system time are the 14th and 15th.
        let ticks = stat.rsplit_once(')')?.1.split_whitespace().skip(11).take(2).map(str::parse::<u64>);
        let ticks = ticks.sum::<Result<u64, _>>().ok()?;
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_whitespace().next()?.parse::<u64>().ok()
        };
        Some(Process {
            threads: field("Threads:")?,
            cpu_seconds: ticks as f64 / TICKS_PER_SECOND,
            resident_bytes: field("VmRSS:")? * 1024,
            virtual_bytes: field("VmSize:")? * 1024,
            open_files: 0,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_kernel_says_is_read() {
        let stat = "42 (a (b) c) S 1 42 42 0 -1 4194560 900 0 0 0 123 45 0 0 20 0 3 0 1000 1 2";
        let status = "Name:\ta\nVmSize:\t  2048 kB\nVmRSS:\t    1024 kB\nThreads:\t3\n";
        let process = Process::read(stat, status).expect("read");
        assert_eq!((process.threads, process.resident_bytes, process.virtual_bytes), (3, 1 << 20, 1 << 21));
        assert!((process.cpu_seconds - 1.68).abs() < 1e-9);
        assert_eq!(Process::read("nonsense", status), None);
        let own = Process::own().expect("this process runs");
        assert!(own.threads > 0 && own.open_files > 0 && own.resident_bytes > 0, "{own:?}");
    }
}
