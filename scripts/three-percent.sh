#!/usr/bin/env bash
# Two real commits of this repository, the second of which signs one message in 33 twice (3 % more work in the sign path of
# kms), and one that changes a document alone. Asks `experiment` about both pairs; it should find the first, and say of the
# second that the executables are equal, without measuring. For a quiet machine: about 5 minutes, most of them building.
# The verdicts go to data/evidence/three-percent.txt. Works in a scratch clone. Needs git, cargo.
#
#   BENCH_RUNNER=… scripts/three-percent.sh [BUDGET]     time for measuring, 3m by default
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
budget=${1:-3m}
[ -n "${BENCH_RUNNER:-}" ] || cargo build --quiet --release -p bench-runner --manifest-path "$here/Cargo.toml"
runner=$(realpath "${BENCH_RUNNER:-${CARGO_TARGET_DIR:-$here/target}/release/bench-runner}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
git clone --quiet "$here" "$work/copy"
cd "$work/copy"
export CARGO_TARGET_DIR="$work/target"
commit() { git -c user.name=nobody -c user.email=nobody@invalid -c commit.gpgsign=false commit -qam "$1"; git rev-parse HEAD; }

base=$(git rev-parse HEAD)
echo >>README.md
document=$(commit "a document")
source=kms/src/keystore.rs
# Only the body of `Keystore::sign` has this line.
sed -i 's|^        Ok(set.version(id)?.signing(id, .. self.clock.now())?.sign(message))$|        let key = set.version(id)?.signing(id, \|\| self.clock.now())?;\n        if ROUNDS.with(\|rounds\| rounds.replace(rounds.get() + 1)) % 33 == 0 {\n            std::hint::black_box(key.sign(message));\n        }\n        Ok(key.sign(message))|' "$source"
git diff --quiet && { echo "the slowdown did not apply to $source" >&2; exit 1; }
printf '\nstd::thread_local! {\n    static ROUNDS: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };\n}\n' >>"$source"
slower=$(commit "slower on purpose")

ask() { # from to
  "$runner" --quiet --ascii --store "$work/store.sqlite" experiment "$1..$2" --locked -p kms --bench sign_bench \
    --set core --budget "$budget" --explain
}
evidence=$here/data/evidence/three-percent.txt
mkdir -p "$(dirname "$evidence")"
{
  began=$SECONDS
  echo "## a document: $base..$document"
  ask "$base" "$document"
  echo "($((SECONDS - began)) s, building included)"
  began=$SECONDS
  echo
  echo "## 3 % more work in the sign path: $document..$slower"
  ask "$document" "$slower"
  echo "($((SECONDS - began)) s, building included)"
} | tee "$evidence"
grep -q 'No effect possible' "$evidence" || { echo "equal executables were not noticed" >&2; exit 1; }
grep -q '\[R\] regressed .*ed25519_sign_128B' "$evidence" || { echo "the slowdown was not found" >&2; exit 1; }
