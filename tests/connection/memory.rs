//! The log, in memory.

use std::cell::RefCell;
use std::sync::OnceLock;

use jicofo::xmpp::PACKETS;
use tokio::sync::Notify;

/// A stanza with that in it makes the connection fail: its log does.
pub const BREAKS: &str = "breaks-the-connection";

/// Each test has a log of its own: it has a thread, on which its connections run as well.
struct Memory;

thread_local! {
    pub static LINES: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
    pub static PACKET_LINES: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}
pub static LOGGED: Notify = Notify::const_new();

impl log::Log for Memory {
    fn enabled(&self, _metadata: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        testkit::logs::guard(record);
        if record.target() == PACKETS {
            assert!(!record.args().to_string().contains(BREAKS), "a failure on purpose");
            PACKET_LINES.with_borrow_mut(|lines| lines.push(record.args().to_string()));
        }
        if record.level() <= log::Level::Error {
            LINES.with_borrow_mut(|lines| lines.push(record.args().to_string()));
            LOGGED.notify_waiters();
        }
    }

    fn flush(&self) {}
}

pub fn log_to_memory() {
    static ONCE: OnceLock<()> = OnceLock::new();
    ONCE.get_or_init(|| {
        log::set_boxed_logger(Box::new(Memory)).expect("the only logger");
        log::set_max_level(log::LevelFilter::Trace);
    });
}
