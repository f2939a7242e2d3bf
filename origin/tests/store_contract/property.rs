//! Random histories: after every step store and model have answered the same, errors included.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use stoa_origin::store::{
    Answer, Ban, HotChange, Operation, Ownership, RoomChange, Settings, Store, StoreError,
};
use stoa_protocol::ids::{Role, RoomId};

use crate::model::Model;
use crate::vocabulary::{
    change, entry, node, note, ownership, participant, present, raise, record, room,
};

/// Runs `cases` histories of operations that `store` keeps. Each has rooms of its own.
pub(crate) fn agrees_with_the_model(
    runtime: &tokio::runtime::Runtime,
    store: &dyn Store,
    cases: u32,
    steps: impl Fn(&str) -> BoxedStrategy<Operation>,
) {
    for number in 0..cases {
        let prefix = format!("c{number}-");
        let history = proptest::collection::vec(steps(&prefix), 1..40);
        let mut runner = TestRunner::new(Config {
            cases: 1,
            max_shrink_iters: 200,
            failure_persistence: None,
            ..Config::default()
        });
        let run = std::cell::Cell::new(0);
        let outcome = runner.run(&history, |operations| {
            // Shrinking runs the history again: in rooms that are as empty as at first.
            if run.replace(run.get() + 1) > 0 {
                runtime.block_on(clear(store, &prefix));
            }
            runtime.block_on(compare(store, &prefix, &operations))
        });
        if let Err(error) = outcome {
            panic!("{}: {error}", store.name());
        }
    }
}

async fn compare(
    store: &dyn Store,
    prefix: &str,
    operations: &[Operation],
) -> Result<(), TestCaseError> {
    let mut model = Model::default();
    for (step, operation) in operations.iter().enumerate() {
        let found = own(prefix, store.apply(operation.clone()).await);
        let expected = own(prefix, model.apply(operation));
        prop_assert_eq!(found, expected, "at step {} {:?}", step, operation);
    }
    Ok(())
}

/// The store holds other histories too; theirs are left out of lists.
fn own(prefix: &str, outcome: Result<Answer, StoreError>) -> Result<Answer, StoreError> {
    outcome.map(|answer| match answer {
        Answer::Rooms(mut rooms) => {
            rooms.retain(|record| record.room.as_str().starts_with(prefix));
            Answer::Rooms(rooms)
        }
        Answer::HotRooms(mut rooms) => {
            rooms.retain(|room| room.as_str().starts_with(prefix));
            Answer::HotRooms(rooms)
        }
        other => other,
    })
}

async fn clear(store: &dyn Store, prefix: &str) {
    for name in ["a", "b", "c"].map(|name| room(&format!("{prefix}{name}"))) {
        // What is not there, or is not kept here, need not go.
        if let Ok(Answer::Room(Some(record))) = store.apply(Operation::Room(name.clone())).await {
            let epoch = record.ownership.epoch;
            store.apply(Operation::Erase { room: name.clone(), epoch }).await.unwrap();
        }
        let _ = store.apply(Operation::Forget(name)).await;
    }
}

fn name(prefix: &str) -> impl Strategy<Value = String> + use<> {
    let prefix = prefix.to_owned();
    prop_oneof!["a", "b", "c"].prop_map(move |name| format!("{prefix}{name}"))
}

fn after(prefix: &str) -> impl Strategy<Value = Option<RoomId>> + use<> {
    let first = Some(room(prefix));
    prop_oneof![Just(first), name(prefix).prop_map(|name| Some(room(&name)))]
}

fn identity() -> impl Strategy<Value = String> {
    prop_oneof!["x", "y y", "z☂"]
}

