//! Foreign bytes: whatever comes, what is read can be written, and reads as the same again.
