//! The addresses: which file, group or archive a path names, and what is to be done with it. Pure.
//!
//! A path is decoded once, as a whole, before it is cut into steps: a token that covers a path covers what is read here, however
//! the path was escaped.

use intake_core::{FileName, UploadId};
use percent_encoding::percent_decode_str;

/// The longest path. No client makes one that is nearly as long.
const LONGEST: usize = 4096;
/// Begins an operation.
const DASH: &[u8] = b"-";
/// Operations that are written without a dash before them.
const BARE: [&str; 5] = ["detect_faces", "document", "gif2video", "video", "videoframe"];

/// What a path names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// A file, maybe after operations.
    File(UploadId, Wanted),
    /// The file at this place in a group, counted from 0.
    Member(GroupAddress, usize, Wanted),
    /// All files of a group.
    Archive(GroupAddress, Format, Option<FileName>),
    /// A group itself.
    Group(GroupAddress),
    /// Nothing that there is.
    Nothing,
}

/// The id of a group, and how many files it has: both are its address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct GroupAddress {
    pub(crate) id: UploadId,
    pub(crate) files: usize,
}

/// The format of an archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Zip,
    Tar,
}

/// How a file is to be given out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// What is to be done with the file, in this order.
    pub(crate) operations: Vec<Operation>,
    /// Whether to show the file or to save it, if the path says so.
    pub(crate) inline: Option<bool>,
    /// The name under which the file is saved.
    pub(crate) name: Option<FileName>,
}

/// One operation with its parameters, as `resize` with `640x`. Neither was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Operation {
    pub(crate) name: String,
    pub(crate) params: Vec<String>,
}

/// Whether a path is one of this adapter, by its first step: the id of a file or of a group, well written or not.
///
/// ```
/// assert!(intake_delivery::is_address("/67947755-1584-4e3f-902b-d4e2bf76a841/cat.jpg"));
/// assert!(!intake_delivery::is_address("/base/"));
/// ```
#[must_use]
pub fn is_address(path: &str) -> bool {
    const ID: usize = 36;
    let step = path.strip_prefix('/').and_then(|path| path.get(..ID));
    step.is_some_and(|step| step.parse::<UploadId>().is_ok())
}

/// The path as it is read here and as tokens cover it.
pub(crate) fn decoded(path: &str) -> Vec<u8> {
    percent_decode_str(path).collect()
}

/// Reads a [decoded](decoded) path.
pub(crate) fn read(path: &[u8]) -> Target {
    let Some(path) = path.strip_prefix(b"/").filter(|path| path.len() < LONGEST) else {
        return Target::Nothing;
    };
    let (path, ends) = match path.strip_suffix(b"/") {
        Some(path) => (path, true),
        None => (path, false),
    };
    let steps: Vec<&[u8]> = path.split(|byte| *byte == b'/').collect();
    let Some((first, rest)) = steps.split_first().filter(|_| !steps.contains(&b"".as_slice())) else {
        return Target::Nothing;
    };
    let Some(first) = text(first) else {
        return Target::Nothing;
    };
    let found = match first.split_once('~') {
        None => id(first).and_then(|id| Some(Target::File(id, wanted(rest, ends)?))),
        Some((group, files)) => group_address(group, files).and_then(|group| in_group(group, rest, ends)),
    };
    found.unwrap_or(Target::Nothing)
}

/// Reads operations as they are kept with a member of a group, such as `resize/100x/-/rotate/90/`.
pub(crate) fn operations(effects: &str) -> Vec<Operation> {
    let steps: Vec<&[u8]> = effects
        .split('/')
        .filter(|step| !step.is_empty())
        .map(str::as_bytes)
        .collect();
    let pieces = steps.split(|step| *step == DASH).filter(|piece| !piece.is_empty());
    pieces
        .filter_map(operation)
        .filter(|operation| !operation.is_note())
        .collect()
}

impl Operation {
    /// Whether it is no operation but a note of a client about itself, such as `@clib/blinkloader/2.0/`.
    fn is_note(&self) -> bool {
        self.name.starts_with('@')
    }

    /// What `inline` says, if it is that.
    fn inline(&self) -> Option<bool> {
        let params: Vec<_> = self.params.iter().map(String::as_str).collect();
        match (self.name.as_str(), params.as_slice()) {
            ("inline", [] | ["yes"]) => Some(true),
            ("inline", ["no"]) => Some(false),
            _ => None,
        }
    }
}

fn text(step: &[u8]) -> Option<&str> {
    str::from_utf8(step).ok()
}

/// An id in its one spelling: otherwise one file would be several to caches and tokens.
fn id(text: &str) -> Option<UploadId> {
    text.parse().ok().filter(|id: &UploadId| id.to_string() == text)
}

