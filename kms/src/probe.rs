//! Which arithmetic this process verifies and signs with.
//!
//! `curve25519-dalek` does not say in public which of its backends it runs on. The answer is derived from its documented choice (its build script and
//! `backend.rs`, version 5.0): the `curve25519_dalek_backend` cfg at compile time, then what the CPU can do at run time.

use crate::signing_key::second;

/// The backend that verification runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum CurveBackend {
    /// Four lanes of 52-bit limbs with AVX-512 IFMA and VL.
    Avx512Ifma,
    /// Four lanes with AVX2.
    Avx2,
    /// Portable 64-bit or 32-bit code.
    Serial,
    /// Portable code with the formally checked field arithmetic of fiat-crypto.
    Fiat,
}

impl CurveBackend {
    /// Gives the name that the probe prints and the observatory stores.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Avx512Ifma => "avx512-ifma",
            Self::Avx2 => "avx2",
            Self::Serial => "serial",
            Self::Fiat => "fiat",
        }
    }
}

/// Derives the backend that this process runs on.
///
/// # Edge cases
/// On other architectures than x86-64 it is [`CurveBackend::Serial`]: version 5.0 has no NEON backend.
#[must_use]
pub fn curve_backend() -> CurveBackend {
    if cfg!(curve25519_dalek_backend = "fiat") {
        return CurveBackend::Fiat;
    }
    if cfg!(curve25519_dalek_backend = "serial") {
        return CurveBackend::Serial;
    }
    vector_backend()
}

#[cfg(target_arch = "x86_64")]
fn vector_backend() -> CurveBackend {
    let narrow = cfg!(curve25519_dalek_bits = "32") || cfg!(not(target_pointer_width = "64"));
    if narrow {
        return CurveBackend::Serial;
    }
    // Without a cfg the build script takes AVX-512 only when the whole program is compiled for it.
    let compiled_for_it = cfg!(all(target_feature = "avx512ifma", target_feature = "avx512vl"));
    let avx512_compiled = cfg!(curve25519_dalek_backend = "avx512")
        || (cfg!(not(curve25519_dalek_backend = "simd")) && compiled_for_it);
    let can =
        std::arch::is_x86_feature_detected!("avx512ifma") && std::arch::is_x86_feature_detected!("avx512vl");
    if avx512_compiled && can {
        CurveBackend::Avx512Ifma
    } else if std::arch::is_x86_feature_detected!("avx2") {
        CurveBackend::Avx2
    } else {
        CurveBackend::Serial
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn vector_backend() -> CurveBackend {
    CurveBackend::Serial
}

/// The code that makes signatures of messages in one piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum SigningBackend {
    /// The constant-time base multiplication of `curve25519-dalek`, which is the same in all of its backends.
    Dalek,
    /// The assembly of s2n-bignum, through `graviola`.
    Graviola,
}

impl SigningBackend {
    /// Gives the name that the probe prints and the observatory stores.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Dalek => "dalek",
            Self::Graviola => "graviola",
        }
    }
}

/// Tells what this process signs with.
///
/// # Edge cases
/// With the feature `graviola` it is still [`SigningBackend::Dalek`] on a CPU that lacks what that library demands.
#[must_use]
pub fn signing_backend() -> SigningBackend {
    if second::is_available() { SigningBackend::Graviola } else { SigningBackend::Dalek }
}

/// Gives the one line of JSON that a bench executable prints when it is asked what it runs on.
///
/// `workloads` is a JSON array of the executable's benchmarks, `[]` where there are none to tell.
///
/// # Examples
/// ```
/// let line = kms::probe::json_line("[]");
/// assert!(line.starts_with(r#"{"schema":"bench-runner/probe","version":1,"curve_backend":""#));
/// let signs_with = format!(r#""signing_backend":"{}""#, kms::probe::signing_backend().name());
/// assert!(line.contains(&signs_with));
/// ```
#[must_use]
pub fn json_line(workloads: &str) -> String {
    format!(
        r#"{{"schema":"bench-runner/probe","version":1,"curve_backend":"{}","curve_backend_source":"derived","signing_backend":"{}","kms":"{}","workloads":{workloads}}}"#,
        curve_backend().name(),
        signing_backend().name(),
        crate::VERSION,
    )
}
