#!/bin/sh
# How long the pages take: a whole site from a made-up store of a million points, again without a change, after a night (one new run
# of each machine, so that every benchmark's page changes), and after a word about the newest run. Prints seconds, the median of
# some rounds; needs a quiet machine. The pages of the last round must be those of a site made from nothing.
#
#   scripts/site-speed.sh [MACHINES [BENCHMARKS [NIGHTS [ROUNDS [PROGRAM]]]]]      NIGHTS: a multiple of five
set -eu
machines=${1:-5} benchmarks=${2:-200} nights=${3:-1000} rounds=${4:-5} program=${5:-$(pwd)/target/release/bench-runner}
[ -n "${5:-}" ] || cargo build --release -q -p bench-runner
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export BENCH_RUNNER_KEYS="$folder/keys"
printf 'store = "observatory.sqlite"\nreports = "site"\n' > bench-runner.toml
# Made-up histories of that many nights and of one more agree in what they have in common.
for more in 0 1; do
    "$program" --quiet db generate --machines "$machines" --benchmarks "$benchmarks" --nights $((nights + more)) 2> /dev/null
    mv observatory.sqlite "store$more"
done
site() { # appends the seconds that one site took, and what it said, to the file $1
    start=$(date +%s.%N)
    "$program" site --format csv > told
    echo "$(echo "$(date +%s.%N) - $start" | bc) $(tail -1 told)" >> "$1"
}
for round in $(seq "$rounds"); do
    rm -rf site
    cp store0 observatory.sqlite
    site whole-site
    site no-change
    cp store1 observatory.sqlite
    site one-night
    "$program" --quiet quarantine latest --reason "to see what a word costs" > told 2>&1
    site one-word
done
for what in whole-site no-change one-night one-word; do
    sort -n "$what" | awk -v what="$what" '{ seconds[NR] = $1; said = $2 }
        END { printf "%s: %.2f s (%.2f to %.2f), %s\n", what, seconds[int((NR + 1) / 2)], seconds[1], seconds[NR], said }'
done
"$program" site --out fresh > told
diff -r site fresh
printf 'largest page: %s bytes; first page: %s bytes\n' \
    "$(find site -name '*.html' -printf '%s\n' | sort -n | tail -1)" "$(stat -c %s site/index.html)"
