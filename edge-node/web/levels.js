// How loud each slot is right now.
