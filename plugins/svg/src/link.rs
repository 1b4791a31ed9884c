//! What a reference does.

/// What following a reference does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Link {
    /// It stays in the document, or has its content in itself.
    Inside,
    /// As [`Link::Inside`], and what it has in itself is a document of its own.
    Document,
    /// It has content of another kind in itself.
    Data,
    /// It runs a script.
    Script,
    /// It leaves the document.
    External,
}

/// How much of a reference tells what it does, in characters.
const PREFIX: usize = 128;

/// Begins of references that run scripts.
const SCRIPTS: [&str; 8] = [
    "javascript:",
    "vbscript:",
    "livescript:",
    "data:text/html",
    "data:text/xml",
    "data:application/xml",
    "data:application/xhtml",
    "data:text/javascript",
];

/// Begins of `data:` references to what cannot be active.
const HARMLESS: [&str; 6] = [
    "data:image/",
    "data:font/",
    "data:application/font",
    "data:application/x-font",
    "data:application/vnd.ms-fontobject",
    "data:application/octet-stream",
];

/// What a reference does, once its entities are decoded.
pub(crate) fn judge(reference: &str) -> Link {
    let plain = plain(reference);
    let begins = |with: &&str| plain.starts_with(*with);
    if SCRIPTS.iter().any(begins) {
        return Link::Script;
    }
    if plain.starts_with("data:image/svg") {
        return Link::Document;
    }
    if plain.is_empty() || plain.starts_with('#') || HARMLESS.iter().any(begins) {
        return Link::Inside;
    }
    if plain.starts_with("data:") {
        Link::Data
    } else {
        Link::External
    }
}

/// Whether a reference has nothing but characters that browsers pass over.
pub(crate) fn is_blank(reference: &str) -> bool {
    plain(reference).is_empty()
}

/// Whether one of the references in a list, such as the values of an animation, runs a script.
pub(crate) fn has_script(list: &str) -> bool {
    list.split(';').any(|reference| judge(reference) == Link::Script)
}

/// The begin of a reference in lower case, without the characters that browsers pass over.
fn plain(reference: &str) -> String {
    let is_seen = |character: &char| {
        let is_invisible = matches!(character, '\u{200B}'..='\u{200F}' | '\u{2060}' | '\u{FEFF}' | '\u{AD}');
        !character.is_whitespace() && !character.is_control() && !is_invisible
    };
    let seen = reference.chars().filter(is_seen).take(PREFIX);
    seen.map(|character| character.to_ascii_lowercase()).collect()
}
