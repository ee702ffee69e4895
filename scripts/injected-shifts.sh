#!/bin/sh
# Injects real shifts (none, neighbour, affinity, flags, code) between pairs of runs, asks `explain` for the cause, and
# counts right labels. For a quiet machine: 30 pairs, about 40 minutes. Usage: scripts/injected-shifts.sh [REPEATS]
# Works in a copy of the repository; the result is data/evidence/injected-shifts.csv. Needs git, cargo, taskset, jq.
set -eu
repeats=${1:-6}
here=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cargo build --release -p bench-runner --manifest-path "$here/Cargo.toml"
runner=${CARGO_TARGET_DIR:-$here/target}/release/bench-runner
git clone -q "$here" "$work/copy"
cd "$work/copy"
export CARGO_TARGET_DIR="$work/target"
source=kms/benches/sign_bench.rs

# One run; prints its id. Extra words go to `run`.
measure() {
    "$runner" --store "$work/store.sqlite" --quiet --format json run --no-report --launches 8 \
        --set core --bench sign_bench --bench verify_bench --bench batch_verify "$@" | jq -r .run
}
commit() { git -c user.name=nobody -c user.email=nobody@invalid commit -qam "$1"; }

out=$here/data/evidence/injected-shifts.csv
mkdir -p "$(dirname "$out")"
echo "case,injected,expected,label,rule,before,after" > "$out"
right=0; total=0
judge() { # injected expected before after
    answer=$("$runner" --store "$work/store.sqlite" --format json explain "$3" "$4")
    label=$(echo "$answer" | jq -r .explanation.cause); rule=$(echo "$answer" | jq -r .explanation.rule)
    total=$((total + 1)); [ "$label" = "$2" ] && right=$((right + 1))
    echo "$total,$1,$2,$label,$rule,$3,$4" | tee -a "$out"
}
for _ in $(seq "$repeats"); do
    base=$(measure)
    judge none no_shift "$base" "$(measure)"
    # Neighbours: two busy loops for each core, so that every launch shares its core.
    hogs=""
    for _ in $(seq $((2 * $(nproc)))); do (while :; do :; done) & hogs="$hogs $!"; done
    loaded=$(measure); kill $hogs; wait $hogs 2>/dev/null || true
    judge neighbours environment "$base" "$loaded"
    # Affinity: the runner and its benches share one core with one busy loop.
    (while :; do :; done) & hog=$!; taskset -pc 0 $hog > /dev/null
    pinned=$(taskset -c 0 "$runner" --store "$work/store.sqlite" --quiet --format json run --no-report --launches 8 \
        --set core --bench sign_bench --bench verify_bench --bench batch_verify | jq -r .run)
    kill $hog; wait $hog 2>/dev/null || true
    judge affinity environment "$base" "$pinned"
    judge flags toolchain "$base" "$(measure --rustflags '-C opt-level=1')"
    # Code: every signature is made twice, in a commit of its own; verifying stays as it is.
    sed -i 's/|message| keystore.sign(&id, message).expect("a signature")/|message| { drop(keystore.sign(\&id, message)); keystore.sign(\&id, message).expect("a signature") }/' "$source"
    git diff --quiet && { echo "the code change did not apply" >&2; exit 1; }
    commit "slower on purpose"
    judge code code "$base" "$(measure)"
    git checkout -q HEAD~1
done
echo "$right of $total labels right"
