//! What is asked for: `room` for its trees, `after` for another page of rooms.

use stoa_protocol::ids::RoomId;

/// What is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// The room whose trees are shown.
    pub room: Option<RoomId>,
    /// The room after which the page of rooms begins.
    pub after: Option<RoomId>,
}

impl Query {
    /// Of a URL, what follows its question mark; `None` for what is none. Ids of rooms have no character that would be
    /// written in another way.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let mut query = Self::default();
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=')?;
            let place = match name {
                "room" => &mut query.room,
                "after" => &mut query.after,
                _ => return None,
            };
            if !value.is_empty() {
                *place = Some(RoomId::new(value).ok()?);
            }
        }
        Some(query)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_names_rooms_and_nothing_else() {
        let room = |name: &str| RoomId::new(name).ok();
        assert_eq!(Query::read(""), Some(Query::default()));
        let both = Query { room: room("agora"), after: room("a.b-c_1") };
        assert_eq!(Query::read("room=agora&after=a.b-c_1"), Some(both));
        assert_eq!(Query::read("room="), Some(Query::default()));
        for wrong in ["room", "room=%3Cb%3E", "room=<b>", "colour=red", "room=a&x"] {
            assert_eq!(Query::read(wrong), None, "{wrong}");
        }
    }
}
