//! What is refused.

use intake_plugin_svg::{Choice, Settings, Svg};

use crate::{packed, refusal, scan_in, svg, utf_16};

/// Contents of a document, the code, and what the refusal is about.
const ACTIVE: [(&str, &str, &str); 66] = [
    ("<script>x</script>", "svg_script", "script"),
    ("<script/>", "svg_script", "script"),
    ("<SCRIPT/>", "svg_script", "SCRIPT"),
    ("<script\n>x</script\n>", "svg_script", "script"),
    (
        "<s:script xmlns:s='http://www.w3.org/2000/svg'/>",
        "svg_script",
        "s:script",
    ),
    (
        "<s:script xmlns:s='http://www.w3.org/1999/xhtml'/>",
        "svg_script",
        "s:script",
    ),
    ("<script xlink:href='data:text/javascript,x'/>", "svg_script", "script"),
    ("<handler type='text/ecmascript'>x</handler>", "svg_script", "handler"),
    ("<a href='javascript:x'/>", "svg_script", "href"),
    ("<a xlink:href='javascript:x'/>", "svg_script", "xlink:href"),
    (
        "<a q:href='javascript:x' xmlns:q='http://www.w3.org/1999/xlink'/>",
        "svg_script",
        "q:href",
    ),
    ("<a href='JavaScript:x'/>", "svg_script", "href"),
    ("<a href=' \t\njavascript:x'/>", "svg_script", "href"),
    ("<a href='java\nscript:x'/>", "svg_script", "href"),
    ("<a href='java&#9;script:x'/>", "svg_script", "href"),
    ("<a href='java&#x0A;script&#58;x'/>", "svg_script", "href"),
    ("<a href='&#106;avascript&colon;x'/>", "svg_script", "href"),
    ("<a href='&#x6a;&#x61;vascript:x'/>", "svg_script", "href"),
    ("<a href='&#0000106;avascript:x'/>", "svg_script", "href"),
    ("<a href='java&Tab;script&NewLine;:x'/>", "svg_script", "href"),
    ("<a href='&#1;javascript:x'/>", "svg_script", "href"),
    ("<a href='vbscript:x'/>", "svg_script", "href"),
    ("<a href='data:text/html,x'/>", "svg_script", "href"),
    ("<a href='data: text/html;base64,eA=='/>", "svg_script", "href"),
    (
        "<a><animate attributeName='x' values='#a;javascript:x'/></a>",
        "svg_script",
        "values",
    ),
    ("<a><set attributeName='x' to='javascript:x'/></a>", "svg_script", "to"),
    (
        "<a><animate attributeName='href' from='#a' to='#b'/></a>",
        "svg_script",
        "href",
    ),
    (
        "<a><animate attributeName=' xlink:href ' to='#b'/></a>",
        "svg_script",
        " xlink:href ",
    ),
    ("<set attributeName='onload' to='x'/>", "svg_script", "onload"),
    ("<rect onload='x'/>", "svg_handler", "onload"),
    ("<rect ONLOAD='x'/>", "svg_handler", "ONLOAD"),
    ("<rect onclick=\"x\"/>", "svg_handler", "onclick"),
    ("<rect onload = 'x'/>", "svg_handler", "onload"),
    ("<rect onload=x />", "svg_handler", "onload"),
    ("<rect\nonload='x'/>", "svg_handler", "onload"),
    ("<rect a='b'onload='x'/>", "svg_handler", "onload"),
    ("<rect/onload='x'/>", "svg_handler", "onload"),
    ("<rect q:onload='x' xmlns:q='urn:q'/>", "svg_handler", "q:onload"),
    ("<!-- a -- b --><rect onload='x'/>", "svg_handler", "onload"),
    ("<!----><rect onload='x'/>", "svg_handler", "onload"),
    (
        "<![CDATA[ ]]]><rect onload='x'/>]]><rect onend='x'/>",
        "svg_handler",
        "onload",
    ),
    ("<desc title='>'/><animate onbegin='x'/>", "svg_handler", "onbegin"),
    ("<foreignObject/>", "svg_foreign_content", "foreignObject"),
    ("<foreignobject/>", "svg_foreign_content", "foreignobject"),
    ("<iframe/>", "svg_foreign_content", "iframe"),
    ("<embed/>", "svg_foreign_content", "embed"),
    ("<object/>", "svg_foreign_content", "object"),
    (
        "<h:b xmlns:h='http://www.w3.org/1999/xhtml'/>",
        "svg_foreign_content",
        "h:b",
    ),
    ("<a xmlns='http://www.w3.org/1999/xhtml'/>", "svg_foreign_content", "a"),
    ("<img/>", "svg_foreign_content", "img"),
    ("<image href='https://a.example/b.png'/>", "svg_external", "href"),
    ("<image href='//a.example/b.png'/>", "svg_external", "href"),
    ("<image xlink:href='file:///b.png'/>", "svg_external", "xlink:href"),
    ("<use href='b.svg#c'/>", "svg_external", "href"),
    ("<use href='data:image/svg+xml,b#c'/>", "svg_external", "href"),
    ("<feImage href='b.png'/>", "svg_external", "href"),
    ("<link rel='stylesheet' href='b.css'/>", "svg_external", "href"),
    ("<g xml:base='https://a.example/'/>", "svg_external", "xml:base"),
    (
        "<xi:include xmlns:xi='http://www.w3.org/2001/XInclude' href='b'/>",
        "svg_external",
        "xi:include",
    ),
    ("<rect fill='url(https://a.example/b#c)'/>", "svg_external", "fill"),
    (
        "<rect style='fill:URL( \"https://a.example/b\" )'/>",
        "svg_external",
        "style",
    ),
    (
        "<rect style='fill:\\75rl(https://a.example/b)'/>",
        "svg_external",
        "style",
    ),
    ("<rect style='x:\"a\n\";fill:url(b.svg#c)'/>", "svg_external", "style"),
    (
        "<rect style='cursor:image-set(\"b.png\" 1x)'/>",
        "svg_external",
        "style",
    ),
    ("<set attributeName='fill' to='url(b.svg#c)'/>", "svg_external", "to"),
    ("<rect fill='u&#114;l(b.svg#c)'/>", "svg_external", "fill"),
];

