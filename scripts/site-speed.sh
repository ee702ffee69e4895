#!/bin/sh
# How long the pages take: a whole site from a made-up store of a million points, again without a change, after a night (one new run
# of each machine, so that every benchmark's page changes), and after a word about the newest run. Prints seconds; needs a quiet
# machine. Each of the last three is done in several rounds, of which the median counts; the pages of the last round must be those
# of a site made from nothing.
#
#   scripts/site-speed.sh [MACHINES [BENCHMARKS [NIGHTS [ROUNDS [PROGRAM]]]]]
#
# NIGHTS is a multiple of five: made-up histories of that many nights and of one more agree in what they have in common.
set -eu
machines=${1:-5} benchmarks=${2:-200} nights=${3:-1000} rounds=${4:-5} program=${5:-}
if [ -z "$program" ]; then
    cargo build --release -q -p bench-runner
    program=$(pwd)/target/release/bench-runner
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export BENCH_RUNNER_KEYS="$folder/keys"
printf 'store = "observatory.sqlite"\nreports = "site"\n' > bench-runner.toml
generate() {
    "$program" --quiet db generate --machines "$machines" --benchmarks "$benchmarks" --nights "$1" > told
    tail -1 told
    mkdir "$2"
    mv observatory.sqlite "$2/"
}
generate "$nights" before
generate $((nights + 1)) after
cp before/observatory.sqlite .

# Prints the seconds that one site took, and what it said.
site() {
    start=$(date +%s.%N)
    "$program" site --format csv "$@" > told
    end=$(date +%s.%N)
    printf '%s %s\n' "$(echo "$end - $start" | bc)" "$(tail -1 told)"
}
# Prints the median of what is in the file.
show() {
    sort -n "$2" | awk -v what="$1" '
        { seconds[NR] = $1; said = $2 }
        END { printf "%s: %.2f s (%.2f to %.2f in %d), %s\n", what, seconds[int((NR + 1) / 2)], seconds[1], seconds[NR], NR, said }'
}

site > whole
for round in $(seq "$rounds"); do
    [ "$round" = 1 ] || { rm -r site && site >> whole; }
    site >> unchanged
    cp after/observatory.sqlite .
    site >> night
    "$program" --quiet quarantine latest --reason "to see what a word costs" > told
    site >> word
    [ "$round" = "$rounds" ] || cp before/observatory.sqlite .
done
show "whole site" whole
show "no change" unchanged
show "one night" night
show "one word" word
site --out fresh > told
diff -r site fresh
printf 'the pages are those of a site made from nothing\nlargest page: %s bytes; first page: %s bytes\n' \
    "$(find site -name '*.html' -printf '%s\n' | sort -n | tail -1)" "$(stat -c %s site/index.html)"
