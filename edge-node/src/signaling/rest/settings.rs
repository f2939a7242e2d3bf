//! What can be set of a room, as clients write it.

use serde::{Deserialize, Deserializer, Serialize};
use stoa_protocol::ids::RoomId;
use stoa_protocol::mesh::control::{RoomSettings, WireVisibility};
use utoipa::ToSchema;

use super::super::problem::Problem;
use super::fields::{
    DESCRIPTION_CHARACTERS_MAX, Lines, NAME_CHARACTERS_MAX, SCHEDULED_MS_MAX, TOPIC_CHARACTERS_MAX,
    check_language, check_text, malformed,
};

/// Most participants that can be asked for; the origin may allow fewer.
const PARTICIPANTS_MAX: u32 = 100_000;

/// Who finds a room, and who may come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Visibility {
    /// It is listed.
    Open,
    /// It is not listed; any token that is good for it opens it.
    Unlisted,
    /// It is not listed, and only a token that names it opens it.
    Private,
}

impl Visibility {
    /// As the owner says it; an unknown one of a newer owner is the strictest.
    pub(super) fn of_wire(wire: i32) -> Self {
        match WireVisibility::try_from(wire) {
            Ok(WireVisibility::Open) => Self::Open,
            Ok(WireVisibility::Unlisted) => Self::Unlisted,
            Ok(WireVisibility::Private) | Err(_) => Self::Private,
        }
    }

    fn to_wire(self) -> i32 {
        match self {
            Self::Open => WireVisibility::Open.into(),
            Self::Unlisted => WireVisibility::Unlisted.into(),
            Self::Private => WireVisibility::Private.into(),
        }
    }
}

/// A member of a merge patch (RFC 7396).
#[derive(Clone, Debug, Default)]
enum Member<T> {
    /// It stays as it is.
    #[default]
    Absent,
    /// `null`: it is as if nobody had ever set it.
    Null,
    Is(T),
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Member<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(Option::deserialize(from)?.map_or(Self::Null, Self::Is))
    }
}

impl<T: Clone> Member<T> {
    /// What the owner is told; `null` is `default`.
    fn or(&self, default: Option<&T>) -> Option<T> {
        match self {
            Self::Absent => None,
            Self::Null => default.cloned(),
            Self::Is(value) => Some(value.clone()),
        }
    }
}

/// Bodies that share what can be set, so that both refuse what they do not know.
macro_rules! body {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, Deserialize, ToSchema)]
        #[serde(deny_unknown_fields)]
        pub(crate) struct $name {
            $($(#[$field_doc])* #[serde(default)] #[schema(value_type = Option<$type>)]
            $field: Member<$type>,)*
            /// What people read, 1 to 100 characters.
            #[serde(default)] #[schema(value_type = Option<String>, min_length = 1, max_length = 100)]
            name: Member<String>,
            /// What it is about now.
            #[serde(default)] #[schema(value_type = Option<String>, max_length = 200)]
            topic: Member<String>,
            /// More about it; line breaks are allowed.
            #[serde(default)] #[schema(value_type = Option<String>, max_length = 2000)]
            description: Member<String>,
            /// Who finds it.
            #[serde(default)] #[schema(value_type = Option<Visibility>)]
            visibility: Member<Visibility>,
            /// What is spoken (RFC 5646); empty when unknown.
            #[serde(default)] #[schema(value_type = Option<String>, max_length = 35)]
            language: Member<String>,
            /// When it is to begin, in milliseconds since 1970; 0 for no such time.
            #[serde(default)] #[schema(value_type = Option<u64>, maximum = 253402300799999_u64)]
            scheduled_ms: Member<u64>,
            /// Most participants; 0 for as many as the origin allows.
            #[serde(default)] #[schema(value_type = Option<u32>, maximum = 100000)]
            participants_max: Member<u32>,
            /// Of these on the stage; 0 likewise.
            #[serde(default)] #[schema(value_type = Option<u32>, maximum = 100000)]
            stage_max: Member<u32>,
            /// Whether listeners may raise hands; yes by default.
            #[serde(default)] #[schema(value_type = Option<bool>)]
            hands: Member<bool>,
            /// Whether who comes to the stage begins muted; no by default.
            #[serde(default)] #[schema(value_type = Option<bool>)]
            muted_on_entry: Member<bool>,
            /// Over how many trees each edge gets the room, where the network has room for two: with 2, the default,
            /// no frame is lost when a node dies; 1 costs half as much.
            #[serde(default)] #[schema(value_type = Option<u32>, minimum = 1, maximum = 2)]
            feeds: Member<u32>,
        }

        impl $name {
            /// Checks every field; what is `null` is as in `defaults`.
            ///
            /// # Errors
            /// 400 that names the first one that is broken.
            fn read(&self, defaults: &RoomSettings) -> Result<RoomSettings, Problem> {
                let visibility = match &self.visibility {
                    Member::Is(visibility) => Some(visibility.to_wire()),
                    Member::Null => defaults.visibility,
                    Member::Absent => None,
                };
                check(RoomSettings {
                    name: self.name.or(defaults.name.as_ref()),
                    topic: self.topic.or(defaults.topic.as_ref()),
                    description: self.description.or(defaults.description.as_ref()),
                    visibility,
                    language: self.language.or(defaults.language.as_ref()),
                    scheduled_ms: self.scheduled_ms.or(defaults.scheduled_ms.as_ref()),
                    participants_max: self.participants_max.or(defaults.participants_max.as_ref()),
                    stage_max: self.stage_max.or(defaults.stage_max.as_ref()),
                    hands: self.hands.or(defaults.hands.as_ref()),
                    muted_on_entry: self.muted_on_entry.or(defaults.muted_on_entry.as_ref()),
                    feeds: self.feeds.or(defaults.feeds.as_ref()),
                })
            }
        }
    };
}

