//! Proof.
fn main() {}
