//! dev
use crate::model::change_point::{ChangeKind, ChangePoint};

#[derive(Debug, Clone, Copy)]
pub struct Tuning {
    pub clip: f64,
    pub clip_to: f64,
    pub half: usize,
    pub candidate: f64,
    pub shrink: f64,
    pub rho_se: f64,
    pub local: usize,
    pub local_z: f64,
    pub min_seg: usize,
    pub threshold: f64,
    pub drift: f64,
}
pub const TUNED: Tuning = Tuning { clip: 3.0, clip_to: 2.0, half: 3, candidate: 2.8, shrink: 15.0, rho_se: 0.5, local: 25, local_z: 3.0, min_seg: 4, threshold: 4.2, drift: 0.0 };

#[derive(Debug, Clone, Default)]
pub struct Engine { y: Vec<f64>, sums: Vec<f64>, squares: Vec<f64>, scratch: Vec<f64>, intervals: Vec<(f64, usize, usize, usize)> }

#[derive(Debug, Clone, Copy)]
pub struct Found { pub index: usize, pub z: f64, pub local: f64, pub diff: f64 }

impl Engine {
    pub fn noise(&mut self, x: &[f64]) -> (f64, f64) {
        let d = &mut self.scratch;
        d.clear();
        d.extend(x.windows(2).map(|w| (w[1] - w[0]).abs()));
        let k = ((d.len() * 4) / 5).min(d.len() - 1);
        let (_, q, _) = d.select_nth_unstable_by(k, f64::total_cmp);
        let raw = *q / 1.2816;
        let reach = 3.0 * raw;
        let mean_sq = |lag: usize| {
            let mut s = 0.0;
            for t in lag..x.len() { let v = (x[t] - x[t - lag]).abs().min(reach); s += v * v; }
            s / (x.len() - lag) as f64
        };
        let (v1, v2) = (mean_sq(1), mean_sq(2));
        let rho = if v1 > 0.0 { (v2 / v1 - 1.0).clamp(0.0, 0.95) } else { 0.0 };
        (raw / std::f64::consts::SQRT_2 / (1.0 - rho).sqrt(), rho)
    }

    pub fn find(&mut self, x: &[f64], t: &Tuning) -> Vec<Found> {
        let n = x.len();
        if n < 2 * t.min_seg { return Vec::new(); }
        let (sigma, rho) = self.noise(x);
        if sigma <= 0.0 { return Vec::new(); }
        self.clip(x, sigma, t);
        self.sums.clear(); self.sums.push(0.0);
        self.squares.clear(); self.squares.push(0.0);
        let c = x[0];
        let (mut s, mut q) = (0.0, 0.0);
        for v in &self.y { let v = v - c; s += v; q += v * v; self.sums.push(s); self.squares.push(q); }
        let rho_up = (rho + t.rho_se / (n as f64).sqrt()).min(0.95);
        let inflation = (1.0 + rho_up) / (1.0 - rho_up);
        let mut points = self.candidates(n, sigma * inflation.sqrt(), t);
        points.sort_unstable();
        // bottom-up
        loop {
            self.refine(&mut points, n, t);
            if points.is_empty() { return Vec::new(); }
            let pooled = self.pooled(&points, n);
            let z: Vec<(f64, f64)> = (0..points.len()).map(|i| self.z(&points, i, n, pooled, inflation, t)).collect();
            let (worst, zw) = z.iter().enumerate().min_by(|a, b| a.1.0.total_cmp(&b.1.0)).unwrap();
            if zw.0 >= t.threshold {
                let mut out = Vec::new();
                for (i, p) in points.iter().enumerate() {
                    let local = self.local(&points, i, n, pooled, inflation, t);
                    out.push(Found { index: *p, z: z[i].0, local, diff: z[i].1 });
                }
                return out;
            }
            points.remove(worst);
        }
    }

    fn clip(&mut self, x: &[f64], sigma: f64, t: &Tuning) {
        let n = x.len();
        self.y.clear();
        let w = (2 * t.half + 1).min(n);
        let mut buf = [0.0; 15];
        for i in 0..n {
            let from = i.saturating_sub(t.half).min(n - w);
            let b = &mut buf[..w];
            b.copy_from_slice(&x[from..from + w]);
            b.sort_unstable_by(f64::total_cmp);
            let m = b[w / 2];
            let r = x[i] - m;
            self.y.push(if r.abs() > t.clip * sigma { m + r.signum() * t.clip_to * sigma } else { x[i] });
        }
    }

