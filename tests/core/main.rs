//! The core alone: whole conferences with strict simulated peers, in one thread and virtual time.

mod breakouts;
mod breweries;
mod bridge_failures;
mod bridges;
mod bridges_support;
mod by_hand;
mod colibri;
mod conference_requests;
mod connections;
mod failures;
mod health;
mod members;
mod moves;
mod offers;
mod owners;
mod pins;
mod restarts;
mod rooms;
mod selection;
mod sessions;
mod simulated;
mod source_rules;
mod sources;
mod support;
