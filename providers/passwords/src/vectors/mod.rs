//! argon2id on the vectors of WebAssembly (RFC 9106). The crate `argon2` takes almost twice as long there,
//! because it has no code for these vectors.

mod block;
mod pair;
#[cfg(not(target_arch = "wasm32"))]
mod portable;

use argon2::{Algorithm, Argon2, Params, Version};
use blake2::digest::{Update, VariableOutput};
use blake2::{Blake2b512, Blake2bVar, Digest};

use self::block::{BYTES, Block, Compression};

/// The number of slices of the memory. A block refers to all finished slices.
const SLICES: usize = 4;

/// The number of addresses that one block holds.
const ADDRESSES: usize = BYTES / 8;

/// The number of this algorithm.
const ARGON2ID: u32 = 2;

/// The memory of a computation. The next computation is faster with the same memory.
#[derive(Default)]
pub struct Memory(Vec<Block>);

impl Memory {
    /// Computes a hash. Parameters that this module does not know are computed by the crate.
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
        let is_known = algorithm == Algorithm::Argon2id
            && version == Version::V0x13
            && params.p_cost() == 1
            && params.keyid().is_empty()
            && params.data().is_empty();
        if is_known && self.argon2id(&params, password, salt, hash).is_some() {
            return Ok(());
        }
        Argon2::new(algorithm, version, params).hash_password_into(password, salt, hash)
    }

    /// Computes a hash with one lane. `None` if an input has an invalid length.
    fn argon2id(&mut self, params: &Params, password: &[u8], salt: &[u8], hash: &mut [u8]) -> Option<()> {
        let blocks = params.block_count();
        if self.0.len() < blocks {
            self.0.clear();
            self.0.resize(blocks, Block::zero());
        }
        let memory = self.0.get_mut(..blocks)?;
        let seed = seed(params, password, salt, hash.len())?;
        for (index, block) in (0_u32..2).zip(memory.iter_mut()) {
            let mut bytes = [0; BYTES];
            long_hash(&[&seed, &index.to_le_bytes(), &[0; 4]], &mut bytes)?;
            *block = Block::from_bytes(&bytes);
        }
        let mut compression = Compression::new();
        for pass in 0..params.t_cost() {
            for slice in 0..SLICES {
                fill(&mut compression, memory, params.t_cost(), pass, slice)?;
            }
        }
        long_hash(&[&memory.last()?.bytes()], hash)
    }
}

/// Fills a slice of the memory.
fn fill(
    compression: &mut Compression,
    memory: &mut [Block],
    passes: u32,
    pass: u32,
    slice: usize,
) -> Option<()> {
    let blocks = memory.len();
    let length = blocks / SLICES;
    let is_independent = pass == 0 && slice < SLICES / 2;
    let first = if pass == 0 && slice == 0 { 2 } else { 0 };
    let (mut addresses, mut counter) = (Block::zero(), 0);
    for index in first..length {
        let current = slice * length + index;
        let previous = current.checked_sub(1).unwrap_or(blocks - 1);
        let random = if is_independent {
            if counter == 0 || index.is_multiple_of(ADDRESSES) {
                counter += 1;
                let input = Block::beginning([
                    [pass.into(), 0],
                    [u64::try_from(slice).ok()?, u64::try_from(blocks).ok()?],
                    [passes.into(), ARGON2ID.into()],
                    [counter, 0],
                ]);
                let mut half = Block::zero();
                compression.compress(&Block::zero(), &input, &mut half, false);
                compression.compress(&Block::zero(), &half, &mut addresses, false);
            }
            addresses.word(index % ADDRESSES)
        } else {
            memory.get(previous)?.word(0)
        };
        let finished = if pass == 0 {
            slice * length
        } else {
            blocks - length
        };
        let reference = reference(random, finished + index - 1)?;
        let start = if pass == 0 || slice == SLICES - 1 {
            0
        } else {
            (slice + 1) * length
        };
        let reference = (start + reference) % blocks;
        let used = [previous, reference, current];
        let [previous, reference, current] = memory.get_disjoint_mut(used).ok()?;
        compression.compress(previous, reference, current, pass > 0);
    }
    Some(())
}

