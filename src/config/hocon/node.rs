//! A resolved value that knows where it was written.

use indexmap::IndexMap;

use crate::config::problem::Origin;

pub type Object = IndexMap<String, Node>;

#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    pub value: Value,
    pub origin: Origin,
}

/// Scalars stay as they were written: what `007`, `yes` or `15 s` means depends on the key that reads them (spec/70 §3).
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Null,
    Text {
        text: String,
        quoted: bool,
    },
    List(Vec<Node>),
    Object(Object),
    /// Could not be resolved, which has been reported; whoever reads it says nothing more.
    Broken,
}

impl Value {
    pub fn text(text: impl Into<String>) -> Value {
        Value::Text { text: text.into(), quoted: true }
    }

    /// For "expected a number, found an object".
    pub fn kind(&self) -> &'static str {
        match self {
            Value::Null => "null",
            Value::Text { .. } => "text",
            Value::List(_) => "a list",
            Value::Object(_) => "an object",
            Value::Broken => "nothing",
        }
    }
}

impl Node {
    pub fn new(value: Value, origin: Origin) -> Node {
        Node { value, origin }
    }

    pub fn as_object(&self) -> Option<&Object> {
        match &self.value {
            Value::Object(fields) => Some(fields),
            _ => None,
        }
    }

    /// The value at a dotted path whose elements need no quotes.
    pub fn get(&self, path: &str) -> Option<&Node> {
        path.split('.').try_fold(self, |node, element| node.as_object()?.get(element))
    }

    /// `over` hides what is here, unless both are objects: then key by key.
    pub fn merge(self, over: Node) -> Node {
        match (self.value, over) {
            (Value::Object(mut fields), Node { value: Value::Object(more), origin }) => {
                for (key, node) in more {
                    match fields.get_mut(&key) {
                        Some(slot) => {
                            let nothing = Node::new(Value::Null, Origin::Default);
                            *slot = std::mem::replace(slot, nothing).merge(node);
                        }
                        None => {
                            fields.insert(key, node);
                        }
                    }
                }
                Node::new(Value::Object(fields), origin)
            }
            (_, over) => over,
        }
    }
}

/// The elements of a path as properties write it: no quotes, every dot separates.
pub fn split_path(path: &str) -> Vec<String> {
    path.split('.').map(str::to_owned).collect()
}
