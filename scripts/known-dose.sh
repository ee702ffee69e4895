#!/usr/bin/env bash
# Measures a loop that is longer by 1, 2, 5 and 10 percent against itself, in turns, until 200 experiments (or as many as
# named) are stored; says how often the intervals hold the truth and how long a verdict takes. Every experiment is kept in
# data/evidence/known-dose.csv. For a quiet machine; it may be interrupted at any time and started again. About 6 s an
# experiment: 20 minutes for 200.
#
#   scripts/known-dose.sh           until there are 200
#   scripts/known-dose.sh 200 15    the same, but no new experiment after 15 minutes
#   BENCH_RUNNER=… DOSE_STORE=… scripts/known-dose.sh
set -euo pipefail
cd "$(dirname "$0")/.."
wanted=${1:-200}
minutes=${2:-1000000}
log=data/evidence/known-dose.csv
store=${DOSE_STORE:-target/known-dose.sqlite}
suite=bench-runner/tests/fixtures/suites/dose/Cargo.toml
[ -n "${BENCH_RUNNER:-}" ] || cargo build --quiet --release -p bench-runner
runner=${BENCH_RUNNER:-target/release/bench-runner}
doses=(1 2 5 10)

evidence() { "$runner" --store "$store" --format csv evaluate --known-doses 2>/dev/null || true; }

have=$(evidence | tail -n +2 | wc -l)
for ((trial = have; trial < wanted && SECONDS < minutes * 60; trial++)); do
  dose=${doses[trial % ${#doses[@]}]}
  echo "$trial of $wanted experiments, now $dose %" >&2
  CARGO_TARGET_DIR=$PWD/target/known-dose "$runner" --quiet --store "$store" experiment --manifest-path "$suite" --locked \
    --variant "as it is:env.BENCH_DOSE_PERCENT=0" --variant "longer:env.BENCH_DOSE_PERCENT=$dose" \
    --blocks 12 --control-every 0 --measure-equal --warm-up 0.02 --measuring 0.04 --samples 10 >/dev/null
done
mkdir -p "$(dirname "$log")"
evidence >"$log"
"$runner" --store "$store" evaluate --known-doses
