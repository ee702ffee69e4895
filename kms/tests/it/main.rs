//! The one integration-test binary of kms: published vectors, crafted ones with an independent oracle, placements in
//! batches, mutations against the library below, and promises about memory.

mod allocations;
mod bench_ids;
mod crafted;
mod mutations;
mod placements;
mod published_vectors;
mod random;
