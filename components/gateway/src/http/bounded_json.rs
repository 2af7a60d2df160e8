//! JSON of a bounded size. It is bounded while it is written, so that no answer exhausts the memory.

use std::io::{self, Write};

use http::StatusCode;
use mercato_shop::types::Error;
use serde::Serialize;

use crate::http::problem::Problem;
use crate::model::long_text::{TOO_LARGE, too_large};

/// Writes JSON of at most this many bytes.
///
/// # Errors
/// RESPONSE_TOO_LARGE, and INTERNAL for a value that is no JSON.
pub fn write(value: &impl Serialize, max: usize) -> Result<Vec<u8>, Problem> {
    let mut bounded = Bounded {
        bytes: Vec::new(),
        max,
    };
    match serde_json::to_writer(&mut bounded, value) {
        Ok(()) => Ok(bounded.bytes),
        Err(error) if error.is_io() => Err(Problem::new(StatusCode::BAD_REQUEST, TOO_LARGE, too_large())),
        Err(error) => Err(Error::Internal(format!("a reply cannot be written: {error}")).into()),
    }
}

struct Bounded {
    bytes: Vec<u8>,
    max: usize,
}

impl Write for Bounded {
    fn write(&mut self, part: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + part.len() > self.max {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend_from_slice(part);
        Ok(part.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_an_answer_up_to_the_limit() {
        assert_eq!(write(&"1234", 6).ok(), Some(b"\"1234\"".to_vec()));
        assert_eq!(write(&"12345", 6).unwrap_err().code, TOO_LARGE);
    }
}
