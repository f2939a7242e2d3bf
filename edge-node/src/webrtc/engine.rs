//! What runs a session: str0m from the offer on; DTLS alone once it is connected.

use std::net::SocketAddr;
use std::time::Instant;

use str0m::net::{Protocol, Receive};
use str0m::{Input, Rtc};

use super::asleep::Asleep;
use super::candidates::Candidates;

pub(super) enum Engine {
    Awake(Box<Rtc>),
    Asleep(Asleep),
}

/// Why a datagram came to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It is not this session's.
    Foreign,
    /// It is, but it is broken; the session may have something to say to it.
    Broken,
}

impl Engine {
    /// Takes a datagram; poll afterwards.
    ///
    /// # Errors
    /// A [`Refusal`]; poll after a broken one as well.
    pub(super) fn handle_datagram(
        &mut self,
        datagram: &[u8],
        source: SocketAddr,
        candidates: &Candidates,
        now: Instant,
    ) -> Result<(), Refusal> {
        let rtc = match self {
            Self::Awake(rtc) => rtc,
            Self::Asleep(asleep) => {
                return asleep.handle_datagram(datagram, now).map_err(|_| Refusal::Broken);
            }
        };
        let destination = candidates.facing(source).ok_or(Refusal::Foreign)?;
        let receive = Receive::new(Protocol::Udp, source, destination, datagram);
        let input = Input::Receive(now, receive.map_err(|_| Refusal::Foreign)?);
        let check = matches!(datagram, [0..=3, ..]);
        if check && !rtc.accepts(&input) {
            return Err(Refusal::Foreign);
        }
        rtc.handle_input(input).map_err(|_| Refusal::Broken)
    }

    /// Time has come; says whether that did any harm.
    pub(super) fn handle_timeout(&mut self, now: Instant) -> Result<(), Refusal> {
        match self {
            Self::Awake(rtc) => rtc.handle_input(Input::Timeout(now)).map_err(|_| Refusal::Broken),
            Self::Asleep(asleep) => asleep.handle_timeout(now).map_err(|_| Refusal::Broken),
        }
    }

    /// Whether there is anything left to poll for.
    pub(super) fn is_alive(&self) -> bool {
        match self {
            Self::Awake(rtc) => rtc.is_alive(),
            Self::Asleep(_) => true,
        }
    }
}
