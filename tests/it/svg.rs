//! Drawings and types that contradict each other, refused over the Upload API with the codes of its reference.

use crate::support::{Form, Server};

fn error(server: &Server, name: &str, content: &str) -> (String, String) {
    let form = Form::default().file("file", name, content.as_bytes()).key();
    let answer = server.post("/base/?jsonerrors=1", &form).json();
    let text = |field: &str| answer["error"][field].as_str().unwrap_or_default().to_owned();
    (text("error_code"), text("content"))
}

#[test]
fn an_active_or_damaged_drawing_is_refused_with_the_codes_of_the_reference() {
    let server = Server::start_with("\n[[scan]]\nuse = \"svg\"\nunreadable = \"refuse\"\n", &[]);
    let svg = |inside: &str| format!("<svg xmlns=\"http://www.w3.org/2000/svg\">{inside}</svg>");
    let (code, said) = error(&server, "a.svg", &svg("<script>1</script>"));
    assert_eq!(code, "SVGMaliciousContentError");
    assert!(said.contains("script"), "{said}");
    let (code, _) = error(&server, "b.svg", &svg("<g>"));
    assert_eq!(code, "SVGValidationFailedError");
    let (code, said) = error(&server, "c.svg", &svg("<path d=\"M0 0h1\"/>"));
    assert_eq!((code, said), (String::new(), String::new()));
}

#[test]
fn a_name_that_contradicts_the_content_is_refused_with_the_code_of_the_reference() {
    let server = Server::start_with("\n[[validate]]\nuse = \"file-type\"\n", &[]);
    assert_eq!(error(&server, "a.png", "no picture").0, "FileTypeForbiddenError");
    assert_eq!(error(&server, "a.txt", "a text").0, "");
}
