//! Media types with several names.
//!
//! The first name of each line is the canonical one: the name that IANA registered, or else the name that most programs use. The
//! others are names that browsers, libraries, older registrations and earlier versions use or used.

use std::collections::HashMap;
use std::sync::LazyLock;

const SAME: [&[&str]; 81] = [
    &["application/gzip", "application/x-gzip"],
    &["application/java-archive", "application/x-java-archive"],
    &[
        "application/java-vm",
        "application/java",
        "application/x-java",
        "application/x-java-applet",
    ],
    &["application/fits", "image/fits"],
    &["application/ogg", "application/x-ogg"],
    &["application/pdf", "application/x-pdf"],
    &["application/postscript", "application/eps", "image/eps", "image/x-eps"],
    &["application/rtf", "text/rtf"],
    &["application/vnd.adobe.flash.movie", "application/x-shockwave-flash"],
    &["application/vnd.apache.parquet", "application/x-parquet"],
    &[
        "application/vnd.debian.binary-package",
        "application/x-deb",
        "application/x-debian-package",
    ],
    &[
        "application/vnd.microsoft.portable-executable",
        "application/x-dosexec",
        "application/x-ms-dos-executable",
        "application/x-ms-ne-executable",
        "application/x-msdos-program",
        "application/x-msdownload",
    ],
    &["application/vnd.ms-asf", "video/x-ms-asf"],
    &["application/vnd.ms-cab-compressed", "application/x-cab"],
    &[
        "application/vnd.ms-excel",
        "application/excel",
        "application/x-excel",
        "application/x-msexcel",
    ],
    &["application/vnd.ms-outlook", "application/x-msg"],
    &[
        "application/vnd.ms-powerpoint",
        "application/powerpoint",
        "application/mspowerpoint",
    ],
    &[
        "application/vnd.ms-visio.drawing",
        "application/vnd.ms-visio.drawing.main+xml",
    ],
    &[
        "application/vnd.rar",
        "application/x-rar",
        "application/x-rar-compressed",
    ],
    &["application/vnd.sqlite3", "application/x-sqlite3"],
    &["application/vnd.tcpdump.pcap", "application/x-pcap"],
    &["application/x-7z-compressed", "application/7z"],
    &["application/x-archive", "application/x-unix-archive"],
    &["application/x-bzip2", "application/bzip2", "application/x-bzip"],
    &[
        "application/x-chrome-extension",
        "application/x-google-chrome-extension",
    ],
    &["application/x-compress", "application/x-unix-compress"],
    &[
        "application/x-executable",
        "application/x-elf",
        "application/x-object",
        "application/x-pie-executable",
        "application/x-sharedlib",
    ],
    &["application/x-lz4", "application/lz4"],
    &["application/x-lzip", "application/lzip"],
    &["application/x-mach-binary", "application/x-mach-o"],
    &["application/x-msi", "application/x-ms-installer"],
    &["application/x-netcdf", "application/x-cdf"],
    &["application/x-ole-storage", "application/x-cfb"],
    &["application/x-tar", "application/tar"],
    &["application/x-xz", "application/xz"],
    &["application/zip", "application/x-zip", "application/x-zip-compressed"],
    &["application/zstd", "application/x-zstd"],
    &["audio/aac", "audio/aacp", "audio/x-aac", "audio/x-hx-aac-adts"],
    &["audio/ac3", "audio/vnd.dolby.dd-raw", "audio/x-ac3"],
    &["audio/basic", "audio/au", "audio/x-au"],
    &["audio/flac", "audio/x-flac"],
    &["audio/matroska", "audio/x-matroska"],
    &["audio/midi", "audio/mid", "audio/x-midi"],
    &["audio/mp4", "audio/m4a", "audio/x-m4a"],
    &["audio/mpeg", "audio/mp3", "audio/x-mp3", "audio/x-mpeg"],
    &[
        "audio/ogg",
        "audio/opus",
        "audio/vorbis",
        "audio/x-opus+ogg",
        "audio/x-speex",
        "audio/x-vorbis+ogg",
    ],
    &["audio/wav", "audio/vnd.wave", "audio/wave", "audio/x-wav"],
    &["audio/x-aiff", "audio/aiff"],
    &["audio/x-caf", "audio/caf"],
    &["audio/x-wavpack", "audio/wavpack"],
    &["font/collection", "application/x-font-ttc"],
    &["font/sfnt", "application/font-sfnt"],
    &["font/otf", "application/vnd.ms-opentype", "application/x-font-otf"],
    &["font/ttf", "application/x-font-ttf", "application/x-font-truetype"],
    &["font/woff", "application/font-woff", "application/x-font-woff"],
    &["font/woff2", "application/font-woff2"],
    &["image/bmp", "image/x-bmp", "image/x-ms-bmp"],
    &["image/dpx", "image/x-dpx"],
    &["image/emf", "image/x-emf"],
    &["image/j2c", "image/x-jp2-codestream"],
    &["image/jpeg", "image/jpg", "image/pjpeg"],
    &["image/jxr", "image/vnd.ms-photo"],
    &["image/svg+xml", "image/svg", "image/svg-xml"],
    &["image/tiff", "image/tif", "image/x-tiff"],
    &["image/qoi", "image/x-qoi"],
    &[
        "image/vnd.adobe.photoshop",
        "application/x-photoshop",
        "image/psd",
        "image/x-psd",
    ],
    &["image/vnd.dwg", "application/acad", "application/x-dwg"],
    &[
        "image/vnd.microsoft.icon",
        "image/ico",
        "image/x-icon",
        "image/x-win-bitmap",
    ],
    &["image/vnd.ms-dds", "image/x-dds"],
    &["image/vnd.radiance", "image/x-hdr"],
    &["image/vnd.zbrush.pcx", "image/x-pcx"],
    &["image/wmf", "image/x-wmf"],
    &["text/xml", "application/xml"],
    &["video/3gpp", "video/3gp"],
    &["video/matroska", "video/x-matroska"],
    &["video/mp4", "application/mp4", "video/x-m4v"],
    &["video/mpeg", "video/mpg", "video/x-mpeg"],
    &["video/quicktime", "video/mov", "video/x-quicktime"],
    &["video/x-flv", "video/flv"],
    &["video/x-mng", "image/x-mng"],
    &["video/x-msvideo", "video/avi", "video/msvideo", "video/vnd.avi"],
];