    fn candidates(&mut self, n: usize, scale: f64, t: &Tuning) -> Vec<usize> {
        self.intervals.clear();
        let mut len = n as f64;
        loop {
            let l = len.round() as usize;
            let count = ((2.0 * n as f64 / len).ceil() as usize).max(2) - 1;
            for k in 0..count {
                let from = if count == 1 { 0 } else { k * (n - l) / (count - 1) };
                let (tau, z) = self.best(from, from + l, t.min_seg);
                if z / scale > t.candidate { self.intervals.push((z, tau, from, from + l)); }
            }
            len /= std::f64::consts::SQRT_2;
            if len < 2.0 * t.min_seg as f64 { break; }
        }
        self.intervals.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
        let mut points: Vec<usize> = Vec::new();
        for (_, tau, from, to) in &self.intervals {
            if points.iter().all(|p| *p <= *from || *p >= *to) { points.push(*tau); }
        }
        points
    }

    fn best(&self, s: usize, e: usize, min: usize) -> (usize, f64) {
        let (base, total, n) = (self.sums[s], self.sums[e] - self.sums[s], (e - s) as f64);
        let (mut best, mut at) = (-1.0, s + min);
        for tau in s + min..=e - min {
            let k = (tau - s) as f64;
            let d = self.sums[tau] - base - total * k / n;
            let z = d * d * n / (k * (n - k));
            if z > best { best = z; at = tau; }
        }
        (at, best.max(0.0).sqrt())
    }

    fn seg(&self, a: usize, b: usize) -> (f64, f64, f64) {
        let n = (b - a) as f64;
        let s = self.sums[b] - self.sums[a];
        let q = self.squares[b] - self.squares[a];
        (n, s / n, (q - s * s / n).max(0.0))
    }

    fn pooled(&self, points: &[usize], n: usize) -> f64 {
        let mut from = 0; let mut sse = 0.0;
        for to in points.iter().copied().chain([n]) { sse += self.seg(from, to).2; from = to; }
        sse / (n - points.len() - 1).max(1) as f64
    }

    fn contrast(&self, a: usize, m: usize, b: usize, pooled: f64, inflation: f64, t: &Tuning) -> (f64, f64) {
        let (na, ma, sa) = self.seg(a, m);
        let (nb, mb, sb) = self.seg(m, b);
        let v = (sa + sb + t.shrink * pooled) / (na + nb - 2.0 + t.shrink);
        let v = v * inflation * (1.0 / na + 1.0 / nb) + t.drift * t.drift * v * (na + nb) / 3.0;
        if v <= 0.0 { return (0.0, 0.0); }
        ((mb - ma).abs() / v.sqrt(), mb - ma)
    }

    fn z(&self, points: &[usize], i: usize, n: usize, pooled: f64, inflation: f64, t: &Tuning) -> (f64, f64) {
        let a = if i == 0 { 0 } else { points[i - 1] };
        let b = points.get(i + 1).copied().unwrap_or(n);
        self.contrast(a, points[i], b, pooled, inflation, t)
    }

    fn local(&self, points: &[usize], i: usize, n: usize, pooled: f64, inflation: f64, t: &Tuning) -> f64 {
        let m = points[i];
        let a = if i == 0 { 0 } else { points[i - 1] }.max(m.saturating_sub(t.local));
        let b = points.get(i + 1).copied().unwrap_or(n).min(m + t.local);
        self.contrast(a, m, b, pooled, inflation, t).0
    }

    fn refine(&self, points: &mut Vec<usize>, n: usize, t: &Tuning) {
        for i in 0..points.len() {
            let a = if i == 0 { 0 } else { points[i - 1] };
            let b = points.get(i + 1).copied().unwrap_or(n);
            if b - a >= 2 * t.min_seg { points[i] = self.best(a, b, t.min_seg).0; }
        }
    }
}
