//! Options as they are written: on the command line of `simulate`, and next to seeds that failed with them (`stored.rs`).

use super::{Faults, Options};

impl Options {
    /// Those that are not the defaults, as they are taken, each with a blank after it.
    pub fn written(&self) -> String {
        let Options { rooms, participants, bridges, acts, faults, nodes, strangers } = *self;
        let usual = Options::default();
        let numbers = [
            ("rooms", u16::from(rooms), u16::from(usual.rooms)),
            ("participants", participants.into(), usual.participants.into()),
            ("bridges", bridges.into(), usual.bridges.into()),
            ("nodes", nodes.into(), usual.nodes.into()),
            ("acts", acts, usual.acts),
        ];
        let others = numbers.iter().filter(|(_, own, usual)| own != usual);
        let mut text: String = others.map(|(name, own, _)| format!("--{name} {own} ")).collect();
        if strangers {
            text += "--strangers ";
        }
        if faults != usual.faults {
            text += &format!("--faults {} ", faults.written());
        }
        text
    }

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
}

impl Faults {
    fn written(&self) -> String {
        let Faults { server, bridges, hostile, panics } = *self;
        let kinds = [(server, "server"), (bridges, "bridges"), (hostile, "hostile"), (panics, "panics")];
        let some: Vec<&str> = kinds.iter().filter(|(there, _)| *there).map(|(_, name)| *name).collect();
        if some.is_empty() { "none".into() } else { some.join(",") }
    }

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
