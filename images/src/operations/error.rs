//! Why operations are refused.

/// Why the operations of an address are refused. The text is for whoever wrote the address: it names the operation, and
/// says what is expected; of the address it has only names of letters and digits.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OperationsError {
    /// The operations are longer than [`MAX_LENGTH`](super::MAX_LENGTH).
    #[error(
        "the operations of an address may have {} bytes; these have {length}",
        super::MAX_LENGTH
    )]
    TooLong {
        /// Their bytes.
        length: usize,
    },
    /// There are more operations than [`MAX_OPERATIONS`](super::MAX_OPERATIONS).
    #[error(
        "there are more than {} operations, or more than four that blur or sharpen",
        super::MAX_OPERATIONS
    )]
    TooMany,
    /// There is no such operation.
    #[error("there is no operation {operation}: see the list of operations")]
    Unknown {
        /// Its name.
        operation: String,
    },
    /// The service has this operation, and it is not offered here.
    #[error("the operation {operation} is not supported here: leave it out")]
    Unsupported {
        /// Its name, with the parameter that is not supported.
        operation: &'static str,
    },
    /// The parameters are not those of the operation.
    #[error("the parameters of {operation} are wrong: expected {expected}")]
    Parameters {
        /// Its name.
        operation: &'static str,
        /// The forms that are accepted.
        expected: &'static str,
    },
    /// Nothing says how large the result is.
    #[error("a processed image needs preview, resize or scale_crop: add -/preview/ to keep its size up to 2048x2048")]
    NoSize,
}

impl OperationsError {
    /// A stable name, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLong { .. } | Self::TooMany => "image_operations_too_long",
            Self::Unknown { .. } => "image_operation_unknown",
            Self::Unsupported { .. } => "image_operation_unsupported",
            Self::Parameters { .. } => "image_operation_invalid",
            Self::NoSize => "image_size_missing",
        }
    }
}
