//! Type JWT: users log in at somebody else's page, and Prosody checks the token that it gave them (spec/10 §6.1).

use std::time::Duration;

/// How long a session lives after its last use. The token lets its bearer in again, so there is nothing to remember: just
/// long enough to come back from the page.
pub(super) const LIFETIME: Duration = Duration::from_secs(60);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Jwt {
    /// Where Prosody lets nobody in without a token.
    pub domain: String,
}
