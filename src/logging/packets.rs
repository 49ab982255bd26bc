//! The packet log: a file of its own for what goes over the wire, as the original's `XmppPacketsFileHandler` writes it
//! (spec/80 §8).

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::PathBuf;

/// What `logging.properties` says about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PacketFile {
    /// Java's: `%g` is the generation, `%h` the home folder, `%t` that of temporary files, `%u` 0, `%%` a percent sign.
    pub(super) pattern: String,
    /// In bytes, of one file; 0: none.
    pub(super) limit: u64,
    /// Generations, the newest included; at least 1.
    pub(super) count: u32,
    /// Go on with what is there; otherwise it becomes the second generation.
    pub(super) append: bool,
}

impl PacketFile {
    pub(super) fn path(&self, generation: u32) -> PathBuf {
        let folder = |name: &str, otherwise: &str| std::env::var(name).unwrap_or_else(|_| otherwise.to_owned());
        let mut path = String::new();
        let mut numbered = false;
        let mut chars = self.pattern.chars();
        while let Some(c) = chars.next() {
            if c != '%' {
                path.push(c);
                continue;
            }
            match chars.next() {
                Some('g') => {
                    numbered = true;
                    path.push_str(&generation.to_string());
                }
                Some('h') => path.push_str(&folder("HOME", "/")),
                Some('t') => path.push_str(&folder("TMPDIR", "/tmp")),
                Some('u') => path.push('0'),
                Some('%') | None => path.push('%'),
                Some(other) => path.extend(['%', other]),
            }
        }
        if self.count > 1 && !numbered {
            path.push_str(&format!(".{generation}"));
        }
        path.into()
    }
}

/// The open file.
#[derive(Debug)]
pub(super) struct Packets {
    settings: PacketFile,
    file: File,
    size: u64,
}

impl Packets {
    pub(super) fn open(settings: PacketFile) -> io::Result<Packets> {
        if !settings.append {
            shift(&settings)?;
        }
        let file = OpenOptions::new().create(true).append(true).open(settings.path(0))?;
        let size = file.metadata()?.len();
        Ok(Packets { settings, file, size })
    }

    /// One packet, one line. A file that would become too large is followed by a new one first.
    pub(super) fn write(&mut self, line: &str) -> io::Result<()> {
        let length = line.len() as u64;
        if self.settings.limit > 0 && self.size > 0 && self.size + length > self.settings.limit {
            shift(&self.settings)?;
            self.file = OpenOptions::new().create(true).append(true).open(self.settings.path(0))?;
            self.size = 0;
        }
        self.file.write_all(line.as_bytes())?;
        self.size += length;
        Ok(())
    }
}

/// Makes room for a new first generation.
fn shift(settings: &PacketFile) -> io::Result<()> {
    let missing_is_fine = |result: io::Result<()>| match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    };
    for generation in (1..settings.count).rev() {
        missing_is_fine(fs::rename(settings.path(generation - 1), settings.path(generation)))?;
    }
    if settings.count == 1 {
        missing_is_fine(fs::remove_file(settings.path(0)))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Folder {
            let path = std::env::temp_dir().join(format!("jicofo-packets-{name}-{}", std::process::id()));
            // What an earlier process with our id has left.
            let _ = fs::remove_dir_all(&path);
            fs::create_dir(&path).expect("the temporary folder can be written");
            Folder(path)
        }

        fn settings(&self, name: &str, limit: u64, count: u32, append: bool) -> PacketFile {
            PacketFile { pattern: self.0.join(name).display().to_string(), limit, count, append }
        }

        fn files(&self) -> Vec<(String, String)> {
            let entries = fs::read_dir(&self.0).expect("it is there").flatten();
            let mut files: Vec<_> = entries
                .map(|entry| {
                    let text = fs::read_to_string(entry.path()).expect("it can be read");
                    (entry.file_name().to_string_lossy().into_owned(), text)
                })
                .collect();
            files.sort();
            files
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[track_caller]
    fn are(folder: &Folder, expected: &[(&str, &str)]) {
        let expected: Vec<_> = expected.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        assert_eq!(folder.files(), expected);
    }

    #[test]
    fn the_newest_generation_is_0_and_the_oldest_is_dropped() {
        let folder = Folder::new("rotate");
        let mut packets = Packets::open(folder.settings("p.log", 10, 3, true)).expect("it can be opened");
        for line in ["1234\n", "5678\n", "b\n", "cccccccccccccc\n", "d\n", "e\n"] {
            packets.write(line).expect("it can be written");
        }
        are(&folder, &[("p.log.0", "d\ne\n"), ("p.log.1", "cccccccccccccc\n"), ("p.log.2", "b\n")]);
    }

    #[test]
    fn one_file_has_no_number_and_begins_anew() {
        let folder = Folder::new("one");
        let mut packets = Packets::open(folder.settings("p.log", 4, 1, true)).expect("it can be opened");
        for line in ["ab\n", "cd\n"] {
            packets.write(line).expect("it can be written");
        }
        are(&folder, &[("p.log", "cd\n")]);
    }

    #[test]
    fn a_new_start_goes_on_or_begins_anew_as_configured() {
        let folder = Folder::new("append");
        for (append, line) in [(true, "a\n"), (true, "b\n"), (false, "c\n")] {
            let mut packets = Packets::open(folder.settings("p%g.log", 0, 2, append)).expect("it can be opened");
            packets.write(line).expect("it can be written");
        }
        are(&folder, &[("p0.log", "c\n"), ("p1.log", "a\nb\n")]);
    }
}
