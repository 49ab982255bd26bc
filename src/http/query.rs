//! The parameters after the question mark of a URL.

use super::answer::Failure;

/// Decoded, in their order.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    pub fn read(text: Option<&str>) -> Query {
        let pairs = text.unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
        Query(
            pairs
                .map(|pair| {
                    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                    (decode(name), decode(value))
                })
                .collect(),
        )
    }

    /// Blank is as good as missing (spec/80 §2.5).
    pub fn optional(&self, name: &str) -> Option<&str> {
        let value = self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.trim());
        value.filter(|value| !value.is_empty())
    }

    pub fn required(&self, name: &str) -> Result<&str, Failure> {
        self.optional(name).ok_or_else(|| Failure::missing(name))
    }
}

/// As forms write it: `+` for a blank, and bytes in hex after `%`. What is no such byte stays as it is.
fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let hex = after.get(..2).and_then(|digits| hex::decode(digits).ok()).filter(|_| byte == b'%');
        rest = if hex.is_some() { &after[2..] } else { after };
        match hex {
            Some(decoded) => bytes.extend(decoded),
            None => bytes.push(if byte == b'+' { b' ' } else { byte }),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_decoded_and_blank_ones_are_missing() {
        let query = Query::read(Some("conference=a%40conference.x&bridge=+&full&x=%zz%4&y=%C3%9F&bridge=late&=v&&"));
        assert_eq!(query.optional("conference"), Some("a@conference.x"));
        assert_eq!(query.required("bridge"), Err(Failure::missing("bridge")));
        assert_eq!((query.optional("full"), query.optional("none")), (None, None));
        assert_eq!((query.optional("x"), query.optional("y")), (Some("%zz%4"), Some("ß")));
        assert_eq!(Query::read(None), Query::default());
    }
}
