//! The core alone: whole conferences with strict simulated peers, in one thread and virtual time.

mod breakouts;
mod bridge_failures;
mod bridges;
mod bridges_support;
mod colibri;
mod conference_requests;
mod connections;
mod health;
mod members;
mod owners;
mod restarts;
mod rooms;
mod sessions;
mod sources;
mod support;
