//! What references such as `&amp;`, `&#106;` and `&ns_svg;` stand for.

/// Entities that are known without a declaration: those of XML, and those of web pages that may hide a reference.
const KNOWN: [(&str, &str); 20] = [
    ("amp", "&"),
    ("lt", "<"),
    ("gt", ">"),
    ("quot", "\""),
    ("apos", "'"),
    ("AMP", "&"),
    ("LT", "<"),
    ("GT", ">"),
    ("QUOT", "\""),
    ("colon", ":"),
    ("Tab", "\t"),
    ("NewLine", "\n"),
    ("sol", "/"),
    ("bsol", "\\"),
    ("period", "."),
    ("lpar", "("),
    ("rpar", ")"),
    ("commat", "@"),
    ("num", "#"),
    ("semi", ";"),
];

/// The entities that a document declares.
#[derive(Debug, Default)]
pub(crate) struct Entities {
    declared: Vec<(String, String)>,
}

impl Entities {
    /// The most declarations that are kept.
    pub(crate) const MOST: usize = 64;

    /// Keeps a declaration, unless there was one of this name, which counts.
    pub(crate) fn declare(&mut self, name: &str, value: &str) {
        let is_new = !self.declared.iter().any(|(other, _)| other == name);
        if is_new && self.declared.len() < Self::MOST {
            self.declared.push((name.to_owned(), value.to_owned()));
        }
    }

    /// What a reference stands for, if that is known. The name is without `&` and `;`.
    pub(crate) fn resolve(&self, name: &str) -> Option<String> {
        if let Some(number) = name.strip_prefix('#') {
            return character(number).map(String::from);
        }
        // A document may declare again what is known from web pages, but not what XML itself declares: see `is_predefined`.
        let declared = self.declared.iter().find(|(declared, _)| declared == name);
        let known = || KNOWN.iter().find(|(known, _)| *known == name);
        declared
            .map(|(_, value)| value.clone())
            .or_else(|| known().map(|(_, value)| (*value).to_owned()))
    }

    /// A value with all of its references resolved. Those that are not known stay. `None` if it is longer than this many bytes.
    pub(crate) fn decode(&self, value: &str, most: usize) -> Option<String> {
        let mut pieces = value.split('&');
        let mut decoded = pieces.next().unwrap_or_default().to_owned();
        for piece in pieces {
            let end = piece
                .find(|character: char| !is_of_name(character))
                .unwrap_or(piece.len());
            let (name, rest) = piece.split_at_checked(end).unwrap_or((piece, ""));
            match self.resolve(name) {
                Some(value) => {
                    decoded.push_str(&value);
                    decoded.push_str(rest.strip_prefix(';').unwrap_or(rest));
                }
                None => {
                    decoded.push('&');
                    decoded.push_str(piece);
                }
            }
            if decoded.len() > most {
                return None;
            }
        }
        Some(decoded)
    }
}

/// Whether a name is that of an entity that XML itself declares.
pub(crate) fn is_predefined(name: &str) -> bool {
    matches!(name, "amp" | "lt" | "gt" | "quot" | "apos")
}

fn is_of_name(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '#' | '.' | '_' | '-' | ':')
}

/// The character with this number, decimal or behind an `x` hexadecimal.
fn character(number: &str) -> Option<char> {
    let hexadecimal = number.strip_prefix(['x', 'X']);
    let number = match hexadecimal {
        Some(digits) => u32::from_str_radix(digits, 16),
        None => number.parse(),
    };
    number.ok().and_then(char::from_u32)
}
