//! Who may do what to whom: the whole table, without the state of any room.

use stoa_protocol::ids::Role;
use stoa_protocol::mesh::control::Deed;

/// To whom something is done, as far as rights go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whom {
    /// The one who does it.
    Oneself,
    /// Somebody else, of this role.
    Other(Role),
    /// Nobody in particular.
    Nobody,
}

/// Whether somebody of role `own` may do `deed` to `whom`; `new` is the role that [`Deed::SetRole`] gives.
#[must_use]
pub fn may(own: Role, deed: Deed, whom: Whom, new: Role) -> bool {
    let moderates = own.may_moderate();
    match (deed, whom) {
        (Deed::RaiseHand, Whom::Oneself) => !own.may_speak(),
        // A service raises the hands of those who ask it.
        (Deed::RaiseHand, Whom::Other(role)) => own == Role::Host && !role.may_speak(),
        (Deed::LowerHand | Deed::AcceptInvitation | Deed::DeclineInvitation, Whom::Oneself) => true,
        (Deed::AcceptHand | Deed::DeclineHand | Deed::DeclineInvitation, Whom::Other(_)) => {
            moderates
        }
        (Deed::Invite, Whom::Other(role)) => moderates && !role.may_speak(),
        // A room keeps its host: he must hand over first.
        (Deed::SetRole, Whom::Oneself) => new < own && own != Role::Host,
        (Deed::SetRole, Whom::Other(role)) => match own {
            Role::Host => role < Role::Host && new < Role::Host,
            Role::Moderator => role < Role::Moderator && new < Role::Moderator,
            Role::Speaker | Role::Listener => false,
        },
        (Deed::MuteAll | Deed::Unban, Whom::Nobody) => moderates,
        // By identity somebody is banned who is not here.
        (Deed::Ban, Whom::Nobody) => moderates,
        (Deed::Remove | Deed::Ban, Whom::Other(role)) => moderates && role < own,
        (Deed::HandOver, Whom::Other(role)) => own == Role::Host && role < Role::Host,
        (Deed::Report, Whom::Other(_)) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROLES: [Role; 4] = [Role::Listener, Role::Speaker, Role::Moderator, Role::Host];

    /// One row per deed and actor; a column for oneself, for a listener, speaker, moderator and host, and for nobody.
    const TABLE: &[(Deed, [&str; 4])] = &[
        // by:                 listener  speaker   moderator host
        (Deed::RaiseHand, ["+.....", "......", "......", ".+...."]),
        (Deed::LowerHand, ["+.....", "+.....", "+.....", "+....."]),
        (Deed::AcceptHand, ["......", "......", ".++++.", ".++++."]),
        (Deed::DeclineHand, ["......", "......", ".++++.", ".++++."]),
        (Deed::Invite, ["......", "......", ".+....", ".+...."]),
        (Deed::AcceptInvitation, ["+.....", "+.....", "+.....", "+....."]),
        (Deed::DeclineInvitation, ["+.....", "+.....", "+++++.", "+++++."]),
        (Deed::MuteAll, ["......", "......", ".....+", ".....+"]),
        (Deed::Remove, ["......", "......", ".++...", ".+++.."]),
        (Deed::Ban, ["......", "......", ".++..+", ".+++.+"]),
        (Deed::Unban, ["......", "......", ".....+", ".....+"]),
        (Deed::HandOver, ["......", "......", "......", ".+++.."]),
        (Deed::Report, [".++++.", ".++++.", ".++++.", ".++++."]),
        (Deed::Unknown, ["......", "......", "......", "......"]),
    ];

    /// The same for [`Deed::SetRole`], by the new role.
    const NEW_ROLES: &[(Role, [&str; 4])] = &[
        (Role::Listener, ["......", "+.....", "+++...", ".+++.."]),
        (Role::Speaker, ["......", "......", "+++...", ".+++.."]),
        (Role::Moderator, ["......", "......", "......", ".+++.."]),
        (Role::Host, ["......", "......", "......", "......"]),
    ];

    fn check(deed: Deed, new: Role, rows: &[&str; 4]) {
        let columns = [
            Whom::Oneself,
            Whom::Other(Role::Listener),
            Whom::Other(Role::Speaker),
            Whom::Other(Role::Moderator),
            Whom::Other(Role::Host),
            Whom::Nobody,
        ];
        for (own, row) in ROLES.into_iter().zip(rows) {
            for (whom, cell) in columns.into_iter().zip(row.chars()) {
                assert_eq!(
                    may(own, deed, whom, new),
                    cell == '+',
                    "{own:?} {deed:?} {whom:?} {new:?}"
                );
            }
        }
    }

    #[test]
    fn every_cell_of_the_table_holds() {
        for (deed, rows) in TABLE {
            ROLES.into_iter().for_each(|new| check(*deed, new, rows));
        }
        for (new, rows) in NEW_ROLES {
            check(Deed::SetRole, *new, rows);
        }
        let tested = TABLE.iter().map(|(deed, _)| *deed).chain([Deed::SetRole]);
        let tested: std::collections::BTreeSet<_> = tested.collect();
        let all = (0..).map_while(|number| Deed::try_from(number).ok());
        assert_eq!(all.collect::<std::collections::BTreeSet<_>>(), tested, "a deed is missing");
    }
}
