//! What an image may cost.

use crate::error::ImageError;

/// What an image may cost. All are checked before pixels are decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Bytes of the source; 100 MB as the service has it.
    pub input_bytes: u64,
    /// Pixels of the source; 75 million as the service has it.
    pub input_pixels: u64,
    /// Bytes of memory that one decoder may take; 512 MiB.
    pub memory: u64,
    /// Pixels on a side of the result; 3,000.
    pub output_side: u32,
    /// The same where the address asks for JPEG; 5,000.
    pub output_side_jpeg: u32,
    /// Passes of a progressive JPEG; 64. Encoders make ten.
    pub scans: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            input_bytes: 100_000_000,
            input_pixels: 75_000_000,
            memory: 512 << 20,
            output_side: 3_000,
            output_side_jpeg: 5_000,
            scans: 64,
        }
    }
}

impl Limits {
    /// These with a change.
    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    pub(crate) fn check_bytes(&self, found: u64) -> Result<(), ImageError> {
        check("bytes", found, self.input_bytes)
    }

    pub(crate) fn check_pixels(&self, width: u32, height: u32) -> Result<(), ImageError> {
        if width == 0 || height == 0 {
            return Err(ImageError::Damaged("it has no pixels".to_owned()));
        }
        check("pixels", u64::from(width) * u64::from(height), self.input_pixels)
    }

    pub(crate) fn check_memory(&self, found: u64) -> Result<(), ImageError> {
        check("bytes to decode", found, self.memory)
    }

    pub(crate) fn check_scans(&self, found: u32) -> Result<(), ImageError> {
        check("scans", found.into(), self.scans.into())
    }
}

fn check(unit: &'static str, found: u64, limit: u64) -> Result<(), ImageError> {
    if found > limit {
        return Err(ImageError::TooLarge { unit, found, limit });
    }
    Ok(())
}
