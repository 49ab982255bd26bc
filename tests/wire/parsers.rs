//! What we write means the same to xmpp-parsers as what we read, wherever it knows all values.
