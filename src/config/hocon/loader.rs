//! Files and their includes, within limits.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::cursor::Cursor;
use super::json::Json;
use super::limits;
use super::parser::{Parser, from_properties};
use super::raw::{Fields, Raw, RawNode, Tree};
use crate::config::problem::{Origin, Problem};
use crate::config::properties;
use crate::config::report::masked;

/// A file that was looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileRead {
    pub path: PathBuf,
    /// An include that is not there is no problem (docker's default file has one), but it is said.
    pub found: bool,
    /// Where the include stands; None for the file the person named.
    pub included_at: Option<Origin>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum IncludeKind {
    /// `include "x"`: beside the including file.
    Beside,
    /// `include file("x")`: relative to the working directory.
    File,
    /// `url(…)`, `classpath(…)`: not ours to fetch.
    Elsewhere,
}

#[derive(Debug)]
pub(super) struct Include {
    pub(super) name: String,
    pub(super) kind: IncludeKind,
    pub(super) required: bool,
    pub(super) origin: Origin,
}

#[derive(Debug, Default)]
pub struct Loader {
    tree: Tree,
    files: Vec<FileRead>,
    problems: Vec<Problem>,
    bytes: u64,
    /// The file being read and those that include it, as their canonical paths.
    open: Vec<PathBuf>,
}

impl Loader {
    pub fn new(tree: Tree) -> Loader {
        Loader { tree, ..Loader::default() }
    }

    /// Reads the file a person named, and what it includes, on top of what is there.
    pub fn load(&mut self, path: &Path) {
        let outcome = self.read_file(path, None, Vec::new(), 0);
        match outcome {
            Ok(Some(fields)) => self.tree.root.absorb(fields),
            Ok(None) => self.problems.push(
                Problem::error(
                    "there is no such file; create it, or name another with --config FILE or -Dconfig.file=FILE",
                )
                .at(Origin::whole_file(&path.display().to_string())),
            ),
            Err(problem) => self.problems.push(problem),
        }
    }

    /// Text that is no file, for tests.
    #[cfg(test)]
    pub(super) fn load_text(&mut self, name: &str, text: &str) {
        let name: Arc<str> = name.into();
        match self.parse(&name, text.as_bytes(), "conf", Vec::new(), 0) {
            Ok(fields) => self.tree.root.absorb(fields),
            Err(problem) => self.problems.push(problem),
        }
    }

    #[cfg(test)]
    pub(super) fn files_so_far(&self) -> Vec<FileRead> {
        self.files.clone()
    }

    pub fn finish(self) -> (Tree, Vec<FileRead>, Vec<Problem>) {
        (self.tree, self.files, self.problems)
    }

    /// Tells what hinders nothing.
    pub(super) fn warn(&mut self, problem: Problem) {
        if self.problems.len() < limits::PROBLEMS {
            self.problems.push(problem);
        }
    }

    pub(super) fn numbers(&mut self) -> &mut u32 {
        &mut self.tree.definitions
    }

    /// What an include statement includes; nothing if the file is not there and need not be.
    pub(super) fn include(&mut self, include: Include, path: Vec<String>, depth: usize) -> Result<Fields, Problem> {
        let fail = |text: String| Err(Problem::error(text).at(include.origin.clone()));
        if self.open.len() >= limits::INCLUDE_DEPTH {
            return fail(format!("more than {} files include each other; remove an include", limits::INCLUDE_DEPTH));
        }
        if include.kind == IncludeKind::Elsewhere {
            let text = format!("{:?} is neither fetched nor searched for; include a file", masked(&include.name));
            self.problems.push(Problem::warning(text).at(include.origin.clone()));
        }
        let mut fields = Fields::default();
        let mut found = false;
        for candidate in self.candidates(&include) {
            match self.read_file(&candidate, Some(&include.origin), path.clone(), depth) {
                Ok(Some(more)) => {
                    found = true;
                    fields.absorb(more);
                }
                Ok(None) => {}
                Err(problem) => {
                    // Told, and the rest of the including file is read for further problems.
                    found = true;
                    self.problems.push(problem);
                }
            }
        }
        if !found && let Some(text) = self.not_looked_for(&include) {
            self.warn(Problem::warning(text).at(include.origin.clone()));
        }
        if !found && include.required {
            return fail(format!(
                "the required include {:?} is not there; create it, or remove `required`",
                masked(&include.name)
            ));
        }
        Ok(fields)
    }

    /// Why nothing was found that the person may see there.
    fn not_looked_for(&self, include: &Include) -> Option<String> {
        let path = self.named(include)?;
        if include.name.contains(['*', '?']) {
            return Some(
                "no pattern is searched for, so nothing is included; include each file by its name".to_owned(),
            );
        }
        let there = !has_known_extension(&path) && path.exists();
        there.then(|| {
            format!("{} is there, but only .conf, .json, .properties and .toml are included; rename it", path.display())
        })
    }

    /// The path that an include statement names.
    fn named(&self, include: &Include) -> Option<PathBuf> {
        let name = Path::new(&include.name);
        match include.kind {
            IncludeKind::Elsewhere => None,
            IncludeKind::File => Some(name.to_owned()),
            IncludeKind::Beside => Some(match self.open.last().and_then(|file| file.parent()) {
                Some(directory) => directory.join(name),
                None => name.to_owned(),
            }),
        }
    }

