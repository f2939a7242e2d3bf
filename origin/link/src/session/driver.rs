//! The loop of one link: inputs go to the core, its commands to the wire, its events to the owner.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Buf, Bytes, BytesMut};
use quinn::{
    Chunk, Connection, ConnectionError, ReadError, RecvStream, SendDatagramError, SendStream,
    WriteError,
};
use stoa_protocol::mesh::codec::{Decoder, encode};
use stoa_protocol::mesh::peer::{Command, Config, Event, Peer, PeerError};

use super::establish::Outcome;
use super::standing::{End, Standing, params_of};
use crate::certificates::identity_of;
use crate::event::PeerName;
use crate::failure::{Failure, Kind, close, code, describe};
use crate::node::{Handshake, Node};
use crate::queue::{Ending, Order};
use crate::registry::Claim;
use crate::statistics::count;

/// Most bytes read from the control stream at once.
const CHUNK_BYTES_MAX: usize = 16 * 1_024;
/// Control messages that the peer has not taken; a peer with more outstanding is too slow.
const UNSENT_BYTES_MAX: usize = 1_024 * 1_024;
/// Orders taken between two looks at everything else.
const ORDERS_AT_ONCE: usize = 64;
/// How often statistics, datagram size and redundancy are brought up to date.
const REFRESH_INTERVAL: Duration = Duration::from_millis(100);
/// How long the last control messages may take to arrive.
const LAST_WORDS_MAX: Duration = Duration::from_secs(1);

/// Drives one link.
pub(super) struct Driver {
    node: Arc<Node>,
    connection: Connection,
    send: SendStream,
    recv: RecvStream,
    decoder: Decoder,
    unsent: BytesMut,
    peer: Peer,
    standing: Standing,
    orders: Vec<Order>,
    refreshed: Instant,
    datagram_bytes_max: usize,
}

/// What the loop wakes up for.
enum Input {
    Datagram(Result<Bytes, ConnectionError>),
    Control(Result<Option<Chunk>, ReadError>),
    Written(Result<usize, WriteError>),
    Orders,
    Ending(Ending),
    Closing(String),
    Timeout,
}

impl Driver {
    /// `None` when the peer takes no datagrams.
    pub(super) fn new(
        node: Arc<Node>,
        connection: Connection,
        (send, recv): (SendStream, RecvStream),
        name: PeerName,
        claim: Claim,
    ) -> Option<Self> {
        let now = Instant::now();
        let datagram_bytes_max = connection.max_datagram_size()?;
        let config =
            Config { datagram_bytes_max, ..Config::new(&node.identity, identity_of(&name)) };
        Some(Self {
            standing: Standing::new(Arc::clone(&node), name, claim),
            node,
            connection,
            send,
            recv,
            decoder: Decoder::new(),
            unsent: BytesMut::new(),
            peer: Peer::new(config, now),
            orders: Vec::with_capacity(ORDERS_AT_ONCE),
            refreshed: now,
            datagram_bytes_max,
        })
    }

    /// Runs to the end of the connection. `handshake` is given back when the link is up.
    pub(super) async fn run(mut self, mut handshake: Option<Handshake>) -> Outcome {
        let end = loop {
            if let Err(end) = self.settle().await {
                break end;
            }
            if self.standing.is_up() {
                handshake = None;
            }
            let input = self.next_input().await;
            if let Err(end) = self.apply(input).await {
                break end;
            }
        };
        drop(handshake);
        self.finish(end).await
    }

    async fn next_input(&mut self) -> Input {
        let up = self.standing.is_up();
        let deadline = self.peer.poll_timeout();
        let queue = &mut self.standing.queue;
        tokio::select! {
            datagram = self.connection.read_datagram() => Input::Datagram(datagram),
            chunk = self.recv.read_chunk(CHUNK_BYTES_MAX, true) => Input::Control(chunk),
            written = self.send.write(&self.unsent), if !self.unsent.is_empty() => Input::Written(written),
            _ = queue.orders.recv_many(&mut self.orders, ORDERS_AT_ONCE), if up => Input::Orders,
            ending = queue.ending.wait_for(Option::is_some) => match ending.as_deref() {
                Ok(Some(ending)) => Input::Ending(ending.clone()),
                // Every handle is gone, so nobody can want anything of this link any more.
                Ok(None) | Err(_) => Input::Ending(Ending::InOrder("the link is unused".to_owned())),
            },
            reason = self.node.closing(), if !up => Input::Closing(reason),
            () = sleep_until(deadline) => Input::Timeout,
        }
    }

