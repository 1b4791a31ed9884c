//! `tags`: words that a sender adds to a file, in one parameter. See `docs/upload-api.md`, "Direct uploads".

use intake_core::tags;

use crate::codes;
use crate::error::ApiError;

/// The tags of a parameter: separated by commas, in lower case, each once, in the order in which they were sent.
///
/// # Errors
///
/// If there are too many, or one is too long or has a character other than letters, digits, `.`, `_` and `-`.
pub(crate) fn read(text: &str) -> Result<Vec<String>, ApiError> {
    let invalid = |flaw: intake_core::Rejection| ApiError::new(&codes::TAGS_INVALID).arg(flaw.message);
    tags::of_sender(text.split(',')).map_err(invalid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_small_letters_each_once_in_their_order() {
        let fifty = (0..50).map(|number| number.to_string()).collect::<Vec<_>>();
        for (sent, expected) in [
            ("", &[][..]),
            (" , ,", &[]),
            ("cat", &["cat"]),
            (" Cat,dog ,,CAT,a.b_c-1", &["cat", "dog", "a.b_c-1"]),
        ] {
            assert_eq!(read(sent).unwrap(), expected, "{sent}");
        }
        assert_eq!(read(&fifty.join(",")).unwrap(), fifty);
        assert_eq!(
            read(&format!("{},49", fifty.join(","))).unwrap(),
            fifty,
            "one comes twice"
        );
        assert_eq!(read(&"x".repeat(100)).unwrap().len(), 1);
    }

    #[test]
    fn what_cannot_be_kept_is_refused_with_the_reason() {
        let many = (0..51).map(|number| number.to_string()).collect::<Vec<_>>().join(",");
        let long = "x".repeat(101);
        for (sent, says) in [
            (&*many, "a file has at most 50"),
            (&long, "a tag has more than 100 characters"),
            ("a,b c", "`b c` has another character"),
            ("ünï", "`ünï` has another character"),
            ("[\"a\"]", "`[\"a\"]` has another character"),
        ] {
            let refusal = read(sent).unwrap_err();
            assert_eq!((refusal.status(), refusal.api_code()), (400, "UploadFailedError"));
            assert!(refusal.message().contains(says), "{}", refusal.message());
        }
    }
}
