//! What the parts of a profile may be, and how a patch changes them.

use mercato_shop::accounts::UserPatch;
use mercato_shop::address::{is_email, is_phone};
use mercato_shop::types::Error;

use crate::user::Profile;

impl Profile {
    /// Makes the changes of a patch, all or none.
    pub fn apply(&mut self, patch: UserPatch) -> Result<(), Error> {
        let parts = [
            (
                &mut self.name,
                patch.name,
                is_name as fn(&str) -> bool,
                "name",
                "A name has 1 to 100 characters, and no control characters.",
            ),
            (
                &mut self.email,
                patch.email,
                is_email,
                "email",
                "An e-mail address looks like ada@example.com.",
            ),
            (
                &mut self.phone,
                patch.phone,
                is_phone,
                "phone",
                "A phone number is written as E.164 does: +, the country's code, the number; digits only.",
            ),
            (
                &mut self.locale,
                patch.locale,
                is_locale,
                "locale",
                "A locale is written as BCP 47 does: de, en-GB, zh-Hant-TW.",
            ),
        ];
        for (_, new, is_good, field, message) in &parts {
            if new.as_deref().is_some_and(|new| !new.is_empty() && !is_good(new)) {
                return Err(Error::invalid(*field, *message));
            }
        }
        let (mut email, mut phone) = (false, false);
        for (kept, new, _, field, _) in parts {
            let Some(new) = new else { continue };
            let new = Some(new).filter(|new| !new.is_empty());
            if *kept != new {
                email |= field == "email";
                phone |= field == "phone";
                *kept = new;
            }
        }
        // Who had the one address need not have the other.
        self.email_verified &= !email;
        self.phone_verified &= !phone;
        Ok(())
    }
}

fn is_name(text: &str) -> bool {
    text.chars().count() <= 100 && !text.trim().is_empty() && !text.chars().any(char::is_control)
}

fn is_locale(text: &str) -> bool {
    let mut tags = text.split('-');
    let language = tags.next().unwrap_or_default();
    (2..=3).contains(&language.len())
        && language.bytes().all(|byte| byte.is_ascii_alphabetic())
        && text.len() <= 35
        && tags
            .all(|tag| (1..=8).contains(&tag.len()) && tag.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_of_a_profile_is_taken_within_its_bounds() {
        assert!(["Ada", "Ada Lovelace", "李"].into_iter().all(is_name));
        assert!(!["", " ", "a\nb", &"a".repeat(101)].into_iter().any(is_name));
        assert!(["de", "en-GB", "zh-Hant-TW"].into_iter().all(is_locale));
        assert!(
            !["", "e", "english", "en_GB", "en-", "en-ümlaut"]
                .into_iter()
                .any(is_locale)
        );
    }

    #[test]
    fn a_patch_that_is_wrong_in_part_changes_nothing() {
        let mut profile = Profile::default();
        let patch = |name: &str, email: &str| UserPatch {
            name: Some(name.into()),
            email: Some(email.into()),
            phone: None,
            locale: None,
        };
        assert!(profile.apply(patch("Ada", "nonsense")).is_err());
        assert_eq!(profile, Profile::default());
        profile.apply(patch("Ada", "ada@example.com")).unwrap();
        profile.apply(patch("", "ada@example.org")).unwrap();
        assert_eq!(
            (profile.name, profile.email.as_deref()),
            (None, Some("ada@example.org"))
        );
    }
}
