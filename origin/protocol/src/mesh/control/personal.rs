//! What a person asks who need not be in the room: its owner decides by what he is there.

use prost::Message;

use super::requests::Request;
use super::rooms::WireRole;

/// Something that a person asks of a room, by a token that gives him no grant for it. An owner that does not know this
/// message refuses it as a whole, instead of doing what is in it for anybody.
#[derive(Clone, PartialEq, Message)]
pub struct Personal {
    /// Who the token says this is.
    #[prost(string, tag = "1")]
    pub identity: String,
    /// What the token makes him in this room; a role that he was given there stands above it.
    #[prost(enumeration = "WireRole", tag = "2")]
    pub role: i32,
    /// What he asks; its own id, actor and authority are not looked at.
    #[prost(message, optional, boxed, tag = "3")]
    pub request: Option<Box<Request>>,
}

#[cfg(test)]
mod tests {
    use super::super::requests::{Ask, CloseRoom};
    use super::*;

    #[test]
    fn what_a_person_asks_survives_the_wire_and_an_older_owner_does_not_take_it_for_the_ask_itself()
    {
        let close = Ask::CloseRoom(CloseRoom { room: "agora".into(), ..CloseRoom::default() });
        let personal = Personal {
            identity: "ada".into(),
            role: WireRole::Listener.into(),
            request: Some(Box::new(Request { id: 0, ask: Some(close) })),
        };
        let request = Request { id: 7, ask: Some(Ask::Personal(personal)) };
        let bytes = request.encode_to_vec();
        assert_eq!(Request::decode(bytes.as_slice()), Ok(request));

        #[derive(Clone, PartialEq, Message)]
        struct Older {
            #[prost(message, optional, tag = "5")]
            close: Option<CloseRoom>,
        }
        assert_eq!(Older::decode(bytes.as_slice()).map(|older| older.close), Ok(None));
    }
}
