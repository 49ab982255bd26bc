//! What goes over the wire: one file a protocol, types that read and write, no behaviour.
//!
//! Each element is declared once; reading and writing follow from the declaration (`wire-derive`, [`xml`]). Foreign input
//! becomes a type that cannot be wrong here, once; what we write cannot be malformed.

pub mod colibri2;
pub mod disco;
pub mod focus_iq;
pub mod ice;
pub mod jid;
pub mod jingle;
pub mod muc;
pub mod ns;
pub mod presence;
pub mod rtp;
pub mod sm;
pub mod ssma;
pub mod stanza;
pub mod values;
pub mod visitors;
pub mod xml;

pub use jid::{BareJid, Jid};
