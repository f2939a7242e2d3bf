//! Where we are.
