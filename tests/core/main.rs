//! The core alone: whole conferences with strict simulated peers, in one thread and virtual time.

mod breakouts;
mod bridge_failures;
mod bridges;
mod bridges_support;
mod by_hand;
mod colibri;
mod conference_requests;
mod connections;
mod failures;
mod floods;
mod health;
mod lobby;
mod members;
mod metadata;
mod moderation;
mod offers;
mod owners;
mod permissions;
mod restarts;
mod rooms;
mod sessions;
mod simulated;
mod source_rules;
mod sources;
mod start_muted;
mod support;
