//! A room's WebSocket as a client uses it (`edge-node/web/PROTOCOL.md`).

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use futures_util::{SinkExt, StreamExt};
use hyper::header::SEC_WEBSOCKET_PROTOCOL;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

/// How long an answer or an event may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Events that are kept until somebody asks for them; older ones give way.
const EVENTS_MAX: usize = 1_024;

/// Memory for what comes in: ten thousand connections are open at once, and most of them hear a few words a minute.
const READ_BYTES: usize = 4 * 1_024;

/// A connection that has joined.
pub(super) struct Talk {
    socket: WebSocketStream<TcpStream>,
    events: VecDeque<Value>,
    last: i64,
    offers: u32,
    /// What `joined` said.
    pub(super) joined: Value,
}

impl Talk {
    /// Joins with an offer; the answer is in [`Self::joined`].
    ///
    /// # Errors
    /// When the edge refuses.
    pub(super) async fn join(
        edge: SocketAddr,
        room: &str,
        token: &str,
        name: &str,
        sdp: &str,
    ) -> Result<Self> {
        let stream = TcpStream::connect(edge).await.context("cannot connect to the edge")?;
        stream.set_nodelay(true).context("cannot set TCP_NODELAY")?;
        let mut request = format!("ws://{edge}/v1/rooms/{room}/ws").into_client_request()?;
        let protocol = HeaderValue::from_static("stoa.v1");
        request.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, protocol);
        let config = WebSocketConfig::default().read_buffer_size(READ_BYTES);
        let (socket, _) = client_async_with_config(request, stream, Some(config))
            .await
            .context("no WebSocket")?;
        let mut talk =
            Self { socket, events: VecDeque::new(), last: 0, offers: 0, joined: Value::Null };
        let join = json!({ "type": "join", "token": token, "name": name, "sdp": sdp });
        talk.joined = talk.ask(join).await.context("the edge lets nobody in")?;
        Ok(talk)
    }

    /// Who one is in the room.
    pub(super) fn participant(&self) -> &str {
        self.joined["participant"].as_str().unwrap_or_default()
    }

    /// Offers that were sent so far.
    pub(super) fn offers(&self) -> u32 {
        self.offers
    }

    /// The SDP answer.
    pub(super) fn answer(&self) -> &str {
        self.joined["sdp"].as_str().unwrap_or_default()
    }

    /// Says something; gives the number by which [`Self::answer_to`] finds the answer.
    ///
    /// # Errors
    /// When the connection breaks.
    pub(super) async fn say(&mut self, mut message: Value) -> Result<i64> {
        self.last += 1;
        self.offers += u32::from(message.get("sdp").is_some());
        message["id"] = self.last.into();
        let text = Message::text(message.to_string());
        self.socket.send(text).await.context("the WebSocket broke")?;
        Ok(self.last)
    }

    /// Waits for the answer to a message.
    ///
    /// # Errors
    /// What the edge refused, or silence.
    pub(super) async fn answer_to(&mut self, id: i64) -> Result<Value> {
        let answer = self.wait_for(|message| message["id"] == id).await?;
        ensure!(answer["type"] != "error", "the edge refused: {}", answer["problem"]["detail"]);
        Ok(answer)
    }

    /// Says something and waits for the answer.
    ///
    /// # Errors
    /// As both.
    pub(super) async fn ask(&mut self, message: Value) -> Result<Value> {
        let id = self.say(message).await?;
        self.answer_to(id).await
    }

    /// The first message that is `wanted`, of those that have come or that will.
    ///
    /// # Errors
    /// When it does not come in time, or the connection ends.
    pub(super) async fn wait_for(&mut self, wanted: impl Fn(&Value) -> bool) -> Result<Value> {
        if let Some(place) = self.events.iter().position(&wanted) {
            return self.events.remove(place).context("an event is gone");
        }
        let heard = async {
            loop {
                let message = match self.socket.next().await {
                    Some(Ok(Message::Text(text))) => serde_json::from_str::<Value>(&text)?,
                    Some(Ok(Message::Close(frame))) => bail!("the edge has closed: {frame:?}"),
                    Some(Ok(_)) => continue,
                    Some(Err(error)) => return Err(error).context("the WebSocket broke"),
                    None => bail!("the WebSocket has ended"),
                };
                if wanted(&message) {
                    return Ok(message);
                }
                if self.events.len() >= EVENTS_MAX {
                    self.events.pop_front();
                }
                self.events.push_back(message);
            }
        };
        tokio::time::timeout(PATIENCE, heard).await.context("the edge says nothing")?
    }

    /// Forgets what has come and was not asked for.
    pub(super) fn forget(&mut self) {
        self.events.clear();
    }

    /// Leaves the connection to a task that answers pings and forgets what it hears, until it is woken.
    pub(super) fn rest(mut self) -> Resting {
        let (wake, woken) = oneshot::channel();
        let task = tokio::spawn(async move {
            tokio::select! {
                // Whoever would wake it may be gone: then it rests no longer either.
                _ = woken => Ok(self),
                ended = self.listen() => Err(ended),
            }
        });
        Resting { wake, task }
    }

    /// Forgets everything until the connection ends; returns why.
    async fn listen(&mut self) -> anyhow::Error {
        loop {
            match self.socket.next().await {
                Some(Ok(Message::Close(frame))) => {
                    return anyhow::anyhow!("the edge has closed: {frame:?}");
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => {
                    return anyhow::Error::new(error).context("the WebSocket broke");
                }
                None => return anyhow::anyhow!("the WebSocket has ended"),
            }
        }
    }
}

/// A connection that is kept open and not listened to.
pub(super) struct Resting {
    wake: oneshot::Sender<()>,
    task: JoinHandle<Result<Talk>>,
}

impl Resting {
    /// Takes it up again.
    ///
    /// # Errors
    /// When it has ended meanwhile.
    pub(super) async fn wake(self) -> Result<Talk> {
        // Gone only where the connection has ended, which the task tells.
        let _ = self.wake.send(());
        self.task.await.context("a connection's task has failed")?
    }
}
