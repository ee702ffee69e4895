#!/usr/bin/env bash
# The simulations that docs/methodology.md and docs/statistics.md quote, in parts of a few minutes each; results are
# data/evidence/simulated-experiments.csv, simulated-nights.csv and simulated-launches.csv. A part that is done is not done
# again (parts are kept in target/simulations), so that it may be interrupted and started again. About 45 minutes of one core.
# They need no quiet machine, and would disturb one: while the file that HOLD names exists, nothing runs.
#
#   BENCH_RUNNER=… HOLD=FILE scripts/simulations.sh
set -euo pipefail
cd "$(dirname "$0")/.."
[ -n "${BENCH_RUNNER:-}" ] || cargo build --quiet --release -p bench-runner
runner=${BENCH_RUNNER:-target/release/bench-runner}
families=(normal ar-0.3 ar-0.6 heavy-tails spikes bimodal drift machine-shift)
parts=target/simulations
out=data/evidence
mkdir -p "$parts" "$out"

held() { [ -n "${HOLD:-}" ] && [ -e "$HOLD" ]; }
# Runs one part to its end; held meanwhile, it is stopped and begun anew.
part() { # name words…
  local name=$1 child stopped
  shift
  [ ! -s "$parts/$name.csv" ] || return 0
  while :; do
    while held; do sleep 5; done
    echo "$(date -u +%H:%M:%S) $name" >&2
    nice "$runner" --quiet --format csv evaluate "$@" >"$parts/$name.tmp" &
    child=$!
    stopped=
    while kill -0 "$child" 2>/dev/null; do
      if held; then stopped=1; kill "$child" 2>/dev/null || true; break; fi
      sleep 1
    done
    if wait "$child"; then break; fi
    [ -n "$stopped" ] || { echo "$name failed" >&2; exit 1; }
  done
  mv "$parts/$name.tmp" "$parts/$name.csv"
}
# One file of all parts: the command on top, then one header.
join() { # file command parts…
  local file=$1 command=$2 first=1 name
  shift 2
  {
    echo "# $command"
    for name in "$@"; do
      if [ -n "$first" ]; then cat "$parts/$name.csv"; else tail -n +2 "$parts/$name.csv"; fi
      first=
    done
  } >"$out/$file"
}

for family in "${families[@]}"; do part "experiments-$family" --calibrate --cases 100000 --family "$family"; done
join simulated-experiments.csv "bench-runner evaluate --calibrate --cases 100000 --format csv" "${families[@]/#/experiments-}"
part launches --family normal --launches 5 --nights 1000 --steps 1000
join simulated-launches.csv "bench-runner evaluate --family normal --launches 5 --nights 1000 --steps 1000 --format csv" launches
for family in "${families[@]}"; do part "nights-$family" --nights 10000 --steps 1000 --family "$family"; done
join simulated-nights.csv "bench-runner evaluate --nights 10000 --steps 1000 --format csv" "${families[@]/#/nights-}"
