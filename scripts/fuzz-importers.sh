#!/usr/bin/env bash
# Runs the fuzz targets of the importers for some seconds each, one after the other, and keeps what came out.
# A target that already ran that long on this source, without a finding, is skipped: run it again after an interruption.
#
#   scripts/fuzz-importers.sh all 600         every target, ten minutes each
#   scripts/fuzz-importers.sh hyperfine 60    one target, one minute
#
# libFuzzer with LLVM's coverage counters, on the stable compiler; debug assertions and overflow checks on, 1 GiB of
# memory at most. Corpus and findings stay in bench-runner/fuzz/{corpus,artifacts}/TARGET, which git ignores.
set -euo pipefail
cd "$(dirname "$0")/.."
[ $# -eq 2 ] || { sed -n '2,8p' "$0" >&2; exit 2; }
seconds=$2
folder=bench-runner/fuzz
log=data/evidence/importers-fuzz.csv
host=$(rustc -vV | sed -n 's/^host: //p')
targets=$(sed -n 's|^path = "fuzz_targets/\(.*\)\.rs"|\1|p' "$folder/Cargo.toml")
[ "$1" = all ] || targets=$(grep -x "$1" <<<"$targets") || { echo "no fuzz target $1" >&2; exit 2; }

# What was fuzzed: the importers and what they are made of, so that a change elsewhere repeats nothing.
src=bench-runner/src
source=$(find $src/exchange $src/exchange.rs $src/model $src/criterion $folder/src $folder/fuzz_targets $folder/Cargo.lock \
  -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum | cut -c1-12)

flags='--cfg=fuzzing -Cdebug-assertions -Coverflow-checks -Ccodegen-units=1 -Cpasses=sancov-module'
for option in level=4 inline-8bit-counters pc-table trace-compares; do
  flags="$flags -Cllvm-args=-sanitizer-coverage-$option"
done
# With a target named, build scripts and procedural macros are compiled without the counters, which need libFuzzer.
(cd "$folder" && RUSTFLAGS=$flags CARGO_TARGET_DIR=target cargo build --locked --release --target "$host")

mkdir -p "$(dirname "$log")"
[ -e "$log" ] || echo "utc,source,target,seconds,executions,edges,features,corpus,peak_mb,findings" >"$log"
found=0
for target in $targets; do
  if awk -F, -v s="$source" -v t="$target" -v n="$seconds" \
    '$2 == s && $3 == t && $4 >= n && $10 == 0 { done = 1 } END { exit !done }' "$log"; then
    echo "$target: done before" >&2
    continue
  fi
  corpus=$folder/corpus/$target findings=$folder/artifacts/$target out=$(mktemp)
  # `sniff` begins with every fixture; some targets have none.
  seeds=() && for seed in bench-runner/tests/fixtures/exchange/*/; do
    case $target in sniff | "$(basename "$seed")") seeds+=("$seed") ;; esac
  done
  [ "$target" != summary ] || seeds=(data/founding)
  mkdir -p "$corpus" "$findings"
  "$folder/target/$host/release/$target" "$corpus" "${seeds[@]}" -max_total_time="$seconds" -timeout=10 -max_len=65536 \
    -rss_limit_mb=1024 -print_final_stats=1 -artifact_prefix="$findings/" 2>"$out" && code=0 || code=$?
  number() { sed -n "s/$1/\1/p" "$out" | tail -n 1; }
  line="$(date -u +%Y-%m-%dT%H:%M:%SZ),$source,$target,$seconds,$(number '^stat::number_of_executed_units: *\([0-9]*\)')"
  line="$line,$(number '.* cov: \([0-9]*\).*'),$(number '.* ft: \([0-9]*\).*'),$(number '.* corp: \([0-9]*\).*')"
  line="$line,$(number '^stat::peak_rss_mb: *\([0-9]*\)'),$([ "$code" -eq 0 ] && echo 0 || echo 1)"
  echo "$line" | tee -a "$log"
  [ "$code" -eq 0 ] || { found=1 && tail -n 30 "$out" >&2; }
  rm -f "$out"
done
exit "$found"
