//! What participants are offered.
