#!/usr/bin/env bash
# Runs the fuzz targets of kms for some seconds each, one after the other, and keeps what came out.
# A target that already ran that long on this source, without a finding, is skipped: run it again after an interruption.
#
#   scripts/fuzz.sh all 600            every target, ten minutes each
#   scripts/fuzz.sh lanes_agree 60     one target, one minute
#
# libFuzzer with LLVM's coverage counters, on the stable compiler; debug assertions and overflow checks on. No address
# sanitizer: kms forbids unsafe code. Corpus and findings stay in kms/fuzz/{corpus,artifacts}/TARGET, which git ignores.
set -euo pipefail
cd "$(dirname "$0")/.."
[ $# -eq 2 ] || { sed -n '2,8p' "$0" >&2; exit 2; }
seconds=$2
log=data/evidence/kms-fuzz.csv
header=utc,source,target,seconds,executions,edges,features,corpus,findings
host=$(rustc -vV | sed -n 's/^host: //p')
targets=$(sed -n 's|^path = "fuzz_targets/\(.*\)\.rs"|\1|p' kms/fuzz/Cargo.toml)
[ "$1" = all ] || targets=$(grep -x "$1" <<<"$targets") || { echo "no fuzz target $1" >&2; exit 2; }

# What was fuzzed: the tree of the sources, changed files included, so that a note in another file repeats nothing.
source=$(find kms/src kms/fuzz/fuzz_targets kms/Cargo.toml kms/fuzz/Cargo.lock -type f -print0 |
  LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum | cut -c1-12)

flags='--cfg=fuzzing -Cdebug-assertions -Coverflow-checks -Ccodegen-units=1 -Cpasses=sancov-module'
for option in level=4 inline-8bit-counters pc-table trace-compares; do
  flags="$flags -Cllvm-args=-sanitizer-coverage-$option"
done
case $host in x86_64-*) flags="$flags --cfg=curve25519_dalek_backend=\"avx512\"" ;; esac
# With a target named, build scripts and procedural macros are compiled without the counters, which need libFuzzer.
(cd kms/fuzz && RUSTFLAGS=$flags CARGO_TARGET_DIR=target cargo build --locked --release --target "$host")

mkdir -p "$(dirname "$log")"
[ -e "$log" ] || echo "$header" >"$log"
found=0
for target in $targets; do
  if awk -F, -v s="$source" -v t="$target" -v n="$seconds" \
    '$2 == s && $3 == t && $4 >= n && $9 == 0 { done = 1 } END { exit !done }' "$log"; then
    echo "$target: done before" >&2
    continue
  fi
  corpus=kms/fuzz/corpus/$target findings=kms/fuzz/artifacts/$target out=$(mktemp)
  mkdir -p "$corpus" "$findings"
  "kms/fuzz/target/$host/release/$target" "$corpus" "kms/fuzz/seeds/$target" -max_total_time="$seconds" -timeout=10 \
    -rss_limit_mb=2048 -print_final_stats=1 -artifact_prefix="$findings/" 2>"$out" && code=0 || code=$?
  number() { sed -n "s/$1/\1/p" "$out" | tail -n 1; }
  line="$(date -u +%Y-%m-%dT%H:%M:%SZ),$source,$target,$seconds,$(number '^stat::number_of_executed_units: *\([0-9]*\)')"
  line="$line,$(number '.* cov: \([0-9]*\).*'),$(number '.* ft: \([0-9]*\).*'),$(number '.* corp: \([0-9]*\).*')"
  echo "$line,$([ "$code" -eq 0 ] && echo 0 || echo 1)" | tee -a "$log"
  [ "$code" -eq 0 ] || { found=1 && tail -n 30 "$out" >&2; }
  rm -f "$out"
done
exit "$found"
