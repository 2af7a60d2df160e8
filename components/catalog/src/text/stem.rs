//! Light stemming: the singular forms that a word may have. It joins plurals with their singulars, and does
//! not join words of different meanings, as far as endings tell.

/// Returns other forms of a folded word: what it may be without the ending of a plural or of a case, and
/// without an Arabic article. The language of a word is unknown. So the rules of all languages of its script
/// apply, and some forms are no words. Two words match if they have a form in common.
pub fn forms(word: &str) -> Vec<String> {
    let Some(first) = word.chars().next() else {
        return Vec::new();
    };
    let mut forms = match first {
        'a'..='z' if word.bytes().all(|byte| byte.is_ascii_lowercase()) => latin(word),
        'Ͱ'..='Ͽ' => without_ending(word, &GREEK, 3).into_iter().collect(),
        'Ѐ'..='ӿ' => without_ending(word, &RUSSIAN, 3).into_iter().collect(),
        'ء'..='ي' => arabic(word),
        _ => Vec::new(),
    };
    forms.retain(|form| form != word);
    forms.sort_unstable();
    forms.dedup();
    forms
}

/// An ending of Latin script, what replaces it, and the least number of letters before it.
type Rule = (&'static str, &'static str, usize);

/// The endings of plurals in English, German, French, Spanish and Portuguese.
const LATIN: [Rule; 27] = [
    // English. Other plurals end with s alone.
    ("ies", "y", 2),
    ("ves", "f", 2),
    ("ves", "fe", 2),
    ("sses", "ss", 1),
    ("xes", "x", 1),
    ("zes", "z", 2),
    ("ches", "ch", 1),
    ("shes", "sh", 1),
    ("oes", "o", 2),
    ("uses", "us", 1),
    ("men", "man", 0),
    ("feet", "foot", 0),
    ("teeth", "tooth", 0),
    ("children", "child", 0),
    // German. Shorter stems would join English words, such as wine and win.
    ("e", "", 4),
    ("en", "", 4),
    ("en", "e", 4),
    ("sen", "se", 2),
    ("eln", "el", 2),
    ("ern", "er", 3),
    ("er", "", 4),
    // French.
    ("aux", "al", 2),
    ("aux", "au", 2),
    ("oux", "ou", 2),
    ("eux", "eu", 2),
    // Spanish and Portuguese.
    ("es", "", 4),
    ("ces", "z", 2),
];

fn latin(word: &str) -> Vec<String> {
    let mut forms: Vec<_> = LATIN
        .iter()
        .filter_map(|(ending, instead, least)| {
            let stem = word.strip_suffix(ending).filter(|stem| stem.len() >= *least)?;
            Some(format!("{stem}{instead}"))
        })
        .collect();
    let singular = word.strip_suffix('s');
    forms.extend(
        singular
            .filter(|stem| stem.len() >= 3 && !stem.ends_with('s'))
            .map(Into::into),
    );
    if let Some(stem) = word.strip_suffix("oes") {
        forms.push(format!("{stem}ao"));
    }
    forms
}

/// The endings of nouns and adjectives, the longest first.
const RUSSIAN: [&str; 37] = [
    "ами", "ями", "ого", "его", "ому", "ему", "ыми", "ими", "ах", "ях", "ам", "ям", "ом", "ем", "ов", "ев",
    "еи", "ои", "ыи", "ии", "ая", "яя", "ое", "ее", "ые", "ие", "ых", "их", "ую", "юю", "а", "я", "о", "е",
    "ы", "и", "ь",
];

const GREEK: [&str; 19] = [
    "ουσ", "εισ", "εων", "ιων", "οσ", "ου", "οι", "ων", "εσ", "ασ", "ησ", "ια", "ι", "α", "η", "ο", "ε", "υ",
    "ω",
];

fn without_ending(word: &str, endings: &[&str], least: usize) -> Option<String> {
    let stem = endings.iter().find_map(|ending| word.strip_suffix(ending))?;
    (stem.chars().count() >= least).then(|| stem.into())
}

/// Returns an Arabic word without its article or preposition, and that without its ending.
fn arabic(word: &str) -> Vec<String> {
    const ARTICLES: [&str; 6] = ["وال", "بال", "كال", "فال", "ال", "لل"];
    const ENDINGS: [&str; 8] = ["ها", "ان", "ات", "ون", "ين", "يه", "ه", "ي"];
    let is_word = |word: &&str| word.chars().count() >= 3;
    let bare = ARTICLES
        .iter()
        .find_map(|article| word.strip_prefix(article))
        .filter(is_word)
        .unwrap_or(word);
    let stem = without_ending(bare, &ENDINGS, 3);
    [Some(bare.into()), stem].into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn match_each_other(a: &str, b: &str) -> bool {
        let all = |word: &str| {
            let mut all = forms(word);
            all.push(word.into());
            all
        };
        let b = all(b);
        all(a).iter().any(|form| b.contains(form))
    }

    #[test]
    fn joins_plurals_with_singulars() {
        for (plural, singular) in [
            ("socks", "sock"),
            ("boxes", "box"),
            ("dresses", "dress"),
            ("watches", "watch"),
            ("brushes", "brush"),
            ("berries", "berry"),
            ("cookies", "cookie"),
            ("knives", "knife"),
            ("shelves", "shelf"),
            ("gloves", "glove"),
            ("potatoes", "potato"),
            ("houses", "house"),
            ("women", "woman"),
            ("womens", "women"),
            ("socken", "socke"),
            ("hosen", "hose"),
            ("schuhe", "schuh"),
            ("bucher", "buch"),
            ("kleider", "kleid"),
            ("taschen", "tasche"),
            ("gabeln", "gabel"),
            ("hemden", "hemd"),
            ("chaussures", "chaussure"),
            ("manteaux", "manteau"),
            ("chevaux", "cheval"),
            ("bijoux", "bijou"),
            ("camisas", "camisa"),
            ("calcetines", "calcetin"),
            ("pantalones", "pantalon"),
            ("luces", "luz"),
            ("cartoes", "cartao"),
            ("елки", "елка"),
            ("футболки", "футболка"),
            ("платья", "платье"),
            ("столов", "стол"),
            ("παπουτσια", "παπουτσι"),
            ("τσαντεσ", "τσαντα"),
            ("الخيمه", "خيمه"),
            ("خيمات", "خيمه"),
        ] {
            assert!(match_each_other(plural, singular), "{plural} and {singular}");
        }
    }

    #[test]
    fn keeps_other_words_apart() {
        for (a, b) in [
            ("wine", "win"),
            ("cane", "can"),
            ("care", "car"),
            ("glass", "glas"),
            ("boxer", "box"),
            ("news", "newt"),
            ("5gs", "5g"),
            ("кот", "котел"),
        ] {
            assert!(!match_each_other(a, b), "{a} and {b}");
        }
    }
}
