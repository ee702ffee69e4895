#!/usr/bin/env bash
# Compares kms with itself and with ed25519-dalek as often as the acceptance asks, once, in release; keeps the counts.
# Ten million mutated signatures against `verify_strict`, and half a million placements in batches under each rule.
#
#   scripts/differential.sh CLASS [FILTER]      CLASS: what `bench-runner machines` calls this machine
#   scripts/differential.sh CLASS mutations     one of `mutations` and `placements`
set -euo pipefail
cd "$(dirname "$0")/.."
[ $# -ge 1 ] || { sed -n '2,6p' "$0" >&2; exit 2; }
class=$1 filter=${2:-}
log=data/evidence/kms-differential.csv
command="cargo test -p kms --release --test it -- --ignored --nocapture ${filter:-_times}"
counts=$(mktemp)
trap 'rm -f "$counts"' EXIT

code=0
$command | tee "$counts" >&2 || code=$?
commit=$(git rev-parse --short=12 HEAD)
[ -z "$(git status --porcelain --untracked-files=no)" ] || commit="$commit-dirty"
mkdir -p "$(dirname "$log")"
[ -e "$log" ] || echo "utc,commit,machine_class,what,cases,accepted,differences,command" >"$log"
sed -n 's/^.*differential,//p' "$counts" | while read -r line; do
  echo "$(date -u +%Y-%m-%dT%H:%M:%SZ),$commit,$class,$line,$command" | tee -a "$log"
done
exit "$code"
