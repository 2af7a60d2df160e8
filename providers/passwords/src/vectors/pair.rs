//! Two words of 64 bits that are computed together.

#[cfg(target_arch = "wasm32")]
use core::arch::wasm32 as arch;

#[cfg(not(target_arch = "wasm32"))]
use super::portable as arch;

use arch::{
    u32x4_shuffle, u64x2, u64x2_add, u64x2_extract_lane, u64x2_mul, u64x2_shl, u64x2_shr, u64x2_shuffle,
    u64x2_splat, v128, v128_and, v128_or, v128_xor,
};

/// Two words: one vector of WebAssembly.
#[derive(Clone, Copy)]
pub struct Pair(v128);

impl Pair {
    /// Returns the pair of two words.
    pub fn new([first, second]: [u64; 2]) -> Self {
        Self(u64x2(first, second))
    }

    /// Returns the two words.
    pub fn words(self) -> [u64; 2] {
        [u64x2_extract_lane::<0>(self.0), u64x2_extract_lane::<1>(self.0)]
    }

    #[inline(always)]
    pub fn xor(self, other: Self) -> Self {
        Self(v128_xor(self.0, other.0))
    }

    /// Returns x + y + 2 · x' · y', where x' and y' are the low halves of the words.
    #[inline(always)]
    pub fn multiply_add(self, other: Self) -> Self {
        let low = u64x2_splat(0xffff_ffff);
        let product = u64x2_mul(v128_and(self.0, low), v128_and(other.0, low));
        Self(u64x2_add(u64x2_add(self.0, other.0), u64x2_shl(product, 1)))
    }

    /// Rotates each word to the right.
    #[inline(always)]
    pub fn rotate<const BITS: u32>(self) -> Self {
        if BITS == 32 {
            return Self(u32x4_shuffle::<1, 0, 3, 2>(self.0, self.0));
        }
        Self(v128_or(u64x2_shr(self.0, BITS), u64x2_shl(self.0, 64 - BITS)))
    }

    /// Returns the second word, and the first one of the next pair.
    #[inline(always)]
    pub fn shift(self, next: Self) -> Self {
        Self(u64x2_shuffle::<1, 2>(self.0, next.0))
    }
}
