//! Short words for the operations that the contract is written in.

use stoa_origin::store::{
    Answer, HotChange, HotRoom, LogEntry, Operation, Ownership, Present, RoomChange, RoomRecord,
    Settings, Store, StoreError,
};
use stoa_protocol::ids::{NodeId, ParticipantId, Role, RoomId};

pub(crate) fn room(name: &str) -> RoomId {
    RoomId::new(name).unwrap()
}

pub(crate) fn node(name: &str) -> NodeId {
    NodeId::new(name).unwrap()
}

pub(crate) fn participant(name: &str) -> ParticipantId {
    ParticipantId::new(name).unwrap()
}

pub(crate) fn ownership(owner: &str, epoch: u64) -> Ownership {
    Ownership { owner: Some(node(owner)), standby: None, epoch }
}

pub(crate) fn record(name: &str) -> RoomRecord {
    let settings = Settings { name: format!("Room {name} – ünïcode"), ..Settings::default() };
    RoomRecord::new(room(name), settings, ownership("o1", 1), 1_000)
}

pub(crate) fn present(name: &str) -> Present {
    Present {
        id: participant(name),
        identity: format!("identity of {name}"),
        name: format!("\"{name}\" ☂"),
        role: Role::Listener,
        muted_by: None,
        invited: false,
    }
}

pub(crate) fn entry(sequence: u64, at_ms: u64) -> LogEntry {
    let text = |what: &str| format!("{what} {sequence}");
    LogEntry {
        sequence,
        at_ms,
        actor: text("actor"),
        what: "muted".to_owned(),
        subject: text("subject"),
        detail: String::new(),
    }
}

pub(crate) fn change(name: &str, epoch: u64, change: RoomChange) -> Operation {
    Operation::Change { room: room(name), epoch, change }
}

pub(crate) fn note(name: &str, epoch: u64, changes: Vec<HotChange>) -> Operation {
    Operation::Note { room: room(name), epoch, changes }
}

pub(crate) fn raise(name: &str, place: u64) -> HotChange {
    HotChange::Raise { participant: participant(name), place }
}

/// Does it, or fails with the operation's name.
pub(crate) async fn done(store: &dyn Store, operation: Operation) {
    let label = operation.label();
    let outcome = store.apply(operation).await;
    assert_eq!(outcome, Ok(Answer::Done), "{label} on {}", store.name());
}

pub(crate) async fn refused(store: &dyn Store, operation: Operation) -> StoreError {
    let label = operation.label();
    match store.apply(operation).await {
        Err(error) => error,
        Ok(answer) => panic!("{label} on {} was not refused: {answer:?}", store.name()),
    }
}

pub(crate) async fn stored(store: &dyn Store, name: &str) -> Option<RoomRecord> {
    match store.apply(Operation::Room(room(name))).await {
        Ok(Answer::Room(record)) => record.map(|record| *record),
        other => panic!("{} answered {other:?}", store.name()),
    }
}

pub(crate) async fn hot(store: &dyn Store, name: &str) -> Option<HotRoom> {
    match store.apply(Operation::Hot(room(name))).await {
        Ok(Answer::Hot(hot)) => hot,
        other => panic!("{} answered {other:?}", store.name()),
    }
}
