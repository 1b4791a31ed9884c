//! Why there is no result.

/// Why an image cannot be processed or described.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImageError {
    /// The source is not an image of a format that is known here.
    #[error("Not an image")]
    NotAnImage,
    /// The source is an image that cannot be decoded here.
    #[error("{format} images cannot be decoded here: ask for the original")]
    Undecodable {
        /// The name of its format.
        format: &'static str,
    },
    /// The source is larger than a limit.
    #[error("the image is too large to be processed: it has {found} {unit}, and may have {limit}")]
    TooLarge {
        /// What is counted.
        unit: &'static str,
        /// How many there are, or would be.
        found: u64,
        /// How many there may be.
        limit: u64,
    },
    /// The result would be larger than a limit.
    #[error("the result would be {width}x{height} pixels, and may have {limit} on a side: ask for less")]
    OutputTooLarge {
        /// In pixels.
        width: u32,
        /// In pixels.
        height: u32,
        /// Of each side, in pixels.
        limit: u32,
    },
    /// The content is damaged, or of a kind that its decoder does not know.
    #[error("the image is damaged: {0}")]
    Damaged(String),
    /// The source cannot be read.
    #[error("the image cannot be read: {0}")]
    Io(#[from] std::io::Error),
    /// The result cannot be written.
    #[error("the result cannot be written: {0}")]
    Encoding(String),
}

impl ImageError {
    /// A stable name, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotAnImage => "image_unknown",
            Self::Undecodable { .. } => "image_undecodable",
            Self::TooLarge { .. } => "image_input_too_large",
            Self::OutputTooLarge { .. } => "image_output_too_large",
            Self::Damaged(_) => "image_damaged",
            Self::Io(_) => "image_unreadable",
            Self::Encoding(_) => "image_not_written",
        }
    }

    /// From what a decoder says, shortened: it may have bytes of the sender's.
    pub(crate) fn damaged(error: &dyn std::fmt::Display) -> Self {
        let text = error.to_string();
        let printable = |letter: &char| letter.is_ascii_graphic() || *letter == ' ';
        Self::Damaged(text.chars().filter(printable).take(120).collect())
    }
}

impl From<image::ImageError> for ImageError {
    fn from(error: image::ImageError) -> Self {
        match error {
            image::ImageError::IoError(error) if error.kind() != std::io::ErrorKind::UnexpectedEof => Self::Io(error),
            error => Self::damaged(&error),
        }
    }
}

impl From<jpeg_decoder::Error> for ImageError {
    fn from(error: jpeg_decoder::Error) -> Self {
        match error {
            jpeg_decoder::Error::Io(error) if error.kind() != std::io::ErrorKind::UnexpectedEof => Self::Io(error),
            error => Self::damaged(&error),
        }
    }
}
