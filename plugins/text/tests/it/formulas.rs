//! Which cells of a table count as formulas.

use intake_plugin_text::{Choice, Formulas, Text};

use crate::{answer, refusal, with};

/// Cells that a spreadsheet would run. None of them does anything: they name programs and pages that do not exist.
const CALLS: [&str; 34] = [
    "=HYPERLINK(\"http://a.example/\")",
    "=SUM(A1:A2)",
    "=sum (A1)",
    "@SUM(1+1)",
    "+SUM(1)",
    "-SUM(1)",
    "=-SUM(1)",
    "=+@SUM(1)",
    "=1+SUM(A1)",
    "-2+3+SUM(1)",
    "=IF(A1=1,\"a\",\"b\")",
    "=\"a\"&SUM(1)",
    "=A1&\" \"&CONCATENATE(B1)",
    "=WENN(A1)",
    "=СУММ(A1)",
    "= SUM(1)",
    "  =SUM(1)",
    "\u{a0}=SUM(1)",
    "\u{feff}=SUM(1)",
    "\u{3000}=SUM(1)",
    "\u{ff1d}SUM(1)",
    "\u{ff0b}SUM(1)",
    "\u{ff20}SUM(1)",
    "=none|' /C x'!A0",
    "=none|x",
    "+none|' /C x'!A0",
    "-2+3+none|' /C x'!A0",
    "@none|'x'!A0",
    "='[b.xlsx]Sheet'!A1",
    "='C:\\a\\[b.xlsx]Sheet'!A1",
    "=[b.xlsx]Sheet!A1",
    "- WEBSERVICE(\"x\")",
    "+ a text that calls importxml(1)",
    "=A1:A2 INDIRECT(\"x\")",
];

/// Cells that begin with the same characters, and run nothing.
const HARMLESS: [&str; 34] = [
    "-1",
    "-1.5",
    "-1,234.50 €",
    "+49 (0)30 1234567",
    "+49(30)1234567",
    "+1-800-555-0199",
    "@name",
    "@name (Anna)",
    "-",
    "--",
    "+",
    "=",
    "=====",
    "= = =",
    "=== Title (old) ===",
    "=> see main()",
    "==> f(x)",
    "- call mom (urgent)",
    "- first item",
    "+ second item (maybe)",
    "+/- SUM(1)",
    "-5 (estimated)",
    "+5%",
    "-1e-5",
    "=A1",
    "=1+2",
    "=\"00123\"",
    "=\"f(x)\"",
    "- don't do that!",
    "-a|b",
    "@a @b",
    "-12kg(net)",
    "'=SUM(1)",
    "'+SUM(1)",
];

fn quoted(cell: &str) -> String {
    format!("\"{}\"", cell.replace('"', "\"\""))
}

#[tokio::test]
async fn cells_that_call_something_are_refused_whatever_separates_them() {
    for cell in CALLS {
        for table in [
            quoted(cell),
            format!("a,{},c\n", quoted(cell)),
            format!("a;b\r\nx;{}\r\n", quoted(cell)),
            format!("a\tb\n{}\t", quoted(cell)),
        ] {
            let refused = refusal(&Text::default(), "a.csv", table.as_bytes()).await;
            assert_eq!(
                refused.map(|(code, _)| code).as_deref(),
                Some("text_formula"),
                "{table}"
            );
        }
        let refused = refusal(&Text::default(), "a.tsv", format!("a\t{cell}").as_bytes()).await;
        assert!(refused.is_some(), "{cell}");
    }
}

#[tokio::test]
async fn cells_that_only_look_so_are_taken() {
    for cell in HARMLESS {
        for table in [
            format!("a,{}\n", quoted(cell)),
            format!("{};b", quoted(cell)),
            format!("a\t{}", quoted(cell)),
        ] {
            assert_eq!(
                refusal(&Text::default(), "a.csv", table.as_bytes()).await,
                None,
                "{table}"
            );
        }
    }
}

#[tokio::test]
async fn every_cell_that_begins_so_can_be_refused() {
    let strict = with(|settings| settings.counted_formulas = Formulas::Every);
    let begins = |cell: &&&str| !cell.starts_with('\'');
    let more = ["\t=1", "\ra", "\u{ff0d}1"];
    for cell in CALLS.iter().chain(HARMLESS.iter().filter(begins)).chain(&more) {
        let table = format!("a,{}\n", quoted(cell));
        assert!(refusal(&strict, "a.csv", table.as_bytes()).await.is_some(), "{table}");
    }
    for table in ["a,b\n'-1,\"a-b\"\n", "a\t\tb\n\t\tc", "1;2;3\n4;;5", "a; b\n"] {
        assert_eq!(refusal(&strict, "a.csv", table.as_bytes()).await, None, "{table}");
    }
}

#[tokio::test]
async fn the_refusal_says_where_the_formula_is() {
    for (table, place) in [
        ("=SUM(1)", "row 1, cell 1"),
        ("a,b\n1,2\n3,@SUM(1)\n", "row 3, cell 2"),
        ("a;b;c\r\n\"x\r\ny\";\"\";=SUM(1)", "row 2, cell 3"),
        ("sep=|\na|b\nc|=SUM(1)", "row 3, cell 2"),
    ] {
        let expected = Some(("text_formula".to_owned(), place.to_owned()));
        assert_eq!(
            refusal(&Text::default(), "a.csv", table.as_bytes()).await,
            expected,
            "{table}"
        );
    }
}

#[tokio::test]
async fn formulas_that_are_taken_are_counted() {
    let lenient = with(|settings| settings.formulas = Choice::Accept);
    for (name, table, count) in [
        ("a.csv", "a;b\n=SUM(1);@SUM(2)\n\"=SUM(3)\";-4", Some(3)),
        ("a.csv", "a,b\n1,2\n", Some(0)),
        ("a.tsv", "\"a\t=SUM(1)\nb\t=SUM(2)", Some(2)),
        ("a.txt", "=SUM(1)", None),
    ] {
        let note = answer(&lenient, name, table.as_bytes())
            .await
            .expect("is taken")
            .expect("is text");
        assert_eq!(note.formulas, count, "{table}");
        assert_eq!(note.has_formulas(), count.is_some_and(|count| count > 0));
    }
}

#[tokio::test]
async fn a_formula_is_found_behind_any_padding() {
    let padding = "1+".repeat(50_000);
    let rows = "x,\"long text, with quotes\"\n".repeat(20_000);
    for table in [
        format!("a,={padding}SUM(1)"),
        format!("a,=\"{}\"&SUM(1)", "x".repeat(100_000)),
        format!("{rows}a,=SUM(1)"),
        format!("a,{}=SUM(1)", " ".repeat(100_000)),
    ] {
        for piece in [1000, 64 * 1024, usize::MAX] {
            let report = crate::scan_in(&Text::default(), "a.csv", table.as_bytes(), piece).await;
            assert!(report.verdict.rejection().is_some());
        }
    }
}
