//! How elements are read and written: the traits behind `#[derive(Element)]`; nodes, the writer, values, errors.
//!
//! Reading goes from a `roxmltree` document, which only `node.rs` and `encoded.rs` name. Writing goes straight into a `String`
//! that its owner reuses, so that it allocates nothing. No namespace, `jabber:client` and `jabber:component:accept` are
//! the one namespace [`STANZA`](super::ns::STANZA).

mod element;
mod encoded;
mod error;
mod node;
#[cfg(test)]
mod tests;
mod values;
mod writer;

pub use element::{Attr, Child, Element, Leaf, Text, keep, read_str, read_text, to_string, write_to};
pub use encoded::{Encoded, Raw};
pub use error::{Error, Expected};
pub use node::{MAX_NODES, Node, with_document, with_root};
pub(crate) use values::{keywords, newtype};
pub use writer::{Escaped, Writer};
