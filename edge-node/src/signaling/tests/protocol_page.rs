//! The examples of `web/PROTOCOL.md`, replayed.

use std::sync::Arc;

use serde_json::Value;
use stoa_protocol::ids::{ParticipantId, Role};
use stoa_protocol::mesh::control::Deed;

use super::fake_rooms::{ANSWER, Call, member};
use super::websocket::{close_code, connect, hear, say};
use super::{OFFER, Stage, settings, token};
use crate::rooms::{
    Counts, OwnStanding, ParticipantEvent, RaisedHand, Reaction, ReactionCounts, Roster, Title,
};
use crate::signaling::Settings;
use crate::signaling::settings::IceServer;
use crate::webrtc::{Downlink, SessionId};

/// Puts real values where the example has `..`.
fn fill(value: &mut Value, token: &str, sdp: &str) {
    for (name, with) in [("token", token), ("sdp", sdp)] {
        if let Some(place) = value.get_mut(name) {
            assert_eq!(place, "..");
            *place = with.into();
        }
    }
}

fn text<'a>(of: &'a Value, name: &str) -> &'a str {
    of[name].as_str().expect("text")
}

fn participant(of: &Value) -> ParticipantId {
    ParticipantId::new(text(of, "participant")).expect("participant")
}

fn number(of: &Value, name: &str) -> u32 {
    serde_json::from_value(of[name].clone()).expect("count")
}

fn role(of: &Value) -> Role {
    serde_json::from_value(of["role"].clone()).expect("role")
}

/// What happens on the room side before the server tells of it in the example.
fn cause(told: &Value) -> Option<ParticipantEvent> {
    let event = match text(told, "type") {
        "slots" => {
            let slot = |slot: usize| {
                let name = told["slots"][slot]["participant"].as_str();
                name.map(|name| ParticipantId::new(name).expect("participant"))
            };
            ParticipantEvent::Slots([slot(0), slot(1), slot(2)])
        }
        "roster" => {
            let stage = told["stage"].as_array().expect("stage").iter().map(|one| {
                member(text(one, "participant"), text(one, "name"), role(one), one["muted"] == true)
            });
            let (stage, listeners) = (stage.collect(), number(told, "listeners"));
            ParticipantEvent::Roster(Arc::new(Roster { stage, listeners }))
        }
        "counts" => {
            let (listeners, hands) = (number(told, "listeners"), number(told, "hands"));
            ParticipantEvent::Counts(Counts { listeners, hands })
        }
        "standing" => ParticipantEvent::Standing(OwnStanding {
            role: role(told),
            muted: told["muted"] == true,
            hand: told["hand"] == true,
            invited: told["invited"] == true,
        }),
        "hands" => {
            let hands = told["hands"].as_array().expect("hands").iter().map(|one| RaisedHand {
                participant: participant(one),
                name: text(one, "name").into(),
                raised_ms: one["raised_ms"].as_u64().expect("time"),
                invited: one["invited"] == true,
            });
            ParticipantEvent::Hands(hands.collect())
        }
        "room" => {
            let (name, topic) = (text(told, "name").into(), text(told, "topic").into());
            ParticipantEvent::Title(Title { name, topic })
        }
        "reactions" => {
            let mut counts = ReactionCounts::default();
            for (reaction, _) in told["reactions"].as_object().expect("reactions") {
                let times = number(&told["reactions"], reaction);
                counts.note(Reaction::new(reaction).expect("known"), times);
            }
            ParticipantEvent::Reactions(counts)
        }
        _ => return None,
    };
    Some(event)
}

/// Replays one example and returns how many lines it has.
async fn replay(stage: &Stage, example: usize, role: Role) -> usize {
    let page = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/web/PROTOCOL.md"));
    let example = page.split("```").nth(2 * example + 1).expect("an example");
    let mut client = connect(stage).await;
    let lines: Vec<&str> = example.trim().lines().collect();
    for (index, line) in lines.iter().enumerate() {
        let (side, text) = line.split_at(2);
        let mut message: Value = serde_json::from_str(text).expect(line);
        if side == "> " {
            fill(&mut message, &token(role), OFFER);
            let answer = lines.get(index + 1).copied().unwrap_or_default();
            if answer.contains(r#""type": "error""#) {
                let detail = "Only somebody above a host may do this to him.";
                stage.rooms.refuse(403, "forbidden", detail);
            }
            say(&mut client, message).await;
        } else {
            fill(&mut message, "", ANSWER);
            if let Some(event) = cause(&message) {
                stage.rooms.happen(event);
            }
            assert_eq!(hear(&mut client).await, message, "{line}");
        }
    }
    if lines.last().is_some_and(|line| line.contains("ok")) {
        assert_eq!(close_code(&mut client).await, 1000);
    }
    lines.len()
}

#[tokio::test]
async fn the_example_of_the_protocol_page_is_what_happens() {
    let stun =
        IceServer { urls: vec!["stun:stun.example.net".into()], username: None, credential: None };
    let stage = Stage::with(Settings { ice_servers: vec![stun], ..settings() });
    assert_eq!(replay(&stage, 0, Role::Listener).await, 28);
    let ask = stage.rooms.last_join();
    assert_eq!((ask.name.as_str(), ask.muted, ask.publishes), ("Ada", true, true));
    assert_eq!((ask.downlink, ask.wants_events), (Downlink::Slots, true));
    assert!(ask.named && ask.resume.is_none());
    let calls = stage.rooms.calls();
    let deeds: Vec<_> = calls
        .iter()
        .filter_map(|call| match call {
            Call::Act(SessionId(1), action) => Some((action.deed, action.text.clone())),
            _ => None,
        })
        .collect();
    let expected = [(Deed::RaiseHand, ""), (Deed::AcceptHand, ""), (Deed::Remove, "spam")];
    assert_eq!(deeds, expected.map(|(deed, text)| (deed, text.to_owned())));
    assert!(calls.iter().any(|call| matches!(call, Call::SetMuted(SessionId(1), None, false))));
    let people =
        |call: &Call| matches!(call, Call::ListPeople(SessionId(1), after, 1) if after.is_empty());
    assert!(calls.iter().any(people));
    let clap = Reaction::new("👏").expect("known");
    assert!(
        calls.iter().any(|call| matches!(call, Call::React(SessionId(1), given) if *given == clap))
    );
    assert!(matches!(calls.last(), Some(Call::Leave(SessionId(1)))));
}

#[tokio::test]
async fn the_example_of_coming_back_is_what_happens() {
    let stage = Stage::new();
    assert_eq!(replay(&stage, 1, Role::Speaker).await, 3);
    let calls = stage.rooms.calls();
    let [Call::Resume(room, identity, secret)] = &calls[..] else { panic!("{calls:?}") };
    assert_eq!((room.as_str(), identity.as_str()), ("agora", "ada"));
    assert_eq!(secret, super::fake_rooms::RESUME);
}
