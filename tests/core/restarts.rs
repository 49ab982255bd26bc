//! Restarts of sessions and of ICE.
