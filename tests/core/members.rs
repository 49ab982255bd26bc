//! Members: presence, features, roles, coming and going.
