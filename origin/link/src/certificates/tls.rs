//! TLS 1.3 on both sides of every link, with one crypto provider chosen here and nowhere else.

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use quinn::crypto::rustls::{QuicClientConfig, QuicServerConfig};
use rustls::client::danger::ServerCertVerifier;
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::{ServerName, UnixTime};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::{ClientConfig, RootCertStore, ServerConfig};

use super::credentials::Credentials;
use super::{development, files, name_in};
use crate::config::Identity;
use crate::event::PeerName;

/// Protocol of the mesh, with its version.
pub(crate) const ALPN: &[u8] = b"stoa-mesh/1";
/// DNS name in every node's certificate. Who a node really is stands in its URI.
pub(crate) const SERVER_NAME: &str = "stoa.mesh";

/// Both directions' settings for quinn.
pub(crate) struct Tls {
    pub(crate) server: Arc<QuicServerConfig>,
    pub(crate) client: Arc<QuicClientConfig>,
}

impl Tls {
    /// Reads or makes the credentials, and checks them as a peer would.
    pub(crate) fn new(identity: &Identity, name: &PeerName) -> Result<Self> {
        match identity {
            Identity::Development { directory } => {
                let credentials = development::credentials(directory, &super::name::uri_of(name))?;
                Self::from_credentials(credentials, name).with_context(|| {
                    format!("the development authority in {} is unusable", directory.display())
                })
            }
            Identity::Files { authority, certificate, key } => {
                let credentials = files::credentials(authority, certificate, key)?;
                Self::from_credentials(credentials, name).with_context(|| {
                    format!(
                        "the certificate {} (key {}, authority {}) is unusable",
                        certificate.display(),
                        key.display(),
                        authority.display()
                    )
                })
            }
        }
    }

    fn from_credentials(credentials: Credentials, name: &PeerName) -> Result<Self> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let mut roots = RootCertStore::empty();
        for authority in &credentials.authorities {
            roots.add(authority.clone()).context("an authority's certificate is malformed")?;
        }
        let roots = Arc::new(roots);
        let of_clients =
            WebPkiClientVerifier::builder_with_provider(Arc::clone(&roots), Arc::clone(&provider))
                .build()?;
        let of_servers =
            WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&provider)).build()?;
        check(&credentials, name, of_clients.as_ref(), of_servers.as_ref())?;
        let server = server(&credentials, of_clients, Arc::clone(&provider))?;
        let client = client(credentials, of_servers, provider)?;
        Ok(Self {
            server: Arc::new(QuicServerConfig::try_from(server)?),
            client: Arc::new(QuicClientConfig::try_from(client)?),
        })
    }
}

/// Refuses at start what every peer would refuse later.
fn check(
    credentials: &Credentials,
    name: &PeerName,
    of_clients: &dyn ClientCertVerifier,
    of_servers: &WebPkiServerVerifier,
) -> Result<()> {
    let own = name_in(&credentials.chain)?;
    ensure!(
        own == *name,
        "the certificate names {}, but this node is configured as {}",
        super::name::uri_of(&own),
        super::name::uri_of(name)
    );
    let (Some(leaf), intermediates) = (credentials.chain.first(), credentials.chain.get(1..))
    else {
        return Ok(());
    };
    let intermediates = intermediates.unwrap_or_default();
    let now = UnixTime::now();
    of_clients
        .verify_client_cert(leaf, intermediates, now)
        .context("peers would refuse the certificate as a client's")?;
    let server_name = ServerName::try_from(SERVER_NAME)?;
    of_servers.verify_server_cert(leaf, intermediates, &server_name, &[], now).with_context(|| {
        format!("peers would refuse the certificate as a server's (it needs the DNS name {SERVER_NAME})")
    })?;
    Ok(())
}

fn server(
    credentials: &Credentials,
    verifier: Arc<dyn ClientCertVerifier>,
    provider: Arc<CryptoProvider>,
) -> Result<ServerConfig> {
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_client_cert_verifier(verifier)
        .with_single_cert(credentials.chain.clone(), credentials.key.clone_key())
        .context("certificate and private key do not fit together")?;
    config.alpn_protocols = vec![ALPN.to_vec()];
    // Every handshake checks the certificate anew; a resumed one would trust an old check.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(config)
}

fn client(
    credentials: Credentials,
    verifier: Arc<WebPkiServerVerifier>,
    provider: Arc<CryptoProvider>,
) -> Result<ClientConfig> {
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_webpki_verifier(verifier)
        .with_client_auth_cert(credentials.chain, credentials.key)
        .context("certificate and private key do not fit together")?;
    config.alpn_protocols = vec![ALPN.to_vec()];
    config.resumption = Resumption::disabled();
    Ok(config)
}

/// A client that speaks another protocol, for tests.
#[cfg(test)]
pub(crate) fn client_with_protocol(
    identity: &Identity,
    name: &PeerName,
    protocol: &[u8],
) -> Result<ClientConfig> {
    let Identity::Development { directory } = identity else {
        anyhow::bail!("only for a development authority")
    };
    let credentials = development::credentials(directory, &super::name::uri_of(name))?;
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut roots = RootCertStore::empty();
    for authority in &credentials.authorities {
        roots.add(authority.clone())?;
    }
    let verifier =
        WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
            .build()?;
    let mut config = client(credentials, verifier, provider)?;
    config.alpn_protocols = vec![protocol.to_vec()];
    Ok(config)
}
