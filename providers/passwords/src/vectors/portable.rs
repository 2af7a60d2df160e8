//! The vector functions that [`Pair`](super::pair::Pair) uses, for the tests on other processors.
#![allow(non_camel_case_types, reason = "the names are those of core::arch::wasm32")]
#![allow(
    clippy::indexing_slicing,
    reason = "the indexes are constants, and only tests use this"
)]

pub type v128 = [u64; 2];

fn both(a: v128, b: v128, function: impl Fn(u64, u64) -> u64) -> v128 {
    let ([a0, a1], [b0, b1]) = (a, b);
    [function(a0, b0), function(a1, b1)]
}

pub fn u64x2(first: u64, second: u64) -> v128 {
    [first, second]
}

pub fn u64x2_splat(word: u64) -> v128 {
    [word; 2]
}

pub fn u64x2_extract_lane<const LANE: usize>(a: v128) -> u64 {
    a[LANE]
}

pub fn u64x2_add(a: v128, b: v128) -> v128 {
    both(a, b, u64::wrapping_add)
}

pub fn u64x2_mul(a: v128, b: v128) -> v128 {
    both(a, b, u64::wrapping_mul)
}

pub fn u64x2_shl(a: v128, bits: u32) -> v128 {
    a.map(|word| word << bits)
}

pub fn u64x2_shr(a: v128, bits: u32) -> v128 {
    a.map(|word| word >> bits)
}

pub fn v128_and(a: v128, b: v128) -> v128 {
    both(a, b, |a, b| a & b)
}

pub fn v128_or(a: v128, b: v128) -> v128 {
    both(a, b, |a, b| a | b)
}

pub fn v128_xor(a: v128, b: v128) -> v128 {
    both(a, b, |a, b| a ^ b)
}

pub fn u64x2_shuffle<const I: usize, const J: usize>(a: v128, b: v128) -> v128 {
    let words = [a, b].concat();
    [words[I], words[J]]
}

pub fn u32x4_shuffle<const I: usize, const J: usize, const K: usize, const L: usize>(
    a: v128,
    b: v128,
) -> v128 {
    let halves: Vec<u64> = [a, b]
        .concat()
        .into_iter()
        .flat_map(|word| [word & 0xffff_ffff, word >> 32])
        .collect();
    [halves[I] | halves[J] << 32, halves[K] | halves[L] << 32]
}
