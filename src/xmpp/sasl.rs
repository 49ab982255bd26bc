//! SASL: which mechanism, and the exchange (RFC 6120 §6, RFC 5802). What goes back and forth here is in no log.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use sasl::client::Mechanism;
use sasl::client::mechanisms::{Anonymous, Plain, Scram};
use sasl::common::ChannelBinding;
use sasl::common::scram::{Sha1, Sha256};

use super::errors::{Error, condition, short};
use super::stream::XmlStream;
use crate::config::Account;
use crate::wire::sm::{Auth, Incoming, Mechanisms, Response};

/// A server may ask for that many rounds of PBKDF2, no more: Prosody asks for 10,000, which take a millisecond; a million
/// take a tenth of a second of the only thread, and the protocol allows four thousand million.
const MAX_ITERATIONS: u64 = 1_000_000;

/// No mechanism of ours takes more than two.
const MAX_CHALLENGES: usize = 4;

/// How a mechanism is to be treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    /// The server shows in the end that it knows the password as well.
    Scram,
    /// Everything is said in the first message.
    OneMessage,
}

struct Chosen {
    name: &'static str,
    style: Style,
    mechanism: Box<dyn Mechanism + Send>,
}

/// Logs in. `plain_allowed`: the password itself may be sent.
pub async fn authenticate(
    stream: &mut XmlStream,
    offered: &Mechanisms,
    account: &Account,
    plain_allowed: bool,
) -> Result<(), Error> {
    let names: Vec<&str> = offered.mechanisms.iter().map(|mechanism| mechanism.name.as_str()).collect();
    let Chosen { name, style, mut mechanism } = choose(&names, account, plain_allowed)?;
    stream.doing("logging in");
    let initial = mechanism.initial();
    stream.push(&Auth { mechanism: name.to_owned(), data: BASE64.encode(&initial) });
    stream.flush().await?;

    let mut proven = style == Style::OneMessage;
    for turn in 0..=MAX_CHALLENGES {
        match stream.next().await? {
            Incoming::Challenge(challenge) if style == Style::Scram && turn == 0 => {
                let challenge = decode(&challenge.data)?;
                check_challenge(&challenge, &initial)?;
                let response = mechanism.response(&challenge).map_err(|error| Error::Challenge(error.to_string()))?;
                stream.push(&Response { data: BASE64.encode(response) });
                stream.flush().await?;
            }
            // The server's proof may come as a challenge of its own (RFC 4422 §5, first of the two ways).
            Incoming::Challenge(proof) if style == Style::Scram && !proven => {
                mechanism.success(&decode(&proof.data)?).map_err(Error::ServerProof)?;
                proven = true;
                stream.push(&Response::default());
                stream.flush().await?;
            }
            Incoming::Success(success) => {
                if !proven {
                    mechanism.success(&decode(&success.data)?).map_err(Error::ServerProof)?;
                }
                log::debug!("logged in by {name}");
                return Ok(());
            }
            Incoming::SaslFailure(failure) => {
                return Err(Error::LoginRefused { condition: condition(&failure.condition), text: failure.text });
            }
            Incoming::Challenge(_) => return Err(Error::Challenge("one challenge too many".to_owned())),
            _ => return Err(stream.unexpected("something that is not SASL")),
        }
    }
    Err(Error::Challenge("too many challenges".to_owned()))
}

/// The first of ours that the server offers. Never falls back to logging in anonymously.
fn choose(offered: &[&str], account: &Account, plain_allowed: bool) -> Result<Chosen, Error> {
    let none = || Error::NoMechanism { offered: offered.iter().map(|name| short(name)).collect() };
    let Some(password) = &account.password else {
        let anonymous = Chosen { name: "ANONYMOUS", style: Style::OneMessage, mechanism: Box::new(Anonymous::new()) };
        return if offered.contains(&"ANONYMOUS") { Ok(anonymous) } else { Err(none()) };
    };
    let random = |_| Error::Challenge("the system has no random numbers".to_owned());
    let name = scram_name(&account.username);
    if offered.contains(&"SCRAM-SHA-256") {
        let scram = Scram::<Sha256>::new(name, password.expose(), ChannelBinding::None).map_err(random)?;
        Ok(Chosen { name: "SCRAM-SHA-256", style: Style::Scram, mechanism: Box::new(scram) })
    } else if offered.contains(&"SCRAM-SHA-1") {
        let scram = Scram::<Sha1>::new(name, password.expose(), ChannelBinding::None).map_err(random)?;
        Ok(Chosen { name: "SCRAM-SHA-1", style: Style::Scram, mechanism: Box::new(scram) })
    } else if plain_allowed && offered.contains(&"PLAIN") {
        let plain = Plain::new(account.username.as_str(), password.expose());
        Ok(Chosen { name: "PLAIN", style: Style::OneMessage, mechanism: Box::new(plain) })
    } else {
        Err(none())
    }
}

