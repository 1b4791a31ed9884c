//! Plain messages for wrong settings: they replace those of serde, and show a correct example.

/// The most characters of a wrong value that a message shows.
const LONGEST_SHOWN: usize = 60;

/// Makes a plain message: what was expected, with an example, and what was found. A message that is not one of serde's two kinds
/// stays as it is, such as a message of a type of this crate.
///
/// If the value may be a secret (`is_secret`), the message shows its kind only.
pub(crate) fn in_plain_words(message: &str, is_secret: bool) -> String {
    let told = message
        .strip_prefix("invalid type: ")
        .or_else(|| message.strip_prefix("invalid value: "))
        .and_then(|told| told.rsplit_once(", expected "));
    let Some((found, expected)) = told else {
        return if is_secret && message.starts_with("invalid ") {
            without_quoted(message)
        } else {
            message.to_owned()
        };
    };
    let found = Found::of(found, is_secret);
    format!("expected {}; found {}", expectation(expected, &found), found.shown)
}

/// Removes quoted text from a message: serde quotes the wrong value, which may be a secret.
fn without_quoted(message: &str) -> String {
    match (message.find('"'), message.rfind('"')) {
        (Some(first), Some(last)) if first < last => format!("{}…{}", &message[..first], &message[last + 1..]),
        _ => message.to_owned(),
    }
}

/// A wrong value.
struct Found {
    shown: String,
    /// The value as it stands in the file, if it is a text, a number or a boolean that may be shown whole.
    literal: Option<String>,
}

impl Found {
    /// Reads serde's description of a value: a kind, and mostly the value in quotes.
    fn of(said: &str, is_secret: bool) -> Self {
        let (kind, literal) = if let Some(text) = said.strip_prefix("string ") {
            ("a text", Some(text))
        } else if said == "sequence" {
            ("a list", None)
        } else if said == "map" {
            ("a table", None)
        } else if let Some((kind, rest)) = said.split_once(" `") {
            let kind = if kind == "boolean" { "a boolean" } else { "a number" };
            (kind, rest.strip_suffix('`'))
        } else {
            (said, None)
        };
        match literal {
            Some(literal) if !is_secret && literal.chars().count() <= LONGEST_SHOWN => Self {
                shown: literal.to_owned(),
                literal: Some(literal.to_owned()),
            },
            Some(literal) if !is_secret => Self {
                shown: format!("{}…", literal.chars().take(LONGEST_SHOWN).collect::<String>()),
                literal: None,
            },
            _ => Self {
                shown: kind.to_owned(),
                literal: None,
            },
        }
    }
}

/// Explains what serde expects to the author of a configuration. The names are those of `bytesize`, `humantime-serde` and serde
/// itself.
fn expectation(name: &str, found: &Found) -> String {
    let text = match name {
        "parsable string" | "an integer or string" => r#"a size such as "5 GB" or "100 MiB", or a number of bytes"#,
        "a duration" => r#"a length of time such as "30s", "24h" or "7days""#,
        "a boolean" => "`true` or `false`, without quotes",
        "u8" => "a whole number from 0 to 255",
        "u16" => "a whole number from 0 to 65535",
        "u32" => "a whole number from 0 to 4294967295",
        "u64" | "usize" => "a whole number, without quotes",
        "a map" => "a table",
        "a sequence" => {
            let entry = found.literal.as_deref().unwrap_or(r#""…""#);
            return format!("a list such as [{entry}]");
        }
        "a string" | "string or map" => {
            let text = found.literal.as_deref().unwrap_or("…");
            return format!("a text in quotes such as \"{}\"", text.trim_matches('"'));
        }
        name if name.starts_with("struct ") => "a table",
        name => name,
    };
    text.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_says_what_is_expected_with_an_example_and_what_was_found() {
        for (said, plain) in [
            (
                r#"invalid value: string "5 gigs", expected parsable string"#,
                r#"expected a size such as "5 GB" or "100 MiB", or a number of bytes; found "5 gigs""#,
            ),
            (
                "invalid type: boolean `true`, expected an integer or string",
                r#"expected a size such as "5 GB" or "100 MiB", or a number of bytes; found true"#,
            ),
            (
                "invalid type: integer `30`, expected a duration",
                r#"expected a length of time such as "30s", "24h" or "7days"; found 30"#,
            ),
            (
                r#"invalid type: string "image/*", expected a sequence"#,
                r#"expected a list such as ["image/*"]; found "image/*""#,
            ),
            (
                "invalid type: map, expected a sequence",
                r#"expected a list such as ["…"]; found a table"#,
            ),
            (
                "invalid type: floating point `1.5`, expected u16",
                "expected a whole number from 0 to 65535; found 1.5",
            ),
            (
                "invalid type: integer `1`, expected a string",
                r#"expected a text in quotes such as "1"; found 1"#,
            ),
            (
                r#"invalid type: string "a, expected b", expected a boolean"#,
                r#"expected `true` or `false`, without quotes; found "a, expected b""#,
            ),
            ("missing field `root`", "missing field `root`"),
            ("invalid length 3, expected 2", "invalid length 3, expected 2"),
        ] {
            assert_eq!(in_plain_words(said, false), plain);
        }
    }

    #[test]
    fn a_message_shows_the_kind_of_a_secret_and_the_beginning_of_a_long_value() {
        for (said, plain) in [
            (
                r#"invalid type: string "hunter2", expected a sequence"#,
                r#"expected a list such as ["…"]; found a text"#,
            ),
            (
                "invalid type: integer `4711`, expected a string",
                r#"expected a text in quotes such as "…"; found a number"#,
            ),
            (r#"invalid hunter "hunter2""#, "invalid hunter …"),
        ] {
            assert_eq!(in_plain_words(said, true), plain);
        }
        let long = format!("invalid type: string \"{}\", expected u64", "x".repeat(1000));
        let plain = in_plain_words(&long, false);
        assert!(plain.len() < 150 && plain.ends_with("xxx…"), "{plain}");
    }
}
