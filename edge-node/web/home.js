// The home page: create a room, or join one.
