"""Expected outputs for the statistics of bench-runner, computed by SciPy, NumPy and (for e-values) mpmath.

Inputs are not stored. Both sides make them from SplitMix64: state += 0x9E3779B97F4A7C15; z = state;
z = (z ^ z>>30) * 0xBF58476D1CE4E5B9; z = (z ^ z>>27) * 0x94D049BB133111EB; z ^= z>>31 (all modulo 2^64).
unit() = (z >> 11) * 2^-53; below(n) = (z * n) >> 64. Case i of a family is seeded with FAMILY * 1000000 + i.
"""

import itertools
import json
import math
import sys
from pathlib import Path

import mpmath
import numpy as np
import scipy
from scipy import stats

MASK = (1 << 64) - 1
CASES = 1000


class SplitMix64:
    def __init__(self, seed):
        self.state = seed & MASK

    def next(self):
        self.state = (self.state + 0x9E3779B97F4A7C15) & MASK
        z = self.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        return z ^ (z >> 31)

    def unit(self):
        return (self.next() >> 11) * 2.0**-53

    def below(self, bound):
        return (self.next() * bound) >> 64


def values(rng, case, n):
    """n positive numbers: by turns even, heavy-tailed, and coarse (with ties)."""
    kind = case % 3
    drawn = []
    for _ in range(n):
        u = rng.unit()
        if kind == 0:
            drawn.append(100.0 + 10.0 * u)
        elif kind == 1:
            drawn.append(100.0 / (1.0 - 0.999 * u))
        else:
            drawn.append(100.0 + math.floor(8.0 * u))
    return drawn


def sample(case, rng):
    x = values(rng, case, 3 + rng.below(60))
    n = len(x)
    q1, q3 = np.quantile(x, [0.25, 0.75])
    iters = np.arange(1, n + 1, dtype=float)
    totals = iters * np.array(x)
    slope = (iters * totals).sum() / (iters**2).sum()
    r2 = 1 - ((totals - slope * iters) ** 2).sum() / ((totals - totals.mean()) ** 2).sum()
    d = np.array(x) - np.mean(x)
    lag1 = (d[1:] * d[:-1]).sum() / (d**2).sum() if (d**2).sum() > 0 else None
    sd = np.std(x, ddof=1)
    iqr = (q3 - q1) / 1.34
    bandwidth = 0.9 * (min(sd, iqr) if iqr > 0 else sd) * n**-0.2
    density = stats.gaussian_kde(x, bw_method=bandwidth / sd)(101.0)[0] if sd > 0 else None
    walsh = [(a + b) / 2 for i, a in enumerate(x) for b in x[i:]]
    # Half widths, not bounds: a bound near zero is a difference of large numbers on both sides.
    half = stats.t.interval(0.95, n - 1, scale=stats.sem(x))[1] if sd > 0 else None
    return [
        np.quantile(x, 0.1), q1, np.median(x), np.quantile(x, 0.95), stats.median_abs_deviation(x),
        stats.trim_mean(x, 0.1), np.mean(x), np.var(x, ddof=1), stats.gmean(x), slope, r2, lag1, density,
        np.median(walsh), half,
    ]  # fmt: skip


SAMPLE_COLUMNS = ["q10", "q25", "median", "q95", "mad", "trimmed_mean_10", "mean", "variance", "geometric_mean",
                  "slope", "r_squared", "lag1", "density_at_101", "hodges_lehmann", "t95_half_width"]  # fmt: skip


def two_samples(case, rng):
    a = values(rng, case, 2 + rng.below(12))
    b = [1.02 * v for v in values(rng, case, 2 + rng.below(12))]
    shift = np.median([y - x for x in a for y in b])
    estimate = half = df = None
    if np.var(a) + np.var(b) > 0:
        result = stats.ttest_ind(b, a, equal_var=False)
        interval = result.confidence_interval(0.99)
        estimate, half, df = np.mean(b) - np.mean(a), (interval.high - interval.low) / 2, result.df
    ties = len(set(a + b)) < len(a + b)
    exact = None if ties else stats.mannwhitneyu(a, b, method="exact").pvalue
    u, normal = stats.mannwhitneyu(a, b, method="asymptotic")
    if math.isnan(normal):
        normal = None
    return [estimate, half, df, u, exact, normal, shift]


