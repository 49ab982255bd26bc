//! The ids of IQs between occupants: Prosody writes the recipient and the asker's id into a long one, and takes it apart
//! again in the answer (spec/30 §1).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The id that the recipient sees.
pub fn long(recipient: &str, asker: &str, id: &str) -> String {
    // Eight bytes that depend on who asks, where Prosody has a hash.
    let check: [u8; 8] = asker.bytes().enumerate().fold([0; 8], |mut check, (index, byte)| {
        check[index % 8] = check[index % 8].rotate_left(3) ^ byte;
        check
    });
    STANDARD.encode([recipient.as_bytes(), b"\0", id.as_bytes(), b"\0", &check].concat())
}

/// The asker's own id, if `recipient` was asked by that long one.
pub fn restored(recipient: &str, long: &str) -> Option<String> {
    let bytes = STANDARD.decode(long).ok()?;
    let rest = bytes.strip_prefix(recipient.as_bytes())?.strip_prefix(b"\0")?;
    let id = rest.len().checked_sub(9).map(|length| &rest[..length])?;
    String::from_utf8(id.to_vec()).ok()
}
