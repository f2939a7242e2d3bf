//! What can be set of a room, checked from the wire.

use stoa_protocol::mesh::control::{RoomSettings, WireVisibility};

use super::limits::{DESCRIPTION_CHARS_MAX, LANGUAGE_CHARS_MAX, NAME_CHARS_MAX, TOPIC_CHARS_MAX};
use super::participant::readable;
use super::refusal::Refusal;

/// Most trees over which an edge gets a room: from its owner and from its standby.
pub const FEEDS_MAX: u8 = 2;

/// Who finds a room, and who may come in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Visibility {
    /// It is listed.
    #[default]
    Open,
    /// It is not listed; any token that is good for it opens it.
    Unlisted,
    /// It is not listed, and only a token that names it opens it.
    Private,
}

/// What can be set of a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// What people read, 1 to [`NAME_CHARS_MAX`] characters.
    pub name: String,
    /// What it is about now, up to [`TOPIC_CHARS_MAX`] characters.
    pub topic: String,
    /// More about it, up to [`DESCRIPTION_CHARS_MAX`] characters; it may have several lines.
    pub description: String,
    /// Who finds it.
    pub visibility: Visibility,
    /// What is spoken (RFC 5646); empty when unknown.
    pub language: String,
    /// When it is to begin, in milliseconds since 1970; 0 for no such time.
    pub scheduled_ms: u64,
    /// Most participants; 0 for as many as the origin allows.
    pub participants_max: u32,
    /// Of these on the stage; 0 likewise.
    pub stage_max: u32,
    /// Whether listeners may raise hands.
    pub hands: bool,
    /// Whether who comes to the stage begins muted.
    pub muted_on_entry: bool,
    /// Over how many trees each edge gets the room, 1 to [`FEEDS_MAX`].
    pub feeds: u8,
}

impl Settings {
    /// Those of a new room of this name.
    #[must_use]
    pub fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            topic: String::new(),
            description: String::new(),
            visibility: Visibility::default(),
            language: String::new(),
            scheduled_ms: 0,
            participants_max: 0,
            stage_max: 0,
            hands: true,
            muted_on_entry: false,
            feeds: FEEDS_MAX,
        }
    }

    /// These with `change` applied; what it leaves out stays.
    ///
    /// # Errors
    /// [`Refusal::TextLength`], [`Refusal::TextControl`], [`Refusal::LanguageInvalid`],
    /// [`Refusal::VisibilityUnknown`], [`Refusal::FeedsImpossible`]; nothing is changed then.
    pub fn changed(&self, change: &RoomSettings) -> Result<Self, Refusal> {
        let kept = |own: &String, new: &Option<String>| new.clone().unwrap_or_else(|| own.clone());
        let changed = Self {
            name: kept(&self.name, &change.name),
            topic: kept(&self.topic, &change.topic),
            description: kept(&self.description, &change.description),
            visibility: change.visibility.map_or(Ok(self.visibility), visibility)?,
            language: kept(&self.language, &change.language),
            scheduled_ms: change.scheduled_ms.unwrap_or(self.scheduled_ms),
            participants_max: change.participants_max.unwrap_or(self.participants_max),
            stage_max: change.stage_max.unwrap_or(self.stage_max),
            hands: change.hands.unwrap_or(self.hands),
            muted_on_entry: change.muted_on_entry.unwrap_or(self.muted_on_entry),
            feeds: change.feeds.map_or(Ok(self.feeds), feeds)?,
        };
        changed.check()?;
        Ok(changed)
    }

    pub(super) fn check(&self) -> Result<(), Refusal> {
        readable("A room's name", &self.name, NAME_CHARS_MAX)?;
        if !self.topic.is_empty() {
            readable("A room's topic", &self.topic, TOPIC_CHARS_MAX)?;
        }
        let description = self.description.replace(['\n', '\r', '\t'], " ");
        if !description.is_empty() {
            readable("A room's description", &description, DESCRIPTION_CHARS_MAX)?;
        }
        check_language(&self.language)
    }

    /// As everybody may know them.
    #[must_use]
    pub fn to_wire(&self) -> RoomSettings {
        RoomSettings {
            name: Some(self.name.clone()),
            topic: Some(self.topic.clone()),
            description: Some(self.description.clone()),
            visibility: Some(self.visibility.to_wire().into()),
            language: Some(self.language.clone()),
            scheduled_ms: Some(self.scheduled_ms),
            participants_max: Some(self.participants_max),
            stage_max: Some(self.stage_max),
            hands: Some(self.hands),
            muted_on_entry: Some(self.muted_on_entry),
            feeds: Some(self.feeds.into()),
        }
    }
}

