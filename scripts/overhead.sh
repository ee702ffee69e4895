#!/usr/bin/env bash
# What a benchmark costs beyond its warm-up and its measuring: bench-runner beside plain `cargo bench`, equal settings,
# executables built beforehand, the benches of the `core` set, one launch. The method: bench-runner/docs/budgets.md.
#
#   scripts/overhead.sh [WARM_UP [MEASUREMENT [SAMPLES]]]      seconds, seconds, observations (default 0.3 1 20)
#   BENCH_RUNNER=… BENCH_PROFILE=dev scripts/overhead.sh …     another binary, another cargo profile for the benches
set -euo pipefail
cd "$(dirname "$0")/.."
export LC_ALL=C TIMEFORMAT=%3R
warm=${1:-0.3} measure=${2:-1} samples=${3:-20} profile=${BENCH_PROFILE:-bench}
benches=(-p kms --bench sign_bench --bench verify_bench --bench batch_verify --bench parallel_throughput)
[ -n "${BENCH_RUNNER:-}" ] || cargo build --quiet --release -p bench-runner
runner=${BENCH_RUNNER:-target/release/bench-runner}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
echo "profiles.overhead = { set = 'full', launches = 1, warm_up_seconds = $warm, measurement_seconds = $measure," \
  "sample_size = $samples }" >"$folder/bench-runner.toml"

ours() { "$runner" --quiet --config "$folder/bench-runner.toml" --store "$folder/$1.sqlite" "${@:2}"; }
observe() { ours "$1" run --profile overhead --cargo-profile "$profile" --no-report --no-wait "${benches[@]}" "${@:2}"; }
cargo_bench() { CRITERION_HOME="$folder/$1" cargo bench --quiet --profile "$profile" "${benches[@]}" -- \
  --warm-up-time "$warm" --measurement-time "$measure" --sample-size "$samples" "${@:2}"; }

# Wall seconds of a command; what it prints is shown only when it fails.
wall() { { time "$@" >"$folder/words" 2>&1; } 2>&1 || { cat "$folder/words" >&2; return 1; }; }

# How many measurements a stored run has, the seconds that they and their warm-ups took, the seconds of its launches.
# Criterion warms up in rounds of 1, 2, 4, … iterations until the time is over.
spent() {
  ours "$1" bundle export latest --out "$folder/$1.json" >"$folder/words"
  awk -v RS='{' -F'[:,}]' -v warm="$warm" '
    function close_measurement() {
      if (!iterations) return
      for (rounds = 0; (2 ^ rounds - 1) * total / iterations <= warm * 1e9; rounds++);
      spent += total + (2 ^ rounds - 1) * total / iterations; count++; iterations = total = 0
    }
    $1 == "\"benchmark\"" { close_measurement() }
    $1 == "\"iterations\"" { iterations += $2; total += $4 }
    $1 == "\"ordinal\"" { for (i = 1; i < NF; i++) if ($i == "\"elapsed_seconds\"") launches += $(i + 1) }
    END { close_measurement(); print count, spent / 1e9, launches + 0 }' "$folder/$1.json"
}
row() { awk -v name="$1" -v n="$2" -v spent="$3" -v wall="$4" -v base="$5" 'BEGIN { over = (wall - spent) / n
  printf "%-28s %10d %9.2f %9.2f %13.3f %8.2f\n", name, n, wall, spent, over, over / base }'; }

cargo bench --quiet --no-run --profile "$profile" "${benches[@]}"
# Selects nothing, and so ends with 4 once everything is built: flags that differ from cargo's would mean a second build.
observe none --filter '^none$' >"$folder/words" 2>&1 || [ $? = 4 ] || { cat "$folder/words" >&2; exit 1; }
ours_wall=$(wall observe ours)
plain_wall=$(wall cargo_bench plain)
noplot_wall=$(wall cargo_bench noplot --noplot)
for way in plain noplot; do ours $way import criterion "$folder/$way" >"$folder/words"; done
read -r n spent launches < <(spent ours)
read -r plain_n plain_spent _ < <(spent plain)
read -r noplot_n noplot_spent _ < <(spent noplot)
base=$(awk "BEGIN { print ($plain_wall - $plain_spent) / $plain_n }")
printf '%-28s %10s %9s %9s %13s %8s\n' command benchmarks 'wall s' 'spent s' 'over s/bench' ratio
row 'bench-runner run' "$n" "$spent" "$ours_wall" "$base"
row '  its launches alone' "$n" "$spent" "$launches" "$base"
row 'cargo bench' "$plain_n" "$plain_spent" "$plain_wall" "$base"
row 'cargo bench -- --noplot' "$noplot_n" "$noplot_spent" "$noplot_wall" "$base"