/// RFC 5802 §5.1; the crate leaves it to its callers.
fn scram_name(username: &str) -> String {
    username.replace('=', "=3D").replace(',', "=2C")
}

/// What the crate does not check of a SCRAM challenge: the amount of work, that the nonce goes on from ours, and that nothing is
/// said twice, of which the crate would take the other.
fn check_challenge(challenge: &[u8], initial: &[u8]) -> Result<(), Error> {
    let text = |bytes| std::str::from_utf8(bytes).map_err(|_| Error::Challenge("not UTF-8".to_owned()));
    let (challenge, initial) = (text(challenge)?, text(initial)?);
    let attribute = |message: &'_ str, name: &str| -> Option<String> {
        message.split(',').find_map(|part| part.strip_prefix(name)).map(str::to_owned)
    };
    let mut names = BTreeSet::new();
    if let Some(twice) =
        challenge.split(',').filter_map(|part| part.split('=').next()).find(|name| !names.insert(*name))
    {
        return Err(Error::Challenge(format!("it says {twice}= twice")));
    }
    let iterations = attribute(challenge, "i=").and_then(|count| count.parse::<u64>().ok());
    match iterations {
        None | Some(0) => return Err(Error::Challenge("no number of iterations".to_owned())),
        Some(count) if count > MAX_ITERATIONS => return Err(Error::Iterations(count)),
        Some(_) => {}
    }
    let ours = attribute(initial, "r=").unwrap_or_default();
    match attribute(challenge, "r=") {
        Some(nonce) if nonce.starts_with(&ours) && nonce.len() > ours.len() => Ok(()),
        _ => Err(Error::Challenge("its nonce does not go on from ours".to_owned())),
    }
}

fn decode(data: &str) -> Result<Vec<u8>, Error> {
    // "=" stands for empty data (RFC 6120 §6.4.2).
    let data = data.trim();
    if data == "=" {
        return Ok(Vec::new());
    }
    BASE64.decode(data).map_err(|_| Error::Challenge("not base64".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Secret;

    fn account(password: Option<&str>) -> Account {
        Account { password: password.map(Secret::new), ..Account::default() }
    }

    fn chosen(offered: &[&str], password: Option<&str>, plain_allowed: bool) -> Option<&'static str> {
        choose(offered, &account(password), plain_allowed).ok().map(|chosen| chosen.name)
    }

    #[test]
    fn the_best_mechanism_is_chosen_and_the_password_is_sent_only_where_that_is_allowed() {
        let all = ["ANONYMOUS", "PLAIN", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-1", "SCRAM-SHA-256"];
        assert_eq!(chosen(&all, Some("x"), true), Some("SCRAM-SHA-256"));
        assert_eq!(chosen(&all[..4], Some("x"), true), Some("SCRAM-SHA-1"));
        assert_eq!(chosen(&all[..3], Some("x"), true), Some("PLAIN"));
        assert_eq!(chosen(&all[..3], Some("x"), false), None);
        assert_eq!(chosen(&all[..1], Some("x"), true), None);
        assert_eq!(chosen(&all, None, true), Some("ANONYMOUS"));
        assert_eq!(chosen(&all[1..], None, true), None);
    }

    #[test]
    fn separators_in_the_user_name_are_escaped() {
        assert_eq!(scram_name("a,b=c"), "a=2Cb=3Dc");
    }

    #[test]
    fn a_challenge_is_refused_for_its_work_or_a_nonce_that_is_not_ours() {
        let check = |challenge: &str| check_challenge(challenge.as_bytes(), b"n,,n=focus,r=abc");
        assert!(check("r=abcdef,s=QSXCR+Q6sek8bf92,i=4096").is_ok());
        assert!(matches!(check("r=abcdef,s=AA==,i=4294967295"), Err(Error::Iterations(4_294_967_295))));
        assert!(matches!(check("r=abcdef,s=AA==,i=0"), Err(Error::Challenge(_))));
        assert!(matches!(check("r=abcdef,s=AA=="), Err(Error::Challenge(_))));
        assert!(matches!(check("r=xyzdef,s=AA==,i=4096"), Err(Error::Challenge(_))));
        assert!(matches!(check("r=abc,s=AA==,i=4096"), Err(Error::Challenge(_))));
        // Of two the crate takes the last.
        assert!(matches!(check("r=abcdef,s=AA==,i=1,i=4294967295"), Err(Error::Challenge(_))));
        assert!(matches!(check("r=abcdef,r=xyz,s=AA==,i=1"), Err(Error::Challenge(_))));
    }
}
