//! The HTTP API, over a real socket: in front of the core with its simulated peers, and of the whole program.

mod conference;
mod general;
mod hostile;
mod moves_and_pins;
mod support;