    async fn apply(&mut self, input: Input) -> Result<(), End> {
        let now = Instant::now();
        match input {
            Input::Datagram(Ok(datagram)) => self.peer.handle_datagram(datagram, now),
            Input::Datagram(Err(error)) => return Err(self.lost(error).await),
            Input::Control(Ok(Some(chunk))) => self.take_control(&chunk.bytes, now)?,
            Input::Control(Ok(None)) => {
                return Err(End::broken("the peer ended its control stream"));
            }
            Input::Control(Err(ReadError::ConnectionLost(error))) => return Err(End::Lost(error)),
            Input::Control(Err(error)) => return Err(End::broken(&error.to_string())),
            Input::Written(Ok(bytes)) => self.unsent.advance(bytes),
            Input::Written(Err(WriteError::ConnectionLost(error))) => {
                return Err(self.lost(error).await);
            }
            Input::Written(Err(error)) => return Err(End::broken(&error.to_string())),
            Input::Orders => {
                let mut orders = std::mem::take(&mut self.orders);
                let obeyed = orders.drain(..).try_for_each(|order| self.obey(order, now));
                self.orders = orders;
                obeyed?;
            }
            Input::Ending(ending) => self.end(ending).await?,
            Input::Closing(reason) => return Err(End::Cut { code: code::IN_ORDER, reason }),
            Input::Timeout => {}
        }
        if self.peer.poll_timeout().is_some_and(|due| due <= now) {
            self.peer.handle_timeout(now);
        }
        if now.saturating_duration_since(self.refreshed) >= REFRESH_INTERVAL {
            self.refresh(now)?;
        }
        Ok(())
    }

    /// Does what the core owes the wire and the owner.
    async fn settle(&mut self) -> Result<(), End> {
        let mut closing = None;
        while let Some(command) = self.peer.next_command() {
            match command {
                Command::SendControl(message) => {
                    if let Err(error) = encode(&message, &mut self.unsent) {
                        tracing::error!(peer = %self.standing.name.node, %error, "a control message was not sent");
                    }
                }
                Command::SendDatagram(datagram) => self.transmit(datagram),
                Command::Close { reason } => closing = Some(reason),
            }
        }
        while let Some(event) = self.peer.next_event() {
            if let Event::Up { .. } = event {
                self.standing.counters.note(self.peer.statistics(), self.connection.stats());
                self.standing.come_up().await?;
            } else {
                self.standing.tell(event).await?;
            }
        }
        if let Some(reason) = closing {
            return Err(End::Said { reason });
        }
        if self.unsent.len() > UNSENT_BYTES_MAX {
            return Err(self.too_slow());
        }
        Ok(())
    }

    fn transmit(&mut self, datagram: Bytes) {
        // Quinn would make room by dropping what waits longest without telling anyone.
        let sent = self.connection.datagram_send_buffer_space() >= datagram.len()
            && match self.connection.send_datagram(datagram) {
                // A lost connection is told by the next read.
                Ok(()) | Err(SendDatagramError::ConnectionLost(_)) => true,
                Err(SendDatagramError::TooLarge) => {
                    self.refreshed =
                        self.refreshed.checked_sub(REFRESH_INTERVAL).unwrap_or(self.refreshed);
                    false
                }
                Err(SendDatagramError::UnsupportedByPeer | SendDatagramError::Disabled) => false,
            };
        if !sent {
            count(&self.standing.counters.datagrams_dropped);
        }
    }

    fn take_control(&mut self, bytes: &[u8], now: Instant) -> Result<(), End> {
        self.decoder.extend(bytes);
        loop {
            match self.decoder.next_message() {
                Ok(Some(message)) => self.peer.handle_control(message, now),
                Ok(None) => return Ok(()),
                Err(error) if error.is_fatal() => return Err(End::broken(&error.to_string())),
                Err(_) => self.peer.report_misbehaviour(now),
            }
        }
    }

