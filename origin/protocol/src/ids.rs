//! Names of rooms, participants and nodes: one newtype each, checked where they enter.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::mesh::control::WireRole;

/// Why a name was refused.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum NameError {
    /// Nothing was given.
    #[error("{what} must not be empty")]
    Empty {
        /// Which name.
        what: &'static str,
    },
    /// More characters than the limit.
    #[error("{what} has {length} characters; at most {max} are allowed")]
    TooLong {
        /// Which name.
        what: &'static str,
        /// How many characters were given.
        length: usize,
        /// How many are allowed.
        max: usize,
    },
    /// A character outside `a-z A-Z 0-9 - _ .`.
    #[error("{what} may hold letters a-z, digits, '-', '_' and '.'; found {found:?}")]
    Character {
        /// Which name.
        what: &'static str,
        /// The first character that was refused.
        found: char,
    },
}

macro_rules! name {
    ($(#[$doc:meta])* $type:ident, $what:literal, $max:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $type(String);

        impl $type {
            /// Most characters allowed.
            pub const LENGTH_MAX: usize = $max;

            /// Checks and takes a name.
            ///
            /// # Errors
            /// A [`NameError`] when it is empty, too long or holds a foreign character.
            pub fn new(name: impl Into<String>) -> Result<Self, NameError> {
                let name = name.into();
                check($what, &name, $max)?;
                Ok(Self(name))
            }

            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $type {
            type Error = NameError;
            fn try_from(name: String) -> Result<Self, NameError> {
                Self::new(name)
            }
        }

        impl From<$type> for String {
            fn from(name: $type) -> String {
                name.0
            }
        }

        impl std::str::FromStr for $type {
            type Err = NameError;
            fn from_str(name: &str) -> Result<Self, NameError> {
                Self::new(name)
            }
        }
    };
}

name!(
    /// A room, in every address and message.
    RoomId, "a room's id", 64
);
name!(
    /// A participant of a room; unique in the room, made by the edge at join.
    ParticipantId, "a participant's id", 64
);
name!(
    /// A node of the mesh; unique in the network, part of its certificate.
    NodeId, "a node's id", 64
);
name!(
    /// A tenant, as the operator names it: who rooms belong to.
    TenantId, "a tenant's id", 64
);
name!(
    /// A region as the operator names it, e.g. `ams`.
    Region, "a region", 32
);

impl TenantId {
    /// A name that is known to be valid.
    pub(crate) fn of_constant(name: &'static str) -> Self {
        Self(name.to_owned())
    }
}

fn check(what: &'static str, name: &str, max: usize) -> Result<(), NameError> {
    if name.is_empty() {
        return Err(NameError::Empty { what });
    }
    let length = name.chars().count();
    if length > max {
        return Err(NameError::TooLong { what, length, max });
    }
    let allowed = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    match name.chars().find(|c| !allowed(c)) {
        Some(found) => Err(NameError::Character { what, found }),
        None => Ok(()),
    }
}

/// What a participant may do in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Hears the room.
    Listener,
    /// May speak.
    Speaker,
    /// May speak, and mute others.
    Moderator,
    /// May do everything, and close the room.
    Host,
}

impl Role {
    /// Whether this role belongs on the stage.
    #[must_use]
    pub fn may_speak(self) -> bool {
        self >= Self::Speaker
    }

    /// Whether this role may mute or remove others.
    #[must_use]
    pub fn may_moderate(self) -> bool {
        self >= Self::Moderator
    }
}

impl From<Role> for WireRole {
    fn from(role: Role) -> Self {
        match role {
            Role::Listener => Self::Listener,
            Role::Speaker => Self::Speaker,
            Role::Moderator => Self::Moderator,
            Role::Host => Self::Host,
        }
    }
}

impl From<WireRole> for Role {
    fn from(role: WireRole) -> Self {
        match role {
            WireRole::Listener => Self::Listener,
            WireRole::Speaker => Self::Speaker,
            WireRole::Moderator => Self::Moderator,
            WireRole::Host => Self::Host,
        }
    }
}

/// What a node is to the mesh; stands in its certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NodeRole {
    /// Owns rooms, selects speakers.
    Origin,
    /// Holds clients.
    Edge,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_of_allowed_characters_is_taken_up_to_its_maximum() {
        for name in ["a", "Room-1_x.y", &"z".repeat(64)] {
            assert_eq!(RoomId::new(name).unwrap().as_str(), name);
        }
        let long = NameError::TooLong { what: "a room's id", length: 65, max: 64 };
        assert_eq!(RoomId::new("z".repeat(65)), Err(long));
        assert!(Region::new("z".repeat(33)).is_err());
    }

    #[test]
    fn an_empty_name_and_foreign_characters_are_refused_with_a_sentence() {
        let refused = |name: &str| RoomId::new(name).unwrap_err().to_string();
        assert_eq!(refused(""), "a room's id must not be empty");
        for name in ["a b", "a/b", "ä", "a\n", "a\0", "..%2f"] {
            assert!(refused(name).starts_with("a room's id may hold letters a-z"), "{name}");
        }
    }

    #[test]
    fn a_name_from_json_is_checked_too() {
        assert!(serde_json::from_str::<RoomId>("\"agora\"").is_ok());
        assert!(serde_json::from_str::<RoomId>("\"a b\"").is_err());
        assert_eq!(serde_json::to_string(&RoomId::new("agora").unwrap()).unwrap(), "\"agora\"");
    }

    #[test]
    fn each_role_may_do_what_the_one_below_may() {
        let roles = [Role::Listener, Role::Speaker, Role::Moderator, Role::Host];
        assert!(roles.is_sorted());
        assert_eq!(roles.map(Role::may_speak), [false, true, true, true]);
        assert_eq!(roles.map(Role::may_moderate), [false, false, true, true]);
    }

    #[test]
    fn a_role_survives_the_wire() {
        for role in [Role::Listener, Role::Speaker, Role::Moderator, Role::Host] {
            assert_eq!(Role::from(WireRole::from(role)), role);
        }
    }

    proptest! {
        #[test]
        fn what_is_taken_is_unchanged_and_within_the_rules(name in ".{0,80}") {
            if let Ok(room) = RoomId::new(name.clone()) {
                prop_assert_eq!(room.as_str(), &name);
                prop_assert!((1..=64).contains(&name.len()));
                prop_assert!(name.is_ascii());
            }
        }
    }
}
