//! Files that people send: none of them is refused, with the strictest settings.

use intake_plugin_file_type::{Choice, Settings};

use crate::contents::content;
use crate::{pipeline, refusal};

/// The name, the type that a browser or a phone declares for it, and the content.
const HONEST: &[(&str, &str, &str)] = &[
    // Images.
    ("IMG_0001.JPG", "image/jpeg", "exif"),
    ("photo.jpeg", "image/jpeg", "jpeg"),
    ("photo.jpg", "image/jpg", "jpeg"),
    ("photo.jpg", "image/pjpeg", "jpeg"),
    ("download.jfif", "image/jpeg", "jpeg"),
    ("download.jfif", "image/jfif", "jpeg"),
    ("scan.jpe", "image/jpeg", "jpeg"),
    ("photo.png", "image/png", "png"),
    ("photo.png", "image/x-png", "png"),
    ("animated.apng", "image/apng", "png"),
    ("funny.gif", "image/gif", "gif"),
    ("photo.webp", "image/webp", "webp"),
    ("old.bmp", "image/bmp", "bmp"),
    ("old.bmp", "image/x-ms-bmp", "bmp"),
    ("scan.tif", "image/tiff", "tiff"),
    ("DSC_0001.NEF", "image/x-nikon-nef", "tiff"),
    ("DSC_0001.ARW", "", "tiff"),
    ("favicon.ico", "image/x-icon", "ico"),
    ("favicon.ico", "image/vnd.microsoft.icon", "png"),
    ("IMG_0002.HEIC", "image/heic", "heic"),
    ("IMG_0002.HEIC", "image/heif", "heic"),
    ("IMG_0002.HEIC", "", "heic"),
    ("IMG_0003.heif", "image/heif", "heif"),
    ("photo.avif", "image/avif", "avif"),
    ("drawing.svg", "image/svg+xml", "svg"),
    ("drawing.svg", "image/svg+xml", "svg behind a long comment"),
    ("drawing.svgz", "image/svg+xml", "gzip"),
    // Video.
    ("clip.mp4", "video/mp4", "mp4"),
    ("clip.mp4", "video/mp4", "mov"),
    ("IMG_0004.MOV", "video/quicktime", "mov"),
    ("IMG_0004.MOV", "video/mp4", "mov"),
    ("IMG_0004.MOV", "video/quicktime", "mp4"),
    ("clip.m4v", "video/x-m4v", "mp4"),
    ("old.3gp", "video/3gpp", "3gp"),
    ("old.3gp", "audio/3gpp", "3gp"),
    ("film.mkv", "video/x-matroska", "mkv"),
    ("film.mkv", "", "mkv"),
    ("film.webm", "video/webm", "webm"),
    ("sound.weba", "audio/webm", "webm"),
    ("sound.mka", "audio/x-matroska", "mkv"),
    ("film.ogv", "video/ogg", "theora"),
    ("film.avi", "video/avi", "avi"),
    ("film.avi", "video/x-msvideo", "avi"),
    // Sound.
    ("song.mp3", "audio/mpeg", "mp3"),
    ("song.mp3", "audio/mp3", "mp3"),
    ("song.mp3", "audio/mpeg", "unknown"),
    ("memo.m4a", "audio/x-m4a", "m4a"),
    ("memo.m4a", "audio/mp4", "mp4"),
    ("memo.m4a", "audio/mpeg", "m4a"),
    ("song.aac", "audio/vnd.dlna.adts", "aac"),
    ("song.wav", "audio/wav", "wav"),
    ("song.wav", "audio/x-wav", "wav"),
    ("song.wav", "audio/vnd.wave", "wav"),
    ("song.flac", "audio/x-flac", "flac"),
    ("song.ogg", "audio/ogg", "opus"),
    ("song.ogg", "video/ogg", "opus"),
    ("song.oga", "audio/ogg", "opus"),
    ("voice.opus", "audio/ogg", "opus"),
    ("voice.opus", "audio/opus", "opus"),
    ("voice.amr", "audio/amr", "amr"),
    ("tune.mid", "audio/mid", "midi"),
    // Documents.
    ("paper.pdf", "application/pdf", "pdf"),
    ("paper.pdf", "application/x-pdf", "pdf"),
    ("print.pdf", "application/pdf", "pdf behind PJL"),
    ("logo.ai", "application/postscript", "pdf"),
    ("logo.eps", "application/postscript", "postscript"),
    ("letter.rtf", "application/msword", "rtf"),
    ("letter.doc", "application/msword", "rtf"),
    ("letter.doc", "application/msword", "ole"),
    (
        "letter.docx",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "docx",
    ),
    ("letter.docx", "application/msword", "docx"),
    ("letter.docx", "application/zip", "docx"),
    ("letter.docx", "", "zip"),
    (
        "secret.docx",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "ole",
    ),
    (
        "macros.docm",
        "application/vnd.ms-word.document.macroEnabled.12",
        "docm",
    ),
    ("table.xls", "application/vnd.ms-excel", "ole"),
    (
        "table.xlsx",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "xlsx",
    ),
    ("table.xlsx", "application/vnd.ms-excel", "xlsx"),
    (
        "slides.pptx",
        "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        "pptx",
    ),
    ("letter.odt", "application/vnd.oasis.opendocument.text", "odt"),
    ("book.epub", "application/epub+zip", "epub"),
    ("book.epub", "", "zip"),
    // Archives and programs in them.
    ("all.zip", "application/zip", "zip"),
    ("all.zip", "application/x-zip-compressed", "zip"),
    ("all.zip", "application/x-zip-compressed", "docx"),
    ("tool.jar", "application/java-archive", "jar"),
    ("tool.jar", "application/x-java-archive", "zip"),
    ("app.apk", "application/vnd.android.package-archive", "apk"),
    ("app.apk", "", "jar"),
    ("all.tar.gz", "application/gzip", "gzip"),
    ("all.tgz", "application/x-compressed", "gzip"),
    ("all.tgz", "application/x-compressed-tar", "gzip"),
    ("log.gz", "application/x-gzip", "gzip"),
    ("all.tar", "application/x-tar", "tar"),
    ("all.rar", "application/x-rar-compressed", "rar"),
    ("all.rar", "application/x-compressed", "rar"),
    ("all.7z", "application/x-7z-compressed", "7z"),
    ("font.woff2", "font/woff2", "font"),
    // Text.
    ("notes.txt", "text/plain", "text"),
    ("notes.txt", "text/plain", "UTF-16"),
    ("notes.txt", "text/plain", "nothing"),
    ("notes.txt", "text/plain", "unknown"),
    ("table.csv", "text/csv", "csv"),
    ("table.csv", "application/vnd.ms-excel", "csv"),
    ("table.csv", "text/comma-separated-values", "csv"),
    ("table.csv", "text/plain", "csv"),
    ("data.json", "application/json", "json"),
    ("README.md", "text/markdown", "text"),
    ("README.md", "", "heading"),
    ("README.md", "text/plain", "heading"),
    ("page.html", "text/html", "html"),
    ("page.htm", "text/html", "html behind a long comment"),
    ("feed.xml", "text/xml", "xml"),
    ("feed.xml", "application/xml", "xml"),
    ("feed.rss", "application/rss+xml", "xml"),
    ("script.py", "text/x-python", "python"),
    ("run.sh", "application/x-sh", "shell"),
    ("app.js", "text/javascript", "text"),
    ("app.ts", "video/mp2t", "text"),
    ("app.ts", "video/vnd.dlna.mpeg-tts", "text"),
    ("main.rs", "application/rls-services+xml", "text"),
    ("date.ics", "text/calendar", "text"),
    ("card.vcf", "text/x-vcard", "text"),
    ("film.srt", "application/x-subrip", "text"),
    ("list.m3u8", "application/vnd.apple.mpegurl", "text"),
    ("letter.eml", "message/rfc822", "text"),
    // No claim, or none that is known.
    ("photo.jpg", "application/octet-stream", "jpeg"),
    ("photo.jpg", "binary/octet-stream", "jpeg"),
    ("photo.jpg", "application/x-www-form-urlencoded", "jpeg"),
    ("photo.jpg", "application/offset+octet-stream", "jpeg"),
    ("photo", "image/jpeg", "jpeg"),
    ("photo", "", "html"),
    ("2024.01.31 at noon", "image/png", "png"),
    ("model.xyz", "chemical/x-xyz", "text"),
    ("data.bin", "application/octet-stream", "unknown"),
    ("game.sav", "", "unknown"),
    ("texture.tga", "image/x-tga", "unknown"),
];

#[tokio::test]
async fn honest_files_are_taken_with_the_strictest_settings() {
    assert!(HONEST.len() >= 60);
    let strict = pipeline(Settings::default());
    for (name, declared, of) in HONEST {
        let refused = refusal(&strict, name, declared, &content(of)).await;
        assert_eq!(refused, None, "{name} declared as {declared:?}, content {of}");
    }
}

#[tokio::test]
async fn scripts_are_refused_only_where_an_operator_asks_for_it() {
    let without = Settings::default().with(|settings| settings.scripts = Choice::Refuse);
    let without = pipeline(without);
    for (name, of, code) in [
        ("script.py", "python", Some("type_forbidden")),
        ("run.sh", "shell", Some("type_forbidden")),
        ("voice.amr", "amr", None),
        ("notes.txt", "text", None),
    ] {
        let refused = refusal(&without, name, "", &content(of)).await;
        assert_eq!(refused.as_ref().map(|refused| refused.code.as_str()), code, "{name}");
    }
}
