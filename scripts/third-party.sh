#!/bin/sh
# Measures a crate that is not ours: fetches it with cargo, copies it to a folder of its own, runs its Criterion benches,
# lists what could make it faster, and tries some of that. Its cards are kept as data/evidence/third-party-CRATE.md.
# For a quiet machine; BUILD_ONLY=1 only builds. Usage: scripts/third-party.sh CRATE VERSION [FILTER]
# KNOBS="..." names others to try, BUDGET=2m other time for them, BENCH_RUNNER=FILE a built runner. Needs git, cargo, jq.
set -eu
crate=$1 version=$2 filter=${3:-.}
knobs=${KNOBS:-build.target-cpu-native build.lto-fat build.codegen-units-1 build.opt-level-2 machine.malloc-arenas}
here=$(cd "$(dirname "$0")/.." && pwd)
out=${THIRD_PARTY_EVIDENCE:-$here/data/evidence/third-party-$crate.md}
runner=${BENCH_RUNNER:-${CARGO_TARGET_DIR:-$here/target}/release/bench-runner}
[ -n "${BENCH_RUNNER:-}" ] || cargo build --quiet --release -p bench-runner --manifest-path "$here/Cargo.toml"
unset CARGO_TARGET_DIR
# Outside of the repository, whose cargo configuration would apply inside it.
work=${THIRD_PARTY_FOLDER:-${TMPDIR:-/tmp}/bench-runner-third-party}
copy=$work/$crate-$version
if [ ! -d "$copy" ]; then
    mkdir -p "$work/fetch/src"
    cd "$work/fetch"
    : > src/lib.rs
    printf '[package]\nname = "fetch"\nversion = "0.0.0"\nedition = "2021"\n[dependencies]\n%s = "=%s"\n' \
        "$crate" "$version" > Cargo.toml
    cargo fetch --quiet
    manifest=$(cargo metadata --format-version 1 --offline |
        jq -r --arg name "$crate" '.packages[] | select(.name == $name) | .manifest_path' | head -n 1)
    rm -rf "$copy.part"
    cp -r "$(dirname "$manifest")" "$copy.part"
    chmod -R u+w "$copy.part"
    cd "$copy.part"
    rm -f .cargo-ok .cargo_vcs_info.json Cargo.toml.orig
    printf '/target\n/data\n/reports\n' > .gitignore
    # A repository, so that commit and clean tree are known; nothing else is changed.
    git init -q -b main
    git add -A
    git -c user.name=nobody -c user.email=nobody@invalid commit -qm "$crate $version as published"
    mv "$copy.part" "$copy"
fi
cd "$work"
ours() { "$runner" --store "$work/$crate-$version.sqlite" --quiet "$@"; }
manifest=$copy/Cargo.toml
if [ -n "${BUILD_ONLY:-}" ]; then
    # shellcheck disable=SC2086 # words on purpose
    "$runner" --store "$work/build-only.sqlite" knobs try $knobs --manifest-path "$manifest" --set full --filter "$filter" \
        --blocks 1 --measuring 0.01 --warm-up 0.01 > /dev/null
    exit
fi
run=$(ours --format json run --manifest-path "$manifest" --profile quick --launches 6 --filter "$filter" --no-report |
    jq -r .run)
# shellcheck disable=SC2086
ours knobs try $knobs --manifest-path "$manifest" --set full --filter "$filter" --budget "${BUDGET:-2m}"
mkdir -p "$(dirname "$out")"
{
    printf '# %s %s\n\nMade by `scripts/third-party.sh %s %s "%s"`.\n\n' "$crate" "$version" "$crate" "$version" "$filter"
    ours --format markdown knobs list --run "$run" | awk 'NR < 3 || /VERIFIED|HARMFUL|NO EFFECT|INCONCLUSIVE/'
    printf '\n'
    ours --format markdown knobs cards --run "$run"
} > "$out"
grep -c '^##' "$out"
