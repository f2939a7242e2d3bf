//! The journal under virtual time, and beside a plain list of what was written.

use proptest::prelude::*;
use stoa_protocol::ids::{ParticipantId, Role};

use super::*;
use crate::store::hot::{Hand, HotRoom, Present};
use crate::store::operation::RoomChange;

const DONE: Result<Answer, StoreError> = Ok(Answer::Done);
const AWAY: Result<Answer, StoreError> = Err(StoreError::Timeout);

#[test]
fn writes_leave_in_order_and_one_at_a_time() {
    let (mut journal, now) = (Journal::new(JournalLimits::default()), Instant::now());
    journal.handle_write(close(1), Some(Ticket(1))).unwrap();
    journal.handle_write(close(2), Some(Ticket(2))).unwrap();

    assert_eq!(journal.next_write(now), Some(close(1)));
    assert_eq!(journal.next_write(now), None);
    let settled = journal.handle_outcome(&DONE, now);

    assert_eq!(settled, [Settled { ticket: Ticket(1), outcome: Ok(()) }]);
    assert_eq!(journal.next_write(now), Some(close(2)));
    assert_eq!(journal.len(), 1);
}

#[test]
fn a_failed_write_comes_again_after_a_pause_that_grows() {
    let (mut journal, mut now) = (Journal::new(JournalLimits::default()), Instant::now());
    journal.handle_write(close(1), Some(Ticket(1))).unwrap();
    let mut pauses = Vec::new();
    for _ in 0..8 {
        assert_eq!(journal.next_write(now), Some(close(1)));
        assert_eq!(journal.handle_outcome(&AWAY, now), []);
        assert_eq!(journal.next_write(now), None);
        let until = journal.poll_timeout().unwrap();
        pauses.push((until - now).as_millis());
        now = until;
    }

    assert_eq!(pauses, [50, 100, 200, 400, 800, 1_600, 2_000, 2_000]);
    assert_eq!(journal.next_write(now), Some(close(1)));
    assert_eq!(journal.handle_outcome(&DONE, now).len(), 1);
    assert!(journal.is_empty());
}

#[test]
fn a_write_that_the_store_refuses_for_good_is_told_and_does_not_block_the_next() {
    let (mut journal, now) = (Journal::new(JournalLimits::default()), Instant::now());
    journal.handle_write(close(1), Some(Ticket(1))).unwrap();
    journal.handle_write(close(2), None).unwrap();
    journal.next_write(now);
    let fenced = StoreError::Fenced { stored: 9 };

    let settled = journal.handle_outcome(&Err(fenced.clone()), now);

    assert_eq!(settled, [Settled { ticket: Ticket(1), outcome: Err(fenced) }]);
    assert_eq!(journal.next_write(now), Some(close(2)));
    assert_eq!(journal.dropped(), 1);
}

#[test]
fn a_full_journal_refuses_and_counts_and_newer_states_of_the_same_people_still_fit() {
    let limits = JournalLimits { writes: 10, bytes: 1_000_000 };
    let mut journal = Journal::new(limits);
    for n in 0..10 {
        journal.handle_write(close(n), None).unwrap();
    }
    let refused = journal.handle_write(close(10), None).unwrap_err();
    assert_eq!((refused.label(), journal.dropped(), journal.len()), ("limit", 1, 10));

    let mut journal = Journal::new(limits);
    for n in 0..100 {
        journal.handle_write(note(1, vec![here("a", n)]), None).unwrap();
    }
    assert!(journal.len() <= 2, "{}", journal.len());
    let limits = JournalLimits { writes: 10, bytes: 100 };
    assert!(Journal::new(limits).handle_write(close(1), None).is_err());
}

#[test]
fn a_change_of_an_older_epoch_than_what_waits_is_fenced() {
    let mut journal = Journal::new(JournalLimits::default());
    journal.handle_write(note(5, vec![]), None).unwrap();

    let refused = journal.handle_write(note(4, vec![here("a", 1)]), None);

    assert_eq!(refused, Err(StoreError::Fenced { stored: 5 }));
    let expected = Operation::Note { room: room(), epoch: 5, changes: vec![] };
    assert_eq!(journal.next_write(Instant::now()), Some(expected));
}

#[test]
fn a_large_room_leaves_in_several_writes_and_settles_with_the_last() {
    let (mut journal, now) = (Journal::new(JournalLimits::default()), Instant::now());
    for n in 0..600 {
        let changes = vec![here(&format!("p{n}"), 1)];
        journal.handle_write(note(1, changes), (n == 0).then_some(Ticket(7))).unwrap();
    }
    let mut sizes = Vec::new();
    let mut settled = Vec::new();
    while let Some(Operation::Note { changes, .. }) = journal.next_write(now) {
        sizes.push(changes.len());
        settled = journal.handle_outcome(&DONE, now);
    }

    assert_eq!(sizes, [256, 256, 88]);
    assert_eq!(settled, [Settled { ticket: Ticket(7), outcome: Ok(()) }]);
}

