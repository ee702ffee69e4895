"""Change points of Apache Otava 0.8.0 on generated series, for the test of bench-runner's compatible engine.

Series are not stored. Both sides make them from SplitMix64 (see stats_reference.py) by additions, multiplications, divisions
and floor alone, so that both hold the same bits. Case i is seeded with 77000000 + i and draws, in this order:

  length = 2 + below(SIZES[i % 6]); steps = below(4); kind = i % 7; rho = (i % 3) * 0.3
  steps times: position = below(length), size = (unit - 0.5) * 0.6
  length times: noise = u + u + u + u - 2 (four units), state = rho * state + noise, value = 100 * (1 + 0.02 * state)
    kind 1: value *= 1.3 when unit < 0.04 (spikes)      kind 2: value += 6 when unit < 0.5 (two modes)
    kind 3: value = floor(value) (ties)                 kind 4: value += 0.05 * index (drift)
    kind 5: value = 100 (constant between steps)        kind 6: value = (value - 100) * 0.25 (mean near zero)
    then value *= 1 + size for every step with position <= index, in the order drawn
    cases with i % 5 == 0: a gap when unit < 0.1
  Filled as Otava does; a case of gaps only is skipped on both sides.
  cases with i % 4 == 3: append mode. The first part has (length + 1) // 2 points, then chunks of 1 + below(CHUNK) until the
  end, each given to compute_change_points with the answer before it; the answer after each call is stored.

Settings of case i: SETTINGS[(i // 7) % 7]. Writes one JSON object; `indices` holds, per case, one list for each call.
"""

import importlib.metadata
import json
import math
import sys

from otava.analysis import compute_change_points, fill_missing

from splitmix import SplitMix64

CASES = 1600
SIZES = [12, 40, 90, 160, 300, 420]
CHUNK = 40
SETTINGS = [
    (50, 0.001, 0.0),
    (50, 0.0001, 0.0),
    (30, 0.01, 0.05),
    (30, 0.1, 0.05),
    (20, 0.001, 0.02),
    (7, 0.05, 0.0),
    (64, 0.5, 0.01),
]


def series(i, rng):
    length = 2 + rng.below(SIZES[i % 6])
    count = rng.below(4)
    kind, rho = i % 7, (i % 3) * 0.3
    steps = []
    for _ in range(count):
        position = rng.below(length)
        steps.append((position, (rng.unit() - 0.5) * 0.6))
    state, values = 0.0, []
    for index in range(length):
        noise = rng.unit() + rng.unit() + rng.unit() + rng.unit() - 2.0
        state = rho * state + noise
        value = 100.0 * (1.0 + 0.02 * state)
        if kind == 1 and rng.unit() < 0.04:
            value = value * 1.3
        elif kind == 2 and rng.unit() < 0.5:
            value = value + 6.0
        elif kind == 3:
            value = math.floor(value) * 1.0
        elif kind == 4:
            value = value + 0.05 * index
        elif kind == 5:
            value = 100.0
        elif kind == 6:
            value = (value - 100.0) * 0.25
        for position, size in steps:
            if position <= index:
                value = value * (1.0 + size)
        values.append(None if i % 5 == 0 and rng.unit() < 0.1 else value)
    return values


def answers(i):
    rng = SplitMix64(77_000_000 + i)
    values = series(i, rng)
    if all(value is None for value in values):
        return []
    fill_missing(values)
    window, p, magnitude = SETTINGS[(i // 7) % 7]
    first = (len(values) + 1) // 2 if i % 4 == 3 else len(values)
    found, weak = compute_change_points(values[:first], window, p, magnitude)
    result = [[int(point.index) for point in found]]
    at = first
    while at < len(values):
        chunk = min(1 + rng.below(CHUNK), len(values) - at)
        at += chunk
        found, weak = compute_change_points(values[:at], window, p, magnitude, new_data=chunk, old_weak_cp=weak)
        result.append([int(point.index) for point in found])
    return result


def main():
    indices = [answers(i) for i in range(CASES)]
    changed = sum(1 for case in indices if case and case[-1])
    print(f"{CASES} series, {changed} with a change point", file=sys.stderr)
    lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in indices)
    origin = "apache-otava " + importlib.metadata.version("apache-otava")
    origin += ", scripts/reference/otava_reference.py"
    with open(sys.argv[1], "w", encoding="utf-8") as out:
        out.write(f'{{"origin":{json.dumps(origin)},\n"indices":[\n{lines}\n]}}\n')


if __name__ == "__main__":
    main()
