//! Rosters as text, made once for all who are told the same one.

use std::array::from_fn;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::ws::Utf8Bytes;

use super::told::{Told, stage};
use crate::rooms::Roster;

/// Most rosters whose text is kept; rooms that share a place only make theirs more often.
const PLACES: usize = 64;

/// One roster; holding it keeps its address from being used for another.
type Place = Mutex<Option<(Arc<Roster>, Utf8Bytes)>>;

/// The texts of the rosters told lately.
pub(crate) struct RosterTexts([Place; PLACES]);

impl Default for RosterTexts {
    fn default() -> Self {
        Self(from_fn(|_| Place::default()))
    }
}

impl RosterTexts {
    /// The message that tells this roster. Who asks while another makes it waits for the result.
    pub(super) fn text(&self, roster: &Arc<Roster>) -> Utf8Bytes {
        // Allocations are aligned, so the lowest bits say nothing.
        let place = (Arc::as_ptr(roster).addr() >> 6) % PLACES;
        // A place is replaced as a whole.
        let mut place = self.0[place].lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((kept, text)) = place.as_ref()
            && Arc::ptr_eq(kept, roster)
        {
            return text.clone();
        }
        let told = Told::Roster { stage: stage(roster), listeners: roster.listeners };
        let text = Utf8Bytes::from(told.to_text());
        *place = Some((roster.clone(), text.clone()));
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roster(listeners: u32) -> Arc<Roster> {
        Arc::new(Roster { stage: Vec::new(), listeners })
    }

    #[test]
    fn the_same_roster_is_made_a_text_once() {
        let (texts, roster) = (RosterTexts::default(), roster(7));
        let first = texts.text(&roster);
        assert_eq!(first.as_str(), r#"{"type":"roster","stage":[],"listeners":7}"#);
        assert_eq!(texts.text(&roster.clone()).as_ptr(), first.as_ptr());
    }

    #[test]
    fn rosters_that_share_a_place_do_not_mix() {
        let texts = RosterTexts::default();
        let rosters: Vec<_> = (0..1_000).map(roster).collect();
        for _ in 0..2 {
            for (listeners, roster) in rosters.iter().enumerate() {
                let ending = format!(r#""listeners":{listeners}}}"#);
                assert!(texts.text(roster).ends_with(&ending));
            }
        }
    }
}
