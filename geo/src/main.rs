//! Where we are.
fn main() {}
