//! The rules for tags, the words that the owner of a file adds to it, however they arrive. Pure.

use crate::value::codes;
use crate::value::verdict::Rejection;

/// The most tags of a file.
pub const MOST_TAGS: usize = 50;
/// The most characters of a tag.
pub const LONGEST_TAG: usize = 100;

/// The tags that a sender names: without the space around them, in lower case, each once, in their order. Empty ones are left out.
///
/// # Errors
///
/// [`TAGS_INVALID`](crate::codes::TAGS_INVALID) if there are too many, or one is too long or has a character other than ASCII
/// letters, digits, `.`, `_` and `-`.
pub fn of_sender<'a>(named: impl IntoIterator<Item = &'a str>) -> Result<Vec<String>, Rejection> {
    let invalid = |what: String| Err(Rejection::new(codes::TAGS_INVALID, what));
    let mut tags: Vec<String> = Vec::new();
    for tag in named.into_iter().map(str::trim).filter(|tag| !tag.is_empty()) {
        if tag.chars().count() > LONGEST_TAG {
            return invalid(format!("a tag has more than {LONGEST_TAG} characters"));
        }
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        if !tag.bytes().all(is_plain) {
            return invalid(format!(
                "`{tag}` has another character than letters, digits, `.`, `_` and `-`"
            ));
        }
        let tag = tag.to_ascii_lowercase();
        if tags.contains(&tag) {
            continue;
        }
        if tags.len() == MOST_TAGS {
            return invalid(format!("a file has at most {MOST_TAGS}"));
        }
        tags.push(tag);
    }
    Ok(tags)
}
