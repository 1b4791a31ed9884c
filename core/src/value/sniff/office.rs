//! Types of Office packages (ECMA-376, part 2: open packaging conventions).

/// Types of main parts that are not the type of the package with `.main+xml` appended.
const OTHERS: [(&str, &str); 3] = [
    ("application/vnd.ms-package.3dmanufacturing-3dmodel+xml", "model/3mf"),
    (
        "application/vnd.ms-package.xps-fixeddocumentsequence+xml",
        "application/vnd.ms-xpsdocument",
    ),
    (
        "application/vnd.ms-word.template.macroenabledtemplate.main+xml",
        "application/vnd.ms-word.template.macroenabled.12",
    ),
];

/// The prefixes of the types of Office packages.
const MAIN: [&str; 5] = [
    "application/vnd.openxmlformats-officedocument.",
    "application/vnd.ms-word.",
    "application/vnd.ms-excel.",
    "application/vnd.ms-powerpoint.",
    "application/vnd.ms-visio.",
];

/// The suffix of the type of a main part, after the type of its package.
const ENDINGS: [&str; 2] = [".main+xml", ".main"];
const MACROS: &str = ".macroenabled";

/// The folder of the main part, the type of the package, and its type with macros.
const FOLDERS: [(&[u8], &str, &str); 4] = [
    (
        b"word/",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "application/vnd.ms-word.document.macroenabled.12",
    ),
    (
        b"xl/",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "application/vnd.ms-excel.sheet.macroenabled.12",
    ),
    (
        b"ppt/",
        "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        "application/vnd.ms-powerpoint.presentation.macroenabled.12",
    ),
    (
        b"visio/",
        "application/vnd.ms-visio.drawing",
        "application/vnd.ms-visio.drawing.macroenabled.12",
    ),
];

/// The type of the package, by its `[Content_Types].xml`, which lists the types of its parts.
pub(super) fn of_content_types(xml: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(xml).to_ascii_lowercase();
    let mut packages = text.split("contenttype=").skip(1).filter_map(|rest| {
        let quote = rest.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
        of_main_part(rest[1..].split(quote).next()?)
    });
    // A package that lists both is one with macros.
    let first = packages.next()?;
    let with_macros = packages.find(|package| package.contains(MACROS));
    Some(with_macros.filter(|_| !first.contains(MACROS)).unwrap_or(first))
}

fn of_main_part(part: &str) -> Option<String> {
    if let Some((_, package)) = OTHERS.iter().find(|(main, _)| *main == part) {
        return Some((*package).to_owned());
    }
    let package = ENDINGS.iter().find_map(|ending| part.strip_suffix(ending))?;
    has(package).then(|| {
        let version = if package.ends_with(MACROS) { ".12" } else { "" };
        format!("{package}{version}")
    })
}

/// Whether the type is one of an Office package.
pub(super) fn has(name: &str) -> bool {
    MAIN.iter().any(|main| name.starts_with(main))
}

/// The type of the package, by the folder of its main part, if the list of types is beyond the head.
pub(super) fn of_folder(has: impl Fn(&[u8]) -> bool, has_macros: bool) -> Option<&'static str> {
    let (_, plain, with_macros) = FOLDERS.iter().find(|(folder, ..)| has(folder))?;
    Some(if has_macros { with_macros } else { plain })
}
