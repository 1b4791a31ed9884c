//! What is refused beside formulas and broken encodings.

use intake_plugin_text::{Bidi, Choice, Text};

use crate::{note, refusal, with};

#[tokio::test]
async fn control_characters_are_refused() {
    for (content, subject) in [
        ("a\0b", "U+0000 in line 1"),
        ("a\nb\u{1}", "U+0001 in line 2"),
        ("a\r\nb\u{7}", "U+0007 in line 2"),
        ("a\rb\u{b}", "U+000B in line 2"),
        ("a\u{8}", "U+0008 in line 1"),
        ("\u{1f}", "U+001F in line 1"),
        ("\u{1a}more", "U+001A in line 1"),
        // Sequences that move the cursor, set the title, or answer as if the user typed.
        ("\u{1b}]0;title\u{7}", "U+001B in line 1"),
        ("\u{1b}[2J", "U+001B in line 1"),
        ("\u{1b}[6n", "U+001B in line 1"),
        ("\u{1b}c", "U+001B in line 1"),
        ("\u{1b}", "U+001B in line 1"),
        ("\u{1b}[31", "U+001B in line 1"),
    ] {
        let expected = Some(("text_control_character".to_owned(), subject.to_owned()));
        assert_eq!(
            refusal(&Text::default(), "a.txt", content.as_bytes()).await,
            expected,
            "{content:?}"
        );
        let lenient = with(|settings| settings.control_characters = Choice::Accept);
        assert_eq!(
            refusal(&lenient, "a.txt", content.as_bytes()).await,
            None,
            "{content:?}"
        );
    }
}

#[tokio::test]
async fn c1_characters_and_colours_can_be_refused() {
    let strict = with(|settings| (settings.c1_characters, settings.color_codes) = (Choice::Refuse, Choice::Refuse));
    for content in ["\u{9b}31m", "\u{80}", "\u{1b}[31mred\u{1b}[0m"] {
        assert!(
            refusal(&strict, "a.txt", content.as_bytes()).await.is_some(),
            "{content:?}"
        );
        assert_eq!(
            refusal(&Text::default(), "a.txt", content.as_bytes()).await,
            None,
            "{content:?}"
        );
    }
    assert_eq!(refusal(&strict, "a.txt", "line\u{85}line".as_bytes()).await, None);
    // Of an encoding that is guessed, these bytes are other characters.
    assert_eq!(refusal(&strict, "a.txt", b"\x81\x8d caf\xe9").await, None);
}

#[tokio::test]
async fn characters_of_direction_that_are_not_closed_are_refused_in_code() {
    let (strict, lenient) = (
        with(|settings| (settings.bidi_in_code, settings.bidi_in_text) = (Bidi::Refuse, Bidi::Refuse)),
        with(|settings| settings.bidi_in_code = Bidi::Accept),
    );
    for (line, is_refused) in [
        ("/* \u{202e} */ end", true),
        ("x = '\u{2067}'; return", true),
        ("// \u{202a}a", true),
        ("\u{202e}\u{2066}a\u{2069} b", true),
        ("\u{2066}\u{202e}a\u{2069} b", false),
        ("s = '\u{202b}שלום\u{202c}'", false),
        ("s = '\u{2067}a\u{2068}b\u{2069}c\u{2069}'", false),
        ("\u{202c}\u{2069}", false),
    ] {
        for end in ["", "\n", "\r\nmore", "\u{2029}"] {
            let content = format!("first\n{line}{end}");
            let refused = refusal(&Text::default(), "a.c", content.as_bytes()).await;
            assert_eq!(refused.is_some(), is_refused, "{content:?}");
            if let Some((code, subject)) = refused {
                assert_eq!(code, "text_bidi");
                assert!(subject.ends_with("in line 2"), "{subject}");
            }
            assert!(
                refusal(&strict, "a.c", content.as_bytes()).await.is_some(),
                "{content:?}"
            );
            assert!(
                refusal(&strict, "a.txt", content.as_bytes()).await.is_some(),
                "{content:?}"
            );
            assert_eq!(refusal(&lenient, "a.c", content.as_bytes()).await, None, "{content:?}");
            assert!(note("a.txt", content.as_bytes()).await.has_bidi);
        }
    }
}

#[tokio::test]
async fn more_directions_than_the_algorithm_knows_count_as_not_closed() {
    let nested = |count: usize| format!("{}a{}", "\u{2066}".repeat(count), "\u{2069}".repeat(count));
    assert_eq!(refusal(&Text::default(), "a.c", nested(125).as_bytes()).await, None);
    assert!(refusal(&Text::default(), "a.c", nested(126).as_bytes()).await.is_some());
}

#[tokio::test]
async fn lines_can_be_limited() {
    let limited = with(|settings| settings.max_line = Some(4));
    for (content, line) in [
        ("1234\n1234\r\n1234", None),
        ("12345", Some("line 1")),
        ("1\n\n12345", Some("line 3")),
        ("äö\rääö", Some("line 2")),
    ] {
        let refused = refusal(&limited, "a.txt", content.as_bytes()).await;
        let expected = line.map(|line| ("text_line_too_long".to_owned(), line.to_owned()));
        assert_eq!(refused, expected, "{content:?}");
        assert_eq!(refusal(&Text::default(), "a.txt", content.as_bytes()).await, None);
    }
}
