//! Simple forms of letters: lower case, without accents.

use std::ops::RangeInclusive;

use icu_normalizer::properties::CanonicalCombiningClassMapBorrowed;
use icu_normalizer::{ComposingNormalizerBorrowed, DecomposingNormalizerBorrowed};

/// Returns a text for comparisons: the normal form KD in lower case, without diacritics, with the simple
/// forms of letters that have no decomposition. It keeps the letters of all scripts.
pub fn fold(text: &str) -> String {
    map(text, |char| simple_latin(char).or_else(|| simple_other(char)))
}

/// Returns a text as [`fold`] does, with Latin letters for Cyrillic and Greek ones.
pub fn transliterate(text: &str) -> String {
    map(text, |char| {
        simple_latin(char)
            .or_else(|| latin_of_cyrillic(char))
            .or_else(|| latin_of_greek(char))
    })
}

/// Returns whether a character can be part of a word: a letter, a digit, or a mark on one of them.
pub fn is_word(char: char) -> bool {
    char.is_alphanumeric() || is_mark(char)
}

/// Returns whether a character is a mark on a letter. Most marks without a combining class count as letters.
fn is_mark(char: char) -> bool {
    const OTHERS_IN_THAI: RangeInclusive<char> = '\u{E47}'..='\u{E4E}';
    const OTHERS_IN_LAO: RangeInclusive<char> = '\u{EC8}'..='\u{ECE}';
    const OTHERS_IN_KHMER: RangeInclusive<char> = '\u{17C9}'..='\u{17D3}';
    CanonicalCombiningClassMapBorrowed::new().get_u8(char) != 0
        || [OTHERS_IN_THAI, OTHERS_IN_LAO, OTHERS_IN_KHMER]
            .iter()
            .any(|others| others.contains(&char))
}

fn map(text: &str, simple: impl Fn(char) -> Option<&'static str>) -> String {
    let mut folded = String::with_capacity(text.len());
    let decomposer = DecomposingNormalizerBorrowed::new_nfkd();
    let decomposed = decomposer.normalize_iter(text.chars().flat_map(spaced));
    for char in decomposed.flat_map(char::to_lowercase) {
        if is_diacritic(char) || is_ignorable(char) {
            continue;
        }
        match (simple(char), decimal_digit(char)) {
            (Some(simple), _) => folded.push_str(simple),
            (None, Some(digit)) => folded.push(digit),
            (None, None) => folded.push(char),
        }
    }
    // Joins the parts of Hangul syllables and of kana again.
    ComposingNormalizerBorrowed::new_nfc()
        .normalize(&folded)
        .into_owned()
}

/// Separates characters that the normal form would join to the word before them: `1½` is not 11 halves.
fn spaced(char: char) -> impl Iterator<Item = char> {
    let (before, char) = match char {
        '¼'..='¾' | '⅐'..='⅞' | '↉' => (Some(' '), char),
        '™' | '℠' | '\u{200B}' => (None, ' '),
        _ => (None, char),
    };
    before.into_iter().chain([char])
}

/// Returns whether a mark only changes how a letter of Latin, Greek, Cyrillic, Hebrew or Arabic sounds. The
/// marks of other scripts are vowels, or make other letters.
const fn is_diacritic(char: char) -> bool {
    matches!(
        char,
        '\u{300}'..='\u{36F}'
            | '\u{483}'..='\u{489}'
            | '\u{591}'..='\u{5BD}'
            | '\u{5BF}'
            | '\u{5C1}'..='\u{5C2}'
            | '\u{5C4}'..='\u{5C5}'
            | '\u{5C7}'
            | '\u{610}'..='\u{61A}'
            | '\u{640}'
            | '\u{64B}'..='\u{65F}'
            | '\u{670}'
            | '\u{6D6}'..='\u{6DC}'
            | '\u{6DF}'..='\u{6E8}'
            | '\u{6EA}'..='\u{6ED}'
            | '\u{8D3}'..='\u{8FF}'
            | '\u{1AB0}'..='\u{1AFF}'
            | '\u{1DC0}'..='\u{1DFF}'
            | '\u{20D0}'..='\u{20FF}'
            | '\u{FE20}'..='\u{FE2F}'
    )
}

/// Returns whether a character is invisible, such as a soft hyphen, a joiner or a variation selector.
const fn is_ignorable(char: char) -> bool {
    matches!(
        char,
        '\u{AD}'
            | '\u{34F}'
            | '\u{61C}'
            | '\u{180B}'..='\u{180F}'
            | '\u{200C}'..='\u{200F}'
            | '\u{202A}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}'
            | '\u{FE00}'..='\u{FE0F}'
            | '\u{FEFF}'
            | '\u{E0000}'..='\u{E0FFF}'
    )
}

/// Returns the ASCII digit for a decimal digit of the common other scripts.
fn decimal_digit(char: char) -> Option<char> {
    // Each script has its digits in a row, beginning with 0.
    const ZEROS: [u32; 17] = [
        0x660, 0x6F0, 0x7C0, 0x966, 0x9E6, 0xA66, 0xAE6, 0xB66, 0xBE6, 0xC66, 0xCE6, 0xD66, 0xE50, 0xED0,
        0xF20, 0x1040, 0x17E0,
    ];
    let code = u32::from(char);
    let digit = ZEROS
        .iter()
        .find_map(|zero| code.checked_sub(*zero).filter(|digit| *digit < 10))?;
    char::from_digit(digit, 10)
}