/// Style sheets that load something.
const STYLES: [&str; 14] = [
    "@import 'b.css';",
    "@import url(b.css);",
    "@IMPORT/**/\"b.css\"",
    "@\\69mport 'b.css';",
    "@im&#112;ort 'b.css';",
    "<![CDATA[@import 'b.css';]]>",
    "@im<!-- -->port 'b.css';",
    "@im<![CDATA[port]]> 'b.css';",
    "a{b:url(b.png)}",
    "a{b:url('data:image/svg+xml,<![CDATA[<]]>g transform=\"rotate(4)\"/>') url(b.png)}",
    "a{b:url(data:image/png,x) , url( 'b.png' )}",
    "/* url(#a) */ a{b:url(b.png)}",
    "/\\/* a{b:url(b.png)} /* */",
    "@font-face{src:local('x'),url(https://a.example/b.woff2)}",
];

async fn check(content: &[u8], code: &str, about: Option<&str>) {
    let seen = refusal(&Svg::default(), content).await;
    let (seen, subject) = seen.unwrap_or_else(|| panic!("taken: {}", String::from_utf8_lossy(content)));
    assert_eq!(seen, code, "{}", String::from_utf8_lossy(content));
    if let Some(about) = about {
        assert_eq!(subject, about, "{}", String::from_utf8_lossy(content));
    }
}

#[tokio::test]
async fn what_is_active_is_refused_wherever_the_content_is_cut() {
    for (inside, code, about) in ACTIVE {
        check(svg(inside).as_bytes(), code, Some(about)).await;
    }
    for style in STYLES {
        check(
            svg(&format!("<style>{style}</style>")).as_bytes(),
            "svg_external",
            Some("style"),
        )
        .await;
    }
}

#[tokio::test]
async fn it_is_refused_in_pieces_of_every_size() {
    for (inside, code, _) in ACTIVE.iter().step_by(5) {
        let content = svg(inside);
        for cut in 1..content.len() {
            let refused = scan_in(&Svg::default(), content.as_bytes(), cut)
                .await
                .verdict
                .rejection();
            assert_eq!(
                refused.map(|refused| refused.code.to_string()).as_deref(),
                Some(*code),
                "{content} at {cut}"
            );
        }
    }
}