TWO_COLUMNS = ["welch_estimate", "welch99_half_width", "welch_df", "u", "p_exact", "p_normal", "hodges_lehmann_shift"]


def distributions(case, rng):
    df = 0.5 + 60.0 * rng.unit() if case % 2 else 1.0 + rng.below(5000)
    t = 16.0 * rng.unit() - 8.0
    p = rng.unit() if case % 3 else rng.unit() * 1e-6
    z = 20.0 * rng.unit() - 14.0
    return [stats.t.cdf(t, df), stats.t.ppf(p, df), stats.norm.cdf(z), stats.norm.ppf(p)]


def sign_flip(case, rng):
    d = [v - 101.0 for v in values(rng, case, 1 + rng.below(10))]
    observed = abs(sum(d)) - 1e-12 * sum(map(abs, d))
    sums = [abs(sum(s * v for s, v in zip(signs, d))) for signs in itertools.product((1, -1), repeat=len(d))]
    return [sum(s >= observed for s in sums) / len(sums)]


def bootstrap(case, rng):
    launches = [sorted(values(rng, case, 5 + rng.below(10))) for _ in range(2 + rng.below(5))]
    estimates = []
    for _ in range(20):
        inner = []
        for _ in launches:
            group = launches[rng.below(len(launches))]
            inner.append(np.median([group[rng.below(len(group))] for _ in group]))
        estimates.append(np.median(inner))
    means = [np.mean(g) for g in launches]
    within = np.mean([np.var(g, ddof=1) for g in launches])
    r = len(launches) / sum(1 / len(g) for g in launches)
    between = max(0.0, np.var(means, ddof=1) - within / r)
    flat = launches[0]
    drawn = [np.mean([flat[rng.below(len(flat))] for _ in flat]) for _ in range(20)]
    return [
        np.quantile(estimates, 0.025), np.quantile(estimates, 0.975), within, between,
        between / (between + within / r) if between + within > 0 else None,
        np.quantile(drawn, 0.025), np.quantile(drawn, 0.975),
    ]  # fmt: skip


BOOTSTRAP_COLUMNS = ["hierarchical_low", "hierarchical_high", "within", "between", "launch_share", "mean_low",
                     "mean_high"]  # fmt: skip



def multiplicity(case, rng):
    p = [rng.unit() ** 4 for _ in range(6)]
    order = sorted(p)
    # Holm by its definition: the largest of the scaled smaller ones.
    holm = [min(1.0, max((6 - j) * order[j] for j in range(order.index(v) + 1))) for v in p]
    return [*stats.false_discovery_control(p, method="bh"), *holm]


def proportion(case, rng):
    n = 1 + rng.below(10_000 if case % 2 else 60)
    k = rng.below(n + 1)
    level = 0.8 + 0.199 * rng.unit()
    interval = stats.binomtest(k, n).proportion_ci(level, method="exact")
    return [interval.low, interval.high]


def robust(case, rng):
    x = np.array(values(rng, case, 3 + rng.below(60)))
    n = len(x)
    mad = stats.median_abs_deviation(x, scale=stats.norm.ppf(0.75))
    distances = sorted(abs(a - b) for a, b in itertools.combinations(x, 2))
    h = n // 2 + 1
    qn = distances[math.comb(h, 2) - 1] / (math.sqrt(2) * stats.norm.ppf(0.625))
    clipped = np.clip(x, np.median(x) - 2.5 * mad, np.median(x) + 2.5 * mad)
    d = clipped - clipped.mean()
    lag1 = (d[1:] * d[:-1]).sum() / (d**2).sum() if (d**2).sum() > 1e-18 else 0.0
    return [mad, stats.norm.ppf(0.75) ** -1 * np.median(np.abs(x - 101.0)), qn, min(0.95, max(0.0, lag1))]


