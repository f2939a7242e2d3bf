//! WebRTC sessions: str0m for ICE, DTLS and the uplink; our own SRTP for the downlink.

mod plane;

pub use plane::{
    Class, Delivery, Downlink, FromPlane, OfferError, OpenSession, Opened, Restarted, RoomKey,
    SLOTS_MAX, SessionEvent, SessionId, Uplinked,
};
