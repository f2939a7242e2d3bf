//! What a node shows, and whom it believes. Never logged: it holds the private key.

use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// What a node shows, and whom it believes.
pub(super) struct Credentials {
    /// Authorities whose nodes are believed.
    pub(super) authorities: Vec<CertificateDer<'static>>,
    /// The node's own certificate, then intermediate ones.
    pub(super) chain: Vec<CertificateDer<'static>>,
    pub(super) key: PrivateKeyDer<'static>,
}