def log_e(total, squares, half, integrate):
    """Logarithm of the mixture over lambda of exp(lambda S - lambda^2 V / 2): six normal, or half-normal, densities.

    The closed form with arbitrary precision; some cases are integrated numerically as well, and both must agree.
    """
    values = []
    for tau in (1, 4, 16, 64, 256, 1024):
        spread = 1 + tau**2 * squares
        z = tau * total / mpmath.sqrt(spread)
        tail = mpmath.erfc(-z / mpmath.sqrt(2)) if half else 1
        value = tail * mpmath.exp(z**2 / 2) / mpmath.sqrt(spread)
        if integrate:
            width, peak = tau / mpmath.sqrt(spread), tau**2 * total / spread
            points = [peak + k * width for k in range(-40, 41, 2)]
            points = [mpmath.mpf(0), *(q for q in points if q > 0)] if half else points
            density = lambda l: mpmath.exp(-(l**2) / (2 * tau**2)) / (tau * mpmath.sqrt(2 * mpmath.pi))
            mass = mpmath.quad(lambda l: mpmath.exp(l * total - l**2 * squares / 2) * density(l), points)
            assert abs((2 if half else 1) * mass / value - 1) < 1e-15, (mass, value)
        values.append(value)
    return mpmath.log(mpmath.fsum(values) / len(values))


def sequential(case, rng):
    mpmath.mp.dps = 40
    scale = [0.002, 0.02, 0.2][case % 3]
    drift = 2.0 * rng.unit() - 1.0
    d = [mpmath.mpf(scale * (2.0 * rng.unit() - 1.0 + drift)) for _ in range(1 + rng.below(40))]
    log = lambda x, half: log_e(mpmath.fsum(x), mpmath.fsum(v * v for v in x), half, case < 10)
    within = min(log([v + mpmath.mpf(scale) for v in d], True), log([mpmath.mpf(scale) - v for v in d], True))
    return [log(d, False), log(d, True), log([-v for v in d], True), within]


def signed_rank(case, rng):
    x = [v - 101.0 for v in values(rng, case, 6 + rng.below(20))]
    walsh = sorted({(a + b) / 2 for i, a in enumerate(x) for b in x[i:]})
    gaps = list(zip(walsh, walsh[1:]))
    # Between two means of two values no distance is zero, and SciPy's exact test refutes a center or does not.
    holds = lambda gap: stats.wilcoxon([v - (gap[0] + gap[1]) / 2 for v in x], method="exact").pvalue > 0.05
    low = next((gap[0] for gap in gaps if holds(gap)), None)
    if low is None:
        return [None, None]
    return [low, next(gap[1] for gap in reversed(gaps) if holds(gap))]


MULTIPLICITY_COLUMNS = [f"{name}_{i}" for name in ("bh", "holm") for i in range(6)]

FAMILIES = [
    ("sample", 1, sample, SAMPLE_COLUMNS),
    ("two_samples", 2, two_samples, TWO_COLUMNS),
    ("distributions", 3, distributions, ["t_cdf", "t_quantile", "normal_cdf", "normal_quantile"]),
    ("sign_flip", 4, sign_flip, ["p"]),
    ("bootstrap", 5, bootstrap, BOOTSTRAP_COLUMNS),
    ("multiplicity", 6, multiplicity, MULTIPLICITY_COLUMNS),
    ("proportion", 7, proportion, ["low", "high"]),
    ("robust", 8, robust, ["mad", "about_101", "qn", "clipped_ar1"]),
    ("sequential", 9, sequential, ["two_sided", "above", "below", "within"]),
    ("signed_rank", 10, signed_rank, ["low", "high"]),
]


def number(value):
    return None if value is None else float(f"{float(value):.12g}")


MADE_BY = f"SciPy {scipy.__version__}, NumPy {np.__version__}, mpmath {mpmath.__version__}"


def main(folder):
    chosen = sys.argv[2:]
    for name, family, function, columns in FAMILIES:
        if chosen and name not in chosen:
            continue
        rows = [[number(v) for v in function(i, SplitMix64(family * 1_000_000 + i))] for i in range(CASES)]
        head = {"made_by": MADE_BY, "family": family, "columns": columns}
        text = json.dumps(head)[:-1] + ', "rows": [\n' + ",\n".join(json.dumps(r) for r in rows) + "\n]}\n"
        (Path(folder) / f"{name}.json").write_text(text)


main(sys.argv[1])
