//! Which uploads are text, and of which kind.

use intake_core::{Head, MediaType};
use serde::{Deserialize, Serialize};

/// A kind of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Kind {
    /// Any text that is of no other kind, and logs.
    Plain,
    /// A table whose cells are separated by commas, semicolons or tabs.
    Csv,
    /// A table whose cells are separated by tabs.
    Tsv,
    /// JSON, also a document a line.
    Json,
    /// Markdown, AsciiDoc, reStructuredText.
    Markdown,
    /// XML, except SVG.
    Xml,
    /// HTML.
    Html,
    /// Source code, scripts, and files of settings.
    Code,
}

/// The endings of names, in lower case.
const ENDINGS: [(Kind, &[&str]); 8] = [
    (Kind::Plain, &["txt", "text", "log", "srt", "vtt", "asc", "nfo"]),
    (Kind::Csv, &["csv"]),
    (Kind::Tsv, &["tsv", "tab"]),
    (Kind::Json, &["json", "jsonl", "ndjson", "geojson", "webmanifest"]),
    (Kind::Markdown, &["md", "markdown", "adoc", "rst"]),
    (Kind::Xml, &["xml", "xsd", "xsl", "xslt", "rss", "atom", "gpx", "kml"]),
    (Kind::Html, &["html", "htm", "xhtml"]),
    (
        Kind::Code,
        &[
            "bash",
            "bat",
            "c",
            "cc",
            "cfg",
            "cmd",
            "conf",
            "cpp",
            "cs",
            "css",
            "cxx",
            "dart",
            "diff",
            "ex",
            "exs",
            "go",
            "gradle",
            "h",
            "hpp",
            "hs",
            "ini",
            "java",
            "js",
            "jsx",
            "kt",
            "kts",
            "less",
            "lua",
            "mjs",
            "patch",
            "php",
            "pl",
            "pm",
            "properties",
            "ps1",
            "py",
            "r",
            "rb",
            "rs",
            "sass",
            "scala",
            "scss",
            "sh",
            "sql",
            "swift",
            "tf",
            "toml",
            "ts",
            "tsx",
            "vb",
            "vbs",
            "yaml",
            "yml",
            "zsh",
        ],
    ),
];

/// Media types, as essences.
const TYPES: [(Kind, &[&str]); 7] = [
    (Kind::Csv, &["text/csv", "application/csv"]),
    (Kind::Tsv, &["text/tab-separated-values"]),
    (
        Kind::Json,
        &[
            "application/json",
            "application/x-ndjson",
            "application/geo+json",
            "application/ld+json",
        ],
    ),
    (Kind::Markdown, &["text/markdown", "text/x-markdown"]),
    (
        Kind::Xml,
        &[
            "application/xml",
            "text/xml",
            "application/rss+xml",
            "application/atom+xml",
        ],
    ),
    (Kind::Html, &["text/html", "application/xhtml+xml"]),
    (
        Kind::Code,
        &[
            "application/javascript",
            "application/sql",
            "application/toml",
            "application/x-httpd-php",
            "application/x-sh",
            "application/yaml",
            "text/css",
            "text/javascript",
            "text/x-c",
            "text/x-java-source",
            "text/x-python",
            "text/x-shellscript",
        ],
    ),
];

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 8] = [
        Self::Plain,
        Self::Csv,
        Self::Tsv,
        Self::Json,
        Self::Markdown,
        Self::Xml,
        Self::Html,
        Self::Code,
    ];

    /// The kind of an upload, or `None` if neither its name, nor its declared type, nor its first bytes say that it is text.
    pub(crate) fn of(head: &Head<'_>) -> Option<Self> {
        let declared = head.upload.declared;
        let by_name = declared
            .name
            .as_ref()
            .and_then(|name| Self::of_ending(name.extension()?));
        // The ending of TypeScript is that of transport streams, too.
        let by_name = by_name.filter(|_| head.media_type.is_none_or(|found| found.main() != "video"));
        let by_type = declared.media_type.as_ref().and_then(Self::of_type);
        let by_content = head.media_type.and_then(Self::of_type);
        let any = [by_name, by_type, by_content];
        // A spreadsheet opens a table by its name, and a page by its type: whichever says so.
        let table = any.into_iter().flatten().find(|kind| kind.is_table());
        table.or(by_name).or(by_type).or(by_content)
    }

    /// Whether a spreadsheet opens it.
    pub(crate) fn is_table(self) -> bool {
        matches!(self, Self::Csv | Self::Tsv)
    }

    fn of_ending(ending: &str) -> Option<Self> {
        let ending = ending.to_ascii_lowercase();
        let found = ENDINGS.iter().find(|(_, endings)| endings.contains(&ending.as_str()));
        found.map(|(kind, _)| *kind)
    }

    fn of_type(media_type: &MediaType) -> Option<Self> {
        let essence = media_type.as_str();
        let found = TYPES.iter().find(|(_, types)| types.contains(&essence));
        let other = || (media_type.main() == "text" && essence != "text/rtf").then_some(Self::Plain);
        found.map(|(kind, _)| *kind).or_else(other)
    }
}
