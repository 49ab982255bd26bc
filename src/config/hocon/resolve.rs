//! Looks up substitutions (spec/70 §2): in the whole merged tree, then among environment variables.

use std::collections::HashSet;

use super::limits;
use super::node::{Node, Object, Value};
use super::raw::{Definition, Fields, Raw, RawNode, Substitution, Tree};
use crate::config::problem::{Origin, Problem};

/// Reads one environment variable.
pub type Environment<'e> = &'e dyn Fn(&str) -> Variable;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Variable {
    Absent,
    Text(String),
    /// It is set, to bytes that are no UTF-8.
    NotText,
}

impl Tree {
    /// The values of all keys. What cannot be resolved is reported and left [`Value::Broken`].
    pub fn resolve(&self, environment: Environment<'_>) -> (Node, Vec<Problem>) {
        let mut resolver = Resolver {
            root: &self.root,
            environment,
            active: HashSet::new(),
            problems: Vec::new(),
            depth: 0,
            steps: 0,
            joined: 0,
            exhausted: false,
            cycles: 0,
        };
        let root = resolver.object(&self.root);
        let mut problems = resolver.problems;
        problems.dedup();
        (Node::new(Value::Object(root), Origin::Default), problems)
    }
}

struct Resolver<'t, 'e> {
    root: &'t Fields,
    environment: Environment<'e>,
    /// The definitions being resolved right now: looked up from within, they are the value before them.
    active: HashSet<u32>,
    problems: Vec<Problem>,
    depth: usize,
    steps: usize,
    joined: usize,
    /// A limit was met and told. Nothing is resolved after that.
    exhausted: bool,
    /// How often a value was met that is being resolved and has none before it.
    cycles: usize,
}

enum Found {
    /// Nobody says anything about it.
    Absent,
    /// Something that is not an object stands where the path would go through.
    Hidden,
    Value(Node),
}

