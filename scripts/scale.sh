#!/usr/bin/env bash
# What a store of years costs: makes one up, then measures its size, opening, single lines of history, the nightly trend, and memory.
#
#   scripts/scale.sh [MACHINES [BENCHMARKS [NIGHTS]]]      default: 5 1000 4000, about 20 million points
#
# Points are written in the order of lines, which packs pages; a store that grew night by night is larger until `VACUUM`.
set -euo pipefail
cd "$(dirname "$0")/.."
export LC_ALL=C TIMEFORMAT='generated in %3R s'
cargo build --quiet --release -p bench-runner
binary=$PWD/target/release/bench-runner
folder=$(mktemp -d -p target)
trap 'rm -rf "$folder"' EXIT
store=$folder/observatory.sqlite
time "$binary" --store "$store" --quiet db generate --machines "${1:-5}" --benchmarks "${2:-1000}" --nights "${3:-4000}"
"$binary" --store "$store" db measure
# A process that opens the store and does one small thing: start, opening and reading included.
TIMEFORMAT='list -n 1 in a process of its own: %3R s'
time "$binary" --store "$store" list -n 1 >/dev/null
# The morning question, as of two hours after the last made-up night; thrice, since the first one warms the page cache.
now=$(date -u -d "@$((1420076220 + (${3:-4000} - 1) * 86400 + 7200))" +%Y-%m-%dT%H:%M:%SZ)
for attempt in first second third; do
  if [ -x /usr/bin/time ]; then
    /usr/bin/time -f "trend of 30 nights, $attempt time: %e s, peak memory %M kB" \
      "$binary" --store "$store" --quiet trend --now "$now" --format json >"$folder/trend.json"
  else
    TIMEFORMAT="trend of 30 nights, $attempt time: %3R s, peak memory unknown"
    time "$binary" --store "$store" --quiet trend --now "$now" --format json >"$folder/trend.json"
  fi
done
"$binary" --store "$store" --quiet trend --now "$now" | head -n 3
# A trend that judges nothing is quick and says nothing.
judged=$(tr -d ' \n' <"$folder/trend.json" | sed -n 's/.*"checked":{[^}]*"judged":\([0-9]*\).*/\1/p')
echo "benchmarks judged: ${judged:-none}"
[ "${judged:-0}" -gt 0 ]
