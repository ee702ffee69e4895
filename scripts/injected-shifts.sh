#!/bin/sh
# Injects real shifts of five kinds (none, neighbours, affinity, flags, code) between pairs of runs of kms, asks `explain`
# for the cause, prints each label and counts the right ones. For a quiet machine: about 25 s a shift, 10 minutes for 25.
# Where the machine was to hold still and the canaries say that it did not (clock 1.5 %, contention 5 %, stolen time), two things
# happened at once and no single label is right: such a pair is kept, counted apart, and measured again (3 times as many at most).
# A second call goes on where the first one ended; BUILD_ONLY=1 only builds (three builds, some minutes). Works in a clone outside
# of the repository, SHIFTS_FOLDER; evidence is data/evidence/injected-shifts.csv, SHIFTS_EVIDENCE=FILE another.
# Usage: scripts/injected-shifts.sh [SHIFTS]. Needs git, cargo, taskset, jq.
set -eu && wanted=${1:-25}
here=$(cd "$(dirname "$0")/.." && pwd)
work=${SHIFTS_FOLDER:-${TMPDIR:-/tmp}/bench-runner-injected-shifts}
out=${SHIFTS_EVIDENCE:-$here/data/evidence/injected-shifts.csv}
runner=${BENCH_RUNNER:-${CARGO_TARGET_DIR:-$here/target}/release/bench-runner}
[ -n "${BENCH_RUNNER:-}" ] || cargo build --quiet --release -p bench-runner --manifest-path "$here/Cargo.toml"
mkdir -p "$work" "$(dirname "$out")" && source=kms/benches/sign_bench.rs hogs=""
if [ ! -d "$work/copy" ]; then # two commits: as it is, and one in which every signature is made twice
    git clone -q "$here" "$work/part" && cd "$work/part" && git switch -q -c plain && git switch -q -c slower
    sed -i 's/|message| keystore.sign(&id, message).expect("a signature")/|message| { drop(keystore.sign(\&id, message)); keystore.sign(\&id, message).expect("a signature") }/' "$source"
    git -c user.name=nobody -c user.email=nobody@invalid commit -qam "slower on purpose" # fails where nothing changed
    mv "$work/part" "$work/copy"
fi
cd "$work/copy"
printf '%s\n' 'store = "store.sqlite"' 'default_profile = "shift"' 'suite.packages = ["kms"]' \
    'profiles.shift = { set = "core", launches = 8, warm_up_seconds = 0.05, measurement_seconds = 0.15, sample_size = 10 }' > "$work/bench-runner.toml"
at() { # each commit has a target folder of its own and old sources: neither is built again when they take turns
    git switch -q "$1" && touch -d 2020-01-01 "$source"
    export CARGO_TARGET_DIR="$work/target-$1"
}
measure() { # one run, pinned as $pin says; prints its id
    $pin "$runner" --config "$work/bench-runner.toml" --quiet --format json run --no-report --no-sign --bench sign_bench \
        --bench verify_bench --bench batch_verify --filter '128B$|verify_batch/(8|32|64)$' "$@" | jq -r .run
}
busy() { for _ in $(seq "$1"); do $pin sh -c 'while :; do :; done' & hogs="$hogs $!"; done; }
calm() { kill $hogs; wait $hogs 2>/dev/null || true; hogs=""; pin=env; }
trap '[ -z "$hogs" ] || kill $hogs' EXIT && pin=env
at slower; [ -z "${BUILD_ONLY:-}" ] || measure --launches 1
at plain; [ -z "${BUILD_ONLY:-}" ] || { measure --launches 1 && measure --launches 1 --rustflags '-C opt-level=0'; exit; }
[ -e "$out" ] || echo "shift,injected,expected,label,rule,right,held,before,after" > "$out"
base=$(measure)
while have=$(awk -F, 'NR > 1 && $7 == "yes"' "$out" | wc -l) && [ "$have" -lt "$wanted" ] && [ "$(wc -l < "$out")" -le $((3 * wanted)) ]; do
    case $((have % 5)) in
        0) kind=none expected=no_shift base=$(measure); later=$(measure) ;;
        1) kind=neighbours expected=environment; busy $((2 * $(nproc))); later=$(measure); calm ;; # each core is shared
        2) kind=affinity expected=environment pin="taskset -c 0"; busy 1; later=$(measure); calm ;; # one core, shared with one loop
        3) kind=flags expected=toolchain; later=$(measure --rustflags '-C opt-level=0') ;;
        4) kind=code expected=code; at slower; later=$(measure); at plain ;;
    esac
    answer=$("$runner" --config "$work/bench-runner.toml" --format json explain "$base" "$later")
    label=$(echo "$answer" | jq -r .explanation.cause) rule=$(echo "$answer" | jq -r .explanation.rule)
    [ "$label" = "$expected" ] && right=yes || right=no
    held=$(echo "$answer" | jq -r '.explanation | if ((.clock_ratio // 9) | log | fabs) < 0.015 and ((.contention_ratio // 9) | log | fabs) < 0.05
        and ([.changes[].key] | index("load.steal") | not) then "yes" else "no" end')
    [ "$expected" != environment ] || held=yes # it was moved on purpose
    echo "$((have + 1)),$kind,$expected,$label,$rule,$right,$held,$base,$later" | tee -a "$out"
    [ "$held" = yes ] || base=$(measure) # either of the two may have been the odd one
done
awk -F, 'NR > 1 && $7 == "no" { apart++; beside += $6 == "yes" }
    NR > 1 && $7 == "yes" { n[$2]++; y[$2] += $6 == "yes"; all++; right += $6 == "yes" }
    END { for (k in n) print k ": " y[k] " of " n[k] " right"; print right " of " all " labels right (" int(100 * right / all) " %)"
          print apart + 0 " more pairs in which the machine moved by itself, " beside + 0 " of them labelled as injected" }' "$out"
