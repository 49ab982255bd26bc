//! Which visitor node a visitor is sent to (spec/60 §6.6).

use crate::focus::NodeId;

/// A node, as a conference sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate {
    pub node: NodeId,
    /// We are logged in there.
    pub up: bool,
    /// How many visitors the conference has there, or has sent there. None: it does not use the node yet.
    pub load: Option<usize>,
}

/// Why it is this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    LeastLoaded,
    /// All that are in use are full.
    Unused,
    /// There is no other.
    Full,
}

impl Why {
    pub fn words(self) -> &'static str {
        match self {
            Why::LeastLoaded => "sent to the node with the fewest visitors of those in use",
            Why::Unused => "sent to a node that was not in use yet",
            Why::Full => "sent to a full node: there is no other",
        }
    }
}

/// The least loaded node in use, if there is room on it; else an unused one at random, else the least loaded one. Only nodes
/// that are up. `random` gives a number below its argument.
pub fn select(candidates: &[Candidate], max: usize, random: impl FnOnce(usize) -> usize) -> Option<(NodeId, Why)> {
    let up = || candidates.iter().filter(|it| it.up);
    let used = up().filter_map(|it| Some((it.load?, it.node))).min();
    let unused: Vec<NodeId> = up().filter(|it| it.load.is_none()).map(|it| it.node).collect();
    match used {
        Some((load, node)) if load < max => Some((node, Why::LeastLoaded)),
        _ if !unused.is_empty() => Some((unused[random(unused.len())], Why::Unused)),
        Some((_, node)) => Some((node, Why::Full)),
        None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(node: u16, up: bool, load: Option<usize>) -> Candidate {
        Candidate { node: NodeId(node), up, load }
    }

    #[test]
    fn a_node_is_filled_before_another_is_begun_and_none_that_is_down_is_chosen() {
        let chosen =
            |candidates: &[Candidate]| select(candidates, 2, |below| below - 1).map(|(node, why)| (node.0, why));
        let table = [
            (vec![], None),
            (vec![node(0, false, None)], None),
            (vec![node(0, true, None), node(1, true, None)], Some((1, Why::Unused))),
            (vec![node(0, true, Some(1)), node(1, true, None)], Some((0, Why::LeastLoaded))),
            (vec![node(0, true, Some(1)), node(1, true, Some(0))], Some((1, Why::LeastLoaded))),
            (vec![node(0, true, Some(1)), node(1, true, Some(1))], Some((0, Why::LeastLoaded))),
            (vec![node(0, true, Some(2)), node(1, true, None)], Some((1, Why::Unused))),
            (vec![node(0, true, Some(2)), node(1, false, None)], Some((0, Why::Full))),
            (vec![node(0, true, Some(3)), node(1, true, Some(2))], Some((1, Why::Full))),
            (vec![node(0, false, Some(0)), node(1, true, Some(5))], Some((1, Why::Full))),
            (vec![node(0, false, Some(0)), node(1, false, Some(0))], None),
        ];
        for (candidates, expected) in table {
            assert_eq!(chosen(&candidates), expected, "{candidates:?}");
        }
    }
}
