#!/bin/sh
# Placebo trials of knobs: arms that differ in hash by one unused string, 8 blocks of short launches each; then trials of a
# planted change of 5 %. For a quiet machine; a second call goes on where the first one ended.
# Usage: scripts/placebo.sh [PLACEBOS] [PLANTED]; evidence is data/evidence/knob-placebo.csv and knob-planted.csv.
set -eu
placebos=${1:-300}
planted=${2:-50}
here=$(cd "$(dirname "$0")/.." && pwd)
cargo build --release -p bench-runner --manifest-path "$here/Cargo.toml"
runner=${CARGO_TARGET_DIR:-$here/target}/release/bench-runner
work=$here/target/placebo
mkdir -p "$work"
cp -r "$here/bench-runner/tests/fixtures/suites/spin/." "$work"
cd "$work"
export CARGO_TARGET_DIR="$work/target"
trial() { "$runner" --store "$work/store.sqlite" --quiet knobs placebo --locked --set full "$@"; }
# A launch is 0.03 s of warm-up and 0.1 s of measuring.
trial --filter fixed --trials "$placebos" --evidence "$here/data/evidence/knob-placebo.csv"
# 2100 against 2000 rounds of the loop: 4.8 % less time.
trial --filter varied --trials "$planted" --planted SPIN_FACTOR=21,20 --evidence "$here/data/evidence/knob-planted.csv"
