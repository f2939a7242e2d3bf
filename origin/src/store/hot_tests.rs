//! Two states and what lies between them.

use proptest::prelude::*;

use super::*;

proptest! {
    #[test]
    fn the_difference_of_two_states_turns_one_into_the_other(
        from in any_room(), to in any_room(),
    ) {
        let mut state = from.clone();
        for write in in_writes(difference(&from, &to)) {
            prop_assert!(write.len() <= CHANGES_PER_WRITE_MAX);
            state = changed(state, &write);
        }
        prop_assert_eq!(state.sorted(), HotRoom { epoch: from.epoch, ..to.sorted() });
    }
}

#[test]
fn many_changes_are_cut_and_none_make_one_empty_write() {
    let gone = |n: usize| HotChange::Gone(ParticipantId::new(format!("p{n}")).unwrap());
    let writes = in_writes((0..CHANGES_PER_WRITE_MAX + 1).map(gone).collect());

    assert_eq!(writes.iter().map(Vec::len).collect::<Vec<_>>(), [CHANGES_PER_WRITE_MAX, 1]);
    assert_eq!(in_writes(Vec::new()), [Vec::new()]);
}

fn changed(mut room: HotRoom, changes: &[HotChange]) -> HotRoom {
    for change in changes {
        let id = change.participant().clone();
        match change {
            HotChange::Here(present) => {
                room.present.retain(|other| other.id != id);
                room.present.push(present.clone());
            }
            HotChange::Gone(_) => {
                room.present.retain(|other| other.id != id);
                room.hands.retain(|hand| hand.participant != id);
            }
            HotChange::Raise { place, .. } => {
                room.hands.retain(|hand| hand.participant != id);
                room.hands.push(Hand { place: *place, participant: id });
            }
            HotChange::Lower(_) => room.hands.retain(|hand| hand.participant != id),
        }
    }
    room
}

fn any_room() -> impl Strategy<Value = HotRoom> {
    let person = (0..3u8, proptest::option::of(0..5u64));
    proptest::collection::btree_map(0..12u8, person, 0..10).prop_map(|people| {
        let mut room = HotRoom::default();
        for (n, (name, place)) in people {
            let id = ParticipantId::new(format!("p{n}")).unwrap();
            let name = format!("name {name}");
            let hand = place.map(|place| Hand { place, participant: id.clone() });
            room.hands.extend(hand);
            let identity = format!("i{n}");
            room.present.push(Present {
                id,
                identity,
                name,
                role: Role::Listener,
                muted_by: None,
                invited: false,
            });
        }
        room
    })
}
