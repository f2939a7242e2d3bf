//! Rooms outlive their origin: what one service writes, the next one reads.

use std::sync::Arc;
use std::time::Duration;

use stoa_protocol::mesh::control::{
    Act, Ask, Body, CreateRoom, Deed, Leave, RoomSettings, WireRole,
};

use super::world::{World, join_ask};
use crate::store::{Answer, Embedded, Kept, Operation, PAGE_MAX, Store};

/// Writes everything that the service owes.
async fn write(world: &mut World, store: &Arc<Embedded>) {
    while let Some(operation) = world.service.next_write() {
        let told = format!("{operation:?}");
        store.apply(operation).await.unwrap_or_else(|error| panic!("{told}: {error}"));
    }
}

/// Reads everything that is kept of all rooms.
async fn read(store: &Arc<Embedded>) -> Vec<Kept> {
    let (after, limit) = (None, PAGE_MAX);
    let Ok(Answer::Rooms(records)) = store.apply(Operation::Rooms { after, limit }).await else {
        panic!("no rooms");
    };
    let mut all = Vec::new();
    for record in records {
        let room = record.room.clone();
        let after = String::new();
        let ask = Operation::Appointments { room: room.clone(), after: after.clone(), limit };
        let Ok(Answer::Appointments(appointments)) = store.apply(ask).await else { panic!() };
        let ask = Operation::Bans { room: room.clone(), after, limit };
        let Ok(Answer::Bans(bans)) = store.apply(ask).await else { panic!() };
        let ask = Operation::Log { room: room.clone(), after: 0, limit };
        let Ok(Answer::Log(log)) = store.apply(ask).await else { panic!() };
        let Ok(Answer::Hot(hot)) = store.apply(Operation::Hot(room)).await else { panic!() };
        all.push(Kept { record, appointments, bans, log, hot: hot.unwrap_or_default() });
    }
    all
}

fn act(by: &str, deed: Deed, participant: &str) -> Act {
    Act {
        room: "r".into(),
        by: by.into(),
        deed: deed.into(),
        participant: participant.into(),
        ..Act::default()
    }
}

const SHOP: &str = "shop";

/// The same, asked by somebody of the tenant [`SHOP`].
fn of_shop(ask: Ask) -> Ask {
    match ask {
        Ask::Join(join) => {
            Ask::Join(stoa_protocol::mesh::control::Join { tenant: SHOP.into(), ..join })
        }
        Ask::Act(act) => Ask::Act(Act { tenant: SHOP.into(), ..act }),
        other => other,
    }
}

#[tokio::test]
async fn a_room_is_the_same_after_its_origin_has_died_and_everybody_is_back() {
    let store = Arc::new(Embedded::in_memory().unwrap());
    let mut world = World::new();
    let ams = world.up(1, "ams");
    let settings =
        RoomSettings { topic: Some("Justice".into()), feeds: Some(1), ..RoomSettings::default() };
    let create = CreateRoom {
        room: "r".into(),
        name: "Agora".into(),
        settings: Some(settings),
        tenant: SHOP.into(),
        ..CreateRoom::default()
    };
    world.ask(ams, Ask::CreateRoom(create));
    for (who, role) in [
        ("hana", WireRole::Host),
        ("mo", WireRole::Listener),
        ("ada", WireRole::Speaker),
        ("lia", WireRole::Listener),
        ("leo", WireRole::Listener),
        ("eve", WireRole::Listener),
    ] {
        world.ask(ams, of_shop(join_ask("r", who, role)));
    }
    let promote = Act { role: WireRole::Moderator.into(), ..act("hana", Deed::SetRole, "mo") };
    for deed in [
        promote,
        act("leo", Deed::RaiseHand, "leo"),
        act("lia", Deed::RaiseHand, "lia"),
        act("mo", Deed::Ban, "eve"),
        act("mo", Deed::MuteAll, ""),
    ] {
        world.ask(ams, of_shop(Ask::Act(deed)));
    }
    world.ask(ams, Ask::Leave(Leave { room: "r".into(), participant: "hana".into() }));
    let before = world.service.halls[&world.service.key_of("r").unwrap()].room.state();
    write(&mut world, &store).await;

    let mut next = World::new();
    next.now += Duration::from_secs(5);
    for kept in read(&store).await {
        next.service.restore(&kept, next.now);
    }
    write(&mut next, &store).await;
    let sin = next.up(1, "sin");
    for (who, role) in [
        ("mo", WireRole::Listener),
        ("ada", WireRole::Speaker),
        ("lia", WireRole::Listener),
        ("leo", WireRole::Listener),
    ] {
        next.ask(sin, of_shop(join_ask("r", who, role)));
    }

    let after = next.states(sin).pop().unwrap();
    let shown = |state: &stoa_protocol::mesh::control::RoomState| {
        let info = state.info.clone().unwrap();
        let mut stage: Vec<_> =
            state.stage.iter().map(|m| (m.participant.clone(), m.role, m.muted)).collect();
        stage.sort();
        let hands = state.hands.iter();
        let hands: Vec<_> = hands.map(|hand| (hand.participant.clone(), hand.raised_ms)).collect();
        (info.settings, info.tenant, info.listeners, stage, hands)
    };
    assert_eq!(shown(&after), shown(&before));
    assert!(after.epoch > before.epoch, "what the dead one still says is old");
    let refused = next.problem(sin, of_shop(join_ask("r", "eve", WireRole::Listener)));
    assert_eq!(refused.code, "banned");
    write(&mut next, &store).await;
}

