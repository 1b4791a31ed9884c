//! Characters that must not reach a log or a terminal unescaped, whatever their source.

use std::borrow::Cow;

/// Whether a character changes how text around it is shown: it ends a line, moves the cursor, or changes the direction of text.
pub(super) fn is_active(character: char) -> bool {
    let is_line_end = matches!(character, '\u{2028}' | '\u{2029}');
    // All controls of Unicode's bidirectional algorithm (UAX 9, section 2): marks, embeddings, overrides, isolates.
    let is_direction = matches!(
        character,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    );
    character.is_control() || is_line_end || is_direction
}

/// JSON with such characters as JSON escapes; its value is unchanged.
pub(super) fn in_json(json: &str) -> Cow<'_, str> {
    // They are all in the basic plane, so each is one escape.
    escaped(json, is_active, |character| format!("\\u{:04x}", u32::from(character)))
}

/// A line of text with such characters escaped, except for those that `is_left`.
pub(super) fn in_line(line: &str, is_left: impl Fn(char) -> bool) -> Cow<'_, str> {
    let is_spelt = |character| is_active(character) && !is_left(character);
    escaped(line, is_spelt, |character| character.escape_default().to_string())
}

fn escaped(text: &str, is_written: impl Fn(char) -> bool, write: impl Fn(char) -> String) -> Cow<'_, str> {
    if !text.contains(&is_written) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        match is_written(character) {
            true => shown.push_str(&write(character)),
            false => shown.push(character),
        }
    }
    Cow::Owned(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: &str = "a\u{202e}gpj\r\n\u{1b}[2J\u{9b}\u{85}\u{2028}\u{2067}b";

    #[test]
    fn json_says_the_same_without_them() {
        let json = serde_json::to_string(&[NAME]).unwrap();
        let escaped = in_json(&json);
        assert!(!escaped.contains(is_active), "{escaped}");
        assert_eq!(serde_json::from_str::<[String; 1]>(&escaped).unwrap(), [NAME]);
        let plain = r#"{"name":"naïve 日本 👩‍👩‍👧"}"#;
        assert!(matches!(in_json(plain), Cow::Borrowed(same) if same == plain));
    }

    #[test]
    fn a_line_stays_a_line() {
        let spelt = r"a\u{202e}gpj\r\n\u{1b}[2J\u{9b}\u{85}\u{2028}\u{2067}b";
        assert_eq!(in_line(NAME, |_| false), spelt);
        assert_eq!(
            in_line("\u{1b}[1mb\n", |character| character == '\u{1b}'),
            "\u{1b}[1mb\\n"
        );
    }
}
