//! Parameters in the query or in a URL-encoded or multipart body: `docs/upload-api.md`, "Every request".

use std::collections::HashMap;

use crate::codes;
use crate::error::ApiError;
use crate::metadata::Metadata;

/// The parameters that an endpoint reads. Others are counted and dropped.
const KNOWN: [&str; 22] = [
    "UPLOADCARE_PUB_KEY",
    "UPLOADCARE_STORE",
    "callback",
    "check_URL_duplicates",
    "content_type",
    "expire",
    "expires",
    "file_id",
    "filename",
    "group_id",
    "jsonerrors",
    "partNumber",
    "part_size",
    "pub_key",
    "save_URL_duplicates",
    "signature",
    "size",
    "source_url",
    "store",
    "tags",
    "token",
    "uuid",
];

/// The most bytes of one parameter: more than the longest value of metadata has, in the longest characters.
pub(crate) const LONGEST: usize = 8 * 1024;

/// The parameters of one request.
#[derive(Debug, Default)]
pub(crate) struct Params {
    values: HashMap<&'static str, String>,
    pub(crate) metadata: Metadata,
    /// `files[N]` and `files[]`, with the number in the brackets.
    files: Vec<(Option<u32>, String)>,
    fields: usize,
    at_most: usize,
    files_at_most: usize,
}

impl Params {
    pub(crate) fn new(at_most: usize) -> Self {
        Self {
            at_most,
            ..Self::default()
        }
    }

    /// The same parameters, with room for so many fields that name files.
    pub(crate) fn with_files(self, files_at_most: usize) -> Self {
        Self { files_at_most, ..self }
    }

    /// Parameters that name files, in their order: first by number, then those without one. Clients send them in any order, and
    /// some without a number. See `docs/upload-api.md`, "Groups".
    pub(crate) fn files(&self) -> Vec<&str> {
        let mut files: Vec<_> = self.files.iter().enumerate().collect();
        files.sort_by_key(|(came, (number, _))| (number.is_none(), *number, *came));
        files.into_iter().map(|(_, (_, file))| file.as_str()).collect()
    }

    /// Whether a parameter with this name names a file of a group, if the endpoint takes such names.
    pub(crate) fn names_a_file(&self, name: &str) -> bool {
        self.files_at_most > 0 && number_of(name).is_some()
    }

    /// Takes one parameter; `None` is a value that is too long. If a name occurs several times, its first value that is not
    /// empty counts, so that a value that was checked early never changes.
    pub(crate) fn take(&mut self, name: &str, value: Option<&str>) -> Result<(), ApiError> {
        if let Some(number) = number_of(name).filter(|_| self.names_a_file(name)) {
            if self.files.len() >= self.files_at_most {
                return Err(codes::TOO_MANY_FILES_NAMED.into());
            }
            // It is a file, or longer than any URL.
            let value = value.ok_or_else(|| ApiError::new(&codes::GROUP_FILE_UNREADABLE).arg(name))?;
            if value.contains('\0') {
                return Err(codes::NULL_CHARACTER.into());
            }
            self.files.push((number, value.to_owned()));
            return Ok(());
        }
        self.fields += 1;
        if self.fields > self.at_most {
            return Err(codes::TOO_MANY_FIELDS.into());
        }
        if name.contains('\0') || value.is_some_and(|value| value.contains('\0')) {
            return Err(codes::NULL_CHARACTER.into());
        }
        if self.metadata.take(name, value) {
            return Ok(());
        }
        let known = KNOWN.iter().find(|known| **known == name);
        // The sender relies on this parameter, so it must not be ignored.
        if known.is_some() && value.is_none() {
            return Err(codes::REQUEST_TOO_LARGE.into());
        }
        if let (Some(known), Some(value)) = (known, value.filter(|value| !value.is_empty())) {
            self.values.entry(known).or_insert_with(|| value.to_owned());
        }
        Ok(())
    }

    /// Whether an endpoint reads a parameter with this name.
    pub(crate) fn reads(&self, name: &str) -> bool {
        KNOWN.contains(&name) || (name.starts_with("metadata[") && name.ends_with(']')) || self.names_a_file(name)
    }

    /// Takes all parameters of a query, or of a URL-encoded body.
    pub(crate) fn take_urlencoded(&mut self, text: &[u8]) -> Result<(), ApiError> {
        for (name, value) in form_urlencoded::parse(text) {
            self.take(
                &name,
                Some(&value)
                    .filter(|value| value.len() <= LONGEST)
                    .map(|value| &**value),
            )?;
        }
        Ok(())
    }

    /// A parameter's value; an empty value counts as missing.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// Whether the sender wants errors in a response of status 200.
    pub(crate) fn json_errors(&self) -> bool {
        self.get("jsonerrors").is_some()
    }
}

/// The number in `files[7]`; `files[]` and `files[x]` have none. `None`: this is another name.
fn number_of(name: &str) -> Option<Option<u32>> {
    let number = name.strip_prefix("files[")?.strip_suffix(']')?;
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    // A number that is too large becomes the last one; a text that is not a number is none.
    Some(is_number.then(|| number.parse().unwrap_or(u32::MAX)))
}