#[tokio::test]
async fn people_are_written_anew_for_a_store_that_has_forgotten_them() {
    let mut world = World::new();
    let ams = world.up(1, "ams");
    world.create(ams, "r");
    world.join(ams, "r", "ada", WireRole::Speaker);
    world.join(ams, "r", "leo", WireRole::Listener);
    world.ask(ams, Ask::Act(act("leo", Deed::RaiseHand, "leo")));
    let store = Arc::new(Embedded::in_memory().unwrap());
    write(&mut world, &store).await;
    let before = read(&store).await.remove(0).hot;
    let room = stoa_protocol::ids::RoomId::new("r").unwrap();
    store.apply(Operation::Forget(room)).await.unwrap();

    world.service.write_people_anew();
    write(&mut world, &store).await;

    assert_eq!(read(&store).await.remove(0).hot, before);
}

#[tokio::test]
async fn who_has_left_is_not_in_a_store_that_has_come_back_with_an_older_copy() {
    let mut world = World::new();
    let ams = world.up(1, "ams");
    world.create(ams, "r");
    world.join(ams, "r", "ada", WireRole::Speaker);
    let store = Arc::new(Embedded::in_memory().unwrap());
    write(&mut world, &store).await;
    let before = read(&store).await.remove(0).hot;
    world.join(ams, "r", "leo", WireRole::Listener);
    write(&mut world, &store).await;
    let leave = Leave { room: "r".into(), participant: "leo".into() };
    world.ask(ams, Ask::Leave(leave));
    // This reaches a store that forgets it again.
    while world.service.next_write().is_some() {}

    world.service.write_people_anew();
    write(&mut world, &store).await;

    assert_eq!(read(&store).await.remove(0).hot, before);
}

#[tokio::test]
async fn a_room_that_has_ended_stays_so_and_its_id_may_be_used_anew() {
    let store = Arc::new(Embedded::in_memory().unwrap());
    let mut world = World::new();
    let ams = world.up(1, "ams");
    let close = || {
        Ask::CloseRoom(stoa_protocol::mesh::control::CloseRoom {
            room: "r".into(),
            ..Default::default()
        })
    };
    world.create(ams, "r");
    world.ask(ams, close());
    write(&mut world, &store).await;

    let mut next = World::new();
    for kept in read(&store).await {
        next.service.restore(&kept, next.now);
    }
    let ams = next.up(1, "ams");
    assert_eq!(next.problem(ams, close()).code, "room-not-found");
    let info = next.create(ams, "r");
    next.join(ams, "r", "ada", WireRole::Speaker);
    write(&mut next, &store).await;

    let kept = read(&store).await;
    assert_eq!((kept.len(), kept[0].record.closed_ms, kept[0].hot.present.len()), (1, None, 1));
    assert_eq!(kept[0].record.created_ms, info.created_ms);
}

#[tokio::test]
async fn who_does_not_come_back_after_the_origin_has_died_has_left() {
    let store = Arc::new(Embedded::in_memory().unwrap());
    let mut world = World::new();
    let ams = world.up(1, "ams");
    world.create(ams, "r");
    world.join(ams, "r", "ada", WireRole::Speaker);
    world.join(ams, "r", "leo", WireRole::Listener);
    write(&mut world, &store).await;

    let mut next = World::new();
    for kept in read(&store).await {
        next.service.restore(&kept, next.now);
    }
    let ams = next.up(1, "ams");
    next.join(ams, "r", "leo", WireRole::Listener);
    next.advance(crate::room::AWAY_GRACE);
    let info = next.states(ams).pop().and_then(|state| state.info).unwrap();
    assert_eq!((info.speakers, info.listeners), (0, 1));
    assert!(
        !next.sent[&ams]
            .iter()
            .any(|body| matches!(body, Body::Standing(s) if !s.ended.is_empty()))
    );
}

#[tokio::test]
async fn a_room_of_a_record_that_says_nothing_of_feeds_has_two() {
    let mut world = World::new();
    let ams = world.up(1, "ams");
    world.create(ams, "r");
    let store = Arc::new(Embedded::in_memory().unwrap());
    write(&mut world, &store).await;
    let mut kept = read(&store).await.remove(0);
    kept.record.settings.policy = r#"{"tenant": "", "hands_closed": true}"#.into();

    let mut next = World::new();
    next.service.restore(&kept, next.now);

    let settings = next.service.halls[&next.service.key_of("r").unwrap()].room.settings();
    assert_eq!((settings.hands, settings.feeds), (false, 2));
}
