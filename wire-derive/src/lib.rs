//! The derive macro for wire elements.