    fn obey(&mut self, order: Order, now: Instant) -> Result<(), End> {
        let obeyed = match order {
            Order::Control(body) => self.peer.send_control(*body),
            Order::Bind(binding) => self.peer.bind(params_of(*binding), now),
            Order::Unbind(track) => self.peer.unbind(track, now),
            Order::Frame(frame) => {
                match self.node.trails.find(&frame, now) {
                    Some((trail, waited)) => self.peer.send_traced(&frame, &trail, waited, now),
                    None => self.peer.send_frame(&frame, now),
                }
                Ok(())
            }
            Order::Urgent(frame) => {
                self.peer.send_frame(&frame, now);
                self.peer.flush(now);
                Ok(())
            }
        };
        match obeyed {
            // The core has ended the link; that comes out at the next settling.
            Ok(()) | Err(PeerError::NotUp) => Ok(()),
            Err(PeerError::Congested) => Err(self.too_slow()),
            Err(error) => {
                tracing::debug!(peer = %self.standing.name.node, %error, "an order was not obeyed");
                Ok(())
            }
        }
    }

    async fn end(&mut self, ending: Ending) -> Result<(), End> {
        match ending {
            Ending::InOrder(reason) => {
                self.standing.queue.orders.close();
                while let Ok(order) = self.standing.queue.orders.try_recv() {
                    self.obey(order, Instant::now())?;
                    self.settle().await?;
                }
                self.peer.goodbye(reason, Instant::now());
                Ok(())
            }
            Ending::AtOnce(reason) => Err(End::Cut { code: code::CUT, reason }),
            Ending::QueueFull => Err(self.too_slow()),
        }
    }

    fn refresh(&mut self, now: Instant) -> Result<(), End> {
        self.refreshed = now;
        let statistics = self.peer.statistics();
        self.peer.adapt_redundancy(now);
        self.standing.counters.note(statistics, self.connection.stats());
        if let Some(bytes) = self.connection.max_datagram_size()
            && bytes != self.datagram_bytes_max
        {
            self.datagram_bytes_max = bytes;
            self.peer.set_datagram_size_max(bytes, now);
        }
        if self.node.inbox.is_gone() { Err(End::owner_gone()) } else { Ok(()) }
    }

    /// What the peer said before the connection was lost may explain it.
    async fn lost(&mut self, error: ConnectionError) -> End {
        while let Ok(Ok(Some(chunk))) =
            tokio::time::timeout(Duration::ZERO, self.recv.read_chunk(CHUNK_BYTES_MAX, true)).await
        {
            if self.take_control(&chunk.bytes, Instant::now()).is_err() {
                break;
            }
        }
        match self.settle().await {
            Ok(()) => End::Lost(error),
            Err(end) => end,
        }
    }

    fn too_slow(&self) -> End {
        count(&self.node.counters.links_queue_full);
        End::Cut {
            code: code::CUT,
            reason: "the peer takes control messages too slowly".to_owned(),
        }
    }

    async fn finish(mut self, end: End) -> Outcome {
        let failure = self.failure(&end);
        let up = self.standing.up();
        self.standing.counters.note(self.peer.statistics(), self.connection.stats());
        match end {
            End::Said { reason } => {
                self.standing.go_down(&reason);
                if tokio::time::timeout(LAST_WORDS_MAX, self.last_words()).await.is_err() {
                    tracing::debug!(peer = %self.standing.name.node, "the last words did not arrive in time");
                }
                let code = if up.is_some() { code::IN_ORDER } else { code::REFUSED };
                close(&self.connection, code, &reason);
            }
            End::Cut { code, reason } => {
                close(&self.connection, code, &reason);
                self.standing.go_down(&reason);
            }
            End::Lost(error) => self.standing.go_down(&describe(&error)),
        }
        match up {
            Some(up) => Outcome::Down { up },
            None if self.node.closing.borrow().is_some() => Outcome::Closing,
            None => Outcome::NeverUp(failure),
        }
    }

    async fn last_words(&mut self) {
        if self.send.write_all(&self.unsent).await.is_ok() && self.send.finish().is_ok() {
            // Whatever ends the waiting, there is nothing left to say.
            let _ = self.send.stopped().await;
        }
    }

    /// What kind of failure it is if the link never was up.
    fn failure(&self, end: &End) -> Failure {
        match end {
            End::Lost(error) => Failure::from(error.clone()),
            End::Cut { reason, .. } => Failure::new(Kind::Other, reason.as_str()),
            End::Said { reason } => {
                let statistics = self.peer.statistics();
                let kind = match (statistics.refused, statistics.control_in) {
                    (0, 0) => Kind::Timeout,
                    (0, _) => Kind::Refused,
                    _ => Kind::Identity,
                };
                Failure::new(kind, reason.as_str())
            }
        }
    }
}

async fn sleep_until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
        None => std::future::pending().await,
    }
}