    /// The files that a name may mean, weakest first.
    fn candidates(&self, include: &Include) -> Vec<PathBuf> {
        let Some(path) = self.named(include) else { return Vec::new() };
        if has_known_extension(&path) {
            return vec![path];
        }
        let with = |extension: &str| {
            let mut name = path.clone().into_os_string();
            name.push(extension);
            PathBuf::from(name)
        };
        vec![with(".properties"), with(".json"), with(".conf")]
    }

    /// None: there is no such file.
    fn read_file(
        &mut self,
        path: &Path,
        included_at: Option<&Origin>,
        prefix: Vec<String>,
        depth: usize,
    ) -> Result<Option<Fields>, Problem> {
        let shown: Arc<str> = path.display().to_string().into();
        // Said of the include statement if there is one: that is what a person can change.
        let fail = |text: String| match included_at {
            Some(origin) => Problem::error(format!("{shown}: {text}")).at(origin.clone()),
            None => Problem::error(text).at(Origin::whole_file(&shown)),
        };
        if self.files.len() >= limits::FILES {
            return Err(fail(format!("more than {} files are included; remove some", limits::FILES)));
        }
        let bytes = match self.read_bytes(path) {
            Ok(bytes) => bytes,
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                self.files.push(FileRead { path: path.into(), found: false, included_at: included_at.cloned() });
                return Ok(None);
            }
            Err(error) => return Err(fail(format!("cannot be read ({error}); name a readable file"))),
        };
        self.files.push(FileRead { path: path.into(), found: true, included_at: included_at.cloned() });
        let canonical = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        if self.open.contains(&canonical) {
            // The file being read stands in the message already.
            let others = self.open.iter().rev().take_while(|open| **open != canonical).skip(1);
            let by: Vec<String> = others.map(|open| open.display().to_string()).collect();
            let text = match (by.as_slice(), self.open.last() == Some(&canonical)) {
                (_, true) => "includes itself here, so that it has no end; remove this include".to_owned(),
                ([], _) => {
                    "includes this file, which includes it again here, so that there is no end; remove one of the two \
                            includes"
                        .to_owned()
                }
                (by, _) => format!(
                    "includes this file by way of {}, and is included again here, so that there is no end; remove one of the \
                     includes",
                    by.iter().rev().cloned().collect::<Vec<_>>().join(", ")
                ),
            };
            return Err(fail(text));
        }
        self.open.push(canonical);
        let extension = path.extension().and_then(|e| e.to_str()).unwrap_or("conf").to_ascii_lowercase();
        let fields = self.parse(&shown, &bytes, &extension, prefix, depth);
        self.open.pop();
        fields.map(Some)
    }

    fn read_bytes(&mut self, path: &Path) -> io::Result<Vec<u8>> {
        let metadata = path.metadata()?;
        if !metadata.is_file() {
            // A pipe would make the start wait for ever, a device never end.
            let what = if metadata.is_dir() { "it is a directory" } else { "it is not a regular file" };
            return Err(io::Error::other(what));
        }
        let left = limits::BYTES.saturating_sub(self.bytes);
        let mut bytes = Vec::new();
        File::open(path)?.take(left + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > left {
            let limit = limits::BYTES >> 20;
            return Err(io::Error::other(format!("more than {limit} MiB in all, which is no configuration")));
        }
        self.bytes += bytes.len() as u64;
        Ok(bytes)
    }

    fn parse(
        &mut self,
        name: &Arc<str>,
        bytes: &[u8],
        extension: &str,
        prefix: Vec<String>,
        depth: usize,
    ) -> Result<Fields, Problem> {
        if extension == "toml" {
            return match RawNode::from(crate::config::toml::read(name, bytes)?).raw {
                Raw::Object(fields) => Ok(fields),
                _ => Ok(Fields::default()),
            };
        }
        if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
            let origin = Origin::file(name, 1, 1);
            return Err(Problem::error("the file is UTF-16; save it as UTF-8").at(origin));
        }
        let text = String::from_utf8_lossy(bytes);
        let lossy = matches!(text, std::borrow::Cow::Owned(_));
        if extension == "properties" {
            let parsed = properties::parse(&text);
            self.problems.extend(parsed.mistakes.into_iter().map(|mistake| mistake.error(name)));
            let (fields, problems) = from_properties(parsed.entries, name, lossy, &mut self.tree.definitions);
            self.problems.extend(problems);
            return Ok(fields);
        }
        let cursor = Cursor::new(name, &text, lossy);
        let fields = match extension {
            "json" => Json::new(cursor, &mut self.tree.definitions, prefix, depth).file(),
            _ => Parser::new(cursor, self, prefix, depth).file(),
        };
        let fields = fields.map_err(|mut problem| {
            if text.contains('\r') && !text.contains('\n') {
                problem.text.push_str("; all of the file is one line, as its lines end in CR alone: save it with LF");
            }
            problem
        })?;
        if lossy {
            let text = "the file is not UTF-8, in comments only; save it as UTF-8";
            self.problems.push(Problem::warning(text).at(Origin::whole_file(name)));
        }
        Ok(fields)
    }
}

fn has_known_extension(path: &Path) -> bool {
    path.extension().is_some_and(|e| e == "conf" || e == "json" || e == "properties" || e == "toml")
}
