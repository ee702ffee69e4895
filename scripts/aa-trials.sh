#!/usr/bin/env bash
# Compares equal executables of kms until 300 comparisons (or as many as named) are stored, and keeps each of them in
# data/evidence/aa-kms.csv. It may be interrupted and started again: what is stored counts. About 45 minutes for 300.
#
#   scripts/aa-trials.sh            until there are 300
#   scripts/aa-trials.sh 50         until there are 50
#   BENCH_RUNNER=… scripts/aa-trials.sh
set -euo pipefail
cd "$(dirname "$0")/.."
wanted=${1:-300}
log=data/evidence/aa-kms.csv
[ -n "${BENCH_RUNNER:-}" ] || cargo build --quiet --release -p bench-runner
runner=${BENCH_RUNNER:-target/release/bench-runner}

# Lines of the list of stored comparisons, without its header; none when there is no store or calibration yet.
stored() { { "$runner" --format csv calibrate --all 2>/dev/null || true; } | tail -n +2 | wc -l; }

while have=$(stored); [ "$have" -lt "$wanted" ]; do
  echo "$have of $wanted comparisons" >&2
  "$runner" calibrate -p kms --blocks 40 --budget 15m
  [ "$(stored)" -gt "$have" ] || { echo "no comparison came of that" >&2; exit 1; }
done
mkdir -p "$(dirname "$log")"
"$runner" --format csv calibrate --all >"$log"
"$runner" calibrate --all