fn number(text: &str) -> Option<usize> {
    text.parse().ok().filter(|number: &usize| number.to_string() == text)
}

fn group_address(group: &str, files: &str) -> Option<GroupAddress> {
    Some(GroupAddress {
        id: id(group)?,
        files: number(files)?,
    })
}

fn in_group(group: GroupAddress, steps: &[&[u8]], ends: bool) -> Option<Target> {
    match steps {
        [] => Some(Target::Group(group)),
        [b"nth", place, rest @ ..] => {
            let place = number(text(place)?)?;
            Some(Target::Member(group, place, wanted(rest, ends)?))
        }
        [b"archive", format, rest @ ..] => {
            let format = match *format {
                b"zip" => Format::Zip,
                b"tar" => Format::Tar,
                _ => return None,
            };
            match rest {
                [] => Some(Target::Archive(group, format, None)),
                [name] => Some(Target::Archive(group, format, FileName::from_bytes(name))),
                _ => None,
            }
        }
        _ => None,
    }
}

/// Reads what follows an id: a name, or operations and maybe a name. `ends`: whether a slash is at the end.
fn wanted(steps: &[&[u8]], ends: bool) -> Option<Wanted> {
    match steps {
        [] => Some(Wanted::default()),
        [DASH, rest @ ..] => with_operations(rest, ends),
        [first, rest @ ..] if is_bare(first) && (ends || !rest.is_empty()) => Some(Wanted {
            operations: vec![operation(steps.split(|step| *step == DASH).next()?)?],
            ..Wanted::default()
        }),
        [name] => Some(Wanted {
            name: FileName::from_bytes(name),
            ..Wanted::default()
        }),
        _ => None,
    }
}

fn is_bare(step: &[u8]) -> bool {
    text(step).is_some_and(|step| BARE.contains(&step))
}

/// Reads operations, with a dash between two of them. A step without a slash after it is the name, unless it names an operation.
fn with_operations(steps: &[&[u8]], ends: bool) -> Option<Wanted> {
    let mut wanted = Wanted::default();
    let (steps, name) = match steps {
        [steps @ .., name] if !ends && steps.last().is_some_and(|step| *step != DASH) => (steps, Some(name)),
        _ => (steps, None),
    };
    for piece in steps.split(|step| *step == DASH) {
        let operation = operation(piece)?;
        match operation.inline() {
            Some(inline) => wanted.inline = Some(inline),
            None if operation.is_note() => {}
            None => wanted.operations.push(operation),
        }
    }
    wanted.name = name.and_then(|name| FileName::from_bytes(name));
    Some(wanted)
}