/// A step of a history: what is written, or whether the store answers the next write.
#[derive(Clone, Debug)]
enum Step {
    Write(Operation),
    Answer(bool),
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// Applies every write at once to one room, and what the journal lets out to another; failures in between
    /// may have had their effect or not. In the end both are the same, and all tickets are settled.
    #[test]
    fn after_an_outage_the_store_holds_what_it_would_hold_without_one(
        steps in proptest::collection::vec(step(), 1..60), happened in any::<u64>(),
    ) {
        let mut journal = Journal::new(JournalLimits::default());
        let (mut direct, mut delayed) = (HotRoom::default(), HotRoom::default());
        let mut now = Instant::now();
        let (mut asked, mut settled) = (Vec::new(), Vec::new());
        for (n, step) in steps.into_iter().enumerate() {
            match step {
                Step::Write(operation) => {
                    let ticket = Ticket(n as u64);
                    asked.push(ticket);
                    let operation = as_an_owner_would(&direct, operation);
                    apply(&mut direct, &operation);
                    journal.handle_write(operation, Some(ticket)).unwrap();
                }
                Step::Answer(answers) => {
                    now += PAUSE_MAX;
                    let Some(operation) = journal.next_write(now) else { continue };
                    if answers || happened >> (n % 64) & 1 == 1 {
                        apply(&mut delayed, &operation);
                    }
                    let outcome = if answers { DONE } else { AWAY };
                    settled.extend(journal.handle_outcome(&outcome, now));
                }
            }
        }
        now += PAUSE_MAX;
        while let Some(operation) = journal.next_write(now) {
            apply(&mut delayed, &operation);
            settled.extend(journal.handle_outcome(&DONE, now));
        }
        prop_assert_eq!(delayed.sorted(), direct.sorted());
        prop_assert!(journal.is_empty());
        prop_assert_eq!((journal.writes, journal.bytes), (0, 0));
        let mut settled: Vec<Ticket> = settled.into_iter().map(|settled| settled.ticket).collect();
        settled.sort();
        prop_assert_eq!(settled, asked);
    }
}

fn step() -> impl Strategy<Value = Step> {
    let who = || prop_oneof!["a", "b", "c"];
    let change = prop_oneof![
        3 => (who(), 0..9u32).prop_map(|(who, n)| here(&who, n)),
        2 => who().prop_map(|who| HotChange::Gone(id(&who))),
        3 => (who(), 0..9u64).prop_map(|(who, place)| HotChange::Raise { participant: id(&who), place }),
        1 => who().prop_map(|who| HotChange::Lower(id(&who))),
    ];
    prop_oneof![
        4 => proptest::collection::vec(change, 0..4).prop_map(|changes| Step::Write(note(1, changes))),
        1 => Just(Step::Write(Operation::Dissolve { room: room(), epoch: 1 })),
        4 => any::<bool>().prop_map(Step::Answer),
    ]
}

/// Owners know who is here: they raise no hand of a stranger.
fn as_an_owner_would(state: &HotRoom, operation: Operation) -> Operation {
    let Operation::Note { changes, .. } = operation else { return operation };
    let mut state = state.clone();
    let known = changes.into_iter().filter(|change| {
        let is_here = state.present.iter().any(|present| present.id == *change.participant());
        apply(&mut state, &note(1, vec![change.clone()]));
        is_here || !matches!(change, HotChange::Raise { .. })
    });
    note(1, known.collect())
}

fn apply(state: &mut HotRoom, operation: &Operation) {
    let Operation::Note { changes, .. } = operation else {
        *state = HotRoom::default();
        return;
    };
    for change in changes {
        let who = change.participant().clone();
        match change {
            HotChange::Here(present) => {
                state.present.retain(|other| other.id != who);
                state.present.push(present.clone());
            }
            HotChange::Gone(_) => {
                state.present.retain(|other| other.id != who);
                state.hands.retain(|hand| hand.participant != who);
            }
            HotChange::Raise { place, .. } => {
                if state.present.iter().any(|present| present.id == who) {
                    state.hands.retain(|hand| hand.participant != who);
                    state.hands.push(Hand { place: *place, participant: who });
                }
            }
            HotChange::Lower(_) => state.hands.retain(|hand| hand.participant != who),
        }
    }
}

fn room() -> RoomId {
    RoomId::new("agora").unwrap()
}

fn id(name: &str) -> ParticipantId {
    ParticipantId::new(name).unwrap()
}

fn here(name: &str, n: u32) -> HotChange {
    let name_shown = n.to_string();
    HotChange::Here(Present {
        id: id(name),
        identity: name.to_owned(),
        name: name_shown,
        role: Role::Listener,
        muted_by: None,
        invited: false,
    })
}

fn note(epoch: u64, changes: Vec<HotChange>) -> Operation {
    Operation::Note { room: room(), epoch, changes }
}

fn close(at_ms: u64) -> Operation {
    Operation::Change { room: room(), epoch: 1, change: RoomChange::Close { at_ms } }
}