impl Visibility {
    fn to_wire(self) -> WireVisibility {
        match self {
            Self::Open => WireVisibility::Open,
            Self::Unlisted => WireVisibility::Unlisted,
            Self::Private => WireVisibility::Private,
        }
    }
}

fn visibility(wire: i32) -> Result<Visibility, Refusal> {
    match WireVisibility::try_from(wire) {
        Ok(WireVisibility::Open) => Ok(Visibility::Open),
        Ok(WireVisibility::Unlisted) => Ok(Visibility::Unlisted),
        Ok(WireVisibility::Private) => Ok(Visibility::Private),
        Err(_) => Err(Refusal::VisibilityUnknown(wire)),
    }
}

fn feeds(wire: u32) -> Result<u8, Refusal> {
    let known = u8::try_from(wire).ok().filter(|feeds| (1..=FEEDS_MAX).contains(feeds));
    known.ok_or(Refusal::FeedsImpossible(wire))
}

/// A language tag's form (RFC 5646 section 2.1): subtags of 1 to 8 letters and digits.
fn check_language(tag: &str) -> Result<(), Refusal> {
    let subtag =
        |s: &str| (1..=8).contains(&s.len()) && s.bytes().all(|b| b.is_ascii_alphanumeric());
    let well_formed =
        tag.is_empty() || (tag.len() <= LANGUAGE_CHARS_MAX && tag.split('-').all(subtag));
    if well_formed { Ok(()) } else { Err(Refusal::LanguageInvalid) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str) -> RoomSettings {
        RoomSettings { name: Some(name.into()), ..RoomSettings::default() }
    }

    #[test]
    fn what_a_change_leaves_out_stays() {
        let before = Settings { topic: "Justice".into(), ..Settings::named("Agora") };
        let after = before.changed(&named("Stoa")).unwrap();
        assert_eq!(after, Settings { name: "Stoa".into(), ..before });
        assert_eq!(
            Settings::named("x").changed(&after.to_wire()),
            Ok(after),
            "and the wire tells all"
        );
    }

    #[test]
    fn edges_know_what_a_new_room_has() {
        assert_eq!(Settings::named("Agora").to_wire(), RoomSettings::of_new_room("Agora"));
    }

    #[test]
    fn each_field_has_its_bounds_and_texts_are_counted_in_characters() {
        let agora = Settings::named("Agora");
        let umlauts = "ä".repeat(NAME_CHARS_MAX);
        assert!(agora.changed(&named(&umlauts)).is_ok());
        let wrong = [
            named(""),
            named(&format!("{umlauts}ä")),
            named("two\nlines"),
            RoomSettings {
                topic: Some("x".repeat(TOPIC_CHARS_MAX + 1)),
                ..RoomSettings::default()
            },
            RoomSettings { description: Some("a\u{0}b".into()), ..RoomSettings::default() },
            RoomSettings { language: Some("greek language".into()), ..RoomSettings::default() },
            RoomSettings { visibility: Some(9), ..RoomSettings::default() },
            RoomSettings { feeds: Some(0), ..RoomSettings::default() },
            RoomSettings { feeds: Some(3), ..RoomSettings::default() },
        ];
        for change in wrong {
            assert!(agora.changed(&change).is_err(), "{change:?}");
        }
        let lines =
            RoomSettings { description: Some("two\nlines".into()), ..RoomSettings::default() };
        assert!(agora.changed(&lines).is_ok());
        for tag in ["", "el", "zh-Hant-TW"] {
            assert_eq!(check_language(tag), Ok(()), "{tag}");
        }
    }
}
