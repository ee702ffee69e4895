//! The integration tests, one binary: each module tests one subject through the library's public face.
//!
//! Each module is `cfg(test)` although the whole binary is one: clippy grants tests their `unwrap` only there.

#[cfg(test)]
mod baseline;
#[cfg(test)]
mod budgets;
#[cfg(test)]
mod calibrate;
#[cfg(test)]
mod cli;
#[cfg(test)]
mod cli_experiment;
#[cfg(test)]
mod cli_gate;
#[cfg(test)]
mod cli_run;
#[cfg(test)]
mod cli_store;
#[cfg(test)]
mod cli_support;
#[cfg(test)]
mod criterion_build;
#[cfg(test)]
mod criterion_faults;
#[cfg(test)]
mod criterion_guard;
#[cfg(test)]
mod criterion_support;
#[cfg(test)]
mod doctor_real;
#[cfg(test)]
mod documents;
#[cfg(test)]
mod evaluate;
#[cfg(test)]
mod exchange;
#[cfg(test)]
mod exchange_export;
#[cfg(test)]
mod exchange_mutations;
#[cfg(test)]
mod exchange_support;
#[cfg(test)]
mod exit_codes;
#[cfg(test)]
mod fact_cases;
#[cfg(test)]
mod gate_explained;
#[cfg(test)]
mod gate_history;
#[cfg(test)]
mod gate_improved;
#[cfg(test)]
mod hardware_faults;
#[cfg(test)]
mod hardware_roots;
#[cfg(test)]
mod hardware_support;
#[cfg(test)]
mod integrity;
#[cfg(test)]
mod killed;
#[cfg(test)]
mod knobs;
#[cfg(test)]
mod machines;
#[cfg(test)]
mod machines_real;
#[cfg(test)]
mod privacy;
#[cfg(test)]
mod release;
mod report;
mod report_fixture; // shared with the page tests and benches, which have no `cfg(test)`
#[cfg(test)]
mod site;
#[cfg(test)]
mod site_current;
#[cfg(test)]
mod store;
#[cfg(test)]
mod tidy;
#[cfg(test)]
mod time_travel;
#[cfg(test)]
mod trend;
#[cfg(test)]
mod trend_open;
