//! The sessions of a worker against real WebRTC clients (str0m's full agent), under virtual time and
//! over a wire that is a list.

mod behaviour;
mod hostile;
mod offers;
mod pair;
mod promotion;
mod room_for_more;
mod sleep;
