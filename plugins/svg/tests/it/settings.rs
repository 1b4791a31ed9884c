//! What an operator may set.

use intake_core::FromSettings;
use intake_plugin_svg::{Settings, Svg};
use serde_json::{Value, json};

use crate::{packed, refusal, svg};

fn build(settings: Value) -> Result<Svg, String> {
    let settings: Settings = serde_json::from_value(settings).map_err(|error| error.to_string())?;
    Svg::from_settings(settings).map_err(|error| error.to_string())
}

async fn check(settings: Value, content: &str, code: Option<&str>) {
    let scanner = build(settings.clone()).expect("settings that make sense");
    let seen = refusal(&scanner, content.as_bytes()).await.map(|(code, _)| code);
    assert_eq!(seen.as_deref(), code, "{settings}: {content:.200}");
}

#[tokio::test]
async fn what_is_accepted_by_a_setting_is_taken() {
    for (settings, content, code) in [
        (
            json!({"scripts": "accept"}),
            svg("<script>x</script><a href='javascript:x'/>"),
            None,
        ),
        (json!({"handlers": "accept"}), svg("<g onload='x'/>"), None),
        (
            json!({"foreign_content": "accept"}),
            svg("<foreignObject><p/></foreignObject>"),
            None,
        ),
        (
            json!({"foreign_content": "accept"}),
            svg("<foreignObject><script/></foreignObject>"),
            Some("svg_script"),
        ),
        (
            json!({"external": "accept"}),
            svg("<image href='https://a.example/'/>"),
            None,
        ),
        (
            json!({"animation_of_links": "accept"}),
            svg("<set attributeName='href' to='#a'/>"),
            None,
        ),
        (
            json!({"animation_of_links": "accept"}),
            svg("<set attributeName='href' to='javascript:x'/>"),
            Some("svg_script"),
        ),
        (
            json!({"entities": "accept"}),
            format!("<!DOCTYPE svg [<!ENTITY a '&b;'>]>{}", svg("")),
            None,
        ),
    ] {
        check(settings, &content, code).await;
    }
}

#[tokio::test]
async fn limits_do_what_they_say() {
    let deep = svg(&("<g>".repeat(9) + &"</g>".repeat(9)));
    let image = svg(&format!(
        "<image href='data:image/png;base64,{}'/><path d='{}'/>",
        "A".repeat(9000),
        "1".repeat(9000)
    ));
    for (settings, content, code) in [
        (json!({"max_depth": 10}), deep.clone(), None),
        (json!({"max_depth": 9}), deep, Some("svg_too_complex")),
        (json!({"max_attributes": 3}), svg("<g a='' b='' c=''/>"), None),
        (json!({"max_attributes": 2}), svg("<g/>"), None),
        (
            json!({"max_attributes": 2}),
            svg("<g a='' b='' c=''/>"),
            Some("svg_too_complex"),
        ),
        (json!({"max_elements": 3}), svg("<g/><g/>"), None),
        (json!({"max_elements": 3}), svg("<g/><g/><g/>"), Some("svg_too_complex")),
        (
            json!({"max_attribute": "1 KiB"}),
            svg(&format!("<g id='{}'/>", "1".repeat(1024))),
            None,
        ),
        (
            json!({"max_attribute": "1 KiB"}),
            svg(&format!("<g id='{}'/>", "1".repeat(1025))),
            Some("svg_too_complex"),
        ),
        (json!({"max_attribute": "1 KiB"}), image, None),
        (json!({"unreadable": "refuse"}), svg("<g>"), Some("svg_unreadable")),
        (json!({"unreadable": "refuse"}), svg("<g a=b/>"), Some("svg_unreadable")),
        (json!({"unreadable": "refuse"}), svg("<g/>"), None),
        (json!({"unreadable": "accept"}), svg("<g>"), None),
    ] {
        check(settings, &content, code).await;
    }
    let scanner = build(json!({"max_unpacked": "100 KiB"})).expect("settings that make sense");
    // What is behind the limit is not looked at.
    let spaces = " ".repeat(200 * 1024);
    for inside in [spaces.clone(), spaces + "<script/>"] {
        let large = packed(svg(&inside).as_bytes());
        let seen = refusal(&scanner, &large).await.map(|(code, _)| code);
        assert_eq!(seen.as_deref(), Some("svg_too_complex"));
    }
}

#[test]
fn settings_that_make_no_sense_are_named() {
    for (settings, says) in [
        (json!({"script": "accept"}), "unknown field `script`"),
        (json!({"scripts": "ask"}), "unknown variant `ask`"),
        (json!({"max_depth": 0}), "max_depth"),
        (json!({"max_attributes": 0}), "max_attributes"),
        (json!({"max_attribute": "1 GiB"}), "max_attribute"),
        (json!({"max_elements": 0}), "max_elements"),
        (json!({"max_unpacked": 0}), "max_unpacked"),
    ] {
        let error = build(settings.clone()).expect_err("makes no sense");
        assert!(error.contains(says), "{settings}: {error}");
    }
}
