//! Bridges that come, go and fail, and what becomes of the conferences on them.
