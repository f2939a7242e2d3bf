//! Tests of a link.
