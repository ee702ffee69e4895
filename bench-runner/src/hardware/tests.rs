//! Tests of what all readers share.
