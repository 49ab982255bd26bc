//! Addresses (RFC 7622), with the liberties that tenants need (spec/10 §3.3).
//!
//! Contract (filled in by the wire work): `Jid` is one `Arc<str>` plus two offsets, normalised when made, cheap to clone,
//! `Ord`, `Hash`, `Display`, serde as text. `BareJid` is a `Jid` that is known to have a local part and no resource.
//! ASCII goes a fast path of our own; anything else through the `jid` crate's parts. Domains may contain `_` and `%`.
