//! What a document declares before its first element.

use crate::entities::{Entities, is_predefined};
use crate::finding::{Finding, Kind};

/// The longest value of an entity, in bytes.
const MOST_VALUE: usize = 4096;

/// Where the definitions of SVG and XHTML are. Browsers have them and load none.
const DEFINITIONS: [&str; 2] = ["http://www.w3.org/", "https://www.w3.org/"];

/// What attribute defaults are harmless: names of namespaces that change nothing.
const DEFAULTS: [(&str, &str); 3] = [
    ("xmlns:xlink", "http://www.w3.org/1999/xlink"),
    ("xml:space", "preserve"),
    ("version", "1.1"),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token<'a> {
    Word(&'a str),
    Quoted(&'a str),
    /// `[`, `]`, `<` and `>`.
    Bracket(char),
}

/// Reads the declaration of a document type, without `<!DOCTYPE` and `>`. Fills in the entities, and returns what is found.
pub(crate) fn read(declaration: &str, entities: &mut Entities) -> Vec<Finding> {
    let mut findings = Vec::new();
    let tokens = tokens(declaration);
    let outside = tokens
        .iter()
        .position(|token| *token == Token::Bracket('['))
        .unwrap_or(tokens.len());
    let (outside, inside) = tokens.split_at(outside);
    findings.extend(external(outside));
    let mut count = 0_usize;
    for declaration in inside.split(|token| matches!(token, Token::Bracket(_))) {
        match declaration {
            [Token::Word("!ENTITY"), Token::Word("%"), ..] => {
                findings.push(Finding::new(Kind::Entities, "%"));
            }
            [Token::Word("!ENTITY"), Token::Word(name), value @ ..] => {
                count = count.saturating_add(1);
                findings.extend(entity(name, value, entities));
            }
            [Token::Word("!ATTLIST"), rest @ ..] => findings.extend(attributes(rest)),
            [Token::Word(word), ..] if word.contains('%') || word.starts_with("![") => {
                findings.push(Finding::new(Kind::Entities, word));
            }
            _ => {}
        }
    }
    if count > Entities::MOST {
        findings.push(Finding::new(Kind::Entities, "more than 64 entities"));
    }
    findings
}

/// A definition of the document type that a program would have to load.
fn external(tokens: &[Token<'_>]) -> Option<Finding> {
    let is_external = |token: &Token<'_>| matches!(token, Token::Word(word) if is_keyword(word, "SYSTEM") || is_keyword(word, "PUBLIC"));
    let at = tokens.iter().position(is_external)?;
    let place = tokens.iter().skip(at).rev().find_map(|token| match token {
        Token::Quoted(place) => Some(*place),
        _ => None,
    })?;
    let is_known = DEFINITIONS.iter().any(|known| place.trim().starts_with(known)) || place.starts_with("-//W3C//");
    (!is_known).then(|| Finding::new(Kind::External, "DOCTYPE"))
}

fn entity(name: &str, value: &[Token<'_>], entities: &mut Entities) -> Option<Finding> {
    let value = match value {
        [Token::Quoted(value)] => *value,
        [Token::Word(word), ..] if is_keyword(word, "SYSTEM") || is_keyword(word, "PUBLIC") => {
            return Some(Finding::new(Kind::External, name));
        }
        _ => return Some(Finding::new(Kind::Entities, name)),
    };
    if is_predefined(name) {
        return None;
    }
    // References to characters are resolved when the declaration is read, and what they make may be markup.
    let decoded = decode_characters(value);
    let is_plain = !decoded.contains(['<', '&', '%']) && decoded.len() <= MOST_VALUE;
    if !is_plain {
        return Some(Finding::new(Kind::Entities, name));
    }
    entities.declare(name, &decoded);
    None
}

/// Values that elements have although nobody writes them.
fn attributes(tokens: &[Token<'_>]) -> Option<Finding> {
    let mut words = tokens.iter().skip(1);
    let mut name = "";
    while let Some(token) = words.next() {
        match token {
            Token::Word(word) if word.starts_with('#') || word.starts_with('(') => {}
            Token::Word(word) => {
                name = word;
                // Its type.
                let _type = words.next();
            }
            Token::Quoted(value) if DEFAULTS.contains(&(name, value)) => {}
            Token::Quoted(_) => return Some(Finding::new(Kind::Entities, name)),
            Token::Bracket(_) => {}
        }
    }
    None
}

fn is_keyword(word: &str, keyword: &str) -> bool {
    word.eq_ignore_ascii_case(keyword)
}

fn decode_characters(value: &str) -> String {
    let none = Entities::default();
    let mut pieces = value.split('&');
    let mut decoded = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let resolved = piece.split_once(';').and_then(|(name, rest)| {
            let number = name.starts_with('#').then(|| none.resolve(name));
            Some((number??, rest))
        });
        match resolved {
            Some((character, rest)) => decoded.extend([character.as_str(), rest]),
            None => decoded.extend(["&", piece]),
        }
    }
    decoded
}

/// Cuts a declaration into its words. Comments and instructions are left out.
fn tokens(declaration: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut rest = declaration.trim_start();
    while let Some(first) = rest.chars().next() {
        if rest.starts_with("<!--") || rest.starts_with("<?") {
            let end = if rest.starts_with("<?") { "?>" } else { "-->" };
            rest = rest.split_once(end).map_or("", |(_, rest)| rest).trim_start();
            continue;
        }
        let behind = rest.strip_prefix(first).unwrap_or_default();
        rest = match first {
            '[' | ']' | '<' | '>' => {
                tokens.push(Token::Bracket(first));
                behind
            }
            '"' | '\'' => {
                let (quoted, behind) = behind.split_once(first).unwrap_or((behind, ""));
                tokens.push(Token::Quoted(quoted));
                behind
            }
            _ => {
                let is_end = |character: char| {
                    character.is_whitespace() || matches!(character, '[' | ']' | '<' | '>' | '"' | '\'')
                };
                let end = rest.find(is_end).unwrap_or(rest.len());
                let (word, behind) = rest.split_at_checked(end).unwrap_or((rest, ""));
                tokens.push(Token::Word(word));
                behind
            }
        }
        .trim_start();
    }
    tokens
}
