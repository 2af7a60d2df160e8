//! The mail that carries a code, in the languages of the shop's other letters. Accounts sends it itself, while the user waits: who mistyped
//! the address is told at once.

use mercato_shop::locale::lookup;

/// What a letter says in one language.
struct Words {
    /// As BCP 47 writes it.
    language: &'static str,
    subject: &'static str,
    /// Before and after the code.
    text: [&'static str; 2],
}

const ENGLISH: Words = Words {
    language: "en",
    subject: "Your code",
    text: [
        "Your code is ",
        ". It is good for ten minutes.\r\n\r\n\
         Did you not ask for it? Then somebody has mistyped an address, and there is nothing to do.\r\n",
    ],
};

const GERMAN: Words = Words {
    language: "de",
    subject: "Ihr Code",
    text: [
        "Ihr Code ist ",
        ". Er gilt zehn Minuten.\r\n\r\n\
         Haben Sie ihn nicht angefordert? Dann hat sich jemand bei einer Adresse vertippt, und es ist nichts zu tun.\r\n",
    ],
};

/// The subject and the text of the letter for somebody who has this locale; English, where there is nothing nearer.
pub fn of_code(locale: Option<&str>, code: &str) -> (String, String) {
    const ALL: [Words; 2] = [ENGLISH, GERMAN];
    let words = lookup(locale, &ALL, |words| words.language).unwrap_or(&ENGLISH);
    let [before, after] = words.text;
    (words.subject.into(), format!("{before}{code}{after}"))
}
