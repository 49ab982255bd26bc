//! What a bridge is asked, and what its answers lead to.
