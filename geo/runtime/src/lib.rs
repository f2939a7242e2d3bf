//! Start-up code.
