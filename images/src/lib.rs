//! Image operations of the Uploadcare URL grammar: read from addresses, bounded, and run on one image.
//!
//! [`Operations::parse`] reads what an address asks for, [`run`] does it, and [`describe`] tells what `-/json/` answers. Sizes are checked on the
//! headers of an image, before its pixels are decoded. A call takes one processor until it is done, and bounded memory.
//!
//! ```
//! use std::io::Cursor;
//!
//! use intake_images::{Accept, Limits, Operations, run};
//!
//! # let mut source = Cursor::new(Vec::new());
//! # image::RgbImage::new(300, 200).write_to(&mut source, image::ImageFormat::Png)?;
//! let operations = Operations::parse("-/preview/100x100/")?;
//! let result = run(&mut source, &operations, Accept::of("image/webp,*/*"), &Limits::default())?;
//! assert_eq!((result.width, result.height), (100, 67));
//! assert_eq!(result.format.media_type(), "image/webp");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod accept;
mod decode;
mod encode;
mod error;
mod layout;
mod limits;
mod operations;
mod picture;
mod pixels;
mod run;

pub use crate::accept::Accept;
pub use crate::decode::Location;
pub use crate::encode::{ENCODER_VERSION, ResultFormat};
pub use crate::error::ImageError;
pub use crate::limits::Limits;
pub use crate::operations::{
    MAX_LENGTH, MAX_OPERATIONS, MAX_SIDE, Metadata, Operations, OperationsError, Output, OutputFormat, Quality,
};
pub use crate::run::{Description, Rendered, describe, run};
