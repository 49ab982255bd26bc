//! What goes over the wire: everything that real peers said is read, written again, and compared by an independent reader.

#[path = "wire/tree.rs"]
mod tree;

#[path = "wire/allocations.rs"]
mod allocations;
#[path = "wire/elements.rs"]
mod elements;
#[path = "wire/hostile.rs"]
mod hostile;
#[path = "wire/parsers.rs"]
mod parsers;
#[path = "wire/roundtrip.rs"]
mod roundtrip;
#[path = "wire/traces.rs"]
mod traces;
