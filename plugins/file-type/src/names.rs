//! What the name of a file claims, and what programs may take it for.

use intake_core::FileName;

/// The endings of programs that are run when they are opened. Names such as `logo.png.js` are usual among developers, so
/// `js` and its like count only behind documents.
const RUN: [&str; 15] = [
    "bat", "cmd", "com", "cpl", "exe", "hta", "jse", "lnk", "msi", "pif", "scr", "vbe", "vbs", "wsf", "wsh",
];
const RUN_BY_OTHERS: [&str; 4] = ["jar", "js", "ps1", "scf"];

/// The endings of documents behind which programs are hidden.
const DOCUMENTS: [&str; 14] = [
    "doc", "docm", "docx", "odp", "ods", "odt", "pdf", "ppt", "pptx", "rtf", "xls", "xlsm", "xlsx", "xps",
];
/// The endings of other files behind which they are hidden.
const OTHERS: [&str; 30] = [
    "7z", "avi", "avif", "bmp", "csv", "eml", "gif", "heic", "htm", "html", "jpeg", "jpg", "m4a", "m4v", "mkv", "mov",
    "mp3", "mp4", "png", "rar", "svg", "tif", "tiff", "txt", "wav", "webm", "webp", "wmv", "xml", "zip",
];

/// The endings of pages that a web server runs. Some servers run them also if another ending follows.
const PAGES: [&str; 20] = [
    "ascx", "ashx", "asmx", "asp", "aspx", "cfm", "cgi", "jsp", "jspx", "phar", "php", "php3", "php4", "php5", "php7",
    "php8", "phps", "pht", "phtml", "shtml",
];
/// What such a page is called if it is disguised.
const DISGUISES: [&str; 22] = [
    "avif", "bmp", "doc", "docx", "gif", "heic", "ico", "jpe", "jpeg", "jpg", "mov", "mp3", "mp4", "pdf", "png", "svg",
    "tif", "tiff", "wav", "webm", "webp", "xlsx",
];

/// Reverses the direction of writing, so that `annexe[..]gpj.exe` is shown as `annexeexe.jpg`. No language needs it in a name;
/// the marks that some do need change nothing around them.
const RIGHT_TO_LEFT_OVERRIDE: char = '\u{202E}';

/// Whether the name is shown with another ending than it has.
pub(crate) fn is_hidden(name: &FileName) -> bool {
    name.contains(RIGHT_TO_LEFT_OVERRIDE)
}

/// Every ending that a program may find in the name, in lower case: that of the name as it was sent, without dots and spaces behind
/// it; that of its form for a URL, in which invisible characters are left out; and the one that NTFS finds before a colon.
pub(crate) fn endings(name: &FileName) -> Vec<String> {
    let in_address = FileName::new(&name.ascii());
    let before_colon = name.split_once(':').and_then(|(file, _)| FileName::new(file));
    let mut endings: Vec<String> = Vec::new();
    for form in [Some(name), in_address.as_ref(), before_colon.as_ref()] {
        let ending = form.and_then(FileName::extension).map(str::to_lowercase);
        endings.extend(ending.filter(|ending| !endings.contains(ending)));
    }
    endings
}

/// The ending of a program that is beside the ending of a document, as in `invoice.pdf.exe` and `photo.php.jpg`.
pub(crate) fn double(name: &FileName) -> Option<&'static str> {
    let (stem, last) = name.trim_end_matches(['.', ' ']).rsplit_once('.')?;
    let last = word(last);
    // What is in front of the first dot is no ending.
    let inner: Vec<_> = stem.split('.').skip(1).map(word).collect();
    let listed = |list: &[&'static str], word: &str| list.iter().copied().find(|listed| *listed == word);
    let before = inner.last().map_or("", String::as_str);
    let is_document = DOCUMENTS.contains(&before);
    let run = listed(&RUN, &last).filter(|_| is_document || OTHERS.contains(&before));
    let run_by_others = listed(&RUN_BY_OTHERS, &last).filter(|_| is_document);
    run.or(run_by_others).or_else(|| {
        let page = inner.iter().find_map(|inner| listed(&PAGES, inner));
        page.filter(|_| DISGUISES.contains(&last.as_str()))
    })
}

/// The letters and digits with which an ending begins, in lower case: servers cut `php;` and `php%00` behind them.
fn word(ending: &str) -> String {
    let letters = ending.trim().chars().take_while(char::is_ascii_alphanumeric);
    letters.map(|letter| letter.to_ascii_lowercase()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> FileName {
        FileName::new(text).unwrap()
    }

    #[test]
    fn a_program_behind_a_document_is_found() {
        for (text, found) in [
            ("invoice.pdf.exe", Some("exe")),
            ("LOVE-LETTER-FOR-YOU.TXT.vbs", Some("vbs")),
            ("invoice.PDF            .exe", Some("exe")),
            ("invoice.pdf.exe. . ", Some("exe")),
            ("invoice.docx.js", Some("js")),
            ("photo.php.jpg", Some("php")),
            ("photo.php;.jpg", Some("php")),
            ("photo.php%00.jpg", Some("php")),
            ("photo.phtml.2.png", Some("phtml")),
            ("setup.exe", None),
            ("exe", None),
            (".exe", None),
            (".php.jpg", Some("php")),
            ("php.jpg", None),
            ("logo.png.js", None),
            ("jquery.min.js", None),
            ("report.docx.pdf", None),
            ("photo.jpg.png", None),
            ("index.php.txt", None),
            ("backup.php.zip", None),
            ("setup.exe.zip", None),
            ("archive.tar.gz", None),
            ("page of example.com", None),
            ("v1.2.3.exe", None),
        ] {
            assert_eq!(double(&name(text)), found, "{text:?}");
        }
    }

    #[test]
    fn every_ending_is_found_that_a_program_may_find() {
        for (text, found) in [
            ("a.JPG", &["jpg"][..]),
            ("a.exe. .", &["exe"]),
            ("a.exe\u{200B}", &["exe\u{200B}", "exe"]),
            ("a.exe::$DATA", &["exe::$data", "exedata", "exe"]),
            ("a", &[]),
            (".htaccess", &["htaccess"]),
        ] {
            assert_eq!(endings(&name(text)), found, "{text:?}");
        }
    }
}
