#!/usr/bin/env bash
# One night: look at the machine, measure the full set, judge the budgets, leave a report.
# Safe to run twice: every run is a new run, reports are written anew, and a second measurer waits for the first.
# From cron:  0 3 * * *  cd /path/to/checkout && scripts/nightly.sh >>nightly.log 2>&1
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
export RUST_BACKTRACE=1
cargo build --quiet --release -p bench-runner || exit 101
runner=target/release/bench-runner

date -u +"night of %Y-%m-%dT%H:%M:%SZ"
"$runner" doctor || echo "doctor: machine not fit, measuring all the same; the run says so"
"$runner" run --profile "${1:-nightly}" || { code=$?; echo "run: exit $code"; exit "$code"; }
"$runner" gate; gate=$?
"$runner" report || exit $?
exit "$gate"
