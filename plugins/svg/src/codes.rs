//! The codes of this plugin's refusals.

use intake_core::Code;

/// Refused: the document has a script, or a link that runs one; the subject is the element or the attribute.
pub const SVG_SCRIPT: Code = Code::new("svg_script");
/// Refused: an attribute runs a script at an event; the subject is its name.
pub const SVG_HANDLER: Code = Code::new("svg_handler");
/// Refused: the document contains HTML, or embeds other documents; the subject is the element.
pub const SVG_FOREIGN_CONTENT: Code = Code::new("svg_foreign_content");
/// Refused: the document loads something from elsewhere; the subject is the element or the attribute.
pub const SVG_EXTERNAL: Code = Code::new("svg_external");
/// Refused: the document declares entities that hide content, or may grow; the subject is the name of the entity.
pub const SVG_ENTITIES: Code = Code::new("svg_entities");
/// Refused: the document exceeds a limit of depth, number or size.
pub const SVG_TOO_COMPLEX: Code = Code::new("svg_too_complex");
/// Refused: the document is malformed, and the settings refuse such documents.
pub const SVG_UNREADABLE: Code = Code::new("svg_unreadable");
