#!/usr/bin/env bash
# Injects faults and counts those that the doctor names: real ones (hogs, another build, low priority, pinning, ASLR
# off, a preloaded library, a dirty tree) and ones in fixtures (battery, low clock, heat, throttling, swap, quota,
# stolen time and others). Then tries 50 times whether the idle machine is blocked, and says how idle it was.
# Run it on an otherwise idle machine.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo build --quiet -p bench-runner --tests
status=0
step() { cargo test --quiet -p bench-runner --test it "$1" -- --include-ignored --nocapture --test-threads 1 |
  grep -E '^(fault|caught|false|blocked)|FAILED' || status=1; [ "${PIPESTATUS[0]}" -eq 0 ] || status=1; }
step every_fault_in_a_fixture
step doctor_real::real_faults_are_named
sleep 20 # the hogs leave the averages
step doctor_real::an_idle_machine_is_never_blocked
exit "$status"
