//! Peers that are slow or silent, beside others.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use stoa_protocol::ids::Role;
use tokio::time::Instant;

use super::Stage;
use super::fake_rooms::member;
use super::websocket::{hear, joined, say};
use crate::rooms::{Counts, ParticipantEvent, Roster};
use crate::signaling::Limit;

#[tokio::test(start_paused = true)]
async fn who_does_not_read_is_cut_off_while_others_are_answered_at_once() {
    let stage = Stage::new();
    let mut quick = joined(&stage).await;
    let slow = joined(&stage).await;
    let name = "x".repeat(64);
    let crowd = (0..100).map(|n| member(&format!("p_{n}"), &name, Role::Speaker, false)).collect();
    let roster = Arc::new(Roster { stage: crowd, listeners: 0 });
    for id in 0..10 {
        if stage.app.metrics.times_reached(Limit::SlowReader) == 0 {
            // The events are those of the one who joined last: the slow one.
            stage.rooms.happen(ParticipantEvent::Roster(roster.clone()));
            stage.rooms.happen(ParticipantEvent::Counts(Counts { listeners: id, hands: 0 }));
        }
        let begun = Instant::now();
        say(&mut quick, json!({"type": "ping", "id": id})).await;
        assert_eq!(hear(&mut quick).await, json!({"type": "ok", "id": id}));
        assert!(begun.elapsed() < Duration::from_millis(10));
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(stage.app.metrics.times_reached(Limit::SlowReader), 1);
    drop(slow);
}

#[tokio::test(start_paused = true)]
async fn who_is_silent_is_cut_off_while_others_stay() {
    let stage = Stage::new();
    let mut talking = joined(&stage).await;
    let silent = joined(&stage).await;
    for id in 0..20 {
        tokio::time::sleep(Duration::from_secs(2)).await;
        say(&mut talking, json!({"type": "ping", "id": id})).await;
        assert_eq!(hear(&mut talking).await["id"], id);
    }
    assert_eq!(stage.app.metrics.times_reached(Limit::Silence), 1);
    drop(silent);
}
