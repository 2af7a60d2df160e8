//! Random mutations of a corpus.

use fastrand::Rng;

/// Values near limits, and characters that parsers treat specially.
const TOKENS: [&str; 32] = [
    "0",
    "-1",
    "1e308",
    "2147483648",
    "9007199254740993",
    "-0",
    "null",
    "true",
    "\"",
    "\\",
    "{",
    "}",
    "[",
    "]",
    "(",
    ")",
    "$",
    "@",
    "...",
    ":",
    ",",
    ";",
    "=",
    "%00",
    "\0",
    "\r\n",
    "\u{feff}",
    "\u{202e}",
    "é",
    "👕",
    "..",
    "<",
];

/// Mutates the inputs of a corpus.
pub struct Mutator {
    rng: Rng,
    corpus: Vec<Vec<u8>>,
}

impl Mutator {
    pub fn new(seed: u64, corpus: Vec<Vec<u8>>) -> Self {
        Self {
            rng: Rng::with_seed(seed),
            corpus,
        }
    }

    /// Returns an input with one to four changes.
    pub fn next(&mut self) -> Vec<u8> {
        let mut input = self.any().to_vec();
        for _ in 0..self.rng.usize(1..=4) {
            self.change(&mut input);
        }
        input
    }

    fn any(&mut self) -> &[u8] {
        let index = self.rng.usize(..self.corpus.len());
        &self.corpus[index]
    }

    fn change(&mut self, input: &mut Vec<u8>) {
        let from = self.rng.usize(..=input.len());
        let to = (from + self.rng.usize(..=16)).min(input.len());
        match self.rng.u8(..8) {
            0 if from < to => input[from] ^= 1 << self.rng.u8(..8),
            0 | 1 => drop(input.drain(from..to)),
            2 => input.truncate(from),
            3 => {
                let copy = input[from..to].repeat(self.rng.usize(1..=4));
                drop(input.splice(from..from, copy));
            }
            4 | 5 => {
                let token = TOKENS[self.rng.usize(..TOKENS.len())].bytes();
                let end = if self.rng.bool() { from } else { to };
                drop(input.splice(from..end, token));
            }
            _ => {
                let other = self.any().to_vec();
                let start = self.rng.usize(..=other.len());
                let end = (start + self.rng.usize(..=64)).min(other.len());
                drop(input.splice(from..to, other[start..end].to_vec()));
            }
        }
    }
}
