//! Tests of the checks: each fires, stays silent and admits that it does not know.
