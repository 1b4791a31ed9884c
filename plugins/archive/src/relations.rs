//! The relations of a part of an Office document: what it loads, and from where.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use crate::tags::Tags;
use crate::tally::{Checked, Tally};

/// What programs load by themselves when a document is opened. Links and pictures from elsewhere are common and harmless.
const LOADED: [&str; 3] = ["attachedTemplate", "oleObject", "frame"];
const MACROS: [&str; 3] = ["vbaProject", "xlMacrosheet", "xlIntlMacrosheet"];

/// Reads the relations of a part, while they arrive.
#[derive(Debug, Default)]
pub(crate) struct Relations {
    tags: Tags,
}

/// One relation.
#[derive(Debug, Default, PartialEq, Eq)]
struct Relation {
    /// The last part of its type.
    kind: String,
    is_external: bool,
}

impl Relations {
    /// Takes bytes of the member of this name.
    pub(crate) fn push(&mut self, mut bytes: &[u8], name: &[u8], tally: &mut Tally) -> Checked {
        while let Some(tag) = self.tags.next(&mut bytes) {
            if tag.is_empty() {
                tally.unreadable(name, "has a relation that is too long")?;
            }
            let Some(relation) = relation(&tag) else { continue };
            if MACROS.contains(&relation.kind.as_str()) {
                tally.macros(name)?;
            }
            if relation.is_external && LOADED.contains(&relation.kind.as_str()) {
                tally.external(name)?;
            }
        }
        Ok(())
    }
}

/// The relation in a tag, if it has one.
fn relation(tag: &[u8]) -> Option<Relation> {
    let tag = String::from_utf8_lossy(tag);
    match Reader::from_str(&tag).read_event().ok()? {
        Event::Empty(tag) | Event::Start(tag) if tag.local_name().as_ref() == "Relationship" => Some(read(&tag)),
        _ => None,
    }
}

fn read(tag: &BytesStart<'_>) -> Relation {
    let mut relation = Relation::default();
    for attribute in tag.attributes().with_checks(false).flatten() {
        let Ok(value) = quick_xml::escape::unescape(&attribute.value) else {
            continue;
        };
        match attribute.key.as_ref() {
            "Type" => relation.kind = value.trim().rsplit('/').next().unwrap_or_default().to_owned(),
            "TargetMode" => relation.is_external = value.trim() == "External",
            _ => {}
        }
    }
    relation
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relation_has_a_kind_and_may_be_external() {
        let template = |is_external| Relation {
            kind: "attachedTemplate".to_owned(),
            is_external,
        };
        for (tag, expected) in [
            (
                r#"<Relationship Type="http://x/y/attachedTemplate" TargetMode="External"/>"#,
                Some(template(true)),
            ),
            (
                r#"<r:Relationship TargetMode = '&#69;xternal' Type='attached&#x54;emplate' >"#,
                Some(template(true)),
            ),
            (
                r#"<Relationship Type="attachedTemplate" Target="a.dotm"/>"#,
                Some(template(false)),
            ),
            (r#"<Relationships xmlns="x">"#, None),
            ("</Relationship>", None),
            ("<!-- <Relationship/> -->", None),
            ("", None),
            ("<", None),
        ] {
            assert_eq!(relation(tag.as_bytes()), expected, "{tag}");
        }
    }
}
