//! What is taken: texts as people, programs and devices write them.

use intake_plugin_text::Text;

use crate::refusal;

/// Names and contents.
const HARMLESS: [(&str, &str); 52] = [
    ("empty.txt", ""),
    ("note.txt", "Hello,\n\nhow are you?\n"),
    ("windows.txt", "Hello\r\nWorld\r\n"),
    ("mac.txt", "Hello\rWorld\r"),
    ("dos.txt", "OLD FILE\r\n\u{1a}"),
    ("pages.txt", "page one\u{c}page two"),
    ("emoji.txt", "family 👨‍👩‍👧‍👦, flag 🏴󠁧󠁢󠁥󠁮󠁧󠁿, heart ❤️"),
    ("arabic.txt", "مرحبا \u{200f}بالعالم\u{200e} (123)"),
    ("hebrew.txt", "\u{202b}שלום world\u{202c}\n\u{2067}שלום\u{2069}"),
    (
        "chat.txt",
        "30.11.26, 12:00 - \u{202a}+49 170 1234567\u{202c}: Hi!\n\u{200e}<Media omitted>",
    ),
    ("path.txt", "\u{202a}C:\\Users\\anna\\file.pdf"),
    ("persian.txt", "می\u{200c}خواهم"),
    ("mojibake.txt", "donâ\u{80}\u{99}t"),
    ("names.csv", "name,handle\nAnna,@anna\nBert,@bert (work)\n"),
    (
        "bank.csv",
        "Datum;Betrag;Text\r\n01.11.2026;-1.234,56;Miete\r\n02.11.2026;+12,00;Zins\r\n",
    ),
    (
        "phones.csv",
        "\u{feff}name,phone\nAnna,+49 (0)30 1234567\nBert,+1-202-555-0143\nCara,\"+44 20 7946 0958\"\n",
    ),
    ("dashes.csv", "a,b,c\n-,--,---\n–,—,-\n"),
    ("plus.csv", "feature,basic,pro\nexport,-,+\nsearch,+,++\n"),
    ("numbers.csv", "x,y\n-0.5,1e-5\n+3,-1E+5\n-.5,-1 000\n"),
    ("percent.csv", "share;change\n12%;-3%\n13%;+1,5 %\n"),
    ("times.csv", "zone,offset\nBerlin,+01:00\nNew York,-05:00\n"),
    ("coordinates.csv", "lat,lon\n-33.8688,151.2093\n+52.52,-13.405\n"),
    ("quotes.csv", "id,text\n1,\"He said \"\"no\"\"\"\n2,\"two\nlines\"\n"),
    ("excel.csv", "sep=;\r\na;b\r\n1;2\r\n"),
    ("zeros.csv", "article,plz\n=\"00123\",=\"01067\"\n"),
    (
        "lists.csv",
        "task,notes\nhome,\"- milk\n- bread (dark)\n+ maybe eggs\"\n",
    ),
    ("titles.csv", "text\n===== Chapter (1) =====\n-----\n+++++\n"),
    ("arrows.csv", "from,to\na,-> b (fast)\nb,=> c()\n"),
    ("temperatures.csv", "city,°C\nOslo,-12\nRome,+18\n"),
    ("ratings.csv", "skill,rating\nRust,A-\nC,-B+\n"),
    ("empty.csv", ",,\n;;\n\n"),
    (
        "reviews.csv",
        "stars,text\n1,\"-1 would not buy (again)!\"\n5,\"+1 from me :-)\"\n",
    ),
    ("mails.csv", "mail\nanna@a.example\n\"Anna <anna@a.example>\"\n"),
    ("chemistry.csv", "ion,charge\nNa,+1\nSO4,-2\nFe(CN)6,-3(low)\n"),
    ("genes.tsv", "gene\tstrand\tscore\nABC1\t-\t-1.5\nXYZ\t+\t.\n"),
    ("quotes.tsv", "word\tpos\n\"\tPUNCT\n''\tPUNCT\n-\tPUNCT\n"),
    ("empty-cells.tsv", "\t\ta\n\tb\t\n"),
    (
        "list.md",
        "# Title\n\n- one\n- two (2)\n+ three\n* four\n\nTitle\n=====\n\n| a | b |\n|---|---|\n| =SUM(1) | `=x|y` |\n",
    ),
    ("guide.adoc", "= Title (draft)\n\n== Chapter\n\n----\ncode()\n----\n"),
    ("guide.rst", "=====\nTitle\n=====\n\n.. code::\n"),
    ("diff.patch", "--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n-old(1)\n+new(2)\n"),
    ("data.json", "{\"a\": \"\\u0000\", \"b\": [-1, +2], \"c\": \"=SUM(1)\"}"),
    ("lines.jsonl", "{\"a\":1}\n{\"a\":-2}\n"),
    (
        "feed.xml",
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<feed><title>Müller</title></feed>\n",
    ),
    (
        "page.html",
        "<!DOCTYPE html><html><head><meta charset=\"utf-8\"><title>Größe</title></head><body>=SUM(1)</body></html>",
    ),
    ("main.rs", "fn main() {\n\tprintln!(\"{}\", -f(x));\n}\n"),
    (
        "script.py",
        "#!/usr/bin/env python3\n# -*- coding: utf-8 -*-\nprint('שלום')\n",
    ),
    ("texts.properties", "greeting = \u{2067}שלום\u{2069}\n"),
    (
        "style.css",
        "@charset \"utf-8\";\n@media (min-width: 1px) { a::before { content: '→' } }\n",
    ),
    ("config.yaml", "- name: a\n- name: b\n  value: =x\n"),
    (
        "build.log",
        "\u{1b}[1m\u{1b}[32m   Compiling\u{1b}[0m a v1.0\r\n\u{1b}[38;5;196merror\u{1b}[m\u{1b}[K: b\n",
    ),
    ("films.srt", "1\n00:00:01,000 --> 00:00:02,000\n- Who is it?\n- Me!\n"),
];

#[tokio::test]
async fn harmless_texts_are_taken() {
    for (name, content) in HARMLESS {
        assert_eq!(
            refusal(&Text::default(), name, content.as_bytes()).await,
            None,
            "{name}"
        );
    }
}

#[tokio::test]
async fn they_are_taken_in_other_encodings_too() {
    for (name, content) in HARMLESS {
        let is_declared = content.contains("coding") || content.contains("charset");
        if !is_declared {
            let wide = [&b"\xFF\xFE"[..], &crate::utf_16(content, false)].concat();
            assert_eq!(refusal(&Text::default(), name, &wide).await, None, "{name}");
        }
    }
    let latin = b"Name;Stra\xDFe\r\nJ\xFCrgen;-5,00 \x80\r\n";
    assert_eq!(refusal(&Text::default(), "old.csv", latin).await, None);
    // Three bytes that are UTF-8 by chance, and one that is not.
    assert_eq!(refusal(&Text::default(), "odd.log", b"\xC3\xA4 and \xE4\n").await, None);
}