impl<'t> Resolver<'t, '_> {
    fn object(&mut self, fields: &'t Fields) -> Object {
        let mut object = Object::new();
        for (key, definitions) in &fields.slots {
            if let Found::Value(node) = self.slot(definitions, &[]) {
                object.insert(key.clone(), node);
            }
        }
        object
    }

    /// The value of a key, or of `rest` below it, from its definitions: the last one, over earlier ones if it is an object.
    fn slot(&mut self, definitions: &'t [Definition], rest: &[String]) -> Found {
        if let Some(last) = definitions.get(limits::DEFINITIONS) {
            if !self.exhausted {
                self.exhausted = true;
                let text = format!("the same key more than {} times; this is no configuration", limits::DEFINITIONS);
                self.report(Problem::error(text).at(last.node.origin.clone()));
            }
            return Found::Value(broken(&last.node.origin));
        }
        let visible = definitions.iter().position(|d| self.active.contains(&d.number)).unwrap_or(definitions.len());
        let Some((last, before)) = definitions[..visible].split_last() else {
            self.cycles += usize::from(visible < definitions.len());
            return Found::Absent;
        };
        if self.is_too_much(&last.node.origin) {
            return Found::Value(broken(&last.node.origin));
        }
        self.depth += 1;
        let found = self.definition(last, before, rest);
        self.depth -= 1;
        found
    }

    fn definition(&mut self, last: &'t Definition, before: &'t [Definition], rest: &[String]) -> Found {
        let found = match &last.node.raw {
            Raw::Object(fields) => match rest.split_first() {
                None => Found::Value(Node::new(Value::Object(self.object(fields)), last.node.origin.clone())),
                Some((key, rest)) => match fields.slots.get(key) {
                    Some(definitions) => self.slot(definitions, rest),
                    None => Found::Absent,
                },
            },
            Raw::Null | Raw::Text { .. } if !rest.is_empty() => Found::Hidden,
            _ => {
                let new = self.active.insert(last.number);
                let (cycles, told) = (self.cycles, self.problems.len());
                let value = self.value(&last.node, before);
                if new {
                    self.active.remove(&last.number);
                }
                match value {
                    None => Found::Absent,
                    // In `a = 1`, `b = ${a}`, `a = ${b}2` the second `a` needs `b`: for `b`, it is the first that counts.
                    Some(Node { value: Value::Broken, .. })
                        if self.cycles > cycles && !before.is_empty() && !self.exhausted =>
                    {
                        self.problems.truncate(told);
                        Found::Absent
                    }
                    Some(node) => descend(node, rest),
                }
            }
        };
        match found {
            Found::Absent => self.slot(before, rest),
            Found::Value(node) if node.as_object().is_some() => match self.slot(before, rest) {
                Found::Value(base) if base.as_object().is_some() => Found::Value(base.merge(node)),
                _ => Found::Value(node),
            },
            found => found,
        }
    }

    /// None: an optional substitution without a value.
    fn value(&mut self, node: &'t RawNode, before: &'t [Definition]) -> Option<Node> {
        if self.is_too_much(&node.origin) {
            return Some(broken(&node.origin));
        }
        let value = match &node.raw {
            Raw::Null => Value::Null,
            Raw::Text { text, quoted } => Value::Text { text: text.clone(), quoted: *quoted },
            Raw::Blank(blanks) => Value::Text { text: blanks.clone(), quoted: false },
            Raw::Object(fields) => Value::Object(self.object(fields)),
            Raw::List(elements) => Value::List(elements.iter().filter_map(|e| self.value(e, &[])).collect()),
            Raw::Substitution(substitution) => {
                let mut found = self.substitution(substitution, &node.origin)?;
                if found.as_object().is_none() {
                    found.origin = node.origin.substituted(&found.origin);
                }
                return Some(found);
            }
            Raw::Join(parts) => return self.join(parts, &node.origin),
            Raw::Append(element) => {
                let mut elements = match self.slot(before, &[]) {
                    Found::Value(Node { value: Value::List(elements), .. }) => elements,
                    Found::Value(Node { value: Value::Null, .. }) | Found::Absent | Found::Hidden => Vec::new(),
                    Found::Value(Node { value: Value::Broken, .. }) => return Some(broken(&node.origin)),
                    Found::Value(other) => {
                        let kind = other.value.kind();
                        let text =
                            format!("+= appends to a list, but the value so far is {kind}; make it a list [ … ]");
                        self.report(Problem::error(text).at(node.origin.clone()));
                        return Some(broken(&node.origin));
                    }
                };
                elements.extend(self.value(element, &[]));
                Value::List(elements)
            }
        };
        Some(Node::new(value, node.origin.clone()))
    }

    fn substitution(&mut self, wanted: &Substitution, origin: &Origin) -> Option<Node> {
        let shown = wanted.path.join(".");
        let cycles = self.cycles;
        if !wanted.below.is_empty() {
            let path = [wanted.below.as_slice(), wanted.path.as_slice()].concat();
            if let Found::Value(node) = self.lookup(&path) {
                return Some(node);
            }
        }
        if let Found::Value(node) = self.lookup(&wanted.path) {
            return Some(node);
        }
        match (self.environment)(&shown) {
            Variable::Absent => {}
            Variable::Text(text) => return Some(Node::new(Value::text(text), Origin::Environment(shown.into()))),
            Variable::NotText => {
                let text = format!("the environment variable {shown} is not UTF-8; set it to UTF-8 text, or unset it");
                self.report(Problem::error(text).at(origin.clone()));
                return Some(broken(origin));
            }
        }
        if wanted.optional {
            return None;
        }
        let text = match self.cycles > cycles {
            true => format!(
                "${{{shown}}} refers to itself, or back to itself by way of others, and no value was written for it before; write \
                 one"
            ),
            false => format!(
                "${{{shown}}} is neither a key of these files nor an environment variable; define it, or write ${{?{shown}}} if \
                 it may be missing"
            ),
        };
        self.report(Problem::error(text).at(origin.clone()));
        Some(broken(origin))
    }

    fn lookup(&mut self, path: &[String]) -> Found {
        let Some((key, rest)) = path.split_first() else { return Found::Absent };
        match self.root.slots.get(key) {
            Some(definitions) => self.slot(definitions, rest),
            None => Found::Absent,
        }
    }

    /// Lists append, objects merge, everything else is text with the blanks between.
    fn join(&mut self, parts: &'t [RawNode], origin: &Origin) -> Option<Node> {
        let mut nodes: Vec<(bool, Node)> = Vec::new();
        for part in parts {
            let blank = matches!(part.raw, Raw::Blank(_));
            nodes.extend(self.value(part, &[]).map(|node| (blank, node)));
        }
        let has = |test: fn(&Value) -> bool| nodes.iter().any(|(blank, node)| !blank && test(&node.value));
        if has(|v| matches!(v, Value::Broken)) {
            return Some(broken(origin));
        }
        let (lists, objects) = (has(|v| matches!(v, Value::List(_))), has(|v| matches!(v, Value::Object(_))));
        if !lists && !objects {
            return self.join_text(nodes, origin);
        }
        nodes.retain(|(blank, _)| !blank);
        let mut joined: Option<Node> = None;
        for (_, node) in nodes {
            joined = Some(match (joined, node) {
                (None, node) => node,
                (Some(Node { value: Value::List(mut left), .. }), Node { value: Value::List(right), .. }) => {
                    left.extend(right);
                    Node::new(Value::List(left), origin.clone())
                }
                (Some(left), right) if left.as_object().is_some() && right.as_object().is_some() => left.merge(right),
                (Some(list @ Node { value: Value::List(_), .. }), Node { value: Value::Text { .. }, .. }) => {
                    // The library of the reference loses such text without a word; files with it start there.
                    let text = "the text after this list is passed over; remove it, or put it into the list";
                    self.report(Problem::warning(text).at(origin.clone()));
                    list
                }
                (Some(left), right) => {
                    let (left, right) = (left.value.kind(), right.value.kind());
                    let text =
                        format!("{left} and {right} cannot stand beside each other; is a comma or a line end missing?");
                    self.report(Problem::error(text).at(origin.clone()));
                    return Some(broken(origin));
                }
            });
        }
        joined
    }

    fn join_text(&mut self, nodes: Vec<(bool, Node)>, origin: &Origin) -> Option<Node> {
        if nodes.iter().all(|(blank, _)| *blank) {
            return None;
        }
        let mut joined = String::new();
        let mut origin = origin.clone();
        for (_, node) in nodes {
            origin = origin.substituted(&node.origin);
            match node.value {
                Value::Text { text, .. } => joined.push_str(&text),
                _ => joined.push_str("null"),
            }
        }
        self.joined += joined.len();
        if self.joined > limits::JOINED_BYTES {
            self.exhausted = true;
            let text = "the substitutions make a text without end; simplify them";
            self.report(Problem::error(text).at(origin.clone()));
            return Some(broken(&origin));
        }
        // A number put together is still a number: quotes do not matter to any key.
        Some(Node::new(Value::Text { text: joined, quoted: true }, origin))
    }

    /// Counts the work, so that no file can make it endless or overflow the stack.
    fn is_too_much(&mut self, origin: &Origin) -> bool {
        if self.exhausted {
            return true;
        }
        self.steps += 1;
        let text = if self.depth >= limits::RESOLVE_DEPTH {
            format!("more than {} values refer to each other in a chain; simplify them", limits::RESOLVE_DEPTH)
        } else if self.steps >= limits::STEPS {
            "the substitutions refer to each other without end; simplify them".to_owned()
        } else {
            return false;
        };
        self.exhausted = true;
        self.report(Problem::error(text).at(origin.clone()));
        true
    }

    fn report(&mut self, problem: Problem) {
        // A definition that many others refer to is wrong once.
        if self.problems.len() < limits::PROBLEMS && !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }
}

fn broken(origin: &Origin) -> Node {
    Node::new(Value::Broken, origin.clone())
}

fn descend(mut node: Node, rest: &[String]) -> Found {
    for key in rest {
        match node.value {
            Value::Object(mut fields) => match fields.swap_remove(key) {
                Some(inner) => node = inner,
                None => return Found::Absent,
            },
            Value::Broken => return Found::Value(node),
            _ => return Found::Hidden,
        }
    }
    Found::Value(node)
}
