//! HOCON as installations write it (spec/70 §2): reader, includes, merging, substitutions.
//!
//! Ours, and not the crate hocon-rs, because that crate forgets where a value was written: its syntax errors name no line,
//! and a wrong value found later can only be named by its path. It also drops `a = 1` before `a = ${?UNSET}`, which is how
//! files let the environment override a line. Here every value keeps its file, line and column. hocon-rs is what the tests
//! compare with, on texts of installations and generated ones.
//!
//! [`Loader`] reads files into a [`Tree`] of definitions in the order in which they were written, [`Tree::resolve`] makes
//! [`Node`]s of it. A hostile or broken file costs bounded time, memory and stack: see [`limits`].

#[cfg(test)]
mod agreement;
mod cursor;
mod json;
mod loader;
mod node;
mod parser;
mod raw;
mod resolve;
#[cfg(test)]
mod tests;

pub use loader::{FileRead, Loader};
pub use node::{Node, Object, Value, split_path};
pub use raw::Tree;
pub use resolve::Variable;

/// The path of a key as problems name it: of a deep one the beginning.
fn shown_path(path: &[String]) -> String {
    const SHOWN: usize = 8;
    let mut shown = path[..path.len().min(SHOWN)].join(".");
    if path.len() > SHOWN {
        shown.push('…');
    }
    shown
}

/// What a configuration cannot sensibly exceed.
pub mod limits {
    /// All files together. A configuration of 4 MiB is a mistake (a log, a device, an image).
    pub const BYTES: u64 = 4 << 20;
    /// Files read, so that files that include each other twice do not double with every level.
    pub const FILES: usize = 200;
    /// Files that include each other.
    pub const INCLUDE_DEPTH: usize = 30;
    /// Braces and brackets within each other, and elements of a path.
    pub const DEPTH: usize = 100;
    /// Values looked up within each other while resolving.
    pub const RESOLVE_DEPTH: usize = 250;
    /// Steps of resolving: substitutions that double each other would otherwise take for ever.
    pub const STEPS: usize = 1_000_000;
    /// Text made by joining strings.
    pub const JOINED_BYTES: usize = 64 << 20;
    /// Of one key; each may refer to the one before.
    pub const DEFINITIONS: usize = 10_000;
    /// Each is a connection to a server of its own.
    pub const VISITOR_NODES: usize = 500;
    /// Problems reported of one configuration. Each may need a guess at what was meant, which is most of the work there is
    /// about a broken file: a fuzzer has better things to do.
    pub const PROBLEMS: usize = if cfg!(fuzzing) { 2 } else { 100 };
}
