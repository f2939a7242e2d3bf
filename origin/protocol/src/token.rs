//! Access tokens of participants.
