//! The HTTP API, over a real socket: in front of the core with its simulated peers, and of the whole program.

mod conference;
mod debug;
mod general;
mod health;
mod hostile;
mod metrics;
mod moves_and_pins;
mod stats;
mod support;
