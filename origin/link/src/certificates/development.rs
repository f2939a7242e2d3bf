//! A certificate authority of one's own, for development and single machines.
//!
//! Several processes may start at once: whoever links its finished key file into place first wins,
//! the others use that one. The certificate follows from the key, so any process may write it.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::Path;

use anyhow::{Context, Result};
use rcgen::string::Ia5String;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use super::credentials::Credentials;
use super::tls::SERVER_NAME;

const CERTIFICATE_FILE: &str = "ca.pem";
const KEY_FILE: &str = "ca.key";

/// Credentials for the node with this URI, issued by the authority in `directory`, which is made if
/// there is none.
pub(super) fn credentials(directory: &Path, uri: &str) -> Result<Credentials> {
    make_directory(directory)?;
    let key_path = directory.join(KEY_FILE);
    let key_pem = read_or_make(&key_path, 0o600, || Ok(KeyPair::generate()?.serialize_pem()))?;
    let key = KeyPair::from_pem(&key_pem)
        .with_context(|| format!("{} holds no private key in PEM", key_path.display()))?;
    let params = authority_params();
    let certificate_path = directory.join(CERTIFICATE_FILE);
    let certificate_pem =
        read_or_make(&certificate_path, 0o644, || Ok(params.self_signed(&key)?.pem()))?;
    let authority = CertificateDer::from_pem_slice(certificate_pem.as_bytes())
        .with_context(|| format!("{} holds no certificate in PEM", certificate_path.display()))?;
    issue(&Issuer::new(params, key), authority, uri)
}

fn issue(
    issuer: &Issuer<'_, KeyPair>,
    authority: CertificateDer<'static>,
    uri: &str,
) -> Result<Credentials> {
    let mut params = CertificateParams::new(vec![SERVER_NAME.to_owned()])?;
    params.subject_alt_names.push(SanType::URI(Ia5String::try_from(uri)?));
    params.distinguished_name.push(DnType::CommonName, "Stoa node");
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages =
        vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    params.use_authority_key_identifier_extension = true;
    let key = KeyPair::generate()?;
    let certificate = params.signed_by(&key, issuer).context("cannot issue a certificate")?;
    Ok(Credentials {
        authorities: vec![authority],
        chain: vec![certificate.der().clone()],
        key: PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
    })
}

fn authority_params() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, "Stoa development authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn make_directory(directory: &Path) -> Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
        .create(directory)
        .with_context(|| format!("cannot make the certificate directory {}", directory.display()))
}

/// Reads `path`, or makes it whole with `content`; another process may get there first.
fn read_or_make(path: &Path, mode: u32, content: impl Fn() -> Result<String>) -> Result<String> {
    if let Some(found) = read(path)? {
        return Ok(found);
    }
    let draft = path.with_extension(format!("{:016x}.tmp", rand::random::<u64>()));
    let made = content().with_context(|| format!("cannot make {}", path.display()))?;
    let linked = write_new(&draft, mode, &made).and_then(|()| fs::hard_link(&draft, path));
    let removed = fs::remove_file(&draft);
    match linked {
        Ok(()) => {
            tracing::info!(path = %path.display(), "made a file of the development authority");
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        Err(error) => {
            return Err(error).with_context(|| format!("cannot write {}", path.display()));
        }
    }
    removed.with_context(|| format!("cannot remove {}", draft.display()))?;
    read(path)?.with_context(|| format!("{} has vanished", path.display()))
}

fn read(path: &Path) -> Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

fn write_new(path: &Path, mode: u32, content: &str) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    #[cfg(not(unix))]
    let _ = mode;
    let mut file = options.open(path)?;
    file.write_all(content.as_bytes())?;
    file.sync_all()
}
