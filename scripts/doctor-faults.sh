#!/usr/bin/env bash
# Injects faults and counts those that the doctor names: real ones (hogs, another build, low priority, pinning, ASLR
# off, a preloaded library, a dirty tree) and ones in fixtures (battery, low clock, heat, throttling, swap, quota,
# stolen time and others). Then tries 50 times whether the idle machine is blocked, and says how idle it was and how long
# the slowest answer took. For an otherwise idle machine, about 2 minutes. Evidence is data/evidence/doctor-faults.csv.
set -euo pipefail
cd "$(dirname "$0")/.."
out=${DOCTOR_EVIDENCE:-data/evidence/doctor-faults.csv}
[ -n "${BUILD_ONLY:-}" ] && exec cargo test --quiet -p bench-runner --test it --no-run
said=$(mktemp)
trap 'rm -f "$said"' EXIT
status=0
step() {
  cargo test --quiet -p bench-runner --test it "$1" -- --include-ignored --nocapture --test-threads 1 >"$said.one" || status=1
  grep -E '^(fault|tries|caught|false|blocked)|FAILED' "$said.one" | tee -a "$said" || true
  rm -f "$said.one"
}
step every_fault_in_a_fixture
step doctor_real::real_faults_are_named
sleep 10 # the hogs leave the averages
step doctor_real::an_idle_machine_is_never_blocked
mkdir -p "$(dirname "$out")"
{ echo "what,where,name,result,evidence"; grep -E '^(fault|tries),' "$said"; } >"$out"
exit "$status"
