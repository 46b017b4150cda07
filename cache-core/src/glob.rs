//! Patterns over names: `*` stands for any text, `?` for one character.

/// Whether a pattern describes all of a text. O(length of the one × length of the other).
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    let (mut pattern, mut text) = (pattern.chars(), text.chars());
    // Where to go on when the last `*` has to stand for one more character.
    let mut retry = None;
    loop {
        let (mut next_pattern, mut next_text) = (pattern.clone(), text.clone());
        match (next_pattern.next(), next_text.next()) {
            (None, None) => return true,
            (Some('*'), _) => {
                retry = Some((next_pattern.clone(), text.clone()));
                pattern = next_pattern;
            }
            (Some(token), Some(found)) if token == '?' || token == found => {
                (pattern, text) = (next_pattern, next_text);
            }
            _ => {
                let Some((after_star, from)) = &mut retry else { return false };
                if from.next().is_none() {
                    return false;
                }
                (pattern, text) = (after_star.clone(), from.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::matches;
    use proptest::prelude::*;

    #[test]
    fn a_pattern_describes_the_whole_text() {
        for (pattern, text, expected) in [
            ("", "", true),
            ("", "a", false),
            ("a", "", false),
            ("*", "", true),
            ("*", "anything", true),
            ("?", "", false),
            ("?", "ä", true),
            ("img:dalle3:*", "img:dalle3:large", true),
            ("img:dalle3:*", "img:dalle3", false),
            ("img:dalle3:*", "img:dalle2:dalle3:", false),
            ("*:large", "img:dalle3:large:large", true),
            ("i*g:?:*", "img:3:", true),
            ("a*b*c", "aXbXbXc", true),
            ("a*b*c", "aXcXb", false),
            ("user:1", "user:10", false),
            ("user:1", "USER:1", false),
            ("**", "x", true),
        ] {
            assert_eq!(matches(pattern, text), expected, "`{pattern}` and `{text}`");
        }
    }

    /// The rules, one after the other.
    fn naive(pattern: &[char], text: &[char]) -> bool {
        match (pattern, text) {
            ([], []) => true,
            (['*', rest @ ..], _) => (0..=text.len()).any(|skip| naive(rest, &text[skip..])),
            (['?', rest @ ..], [_, text @ ..]) => naive(rest, text),
            ([token, rest @ ..], [found, text @ ..]) => token == found && naive(rest, text),
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn it_decides_as_the_rules_say(pattern in "[ab*?]{0,8}", text in "[ab]{0,10}") {
            let chars = |text: &str| text.chars().collect::<Vec<_>>();
            prop_assert_eq!(matches(&pattern, &text), naive(&chars(&pattern), &chars(&text)));
        }
    }
}
