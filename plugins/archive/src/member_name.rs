//! Names of members: whether they are safe to unpack, and how they are shown.

/// The most bytes of a name.
const MOST_BYTES: usize = 1024;
/// The most characters of a name that are shown.
const MOST_SHOWN: usize = 80;

/// Why a program that unpacks a member of this name might write outside of its folder, or fail.
pub(crate) fn danger(name: &[u8]) -> Option<&'static str> {
    if name.len() > MOST_BYTES {
        return Some("is longer than 1,024 bytes");
    }
    if name.contains(&0) {
        return Some("contains a NUL");
    }
    if name.starts_with(b"/") {
        return Some("is absolute");
    }
    // `C:\x`, `C:/x`, and `C:x`, which is relative to the current folder of a drive.
    if matches!(name, [drive, b':', ..] if drive.is_ascii_alphabetic()) {
        return Some("begins with a drive letter");
    }
    if name
        .split(|byte| matches!(byte, b'/' | b'\\'))
        .any(|part| part == b"..")
    {
        return Some("leads out of its folder");
    }
    name.contains(&b'\\').then_some("contains a backslash")
}

/// As much of a name as is kept: enough to check it, and to show it.
pub(crate) fn kept(name: &[u8]) -> Vec<u8> {
    name.get(..=MOST_BYTES).unwrap_or(name).to_vec()
}

/// The name for a message or a log: without control characters, and not long.
pub(crate) fn shown(name: &[u8]) -> String {
    // A character has at most four bytes; the rest would be cut off anyway.
    let begin = name.get(..MOST_SHOWN * 4).unwrap_or(name);
    let text = String::from_utf8_lossy(begin);
    let mut escaped = text.escape_debug();
    let mut shown: String = escaped.by_ref().take(MOST_SHOWN).collect();
    if escaped.next().is_some() {
        shown.pop();
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_lead_elsewhere_are_dangerous_and_others_are_not() {
        for name in [
            "a", "a/b.txt", "a/", "..a/b..", "a/.../b", "./a", "ab:c", "", "é/ü", "1:2",
        ] {
            assert_eq!(danger(name.as_bytes()), None, "{name}");
        }
        for name in [
            "/a", "..", "a/../b", "../a", "a/..", "..\\a", "a\\..\\b", "C:\\a", "c:a", "a\\b", "a\0b",
        ] {
            assert!(danger(name.as_bytes()).is_some(), "{name}");
        }
        assert_eq!(danger(&[b'a'; 1024]), None);
        assert!(danger(&[b'a'; 1025]).is_some());
    }

    #[test]
    fn a_shown_name_has_no_control_characters_and_at_most_eighty_characters() {
        assert_eq!(shown(b"a\x1b[31m\n\"\xFF"), "a\\u{1b}[31m\\n\\\"\u{FFFD}");
        let long = shown("ü".repeat(500).as_bytes());
        assert_eq!((long.chars().count(), long.ends_with("ü…")), (80, true));
        assert_eq!(shown(&[b'a'; 80]).len(), 80);
    }
}
