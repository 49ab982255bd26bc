//! Secrets that are in files of their own, as containers and systemd hand them out: `password-file` beside `password`,
//! `JICOFO_AUTH_PASSWORD_FILE` beside `JICOFO_AUTH_PASSWORD`.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::environment::is_override;
use super::problem::{Origin, Problem};
use super::settings::Settings;
use super::sources::Sources;

/// No password is longer; a file that is was named by mistake.
const LONGEST: u64 = 64 * 1024;

/// Reads the file of each secret that has one.
pub(super) fn read(settings: &mut Settings, sources: &Sources, problems: &mut Vec<Problem>) {
    let named: Vec<String> = settings.entries.keys().filter(|path| path.ends_with("-file")).cloned().collect();
    for path in named {
        let secret = path.trim_end_matches("-file").trim_start_matches("jicofo.").to_owned();
        let short = path.trim_start_matches("jicofo.");
        if settings.is_unknown(short) && !settings.is_given(&secret) {
            settings.not_known_either(&secret);
        }
        let Some(file) = settings.text(short) else { continue };
        let origin = settings.entry(short).origin.clone();
        if settings.is_given(&secret) {
            let other = settings.entry(&secret).origin.clone();
            let (here, there) = (rank(&origin, sources), rank(&other, sources));
            if here < there {
                continue;
            }
            if here == there {
                let text = format!("jicofo.{secret} is given too ({other}); remove one of them");
                problems.push(Problem::error(text).at(origin).key(path));
                continue;
            }
        }
        match secret_of(Path::new(&file)) {
            Ok(text) => settings.derive(&secret, &text, &format!("the file {file}")),
            Err(error) => {
                let text = format!("{file} cannot be read ({error}); name a readable file that holds only the secret");
                problems.push(Problem::error(text).at(origin).key(path));
            }
        }
    }
}

/// The source of a value, weakest first (see the module above).
fn rank(origin: &Origin, sources: &Sources) -> u8 {
    match origin {
        Origin::Default | Origin::Derived(_) => 0,
        Origin::SystemProperty(_) => 1,
        origin if is_override(origin) => 5,
        Origin::Environment(_) if sources.is_classic() => 4,
        Origin::Environment(name) if Sources::is_secret_variable(name) => 2,
        // What a file has substituted was written there.
        Origin::Environment(_) | Origin::File { .. } => 3,
        Origin::Flag(_) => 6,
    }
}

/// The text without what editors and `echo` put around it.
fn secret_of(path: &Path) -> io::Result<String> {
    if !path.metadata()?.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(LONGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LONGEST {
        return Err(io::Error::other("it is too large to be a secret"));
    }
    let text = String::from_utf8(bytes).map_err(|_| io::Error::other("it is not UTF-8"))?;
    // Editors put a mark before it and a line end behind it.
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let text = text.strip_suffix('\n').unwrap_or(text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    match text {
        "" => Err(io::Error::other("it is empty")),
        text if text.contains(['\n', '\0']) => Err(io::Error::other("it has more than one line")),
        text => Ok(text.to_owned()),
    }
}
