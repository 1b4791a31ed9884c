//! The table of errors in `docs/upload-api.md`, the adapter's, and the reference's: whoever reads one reads them all.

use std::collections::BTreeMap;
use std::path::Path;

use intake::upload_api::errors;

/// The reference's own, in its order: code, status, sentence. Notes in brackets stand where no sentence is known.
const REFERENCE: &str = include_str!("../data/upload-api-errors.tsv");

/// A row of the documentation.
#[derive(Debug)]
struct Row {
    code: String,
    status: u16,
    says: String,
    shown_by: String,
}

/// The rows of the first table behind a line that begins so.
fn table(behind: &str) -> Vec<Row> {
    let docs = include_str!("../../docs/upload-api.md");
    let rest = docs.split(behind).nth(1).expect(behind);
    let lines = rest.lines().skip_while(|line| !line.starts_with('|'));
    let lines = lines.take_while(|line| line.starts_with('|')).skip(2);
    lines
        .filter_map(|line| {
            let cells: Vec<_> = line.trim_matches('|').split(" | ").map(str::trim).collect();
            let [code, status, says, shown_by] = cells[..] else {
                // The headings of groups.
                return None;
            };
            Some(Row {
                code: code.trim_matches('`').to_owned(),
                status: status.parse().ok()?,
                says: bare(says).to_owned(),
                shown_by: shown_by.to_owned(),
            })
        })
        .collect()
}

fn bare(cell: &str) -> &str {
    match cell.strip_prefix("`` ").and_then(|cell| cell.strip_suffix(" ``")) {
        Some(cell) => cell,
        None => cell.trim_matches('`'),
    }
}

fn is_raised(row: &Row) -> bool {
    !row.shown_by.starts_with("not raised")
}

#[test]
fn every_code_of_the_reference_has_its_row_as_the_reference_has_it() {
    let documented: BTreeMap<_, _> = table("## All errors")
        .into_iter()
        .map(|row| (row.code.clone(), row))
        .collect();
    let mut known = 0;
    for line in REFERENCE.lines() {
        let mut cells = line.split('\t');
        let (code, status, says) = (cells.next().unwrap(), cells.next().unwrap(), cells.next().unwrap());
        let row = documented
            .get(code)
            .unwrap_or_else(|| panic!("docs/upload-api.md has no row for {code}"));
        assert_eq!(
            (row.status.to_string().as_str(), row.says.as_str()),
            (status, says),
            "{code}"
        );
        assert!(
            !row.shown_by.is_empty(),
            "{code} has neither a file that raises it nor a reason why none does"
        );
        known += 1;
    }
    assert_eq!(documented.len(), known, "a row is of no code of the reference");
}

#[test]
fn the_adapters_table_says_what_is_documented_and_nothing_else() {
    let (of_reference, ours) = (table("## All errors"), table("Beside these:"));
    let documented = |theirs: &str, status: u16, says: &str| {
        let mut rows = of_reference.iter().filter(|row| is_raised(row)).chain(&ours);
        rows.any(|row| row.code == theirs && row.status == status && row.says == says)
    };
    for row in errors() {
        assert!(
            documented(row.api_code, row.status, row.message),
            "{} is answered as {} {} {}, which is not documented",
            row.code,
            row.status,
            row.api_code,
            row.message
        );
    }
    for row in of_reference.iter().filter(|row| is_raised(row)).chain(&ours) {
        let says = |known: &&intake::upload_api::ErrorRow| {
            known.api_code == row.code && known.status == row.status && known.message == row.says
        };
        assert!(errors().any(|known| says(&known)), "nothing is answered as {row:?}");
    }
    for row in of_reference.iter().filter(|row| !is_raised(row)) {
        let same = |known: &intake::upload_api::ErrorRow| known.api_code == row.code && known.status == row.status;
        assert!(!errors().any(same), "{} is said not to be raised, and is", row.code);
    }
}

#[test]
fn what_is_said_to_be_raised_is_raised_by_the_file_that_is_named() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let files = crate::support::files_below(&tests);
    for row in table("## All errors").iter().filter(|row| is_raised(row)) {
        for name in row.shown_by.split(", ").map(|name| name.trim_matches('`')) {
            let named = files.iter().filter(|path| path.ends_with(name));
            let raises = |path: &&std::path::PathBuf| std::fs::read_to_string(path).unwrap().contains(&row.code);
            assert!(
                named.clone().any(|path| raises(&path)),
                "{name} does not raise {}",
                row.code
            );
        }
    }
}
