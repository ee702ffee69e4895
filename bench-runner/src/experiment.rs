//! Measuring: suites made of executables, launches stored as they come, and experiments of two or more arms.
//!
//! What `run`, `experiment` and every command that measures share. Nothing here knows the command line, and nothing
//! prints an answer; what an experiment says is decided in `analysis::experiment`.

mod arms;
mod built;
mod equal;
mod launching;
mod measure;
mod outcome;
mod profile;
mod suite;
mod told;
mod variant;
mod watch;
mod world;

pub use arms::{Arms, PreparedArm, Recipe, check_out, folder_of, prepare, request_at};
pub use built::build_facts;
pub use launching::{LaunchPlan, Launched, launch_once};
pub use measure::{Request, measure};
pub use outcome::{Outcome, recompute};
pub use suite::{Bench, Selection, Suite, build, from_kept, kept_executables, once, select, stated};
pub use variant::parse as parse_variant;
pub use watch::{Watch, canaries};
pub use world::{Readers, Site, World};
