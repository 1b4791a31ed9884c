//! The codes of this plugin's refusals.

use intake_core::Code;

/// Refused: the image is also a script that a browser runs.
pub const POLYGLOT_SCRIPT: Code = Code::new("polyglot_script");
/// Refused: the image has tags of a web page, or of a page that a server runs, in it; the subject is the tag.
pub const POLYGLOT_MARKUP: Code = Code::new("polyglot_markup");
/// Refused: the content is a page or an SVG, and is called an image, video, sound or PDF.
pub const POLYGLOT_DISGUISE: Code = Code::new("polyglot_disguise");
/// Refused: the content is something else, and also a PDF.
pub const POLYGLOT_PDF: Code = Code::new("polyglot_pdf");
/// Refused: the content is something else, and also an archive; the subject is its format.
pub const POLYGLOT_ARCHIVE: Code = Code::new("polyglot_archive");
/// Refused: the content is a program, and also an archive; the subject is its format.
pub const POLYGLOT_SELF_EXTRACTING: Code = Code::new("polyglot_self_extracting");
/// Refused: a program is behind the end of the content.
pub const POLYGLOT_PROGRAM: Code = Code::new("polyglot_program");
/// Refused: data of an unknown kind is behind the end of an image.
pub const POLYGLOT_TRAILING_DATA: Code = Code::new("polyglot_trailing_data");
