//! Slots: a track keeps its place while it is active, whatever the others do.

use proptest::prelude::*;

use super::*;

const MS: Duration = Duration::from_millis(1);

fn at(start: Instant, ms: u32) -> Instant {
    start + ms * MS
}

fn place(slots: &mut Slots, track: u64, now: Instant) -> Option<Placed> {
    slots.place(TrackId(track), FrameDuration::MS_20, now)
}

#[test]
fn three_tracks_get_three_slots_and_keep_them() {
    let (mut slots, start) = (Slots::default(), Instant::now());
    for (slot, track) in [(0, 7), (1, 3), (2, 5)] {
        assert_eq!(place(&mut slots, track, start), Some(Placed { slot, changed: true }));
    }
    for (slot, track) in [(2, 5), (0, 7), (1, 3)] {
        let later = at(start, 5_000);
        assert_eq!(place(&mut slots, track, later), Some(Placed { slot, changed: false }));
    }
}

#[test]
fn a_fourth_track_waits_until_one_is_quiet_and_then_takes_the_quietest_slot() {
    let (mut slots, start) = (Slots::default(), Instant::now());
    for track in [1, 2, 3] {
        place(&mut slots, track, start);
    }
    place(&mut slots, 1, at(start, 20));
    place(&mut slots, 3, at(start, 30));
    assert_eq!(place(&mut slots, 4, at(start, 40)), None);
    assert_eq!(place(&mut slots, 4, at(start, 60)), Some(Placed { slot: 1, changed: true }));
}

#[test]
fn a_deselected_track_gives_way_at_once() {
    let (mut slots, start) = (Slots::default(), Instant::now());
    for track in [1, 2, 3] {
        place(&mut slots, track, start);
    }
    slots.select(&[TrackId(4), TrackId(1), TrackId(2)]);
    assert_eq!(place(&mut slots, 4, start), Some(Placed { slot: 2, changed: true }));
    assert_eq!(place(&mut slots, 3, start), None, "a straggler does not come back");
}

#[test]
fn a_freed_slot_is_used_before_anybody_is_displaced() {
    let (mut slots, start) = (Slots::default(), Instant::now());
    for track in [1, 2, 3] {
        place(&mut slots, track, start);
    }
    assert!(slots.free(TrackId(2)));
    assert!(!slots.free(TrackId(2)));
    assert_eq!(place(&mut slots, 4, at(start, 9_000)), Some(Placed { slot: 1, changed: true }));
}

#[derive(Clone, Debug)]
enum Step {
    Frame { track: u64, duration: u8 },
    Wait(u32),
    Select(Vec<u64>),
    Free(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..6u64, 1..=48u8).prop_map(|(track, duration)| Step::Frame { track, duration }),
        3 => (0..90u32).prop_map(Step::Wait),
        1 => proptest::collection::vec(0..6u64, 0..4).prop_map(Step::Select),
        1 => (0..6u64).prop_map(Step::Free),
    ]
}

proptest! {
    #[test]
    fn an_active_selected_track_is_never_moved_and_no_track_holds_two_slots(
        steps in proptest::collection::vec(step(), 1..200)
    ) {
        let start = Instant::now();
        let mut now = start;
        let mut slots = Slots::default();
        for step in steps {
            let before = slots.held;
            match step {
                Step::Wait(ms) => now += ms * MS,
                Step::Select(tracks) => {
                    slots.select(&tracks.into_iter().map(TrackId).collect::<Vec<_>>());
                }
                Step::Free(track) => {
                    slots.free(TrackId(track));
                    prop_assert!(!slots.tracks().contains(&Some(TrackId(track))));
                }
                Step::Frame { track, duration } => {
                    let duration = FrameDuration::from_units(duration).unwrap();
                    let placed = slots.place(TrackId(track), duration, now);
                    check_placement(&before, &slots, TrackId(track), placed, now)?;
                }
            }
            let mut tracks: Vec<_> = slots.tracks().into_iter().flatten().collect();
            let count = tracks.len();
            tracks.sort();
            tracks.dedup();
            prop_assert_eq!(tracks.len(), count);
        }
    }
}

fn check_placement(
    before: &[Option<Held>; SLOTS_MAX],
    slots: &Slots,
    track: TrackId,
    placed: Option<Placed>,
    now: Instant,
) -> Result<(), TestCaseError> {
    let firm = |held: &Held| !held.deselected && !held.quiet(now);
    let had = before.iter().position(|held| held.is_some_and(|held| held.track == track));
    match (had, placed) {
        (Some(slot), placed) => {
            let expected = Placed { slot: u8::try_from(slot).unwrap(), changed: false };
            prop_assert_eq!(placed, Some(expected));
        }
        (None, Some(placed)) => {
            prop_assert!(placed.changed);
            prop_assert_eq!(slots.tracks()[usize::from(placed.slot)], Some(track));
            let displaced = before[usize::from(placed.slot)];
            prop_assert!(!displaced.as_ref().is_some_and(firm));
            let any_empty = before.iter().any(Option::is_none);
            prop_assert!(!any_empty || displaced.is_none());
        }
        (None, None) => prop_assert!(before.iter().all(|held| held.as_ref().is_some_and(firm))),
    }
    Ok(())
}
