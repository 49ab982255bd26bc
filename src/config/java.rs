//! What is meant for a Java machine: the words of `JAVA_SYS_PROPS`, and `-Dname=value` among the arguments (spec/80 §11).

/// System properties in the order in which they were given, and the words that mean nothing here.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct SystemProperties {
    pub properties: Vec<(String, String)>,
    pub unknown: Vec<String>,
}

impl SystemProperties {
    /// The last one given counts.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.properties.iter().rev().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    pub fn read(&mut self, words: impl IntoIterator<Item = String>) {
        let mut words = words.into_iter();
        while let Some(word) = words.next() {
            if let Some(property) = word.strip_prefix("-D") {
                let (name, value) = property.split_once('=').unwrap_or((property, ""));
                if !name.is_empty() {
                    self.properties.push((name.to_owned(), value.to_owned()));
                }
            } else if word == "-cp" || word == "-classpath" {
                words.next();
            } else if !(word.starts_with("-X") || word.starts_with("-javaagent")) {
                self.unknown.push(word);
            }
        }
    }
}

/// Splits as a shell does: blanks separate, `'…'` and `"…"` keep them, a backslash takes the next character as it is. A quote
/// that is not closed ends with the text.
pub fn split_words(text: &str) -> Vec<String> {
    split(text).0
}

/// Is there a quote that nothing closes?
pub fn is_unclosed(text: &str) -> bool {
    split(text).1
}

fn split(text: &str) -> (Vec<String>, bool) {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (Some('\''), c) => word.get_or_insert_default().push(c),
            (_, '\\') => word.get_or_insert_default().extend(chars.next()),
            (Some(_), c) => word.get_or_insert_default().push(c),
            (None, '\'' | '"') => {
                word.get_or_insert_default();
                quote = Some(c);
            }
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (None, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    (words, quote.is_some())
}

/// Properties for the Java machine itself and its libraries: nothing to say about them.
pub fn is_of_the_machine(name: &str) -> bool {
    ["java", "jdk", "sun.", "io.sentry", "user.", "file.", "os."].iter().any(|prefix| name.starts_with(prefix))
}
