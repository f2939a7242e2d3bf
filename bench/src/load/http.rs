//! Rooms, WHIP and WHEP over warm HTTP/1.1 connections.

use std::net::SocketAddr;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderName, LOCATION};
use hyper::{HeaderMap, Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use tokio::net::TcpStream;

/// Largest answer that is read, in bytes.
const ANSWER_BYTES_MAX: usize = 1 << 20;

/// A connection that is kept open from request to request.
#[derive(Debug)]
pub struct Connection {
    sender: SendRequest<Full<Bytes>>,
    host: String,
}

/// What a server said.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status code.
    pub status: StatusCode,
    /// All headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: String,
}

impl Answer {
    /// A header as text.
    #[must_use]
    pub fn header(&self, name: HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body, when the status is the expected one.
    ///
    /// # Errors
    /// With what the server said instead.
    pub fn expect(&self, status: StatusCode, asked: &str) -> Result<&str> {
        ensure!(self.status == status, "{asked}: the edge answered {}: {}", self.status, self.body);
        Ok(&self.body)
    }
}

/// A room made for this run.
#[derive(Clone, Debug, Deserialize)]
pub struct Room {
    /// Its id.
    pub room: String,
    /// A way in for each role.
    pub tokens: Tokens,
}

/// Access tokens of a room.
#[derive(Clone, Debug, Deserialize)]
pub struct Tokens {
    /// For who may do everything.
    pub host: String,
    /// For who may speak.
    pub speaker: String,
    /// For who may listen.
    pub listener: String,
}

/// A WHIP or WHEP session.
#[derive(Clone, Debug)]
pub(super) struct Session {
    pub(super) answer: String,
    pub(super) location: String,
}

impl Connection {
    /// Connects.
    ///
    /// # Errors
    /// When nobody listens there.
    pub async fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address)
            .await
            .with_context(|| format!("cannot connect to http://{address}"))?;
        stream.set_nodelay(true).context("cannot set TCP_NODELAY")?;
        let (sender, connection) =
            handshake(TokioIo::new(stream)).await.context("no HTTP connection")?;
        // Ends with the sender; what goes wrong shows in the requests.
        tokio::spawn(connection);
        Ok(Self { sender, host: address.to_string() })
    }

    /// Sends one request and reads the whole answer.
    ///
    /// # Errors
    /// When the connection breaks or the answer is too large.
    pub async fn send(
        &mut self,
        method: Method,
        path: &str,
        token: Option<&str>,
        body: Option<(&str, String)>,
    ) -> Result<Answer> {
        let mut request = Request::builder().method(method).uri(path).header(HOST, &self.host);
        if let Some(token) = token {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        let mut content = Bytes::new();
        if let Some((kind, text)) = body {
            request = request.header(CONTENT_TYPE, kind);
            content = Bytes::from(text);
        }
        let request = request.body(Full::new(content)).context("a malformed request")?;
        self.sender.ready().await.context("the edge closed the connection")?;
        let answer = self.sender.send_request(request).await.context("no answer from the edge")?;
        let status = answer.status();
        let headers = answer.headers().clone();
        let body = Limited::new(answer.into_body(), ANSWER_BYTES_MAX).collect().await;
        let body = body.map_err(|error| anyhow::anyhow!("the answer broke off: {error}"))?;
        let body = String::from_utf8_lossy(&body.to_bytes()).into_owned();
        Ok(Answer { status, headers, body })
    }

    /// Makes a room; the edge must be open.
    ///
    /// # Errors
    /// When the edge refuses.
    pub async fn create_room(&mut self, name: &str) -> Result<Room> {
        let body = serde_json::json!({ "name": name }).to_string();
        let answer =
            self.send(Method::POST, "/v1/rooms", None, Some(("application/json", body))).await?;
        let text = answer.expect(StatusCode::CREATED, "POST /v1/rooms")?;
        serde_json::from_str(text).context("the edge's answer about the new room is not understood")
    }

    /// Opens a session at `path` (WHIP or WHEP) with an offer.
    ///
    /// # Errors
    /// When the edge refuses.
    pub(super) async fn open_session(
        &mut self,
        path: &str,
        token: &str,
        offer: String,
    ) -> Result<Session> {
        let answer =
            self.send(Method::POST, path, Some(token), Some(("application/sdp", offer))).await?;
        let sdp = answer.expect(StatusCode::CREATED, path)?.to_owned();
        let location = answer.header(LOCATION).context("the edge's answer has no Location")?;
        Ok(Session { answer: sdp, location: location.to_owned() })
    }
}
