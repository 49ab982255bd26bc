//! Sources: their rules, and who is told of them.
