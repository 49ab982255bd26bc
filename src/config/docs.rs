//! docs/CONFIGURATION.md, made from the schema. `jicofo config-docs` prints it; a test fails when the page is stale.

use super::legacy::How;
use super::schema::{Bad, KEYS, Key, RETIRED};
use super::sources::{FLAGS, SECRET_VARIABLES};

const HEAD: &str = "\
# Configuration

<!-- Made from src/config/keys/: `UPDATE=1 cargo test -p jicofo configuration_page` writes it anew. -->

Every key, its type, its default, and what it does. `jicofo check-config` (with the flags and the environment of a start)
prints every problem of a configuration, and the value of each key with where it comes from.

## Where values come from

From the strongest to the weakest:

1. Classic flags (`--host=…`, see below); where the flag for a secret is blank, its environment variable.
2. The environment: `JICOFO__XMPP__CLIENT__PORT=5223` is `jicofo.xmpp.client.port`, and so for every key. Two underscores stand
   for the dot, one for the dash, `JICOFO__TRACING__…` is `tracing.…`. Lists and objects are written as JSON, a list of
   domains also with commas.
3. `sip-communicator.properties` in the folder that `net.java.sip.communicator.SC_HOME_DIR_LOCATION` and `…_NAME` name.
4. The same legacy names as `-Dname=value` in `JAVA_SYS_PROPS`.
5. The file: `--config FILE`, else `-Dconfig.file=FILE` in `JAVA_SYS_PROPS`, else `/etc/jitsi/jicofo/jicofo.conf`, else
   `jicofo.toml` there. It is HOCON (`.conf`) with its includes, JSON (`.json`), TOML (`.toml`) or Java properties
   (`.properties`).
6. Without classic flags: `JICOFO_SECRET` and `JICOFO_AUTH_PASSWORD`. The original did not read them then, so a file that
   says otherwise wins.
7. `-Djicofo.key=value` in `JAVA_SYS_PROPS`, which takes along a default that is the same setting: `username` that of `resource`,
   `sctp.enabled` that of `octo.sctp-datachannels`, `max-ssrcs-per-user` that of `max-ssrc-groups-per-user`.
8. The defaults below.

Everything is read once, at the start.

## Secrets in files

Beside each password there is `password-file`, beside the component secret `secret-file`: a file that holds nothing but the
secret, on one line. `JICOFO_AUTH_PASSWORD_FILE` and `JICOFO_SECRET_FILE` name such files as containers do. If a secret is given
in both ways, the stronger source counts; if they are equally strong, the start is refused.

## What happens to mistakes

All problems are reported at once, as `file:line:column: key: problem; what to do`. The program does not start (exit code 78)
if there is an error among them: a file that cannot be read, a required key that is missing, a wrong value of a key marked
**!** below (of some only if what they belong to is switched on). All else is a warning, and the program starts: of other keys
a wrong value counts for nothing, and the default is used. A key that does not exist is a warning that names the most similar
one; keys of older versions are passed over in silence.

With `--format json` it is one object: `valid`, `complete` (could all files be read? if not, there are no values), `problems`
(each with `severity`, `file`, `line`, `column`, or another `origin`, `key`, `text`), `files`, and `values` by key, each with its
`origin`.

## From an old installation to one file

`jicofo migrate` (with the flags and the environment of a start, `--environment-file /etc/jitsi/jicofo/config` for the variables
of old init scripts) prints one commented file that means the same, secrets included; `--format toml` for TOML, `--output FILE`
to write it where others cannot read it. Such a file of variables is read as a shell reads it as far as assignments go, with
quotes, `${NAME:-word}`, `;` and lines that go on behind a backslash; whatever would run a command is refused with its place.
What `${NAME}` in a configuration stands for is written as it is at that time.

## Writing values

A duration is a number with a unit (`ns us ms s m h d`, or their names: `15 seconds`); without a unit it is milliseconds. A
bool is `true`, `false`, `yes`, `no`, `on` or `off`. A host is a name or an address, without a port. Numbers, bools and durations may be quoted. Values with `@`, `:`, `=` or
`#` must be in double quotes; inside them `\\\"` is a quote and `\\\\` a backslash. `${NAME}` is another key or an environment
variable, `${?NAME}` one that may be missing. `null` hides a default. A `*` in a
path below is a name of your choice.

";

