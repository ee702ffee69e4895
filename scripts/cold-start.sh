#!/usr/bin/env bash
# What the binary weighs, how fast it starts, and whether it talks to a network. Ends with 1 when a budget is broken.
#
#   scripts/cold-start.sh [BINARY]      default: target/dist/bench-runner, built first: what is published
set -euo pipefail
cd "$(dirname "$0")/.."
export LC_ALL=C TIMEFORMAT=%3R
[ $# -gt 0 ] || cargo build --quiet --profile dist -p bench-runner
binary=${1:-target/dist/bench-runner}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
broken=0

# Name, value with unit, limit with unit, whether it holds.
row() { printf '%-22s %-34s %-10s %s\n' "$1" "$2" "$3" "$4"; [ "$4" != broken ] || broken=1; }
holds() { awk "BEGIN { print ($1 <= $2) ? \"holds\" : \"broken\" }"; }

bytes=$(($(wc -c <"$binary")))
row size "$(awk "BEGIN { printf \"%.1f MB\", $bytes / 1e6 }")" '20 MB' "$(holds "$bytes" 20000000)"

"$binary" --version >/dev/null   # into the page cache: a new process each time, not a new file
for _ in {1..20}; do { time "$binary" --version >/dev/null; } 2>&1; done | sort -n >"$folder/seconds"
median=$(awk 'NR == 10 || NR == 11 { sum += $1 } END { print 500 * sum }' "$folder/seconds")
row 'start, median of 20' "$median ms" '20 ms' "$(holds "$median" 20)"

# The doctor asks programs too, which -f follows; its exit code is about the machine. Internet addresses only.
trace() { strace -f -qq -e trace=network -o "$folder/trace" -A "$binary" --store "$folder/none.sqlite" "$@" >/dev/null 2>&1 || true; }
if ! command -v strace >/dev/null; then
  row network 'unknown: strace is not installed' none unknown
elif ! strace -f -o /dev/null true 2>/dev/null; then
  row network 'unknown: strace may not trace here' none unknown
else
  trace --version
  trace doctor
  calls=$(grep -c 'AF_INET' "$folder/trace" || true)
  row network "$calls calls by --version and doctor" none "$(holds "$calls" 0)"
fi
exit "$broken"
