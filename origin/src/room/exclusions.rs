//! Who is kept out of a room, by identity, and whose role in it is not that of his token.

use std::collections::BTreeMap;

use stoa_protocol::ids::Role;
use stoa_protocol::mesh::control::BanInfo;

use super::limits::{APPOINTMENTS_MAX, BANS_MAX};
use super::refusal::Refusal;

/// Why and how long somebody is kept out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ban {
    /// The identity of who said so.
    pub by: String,
    /// Milliseconds since 1970.
    pub at_ms: u64,
    /// Until when, in milliseconds since 1970; `None` for good.
    pub until_ms: Option<u64>,
    /// Why, for people.
    pub reason: String,
}

impl Ban {
    fn holds(&self, unix_ms: u64) -> bool {
        self.until_ms.is_none_or(|until| unix_ms < until)
    }
}

/// Bans and appointments of a room, by identity.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exclusions {
    bans: BTreeMap<String, Ban>,
    appointments: BTreeMap<String, Role>,
}

impl Exclusions {
    /// Keeps somebody out; a second ban replaces the first.
    ///
    /// # Errors
    /// [`Refusal::BansFull`].
    pub fn ban(&mut self, identity: &str, ban: Ban) -> Result<(), Refusal> {
        if self.bans.len() >= BANS_MAX && !self.bans.contains_key(identity) {
            let now = ban.at_ms;
            self.bans.retain(|_, ban| ban.holds(now));
        }
        if self.bans.len() >= BANS_MAX && !self.bans.contains_key(identity) {
            return Err(Refusal::BansFull { max: BANS_MAX });
        }
        self.bans.insert(identity.to_owned(), ban);
        Ok(())
    }

    /// Lets somebody in again; says whether he was kept out.
    pub fn unban(&mut self, identity: &str) -> bool {
        self.bans.remove(identity).is_some()
    }

    /// Whether somebody is kept out now.
    #[must_use]
    pub fn is_banned(&self, identity: &str, unix_ms: u64) -> bool {
        self.bans.get(identity).is_some_and(|ban| ban.holds(unix_ms))
    }

    /// Replaces the identity of who banned; gives the bans that were changed.
    pub fn rename_by(&mut self, identity: &str, to: &str) -> Vec<(String, Ban)> {
        let by = self.bans.iter_mut().filter(|(_, ban)| ban.by == identity);
        let renamed = by.map(|(banned, ban)| {
            to.clone_into(&mut ban.by);
            (banned.clone(), ban.clone())
        });
        renamed.collect()
    }

    /// A page of bans whose identities sort after `after`; and whether there are more.
    #[must_use]
    pub fn page(&self, after: &str, limit: usize) -> (Vec<BanInfo>, bool) {
        let later = self.bans.iter().skip_while(|(identity, _)| identity.as_str() <= after);
        let mut later = later.map(|(identity, ban)| BanInfo {
            identity: identity.clone(),
            by: ban.by.clone(),
            at_ms: ban.at_ms,
            until_ms: ban.until_ms.unwrap_or(0),
            reason: ban.reason.clone(),
        });
        let page: Vec<_> = later.by_ref().take(limit).collect();
        (page, later.next().is_some())
    }

    /// From now on this identity has this role here, whatever its token says.
    ///
    /// # Errors
    /// [`Refusal::AppointmentsFull`].
    pub fn appoint(&mut self, identity: &str, role: Role) -> Result<(), Refusal> {
        if self.appointments.len() >= APPOINTMENTS_MAX && !self.appointments.contains_key(identity)
        {
            return Err(Refusal::AppointmentsFull { max: APPOINTMENTS_MAX });
        }
        self.appointments.insert(identity.to_owned(), role);
        Ok(())
    }

    /// From now on this identity has the role that its token gives.
    pub fn dismiss(&mut self, identity: &str) {
        self.appointments.remove(identity);
    }

    /// Every ban, by identity.
    pub fn bans(&self) -> impl Iterator<Item = (&str, &Ban)> {
        self.bans.iter().map(|(identity, ban)| (identity.as_str(), ban))
    }

    /// Every appointment, by identity.
    pub fn appointments(&self) -> impl Iterator<Item = (&str, Role)> {
        self.appointments.iter().map(|(identity, role)| (identity.as_str(), *role))
    }

    /// The role that this identity was given here.
    #[must_use]
    pub fn appointed(&self, identity: &str) -> Option<Role> {
        self.appointments.get(identity).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ban(until_ms: Option<u64>) -> Ban {
        Ban { by: "hana".into(), at_ms: 10, until_ms, reason: String::new() }
    }

    #[test]
    fn a_ban_holds_until_its_time_is_over_or_it_is_taken_back() {
        let mut exclusions = Exclusions::default();
        exclusions.ban("troll", ban(Some(100))).unwrap();
        exclusions.ban("ghost", ban(None)).unwrap();
        assert!(exclusions.is_banned("troll", 99) && !exclusions.is_banned("troll", 100));
        assert!(exclusions.is_banned("ghost", u64::MAX) && !exclusions.is_banned("ada", 0));
        assert!(exclusions.unban("ghost") && !exclusions.unban("ghost"));
        assert!(!exclusions.is_banned("ghost", 0));
    }

    #[test]
    fn bans_that_are_over_make_room_and_others_do_not() {
        let mut exclusions = Exclusions::default();
        for number in 0..BANS_MAX {
            exclusions.ban(&number.to_string(), ban((number == 7).then_some(5))).unwrap();
        }
        exclusions.ban("one more", ban(None)).unwrap();
        let full = Err(Refusal::BansFull { max: BANS_MAX });
        assert_eq!(exclusions.ban("too many", ban(None)), full);
        assert_eq!(exclusions.ban("one more", ban(Some(1))), Ok(()), "who is there may be changed");
    }

    #[test]
    fn bans_are_told_in_pages_by_identity() {
        let mut exclusions = Exclusions::default();
        for identity in ["c", "a", "b"] {
            exclusions.ban(identity, ban(None)).unwrap();
        }
        let names = |(page, more): (Vec<BanInfo>, bool)| {
            (page.into_iter().map(|ban| ban.identity).collect::<Vec<_>>(), more)
        };
        assert_eq!(names(exclusions.page("", 2)), (vec!["a".into(), "b".into()], true));
        assert_eq!(names(exclusions.page("b", 2)), (vec!["c".into()], false));
    }
}