#[tokio::test]
async fn it_is_refused_although_the_document_breaks_off_behind_it() {
    for (inside, code, _) in ACTIVE.iter().filter(|(inside, ..)| inside.ends_with('>')) {
        let whole = svg(inside);
        let broken = whole.strip_suffix("</svg>").expect("its end");
        check(broken.as_bytes(), code, None).await;
    }
}

/// A web page into which it is copied ends the tag.
#[tokio::test]
async fn a_tag_that_breaks_off_is_judged_too() {
    for (content, code) in [
        ("<svg onload='x'", "svg_handler"),
        ("<svg onload='x", "svg_handler"),
        ("<svg onload=x", "svg_handler"),
        ("<svg onload", "svg_handler"),
        ("<svg onload=", "svg_handler"),
        ("<svg><a href=\"javascript:x", "svg_script"),
        ("<svg><script", "svg_script"),
        ("<svg><rect style='fill:url(https://a.example/b)", "svg_external"),
    ] {
        check(content.as_bytes(), code, None).await;
    }
    let settings = Settings::default().with(|settings| settings.unreadable = Choice::Refuse);
    let strict = <Svg as intake_core::FromSettings>::from_settings(settings).expect("settings that make sense");
    for content in ["<svg width='1'", "<svg width='1", "<svg"] {
        let seen = refusal(&strict, content.as_bytes()).await;
        assert_eq!(
            seen.map(|(code, _)| code).as_deref(),
            Some("svg_unreadable"),
            "{content}"
        );
    }
}

#[tokio::test]
async fn it_is_refused_in_every_encoding_and_wrapping() {
    let content = svg("<rect onload='x'/>");
    let with_mark = format!("\u{FEFF}{content}");
    let latin = [
        &b"<?xml version='1.0' encoding='ISO-8859-1'?><!-- \xE9 -->"[..],
        content.as_bytes(),
    ]
    .concat();
    let false_claim = format!("<?xml version='1.0' encoding='UTF-16'?>{content}");
    let kana = format!("<?xml version='1.0' encoding='Shift_JIS'?>{content}");
    for wrapped in [
        with_mark.as_bytes().to_vec(),
        utf_16(&with_mark, true),
        utf_16(&with_mark, false),
        utf_16(&content, true),
        utf_16(&content, false),
        latin,
        false_claim.into_bytes(),
        kana.into_bytes(),
        format!(" \r\n\t{content}").into_bytes(),
        format!("<!-- <svg/> -->{content}").into_bytes(),
        packed(content.as_bytes()),
        packed(&utf_16(&with_mark, false)),
        packed_and_damaged(content.as_bytes()),
    ] {
        check(&wrapped, "svg_handler", Some("onload")).await;
    }
}

#[tokio::test]
async fn what_a_document_declares_is_judged() {
    let many: String = (0..65).map(|n| format!("<!ENTITY e{n} 'x'>")).collect();
    for (declared, inside, code) in [
        ("[<!ENTITY x SYSTEM 'file:///x'>]", "", "svg_external"),
        ("[<!ENTITY x PUBLIC 'a' 'https://a.example/'>]", "", "svg_external"),
        ("SYSTEM 'https://a.example/x.dtd'", "", "svg_external"),
        (
            "PUBLIC '-//W3C//DTD SVG 1.1//EN' 'https://a.example/x.dtd'",
            "",
            "svg_external",
        ),
        ("[<!ENTITY % x 'y'>]", "", "svg_entities"),
        ("[<!ENTITY x '&y;'><!ENTITY y 'z'>]", "", "svg_entities"),
        ("[<!ENTITY x '&#38;y;'>]", "", "svg_entities"),
        ("[<!ENTITY x '<script/>'>]", "", "svg_entities"),
        ("[<!ENTITY x '&#60;script/>'>]", "", "svg_entities"),
        ("[<!-- ' --><!ENTITY x '&#x3c;script/>'>]", "", "svg_entities"),
        ("[<!ATTLIST svg onload CDATA 'x'>]", "", "svg_entities"),
        (&format!("[{many}]"), "", "svg_entities"),
        ("[<!ENTITY Tab 'javascript:'>]", "<a href='&Tab;x'/>", "svg_script"),
        ("[<!ENTITY x 'javascript:y'>]", "<a href='&x;'/>", "svg_script"),
        (
            "[<!ENTITY x 'http://www.w3.org/2000/svg'>]",
            "<q:script xmlns:q='&x;'/>",
            "svg_script",
        ),
        ("[<!ENTITY x 'url(b.png)'>]", "<style>a{b:&x;}</style>", "svg_external"),
    ] {
        check(
            format!("<!DOCTYPE svg {declared}>{}", svg(inside)).as_bytes(),
            code,
            None,
        )
        .await;
    }
}

