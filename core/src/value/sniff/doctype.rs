//! Where a document type declaration ends (XML 1.0, productions 28 to 29 and 69 to 75).

/// Reads from `<!` to the `>` that ends the declaration.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Doctype {
    place: Place,
    /// The quotation mark that opened the current literal.
    quote: Option<u8>,
}

#[derive(Clone, Copy, Debug, Default)]
enum Place {
    /// Outside the internal subset.
    #[default]
    Outside,
    /// Between the declarations of the internal subset, which is in brackets.
    Subset,
    /// In the subset, behind `<`.
    Open,
    /// In the subset, behind `<!`.
    Bang,
    /// In the subset, behind `<!-`.
    Dash,
    /// In a declaration of the subset, such as `<!ENTITY`.
    Declaration,
    /// In a comment of the subset, and how many hyphens were read last: two at most.
    Comment(u8),
    /// In a processing instruction of the subset, and whether the last character was a question mark.
    Instruction(bool),
}

impl Doctype {
    /// Reads one more character. Returns whether the declaration ends with it.
    pub(super) fn ends_with(&mut self, character: u8) -> bool {
        if let Some(quote) = self.quote {
            if quote == character {
                self.quote = None;
            }
            return false;
        }
        self.place = match (self.place, character) {
            (Place::Outside, b'>') => return true,
            (Place::Outside, b'[') => Place::Subset,
            (Place::Outside | Place::Declaration, b'"' | b'\'') => {
                self.quote = Some(character);
                self.place
            }
            (Place::Outside, _) => Place::Outside,
            (Place::Subset, b']') => Place::Outside,
            (Place::Subset, b'<') => Place::Open,
            (Place::Subset, _) => Place::Subset,
            (Place::Open, b'!') => Place::Bang,
            (Place::Open, b'?') => Place::Instruction(false),
            (Place::Bang, b'-') => Place::Dash,
            (Place::Dash, b'-') => Place::Comment(0),
            (Place::Open | Place::Bang | Place::Dash | Place::Declaration, b'>') => Place::Subset,
            (Place::Open | Place::Bang | Place::Dash | Place::Declaration, _) => Place::Declaration,
            (Place::Comment(2), b'>') | (Place::Instruction(true), b'>') => Place::Subset,
            (Place::Comment(hyphens), b'-') => Place::Comment((hyphens + 1).min(2)),
            (Place::Comment(_), _) => Place::Comment(0),
            (Place::Instruction(_), _) => Place::Instruction(character == b'?'),
        };
        false
    }
}
