//! The names of files in an archive: each its own, and none that leads out of the folder in which it is unpacked.

use std::collections::{HashMap, HashSet};

/// The names that an archive has so far, as file systems compare them that know no difference between large and small letters.
#[derive(Default)]
pub(super) struct Names {
    taken: HashSet<String>,
    /// The last number that a name got: a thousand files may have the same.
    numbers: HashMap<String, u32>,
}

impl Names {
    /// This name, or one beside it that is not taken, such as `cat (2).jpg`.
    pub(super) fn own(&mut self, name: &str) -> String {
        let name: String = name.chars().map(plain).collect();
        let (stem, ending) = match name.rsplit_once('.') {
            Some((stem, ending)) if !stem.is_empty() => (stem.to_owned(), format!(".{ending}")),
            _ => (name.clone(), String::new()),
        };
        let count = self.numbers.entry(name.to_lowercase()).or_insert(1);
        let mut candidate = name;
        while !self.taken.insert(candidate.to_lowercase()) {
            *count += 1;
            candidate = format!("{stem} ({count}){ending}");
        }
        candidate
    }
}

/// Characters that some systems take for more than a part of a name, or that hide how a name ends, become underscores.
fn plain(c: char) -> char {
    let is_special = c.is_control() || matches!(c, '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|');
    let hides = matches!(c, '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}');
    if is_special || hides { '_' } else { c }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_file_has_a_name_of_its_own() {
        let mut names = Names::default();
        let given = [
            "cat.jpg",
            "cat.jpg",
            "CAT.jpg",
            "cat (2).jpg",
            "x",
            "x",
            ".a",
            ".a",
            "a:b\\c",
            "a\u{202E}b",
        ];
        let own: Vec<_> = given.iter().map(|name| names.own(name)).collect();
        let expected = [
            "cat.jpg",
            "cat (2).jpg",
            "CAT (3).jpg",
            "cat (2) (2).jpg",
            "x",
            "x (2)",
            ".a",
            ".a (2)",
            "a_b_c",
            "a_b",
        ];
        assert_eq!(own, expected);
    }
}
