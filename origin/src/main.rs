//! Rooms.
fn main() {}
