//! One attempt. The name is looked up and its addresses are judged each time, and the connection goes to the
//! address that was judged. A redirect is a failure: it would lead past that judgement.

use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{CONTENT_TYPE, HOST, RETRY_AFTER, USER_AGENT};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::super::address::is_public;
use super::super::settings::Endpoint;

const LOOK_UP_WITHIN: Duration = Duration::from_secs(5);
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// From the first byte of the request to the last header of the answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// Addresses of a name that are tried.
const ADDRESSES_MAX: usize = 4;
/// Most bytes of an answer's headers; its body is not read.
const ANSWER_BYTES_MAX: usize = 16 * 1024;

/// Why an attempt failed.
#[derive(Debug, Error)]
pub(super) enum Failure {
    #[error("its name cannot be looked up: {0}")]
    Name(std::io::Error),
    #[error(
        "it is at {0}, which is not on the public internet; if that is right, add its network to \
         webhooks.networks"
    )]
    Forbidden(IpAddr),
    #[error("it cannot be connected: {0}")]
    Connect(std::io::Error),
    #[error("the connection failed: {0}")]
    Http(#[from] hyper::Error),
    #[error("the request cannot be made: {0}")]
    Request(#[from] hyper::http::Error),
    #[error("it took too long to {0}")]
    Late(&'static str),
    #[error("it answered {status}")]
    Status { status: StatusCode, retry_after: Option<Duration> },
}

impl Failure {
    /// When the receiver wants to be asked again.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// The label in metrics.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Name(_) => "name",
            Self::Forbidden(_) => "forbidden-address",
            Self::Connect(_) => "connect",
            Self::Http(_) | Self::Request(_) => "http",
            Self::Late(_) => "late",
            Self::Status { status, .. } if status.is_redirection() => "redirect",
            Self::Status { .. } => "status",
        }
    }
}

/// An endpoint that can be posted to.
pub(super) struct Receiver {
    endpoint: Endpoint,
    tls: Option<(TlsConnector, ServerName<'static>)>,
}

impl Receiver {
    /// Reads the authorities of its certificate.
    pub(super) fn new(endpoint: &Endpoint) -> anyhow::Result<Self> {
        let tls = match (endpoint.tls, &endpoint.authority) {
            (true, Some(file)) => {
                let read = || format!("webhooks.authority: {}", file.display());
                let mut roots = RootCertStore::empty();
                for certificate in CertificateDer::pem_file_iter(file).with_context(read)? {
                    // A bundle of a system may hold what cannot be used; the others can.
                    let _ = roots.add(certificate.with_context(read)?);
                }
                ensure!(!roots.is_empty(), "{} holds no certificate", read());
                let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
                let config = ClientConfig::builder_with_provider(provider)
                    .with_safe_default_protocol_versions()?
                    .with_root_certificates(roots)
                    .with_no_client_auth();
                let name = ServerName::try_from(endpoint.host.clone()).context("webhooks.url")?;
                Some((TlsConnector::from(Arc::new(config)), name))
            }
            _ => None,
        };
        Ok(Self { endpoint: endpoint.clone(), tls })
    }

    /// Delivers a message: `Ok` when the receiver answered 2xx.
    pub(super) async fn post(&self, id: &str, body: &[u8], now_unix_s: u64) -> Result<(), Failure> {
        let request = self.request(id, body, now_unix_s)?;
        let stream = self.connect().await?;
        let answer = async {
            match &self.tls {
                None => exchange(stream, request).await,
                Some((connector, name)) => {
                    let stream = connector.connect(name.clone(), stream).await;
                    exchange(stream.map_err(Failure::Connect)?, request).await
                }
            }
        };
        let answer =
            timeout(ANSWER_WITHIN, answer).await.map_err(|_| Failure::Late("answer"))??;
        let status = answer.status();
        if status.is_success() {
            return Ok(());
        }
        let retry_after = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        let retry_after = retry_after.and_then(|text| text.trim().parse().ok());
        Err(Failure::Status { status, retry_after: retry_after.map(Duration::from_secs) })
    }

    fn request(
        &self,
        id: &str,
        body: &[u8],
        now_unix_s: u64,
    ) -> Result<Request<Full<Bytes>>, Failure> {
        let Endpoint { authority_of_url, target, secret, .. } = &self.endpoint;
        let request = Request::builder()
            .method(Method::POST)
            .uri(target.as_str())
            .header(HOST, authority_of_url.as_str())
            .header(CONTENT_TYPE, "application/json")
            .header(USER_AGENT, concat!("stoa-origin/", env!("CARGO_PKG_VERSION")))
            .header("webhook-id", id)
            .header("webhook-timestamp", now_unix_s.to_string())
            .header("webhook-signature", secret.sign(id, now_unix_s, body))
            .body(Full::new(Bytes::copy_from_slice(body)))?;
        Ok(request)
    }

    async fn connect(&self) -> Result<TcpStream, Failure> {
        let Endpoint { host, port, .. } = &self.endpoint;
        let found = timeout(LOOK_UP_WITHIN, lookup_host((host.as_str(), *port))).await;
        let found = found.map_err(|_| Failure::Late("look its name up"))?.map_err(Failure::Name)?;
        let mut failure = Failure::Name(std::io::Error::other("it has no address"));
        for address in found.take(ADDRESSES_MAX) {
            match self.connect_to(address).await {
                Ok(stream) => return Ok(stream),
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    async fn connect_to(&self, address: SocketAddr) -> Result<TcpStream, Failure> {
        let ip = address.ip();
        let allowed = self.endpoint.networks.iter().any(|network| network.contains(ip));
        if !allowed && !is_public(ip) {
            return Err(Failure::Forbidden(ip));
        }
        let stream = timeout(CONNECT_WITHIN, TcpStream::connect(address)).await;
        let stream = stream.map_err(|_| Failure::Late("connect"))?.map_err(Failure::Connect)?;
        // The request is one write; waiting for more to send only delays it.
        let _ = stream.set_nodelay(true);
        Ok(stream)
    }
}

/// Sends one request on a connection that ends with the answer's headers.
async fn exchange<S>(
    stream: S,
    request: Request<Full<Bytes>>,
) -> Result<Response<hyper::body::Incoming>, Failure>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut builder = hyper::client::conn::http1::Builder::new();
    builder.max_buf_size(ANSWER_BYTES_MAX);
    let (mut requests, connection) = builder.handshake(TokioIo::new(stream)).await?;
    let (mut connection, mut answer) = (pin!(connection), pin!(requests.send_request(request)));
    tokio::select! {
        biased;
        answer = &mut answer => Ok(answer?),
        // It may end in the same moment in which it has brought the answer, and not in order: many
        // servers close TLS without a goodbye. What it knew of an error, the answer knows.
        _ = &mut connection => Ok(answer.await?),
    }
}
