//! Drawings and types that contradict each other, refused over the Upload API with the codes of its reference.

use serde_json::{Value, json};

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

#[test]
fn a_drawing_is_described_as_an_image_of_the_size_that_browsers_show() {
    let server = Server::start();
    let described = |attributes: &str| {
        let drawing = format!("<svg xmlns=\"http://www.w3.org/2000/svg\" {attributes}><g/></svg>");
        let id = server.upload("a.svg", drawing.as_bytes());
        let info = server.get(&format!("/info/?pub_key=demopublickey&file_id={id}")).json();
        assert_eq!(info["content_info"]["mime"]["mime"], "image/svg+xml");
        assert_eq!(
            info["content_info"].get("image").unwrap_or(&Value::Null),
            &info["image_info"]
        );
        (info["is_image"].clone(), info["image_info"].clone())
    };
    let known = json!({
        "dpi": null, "width": 300, "format": "SVG", "height": 75, "sequence": false, "color_mode": null,
        "orientation": null, "geo_location": null, "datetime_original": null,
    });
    assert_eq!(described("viewBox=\"0 0 400 100\""), (json!(true), known));
    assert_eq!(described("width=\"50vw\""), (json!(false), Value::Null));
}
