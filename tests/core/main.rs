//! The core alone: whole conferences with strict simulated peers, in one thread and virtual time.

mod authentication;
mod breakouts;
mod bridge_failures;
mod bridges;
mod bridges_support;
mod by_hand;
mod colibri;
mod conference_requests;
mod connections;
mod failures;
mod health;
mod log_lines;
mod members;
mod moves;
mod offers;
mod owners;
mod ownership;
mod pins;
mod restarts;
mod rooms;
mod sessions;
mod simulated;
mod source_rules;
mod sources;
mod support;
mod upgrades;