/// The whole page.
pub fn page() -> String {
    let mut page = HEAD.to_owned();
    page.push_str(&flags());
    let mut section = "";
    for key in KEYS {
        let here = section_of(key.path);
        if here != section {
            section = here;
            page.push_str(&format!("\n## `{section}`\n\n| Key | Type | Default | What it does |\n|---|---|---|---|\n"));
        }
        page.push_str(&row(key, section));
    }
    page.push_str(&legacy_names());
    page.push_str("\n## Keys of older versions\n\nThey have no effect, and nothing is said about them:\n\n");
    for retired in RETIRED {
        page.push_str(&format!("- `{retired}`\n"));
    }
    page
}

fn flags() -> String {
    let mut out = "## Classic flags\n\n\
        Written `--name=value`, `-name=value` or `name=value`, with `_` or `-` inside; the last of a kind that is not blank \
        counts, unknown arguments are warned about, and what is like a command or an option of ours is refused. With any of them the start is a classic one: no file is needed.\n\n\
        | Flag | Key | Meaning |\n|---|---|---|\n"
        .to_owned();
    for declaration in FLAGS {
        let names = join(declaration.names.iter().map(|name| format!("`--{name}`")));
        let keys = join(declaration.keys.iter().map(|key| format!("`{key}`")));
        out.push_str(&format!("| {names} | {keys} | {} |\n", declaration.about));
    }
    let variables = join(SECRET_VARIABLES.iter().map(|(_, variable)| format!("`{variable}`")));
    out.push_str(&format!("\nThe values of flags can be seen in `ps`. Secrets belong in a file or in {variables}.\n"));
    out
}

/// `jicofo.codec`, `jicofo.xmpp.client`, `tracing`: as deep as makes readable tables.
pub(super) fn section_of(path: &'static str) -> &'static str {
    let deep = path.starts_with("jicofo.xmpp.") || path.starts_with("jicofo.codec.");
    let wanted = match (path.starts_with("jicofo."), deep) {
        (false, _) => 1,
        (true, false) => 2,
        (true, true) => 3,
    };
    let dots: Vec<usize> = path.match_indices('.').map(|(at, _)| at).collect();
    let wildcard = path.find(".*").map_or(0, |at| at + 2);
    let end = dots.get(wanted.min(dots.len()) - 1).copied().unwrap_or(path.len());
    &path[..end.max(wildcard)]
}

fn row(key: &Key, section: &str) -> String {
    let name = key.path.strip_prefix(section).map_or(key.path, |rest| rest.trim_start_matches('.'));
    let mut kind = key.kind.describe();
    if let Some(range) = key.kind.range() {
        kind.push_str(&format!(", {range}"));
    }
    let default = match (key.default, key.default_node().map(|node| node.value)) {
        (None, _) => "–".to_owned(),
        (Some(_), Some(super::hocon::Value::List(_))) => "`[]`".to_owned(),
        (Some(_), Some(super::hocon::Value::Object(_))) => "`{}`".to_owned(),
        (Some(text), _) => format!("`{text}`"),
    };
    let refuses = matches!(key.bad, Bad::Refuse | Bad::RefuseIf(_));
    let mark = if refuses { " **!**" } else { "" };
    let waiting = if key.effective { "" } else { " *Not effective yet.*" };
    let secret = if key.secret { " Secret." } else { "" };
    format!("| `{name}`{mark} | {kind} | {default} | {}{secret}{waiting} |\n", key.about)
}

fn legacy_names() -> String {
    let mut out = "\n## Legacy names\n\n\
        In `sip-communicator.properties` or as `-Dname=value`. They beat the file, as they always did. A value that cannot \
        be read is passed over.\n\n| Name | Key | Value |\n|---|---|---|\n"
        .to_owned();
    for key in KEYS {
        for legacy in key.legacy {
            let how = match legacy.how {
                How::Same => "the same",
                How::Bool => "`true` is true, all else false",
                How::NotBool => "inverted: `true` is false, all else true",
                How::Millis => "milliseconds",
                How::MillisIfPositive => "milliseconds; 0 and less leave it as it is",
                How::Seconds => "seconds",
                How::Present => "any value means true",
                How::Positive => "above 0 means true",
                How::MucPrefix => "put before `.` and the xmpp-domain",
                How::AuthEnabled => "`XMPP:domain` or `EXT_JWT:domain` means true, anything else is refused",
                How::AuthType => "`XMPP:…` is XMPP, `EXT_JWT:…` is JWT",
                How::AuthDomain => "what follows the colon",
                How::Ignored => "no effect",
            };
            out.push_str(&format!("| `{}` | `{}` | {how} |\n", legacy.name, key.path));
        }
    }
    out
}

fn join(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join(", ")
}
