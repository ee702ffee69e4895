#!/usr/bin/env bash
# Hands every importer files that nobody should swallow: one of 1 GiB, an endless stream, 250 MiB of nesting, 250 MiB of numbers
# side by side. Each must be refused with an error that says why, in bounded memory. Prints exit code, peak memory and error.
#
#   scripts/refusals.sh [PROGRAM]             default: the debug build, built first
set -euo pipefail
cd "$(dirname "$0")/.."
# Most that a refusal may take: the largest file that is read at all has 256 MiB.
most_mb=600
[ -x /usr/bin/time ] || { echo "refusals.sh needs /usr/bin/time (GNU time) for the peak memory" >&2; exit 2; }
program=${1:-target/debug/bench-runner}
[ $# -gt 0 ] || cargo build --quiet -p bench-runner
program=$(realpath "$program")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export BENCH_RUNNER_KEYS="$folder/keys" NO_COLOR=1
printf 'store = "store.sqlite"\nreports = "reports"\n' >bench-runner.toml

truncate -s 1G huge
# 250 MiB each, below the limit of length, so that they are read and refused for what they are. The makers end with a broken pipe.
fill() { (set +o pipefail && yes "$1" | tr -d "$2" | head -c 262144000); }
fill '[' '\n' >deep
{ printf '{"results":' && cat deep; } >deep-results
{ printf 'window.BENCHMARK_DATA = ' && cat deep; } >deep-page
{ printf '{"results":[{"command":"x","times":[' && fill '1,' '\n'; } >wide-results
fill 'BenchmarkA 1 1 ns/op' '\r' >wide-lines
mkdir -p criterion/a/new
printf '{"group_id":"a","full_id":"a","directory_name":"a","title":"a"}' >criterion/a/new/benchmark.json
truncate -s 1G criterion/a/new/sample.json

failed=0
check() {
  local name=$1 code=0 peak
  shift
  /usr/bin/time -q -f %M -o peak "$program" "$@" >out 2>err || code=$?
  peak=$(($(tail -n 1 peak) / 1024))
  printf '%-36s exit %-3s peak %4s MB  %s\n' "$name" "$code" "$peak" "$(head -n 1 err | cut -c1-110)"
  if [ "$code" = 0 ] || [ "$code" -ge 128 ] || [ "$peak" -gt "$most_mb" ] || [ ! -s err ]; then
    failed=1
    echo "  ^ not refused as it should be" >&2
  fi
}
for format in json critcmp hyperfine benchfmt bmf github-action-benchmark; do
  check "1 GiB as $format" import huge --from "$format"
  check "nested as $format" import deep --from "$format"
done
for file in huge deep deep-results deep-page wide-results wide-lines; do
  check "$file, format found out" import "$file"
done
for file in huge deep; do
  check "$file as a record of estimates" import summary "$file"
  check "$file as a bundle" bundle import "$file"
done
check "1 GiB in Criterion's folder" import criterion criterion
check "an endless stream" import - --at 2025-01-01T00:00:00Z < <(yes '[')
exit "$failed"
