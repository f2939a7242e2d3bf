//! Certificates of the HTTPS server: the operator's files, or one made at start.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use super::app::now_unix_s;
use super::settings::Tls;

/// HTTP/1.1 only: WebSockets and single requests gain nothing from HTTP/2.
const ALPN: &[u8] = b"http/1.1";

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// Some browsers refuse certificates that are valid for longer than 398 days.
const VALID: Duration = Duration::from_secs(397 * 24 * 60 * 60);

/// What accepts TLS connections, or nothing where it is off.
///
/// # Errors
/// When files cannot be read, or hold no certificate or no key that fits.
pub(super) fn acceptor(tls: &Tls) -> anyhow::Result<Option<TlsAcceptor>> {
    let (chain, key) = match tls {
        Tls::Off => return Ok(None),
        Tls::SelfSigned => self_signed()?,
        Tls::Files { certificate, key } => (chain_of(certificate)?, key_of(key)?),
    };
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .context("TLS: the crypto library supports no TLS version")?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .context("TLS: certificate and key do not fit together")?;
    config.alpn_protocols = vec![ALPN.to_vec()];
    Ok(Some(TlsAcceptor::from(Arc::new(config))))
}

type Chain = Vec<CertificateDer<'static>>;

fn chain_of(path: &Path) -> anyhow::Result<Chain> {
    let chain = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect::<Result<Chain, _>>)
        .with_context(|| format!("TLS: cannot read the certificate {}", path.display()))?;
    ensure!(!chain.is_empty(), "TLS: {} holds no certificate", path.display());
    Ok(chain)
}

fn key_of(path: &Path) -> anyhow::Result<PrivateKeyDer<'static>> {
    PrivateKeyDer::from_pem_file(path)
        .with_context(|| format!("TLS: cannot read the private key {}", path.display()))
}

fn self_signed() -> anyhow::Result<(Chain, PrivateKeyDer<'static>)> {
    let mut params = CertificateParams::new(names())
        .context("TLS: this host's names cannot stand in a certificate")?;
    params.distinguished_name.push(DnType::CommonName, "Stoa, self-signed");
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let now = rcgen::date_time_ymd(1970, 1, 1) + Duration::from_secs(now_unix_s());
    params.not_before = now - DAY;
    params.not_after = now + VALID;
    let key = KeyPair::generate().context("TLS: cannot make a key")?;
    let certificate = params.self_signed(&key).context("TLS: cannot sign the certificate")?;
    let key = PrivateKeyDer::try_from(key.serialize_der())
        .map_err(|reason| anyhow::anyhow!("TLS: cannot use the key just made: {reason}"))?;
    Ok((vec![certificate.der().clone()], key))
}

/// How this host may be called: localhost, its name, its addresses.
fn names() -> Vec<String> {
    let mut names = vec!["localhost".to_owned()];
    let hostname = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let dns_character = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.');
    let hostname = hostname.trim();
    if !hostname.is_empty() && hostname != "localhost" && hostname.chars().all(dns_character) {
        names.push(hostname.to_owned());
        names.push(format!("{hostname}.local"));
    }
    let loopback = [IpAddr::from(Ipv4Addr::LOCALHOST), IpAddr::from(Ipv6Addr::LOCALHOST)];
    let addresses = loopback.into_iter().chain(local_addresses());
    names.extend(addresses.map(|address| address.to_string()));
    names
}

/// The addresses from which this host would reach the Internet; nothing is sent to find out.
pub(super) fn local_addresses() -> Vec<IpAddr> {
    // Addresses for documentation (RFC 5737, RFC 3849): any that are routed like the rest would do.
    let v4 = (IpAddr::from(Ipv4Addr::UNSPECIFIED), IpAddr::from(Ipv4Addr::new(192, 0, 2, 1)));
    let v6 = (
        IpAddr::from(Ipv6Addr::UNSPECIFIED),
        IpAddr::from(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1)),
    );
    let source = |(from, to): (IpAddr, IpAddr)| -> Option<IpAddr> {
        let socket = UdpSocket::bind((from, 0)).ok()?;
        socket.connect((to, 9)).ok()?;
        let address = socket.local_addr().ok()?.ip();
        (!address.is_unspecified() && !address.is_loopback()).then_some(address)
    };
    [v4, v6].into_iter().filter_map(source).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_self_signed_certificate_serves_at_once() {
        assert!(acceptor(&Tls::SelfSigned).expect("acceptor").is_some());
        assert!(names().contains(&"127.0.0.1".to_owned()));
    }

    #[test]
    fn a_missing_file_is_named() {
        let tls = Tls::Files { certificate: "/nowhere/a.pem".into(), key: "/nowhere/b.pem".into() };
        let Err(error) = acceptor(&tls) else { panic!("there is no such file") };
        assert!(error.to_string().contains("/nowhere/a.pem"));
    }
}