/// Operations on durable rooms.
pub(crate) fn rooms(prefix: &str) -> BoxedStrategy<Operation> {
    let epoch = || 0..4u64;
    let owner = || prop_oneof![Just("o1"), Just("o2")];
    let limit = || 1..4u32;
    prop_oneof![
        3 => name(prefix).prop_map(|name| Operation::Create(Box::new(record(&name)))),
        2 => (name(prefix), owner(), epoch(), owner(), epoch(), any::<[bool; 2]>()).prop_map(|(name, was, then, is, now, kept)| {
            let standby = |is: bool| is.then(|| node("o1"));
            let before = Ownership { standby: standby(kept[0]), ..ownership(was, then) };
            let next = Ownership { standby: standby(kept[1]), ..ownership(is, now) };
            Operation::Claim { room: room(&name), before, next }
        }),
        8 => (name(prefix), 1..3u64, room_change()).prop_map(|(name, epoch, what)| change(&name, epoch, what)),
        1 => (name(prefix), 0..40u64).prop_map(|(name, before_ms)| Operation::Trim { room: room(&name), before_ms }),
        1 => (name(prefix), epoch()).prop_map(|(name, epoch)| Operation::Erase { room: room(&name), epoch }),
        2 => name(prefix).prop_map(|name| Operation::Room(room(&name))),
        1 => (after(prefix), limit()).prop_map(|(after, limit)| Operation::Rooms { after, limit }),
        1 => (name(prefix), identity(), limit()).prop_map(|(name, after, limit)| Operation::Appointments { room: room(&name), after, limit }),
        1 => (name(prefix), Just(String::new()), limit()).prop_map(|(name, after, limit)| Operation::Bans { room: room(&name), after, limit }),
        1 => (name(prefix), 0..4u64, limit()).prop_map(|(name, after, limit)| Operation::Log { room: room(&name), after, limit }),
    ]
    .boxed()
}

fn room_change() -> impl Strategy<Value = RoomChange> {
    let role = prop_oneof![Just(None), Just(Some(Role::Host)), Just(Some(Role::Speaker))];
    let ban = (identity(), 0..9u64).prop_map(|(identity, at_ms)| Ban {
        identity,
        by: "anna".to_owned(),
        at_ms,
        reason: "noise".to_owned(),
        until_ms: (at_ms > 4).then_some(at_ms),
    });
    let sequences = proptest::collection::btree_set(1..9u64, 0..4);
    prop_oneof![
        "[a-z☂]{0,9}"
            .prop_map(|topic| RoomChange::Settings(Settings { topic, ..Settings::default() })),
        (0..9u64).prop_map(|at_ms| RoomChange::Close { at_ms }),
        (identity(), role).prop_map(|(identity, role)| RoomChange::Appoint { identity, role }),
        ban.prop_map(RoomChange::Ban),
        identity().prop_map(|identity| RoomChange::Unban { identity }),
        sequences.prop_map(|sequences| {
            RoomChange::Append(sequences.into_iter().map(|n| entry(n, n * 7 % 40)).collect())
        }),
        (1..9u64, 0..40u64).prop_map(|(n, at_ms)| RoomChange::Amend(vec![entry(n, at_ms)])),
    ]
}

/// Operations on hot state.
pub(crate) fn hot(prefix: &str) -> BoxedStrategy<Operation> {
    let epoch = || prop_oneof![4 => Just(2u64), 1 => 0..4u64];
    let changes = proptest::collection::vec(hot_change(), 0..6);
    prop_oneof![
        8 => (name(prefix), epoch(), changes).prop_map(|(name, epoch, changes)| note(&name, epoch, changes)),
        3 => name(prefix).prop_map(|name| Operation::Hot(room(&name))),
        1 => (after(prefix), 1..4u32).prop_map(|(after, limit)| Operation::HotRooms { after, limit }),
        1 => (name(prefix), epoch()).prop_map(|(name, epoch)| Operation::Dissolve { room: room(&name), epoch }),
        1 => name(prefix).prop_map(|name| Operation::Forget(room(&name))),
    ]
    .boxed()
}

fn hot_change() -> impl Strategy<Value = HotChange> {
    let who = || prop_oneof!["p", "q", "r", "s"];
    prop_oneof![
        3 => (who(), proptest::option::of(identity()), any::<bool>()).prop_map(|(who, muted_by, invited)| {
            HotChange::Here(stoa_origin::store::Present { muted_by, invited, ..present(&who) })
        }),
        1 => who().prop_map(|who| HotChange::Gone(participant(&who))),
        3 => (who(), 1..9u64).prop_map(|(who, place)| raise(&who, place)),
        1 => who().prop_map(|who| HotChange::Lower(participant(&who))),
    ]
}
