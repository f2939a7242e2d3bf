//! From a connection to a link: who is there, and the control stream.

use std::sync::Arc;
use std::time::Instant;

use quinn::{Connection, RecvStream, SendStream};
use rustls::pki_types::CertificateDer;
use stoa_protocol::ids::NodeId;

use super::driver::Driver;
use crate::certificates::name_in;
use crate::event::PeerName;
use crate::failure::{Failure, Kind, LINKED, close, code};
use crate::node::{Handshake, Node};
use crate::registry::{Claim, Dialler};

/// Which side of a connection this is.
pub(crate) enum Side<'a> {
    /// It opened the connection, and learns here whom it reached.
    Opening { peer: &'a mut Option<NodeId> },
    /// It took the connection, which counts as a handshake until the link is up.
    Taking { handshake: Handshake },
}

/// What came of a connection.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// It was a link from `up` until now.
    Down { up: Instant },
    /// It would have been another link to a node that has one.
    Linked,
    /// It never was one.
    NeverUp(Failure),
    /// The endpoint closes.
    Closing,
}

/// Makes a link of a connection and drives it to its end.
pub(crate) async fn run(node: &Arc<Node>, connection: Connection, side: Side<'_>) -> Outcome {
    let name = match identify(node, &connection) {
        Ok(name) => name,
        Err(failure) => {
            close(&connection, code::REFUSED, &failure.reason);
            return Outcome::NeverUp(failure);
        }
    };
    let opening = matches!(side, Side::Opening { .. });
    let dialler = if opening { Dialler::Us } else { Dialler::Peer };
    let Some(claim) = Claim::stake(node, &name.node, dialler) else {
        close(&connection, code::IN_ORDER, LINKED);
        if let Side::Opening { peer } = side {
            *peer = Some(name.node);
            return Outcome::Linked;
        }
        return Outcome::NeverUp(Failure::new(Kind::Other, LINKED));
    };
    let streams = tokio::time::timeout(node.limits.handshake_timeout, async {
        if opening { connection.open_bi().await } else { connection.accept_bi().await }
    });
    let (send, recv): (SendStream, RecvStream) = tokio::select! {
        streams = streams => match streams {
            Ok(Ok(streams)) => streams,
            Ok(Err(error)) => return never_up(error.into(), opening),
            Err(_) => {
                let failure = Failure::timeout();
                close(&connection, code::REFUSED, &failure.reason);
                return Outcome::NeverUp(failure);
            }
        },
        reason = node.closing() => {
            close(&connection, code::IN_ORDER, &reason);
            return Outcome::Closing;
        }
    };
    let handshake = match side {
        Side::Opening { peer } => {
            *peer = Some(name.node.clone());
            None
        }
        Side::Taking { handshake } => Some(handshake),
    };
    let streams = (send, recv);
    let driver = Driver::new(Arc::clone(node), connection.clone(), streams, name, claim);
    let Some(driver) = driver else {
        let failure = Failure::new(Kind::Version, "the peer takes no datagrams");
        close(&connection, code::REFUSED, &failure.reason);
        return Outcome::NeverUp(failure);
    };
    match Box::pin(driver.run(handshake)).await {
        Outcome::NeverUp(failure) => never_up(failure, opening),
        outcome => outcome,
    }
}

/// Why a connection is none any more. A peer that has dialled at the same time says so.
fn never_up(failure: Failure, opening: bool) -> Outcome {
    if opening && failure.reason == LINKED { Outcome::Linked } else { Outcome::NeverUp(failure) }
}

/// Who the peer is, as its certificate says; the chain itself was checked by TLS.
fn identify(node: &Node, connection: &Connection) -> Result<PeerName, Failure> {
    let shown =
        connection.peer_identity().and_then(|any| any.downcast::<Vec<CertificateDer<'_>>>().ok());
    let name = name_in(shown.as_deref().map_or(&[], Vec::as_slice))?;
    if name.node == node.name.node {
        let reason = format!("both sides are the node {}: a node's id must be unique", name.node);
        return Err(Failure::new(Kind::Identity, reason));
    }
    Ok(name)
}
