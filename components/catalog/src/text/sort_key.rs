//! Keys that sort names as the Unicode collation (UTS #10, root) does.

use std::fmt::Write;

use icu_collator::CollatorBorrowed;
use icu_collator::options::CollatorOptions;

/// Letters first, then accents, then case. Digits are compared one by one.
const COLLATOR: CollatorBorrowed<'static> = CollatorBorrowed::new_root(CollatorOptions::default());

/// The longest key, in bytes. The ends of very long names are not compared.
const MAX_BYTES: usize = 256;

/// Returns the key of a name. Stores compare keys by code point.
pub fn sort_key(name: &str) -> String {
    let mut bytes = Vec::new();
    let Ok(()) = COLLATOR.write_sort_key_to(name, &mut bytes);
    let mut key = String::with_capacity(2 * MAX_BYTES);
    for byte in bytes.into_iter().take(MAX_BYTES) {
        // Writing to a String never fails.
        let _ = write!(key, "{byte:02x}");
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sorts_by_letters_then_accents_then_case() {
        let sorted = [
            "",
            "👕",
            "10",
            "2",
            "apfel",
            "Apfel",
            "äpfel",
            "Äpfel",
            "Apple",
            "çilek",
            "Émile",
            "ﬁn",
            "łódź",
            "zebra",
            "Σίσυφος",
            "ёлка",
            "שלום",
            "خيمة",
            "北京",
        ];
        for (a, b) in sorted.iter().zip(sorted.iter().skip(1)) {
            assert!(sort_key(a) < sort_key(b), "{a} < {b}");
        }
        assert_eq!(sort_key("e\u{301}"), sort_key("é"));
        assert_eq!(sort_key(&"x".repeat(500)).len(), 2 * MAX_BYTES);
    }
}
