//! Seeds that are kept (`testkit/seeds`): each with its options, a digest of the plan that it means, and why it is there.

use super::{Options, Plan};

/// Seeds that failed once.
const SEEDS: &str = include_str!("../../seeds");

/// A seed that is kept.
#[derive(Debug, Clone, Copy)]
pub struct Stored {
    pub seed: u64,
    pub options: Options,
    /// Of the plan that the seed meant when it was kept.
    pub digest: u32,
}

impl Stored {
    /// All of them, and what is wrong with what is written.
    pub fn all() -> Result<Vec<Stored>, String> {
        SEEDS.lines().filter_map(|line| Stored::of_line(line).transpose()).collect()
    }

    /// A seed, the options with which it failed, and a digest: `71261 --participants 12 --nodes 1 =0b1c2d3e what it was`.
    /// What follows says why; None for a line that is only a comment, or empty.
    fn of_line(line: &str) -> Result<Option<Stored>, String> {
        let mut words = line.split_whitespace().peekable();
        let Some(first) = words.next().filter(|word| !word.starts_with('#')) else { return Ok(None) };
        let seed = first.parse().map_err(|_| format!("'{first}' is no seed"))?;
        let mut options = Options::default();
        while let Some(name) = words.next_if(|word| word.starts_with("--")) {
            if !options.take(name, || words.next())? {
                return Err(format!("unknown option {name} of seed {seed}"));
            }
        }
        let digest = words.next().and_then(|word| u32::from_str_radix(word.strip_prefix('=')?, 16).ok());
        let Some(digest) = digest else {
            let digest = Plan::of(seed, &options).digest();
            return Err(format!("seed {seed} lacks the digest of the plan that it means: ={digest:08x}"));
        };
        Ok(Some(Stored { seed, options, digest }))
    }

    /// What it means, if that is what it meant.
    pub fn plan(&self) -> Result<Plan, String> {
        let Stored { seed, options, digest } = *self;
        let plan = Plan::of(seed, &options);
        let now = plan.digest();
        if now == digest {
            return Ok(plan);
        }
        Err(format!(
            "seed {seed} meant the plan ={digest:08x}, and means ={now:08x}: the draws have changed, and it plays another life. \
             Write down what it meant as acts, with the draws of before (a failing `simulate` prints a plan as Rust; \
             testkit/tests/plans has those that were), and take its line out of testkit/seeds; or draw what is new apart, \
             so that no plan changes. If only names or the form of plans have changed, write ={now:08x}."
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::Stored;
    use crate::simulation::{Faults, Options};

    #[test]
    fn seeds_carry_options_and_digests() {
        let told = |it: Stored| (it.seed, format!("{:?}", it.options), it.digest);
        let read = |line| Stored::of_line(line).map(|read| read.map(told));
        let kept = |seed, options: Options, digest| Ok(Some((seed, format!("{options:?}"), digest)));
        assert_eq!(read("# seeds"), Ok(None));
        assert_eq!(read(""), Ok(None));
        assert_eq!(read("7 =0000001f why --nodes"), kept(7, Options::default(), 0x1f));
        let options = Options { participants: 12, nodes: 1, strangers: true, ..Options::default() };
        assert_eq!(read("71261 --participants 12 --strangers --nodes 1 =2 why"), kept(71261, options, 2));
        let options = Options { faults: Faults { server: true, ..Faults::NONE }, acts: 300, ..Options::default() };
        assert_eq!(read("8 --faults server --acts 300 =3"), kept(8, options, 3));
        for (line, words) in [
            ("seven", "'seven' is no seed"),
            ("7 --nodes", "--nodes lacks its value"),
            ("7 --nodes 300", "--nodes 300 is no number, or too large"),
            ("7 --threads 2", "unknown option --threads of seed 7"),
            ("7 --faults rain", "no faults of kind 'rain'"),
        ] {
            assert_eq!(read(line), Err(words.to_owned()));
        }
        assert!(
            read("7 why").is_err_and(|wrong| wrong.starts_with("seed 7 lacks the digest of the plan that it means: ="))
        );
    }

    #[test]
    fn what_a_seed_means_is_not_changed_unseen() {
        let wrong: Vec<String> =
            Stored::all().expect("seeds").iter().filter_map(|stored| stored.plan().err()).collect();
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        let other = Stored { seed: 7, options: Options::default(), digest: 0 };
        assert!(other.plan().is_err_and(|wrong| wrong.contains("the draws have changed")));
    }
}
