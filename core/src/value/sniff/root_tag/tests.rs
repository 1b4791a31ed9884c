//! What is read of a start tag, however the document comes.

use super::*;

const WANTED: [&str; 4] = ["width", "height", "xmlns", "xmlns:"];

fn read(document: &[u8], head: usize, piece: usize) -> RootTag {
    let (head, rest) = document.split_at(head.min(document.len()));
    let mut tag = RootTag::of(head, &WANTED);
    for piece in rest.chunks(piece) {
        tag.push(piece);
    }
    tag
}

/// The attributes, if the tag is complete.
fn attributes(document: &[u8]) -> Option<Vec<(String, Option<String>)>> {
    let read = |head, piece| {
        let tag = read(document, head, piece);
        let attributes = tag
            .attributes()
            .map(|(name, value)| (name.into(), value.map(Into::into)));
        tag.is_complete().then(|| attributes.collect())
    };
    let whole = read(document.len(), 1);
    for head in 4..document.len() {
        assert_eq!(read(head, 1), whole, "cut behind {head} bytes");
        assert_eq!(read(head, 3), whole, "cut behind {head} bytes");
    }
    whole
}

fn width(document: &[u8]) -> Option<String> {
    let attributes = attributes(document)?;
    attributes
        .into_iter()
        .find(|(name, _)| name == "width")
        .and_then(|(_, value)| value)
}

#[test]
fn attributes_of_the_root_are_read_whatever_stands_in_front_of_it() {
    let utf_16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>();
    for document in [
        b"<svg width=\"30\"/>".to_vec(),
        b"<svg width='30'>".to_vec(),
        b"<svg\n\twidth =\r\n '30' height=\"4\" />".to_vec(),
        b"<svg a:b-c.d='1' width='30'><svg width='5'/>".to_vec(),
        b"<s:svg xmlns:s='x' width='30'/>".to_vec(),
        b" \n<!-- <svg width='5'/> --><svg width='30'/>".to_vec(),
        b"\xEF\xBB\xBF<?xml version='1.0'?><?a <svg width='5'/>?><svg width='30'/>".to_vec(),
        b"<!DOCTYPE svg [<!ENTITY a \"<svg width='5'/>\">]><svg width='30'/>".to_vec(),
        b"<svg \xC3\xA9='\xC3\xA9' width='30'/>".to_vec(),
        utf_16("\u{FEFF}<svg width='30'/>"),
        utf_16("<svg title='\u{2030}' width='30'/>"),
    ] {
        let text = String::from_utf8_lossy(&document);
        assert_eq!(width(&document).as_deref(), Some("30"), "{text}");
    }
}

#[test]
fn a_tag_that_is_not_well_formed_is_not_read() {
    for document in [
        "<svg width='30'",
        "<svg width='30",
        "<svg width=30/>",
        "<svg width/>",
        "<svg width='30'height='4'/>",
        "<svg width='30' width='4'/>",
        "<svg a='<' width='30'/>",
        "<svg width='30'/ >",
        "<svg ='30'/>",
        "<svg 'width'='30'/>",
        "<html width='30'/>",
        "width='30'",
        "",
    ] {
        assert_eq!(attributes(document.as_bytes()), None, "{document}");
    }
}

#[test]
fn what_is_kept_is_bounded() {
    let long = "1".repeat(300);
    let document = format!("<svg a{long}='{long}' b='{long}' width='{long}' height='4'/>");
    let read = attributes(document.as_bytes()).expect("complete");
    assert_eq!(
        read,
        [("width".to_owned(), None), ("height".to_owned(), Some("4".to_owned()))]
    );
    let many: String = (0..65).map(|number| format!(" xmlns:a{number}='a'")).collect();
    assert!(!RootTag::of(format!("<svg{many}/>").as_bytes(), &WANTED).is_complete());
}