const fn simple_latin(char: char) -> Option<&'static str> {
    Some(match char {
        'ß' => "ss",
        'æ' => "ae",
        'œ' => "oe",
        'ø' | 'ɔ' | 'ɵ' => "o",
        'đ' | 'ð' | 'ɖ' | 'ɗ' => "d",
        'þ' => "th",
        'ħ' => "h",
        'ı' | 'ɨ' | 'ɩ' => "i",
        'ĸ' | 'ƙ' => "k",
        'ł' | 'ƚ' | 'ɫ' => "l",
        'ŋ' | 'ɲ' | 'ƞ' => "n",
        'ŧ' | 'ƭ' | 'ʈ' => "t",
        'ƀ' | 'ɓ' => "b",
        'ƈ' | 'ȼ' => "c",
        'ɇ' | 'ǝ' | 'ə' | 'ɛ' => "e",
        'ƒ' => "f",
        'ǥ' | 'ɠ' | 'ɣ' => "g",
        'ɉ' => "j",
        'ƥ' => "p",
        'ɍ' => "r",
        'ʉ' | 'ʊ' => "u",
        'ʋ' => "v",
        'ɏ' | 'ƴ' => "y",
        'ƶ' | 'ȥ' => "z",
        _ => return None,
    })
}

/// Returns the letter that Greek and Arabic texts also use in place of this one.
const fn simple_other(char: char) -> Option<&'static str> {
    Some(match char {
        'ς' => "σ",
        'ٱ' => "ا",
        'ى' | 'ی' => "ي",
        'ة' | 'ە' => "ه",
        'ک' => "ك",
        _ => return None,
    })
}

const fn latin_of_cyrillic(char: char) -> Option<&'static str> {
    Some(match char {
        'а' => "a",
        'б' => "b",
        'в' => "v",
        'г' | 'ґ' => "g",
        'д' => "d",
        'е' | 'э' => "e",
        'є' => "ie",
        'ж' => "zh",
        'з' => "z",
        'и' | 'і' => "i",
        'ј' => "j",
        'к' => "k",
        'л' => "l",
        'љ' => "lj",
        'м' => "m",
        'н' => "n",
        'њ' => "nj",
        'о' => "o",
        'п' => "p",
        'р' => "r",
        'с' => "s",
        'т' => "t",
        'ћ' => "c",
        'у' => "u",
        'ф' => "f",
        'х' => "kh",
        'ц' => "ts",
        'ч' => "ch",
        'џ' => "dz",
        'ш' => "sh",
        'щ' => "shch",
        'ы' => "y",
        'ю' => "yu",
        'я' => "ya",
        'ђ' => "dj",
        'ѕ' => "dz",
        'ъ' | 'ь' => "",
        _ => return None,
    })
}

const fn latin_of_greek(char: char) -> Option<&'static str> {
    Some(match char {
        'α' => "a",
        'β' => "v",
        'γ' => "g",
        'δ' => "d",
        'ε' => "e",
        'ζ' => "z",
        'η' | 'ι' => "i",
        'θ' => "th",
        'κ' => "k",
        'λ' => "l",
        'μ' => "m",
        'ν' => "n",
        'ξ' => "x",
        'ο' | 'ω' => "o",
        'π' => "p",
        'ρ' => "r",
        'σ' | 'ς' => "s",
        'τ' => "t",
        'υ' => "y",
        'φ' => "f",
        'χ' => "ch",
        'ψ' => "ps",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_case_accents_and_forms_of_letters() {
        for (text, folded) in [
            ("Straße STRASSE Straẞe", "strasse strasse strasse"),
            (
                "Łódź Smørrebrød Æble Đorđe þorn",
                "lodz smorrebrod aeble dorde thorn",
            ),
            ("İstanbul ısı", "istanbul isi"),
            ("Điện thoại", "dien thoai"),
            ("Σίσυφος ΣΊΣΥΦΟΣ", "σισυφοσ σισυφοσ"),
            ("Ёлка Йод", "елка иод"),
            ("خَيْمَةٌ الـخـيمة أحمد إلى آية", "خيمه الخيمه احمد الي ايه"),
            ("שָׁלוֹם", "שלום"),
            ("ﬁn ①② ５Ｇ ㎏ ℃", "fin 12 5g kg °c"),
            ("1½ ½", "1 1⁄2  1⁄2"),
            ("Acme™ Wi\u{AD}Fi s\u{200D}t a\u{200B}b", "acme  wifi st a b"),
            ("ﾀﾜｰ ガ が", "タワー ガ が"),
            ("대한민국", "대한민국"),
            ("कुर्ता हिन्दी", "कुर्ता हिन्दी"),
            ("น้ำ ไม้", "น\u{e49}\u{e4d}า ไม้"),
            ("٣٤ ۵ ४", "34 5 4"),
            ("5\u{FE0F}\u{20E3}", "5"),
        ] {
            assert_eq!(fold(text), folded, "{text}");
        }
    }

    #[test]
    fn writes_european_scripts_with_latin_letters() {
        for (text, latin) in [
            ("Ёлки и Щётка", "elki i shchetka"),
            ("Київ ґанок", "kiiv ganok"),
            ("Παπούτσια Σίσυφος", "papoytsia sisyfos"),
            ("北京 خيمة", "北京 خيمة"),
        ] {
            assert_eq!(transliterate(text), latin, "{text}");
        }
    }
}
