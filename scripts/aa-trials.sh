#!/usr/bin/env bash
# Compares equal executables of kms until 300 comparisons (or as many as named) are stored, and keeps each of them in
# data/evidence/aa-kms.csv. A comparison is ten blocks of four launches of one benchmark. For a quiet machine; it may be
# interrupted at any time and started again: what is stored counts. About 1.5 minutes for each 25, 20 minutes for 300.
#
#   scripts/aa-trials.sh            until there are 300
#   scripts/aa-trials.sh 300 15     the same, but no new round after 15 minutes
#   BENCH_RUNNER=… AA_STORE=… scripts/aa-trials.sh
set -euo pipefail
cd "$(dirname "$0")/.."
wanted=${1:-300}
minutes=${2:-1000000}
log=data/evidence/aa-kms.csv
store=${AA_STORE:-target/aa-trials.sqlite}
[ -n "${BENCH_RUNNER:-}" ] || cargo build --quiet --release -p bench-runner
runner=${BENCH_RUNNER:-target/release/bench-runner}

# Lines of the list of stored comparisons, without its header; none when there is no store or calibration yet.
stored() { { "$runner" --store "$store" --format csv calibrate --all 2>/dev/null || true; } | tail -n +2 | wc -l; }

# One thread: 25 benchmarks of five executables. Four threads: an iteration takes as long as a launch of the others, so that
# every fourth round is theirs. What is slow beside that, or prepares for long, is left out.
single=(--bench sign_bench --bench verify_bench --bench batch_verify --bench message_sizes --bench hot_keys)
parallel=(--bench parallel_throughput)
# A launch is a fraction of a second: launches are what varies, and what is counted.
short=(--warm-up 0.02 --measuring 0.04 --samples 10 --blocks 10 --budget 15m)

round=0
while have=$(stored); [ "$have" -lt "$wanted" ] && [ "$SECONDS" -lt $((minutes * 60)) ]; do
  echo "$have of $wanted comparisons" >&2
  round=$((round + 1))
  if [ $((round % 4)) = 0 ]; then what=("${parallel[@]}"); else what=("${single[@]}"); fi
  "$runner" --quiet --store "$store" calibrate -p kms --set full "${what[@]}" "${short[@]}" >/dev/null
  [ "$(stored)" -gt "$have" ] || { echo "no comparison came of that" >&2; exit 1; }
done
mkdir -p "$(dirname "$log")"
"$runner" --store "$store" --format csv calibrate --all >"$log"
"$runner" --store "$store" calibrate --all
