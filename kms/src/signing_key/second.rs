//! The second signing backend: `graviola`, compiled in by the feature of that name and used where the CPU can run it.
//!
//! Without the feature, on another architecture or on an older CPU there is none, and the caller signs with
//! `curve25519-dalek`. Verification never comes here: its rules are defined by one arithmetic.

#[cfg(all(feature = "graviola", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod imp {
    use ed25519_dalek::Signature;
    use graviola::signing::eddsa::Ed25519SigningKey;
    use zeroize::Zeroizing;

    use crate::signing_key::Seed;

    /// How far up the stack the key's expansion may have left copies of the secret. Unit: bytes.
    const BURNT: usize = 16 * 1024;

    /// A key expanded for the second backend, or nothing where that cannot run. It overwrites itself when dropped.
    pub(crate) struct Second(Option<Box<Ed25519SigningKey>>);

    impl Second {
        /// How much heap memory a key takes. Unit: bytes.
        pub(crate) const BYTES: usize = size_of::<Ed25519SigningKey>();

        /// Expands a seed, where the CPU can run the backend.
        pub(crate) fn from_seed(seed: &Seed) -> Self {
            if !is_available() {
                return Self(None);
            }
            let key = expand(seed);
            burn_stack();
            Self(key)
        }

        /// Signs, or gives nothing where the caller has to.
        pub(crate) fn sign(&self, message: &[u8]) -> Option<Signature> {
            self.0.as_ref().map(|key| Signature::from_bytes(&key.sign(message)))
        }

        /// Tells whether [`Second::sign`] signs.
        pub(crate) fn is_there(&self) -> bool {
            self.0.is_some()
        }
    }

    /// The library gives the key by value, which leaves copies in this call's part of the stack; hence its own call.
    #[inline(never)]
    fn expand(seed: &Seed) -> Option<Box<Ed25519SigningKey>> {
        Ed25519SigningKey::from_bytes(seed.expose()).ok().map(Box::new)
    }

    /// Overwrites the part of the stack that the call before this one used.
    #[inline(never)]
    fn burn_stack() {
        let mut place = Zeroizing::new([0_u8; BURNT]);
        std::hint::black_box(&mut *place);
    }

    /// Tells whether the CPU has what the library demands: it panics where something is missing.
    #[cfg(target_arch = "x86_64")]
    pub(crate) fn is_available() -> bool {
        use std::arch::is_x86_feature_detected as has;
        has!("adx")
            && has!("aes")
            && has!("avx")
            && has!("avx2")
            && has!("bmi1")
            && has!("bmi2")
            && has!("pclmulqdq")
            && has!("ssse3")
    }

    /// Tells whether the CPU has what the library demands: it panics where something is missing.
    #[cfg(target_arch = "aarch64")]
    pub(crate) fn is_available() -> bool {
        use std::arch::is_aarch64_feature_detected as has;
        has!("neon") && has!("aes") && has!("pmull") && has!("sha2")
    }
}

#[cfg(not(all(feature = "graviola", any(target_arch = "x86_64", target_arch = "aarch64"))))]
mod imp {
    use ed25519_dalek::Signature;

    use crate::signing_key::Seed;

    /// No second backend is compiled in.
    pub(crate) struct Second;

    impl Second {
        /// How much heap memory a key takes: none. Unit: bytes.
        pub(crate) const BYTES: usize = 0;

        /// Keeps nothing of a seed.
        pub(crate) fn from_seed(_: &Seed) -> Self {
            Self
        }

        /// Gives nothing: the caller signs.
        pub(crate) fn sign(&self, _: &[u8]) -> Option<Signature> {
            None
        }

        /// Tells that [`Second::sign`] does not sign.
        pub(crate) fn is_there(&self) -> bool {
            false
        }
    }

    /// Tells that there is none.
    pub(crate) fn is_available() -> bool {
        false
    }
}

pub(crate) use imp::{Second, is_available};
