//! What the names of members say about a document.

use crate::member_name::kept;

/// What was seen of a document.
#[derive(Debug, Default)]
pub(super) struct Office {
    /// The first member with a script of an OpenDocument file, if it is one.
    script: Option<Vec<u8>>,
    has_manifest: bool,
    has_content: bool,
    was_told: bool,
}

/// The relations of a part of an Office document.
pub(super) fn has_relations(name: &[u8]) -> bool {
    let name = name.to_ascii_lowercase();
    name.ends_with(b".rels") && (name.starts_with(b"_rels/") || name.windows(7).any(|part| part == b"/_rels/"))
}

impl Office {
    /// Takes note of a member. Returns the name of the member that has macros, once it is certain.
    pub(super) fn see(&mut self, name: &[u8]) -> Option<Vec<u8>> {
        let lower = name.to_ascii_lowercase();
        let last = lower.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
        if last == b"vbaproject.bin" || (lower.starts_with(b"xl/macrosheets/") && !last.is_empty()) {
            return Some(name.to_vec());
        }
        // Any archive may have a folder of such a name.
        let is_script = [&b"Basic/"[..], b"Scripts/"]
            .iter()
            .any(|folder| name.starts_with(folder));
        if is_script && !last.is_empty() && self.script.is_none() {
            self.script = Some(kept(name));
        }
        self.has_manifest |= name == b"META-INF/manifest.xml";
        self.has_content |= name == b"content.xml";
        if !(self.has_manifest && self.has_content) || self.was_told {
            return None;
        }
        self.was_told = self.script.is_some();
        self.script.clone()
    }
}
