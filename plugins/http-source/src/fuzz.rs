//! Private functions that the fuzz targets call.

use intake_core::FileName;

use crate::file_name;

/// The name of a file by the `Content-Disposition` that it comes with.
#[must_use]
pub fn of_disposition(value: &[u8]) -> Option<FileName> {
    file_name::of_disposition(value)
}
