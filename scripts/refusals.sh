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
program=${1:-}
if [ -z "$program" ]; then
  cargo build --quiet -p bench-runner
  program=target/debug/bench-runner
fi
program=$(realpath "$program")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export BENCH_RUNNER_KEYS="$folder/keys" NO_COLOR=1
printf 'store = "store.sqlite"\nreports = "reports"\n' >bench-runner.toml

truncate -s 1G huge
# 250 MiB each, below the limit of length, so that they are read and refused for what they are.
head -c 262144000 /dev/zero | tr '\0' '[' >deep
{ printf '{"results":' && cat deep; } >deep-results
{ printf 'window.BENCHMARK_DATA = ' && cat deep; } >deep-page
{ printf '{"results":[{"command":"x","times":[' && yes '1,' | tr -d '\n' | head -c 262144000; } >wide-results
yes 'BenchmarkA 1 1 ns/op' | head -c 262144000 >wide-lines
mkdir -p criterion/a/new
printf '{"group_id":"a","function_id":null,"value_str":null,"throughput":null,"full_id":"a","directory_name":"a","title":"a"}' \
  >criterion/a/new/benchmark.json
truncate -s 1G criterion/a/new/sample.json

failed=0
check() {
  local name=$1
  shift
  local code=0 peak
  /usr/bin/time -q -f %M -o peak "$program" "$@" </dev/null >out 2>err && code=0 || code=$?
  report "$name" "$code"
}
report() {
  local peak
  peak=$(($(tail -n 1 peak) / 1024))
  printf '%-34s exit %-3s peak %4s MB  %s\n' "$1" "$2" "$peak" "$(head -n 1 err | cut -c1-110)"
  if [ "$2" = 0 ] || [ "$2" -ge 128 ] || [ "$peak" -gt "$most_mb" ] || [ ! -s err ]; then
    failed=1
    echo "  ^ not refused as it should be" >&2
  fi
}

for format in json critcmp hyperfine benchfmt bmf github-action-benchmark; do
  check "1 GiB as $format" import huge --from "$format"
  check "nested 250 MiB as $format" import deep --from "$format"
done
check "1 GiB, format unknown" import huge
check "nested 250 MiB, format unknown" import deep
check "nested results (hyperfine)" import deep-results
check "nested page (data.js)" import deep-page
check "20 million numbers (hyperfine)" import wide-results
check "13 million lines (benchfmt)" import wide-lines
check "1 GiB as a record of estimates" import summary huge
check "nested as a record of estimates" import summary deep
check "1 GiB as a bundle" bundle import huge
check "nested as a bundle" bundle import deep
check "1 GiB in Criterion's folder" import criterion criterion
code=0
yes '[' | /usr/bin/time -q -f %M -o peak "$program" import - --at 2025-01-01T00:00:00Z >out 2>err || code=$?
report "an endless stream" "$code"
exit "$failed"
