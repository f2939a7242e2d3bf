//! The node's name in a certificate: exactly one URI `stoa://{role}/{region}/{node}` among the
//! subject alternative names.

use rustls::pki_types::CertificateDer;
use stoa_protocol::mesh::identity::{Identity, IdentityError};
use thiserror::Error;
use webpki::EndEntityCert;

use crate::event::PeerName;

const SCHEME: &str = "stoa://";

/// Why a certificate names no node.
#[derive(Debug, Error)]
pub(crate) enum NameError {
    /// None was shown.
    #[error("no certificate was shown")]
    Missing,
    /// It is no X.509 certificate.
    #[error("the certificate is malformed: {0}")]
    Malformed(webpki::Error),
    /// No such URI.
    #[error(
        "the certificate names no node; it needs the URI stoa://role/region/node as subject alternative name"
    )]
    Unnamed,
    /// More than one such URI.
    #[error("the certificate names several nodes")]
    Ambiguous,
    /// The URI is not as it should be.
    #[error(transparent)]
    Identity(#[from] IdentityError),
}

/// Whom the first certificate of `chain` names.
pub(crate) fn name_in(chain: &[CertificateDer<'_>]) -> Result<PeerName, NameError> {
    let leaf = chain.first().ok_or(NameError::Missing)?;
    let leaf = EndEntityCert::try_from(leaf).map_err(NameError::Malformed)?;
    let mut names = leaf.valid_uri_names().filter(|uri| uri.starts_with(SCHEME));
    let uri = names.next().ok_or(NameError::Unnamed)?;
    if names.next().is_some() {
        return Err(NameError::Ambiguous);
    }
    let Identity { role, region, node } = uri.parse()?;
    Ok(PeerName { node, role, region })
}

/// The URI that stands for this node in its certificate.
pub(crate) fn uri_of(name: &PeerName) -> String {
    identity_of(name).to_string()
}

/// The same in the protocol's words.
pub(crate) fn identity_of(name: &PeerName) -> Identity {
    Identity { role: name.role, region: name.region.clone(), node: name.node.clone() }
}
