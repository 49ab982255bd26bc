//! Options as they are written: on the command line of `simulate`, and next to seeds that failed with them.

use super::{Faults, Options};

impl Options {
    /// Takes the option of that name, with its value if it has one. False: it is none of these.
    pub fn take<'a>(&mut self, name: &str, value: impl FnOnce() -> Option<&'a str>) -> Result<bool, String> {
        if name == "--strangers" {
            self.strangers = true;
            return Ok(true);
        }
        if !["--rooms", "--participants", "--bridges", "--nodes", "--acts", "--faults"].contains(&name) {
            return Ok(false);
        }
        let value = value().ok_or_else(|| format!("{name} lacks its value"))?;
        let wrong = || format!("{name} {value} is no number, or too large");
        let small = || value.parse::<u8>().map_err(|_| wrong());
        match name {
            "--rooms" => self.rooms = small()?,
            "--participants" => self.participants = small()?,
            "--bridges" => self.bridges = small()?,
            "--nodes" => self.nodes = small()?,
            "--acts" => self.acts = value.parse().map_err(|_| wrong())?,
            _ => self.faults = Faults::read(value)?,
        }
        Ok(true)
    }

    /// A seed and the options with which it failed: `71261 --participants 12 --nodes 1 what it was`. What follows the options
    /// says why; None for a line that is only a comment, or empty.
    pub fn of_line(line: &str) -> Result<Option<(u64, Options)>, String> {
        let mut words = line.split_whitespace().peekable();
        let Some(first) = words.next().filter(|word| !word.starts_with('#')) else { return Ok(None) };
        let seed = first.parse().map_err(|_| format!("'{first}' is no seed"))?;
        let mut options = Options::default();
        while let Some(name) = words.next_if(|word| word.starts_with("--")) {
            if !options.take(name, || words.next())? {
                return Err(format!("unknown option {name} of seed {seed}"));
            }
        }
        Ok(Some((seed, options)))
    }
}

impl Faults {
    /// `all`, `none`, or some of `server`, `bridges`, `hostile`, `panics`, with commas between them.
    pub fn read(text: &str) -> Result<Faults, String> {
        let mut faults = Faults::NONE;
        for kind in text.split(',') {
            match kind {
                "all" => faults = Faults::ALL,
                "none" => {}
                "server" => faults.server = true,
                "bridges" => faults.bridges = true,
                "hostile" => faults.hostile = true,
                "panics" => faults.panics = true,
                _ => return Err(format!("no faults of kind '{kind}'")),
            }
        }
        Ok(faults)
    }
}

#[cfg(test)]
mod tests {
    use super::{Faults, Options};

    #[test]
    fn seeds_carry_options() {
        let read = |line| Options::of_line(line).map(|read| read.map(|(seed, options)| (seed, format!("{options:?}"))));
        let told = |seed, options: Options| Ok(Some((seed, format!("{options:?}"))));
        assert_eq!(read("# seeds"), Ok(None));
        assert_eq!(read(""), Ok(None));
        assert_eq!(read("7 why --nodes"), told(7, Options::default()));
        let options = Options { participants: 12, nodes: 1, strangers: true, ..Options::default() };
        assert_eq!(read("71261 --participants 12 --strangers --nodes 1 why"), told(71261, options));
        let options = Options { faults: Faults { server: true, ..Faults::NONE }, acts: 300, ..Options::default() };
        assert_eq!(read("8 --faults server --acts 300"), told(8, options));
        for (line, words) in [
            ("seven", "'seven' is no seed"),
            ("7 --nodes", "--nodes lacks its value"),
            ("7 --nodes 300", "--nodes 300 is no number, or too large"),
            ("7 --threads 2", "unknown option --threads of seed 7"),
            ("7 --faults rain", "no faults of kind 'rain'"),
        ] {
            assert_eq!(read(line), Err(words.to_owned()));
        }
    }
}
