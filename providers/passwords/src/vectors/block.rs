//! A block of memory, and the function that makes one of two others (RFC 9106, section 3.5).

use super::pair::Pair;

/// The length of a block, in bytes.
pub const BYTES: usize = 1024;

/// A block of 1 KiB: eight rows of eight pairs.
#[derive(Clone, Copy)]
pub struct Block([[Pair; 8]; 8]);

impl Block {
    /// Returns a block of zeros.
    pub fn zero() -> Self {
        Self([[Pair::new([0; 2]); 8]; 8])
    }

    /// Returns a block that begins with these pairs, and has zeros after them.
    pub fn beginning(pairs: [[u64; 2]; 4]) -> Self {
        let mut block = Self::zero();
        for (pair, words) in block.0.iter_mut().flatten().zip(pairs) {
            *pair = Pair::new(words);
        }
        block
    }

    /// Reads a block. Bytes that are missing are zeros.
    pub fn from_bytes(bytes: &[u8; BYTES]) -> Self {
        let mut block = Self::zero();
        let (words, _) = bytes.as_chunks();
        let (words, _) = words.as_chunks();
        for (pair, words) in block.0.iter_mut().flatten().zip(words) {
            *pair = Pair::new(words.map(u64::from_le_bytes));
        }
        block
    }

    /// Returns the bytes of the block.
    pub fn bytes(&self) -> Vec<u8> {
        let pairs = self.0.iter().flatten();
        pairs
            .flat_map(|pair| pair.words().map(u64::to_le_bytes))
            .flatten()
            .collect()
    }

    /// Returns a word of the block, or zero if the index is too large.
    pub fn word(&self, index: usize) -> u64 {
        let pair = self.0.iter().flatten().nth(index / 2);
        let [first, second] = pair.map(|pair| pair.words()).unwrap_or_default();
        if index.is_multiple_of(2) { first } else { second }
    }
}

/// Makes blocks. It keeps the intermediate results, so that no block is copied.
pub struct Compression {
    input: Block,
    rows: Block,
}

impl Compression {
    pub fn new() -> Self {
        Self {
            input: Block::zero(),
            rows: Block::zero(),
        }
    }

    /// Makes a block of two others. It replaces the output, or with `xor` it is combined with it.
    #[cfg_attr(target_arch = "wasm32", target_feature(enable = "simd128"))]
    #[allow(
        clippy::indexing_slicing,
        reason = "all indexes are below 8, the length of each row and of a block"
    )]
    pub fn compress(&mut self, previous: &Block, reference: &Block, out: &mut Block, xor: bool) {
        const ALL: [usize; 8] = [0, 1, 2, 3, 4, 5, 6, 7];
        let (Block(previous), Block(reference), Block(out)) = (previous, reference, out);
        let (Block(input), Block(rows)) = (&mut self.input, &mut self.rows);
        for row in ALL {
            let mixed = ALL.map(|column| previous[row][column].xor(reference[row][column]));
            input[row] = mixed;
            rows[row] = permute(mixed);
        }
        for column in ALL {
            let permuted = permute(ALL.map(|row| rows[row][column]));
            for row in ALL {
                let made = permuted[row].xor(input[row][column]);
                out[row][column] = if xor { out[row][column].xor(made) } else { made };
            }
        }
    }
}

/// The permutation P: two rounds, the second one over the diagonals.
#[inline(always)]
fn permute([a0, a1, b0, b1, c0, c1, d0, d1]: [Pair; 8]) -> [Pair; 8] {
    let ([a0, a1], [b0, b1], [c0, c1], [d0, d1]) = round([a0, a1], [b0, b1], [c0, c1], [d0, d1]);
    let (b, c, d) = (
        [b0.shift(b1), b1.shift(b0)],
        [c1, c0],
        [d1.shift(d0), d0.shift(d1)],
    );
    let ([a0, a1], [b0, b1], [c1, c0], [d0, d1]) = round([a0, a1], b, c, d);
    let (b0, b1) = (b1.shift(b0), b0.shift(b1));
    [a0, a1, b0, b1, c0, c1, d0.shift(d1), d1.shift(d0)]
}

type Pairs = [Pair; 2];

#[inline(always)]
fn round(a: Pairs, b: Pairs, c: Pairs, d: Pairs) -> (Pairs, Pairs, Pairs, Pairs) {
    let (a, d) = step::<32>(a, b, d);
    let (c, b) = step::<24>(c, d, b);
    let (a, d) = step::<16>(a, b, d);
    let (c, b) = step::<63>(c, d, b);
    (a, b, c, d)
}

#[inline(always)]
fn step<const BITS: u32>([x0, x1]: Pairs, [y0, y1]: Pairs, [z0, z1]: Pairs) -> (Pairs, Pairs) {
    let (x0, x1) = (x0.multiply_add(y0), x1.multiply_add(y1));
    (
        [x0, x1],
        [z0.xor(x0).rotate::<BITS>(), z1.xor(x1).rotate::<BITS>()],
    )
}
