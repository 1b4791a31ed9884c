//! What was made of a file.

use bytes::Bytes;

/// What was made of a file, and can be made again.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Derived {
    /// Its media type, such as `image/webp`. One of more than 32 bytes is not kept.
    pub media_type: String,
    /// Its bytes.
    pub bytes: Bytes,
}

impl Derived {
    /// Some bytes of a type.
    ///
    /// ```
    /// use intake_core::Derived;
    ///
    /// let thumbnail = Derived::new("image/webp", vec![0; 9_000]);
    /// ```
    #[must_use]
    pub fn new(media_type: impl Into<String>, bytes: impl Into<Bytes>) -> Self {
        Self {
            media_type: media_type.into(),
            bytes: bytes.into(),
        }
    }
}
