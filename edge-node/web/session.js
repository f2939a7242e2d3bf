// One peer connection with the room: an uplink line, then the slots.
