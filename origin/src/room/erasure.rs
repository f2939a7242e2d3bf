//! What a room keeps about a person, erased; and entries of the log that are too old to be kept.

use std::time::Instant;

use stoa_protocol::ids::ParticipantId;
use stoa_protocol::mesh::control::Erased;

use super::changes::Change;
use super::membership::Room;
use crate::store::ENTRIES_PER_WRITE_MAX;

/// What stands in logs and bans for somebody who was erased.
pub const ERASED: &str = "erased";

impl Room {
    /// Sends an identity out and forgets it: its role, the ban of it, its name in the log and in bans by it. Texts that
    /// people wrote, reasons of reports for instance, stay as they are.
    pub fn erase_identity(&mut self, identity: &str, now: Instant) -> Erased {
        let here = self.participants.values().filter(|one| one.identity == identity);
        let here: Vec<ParticipantId> = here.map(|one| one.id.clone()).collect();
        for id in &here {
            self.send_out(id, "removed", now);
        }
        self.places.forget_identity(identity);
        let mut erased = Erased { participants: count(here.len()), ..Erased::default() };
        if self.exclusions.appointed(identity).is_some() {
            self.exclusions.dismiss(identity);
            let identity = identity.to_owned();
            self.changes.push_back(Change::Appointed { identity, role: None });
            erased.appointments = 1;
        }
        if self.exclusions.unban(identity) {
            self.changes.push_back(Change::Unbanned { identity: identity.to_owned() });
            erased.bans += 1;
        }
        for (identity, ban) in self.exclusions.rename_by(identity, ERASED) {
            self.changes.push_back(Change::Banned { identity, ban });
            erased.bans += 1;
        }
        let amended = self.log.rename(identity, ERASED);
        erased.log_entries = count(amended.len());
        for portion in amended.chunks(ENTRIES_PER_WRITE_MAX) {
            self.changes.push_back(Change::Amended(portion.to_vec()));
        }
        erased.rooms = u32::from(erased != Erased::default());
        erased
    }

    /// Forgets what of the log is older than this, in milliseconds since 1970.
    pub fn trim_log(&mut self, before_ms: u64) {
        self.log.trim(before_ms);
    }
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use stoa_protocol::ids::Role;
    use stoa_protocol::mesh::control::Deed;

    use super::super::Act;
    use super::super::deeds_tests::{act, agora, does};
    use super::super::tests::id;
    use super::*;

    #[test]
    fn nothing_names_an_erased_identity_any_more_and_nobody_else_is_touched() {
        let now = Instant::now();
        let mut room = agora(now);
        let promote = Act { role: Role::Speaker, ..act(Deed::SetRole, "lia") };
        does(&mut room, "mo", &promote, now).unwrap();
        does(&mut room, "mo", &act(Deed::Ban, "leo"), now).unwrap();
        does(&mut room, "hana", &Act { role: Role::Speaker, ..act(Deed::SetRole, "mo") }, now)
            .unwrap();
        while room.next_change().is_some() {}

        let erased = room.erase_identity("mo@example.org", now);

        assert_eq!(
            (erased.rooms, erased.participants, erased.appointments, erased.bans),
            (1, 1, 1, 1)
        );
        assert!(room.participant(&id("mo")).is_none());
        let page = room.log_page(0, 100);
        let names = |name: &str| {
            let named = page.entries.iter().filter(|e| e.actor == name || e.subject == name);
            count(named.count())
        };
        assert_eq!((names("mo@example.org"), names(ERASED)), (0, erased.log_entries));
        assert!(names("hana@example.org") > 0);
        let ban = &room.bans_page("", 10).bans[0];
        assert_eq!((ban.identity.as_str(), ban.by.as_str()), ("leo@example.org", ERASED));
        let told = std::iter::from_fn(|| room.next_change()).filter(|change| match change {
            Change::Amended(entries) => entries.len() == erased.log_entries as usize,
            Change::Appointed { identity, role } => identity == "mo@example.org" && role.is_none(),
            Change::Banned { ban, .. } => ban.by == ERASED,
            _ => false,
        });
        assert_eq!(told.count(), 3, "and the store is told");
        assert_eq!(room.erase_identity("mo@example.org", now), Erased::default());
    }

    #[test]
    fn who_is_erased_and_banned_is_banned_no_longer_because_nobody_knows_him() {
        let now = Instant::now();
        let mut room = agora(now);
        does(&mut room, "hana", &act(Deed::Ban, "leo"), now).unwrap();
        assert_eq!(room.erase_identity("leo@example.org", now).bans, 1);
        assert_eq!(room.bans_page("", 10).bans, []);
    }
}
