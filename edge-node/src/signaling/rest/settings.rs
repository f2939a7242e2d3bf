//! What can be set of a room, as clients write it.

use serde::{Deserialize, Deserializer, Serialize};
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

/// A member that is there; `null` is not a value of anything that can be set.
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}

/// Bodies that share what can be set, so that both refuse what they do not know.
macro_rules! body {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, Deserialize, ToSchema)]
        #[serde(default, deny_unknown_fields)]
        pub(crate) struct $name {
            $($(#[$field_doc])* #[serde(deserialize_with = "present")] #[schema(nullable = false)]
            $field: Option<$type>,)*
            /// What people read, 1 to 100 characters.
            #[serde(deserialize_with = "present")]
            #[schema(nullable = false, min_length = 1, max_length = 100)]
            name: Option<String>,
            /// What it is about now.
            #[serde(deserialize_with = "present")]
            #[schema(nullable = false, max_length = 200)]
            topic: Option<String>,
            /// More about it; line breaks are allowed.
            #[serde(deserialize_with = "present")]
            #[schema(nullable = false, max_length = 2000)]
            description: Option<String>,
            /// Who finds it.
            #[serde(deserialize_with = "present")]
            #[schema(nullable = false)]
            visibility: Option<Visibility>,
            /// What is spoken (RFC 5646); empty when unknown.
            #[serde(deserialize_with = "present")]
            #[schema(nullable = false, max_length = 35)]
            language: Option<String>,
            /// When it is to begin, in milliseconds since 1970; 0 for no such time.
            #[serde(deserialize_with = "present")]
            #[schema(nullable = false, maximum = 253402300799999_u64)]
            scheduled_ms: Option<u64>,
            /// Most participants; 0 for as many as the origin allows.
            #[serde(deserialize_with = "present")]
            #[schema(nullable = false, maximum = 100000)]
            participants_max: Option<u32>,
            /// Of these on the stage; 0 likewise.
            #[serde(deserialize_with = "present")]
            #[schema(nullable = false, maximum = 100000)]
            stage_max: Option<u32>,
            /// Whether listeners may raise hands; yes by default.
            #[serde(deserialize_with = "present")]
            #[schema(nullable = false)]
            hands: Option<bool>,
            /// Whether who comes to the stage begins muted; no by default.
            #[serde(deserialize_with = "present")]
            #[schema(nullable = false)]
            muted_on_entry: Option<bool>,
        }

        impl $name {
            /// Checks every field.
            ///
            /// # Errors
            /// 400 that names the first one that is broken.
            pub(super) fn settings(&self) -> Result<RoomSettings, Problem> {
                check(RoomSettings {
                    name: self.name.clone(),
                    topic: self.topic.clone(),
                    description: self.description.clone(),
                    visibility: self.visibility.map(Visibility::to_wire),
                    language: self.language.clone(),
                    scheduled_ms: self.scheduled_ms,
                    participants_max: self.participants_max,
                    stage_max: self.stage_max,
                    hands: self.hands,
                    muted_on_entry: self.muted_on_entry,
                })
            }
        }
    };
}

body! {
    /// What `POST /v1/rooms` takes; all of it is optional.
    Wanted {
        /// The wanted id; drawn when absent.
        #[schema(max_length = 64, pattern = "^[A-Za-z0-9._-]+$")]
        room: String,
    }
}

body! {
    /// What `PATCH /v1/rooms/{room}` takes; what is absent stays.
    Change {}
}

impl Wanted {
    /// The wanted id.
    pub(super) fn room(&self) -> Option<&str> {
        self.room.as_deref()
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
    Ok(settings)
}
