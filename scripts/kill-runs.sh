#!/usr/bin/env bash
# Kills the runner with SIGKILL at 100 moments (or as many as named) of a short suite, and keeps the counts.
# Fails when a store did not open, an earlier run was damaged, or a bench process outlived its runner by 2 s.
#
#   scripts/kill-runs.sh           100 rounds
#   scripts/kill-runs.sh 30        30 rounds
set -euo pipefail
cd "$(dirname "$0")/.."
rounds=${1:-100}
log=data/evidence/kill-runs.csv
counts=$(mktemp)
trap 'rm -f "$counts"' EXIT

code=0
KILL_ROUNDS=$rounds KILL_LOG=$counts cargo test -p bench-runner --test it -- killed:: || code=$?
if [ -s "$counts" ]; then
  mkdir -p "$(dirname "$log")"
  [ -e "$log" ] || echo "date,commit,machine_class,rounds,begun,partial,complete,lost" >"$log"
  commit=$(git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)
  [ -z "$(git status --porcelain --untracked-files=no 2>/dev/null)" ] || commit="$commit-dirty"
  printf '%s,%s,%s\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$commit" "$(cat "$counts")" >>"$log"
  tail -n 1 "$log"
fi
exit "$code"
