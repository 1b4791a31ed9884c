//! Which of Office's packages one is (ECMA-376, part 2: open packaging conventions).

/// Types of main parts that are not simply the type of the package with `.main+xml` behind it.
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

/// What a package can be whose main part is said to be of some type.
const MAIN: [&str; 5] = [
    "application/vnd.openxmlformats-officedocument.",
    "application/vnd.ms-word.",
    "application/vnd.ms-excel.",
    "application/vnd.ms-powerpoint.",
    "application/vnd.ms-visio.",
];

/// What stands behind the type of a package in that of its main part.
const ENDINGS: [&str; 2] = [".main+xml", ".main"];
const MACROS: &str = ".macroenabled";

/// The folder that a package keeps its main part in, what it is, and what it is with macros.
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

/// What the package is, by its `[Content_Types].xml`, which says what each of its parts is.
pub(super) fn of_content_types(xml: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(xml).to_ascii_lowercase();
    let mut packages = text.split("contenttype=").skip(1).filter_map(|rest| {
        let quote = rest.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
        of_main_part(rest[1..].split(quote).next()?)
    });
    // One that has macros does not hide behind one that has none.
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

/// Whether the type is one of Office's packages.
pub(super) fn has(name: &str) -> bool {
    MAIN.iter().any(|main| name.starts_with(main))
}

/// What the package is, by the folder of its main part, where the list of types lies too far in.
pub(super) fn of_folder(has: impl Fn(&[u8]) -> bool, has_macros: bool) -> Option<&'static str> {
    let (_, plain, with_macros) = FOLDERS.iter().find(|(folder, ..)| has(folder))?;
    Some(if has_macros { with_macros } else { plain })
}
