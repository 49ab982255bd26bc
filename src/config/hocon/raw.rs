//! What files say before substitutions are looked up: every definition of a key, in the order of writing.

use std::collections::HashSet;

use indexmap::IndexMap;

use super::node::{Node, Value};
use crate::config::problem::Origin;

/// Definitions from any number of files and other sources; later ones win.
#[derive(Debug, Default)]
pub struct Tree {
    pub(super) root: Fields,
    /// Gives each definition its number.
    pub(super) definitions: u32,
}

#[derive(Debug, Default)]
pub(super) struct Fields {
    pub(super) slots: IndexMap<String, Vec<Definition>>,
}

/// One `key = value`. The number tells, while resolving, which definitions are being resolved right now: a substitution that
/// comes back to one of them means the value before it (spec/70 §2, self reference).
#[derive(Debug)]
pub(super) struct Definition {
    pub(super) number: u32,
    pub(super) node: RawNode,
}

#[derive(Debug)]
pub(super) struct RawNode {
    pub(super) raw: Raw,
    pub(super) origin: Origin,
}

#[derive(Debug)]
pub(super) enum Raw {
    Null,
    Text {
        text: String,
        quoted: bool,
    },
    List(Vec<RawNode>),
    Object(Fields),
    Substitution(Substitution),
    /// Parts beside each other; blanks between them are parts too.
    Join(Vec<RawNode>),
    Blank(String),
    /// `key += element`
    Append(Box<RawNode>),
}

#[derive(Debug, Clone)]
pub(super) struct Substitution {
    pub(super) path: Vec<String>,
    pub(super) optional: bool,
    /// Where the file was included: its own names are looked up below that first.
    pub(super) below: Vec<String>,
}

impl Fields {
    /// Adds a definition; objects written one after the other become one.
    pub(super) fn define(&mut self, key: String, definition: Definition) {
        let slot = self.slots.entry(key).or_default();
        let RawNode { raw: Raw::Object(more), origin } = definition.node else {
            slot.push(definition);
            return;
        };
        if let Some(Definition { node: RawNode { raw: Raw::Object(fields), origin: last }, .. }) = slot.last_mut() {
            // Who speaks last is asked: over a default it is a person. A variable adds to a section, which stays where it is.
            if !matches!((&*last, &origin), (Origin::File { .. }, Origin::Environment(_))) {
                *last = origin;
            }
            fields.absorb(more);
        } else {
            let node = RawNode { raw: Raw::Object(more), origin };
            slot.push(Definition { number: definition.number, node });
        }
    }

    pub(super) fn absorb(&mut self, more: Fields) {
        for (key, definitions) in more.slots {
            for definition in definitions {
                self.define(key.clone(), definition);
            }
        }
    }

    /// `a.b.c = value`
    pub(super) fn define_path(&mut self, path: &[String], node: RawNode, numbers: &mut u32) {
        let Some((key, outer)) = path.split_last() else { return };
        let origin = node.origin.clone();
        *numbers += 1;
        let mut fields = Fields::default();
        fields.define(key.clone(), Definition { number: *numbers, node });
        let mut path = outer;
        while let Some((key, outer)) = path.split_last() {
            *numbers += 1;
            let node = RawNode { raw: Raw::Object(fields), origin: origin.clone() };
            fields = Fields::default();
            fields.define(key.clone(), Definition { number: *numbers, node });
            path = outer;
        }
        self.absorb(fields);
    }
}

impl Tree {
    /// One value from a source that is no HOCON file. Weaker than everything that is added later.
    pub fn define(&mut self, path: &[String], node: Node) {
        let node = RawNode::from(node);
        self.root.define_path(path, node, &mut self.definitions);
    }

    /// The names at the root that substitutions refer to. Nothing else need read what stands there.
    pub fn referenced(&self) -> HashSet<String> {
        let mut names = HashSet::new();
        self.root.references(&mut names);
        names
    }
}

impl Fields {
    fn references(&self, names: &mut HashSet<String>) {
        for definition in self.slots.values().flatten() {
            definition.node.raw.references(names);
        }
    }
}

impl Raw {
    /// Depth is bounded by the parser.
    fn references(&self, names: &mut HashSet<String>) {
        match self {
            Raw::Null | Raw::Text { .. } | Raw::Blank(_) => {}
            Raw::List(nodes) | Raw::Join(nodes) => nodes.iter().for_each(|node| node.raw.references(names)),
            Raw::Object(fields) => fields.references(names),
            Raw::Append(node) => node.raw.references(names),
            Raw::Substitution(substitution) => {
                // Of an included file, its own names may be meant, or those of the whole.
                names.extend(
                    [&substitution.path, &substitution.below].into_iter().filter_map(|path| path.first()).cloned(),
                );
            }
        }
    }
}

impl From<Node> for RawNode {
    fn from(node: Node) -> RawNode {
        let raw = match node.value {
            Value::Null | Value::Broken => Raw::Null,
            Value::Text { text, quoted } => Raw::Text { text, quoted },
            Value::List(elements) => Raw::List(elements.into_iter().map(RawNode::from).collect()),
            Value::Object(object) => {
                let mut fields = Fields::default();
                for (key, node) in object {
                    fields.define(key, Definition { number: 0, node: RawNode::from(node) });
                }
                Raw::Object(fields)
            }
        };
        RawNode { raw, origin: node.origin }
    }
}
