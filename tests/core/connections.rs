//! Connections that are lost, resumed and set up anew.