#[tokio::test]
async fn other_documents_that_a_browser_would_run_are_refused() {
    for (content, code) in [
        (
            "<?xml-stylesheet href='b.css' type='text/css'?><svg xmlns='http://www.w3.org/2000/svg'/>",
            "svg_external",
        ),
        (
            "<?xml-stylesheet href='#x' type='text/xsl'?><svg xmlns='http://www.w3.org/2000/svg'/>",
            "svg_script",
        ),
        ("<?xml-stylesheet href='#x' type='text/xsl'?><x/>", "svg_script"),
        (
            "<x><script xmlns='http://www.w3.org/1999/xhtml'>x</script></x>",
            "svg_script",
        ),
        ("<x xmlns:s='http://www.w3.org/2000/svg'><s:script/></x>", "svg_script"),
        (
            "<x xmlns:s='http://www.w3.org/2000/svg'><s:g onload='x'/></x>",
            "svg_handler",
        ),
        ("<!DOCTYPE x [<!ENTITY y '<z/>'>]><x>&y;</x>", "svg_entities"),
        (
            "<!DOCTYPE x [<!ENTITY w SYSTEM 'w'><!ATTLIST y xmlns CDATA 'http://www.w3.org/2000/svg'>]><x><y/></x>",
            "svg_entities",
        ),
        (
            "<?xml-stylesheet a='\" type=\"text/css\" href=\"#' type=\"text/xsl\" href=\"b\"?><x/>",
            "svg_script",
        ),
        ("<svg><![cdata[><script/>]]></svg>", "svg_script"),
        ("<svg><script/></svg>", "svg_script"),
        (
            "<html xmlns='http://www.w3.org/1999/xhtml'><script/><svg xmlns='http://www.w3.org/2000/svg'/></html>",
            "svg_script",
        ),
        (
            "<html xmlns='http://www.w3.org/1999/xhtml'><svg xmlns='http://www.w3.org/2000/svg' onload='x'/></html>",
            "svg_handler",
        ),
    ] {
        check(content.as_bytes(), code, None).await;
    }
}

#[tokio::test]
async fn characters_that_browsers_pass_over_hide_nothing() {
    for hidden in ["\u{A0}", "\u{200B}", "&#9;", " ", "\n"] {
        let many = hidden.repeat(1000);
        let style = svg(&format!("<style>a{{b:url({many}b.png)}}</style>"));
        check(style.as_bytes(), "svg_external", None).await;
        let link = svg(&format!("<a href='{many}javascript:x'/>"));
        check(link.as_bytes(), "svg_script", None).await;
        let image = svg(&format!("<image href='{many}data:text/html,x'/>"));
        check(image.as_bytes(), "svg_script", None).await;
    }
}

#[tokio::test]
async fn names_in_refusals_are_escaped_and_cut() {
    let name = format!("on\u{202E}{}", "x".repeat(200));
    let content = svg(&format!("<g onx\u{202E}{}='y'/>", "x".repeat(200)));
    let (code, subject) = refusal(&Svg::default(), content.as_bytes()).await.expect("refused");
    assert_eq!(code, "svg_handler");
    assert!(
        subject.starts_with("onx\\u{202e}") && subject.chars().count() <= 80,
        "{subject} of {name}"
    );
}

/// In a block that is not compressed, with one behind it of a kind that there is not.
fn packed_and_damaged(content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).expect("a short one");
    let head = b"\x1F\x8B\x08\0\0\0\0\0\0\xFF\0";
    [
        head,
        &length.to_le_bytes()[..],
        &(!length).to_le_bytes(),
        content,
        b"\x07",
    ]
    .concat()
}
