//! Real servers that a test starts, freezes, wipes and ends, and a slow path to them.