body! {
    /// What `POST /v1/rooms` takes; all of it is optional, and `null` is as absent.
    Wanted {
        /// The wanted id; drawn when absent.
        #[schema(max_length = 64, pattern = "^[A-Za-z0-9._-]+$")]
        room: String,
    }
}

body! {
    /// What `PATCH /v1/rooms/{room}` takes (RFC 7396): what is absent stays, and `null` is as in a room where nobody has
    /// set it; the name is then the room's id.
    Change {}
}

impl Wanted {
    /// The wanted id.
    pub(super) fn room(&self) -> Option<&str> {
        match &self.room {
            Member::Is(room) => Some(room),
            Member::Null | Member::Absent => None,
        }
    }

    /// What is to be set of the new room; the owner knows the rest.
    ///
    /// # Errors
    /// 400 that names the first field that is broken.
    pub(super) fn settings(&self) -> Result<RoomSettings, Problem> {
        self.read(&RoomSettings::default())
    }
}

impl Change {
    /// What is to be set of `room`.
    ///
    /// # Errors
    /// 400 that names the first field that is broken.
    pub(super) fn settings(&self, room: &RoomId) -> Result<RoomSettings, Problem> {
        self.read(&RoomSettings::of_new_room(room.as_str()))
    }
}

fn check(settings: RoomSettings) -> Result<RoomSettings, Problem> {
    if let Some(name) = &settings.name {
        check_text("name", name, 1..=NAME_CHARACTERS_MAX, Lines::One)?;
    }
    if let Some(topic) = &settings.topic {
        check_text("topic", topic, 0..=TOPIC_CHARACTERS_MAX, Lines::One)?;
    }
    if let Some(description) = &settings.description {
        let most = DESCRIPTION_CHARACTERS_MAX;
        check_text("description", description, 0..=most, Lines::Several)?;
    }
    check_language(settings.language.as_deref().unwrap_or_default())?;
    if settings.scheduled_ms.is_some_and(|at| at > SCHEDULED_MS_MAX) {
        let detail = "The field `scheduled_ms` takes a time before the year 10000.";
        return Err(malformed("scheduled_ms", detail));
    }
    for (field, most) in
        [("participants_max", settings.participants_max), ("stage_max", settings.stage_max)]
    {
        if most.is_some_and(|most| most > PARTICIPANTS_MAX) {
            let detail = format!("The field `{field}` is at most {PARTICIPANTS_MAX}.");
            return Err(malformed(field, detail));
        }
    }
    if settings.feeds.is_some_and(|feeds| !(1..=2).contains(&feeds)) {
        return Err(malformed("feeds", "The field `feeds` is 1 or 2."));
    }
    Ok(settings)
}
