// The page of a room.
