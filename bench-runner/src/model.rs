//! Layer 0: the nouns of the observatory.
//!
//! Nothing here reads, prints, asks for the time, or computes a statistic. The words are those of
//! `docs/glossary.md`; a type and its glossary entry change together.

pub mod calibration;
pub mod change_point;
pub mod comparison;
pub mod covariates;
pub mod curve;
pub mod decision;
pub mod estimate;
pub mod experiment;
pub mod explain;
pub mod fact;
pub mod finding;
pub mod gate;
pub mod history;
pub mod ids;
pub mod knob;
pub mod machines;
pub mod measurement;
pub mod ratio_table;
pub mod record;
pub mod release;
pub mod report;
pub mod run;
pub mod seal;
pub mod site;
pub mod step;
pub mod trend;
pub mod units;