fn operation(piece: &[&[u8]]) -> Option<Operation> {
    let mut texts = piece.iter().map(|step| text(step).map(str::to_owned));
    Some(Operation {
        name: texts.next()??,
        params: texts.collect::<Option<_>>()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "67947755-1584-4e3f-902b-d4e2bf76a841";

    /// How a path is read, in short.
    fn short(path: &str) -> String {
        let wanted = |wanted: Wanted| {
            let operations = wanted.operations.iter();
            let operations: Vec<_> = operations
                .map(|operation| format!("{}({})", operation.name, operation.params.join(",")))
                .collect();
            let inline = wanted
                .inline
                .map_or("", |inline| if inline { " inline" } else { " saved" });
            let name = wanted
                .name
                .map_or(String::new(), |name| format!(" as {}", name.as_str()));
            format!("[{}]{inline}{name}", operations.join(" "))
        };
        match read(&decoded(&path.replace("ID", ID))) {
            Target::File(id, how) => {
                assert_eq!(id.to_string(), ID);
                format!("file {}", wanted(how))
            }
            Target::Member(group, place, how) => format!("{place} of {} {}", group.files, wanted(how)),
            Target::Archive(group, format, name) => {
                let name = name.map_or(String::new(), |name| format!(" as {}", name.as_str()));
                format!("{format:?} of {}{name}", group.files)
            }
            Target::Group(group) => format!("group of {}", group.files),
            Target::Nothing => "nothing".to_owned(),
        }
    }

    #[test]
    fn every_address_of_official_clients_is_read() {
        for (path, read) in [
            ("/ID/", "file []"),
            ("/ID", "file []"),
            ("/ID/cat.jpg", "file [] as cat.jpg"),
            ("/ID/c%C3%A4t%20(1).jpg", "file [] as cät (1).jpg"),
            ("/ID/-/inline/yes/", "file [] inline"),
            ("/ID/-/inline/", "file [] inline"),
            ("/ID/-/inline/no/cat.jpg", "file [] saved as cat.jpg"),
            ("/ID/-/@clib/blinkloader/2.0.0/uc-img/", "file []"),
            (
                "/ID/-/@clib/file-uploader/1.0/x/-/inline/no/-/@clib/a/b/c/cat.jpg",
                "file [] saved as cat.jpg",
            ),
            ("/ID/-/resize/640x/", "file [resize(640x)]"),
            (
                "/ID/-/crop/10x20/1,2/-/preview/-/@clib/a/b/c/",
                "file [crop(10x20,1,2) preview()]",
            ),
            ("/ID/-/preview/cat.jpg", "file [preview()] as cat.jpg"),
            ("/ID/-/preview", "file [preview()]"),
            ("/ID/-/preview/-/flip", "file [preview() flip()]"),
            ("/ID/-/inline/maybe/", "file [inline(maybe)]"),
            ("/ID/gif2video/-/format/mp4/", "file [gif2video()]"),
            ("/ID/videoframe/00:01:02/", "file [videoframe(00:01:02)]"),
            ("/ID/video", "file [] as video"),
            ("/ID~3/", "group of 3"),
            ("/ID~3", "group of 3"),
            ("/ID~3/nth/0/", "0 of 3 []"),
            ("/ID~3/nth/2/cat.jpg", "2 of 3 [] as cat.jpg"),
            ("/ID~3/nth/2/-/resize/1x/", "2 of 3 [resize(1x)]"),
            ("/ID%7E3/nth/2/", "2 of 3 []"),
            ("/ID~3/archive/zip/", "Zip of 3"),
            ("/ID~3/archive/zip", "Zip of 3"),
            ("/ID~3/archive/tar/all.tar", "Tar of 3 as all.tar"),
        ] {
            assert_eq!(short(path), read, "{path}");
        }
    }

    #[test]
    fn what_is_no_address_names_nothing() {
        let long = format!("/ID/{}", "x".repeat(LONGEST));
        for path in [
            "",
            "/",
            "//",
            "/x/",
            "//ID/",
            "/ID//",
            "/ID//cat.jpg",
            "/ID/a/b",
            "/ID/cat.jpg/-/resize/1x/",
            "/ID/-/",
            "/ID/-/-/",
            "/ID/-",
            "/ID/-/resize/1x/-/",
            "/ID0/",
            "/ID~/",
            "/ID~x/",
            "/ID~-1/",
            "/ID~+1/",
            "/ID~01/",
            "/ID~1~1/",
            "/ID~99999999999999999999999/",
            "/ID~3/nth/",
            "/ID~3/nth/x/",
            "/ID~3/nth/-1/",
            "/ID~3/nth/00/",
            "/ID~3/cat.jpg",
            "/ID~3/-/nth/0/",
            "/ID~3/archive/",
            "/ID~3/archive/rar/",
            "/ID~3/archive/zip/a/b",
            "/ID/-/%FF/",
            "/../ID/",
            "/ID/../",
            "/%00/",
            "/ID%00/",
            "/{ID}/",
            "/ID /",
            &long,
        ] {
            // A step of two dots is no other folder here, but a name that is none.
            let expected = if path == "/ID/../" { "file []" } else { "nothing" };
            assert_eq!(short(path), expected, "{path}");
        }
        for wrong in [
            ID.to_uppercase(),
            ID.replace('-', ""),
            format!("urn:uuid:{ID}"),
            ID[1..].to_owned(),
        ] {
            assert_eq!(read(format!("/{wrong}/").as_bytes()), Target::Nothing, "{wrong}");
        }
    }

    #[test]
    fn an_escaped_path_is_the_same_path() {
        assert_eq!(short("/ID/%2D/resize%2F640x/"), "file [resize(640x)]");
        assert_eq!(short("/ID%2F"), "file []");
    }

    #[test]
    fn operations_of_a_group_are_read_however_they_are_written() {
        for effects in [
            "resize/100x/-/rotate/90/",
            "-/resize/100x/-/rotate/90/",
            "resize/100x/-/@a/b/-/rotate/90",
        ] {
            let read = operations(effects);
            let names: Vec<_> = read.iter().map(|operation| operation.name.as_str()).collect();
            assert_eq!(names, ["resize", "rotate"], "{effects}");
        }
        assert_eq!(operations(""), []);
    }

    #[test]
    fn paths_of_other_adapters_are_left_to_them() {
        for path in ["/", "/base/", "/info/", "/group/info/", "/parts/ID/x", "/files/ID/"] {
            assert!(!is_address(&path.replace("ID", ID)), "{path}");
        }
        for path in ["/ID", "/ID/", "/ID~2/nth/0/", "/IDx"] {
            assert!(is_address(&path.replace("ID", ID)), "{path}");
        }
    }
}
