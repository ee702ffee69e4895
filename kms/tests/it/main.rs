//! The one integration-test binary of kms: published vectors, crafted ones with an independent oracle, placements in
//! batches, mutations against the library below, and promises about memory.

#[cfg(test)]
mod allocations;
#[cfg(test)]
mod bench_ids;
#[cfg(test)]
mod crafted;
#[cfg(test)]
mod fuzz_seeds;
#[cfg(test)]
mod keystore;
#[cfg(test)]
#[cfg(target_os = "linux")]
mod memory;
#[cfg(test)]
mod mutations;
#[cfg(test)]
mod parsers;
#[cfg(test)]
mod placements;
#[cfg(test)]
mod published_vectors;
#[cfg(test)]
mod random;
#[cfg(test)]
mod sealed_file;
