//! The codes of this plugin's refusals.

use intake_core::Code;

/// The document has a script.
pub const PDF_JAVASCRIPT: Code = Code::new("pdf_javascript");
/// The document starts a program, sends a form, or imports data.
pub const PDF_LAUNCH: Code = Code::new("pdf_launch");
/// The document opens another document.
pub const PDF_REMOTE: Code = Code::new("pdf_remote");
/// The document contains a file.
pub const PDF_EMBEDDED_FILE: Code = Code::new("pdf_embedded_file");
/// The document is encrypted.
pub const PDF_ENCRYPTED: Code = Code::new("pdf_encrypted");
/// The document has an XFA form.
pub const PDF_XFA: Code = Code::new("pdf_xfa");
/// The document cannot be looked into.
pub const PDF_UNREADABLE: Code = Code::new("pdf_unreadable");
