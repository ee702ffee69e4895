#!/usr/bin/env bash
# A/A nights: measures the kms suite (profile quick) again and again without changing it, judges each run as a night, and
# says how many nights had a confirmed regression. All of them would be false. Suspects are measured again although their
# executables are equal (--measure-equal): what is counted is the whole gate, not that equal digests are noticed.
# The first 30 runs are history. For a quiet machine; it may be interrupted at any time and started again. About 40 s a run,
# up to a minute more where something is suspect: 20 minutes for the history, 60 minutes for 50 nights. Needs git, cargo, jq.
#   scripts/aa-nights.sh            until 50 nights are judged
#   scripts/aa-nights.sh 50 30      the same, but no new night after 30 minutes
# One line a night is added to data/evidence/aa-nights.csv. BENCH_RUNNER and AA_STORE name another program and store.
set -euo pipefail
cd "$(dirname "$0")/.."
wanted=${1:-50}
minutes=${2:-1000000}
log=data/evidence/aa-nights.csv
store=${AA_STORE:-target/aa-nights.sqlite}
[ -n "${BENCH_RUNNER:-}" ] || cargo build --quiet --release -p bench-runner
runner=${BENCH_RUNNER:-target/release/bench-runner}
mkdir -p "$(dirname "$log")"
[ -s "$log" ] || echo utc,kms_tree,run,judged,suspects,blocks,regressed,improved,open,machine_moved,exit,seconds >"$log"
tree=$(git rev-parse --short=12 HEAD:kms)
git diff --quiet HEAD -- kms Cargo.toml Cargo.lock || { echo "kms is not as it is committed" >&2; exit 1; }
unjudged=0
nights() { tail -n +2 "$log" | wc -l; }
others=$(tail -n +2 "$log" | cut -d, -f2 | grep -vx "$tree" || true)
[ -z "$others" ] || { echo "$log has nights of another kms: put it and $store aside first" >&2; exit 1; }

while [ "$(nights)" -lt "$wanted" ] && [ "$SECONDS" -lt $((minutes * 60)) ]; do
  echo "$(nights) of $wanted nights" >&2
  began=$SECONDS
  answer=$("$runner" --quiet --store "$store" --format json run -p kms --profile quick --no-report \
    --gate --measure-equal --confirm-budget 3m) && code=0 || code=$?
  case $code in 0 | 4 | 100 | 117 | 118 | 120 | 121) ;; *) exit "$code" ;; esac
  line=$(jq -r '.gate.report as $gate | [$gate.series[] | select(.confirmation != null)] as $again
    | def answered($word): [$gate.series[] | select(.answer == $word)] | length;
      [.run, ([$gate.census.rows[] | select(.reason == null)] | length), ($again | length),
       ([$again[].confirmation.blocks] | add // 0), answered("regressed"), answered("improved"),
       answered("inconclusive") + answered("unknown"), (if $gate.machine then 1 else 0 end), .gate.exit.code]
    | map(tostring) | join(",")' <<<"$answer")
  judged=$(cut -d, -f2 <<<"$line")
  if [ "$judged" = 0 ]; then
    unjudged=$((unjudged + 1)) # It is history for the nights to come.
    [ "$unjudged" -le 60 ] || { echo "60 runs and no history: look at \`bench-runner show\`" >&2; exit 1; }
    continue
  fi
  echo "$(date -u +%Y-%m-%dT%H:%M:%SZ),$tree,$line,$((SECONDS - began))" >>"$log"
done

# The exact upper 95 % bound of a share: the p at which so few of n have a chance of 5 %.
tail -n +2 "$log" | awk -F, '
  function below(k, n, p,   i, term, sum) {
    term = sum = exp(n * log(1 - p))
    for (i = 1; i <= k; i++) { term *= (n - i + 1) / i * p / (1 - p); sum += term }
    return sum }
  { n++; red += $7 > 0; again += $5; slower += $7; faster += $8; open += $9; seconds += $12 }
  END {
    if (!n) { print "no night is judged yet"; exit }
    for (high = 1; step < 60; step++) { p = (low + high) / 2; if (below(red, n, p) > 0.05) low = p; else high = p }
    printf "%d of %d A/A nights with a confirmed regression: at most %.1f %% (exact, 95 %%)\n", red, n, 100 * high
    printf "%d suspects measured again: %d regressed, %d improved, %d open; %.0f s a night\n", again, slower, faster, open, seconds / n
  }'
