//! The codes of this plugin's refusals.

use intake_core::Code;

/// Refused: the content is not what the name says; the subject is the type that was found, or `unknown`.
pub const FILE_TYPE_NAME_CONTENT: Code = Code::new("file_type_name_content");
/// Refused: the content is not what the sender declares; the subject is the type that was found, or `unknown`.
pub const FILE_TYPE_DECLARED_CONTENT: Code = Code::new("file_type_declared_content");
/// Refused: the name says something else than the declared type; the subject is the declared type.
pub const FILE_TYPE_NAME_DECLARED: Code = Code::new("file_type_name_declared");
/// Refused: the name has the ending of a program beside the ending of a document; the subject is the ending of the program.
pub const FILE_TYPE_DOUBLE_EXTENSION: Code = Code::new("file_type_double_extension");
/// Refused: the name is shown with another ending than it has.
pub const FILE_TYPE_HIDDEN_EXTENSION: Code = Code::new("file_type_hidden_extension");
/// Refused: the ending of the name is one that is never taken; the subject is the ending.
pub const EXTENSION_FORBIDDEN: Code = intake_core::codes::EXTENSION_FORBIDDEN;
/// Refused: the content is of a type that is never taken; the subject is the type.
pub const TYPE_FORBIDDEN: Code = intake_core::codes::TYPE_FORBIDDEN;
