//! Connections: TLS, slow and too many clients, stopping.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use prometheus::Registry;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tokio_rustls::TlsConnector;

use super::fake_rooms::FakeRooms;
use super::{PEER, Stage, authority, keys, settings};
use crate::signaling::server::serve_http;
use crate::signaling::{Limit, Limits, Server, Settings, Tls};

const PROBE: &[u8] = b"GET /v1/probe HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// A connection to the server, without a network below it.
fn connect(stage: &Stage) -> DuplexStream {
    let (client, server) = duplex(64 * 1024);
    let (app, router) = (stage.app.clone(), stage.router.clone());
    tokio::spawn(async move { serve_http(&app, router, server, PEER).await });
    client
}

async fn bind(settings: Settings) -> Server {
    let listen = "127.0.0.1:0".parse().expect("address");
    let settings = Settings { listen, ..settings };
    let rooms = Arc::new(FakeRooms::default());
    let registry = Registry::new();
    Server::bind(settings, Arc::new(authority()), rooms, Router::new(), &registry)
        .await
        .expect("server")
}

#[tokio::test(start_paused = true)]
async fn headers_that_trickle_in_end_the_connection_after_ten_seconds() {
    let stage = Stage::new();
    let mut client = connect(&stage);
    let begun = Instant::now();
    client.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ").await.expect("written");
    let mut rest = Vec::new();
    client.read_to_end(&mut rest).await.expect("closed");
    assert_eq!(begun.elapsed().as_secs(), 10);
    assert_eq!(stage.app.metrics.times_reached(Limit::ReadTime), 1);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_asks_and_never_reads_is_cut_off_after_ten_seconds() {
    let stage = Stage::new();
    // Smaller than the answer, which is then stuck half-way.
    let (mut client, server) = duplex(1_024);
    let (app, router) = (stage.app.clone(), stage.router.clone());
    let begun = Instant::now();
    let serving = tokio::spawn(async move { serve_http(&app, router, server, PEER).await });
    client.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await.expect("written");
    tokio::time::timeout(Duration::from_secs(60), serving).await.expect("cut off").expect("served");
    assert_eq!(begun.elapsed().as_secs(), 10);
    assert_eq!(stage.app.metrics.times_reached(Limit::WriteTime), 1);
    assert_eq!(stage.app.metrics.times_reached(Limit::ReadTime), 0);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_reads_slowly_gets_the_whole_answer() {
    let stage = Stage::new();
    let (mut client, server) = duplex(1_024);
    let (app, router) = (stage.app.clone(), stage.router.clone());
    tokio::spawn(async move { serve_http(&app, router, server, PEER).await });
    client.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await.expect("written");
    let (mut answer, mut portion) = (Vec::new(), [0; 512]);
    while !answer.ends_with(b"</html>\n") {
        tokio::time::sleep(Duration::from_secs(6)).await;
        let read = client.read(&mut portion).await.expect("still open");
        assert_ne!(read, 0, "cut off");
        answer.extend_from_slice(&portion[..read]);
    }
    assert!(answer.len() > 2_048, "the answer was stuck at least once");
    assert_eq!(stage.app.metrics.times_reached(Limit::WriteTime), 0);
}

#[tokio::test]
async fn headers_without_end_are_refused() {
    let stage = Stage::new();
    let mut client = connect(&stage);
    client.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nX-Long: ").await.expect("written");
    // The server may close before all of it is written.
    let _ = client.write_all(&vec![b'x'; 48 * 1024]).await;
    let mut answer = Vec::new();
    client.read_to_end(&mut answer).await.expect("closed");
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
}

#[tokio::test]
async fn a_stopping_server_answers_what_is_under_way_and_closes() {
    let stage = Stage::new();
    let mut client = connect(&stage);
    client.write_all(PROBE).await.expect("written");
    let mut first = vec![0; 12];
    client.read_exact(&mut first).await.expect("an answer");
    assert_eq!(first, b"HTTP/1.1 204");
    stage.stop.send_replace(true);
    let mut rest = Vec::new();
    client.read_to_end(&mut rest).await.expect("closed");
}

#[tokio::test]
async fn a_connection_too_many_is_closed_and_counted() {
    let limits = Limits { connections_max: 1, drain_s: 1, ..Limits::default() };
    let server = bind(Settings { limits, ..settings() }).await;
    let address = server.local_addr().expect("address");
    let metrics = server.metrics().clone();
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = tokio::spawn(server.serve(async {
        let _ = stopped.await;
    }));
    let mut first = TcpStream::connect(address).await.expect("connected");
    first.write_all(PROBE).await.expect("written");
    let mut answer = vec![0; 12];
    first.read_exact(&mut answer).await.expect("an answer");
    let mut second = TcpStream::connect(address).await.expect("connected");
    let mut rest = Vec::new();
    let read = second.read_to_end(&mut rest).await;
    assert!(read.is_err() || rest.is_empty());
    assert_eq!(metrics.times_reached(Limit::Connections), 1);
    drop(first);
    stop.send(()).expect("serving");
    serving.await.expect("ended");
}

#[tokio::test]
async fn https_with_a_self_signed_certificate_answers() {
    let server = bind(Settings { tls: Tls::SelfSigned, ..settings() }).await;
    let address = server.local_addr().expect("address");
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = tokio::spawn(server.serve(async {
        let _ = stopped.await;
    }));
    let tcp = TcpStream::connect(address).await.expect("connected");
    let name = ServerName::try_from("localhost").expect("name");
    let mut tls =
        TlsConnector::from(Arc::new(trusting::client())).connect(name, tcp).await.expect("TLS");
    tls.write_all(PROBE).await.expect("written");
    let mut answer = vec![0; 12];
    tls.read_exact(&mut answer).await.expect("an answer");
    assert_eq!(answer, b"HTTP/1.1 204");
    drop(tls);
    stop.send(()).expect("serving");
    tokio::time::timeout(Duration::from_secs(5), serving).await.expect("in time").expect("ended");
}

#[tokio::test]
async fn the_welcome_is_a_table_of_links_that_work() {
    let server = bind(Settings { open: true, ..settings() }).await;
    let port = server.local_addr().expect("address").port();
    let text = server.welcome(super::agora(), "The Agora").await.expect("welcome");
    let base = format!("http://localhost:{port}");
    assert!(text.contains(&format!("{base}/\n")), "{text}");
    let token = text.split("#token=").nth(1).and_then(|rest| rest.lines().next()).expect("token");
    assert!(keys().verify(token, Some(&super::agora()), super::now_unix_s()).is_ok());
}

/// A TLS client that checks the handshake's signatures but trusts every certificate.
mod trusting {
    use std::sync::Arc;

    use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
    use rustls::crypto::{
        CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature,
    };
    use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
    use rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};

    #[derive(Debug)]
    struct AnyCertificate(Arc<CryptoProvider>);

    pub(super) fn client() -> ClientConfig {
        let provider = Arc::new(aws_lc_rs::default_provider());
        ClientConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .expect("versions")
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(AnyCertificate(provider)))
            .with_no_client_auth()
    }

    impl ServerCertVerifier for AnyCertificate {
        fn verify_server_cert(
            &self,
            _: &CertificateDer<'_>,
            _: &[CertificateDer<'_>],
            _: &ServerName<'_>,
            _: &[u8],
            _: UnixTime,
        ) -> Result<ServerCertVerified, Error> {
            Ok(ServerCertVerified::assertion())
        }

        fn verify_tls12_signature(
            &self,
            message: &[u8],
            certificate: &CertificateDer<'_>,
            signed: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            let algorithms = &self.0.signature_verification_algorithms;
            verify_tls12_signature(message, certificate, signed, algorithms)
        }

        fn verify_tls13_signature(
            &self,
            message: &[u8],
            certificate: &CertificateDer<'_>,
            signed: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            let algorithms = &self.0.signature_verification_algorithms;
            verify_tls13_signature(message, certificate, signed, algorithms)
        }

        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            self.0.signature_verification_algorithms.supported_schemes()
        }
    }
}

/// On the operating system's own connections: nobody accepts here, so all of them wait in its queue.
#[tokio::test]
async fn hundreds_who_connect_in_the_same_moment_all_find_a_place() {
    let server = bind(settings()).await;
    let address = server.local_addr().expect("address");
    let mut connected = Vec::new();
    for _ in 0..400 {
        // Whoever finds no place would try again after a second.
        let within = Duration::from_millis(900);
        connected.push(std::net::TcpStream::connect_timeout(&address, within).expect("a place"));
    }
    assert_eq!(connected.len(), 400);
}
