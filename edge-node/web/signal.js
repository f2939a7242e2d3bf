// The WebSocket of a room: requests with answers, and what the server tells.
