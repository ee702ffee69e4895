#!/bin/sh
# How long the pages take: a whole site from a made-up store of a million points, again without a change, and after a change to
# the newest run of one machine, which touches every benchmark's page as a night does. Prints seconds; needs a quiet machine.
set -eu
machines=${1:-5} benchmarks=${2:-200} nights=${3:-1000}
cargo build --release -q -p bench-runner
program=$(pwd)/target/release/bench-runner
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export BENCH_RUNNER_KEYS="$folder/keys"
printf 'store = "observatory.sqlite"\nreports = "site"\n' > bench-runner.toml
"$program" --quiet db generate --machines "$machines" --benchmarks "$benchmarks" --nights "$nights"
for what in "whole site" "no change" "one night"; do
    if [ "$what" = "one night" ]; then
        "$program" --quiet quarantine latest --reason "to see what a night costs" > told
    fi
    before=$(date +%s.%N)
    "$program" site --format csv > told
    after=$(date +%s.%N)
    printf '%s: %.2f s, ' "$what" "$(echo "$after - $before" | bc)"
    tail -1 told
done
printf 'largest page: %s bytes; first page: %s bytes\n' \
    "$(find site -name '*.html' -printf '%s\n' | sort -n | tail -1)" "$(stat -c %s site/index.html)"
