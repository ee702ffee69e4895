#!/usr/bin/env bash
# Measures the kms suite, stores the run and writes the note, as the founding note's script did for its numbers.
# Profiles: quick, standard (default), note (the founding note's 8 s / 15 s / 300), nightly.
#
#   scripts/bench.sh                 standard profile
#   scripts/bench.sh note            the note's exact settings
#   RUSTFLAGS="-C target-cpu=native" scripts/bench.sh note     …with the note's flags, merged with ours
set -euo pipefail
cd "$(dirname "$0")/.."
profile=${1:-standard}
[ $# -gt 0 ] && shift
# The flags are for the benches, not for bench-runner itself: they are handed on, and merged there.
flags=()
if [ -n "${RUSTFLAGS:-}" ]; then
  flags=(--rustflags "$RUSTFLAGS")
  unset RUSTFLAGS
fi
exec cargo run --quiet --release -p bench-runner -- run --profile "$profile" "${flags[@]}" "$@"
