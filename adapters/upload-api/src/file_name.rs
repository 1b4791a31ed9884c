//! File names: what the sender said, and what of it is safe in an address.

/// The longest name that is kept, in bytes; the rest is cut off. What takes names as paths takes no more than 255.
const LONGEST: usize = 255;

/// The last step of whatever path the sender gave, in either of the common spellings.
pub(crate) fn base_name(sent: &str) -> &str {
    let name = sent.rsplit(['/', '\\']).next().unwrap_or_default().trim();
    match name {
        "." | ".." => "",
        name => &name[..name.floor_char_boundary(LONGEST)],
    }
}

/// The name with only `A-Z`, `a-z`, `0-9` and `_` around its last dot: wire facts, section 2.4.
pub(crate) fn sanitised(original: &str) -> String {
    let keep = |part: &str| {
        part.chars()
            .filter(|c| c.is_ascii_alphanumeric() || *c == '_')
            .collect::<String>()
    };
    let named = |stem: String| if stem.is_empty() { "noroot".to_owned() } else { stem };
    match original.rsplit_once('.') {
        Some((stem, ending)) => match keep(ending) {
            ending if ending.is_empty() => named(keep(stem)),
            ending => format!("{}.{ending}", named(keep(stem))),
        },
        None => named(keep(original)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sanitised_as_the_service_was_recorded_to() {
        for (original, expected) in [
            (
                "WhatsApp Image 2023-06-26 at 8.56.32 AM.jpeg",
                "WhatsAppImage20230626at85632AM.jpeg",
            ),
            ("instellar_logo_main (1).png", "instellar_logo_main1.png"),
            ("Северина_паспорт.pdf", "_.pdf"),
            ("Щедрин Евгений.pdf", "noroot.pdf"),
            ("-17.0°С (2).png", "1702.png"),
            ("2250", "2250"),
            ("IMG-0412_123.JPG", "IMG0412_123.JPG"),
            ("gar\u{e7}on.txt", "garon.txt"),
            ("garc\u{327}on.txt", "garcon.txt"),
            // Not recorded; by the same rule.
            (".htaccess", "noroot.htaccess"),
            ("name.", "name"),
            ("", "noroot"),
        ] {
            assert_eq!(sanitised(original), expected, "{original:?}");
        }
    }

    #[test]
    fn a_path_is_only_its_last_step() {
        for (sent, expected) in [
            ("../../x", "x"),
            ("/etc/passwd", "passwd"),
            ("C:\\fake path\\photo.png", "photo.png"),
            ("..", ""),
            ("a/..", ""),
            ("a/", ""),
            (" photo.png ", "photo.png"),
        ] {
            assert_eq!(base_name(sent), expected, "{sent:?}");
        }
        assert_eq!(base_name(&"ü".repeat(200)).len(), 254, "cut between characters");
    }
}
