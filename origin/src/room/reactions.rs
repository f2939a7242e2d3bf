//! Reactions of a room's audience, summed up before they travel.

use std::time::Instant;

use stoa_protocol::mesh::control::Reaction;

use super::limits::REACTIONS_INTERVAL;

/// What can be given; anything else is dropped.
pub const REACTIONS: [&str; 6] = ["👍", "👏", "❤️", "😂", "😮", "🎉"];

/// Reactions that have not travelled yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Applause {
    counts: [u32; REACTIONS.len()],
    due: Option<Instant>,
    told_at: Option<Instant>,
}

impl Applause {
    /// Adds what an edge has counted; says how many kinds were unknown.
    pub(super) fn note(&mut self, counts: &[Reaction], now: Instant) -> usize {
        let mut unknown = 0;
        for Reaction { reaction, count } in counts.iter().take(REACTIONS.len()) {
            match REACTIONS.iter().position(|known| known == reaction) {
                Some(place) => self.counts[place] = self.counts[place].saturating_add(*count),
                None => unknown += 1,
            }
        }
        if self.due.is_none() && self.counts.iter().any(|count| *count > 0) {
            let earliest = self.told_at.map_or(now, |told| told + REACTIONS_INTERVAL);
            self.due = Some(earliest.max(now));
        }
        unknown + counts.len().saturating_sub(REACTIONS.len())
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.due
    }

    /// What is to be told now.
    pub(super) fn take_due(&mut self, now: Instant) -> Option<Vec<Reaction>> {
        self.due.filter(|due| *due <= now)?;
        self.due = None;
        self.told_at = Some(now);
        let counts = std::mem::take(&mut self.counts);
        let given = REACTIONS.iter().zip(counts).filter(|(_, count)| *count > 0);
        Some(given.map(|(r, count)| Reaction { reaction: (*r).to_owned(), count }).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(reaction: &str, count: u32) -> Reaction {
        Reaction { reaction: reaction.into(), count }
    }

    #[test]
    fn the_first_travels_at_once_and_the_next_are_summed_up() {
        let (mut applause, start) = (Applause::default(), Instant::now());
        assert_eq!(applause.note(&[given("👏", 2)], start), 0);
        assert_eq!(applause.take_due(start), Some(vec![given("👏", 2)]));
        applause.note(&[given("👏", 1)], start);
        applause.note(&[given("👏", 3), given("🎉", 1)], start);
        assert_eq!(
            (applause.take_due(start), applause.poll_timeout()),
            (None, Some(start + REACTIONS_INTERVAL))
        );
        let sum = vec![given("👏", 4), given("🎉", 1)];
        assert_eq!(applause.take_due(start + REACTIONS_INTERVAL), Some(sum));
        assert_eq!(applause.poll_timeout(), None);
    }

    #[test]
    fn what_is_not_known_is_dropped_and_counted() {
        let (mut applause, start) = (Applause::default(), Instant::now());
        assert_eq!(applause.note(&[given("💣", 2)], start), 1);
        assert_eq!(
            (applause.note(&vec![given("👏", 0); 20], start), applause.poll_timeout()),
            (14, None)
        );
    }
}
