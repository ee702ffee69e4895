#!/usr/bin/env bash
# One night: update, wait for a quiet machine, measure, judge, and leave the trend. Documented in bench-runner/docs/nightly.md.
# Safe to run twice: a commit that this machine measured tonight is judged and shown again, not measured again.
set -uo pipefail
usage="usage: scripts/nightly.sh [--pull] [--again] [--wait TIME] [--profile NAME] [--out DIR]"
pull= again= wait=10m profile=nightly out=reports/nightly
while [ $# -gt 0 ]; do
  case $1 in
    --pull) pull=1 ;;
    --again) again=1 ;;
    --wait | --profile | --out)
      [ $# -gt 1 ] || { echo "$usage" >&2; exit 2; }
      declare "${1#--}=$2"
      shift
      ;;
    *) echo "$usage" >&2; exit 2 ;;
  esac
  shift
done
# Another folder or program, for trying: the script measures whatever it stands in.
cd "${NIGHTLY_FOLDER:-$(dirname "$0")/..}" || exit 1
# A tree that cannot be moved on is measured as it is: an older commit is better than a gap.
[ -z "$pull" ] || git pull --ff-only --quiet || echo "nightly: the tree was not updated" >&2
runner=${NIGHTLY_RUNNER:-target/release/bench-runner}
if [ -z "${NIGHTLY_RUNNER:-}" ]; then
  cargo build --quiet --release --locked -p bench-runner || exit 101
fi
commit=$(git rev-parse HEAD) || exit 1
date -u +"night of %Y-%m-%dT%H:%M:%SZ, commit $commit"

measured=0
if [ -z "$again" ] && "$runner" trend --has "$commit"; then
  echo "nightly: this machine measured this commit tonight (--again measures it once more)"
else
  # A machine that does not become quiet is measured all the same; the run's grade and findings say so.
  "$runner" doctor --wait "$wait"
  code=$?
  [ "$code" = 0 ] || [ "$code" = 122 ] || exit "$code"
  "$runner" run --profile "$profile"
  measured=$?
fi
# A partial run is judged as well: the gate says why it cannot be.
"$runner" gate
verdict=$?
"$runner" trend --out "$out" || [ $? = 4 ] || echo "nightly: no trend was written" >&2
if "$runner" site --help >/dev/null 2>&1; then
  "$runner" site || echo "nightly: no site was written" >&2
fi
[ "$measured" = 0 ] || [ "$measured" = 119 ] || exit "$measured"
exit "$verdict"
