//! Who asks for a conference, and what is answered.
