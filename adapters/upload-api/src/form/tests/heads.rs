//! Headers that clients send, and headers that are refused.

use crate::form::head::Head;
use crate::form::{Limits, boundary};

fn head(disposition: impl AsRef<[u8]>) -> Result<(String, Option<String>), String> {
    let lines = [b"\r\nContent-Disposition: ", disposition.as_ref(), b"\r\n\r\n"].concat();
    parsed(&lines).map(|head| (head.name, head.file_name))
}

fn parsed(lines: &[u8]) -> Result<Head, String> {
    Head::parse(lines, &Limits::default()).map_err(|flaw| flaw.to_string())
}

#[test]
fn names_are_read_as_their_clients_mean_them() {
    let table: &[(&str, &str, Option<&str>)] = &[
        (r#"form-data; name="a""#, "a", None),
        (r#"form-data; name="""#, "", None),
        ("form-data; name=a", "a", None),
        ("form-data;name=a;", "a", None),
        ("FORM-DATA ; NAME = a ; FileName = b", "a", Some("b")),
        (r#"form-data; filename="b.txt"; name="a""#, "a", Some("b.txt")),
        (r#"form-data; name="a"; size=3; filename="""#, "a", Some("")),
        (r#"form-data; name="a;b=c"; filename="d; e""#, "a;b=c", Some("d; e")),
        ("form-data; name=a; filename=my file.txt", "a", Some("my file.txt")),
        (r#"form-data; name="metadata[k]""#, "metadata[k]", None),
        // As curl and Go write them, and as browsers do.
        (r#"form-data; name="a\"b\\c""#, "a\"b\\c", None),
        (r#"form-data; name="a%22b%0D%0Ac""#, "a\"b\r\nc", None),
        // Only those three; the rest may be literal.
        (r#"form-data; name="100%.%20%0d%25""#, "100%.%20%0d%25", None),
        ("form-data; name=a%22b", "a%22b", None),
        // The path stays; the caller decides which part of it is the name.
        (
            r#"form-data; name=a; filename="C:\tmp\n.jpg""#,
            "a",
            Some(r"C:\tmp\n.jpg"),
        ),
        (
            r#"form-data; name="имя"; filename="Щедрин.pdf""#,
            "имя",
            Some("Щедрин.pdf"),
        ),
        (
            "form-data; name=\"a\0b\"; filename=\"c\0\x07\td\"",
            "a\0b",
            Some("c\0\x07\td"),
        ),
        (
            "form-data; name=a; filename*=UTF-8''na%C3%AFve%00.txt",
            "a",
            Some("naïve\0.txt"),
        ),
        (
            "form-data; name=a; filename*=utf-8'en'it's%20on.txt",
            "a",
            Some("it's on.txt"),
        ),
        (
            "form-data; name*=utf-8''two%20w%C3%B6rds; filename=b",
            "two wörds",
            Some("b"),
        ),
        (r#"form-data; name=a; filename="x"; filename*=UTF-8''y"#, "a", Some("y")),
        (r#"form-data; name=a; filename*=UTF-8''y; filename="x""#, "a", Some("y")),
        (r#"form-data; name=a; filename*="UTF-8''y""#, "a", Some("y")),
        // RFC 5987 had other encodings too.
        ("form-data; name=a; filename*=ISO-8859-1'de'caf%E9", "a", Some("café")),
        ("form-data; name=a; filename*=gbk''%D6%D0%CE%C4", "a", Some("中文")),
        // The meaning is unclear, so the plain name counts, or the undecoded text: a file stays a file.
        ("form-data; name=a; filename=x; filename*=y", "a", Some("x")),
        ("form-data; name=a; filename*=b", "a", Some("b")),
        ("form-data; name=a; filename*=UTF-8'b", "a", Some("UTF-8'b")),
        ("form-data; name=a; filename*=UTF-8''caf%E9", "a", Some("café")),
        ("form-data; name=a; filename*=unknown''b%20c", "a", Some("b c")),
        ("form-data; name*=a", "a", None),
    ];
    for (disposition, name, file_name) in table {
        let expected = Ok(((*name).to_owned(), file_name.map(str::to_owned)));
        assert_eq!(head(disposition), expected, "{disposition}");
    }
}

#[test]
fn a_name_is_taken_though_its_client_escapes_nothing() {
    let table: &[(&str, &str, Option<&str>)] = &[
        (
            r#"form-data; name="my "best" a.txt"; filename="my "best" a.txt""#,
            r#"my "best" a.txt"#,
            Some(r#"my "best" a.txt"#),
        ),
        (r#"form-data; name="a"; filename=""b"""#, "a", Some(r#""b""#)),
        (
            r#"form-data; name="a"; filename="b"; c.txt""#,
            "a",
            Some(r#"b"; c.txt"#),
        ),
        (r#"form-data; name="a"; filename="b" ; x=y;"#, "a", Some("b")),
        (
            r#"form-data; name="a"; filename="5" disk.txt"; size=3"#,
            "a",
            Some(r#"5" disk.txt"#),
        ),
        // A backslash at the end, as browsers, Node.js and Python's requests send it.
        (r#"form-data; name="file"; filename="a.txt\""#, "file", Some(r"a.txt\")),
        (r#"form-data; name="a\"; filename="b\""#, r"a\", Some(r"b\")),
        (r#"form-data; filename="b\"; name="a""#, "a", Some(r"b\")),
        // Values that keep the rules are read by them: curl writes a name with quotes like this.
        (
            r#"form-data; name="a"; filename="\"b\"; x=\"y\"""#,
            "a",
            Some(r#""b"; x="y""#),
        ),
        (r#"form-data; name="a\"; filename=b""#, r#"a"; filename=b"#, None),
    ];
    for (disposition, name, file_name) in table {
        let expected = Ok(((*name).to_owned(), file_name.map(str::to_owned)));
        assert_eq!(head(disposition), expected, "{disposition}");
    }
}

#[test]
fn a_name_is_taken_in_any_encoding() {
    let table: &[(&[u8], &str, &str)] = &[
        (b"form-data; name=a; filename=\"caf\xe9.txt\"", "a", "café.txt"),
        (b"form-data; name=\"\xe9\"; filename=\"\x80\"", "é", "€"),
        // GBK, which the header does not say.
        (b"form-data; name=a; filename=\"\xd6\xd0\xce\xc4.txt\"", "a", "ÖÐÎÄ.txt"),
        // Shift_JIS, whose second byte may be a backslash.
        (b"form-data; name=a; filename=\"\x95\x5c\"", "a", "•\\"),
    ];
    for (disposition, name, file_name) in table {
        let expected = Ok(((*name).to_owned(), Some((*file_name).to_owned())));
        assert_eq!(head(disposition), expected, "{}", disposition.escape_ascii());
    }
}

#[test]
fn an_unclear_name_is_refused() {
    const NO_NAME: &str = "it gives no name; add `name=\"...\"`";
    const NOT_FORM_DATA: &str = "its kind is not `form-data`; send `form-data; name=\"...\"`";
    const OPEN: &str = "a quoted value has no closing quote; end it with `\"`";
    const BAD_NAME: &str = "a parameter's name has characters that no name may have; put quotes around values";
    const QUOTE: &str = "a quote stands within a value that has no quotes around it; put quotes around it";
    const TWICE: &str = "a parameter is given twice; send each once";
    const PIECES: &str = "the file name is cut into pieces; send it whole, as `filename`";
    const FILE_NAME: &str = "it is not clear whether it gives a file name; write `\\\"` for a quote within a value";
    let table: &[(&str, &str)] = &[
        ("form-data", NO_NAME),
        (r#"form-data; filename="a""#, NO_NAME),
        ("", NOT_FORM_DATA),
        (r#"attachment; name="a""#, NOT_FORM_DATA),
        ("form-data; name", "a parameter has no value; write `name=\"value\"`"),
        ("form-data; x; name=a", BAD_NAME),
        ("form-data; =a", BAD_NAME),
        (r#"form-data; name="a"#, OPEN),
        (r#"form-data; name="a"b"#, OPEN),
        (r#"form-data; name=a"b"#, QUOTE),
        (r#"form-data; name="a" filename="b""#, FILE_NAME),
        (r#"form-data; name="a" x; FileName="b""#, FILE_NAME),
        ("form-data; name=a; NAME=b", TWICE),
        (r#"form-data; name="a"; filename="b"; filename="c""#, TWICE),
        // A name with raw quotes that contains a parameter of its own.
        (r#"form-data; name="a"; filename="x"; name="b""#, TWICE),
        ("form-data; name*=UTF-8''a; name*=UTF-8''a", TWICE),
        ("form-data; name=a; filename*=UTF-8''b; filename*=UTF-8''c", TWICE),
        (
            "form-data; name=a; name*=UTF-8''a",
            "it gives both `name` and `name*`; send one",
        ),
        ("form-data; name=a; filename*0=b; filename*1=c", PIECES),
        ("form-data; name=a; filename*0*=UTF-8''b", PIECES),
    ];
    for (disposition, why) in table {
        let expected = Err(format!("header Content-Disposition: {why}"));
        assert_eq!(head(disposition), expected, "{disposition}");
    }
}

#[test]
fn a_header_may_go_on_in_the_next_line() {
    let lines = b"\r\nContent-Disposition: form-data; name=\"file\";\r\n filename=\"my\r\n\tlong name\"\r\n\
        Content-Type: application/vnd.ms-excel;\r\n\tname=\"a.xlsx\"\r\n \r\nX-Other: a\r\n b\r\n\r\n";
    let head = parsed(lines).unwrap();
    assert_eq!(
        (head.name.as_str(), head.file_name.as_deref()),
        ("file", Some("my\tlong name"))
    );
    assert_eq!(
        head.media_type.as_deref(),
        Some("application/vnd.ms-excel;\tname=\"a.xlsx\"")
    );
}

#[test]
fn other_headers_do_not_matter() {
    let lines = b"\r\ncontent-disposition:form-data; name=a\r\nCONTENT-TYPE:\t image/png; x=\"y\" \r\n\
        Content-Transfer-Encoding: base64\r\nX-Anything: \xff\x01\r\nX-Empty:\r\n\r\n";
    let head = parsed(lines).unwrap();
    assert_eq!(head.name, "a");
    assert_eq!(head.media_type.as_deref(), Some("image/png; x=\"y\""));

    let head = parsed(b"\r\nContent-Type: \r\nContent-Disposition: form-data; name=a\r\n\r\n");
    assert_eq!(head.unwrap().media_type, None);
}

#[test]
fn an_unclear_header_is_refused() {
    const DISPOSITION: &[u8] = b"Content-Disposition: form-data; name=a\r\n";
    const TWICE: &str = "it is given twice; send it once";
    const NAME: &str = "its name has characters that no name may have, such as spaces";
    let table: &[(&[u8], &str, &str)] = &[
        (b"nothing\r\n", "nothing", "it has no colon; write `Name: value`"),
        (b": x\r\n", ": x", NAME),
        (b"Content-Type : x\r\n", "Content-Type : x", NAME),
        (
            b"X: a\rContent-Type: b\r\n",
            "X",
            "it holds a CR without LF; end lines with CR LF",
        ),
        (b"Content-Type: a\r\ncontent-type: b\r\n", "Content-Type", TWICE),
        (DISPOSITION, "Content-Disposition", TWICE),
    ];
    for (line, header, why) in table {
        let lines = [b"\r\n", DISPOSITION, line, b"\r\n"].concat();
        let expected = Err(format!("header {header}: {why}"));
        assert_eq!(parsed(&lines), expected, "{}", line.escape_ascii());
    }
    let folded = [b"\r\n folded: x\r\n", DISPOSITION, b"\r\n"].concat();
    assert_eq!(parsed(&folded), Err(format!("header  folded: x: {NAME}")));
    let none = "header Content-Disposition: it is missing; add `form-data; name=\"...\"` to each part";
    assert_eq!(parsed(b"\r\n\r\n"), Err(none.to_owned()));
    assert_eq!(parsed(b"\r\nContent-Type: text/plain\r\n\r\n"), Err(none.to_owned()));
}

#[test]
fn the_boundary_is_found_in_the_content_type() {
    let longest = "x".repeat(70);
    let table: &[(String, &str)] = &[
        ("multipart/form-data; boundary=abc".to_owned(), "abc"),
        (
            " Multipart/Form-Data ;charset=utf-8; BOUNDARY = \"a b\" ;".to_owned(),
            "a b",
        ),
        (
            "multipart/form-data; boundary=----=_Part_1.2".to_owned(),
            "----=_Part_1.2",
        ),
        (
            "multipart/form-data; boundary=\"'()+_,-./:=?\"".to_owned(),
            "'()+_,-./:=?",
        ),
        (
            "multipart/form-data; boundary='a'; q=\"; boundary=b\"".to_owned(),
            "'a'",
        ),
        (format!("multipart/form-data; boundary={longest}"), &longest),
        // Not allowed by RFC 2046, but sent and accepted everywhere.
        ("multipart/form-data; boundary=*****".to_owned(), "*****"),
        ("multipart/form-data; boundary=&&a%b&&".to_owned(), "&&a%b&&"),
        ("multipart/form-data; boundary=\"a \"".to_owned(), "a "),
        ("multipart/form-data; boundary=é".to_owned(), "é"),
    ];
    for (content_type, expected) in table {
        let found = boundary(content_type.as_bytes()).unwrap();
        assert_eq!(found, expected.as_bytes(), "{content_type}");
    }
    assert_eq!(boundary(b"multipart/form-data; boundary=\xe9").unwrap(), b"\xe9");
}

#[test]
fn a_content_type_without_a_good_boundary_is_refused() {
    const NOT_A_FORM: &str = "not multipart/form-data";
    const NONE: &str = "it gives no boundary; add `boundary=` and the text that separates the parts";
    const BAD: &str = "the boundary has to have 1 to 70 bytes, and no control characters";
    let table: &[(String, &str)] = &[
        (String::new(), NOT_A_FORM),
        ("application/x-www-form-urlencoded".to_owned(), NOT_A_FORM),
        ("multipart/mixed; boundary=a".to_owned(), NOT_A_FORM),
        ("multipart/form-data2; boundary=a".to_owned(), NOT_A_FORM),
        (
            "multipart/form-data, multipart/form-data; boundary=a".to_owned(),
            NOT_A_FORM,
        ),
        ("multipart/form-data".to_owned(), NONE),
        ("multipart/form-data; q=\"boundary=a\"".to_owned(), NONE),
        ("multipart/form-data; boundary=".to_owned(), BAD),
        ("multipart/form-data; boundary=\"a\r\nb\"".to_owned(), BAD),
        ("multipart/form-data; boundary=\"a\0b\"".to_owned(), BAD),
        ("multipart/form-data; boundary=\"a%0D%0Ab\"".to_owned(), BAD),
        (format!("multipart/form-data; boundary={}", "x".repeat(71)), BAD),
        (
            "multipart/form-data; boundary=a; boundary=b".to_owned(),
            "a parameter is given twice; send each once",
        ),
    ];
    for (content_type, why) in table {
        let expected = match *why {
            NOT_A_FORM => NOT_A_FORM.to_owned(),
            why => format!("malformed form: header Content-Type of the request: {why}"),
        };
        let error = boundary(content_type.as_bytes()).unwrap_err();
        assert_eq!(error.to_string(), expected, "{content_type}");
    }
}
