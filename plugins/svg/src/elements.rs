//! Elements by what they are able to do.

/// Elements of web pages which end an image that stands in a page, or which embed other documents. `font` is left out: SVG has
/// one of its own.
const OF_PAGES: [&str; 63] = [
    "annotation-xml",
    "applet",
    "audio",
    "b",
    "base",
    "big",
    "blockquote",
    "body",
    "br",
    "button",
    "center",
    "code",
    "dd",
    "div",
    "dl",
    "dt",
    "em",
    "embed",
    "form",
    "frame",
    "frameset",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "head",
    "hr",
    "html",
    "iframe",
    "img",
    "input",
    "li",
    "listing",
    "math",
    "menu",
    "meta",
    "nobr",
    "noscript",
    "object",
    "ol",
    "p",
    "portal",
    "pre",
    "ruby",
    "select",
    "small",
    "source",
    "span",
    "strike",
    "strong",
    "sub",
    "sup",
    "table",
    "template",
    "textarea",
    "tt",
    "u",
    "ul",
    "var",
    "video",
    "xmp",
];

/// Whether an element, by its name in lower case, is one of web pages.
pub(crate) fn is_of_pages(name: &str) -> bool {
    OF_PAGES.contains(&name)
}

/// Whether an element embeds a part of a web page or another document, wherever it stands.
pub(crate) fn embeds(name: &str) -> bool {
    matches!(
        name,
        "foreignobject" | "iframe" | "embed" | "object" | "applet" | "frame" | "portal"
    )
}

/// Whether an element runs scripts.
pub(crate) fn is_script(name: &str) -> bool {
    matches!(name, "script" | "handler" | "listener")
}

/// Whether an element changes attributes of others.
pub(crate) fn is_animation(name: &str) -> bool {
    matches!(
        name,
        "animate" | "set" | "animatecolor" | "animatemotion" | "animatetransform" | "discard"
    )
}

/// Whether an attribute, by its name in lower case and without prefix, runs a script at an event.
pub(crate) fn is_handler(name: &str) -> bool {
    name.strip_prefix("on")
        .is_some_and(|event| event.starts_with(|first: char| first.is_ascii_alphabetic()))
}

/// Whether an attribute refers to something.
pub(crate) fn is_reference(name: &str) -> bool {
    matches!(
        name,
        "href" | "src" | "action" | "formaction" | "data" | "poster" | "srcset" | "base"
    )
}

/// Whether an attribute has values for an attribute that is animated.
pub(crate) fn is_animated_value(name: &str) -> bool {
    matches!(name, "from" | "to" | "by" | "values")
}
