//! How quinn is set up for links: small bounded buffers, because late audio is worthless.

use std::sync::Arc;
use std::time::Duration;

use quinn::{ClientConfig, IdleTimeout, ServerConfig, TransportConfig, VarInt};

use crate::certificates::Tls;
use crate::config::Limits;
use crate::congestion::AudioFirst;

/// For cleanup only; a dead peer is noticed from the media clock long before.
const IDLE_TIMEOUT_MS: u32 = 10_000;
const KEEP_ALIVE: Duration = Duration::from_secs(3);
/// Until the first sample; a retransmitted handshake should not take a second.
const INITIAL_RTT: Duration = Duration::from_millis(150);
/// Every path that may carry QUIC carries this (RFC 9000 section 14); discovery finds more.
const INITIAL_MTU: u16 = 1_200;
/// Datagrams waiting to be read: a third of a second at 10 Mbit/s.
const DATAGRAM_RECEIVE_BYTES_MAX: usize = 512 * 1_024;
/// Datagrams waiting to be sent: about a quarter of a second at the default booked rate.
const DATAGRAM_SEND_BYTES_MAX: usize = 64 * 1_024;
const CONTROL_RECEIVE_BYTES_MAX: u32 = 256 * 1_024;
const CONTROL_SEND_BYTES_MAX: u64 = 512 * 1_024;
/// Bytes of early packets held for connections not yet looked at, each and together.
const INCOMING_BYTES_MAX: u64 = 16 * 1_024;
const INCOMING_BYTES_TOTAL_MAX: u64 = 1_024 * 1_024;

pub(crate) fn server(tls: &Tls, limits: &Limits) -> ServerConfig {
    let mut config = ServerConfig::with_crypto(tls.server.clone());
    config
        .transport_config(Arc::new(transport(limits, VarInt::from_u32(1))))
        .max_incoming(limits.handshakes_max)
        .incoming_buffer_size(INCOMING_BYTES_MAX)
        .incoming_buffer_size_total(INCOMING_BYTES_TOTAL_MAX);
    config
}

pub(crate) fn client(tls: &Tls, limits: &Limits) -> ClientConfig {
    let mut config = ClientConfig::new(tls.client.clone());
    config.transport_config(Arc::new(transport(limits, VarInt::from_u32(0))));
    config
}

fn transport(limits: &Limits, streams_max: VarInt) -> TransportConfig {
    let booked_bytes_per_second = limits.booked_bits_per_second / 8;
    let mut transport = TransportConfig::default();
    transport
        .max_idle_timeout(Some(IdleTimeout::from(VarInt::from_u32(IDLE_TIMEOUT_MS))))
        .keep_alive_interval(Some(KEEP_ALIVE))
        .initial_rtt(INITIAL_RTT)
        .initial_mtu(INITIAL_MTU)
        .max_concurrent_bidi_streams(streams_max)
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .stream_receive_window(VarInt::from_u32(CONTROL_RECEIVE_BYTES_MAX))
        .receive_window(VarInt::from_u32(CONTROL_RECEIVE_BYTES_MAX))
        .send_window(CONTROL_SEND_BYTES_MAX)
        .datagram_receive_buffer_size(Some(DATAGRAM_RECEIVE_BYTES_MAX))
        .datagram_send_buffer_size(DATAGRAM_SEND_BYTES_MAX)
        .congestion_controller_factory(Arc::new(AudioFirst { booked_bytes_per_second }));
    transport
}
