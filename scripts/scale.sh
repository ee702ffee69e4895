#!/usr/bin/env bash
# What a store of years costs: makes one up, then measures its size, opening, single lines of history, and memory.
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