/// Families of media types: a rule that allows or refuses the family allows or refuses its members too.
const KINDS: [(&str, &[&str]); 7] = [
    ("application/ogg", &["audio/ogg", "video/ogg"]),
    ("application/vnd.ms-asf", &["audio/x-ms-wma", "video/x-ms-wmv"]),
    (
        "application/x-ole-storage",
        &[
            "application/msword",
            "application/vnd.ms-excel",
            "application/vnd.ms-outlook",
            "application/vnd.ms-powerpoint",
            "application/vnd.visio",
            "application/x-msi",
        ],
    ),
    (
        "application/zip",
        &[
            "application/java-archive",
            "application/vnd.android.package-archive",
            "application/x-xpinstall",
        ],
    ),
    ("font/sfnt", &["font/otf", "font/ttf"]),
    (
        "image/heif",
        &["image/avci", "image/heic", "image/heic-sequence", "image/heif-sequence"],
    ),
    ("image/tiff", &["image/x-adobe-dng"]),
];

static CANONICAL: LazyLock<HashMap<&str, &[&str]>> = LazyLock::new(|| {
    SAME.iter()
        .flat_map(|names| names.iter().map(|name| (*name, *names)))
        .collect()
});

/// The canonical name of the type that is also called `name`.
pub(crate) fn canonical(name: &str) -> &str {
    CANONICAL.get(name).and_then(|names| names.first()).unwrap_or(&name)
}

/// Whether a rule for the type `rule` holds for content of the type `found`.
pub(crate) fn means(rule: &str, found: &str) -> bool {
    let (rule, found) = (canonical(rule), canonical(found));
    let kind = KINDS.iter().find(|(kind, _)| *kind == rule);
    rule == found || kind.is_some_and(|(_, kinds)| kinds.contains(&found))
}

/// All names of the type that is called `name`.
pub(crate) fn names_of(name: &str) -> impl Iterator<Item = &str> {
    let others = CANONICAL.get(name).copied().unwrap_or_default();
    std::iter::once(name).chain(others.iter().copied().filter(move |other| *other != name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::media_type::MediaType;

    #[test]
    fn every_name_is_listed_once_and_well_formed() {
        let names: Vec<_> = SAME.iter().copied().flatten().copied().collect();
        for name in &names {
            assert_eq!(name.parse::<MediaType>().unwrap().as_str(), *name);
        }
        assert_eq!(names.len(), CANONICAL.len(), "a name is in two lines");
        for (kind, kinds) in KINDS {
            for name in kinds.iter().chain([&kind]) {
                assert_eq!(canonical(name), *name, "a family has a name that is not canonical");
            }
        }
    }

    #[test]
    fn all_names_of_a_type_are_found_by_each_of_them() {
        let mut names: Vec<_> = names_of("audio/x-wav").collect();
        names.sort_unstable();
        assert_eq!(names, ["audio/vnd.wave", "audio/wav", "audio/wave", "audio/x-wav"]);
        assert_eq!(names_of("image/png").collect::<Vec<_>>(), ["image/png"]);
    }
}
