//! Which language an element belongs to.

/// A language of elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Namespace {
    Svg,
    Html,
    XInclude,
    /// No namespace is declared. Inside a web page, such elements are SVG.
    Undeclared,
    Other,
}

impl Namespace {
    fn named(name: &str) -> Self {
        match name.trim() {
            "http://www.w3.org/2000/svg" => Self::Svg,
            "http://www.w3.org/1999/xhtml" => Self::Html,
            "http://www.w3.org/2001/XInclude" | "http://www.w3.org/2003/XInclude" => Self::XInclude,
            "" => Self::Undeclared,
            _ => Self::Other,
        }
    }
}

/// The declarations that are in force.
#[derive(Debug, Default)]
pub(crate) struct Namespaces {
    declared: Vec<(usize, String, Namespace)>,
}

impl Namespaces {
    /// The most declarations in force at a time.
    pub(crate) const MOST: usize = 4096;

    /// Declares what a prefix means within the element at this depth; an empty prefix is that of names without one. Returns
    /// `false` if there are too many.
    pub(crate) fn declare(&mut self, depth: usize, prefix: &str, name: &str) -> bool {
        self.declared.push((depth, prefix.to_owned(), Namespace::named(name)));
        self.declared.len() <= Self::MOST
    }

    /// Forgets what the elements deeper than this declared.
    pub(crate) fn leave(&mut self, depth: usize) {
        while self.declared.last().is_some_and(|(at, ..)| *at > depth) {
            self.declared.pop();
        }
    }

    /// The language of an element with this prefix.
    pub(crate) fn of(&self, prefix: &str) -> Namespace {
        let declared = self.declared.iter().rev().find(|(_, of, _)| of == prefix);
        declared.map_or(Namespace::Undeclared, |(_, _, namespace)| *namespace)
    }
}

/// The prefix and the rest of a name.
pub(crate) fn split(name: &str) -> (&str, &str) {
    name.split_once(':').unwrap_or(("", name))
}
