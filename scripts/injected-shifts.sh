#!/bin/sh
# Injects real shifts of five kinds (none, neighbours, affinity, flags, code) between pairs of runs of kms, asks `explain`
# for the cause, prints each label and counts the right ones. For a quiet machine: about 25 s a shift, 10 minutes for 25.
# A second call goes on where the first one ended; BUILD_ONLY=1 only builds (three builds, some minutes).
# Usage: scripts/injected-shifts.sh [SHIFTS]; evidence is data/evidence/injected-shifts.csv, SHIFTS_EVIDENCE=FILE another.
# Works in a clone outside of the repository, SHIFTS_FOLDER. Needs git, cargo, taskset, jq.
set -eu
wanted=${1:-25}
here=$(cd "$(dirname "$0")/.." && pwd)
work=${SHIFTS_FOLDER:-${TMPDIR:-/tmp}/bench-runner-injected-shifts}
out=${SHIFTS_EVIDENCE:-$here/data/evidence/injected-shifts.csv}
runner=${BENCH_RUNNER:-${CARGO_TARGET_DIR:-$here/target}/release/bench-runner}
[ -n "${BENCH_RUNNER:-}" ] || cargo build --quiet --release -p bench-runner --manifest-path "$here/Cargo.toml"
mkdir -p "$work" "$(dirname "$out")"
source=kms/benches/sign_bench.rs
if [ ! -d "$work/copy" ]; then
    # Two commits: as it is, and one in which every signature is made twice; verifying stays as it is.
    git clone -q "$here" "$work/copy.part"
    cd "$work/copy.part"
    git switch -q -c plain
    git switch -q -c slower
    sed -i 's/|message| keystore.sign(&id, message).expect("a signature")/|message| { drop(keystore.sign(\&id, message)); keystore.sign(\&id, message).expect("a signature") }/' "$source"
    git diff --quiet && { echo "the code change did not apply" >&2; exit 1; }
    git -c user.name=nobody -c user.email=nobody@invalid commit -qam "slower on purpose"
    mv "$work/copy.part" "$work/copy"
fi
cd "$work/copy"
cat > "$work/bench-runner.toml" << 'END'
store = "store.sqlite"
default_profile = "shift"
[suite]
packages = ["kms"]
[profiles.shift]
set = "core"
launches = 8
warm_up_seconds = 0.05
measurement_seconds = 0.15
sample_size = 10
END
# Each commit has a target folder of its own, and its sources are old: neither is built again when they take turns.
at() {
    git switch -q "$1"
    touch -d 2020-01-01 "$source"
    export CARGO_TARGET_DIR="$work/target-$1"
}
# One run; prints its id. Its words go to `run`, those of $before stand before the runner.
before=""
measure() {
    # shellcheck disable=SC2086 # words on purpose
    $before "$runner" --config "$work/bench-runner.toml" --quiet --format json run --no-report --no-sign \
        --bench sign_bench --bench verify_bench --bench batch_verify \
        --filter '128B$|verify_batch/(8|32|64)$' "$@" | jq -r .run
}
hogs() { # COUNT WORDS...: busy loops behind the words
    count=$1; shift; hogs=""
    for _ in $(seq "$count"); do "$@" sh -c 'while :; do :; done' & hogs="$hogs $!"; done
}
# shellcheck disable=SC2086
calm() { kill $hogs; wait $hogs 2>/dev/null || true; hogs=""; }
hogs=""
trap '[ -z "$hogs" ] || kill $hogs' EXIT

if [ -n "${BUILD_ONLY:-}" ]; then
    at slower; measure --launches 1 > /dev/null
    at plain; measure --launches 1 > /dev/null
    measure --launches 1 --rustflags '-C opt-level=1' > /dev/null
    exit
fi
[ -e "$out" ] || echo "shift,injected,expected,label,rule,right,before,after" > "$out"
have() { tail -n +2 "$out" | wc -l; }
at plain
base=$(measure)
while [ "$(have)" -lt "$wanted" ]; do
    expected=environment
    case $(($(have) % 5)) in
        0) kind=none; expected=no_shift; base=$(measure); later=$(measure) ;;
        # Two busy loops for each core, so that every launch shares its core.
        1) kind=neighbours; hogs $((2 * $(nproc))) env; later=$(measure); calm ;;
        # The runner and its benches share one core with one busy loop.
        2) kind=affinity; hogs 1 taskset -c 0; before="taskset -c 0"; later=$(measure); before=""; calm ;;
        3) kind=flags; expected=toolchain; later=$(measure --rustflags '-C opt-level=1') ;;
        4) kind=code; expected=code; at slower; later=$(measure); at plain ;;
    esac
    answer=$("$runner" --config "$work/bench-runner.toml" --format json explain "$base" "$later")
    label=$(echo "$answer" | jq -r .explanation.cause)
    rule=$(echo "$answer" | jq -r .explanation.rule)
    right=no; [ "$label" != "$expected" ] || right=yes
    echo "$(($(have) + 1)),$kind,$expected,$label,$rule,$right,$base,$later" | tee -a "$out"
done
for kind in none neighbours affinity flags code; do
    echo "$kind: $(grep -c ",$kind,.*,yes," "$out" || true) of $(grep -c ",$kind," "$out" || true) right"
done
right=$(grep -c ',yes,' "$out" || true)
echo "$right of $(have) labels right ($((100 * right / $(have))) %); never code with an unchanged executable: rules 6 to 8"
