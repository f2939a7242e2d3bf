//! Certificates and keys from PEM files. Each error names the file and what is wrong with it.

use std::path::Path;

use anyhow::{Context, Result, bail};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::credentials::Credentials;

/// Reads all three files.
pub(super) fn credentials(authority: &Path, certificate: &Path, key: &Path) -> Result<Credentials> {
    let key = PrivateKeyDer::from_pem_file(key)
        .with_context(|| format!("no private key in PEM can be read from {}", key.display()))?;
    Ok(Credentials {
        authorities: certificates(authority)?,
        chain: certificates(certificate)?,
        key,
    })
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let read = || CertificateDer::pem_file_iter(path)?.collect::<Result<Vec<_>, _>>();
    let found = read()
        .with_context(|| format!("no certificate in PEM can be read from {}", path.display()))?;
    if found.is_empty() {
        bail!("{} holds no certificate in PEM (\"-----BEGIN CERTIFICATE-----\")", path.display());
    }
    Ok(found)
}
