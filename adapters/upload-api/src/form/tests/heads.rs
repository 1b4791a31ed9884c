//! Headers: what clients send, and what is refused.

use crate::form::head::Head;
use crate::form::{Limits, boundary};

fn head(disposition: &str) -> Result<(String, Option<String>), String> {
    let lines = format!("\r\nContent-Disposition: {disposition}\r\n\r\n");
    parsed(lines.as_bytes()).map(|head| (head.name, head.file_name))
}

fn parsed(lines: &[u8]) -> Result<Head, String> {
    Head::parse(lines, &Limits::default()).map_err(|error| error.to_string())
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
        // Only those three; the rest may well be meant.
        (r#"form-data; name="100%.%20%0d%25""#, "100%.%20%0d%25", None),
        ("form-data; name=a%22b", "a%22b", None),
        // The path stays; which part of it is the name is for the caller to say.
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
    ];
    for (disposition, name, file_name) in table {
        let expected = Ok(((*name).to_owned(), file_name.map(str::to_owned)));
        assert_eq!(head(disposition), expected, "{disposition}");
    }
}

#[test]
fn an_unclear_name_is_refused() {
    let table: &[(&str, &str)] = &[
        ("form-data", "a part has no name"),
        (r#"form-data; filename="a""#, "a part has no name"),
        ("", "the disposition of a part is not form-data"),
        (r#"attachment; name="a""#, "the disposition of a part is not form-data"),
        ("form-data; name", "a parameter has no value"),
        ("form-data; x; name=a", "the name of a parameter is not one"),
        ("form-data; =a", "the name of a parameter is not one"),
        (r#"form-data; name="a"#, "a quoted parameter does not end"),
        (r#"form-data; name="a\""#, "a quoted parameter does not end"),
        (r#"form-data; name="a"b"#, "something follows a quoted parameter"),
        (
            r#"form-data; name="a" filename="b""#,
            "something follows a quoted parameter",
        ),
        (r#"form-data; name=a"b"#, "a quote stands within a parameter"),
        ("form-data; name=a; NAME=b", "a parameter stands twice"),
        ("form-data; name=a; name*=UTF-8''a", "a part has two names"),
        ("form-data; name*=UTF-8''a; name*=UTF-8''a", "a parameter stands twice"),
        ("form-data; name*=a", "an extended name is not UTF-8"),
        ("form-data; name=a; filename=b; filename=c", "a parameter stands twice"),
        (
            "form-data; name=a; filename*=UTF-8''b; filename*=UTF-8''c",
            "a parameter stands twice",
        ),
        ("form-data; name=a; filename*=b", "an extended name is not UTF-8"),
        ("form-data; name=a; filename*=UTF-8'b", "an extended name is not UTF-8"),
        (
            "form-data; name=a; filename*=UTF-8''%FF",
            "an extended name is not UTF-8",
        ),
        (
            "form-data; name=a; filename*=latin1''b",
            "an extended name is not UTF-8",
        ),
    ];
    for (disposition, why) in table {
        assert_eq!(
            head(disposition),
            Err(format!("malformed form: {why}")),
            "{disposition}"
        );
    }
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
    let table: &[(&[u8], &str)] = &[
        (b"nothing\r\n", "a header of a part has no colon"),
        (b": x\r\n", "the name of a header of a part is not one"),
        (b"Content-Type : x\r\n", "the name of a header of a part is not one"),
        (b" folded: x\r\n", "the name of a header of a part is not one"),
        (b"X: a\rContent-Type: b\r\n", "a header of a part holds a lone CR"),
        (b"Content-Type: \xff\r\n", "a header of a part is not UTF-8"),
        (
            b"Content-Type: a\r\ncontent-type: b\r\n",
            "a header of a part stands twice",
        ),
        (DISPOSITION, "a header of a part stands twice"),
    ];
    for (line, why) in table {
        let lines = [b"\r\n", DISPOSITION, line, b"\r\n"].concat();
        let expected = Err(format!("malformed form: {why}"));
        assert_eq!(parsed(&lines), expected, "{}", line.escape_ascii());
    }
    let none = Err("malformed form: a part has no content disposition".to_owned());
    assert_eq!(parsed(b"\r\n\r\n"), none);
    assert_eq!(parsed(b"\r\nContent-Type: text/plain\r\n\r\n"), none);
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
    ];
    for (content_type, expected) in table {
        assert_eq!(boundary(content_type).unwrap(), *expected, "{content_type}");
    }
}

#[test]
fn a_content_type_without_a_good_boundary_is_refused() {
    const NOT_A_FORM: &str = "not multipart/form-data";
    const NONE: &str = "malformed form: the content type names no boundary";
    const BAD: &str = "malformed form: the boundary is not one";
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
        ("multipart/form-data; boundary=\"a \"".to_owned(), BAD),
        ("multipart/form-data; boundary=a%b".to_owned(), BAD),
        ("multipart/form-data; boundary=\"a\r\nb\"".to_owned(), BAD),
        ("multipart/form-data; boundary=é".to_owned(), BAD),
        (format!("multipart/form-data; boundary={}", "x".repeat(71)), BAD),
        (
            "multipart/form-data; boundary=a; boundary=b".to_owned(),
            "malformed form: a parameter stands twice",
        ),
    ];
    for (content_type, why) in table {
        assert_eq!(boundary(content_type).unwrap_err().to_string(), *why, "{content_type}");
    }
}
