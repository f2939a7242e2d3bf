//! What every store of hot state promises.

use stoa_origin::store::{
    Answer, CHANGES_PER_WRITE_MAX, Hand, HotChange, HotRoom, Operation, Present, Store, StoreError,
    in_writes,
};
use stoa_protocol::ids::Role;

use crate::vocabulary::{done, hot, note, participant, present, raise, refused, room};

pub(crate) async fn all(store: &dyn Store, prefix: &str) {
    who_is_here_is_read_back_in_order(store, prefix).await;
    a_change_of_an_older_epoch_is_fenced_and_a_newer_one_is_kept(store, prefix).await;
    who_leaves_takes_his_hand_along(store, prefix).await;
    a_dissolved_room_keeps_its_fence_and_a_forgotten_one_nothing(store, prefix).await;
    a_room_of_thousands_is_written_in_small_changes_and_read_whole(store, prefix).await;
    too_many_changes_in_one_write_are_refused(store, prefix).await;
}

async fn who_is_here_is_read_back_in_order(store: &dyn Store, prefix: &str) {
    let name = format!("{prefix}here");
    assert_eq!(hot(store, &name).await, None);
    let here = |name: &str| HotChange::Here(present(name));
    done(store, note(&name, 3, vec![here("c"), here("a"), raise("c", 7), here("b")])).await;
    done(store, note(&name, 3, vec![raise("a", 9), raise("b", 8), raise("c", 10)])).await;
    let muted = Present { role: Role::Speaker, muted_by: Some("mod".to_owned()), ..present("a") };
    done(store, note(&name, 3, vec![HotChange::Here(muted.clone())])).await;

    let read = hot(store, &name).await.unwrap();

    let hand = |name: &str, place| Hand { place, participant: participant(name) };
    let expected = HotRoom {
        epoch: 3,
        present: vec![muted, present("b"), present("c")],
        hands: vec![hand("b", 8), hand("a", 9), hand("c", 10)],
    };
    assert_eq!(read, expected);
}

async fn a_change_of_an_older_epoch_is_fenced_and_a_newer_one_is_kept(
    store: &dyn Store,
    prefix: &str,
) {
    let name = format!("{prefix}epochs");
    done(store, note(&name, 5, vec![HotChange::Here(present("a"))])).await;
    done(store, note(&name, 8, vec![])).await;

    let late = refused(store, note(&name, 7, vec![HotChange::Gone(participant("a"))])).await;
    let dissolve = refused(store, Operation::Dissolve { room: room(&name), epoch: 7 }).await;

    assert_eq!(
        [late, dissolve],
        [StoreError::Fenced { stored: 8 }, StoreError::Fenced { stored: 8 }]
    );
    let expected = HotRoom { epoch: 8, present: vec![present("a")], hands: vec![] };
    assert_eq!(hot(store, &name).await, Some(expected));
}

async fn who_leaves_takes_his_hand_along(store: &dyn Store, prefix: &str) {
    let name = format!("{prefix}leave");
    let here = |name: &str| HotChange::Here(present(name));
    done(store, note(&name, 1, vec![here("a"), here("b"), raise("a", 1), raise("b", 2)])).await;
    done(store, note(&name, 1, vec![raise("stranger", 3)])).await;
    done(store, note(&name, 1, vec![HotChange::Gone(participant("a"))])).await;
    done(store, note(&name, 1, vec![HotChange::Lower(participant("nobody"))])).await;

    let hands = vec![Hand { place: 2, participant: participant("b") }];
    let expected = HotRoom { epoch: 1, present: vec![present("b")], hands };
    assert_eq!(hot(store, &name).await, Some(expected));
}

async fn a_dissolved_room_keeps_its_fence_and_a_forgotten_one_nothing(
    store: &dyn Store,
    prefix: &str,
) {
    let name = format!("{prefix}dissolve");
    done(store, note(&name, 4, vec![HotChange::Here(present("a")), raise("a", 1)])).await;
    done(store, Operation::Dissolve { room: room(&name), epoch: 4 }).await;

    assert_eq!(hot(store, &name).await, Some(HotRoom { epoch: 4, ..HotRoom::default() }));
    let late = refused(store, note(&name, 3, vec![])).await;
    assert_eq!(late, StoreError::Fenced { stored: 4 });

    let rooms = async || {
        let after = Some(room(&format!("{prefix}dissolv")));
        store.apply(Operation::HotRooms { after, limit: 1 }).await
    };
    assert_eq!(rooms().await, Ok(Answer::HotRooms(vec![room(&name)])));
    done(store, Operation::Forget(room(&name))).await;
    assert_eq!(hot(store, &name).await, None);
    assert_ne!(rooms().await, Ok(Answer::HotRooms(vec![room(&name)])));
}

async fn a_room_of_thousands_is_written_in_small_changes_and_read_whole(
    store: &dyn Store,
    prefix: &str,
) {
    let name = format!("{prefix}many");
    let people: Vec<Present> = (0..2_000).map(|n| present(&format!("p{n:05}"))).collect();
    for write in in_writes(people.iter().cloned().map(HotChange::Here).collect()) {
        done(store, note(&name, 1, write)).await;
    }

    let expected = HotRoom { epoch: 1, present: people, hands: vec![] };
    assert_eq!(hot(store, &name).await, Some(expected));
}

async fn too_many_changes_in_one_write_are_refused(store: &dyn Store, prefix: &str) {
    let gone = HotChange::Gone(participant("a"));
    let changes = vec![gone; CHANGES_PER_WRITE_MAX + 1];
    let error = refused(store, note(&format!("{prefix}large"), 1, changes)).await;

    assert_eq!(error.label(), "limit");
}
