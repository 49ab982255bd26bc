//! What a conference request says of visitors (spec/60 §6.5).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use crate::wire::focus_iq::Conference;

/// A longer token is none: it would be decoded for every request.
const MAX_TOKEN: usize = 64 * 1024;

/// Who asks, as far as it matters where he is sent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Wish {
    /// The client can be sent to a visitor node.
    pub supported: bool,
    /// It wants to be a visitor.
    pub requested: bool,
    /// Of the token, which Prosody checked at the login: the user and the group.
    pub user: Option<String>,
    pub group: Option<String>,
}

impl Wish {
    pub fn of(request: &Conference) -> Wish {
        let has = |name: &str, value: Option<&str>| {
            let named = |it: &&crate::wire::focus_iq::Property| it.name.as_deref() == Some(name);
            let mut found = request.properties.iter().filter(named);
            found.any(|it| value.is_none() || it.value.as_deref() == value)
        };
        let (user, group) = request.token.as_deref().and_then(identity).unwrap_or_default();
        Wish { supported: has("visitors-version", None), requested: has("visitor", Some("true")), user, group }
    }
}

/// User and group of a token, whatever else is in it. None: it can't be read.
fn identity(token: &str) -> Option<(Option<String>, Option<String>)> {
    if token.len() > MAX_TOKEN {
        return None;
    }
    let payload = token.split('.').nth(1)?.trim_end_matches('=');
    let json: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()?;
    let context = json.get("context")?;
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    Some((text(context.get("user").and_then(|user| user.get("id"))), text(context.get("group"))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::focus_iq::Property;

    fn token(payload: &str) -> String {
        format!("e30.{}.sig", URL_SAFE_NO_PAD.encode(payload))
    }

    fn ids(token: &str) -> (Option<String>, Option<String>) {
        let wish = Wish::of(&Conference { token: Some(token.to_owned()), ..Conference::default() });
        (wish.user, wish.group)
    }

    fn both(user: Option<&str>, group: Option<&str>) -> (Option<String>, Option<String>) {
        (user.map(str::to_owned), group.map(str::to_owned))
    }

    #[test]
    fn a_token_names_user_and_group_whatever_else_is_in_it() {
        assert_eq!(
            ids(&token(r#"{"context":{"user":{"id":"u1"},"group":"g1"},"exp":"x"}"#)),
            both(Some("u1"), Some("g1"))
        );
        assert_eq!(ids(&token(r#"{"context":{"user":{"id":5},"group":"g1"}}"#)), both(None, Some("g1")));
        let padded = token(r#"{"context":{"user":{"id":"u"}}}"#).replace(".sig", "==.sig");
        assert_eq!(ids(&padded), both(Some("u"), None));
        for odd in ["garbage", "a.b", "a..c", "", ".", "a.e30.c"] {
            assert_eq!(ids(odd), both(None, None), "{odd}");
        }
    }

    #[test]
    fn any_of_several_properties_of_one_name_counts() {
        let with = |properties: &[(&str, &str)]| {
            let property =
                |(name, value): &(&str, &str)| Property { name: Some((*name).into()), value: Some((*value).into()) };
            let wish =
                Wish::of(&Conference { properties: properties.iter().map(property).collect(), ..Default::default() });
            (wish.supported, wish.requested)
        };
        assert_eq!(with(&[]), (false, false));
        assert_eq!(with(&[("visitors-version", "1"), ("visitor", "TRUE")]), (true, false));
        assert_eq!(with(&[("visitors-version", ""), ("visitor", "true"), ("visitor", "false")]), (true, true));
    }
}
