//! Coming back over another WebSocket, and limits of what may be asked.

use std::time::Duration;

use serde_json::{Value, json};
use stoa_protocol::ids::Role;

use super::fake_rooms::{Call, RESUME};
use super::websocket::{close_code, connect, hear, joined, say};
use super::{OFFER, Stage, token};
use crate::rooms::ParticipantEvent;
use crate::signaling::Limit;

fn resume(secret: &str) -> Value {
    json!({"type": "resume", "id": 1, "token": token(Role::Speaker), "resume": secret})
}

#[tokio::test]
async fn a_seat_that_is_gone_is_a_404_after_which_a_join_is_welcome() {
    let stage = Stage::new();
    let mut client = connect(&stage).await;
    stage.rooms.refuse(404, "seat-not-found", "There is no such place in the room.");
    say(&mut client, resume(RESUME)).await;
    assert_eq!(hear(&mut client).await["problem"]["type"], "/problems/seat-not-found");
    let token = token(Role::Speaker);
    say(&mut client, json!({"type": "join", "token": token, "sdp": OFFER, "resume": RESUME})).await;
    assert_eq!(hear(&mut client).await["type"], "joined");
    assert_eq!(stage.rooms.last_join().resume.expect("a former life").to_text(), RESUME);
}

#[tokio::test]
async fn what_cannot_be_a_secret_is_refused_by_name_and_never_repeated() {
    let stage = Stage::new();
    let mut client = connect(&stage).await;
    say(&mut client, resume("p_1.s3cret")).await;
    let error = hear(&mut client).await;
    assert_eq!(error["problem"]["field"], "resume");
    assert!(!error.to_string().contains("s3cret"));
    assert_eq!(close_code(&mut client).await, 4400);
    let mut client = connect(&stage).await;
    let join = json!({"type": "join", "token": token(Role::Speaker), "sdp": OFFER, "resume": "x"});
    say(&mut client, join).await;
    assert_eq!(hear(&mut client).await["type"], "joined", "he is somebody new");
    assert!(stage.rooms.last_join().resume.is_none());
}

#[tokio::test]
async fn who_was_replaced_hears_so_and_his_closing_ends_nothing() {
    let stage = Stage::new();
    let mut client = joined(&stage).await;
    stage.rooms.happen(ParticipantEvent::Closed { reason: "replaced" });
    assert_eq!(hear(&mut client).await, json!({"type": "closed", "reason": "replaced"}));
    assert_eq!(close_code(&mut client).await, 1000);
    // The closing handshake is over once the connection ends.
    let rest = futures_util::StreamExt::next(&mut client).await;
    assert!(rest.is_none_or(|rest| rest.is_err()));
    let all = u32::try_from(stage.app.settings.limits.websockets_max).expect("few");
    let _all = stage.app.websockets.acquire_many(all).await.expect("permits");
    assert!(!stage.rooms.calls().iter().any(|call| matches!(call, Call::Leave(_))));
}

#[tokio::test]
async fn who_is_banned_is_told_and_may_not_come_back_with_this_code() {
    let stage = Stage::new();
    let mut client = joined(&stage).await;
    stage.rooms.happen(ParticipantEvent::Closed { reason: "banned" });
    assert_eq!(hear(&mut client).await["reason"], "banned");
    assert_eq!(close_code(&mut client).await, 4403);
}

#[tokio::test(start_paused = true)]
async fn reactions_have_an_allowance_of_their_own() {
    let stage = Stage::new();
    let mut client = joined(&stage).await;
    let mut refused = 0;
    for id in 0..20 {
        say(&mut client, json!({"type": "react", "id": id, "reaction": "🎉"})).await;
        let answer = hear(&mut client).await;
        refused += u64::from(answer["problem"]["status"] == 429);
        assert_eq!(answer["id"], id);
    }
    assert_eq!(refused, 8);
    assert_eq!(stage.app.metrics.times_reached(Limit::ReactionRate), refused);
    tokio::time::sleep(Duration::from_secs(1)).await;
    say(&mut client, json!({"type": "react", "id": 99, "reaction": "🎉"})).await;
    assert_eq!(hear(&mut client).await, json!({"type": "ok", "id": 99}));
}

#[tokio::test]
async fn a_broken_request_is_named_and_the_connection_goes_on() {
    let stage = Stage::new();
    let mut client = joined(&stage).await;
    let long = "x".repeat(201);
    let cases = [
        (json!({"type": "react", "reaction": "💣"}), "reaction"),
        (json!({"type": "stage", "action": "dance"}), "action"),
        (
            json!({"type": "stage", "action": "remove", "participant": "p_2", "reason": long}),
            "reason",
        ),
        (json!({"type": "participants", "limit": 101}), "limit"),
    ];
    for (message, field) in cases {
        say(&mut client, message).await;
        assert_eq!(hear(&mut client).await["problem"]["field"], field);
    }
    say(&mut client, json!({"type": "ping", "id": 2})).await;
    assert_eq!(hear(&mut client).await, json!({"type": "ok", "id": 2}));
    assert!(stage.rooms.calls().iter().all(|call| matches!(call, Call::Join(_))));
}
