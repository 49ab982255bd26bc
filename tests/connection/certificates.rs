//! Which certificates are believed, and what is said about those that are not.

use jicofo::config::Account;
use jicofo::xmpp::Trust;

use crate::focus::{Focus, account};
use crate::server::{BIND, PLAIN, SCRAM, STARTTLS, certificate};

#[tokio::test(start_paused = true)]
async fn a_self_signed_certificate_of_an_authority_is_believed_if_it_is_in_the_store() {
    for file in ["self-signed-ca", "xmpp-names-only"] {
        let mut focus = Focus::trusting(&account("pencil"), Trust::Certificates(vec![certificate(file)])).await;
        let mut server = focus.accept().await.start_tls(file).await;
        server.offer(PLAIN, "").await;
        server.accept_password().await;
        server.bind(BIND).await;
        focus.connected().await;
    }
}

/// Covers spec/70: 26.
#[tokio::test(start_paused = true)]
async fn a_certificate_is_refused_with_which_what_and_how_to_mend_it() {
    let other = Account { domain: "auth.other.com".into(), ..account("pencil") };
    let store = |files: &[&str]| Trust::Certificates(files.iter().map(|file| certificate(file)).collect());
    let table = [
        (account("pencil"), store(&[]), "self-signed-ca", "is untrusted", "update-ca-certificates"),
        (account("pencil"), store(&["expired"]), "self-signed-ca", "is untrusted", "update-ca-certificates"),
        (account("pencil"), store(&["expired"]), "expired", "is expired", "valid 2020-01-01 00:00 UTC to 2021-01-01"),
        (
            other.clone(),
            store(&["self-signed-ca"]),
            "self-signed-ca",
            "(wrong name)",
            "Check jicofo.xmpp.client.domain",
        ),
        (other, store(&["xmpp-names-only"]), "xmpp-names-only", "(wrong name)", "names: auth.meet.example.com"),
    ];
    for (account, trust, file, problem, remedy) in table {
        let focus = Focus::trusting(&account, trust).await;
        let mut server = focus.accept().await;
        server.offer(SCRAM, STARTTLS).await;
        server.refused_tls(file).await;
        let line = focus.logged().await;
        assert!(line.contains(problem) && line.contains(remedy) && line.contains("SHA-256 "), "{file}: {line}");
    }
}

#[tokio::test(start_paused = true)]
async fn any_certificate_is_believed_where_that_is_configured() {
    let focus = Focus::trusting(&account("pencil"), Trust::Everybody).await;
    let mut server = focus.accept().await.start_tls("expired").await;
    server.offer(SCRAM, "").await;
    server.until("</auth>").await;
}
