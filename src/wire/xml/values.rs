//! Values that are text on the wire: strings, switches, numbers; the makers of identifiers and of enums of words.

use std::sync::Arc;

use super::{Escaped, Expected, Text};

impl Text for String {
    fn parse(text: &str) -> Result<Self, Expected> {
        Ok(text.to_owned())
    }
    fn write(&self, out: &mut Escaped<'_>) {
        out.push(self);
    }
}

impl Text for Arc<str> {
    fn parse(text: &str) -> Result<Self, Expected> {
        Ok(text.into())
    }
    fn write(&self, out: &mut Escaped<'_>) {
        out.push(self);
    }
}

/// An XML Schema boolean, in any case.
impl Text for bool {
    fn parse(text: &str) -> Result<Self, Expected> {
        if text == "1" || text.eq_ignore_ascii_case("true") {
            Ok(true)
        } else if text == "0" || text.eq_ignore_ascii_case("false") {
            Ok(false)
        } else {
            Err(Expected("true or false".into()))
        }
    }
    fn write(&self, out: &mut Escaped<'_>) {
        out.push(if *self { "true" } else { "false" });
    }
}

macro_rules! number {
    ($($ty:ty),*) => { $(
        impl Text for $ty {
            fn parse(text: &str) -> Result<Self, Expected> {
                text.parse().map_err(|_| Expected(format!("a number from {} to {}", Self::MIN, Self::MAX).into()))
            }
            fn write(&self, out: &mut Escaped<'_>) {
                #[allow(unused_comparisons)]
                out.number(i128::from(*self).unsigned_abs() as u64, *self < 0);
            }
        }
    )* };
}
number!(u8, u16, u32, u64, i32, i64);

/// Makes types of identifiers: `newtype! { /// doc  Name(Arc<str>), Number(u32) }`.
macro_rules! newtype {
    () => {};
    ($(#[$meta:meta])* $name:ident(Arc<str>), $($rest:tt)*) => {
        $(#[$meta])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        #[serde(transparent)]
        pub struct $name(std::sync::Arc<str>);

        impl $name {
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl Default for $name {
            fn default() -> Self {
                $name("".into())
            }
        }
        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Debug::fmt(&*self.0, f)
            }
        }
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(&self.0)
            }
        }
        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                $name(text.into())
            }
        }
        impl From<String> for $name {
            fn from(text: String) -> Self {
                $name(text.into())
            }
        }
        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
        impl PartialEq<str> for $name {
            fn eq(&self, other: &str) -> bool {
                *self.0 == *other
            }
        }
        impl PartialEq<&str> for $name {
            fn eq(&self, other: &&str) -> bool {
                *self.0 == **other
            }
        }
        impl $crate::wire::xml::Text for $name {
            fn parse(text: &str) -> Result<Self, $crate::wire::xml::Expected> {
                Ok($name(text.into()))
            }
            fn write(&self, out: &mut $crate::wire::xml::Escaped<'_>) {
                out.push(&self.0);
            }
        }
        $crate::wire::xml::newtype! { $($rest)* }
    };
    ($(#[$meta:meta])* $name:ident($ty:ty), $($rest:tt)*) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub $ty);

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Debug::fmt(&self.0, f)
            }
        }
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(&self.0, f)
            }
        }
        impl $crate::wire::xml::Text for $name {
            fn parse(text: &str) -> Result<Self, $crate::wire::xml::Expected> {
                <$ty as $crate::wire::xml::Text>::parse(text).map($name)
            }
            fn write(&self, out: &mut $crate::wire::xml::Escaped<'_>) {
                $crate::wire::xml::Text::write(&self.0, out);
            }
        }
        $crate::wire::xml::newtype! { $($rest)* }
    };
}
pub(crate) use newtype;

/// Makes enums of words: `keywords! { pub enum Senders { Both = "both", … } pub enum X [ignore case] { … } }`.
macro_rules! keywords {
    (@equal) => { |word: &str, text: &str| word == text };
    (@equal ignore case) => { |word: &str, text: &str| word.eq_ignore_ascii_case(text) };
    ($($(#[$meta:meta])* pub enum $name:ident $([$($how:tt)+])? { $($variant:ident = $word:literal),+ $(,)? })+) => { $(
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        pub enum $name { $(#[serde(rename = $word)] $variant),+ }

        impl $name {
            /// All of them, in the order of their declaration.
            pub const ALL: &'static [$name] = &[$($name::$variant),+];

            pub const fn as_str(self) -> &'static str {
                match self { $($name::$variant => $word),+ }
            }
        }
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }
        impl std::str::FromStr for $name {
            type Err = $crate::wire::xml::Expected;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let equal = $crate::wire::xml::keywords!(@equal $($($how)+)?);
                $(if equal($word, text) { return Ok($name::$variant); })+
                Err($crate::wire::xml::Expected(concat!("one of", $(" ", $word),+).into()))
            }
        }
        impl $crate::wire::xml::Text for $name {
            fn parse(text: &str) -> Result<Self, $crate::wire::xml::Expected> {
                text.parse()
            }
            fn write(&self, out: &mut $crate::wire::xml::Escaped<'_>) {
                out.push(self.as_str());
            }
        }
    )+ };
}
pub(crate) use keywords;
