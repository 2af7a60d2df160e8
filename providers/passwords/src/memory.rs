//! argon2 by the crate, which computes with the vectors of this processor.

use argon2::{Algorithm, Argon2, Block, Params, Version};

/// The memory of a computation. The next computation is faster with the same memory.
#[derive(Debug, Default)]
pub struct Memory(Vec<Block>);

impl Memory {
    /// The minimum capacity, in blocks of 1 KiB. glibc returns memory to the system at once only if the
    /// allocation has more than 32 MiB. Pages without data take no memory.
    const CAPACITY: usize = 33 << 10;

    /// Returns at least this number of blocks, with any content.
    fn blocks(&mut self, count: usize) -> &mut [Block] {
        if self.0.len() < count {
            self.0 = Vec::with_capacity(count.max(Self::CAPACITY));
            self.0.resize(count, Block::default());
        }
        &mut self.0
    }

    /// Computes a hash.
    ///
    /// # Errors
    /// Fails if an input has an invalid length.
    pub fn compute(
        &mut self,
        (algorithm, version, params): (Algorithm, Version, Params),
        password: &[u8],
        salt: &[u8],
        hash: &mut [u8],
    ) -> argon2::Result<()> {
        let blocks = self.blocks(params.block_count());
        let argon2 = Argon2::new(algorithm, version, params);
        argon2.hash_password_into_with_memory(password, salt, hash, blocks)
    }
}