/// Returns the index of the block that a random word selects among a number of blocks. Later ones are
/// selected more often.
fn reference(random: u64, count: usize) -> Option<usize> {
    let low = random & 0xffff_ffff;
    let from_end = (u64::try_from(count).ok()? * ((low * low) >> 32)) >> 32;
    count.checked_sub(1)?.checked_sub(usize::try_from(from_end).ok()?)
}

/// Returns the digest of all inputs, from which the first blocks are made.
fn seed(params: &Params, password: &[u8], salt: &[u8], length: usize) -> Option<[u8; 64]> {
    let number = |length: usize| Some(u32::try_from(length).ok()?.to_le_bytes());
    let mut digest = Blake2b512::new();
    Digest::update(&mut digest, 1_u32.to_le_bytes());
    Digest::update(&mut digest, number(length)?);
    Digest::update(&mut digest, params.m_cost().to_le_bytes());
    Digest::update(&mut digest, params.t_cost().to_le_bytes());
    Digest::update(&mut digest, 0x13_u32.to_le_bytes());
    Digest::update(&mut digest, ARGON2ID.to_le_bytes());
    // Neither a secret nor associated data.
    for input in [password, salt, &[], &[]] {
        Digest::update(&mut digest, number(input.len())?);
        Digest::update(&mut digest, input);
    }
    Some(digest.finalize().into())
}

/// The hash function H' for outputs of any length (RFC 9106, section 3.3).
fn long_hash(inputs: &[&[u8]], out: &mut [u8]) -> Option<()> {
    let length = u32::try_from(out.len()).ok()?.to_le_bytes();
    if out.len() <= 64 {
        let mut digest = Blake2bVar::new(out.len()).ok()?;
        Update::update(&mut digest, &length);
        inputs.iter().for_each(|input| Update::update(&mut digest, input));
        return digest.finalize_variable(out).ok();
    }
    let mut digest = Blake2b512::new();
    Digest::update(&mut digest, length);
    inputs.iter().for_each(|input| Digest::update(&mut digest, input));
    let mut value = digest.finalize();
    let (halves, rest) = out.split_at_mut((out.len().div_ceil(32) - 2) * 32);
    let mut halves = halves.chunks_exact_mut(32).peekable();
    while let Some(half) = halves.next() {
        half.copy_from_slice(value.get(..32)?);
        if halves.peek().is_some() {
            value = Blake2b512::digest(value);
        }
    }
    let mut digest = Blake2bVar::new(rest.len()).ok()?;
    Update::update(&mut digest, &value);
    digest.finalize_variable(rest).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn computes_the_hashes_of_the_crate() {
        let mut memory = Memory::default();
        for (memory_kib, passes, length, password) in [
            (19_456, 2, 32, "correct horse"),
            (8, 1, 32, ""),
            (9, 3, 4, "ä"),
            (1_031, 1, 64, "more than one block of addresses"),
            (2_100, 4, 65, "a"),
            (64, 2, 200, &"long ".repeat(100)),
        ] {
            let params = Params::new(memory_kib, passes, 1, Some(length)).unwrap();
            let (mut own, mut expected) = (vec![0; length], vec![0; length]);
            let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone());
            argon2
                .hash_password_into(password.as_bytes(), b"a salt of 17 byte", &mut expected)
                .unwrap();
            memory
                .argon2id(&params, password.as_bytes(), b"a salt of 17 byte", &mut own)
                .unwrap();
            assert_eq!(own, expected, "{memory_kib} KiB, {passes} passes, {length} bytes");
        }
    }

    #[test]
    fn leaves_other_algorithms_to_the_crate() {
        let mut memory = Memory::default();
        for (algorithm, version, lanes) in [
            (Algorithm::Argon2i, Version::V0x13, 1),
            (Algorithm::Argon2id, Version::V0x10, 1),
            (Algorithm::Argon2id, Version::V0x13, 2),
        ] {
            let params = Params::new(64, 2, lanes, None).unwrap();
            let (mut own, mut expected) = ([0; 32], [0; 32]);
            Argon2::new(algorithm, version, params.clone())
                .hash_password_into(b"password", b"a salt of 17 byte", &mut expected)
                .unwrap();
            memory
                .compute(
                    (algorithm, version, params),
                    b"password",
                    b"a salt of 17 byte",
                    &mut own,
                )
                .unwrap();
            assert_eq!(own, expected, "{algorithm} {version:?} {lanes}");
        }
    }
}
