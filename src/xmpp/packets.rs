//! Packets as the log shows them: without what would let a reader in.

use std::fmt;

/// Attributes whose values let their bearer in: authentication sessions, tokens (spec/10 §3.1).
const SECRETS: [&str; 2] = ["session-id", "token"];

/// The text of a stanza, with `…` in place of secrets.
pub(super) struct Shown<'a>(pub &'a str);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        while let Some((start, end)) = next_secret(rest) {
            f.write_str(&rest[..start])?;
            f.write_str("…")?;
            rest = &rest[end..];
        }
        f.write_str(rest)
    }
}

/// Where the next secret value begins and ends.
fn next_secret(text: &str) -> Option<(usize, usize)> {
    let values = SECRETS.iter().flat_map(|name| text.match_indices(name)).filter_map(|(at, name)| {
        if !text[..at].ends_with(char::is_whitespace) {
            return None;
        }
        let after = text[at + name.len()..].trim_start().strip_prefix('=')?.trim_start();
        let quote = after.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
        let start = text.len() - after.len() + 1;
        Some((start, text[start..].find(quote).map_or(text.len(), |length| start + length)))
    });
    values.filter(|(start, end)| end > start).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lets_its_bearer_in_is_not_shown() {
        let stanza = "<iq id='1'><conference room='r@x' session-id='hush-1' token=\"hush-2\" ready='true'/></iq>";
        let shown = Shown(stanza).to_string();
        assert_eq!(shown, "<iq id='1'><conference room='r@x' session-id='…' token=\"…\" ready='true'/></iq>");
        assert_eq!(
            Shown("<a token = 'hush' xsession-id='shown' b=''/>").to_string(),
            "<a token = '…' xsession-id='shown' b=''/>"
        );
        assert_eq!(Shown("<a session-id='hush").to_string(), "<a session-id='…");
        assert_eq!(Shown("<a session-id=''/> token").to_string(), "<a session-id=''/> token");
    }
}
