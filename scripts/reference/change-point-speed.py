"""Values per second of Apache Otava and ruptures on the series of `bench-runner/benches/change_points.rs`.

    python3 -m venv venv && venv/bin/pip install apache-otava==0.8.0 ruptures==1.1.10
    venv/bin/python scripts/reference/change-point-speed.py
    cargo bench -p bench-runner --bench change_points          # the same series, our engines

Best of five; run it on a quiet machine. Appending is Otava's append mode with one new value.
"""

import math
import sys
import time

import numpy as np
import ruptures
from otava.analysis import compute_change_points

from splitmix import SplitMix64


def normal(rng):
    while True:
        u, v = 2.0 * rng.unit() - 1.0, 2.0 * rng.unit() - 1.0
        s = u * u + v * v
        if 0.0 < s < 1.0:
            return u * math.sqrt(-2.0 * math.log(s) / s)


def series(n, seed):
    rng, values = SplitMix64(seed), []
    for index in range(n):
        level = 100.0 if (index // 150) % 2 == 0 else 105.0
        spike = 1.2 if rng.unit() < 0.02 else 1.0
        values.append(level * spike * math.exp(0.01 * normal(rng)))
    return values


def best(work, repeats=5):
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        work()
        times.append(time.perf_counter() - begin)
    return min(times)


def row(name, n, seconds):
    print(f"{name:42} n = {n:6}  {1e6 * seconds:12.1f} us  {n / seconds:14.0f} values/s")


def main():
    print("Python", sys.version.split()[0], "numpy", np.__version__, "ruptures", ruptures.__version__)
    for n in (200, 4000):
        values = series(n, n)
        signal = np.log(np.array(values))
        penalty = 3.0 * math.log(n) * 0.01**2
        row("otava compute_change_points", n, best(lambda: compute_change_points(list(values))))
        row("ruptures KernelCPD linear", n, best(lambda: ruptures.KernelCPD("linear", min_size=4).fit(signal).predict(pen=penalty)))
        row("ruptures KernelCPD rbf", n, best(lambda: ruptures.KernelCPD("rbf", min_size=4).fit(signal).predict(pen=3.0)))
        if n <= 200:
            row("ruptures Pelt l2", n, best(lambda: ruptures.Pelt("l2", min_size=4).fit(signal).predict(pen=penalty)))
    for n in (1000, 10000):
        values = series(n + 1, n)
        _, weak = compute_change_points(values[:n])
        seconds = best(lambda: compute_change_points(values, new_data=1, old_weak_cp=list(weak)))
        print(f"{'otava append of one value':42} n = {n:6}  {1e6 * seconds:12.1f} us")


if __name__ == "__main__":
    main()
