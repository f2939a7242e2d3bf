//! A peer with a valid certificate that says whatever a test wants, on bare quinn.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::BytesMut;
use quinn::crypto::rustls::QuicClientConfig;
use quinn::{ClientConfig, Connection, RecvStream, SendStream};
use stoa_protocol::mesh::codec::{Decoder, encode};
use stoa_protocol::mesh::control::{Body, Control, Hello};

use super::support::{Directory, anywhere, within};
use crate::certificates::{SERVER_NAME, Tls};
use crate::event::PeerName;

pub(super) struct Stranger {
    pub(super) connection: Connection,
    pub(super) send: SendStream,
    recv: RecvStream,
    decoder: Decoder,
    _endpoint: quinn::Endpoint,
}

impl Stranger {
    /// Connects and opens the control stream, but says nothing.
    pub(super) async fn connect(directory: &Directory, name: &PeerName, to: SocketAddr) -> Self {
        let tls = Tls::new(&directory.identity(), name).unwrap();
        let endpoint = quinn::Endpoint::client(anywhere()).unwrap();
        let config = ClientConfig::new(tls.client);
        let connecting = endpoint.connect_with(config, to, SERVER_NAME).unwrap();
        let connection = within(connecting).await.unwrap();
        let (send, recv) = within(connection.open_bi()).await.unwrap();
        Self { connection, send, recv, decoder: Decoder::new(), _endpoint: endpoint }
    }

    /// Connects and says hello as `name`.
    pub(super) async fn greet(directory: &Directory, name: &PeerName, to: SocketAddr) -> Self {
        let mut stranger = Self::connect(directory, name, to).await;
        stranger.say(hello(name.node.as_str(), name.region.as_str())).await;
        stranger
    }

    pub(super) async fn say(&mut self, body: Body) {
        let mut bytes = BytesMut::new();
        encode(&Control { body: Some(body) }, &mut bytes).unwrap();
        within(self.send.write_all(&bytes)).await.unwrap();
    }

    /// The next message that `wanted` wants.
    pub(super) async fn hear(&mut self, wanted: impl Fn(&Body) -> bool) -> Body {
        loop {
            while let Some(message) = self.decoder.next_message().unwrap() {
                if let Some(body) = message.body.filter(&wanted) {
                    return body;
                }
            }
            let chunk = within(self.recv.read_chunk(64 * 1_024, true)).await.unwrap().unwrap();
            self.decoder.extend(&chunk.bytes);
        }
    }
}

pub(super) fn hello(node: &str, region: &str) -> Body {
    Body::Hello(Hello { node: node.to_owned(), region: region.to_owned(), ..Hello::default() })
}

/// Connects with another protocol name; gives why it failed.
pub(super) async fn connect_with_protocol(
    directory: &Directory,
    name: &PeerName,
    to: SocketAddr,
    protocol: &[u8],
) -> quinn::ConnectionError {
    let identity = directory.identity();
    let config = crate::certificates::client_with_protocol(&identity, name, protocol).unwrap();
    let crypto = Arc::new(QuicClientConfig::try_from(config).unwrap());
    let endpoint = quinn::Endpoint::client(anywhere()).unwrap();
    let connecting = endpoint.connect_with(ClientConfig::new(crypto), to, SERVER_NAME).unwrap();
    within(connecting).await.unwrap_err()
}
