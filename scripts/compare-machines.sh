#!/bin/sh
# Puts this machine beside itself on one core (another configuration), the founding record, and two machines that are made
# up from its own run and marked synthetic: one of half the clock, one whose core takes four fifths of the cycles. The ratios
# of those two are known: +100 % in time and 0 % in cycles, -20 % in both. For a quiet machine, about 2 minutes.
# Usage: scripts/compare-machines.sh; evidence is data/evidence/compare-machines.md. Needs cargo, taskset, jq.
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
out=${MACHINES_EVIDENCE:-$here/data/evidence/compare-machines.md}
runner=${BENCH_RUNNER:-${CARGO_TARGET_DIR:-$here/target}/release/bench-runner}
[ -n "${BENCH_RUNNER:-}" ] || cargo build --quiet --release -p bench-runner --manifest-path "$here/Cargo.toml"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat > "$work/bench-runner.toml" << END
store = "store.sqlite"
founding = ["$here/data/founding/november-5.json"]
default_profile = "side"
[suite]
packages = ["kms"]
[profiles.side]
set = "core"
launches = 8
warm_up_seconds = 0.1
measurement_seconds = 0.3
sample_size = 10
END
ours() { "$runner" --config "$work/bench-runner.toml" "$@"; }
# What is measured with the words before it, for example on one core.
measure() {
    "$@" "$runner" --config "$work/bench-runner.toml" --quiet --format json run --manifest-path "$here/Cargo.toml" \
        --no-report --no-sign --filter '^(sign_bench|verify_bench|batch_verify/verify_batch|parallel_throughput)/' \
        --bench sign_bench --bench verify_bench --bench batch_verify --bench parallel_throughput | jq -r .run
}
all=$(measure env)
one=$(measure taskset -c 0)
for made in half-clock,0.5,1 wide-core,1,0.8; do
    ours bundle export "$all" --made-up "$made" --out "$work/made.json" > /dev/null
    ours bundle import "$work/made.json" --unsigned > /dev/null
done
founding=$(ours --format json list | jq -r '[.. | objects | select(.kind? == "summary") | .id][0]')
mkdir -p "$(dirname "$out")"
ours --format markdown compare --machines "$all" "$one" half-clock wide-core "$founding" > "$out"
cat "$out"
