//! Who may do what by a token. That the room is one of the bearer's tenant is for [`crate::tenant::may_touch`].

use super::claims::{Claims, Grant};
use super::error::TokenError;
use crate::ids::{Role, RoomId};

/// What somebody wants to do over the API, with the room it concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action<'a> {
    /// Make a room; the owner draws its id when none is wanted.
    Create(Option<&'a RoomId>),
    /// List rooms.
    List,
    /// Read a room's description and counts.
    Read(&'a RoomId),
    /// Change a room's description.
    Change(&'a RoomId),
    /// End a room.
    Close(&'a RoomId),
    /// Do what a moderator may: mute, promote, remove.
    Moderate(&'a RoomId),
    /// Read what happened in a room.
    ReadLog(&'a RoomId),
    /// Have an edge leave, or stay after all. That the bearer is the operator's is for [`crate::tenant::may_operate`].
    Operate,
}

impl Action<'_> {
    /// The room it concerns, if it is one that is there already.
    #[must_use]
    pub fn room(&self) -> Option<&RoomId> {
        match *self {
            Self::Create(_) | Self::List | Self::Operate => None,
            Self::Read(room)
            | Self::Change(room)
            | Self::Close(room)
            | Self::Moderate(room)
            | Self::ReadLog(room) => Some(room),
        }
    }
}

impl Claims {
    /// Whether the token lets its bearer do this.
    ///
    /// # Errors
    /// A [`TokenError`] that [is forbidden](TokenError::is_forbidden).
    pub fn may(&self, action: Action<'_>) -> Result<(), TokenError> {
        if let Some(room) = action.room() {
            self.check_room(room)?;
        }
        match action {
            Action::Create(room) => {
                self.require(Grant::Create)?;
                match &self.room {
                    Some(own) if room != Some(own) => Err(TokenError::OneRoom { own: own.clone() }),
                    _ => Ok(()),
                }
            }
            Action::List => {
                self.require(Grant::List)?;
                match &self.room {
                    Some(own) => Err(TokenError::OneRoom { own: own.clone() }),
                    None => Ok(()),
                }
            }
            Action::Operate => {
                self.require(Grant::Operate)?;
                match &self.room {
                    Some(own) => Err(TokenError::OneRoom { own: own.clone() }),
                    None => Ok(()),
                }
            }
            Action::Read(_) => Ok(()),
            Action::Change(_) => self.role_or(Role::Moderator, Grant::Moderate, "change a room"),
            Action::Close(_) => self.role_or(Role::Host, Grant::Close, "close a room"),
            Action::Moderate(_) => self.role_or(Role::Moderator, Grant::Moderate, "moderate"),
            Action::ReadLog(_) => {
                self.role_or(Role::Moderator, Grant::ReadLog, "read what happened in a room")
            }
        }
    }

    /// Whether a grant lets its bearer do this, whatever he may be in the room.
    #[must_use]
    pub fn may_by_grant(&self, action: Action<'_>) -> bool {
        let grant = match action {
            Action::Create(_) => Grant::Create,
            Action::List => Grant::List,
            Action::Read(_) => return false,
            Action::Change(_) | Action::Moderate(_) => Grant::Moderate,
            Action::Close(_) => Grant::Close,
            Action::ReadLog(_) => Grant::ReadLog,
            Action::Operate => Grant::Operate,
        };
        self.grants.holds(grant) && self.may(action).is_ok()
    }

    /// What the token makes its bearer in the room that it names; one that names none makes him nothing but a listener.
    #[must_use]
    pub fn role_in_room(&self) -> Role {
        if self.room.is_some() { self.role } else { Role::Listener }
    }

    /// As whom its bearer acts over the API, once [`Self::may`] lets him: who may moderate without being there acts as
    /// a host.
    #[must_use]
    pub fn acts_as(&self) -> Role {
        if self.grants.moderate { Role::Host } else { self.role }
    }

    /// A role is one in the room that the token names; a back end's token, which names none, needs the grant.
    fn role_or(&self, least: Role, grant: Grant, what: &'static str) -> Result<(), TokenError> {
        let by_role = self.room.is_some() && self.role >= least;
        if by_role || self.grants.holds(grant) {
            Ok(())
        } else {
            Err(TokenError::Role { least, grant, what })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::claims::Grants;
    use super::*;

    const ROLES: [Role; 4] = [Role::Listener, Role::Speaker, Role::Moderator, Role::Host];

    fn room(id: &str) -> RoomId {
        RoomId::new(id).unwrap()
    }

    fn claims(own: Option<&str>, role: Role, grants: Grants) -> Claims {
        let (name, jti) = (String::new(), String::new());
        let room = own.map(room);
        Claims { room, sub: "ada".into(), name, role, grants, iat: 1, nbf: None, exp: 2, jti }
    }

    /// One row for each action: the least role that may without any grant, and the grant that may
    /// without any role.
    #[test]
    fn each_role_and_each_grant_may_what_the_table_says() {
        let agora = room("agora");
        let table = [
            (Action::Create(Some(&agora)), None, Some(Grant::Create)),
            (Action::Read(&agora), Some(Role::Listener), None),
            (Action::Change(&agora), Some(Role::Moderator), Some(Grant::Moderate)),
            (Action::Close(&agora), Some(Role::Host), Some(Grant::Close)),
            (Action::Moderate(&agora), Some(Role::Moderator), Some(Grant::Moderate)),
            (Action::ReadLog(&agora), Some(Role::Moderator), Some(Grant::ReadLog)),
        ];
        for (action, least, grant) in table {
            for role in ROLES {
                let by_role = least.is_some_and(|least| role >= least);
                let plain = claims(Some("agora"), role, Grants::default());
                assert_eq!(plain.may(action).is_ok(), by_role, "{action:?} {role:?}");
                for held in Grant::ALL {
                    let with = claims(Some("agora"), role, Grants::default().with(held));
                    let may = by_role || grant == Some(held);
                    assert_eq!(with.may(action).is_ok(), may, "{action:?} {role:?} {held}");
                }
            }
        }
    }

    #[test]
    fn a_grant_is_told_from_a_role_and_a_role_is_one_in_a_room() {
        let (agora, other) = (room("agora"), room("stoa"));
        let host = claims(Some("agora"), Role::Host, Grants::default());
        assert_eq!((host.may(Action::Close(&agora)), host.role_in_room()), (Ok(()), Role::Host));
        assert!(!host.may_by_grant(Action::Close(&agora)));
        let closing = claims(Some("agora"), Role::Host, Grants::default().with(Grant::Close));
        assert!(closing.may_by_grant(Action::Close(&agora)));
        assert!(!closing.may_by_grant(Action::Close(&other)), "it names another room");
        assert!(!closing.may_by_grant(Action::Change(&agora)), "another grant");
        assert_eq!(claims(None, Role::Host, Grants::default()).role_in_room(), Role::Listener);
    }

    #[test]
    fn a_token_of_one_room_touches_no_other_and_lists_none() {
        let (agora, other) = (room("agora"), room("stoa"));
        let all = Grant::ALL.into_iter().fold(Grants::default(), Grants::with);
        let own = claims(Some("agora"), Role::Host, all);
        let anywhere = claims(None, Role::Listener, all);
        let actions = [
            Action::Create(Some(&other)),
            Action::Create(None),
            Action::List,
            Action::Operate,
            Action::Read(&other),
            Action::Change(&other),
            Action::Close(&other),
            Action::Moderate(&other),
            Action::ReadLog(&other),
        ];
        for action in actions {
            let error = own.may(action).unwrap_err();
            assert!(error.is_forbidden(), "{action:?}: {error}");
            assert_eq!(anywhere.may(action), Ok(()), "{action:?}");
        }
        assert_eq!(own.may(Action::Create(Some(&agora))), Ok(()));
    }

    #[test]
    fn the_role_of_a_back_ends_token_lets_it_do_nothing_to_rooms() {
        let agora = room("agora");
        let host = claims(None, Role::Host, Grants::default());
        for action in [Action::Change(&agora), Action::Close(&agora), Action::ReadLog(&agora)] {
            assert!(host.may(action).unwrap_err().is_forbidden(), "{action:?}");
        }
        assert!(host.may(Action::Moderate(&agora)).unwrap_err().is_forbidden());
    }

    #[test]
    fn who_may_moderate_acts_as_a_host_and_nobody_else_above_his_role() {
        for role in ROLES {
            assert_eq!(claims(None, role, Grants::default()).acts_as(), role);
            let grants = Grants::default().with(Grant::Moderate);
            assert_eq!(claims(None, role, grants).acts_as(), Role::Host);
        }
    }
}
