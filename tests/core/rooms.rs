//! Rooms: entering, configuring, leaving, the presence of the focus.
