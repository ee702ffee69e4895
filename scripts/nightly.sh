#!/usr/bin/env bash
# One night: look at the machine, measure the full set, judge the budgets, leave a report.
# Safe to run twice: every run is a new run with a report of its own, and a second measurer waits for the first.
# From cron:  0 3 * * *  cd /path/to/checkout && scripts/nightly.sh >>nightly.log 2>&1
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
cargo build --quiet --release --locked -p bench-runner || exit 101
runner=target/release/bench-runner

date -u +"night of %Y-%m-%dT%H:%M:%SZ"
"$runner" doctor
code=$?
case $code in
  0) ;;
  122) echo "doctor: this machine is not fit; measuring all the same, and the run says so" ;;
  *) exit "$code" ;;
esac

# Stores the run, writes its report, judges the budgets of exactly this run.
"$runner" run --profile "${1:-nightly}" --gate
code=$?
if [ "$code" = 121 ]; then
  echo "gate: no budget is bound to this machine class and configuration: nothing was judged"
  exit 0
fi
exit "$code"
