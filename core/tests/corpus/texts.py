"""Text and markup."""

SVG = "<svg xmlns='http://www.w3.org/2000/svg' width='4' height='4'/>\n"
ROOT = SVG.encode()
XML = b"<?xml version='1.0'?>\n"
FAR = 9000


def wide(text, order, mark=True):
    """UTF-16, little or big end first, with or without the mark that says so."""
    return (("\ufeff" if mark else "") + text).encode(f"utf-16-{order}")


def words():
    """Text, and text that begins as something else does."""
    return {
        "utf8.txt": "Übergröße\n".encode(),
        "with-mark.txt": b"\xef\xbb\xbfHello\n",
        "latin1.txt": "Übergröße\n".encode("latin-1"),
        "shift-jis.txt": "日本語のテキスト\n".encode("shift_jis"),
        "iso-2022-jp.txt": "日本語のテキスト\n".encode("iso2022_jp"),
        "utf16-le.csv": wide("a;b\r\n1;2\r\n", "le"),
        "utf16-be.txt": wide("Grüße\n", "be"),
        "utf16-without-mark.txt": wide("Hello\n", "le", mark=False),
        "table.csv": b"a,b\n1,2\n",
        "script.php": b"<?php echo 1;\n",
        "plain.json": b'{"a": [1, 2]}\n',
        "readme.md": b"# Title\n\n* <b>item</b>\n",
        "script.js": b"alert(1)\n",
        "style.css": b"a { color: red }\n",
        "script.py": b"#!/usr/bin/env python3\nprint(1)\n",
        "script.sh": b"#!/bin/sh\necho Hello\n",
        "subtitles.vtt": b"WEBVTT\n\n00:00.000 --> 00:01.000\nHello\n",
        "subtitles.srt": b"1\n00:00:00,000 --> 00:00:01,000\nHello\n",
        "playlist.m3u8": b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n",
        "card.vcf": b"BEGIN:VCARD\r\nVERSION:4.0\r\nFN:A\r\nEND:VCARD\r\n",
        "date.ics": b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:a\r\nEND:VCALENDAR\r\n",
        "letter.eml": b"From: a@example.com\r\nSubject: a\r\n\r\nHello\r\n",
        "certificate.pem": b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        "scene.gltf": b'{"asset":{"version":"2.0"}}',
        "part-in-letters.stl": b"solid a\nendsolid a\n",
        "a-car-maker.txt": b"MZ was a car maker in Zschopau.\n",
        "a-format.txt": b"GIF is a format of pictures.\n",
        "a-format-by-version.txt": b"GIF89a is a format of pictures.\n",
        "a-tag.txt": b"ID3 is a tag in front of sound.\n",
        "a-flash-film.txt": b"FWS are the first letters of a Flash film, CWS those of a packed one.\n",
        "a-document.txt": b"8BPS are the first letters of a Photoshop document.\n",
        "a-car.txt": b"BMW is a car maker in Munich.\n",
        "a-compressor.txt": b"BZh is how bzip2 begins.\n",
        "a-container.txt": b"RIFF is a container; so are FORM, OggS, MThd, fLaC and wOFF.\n",
        "a-container-2.txt": b"OggS begins every page.\n",
        "a-lossless-codec.txt": b"fLaC are four letters.\n",
        "a-raw-photo.txt": b"II* and MM are orders of bytes.\n",
        "a-roshal-archive.txt": b"Rar! is what such an archive says first.\n",
        "a-portable-map.txt": b"P6 is a model of phone; P3 and P5 are others.\n",
        "a-movie.txt": b"\n\n\n\nftypisom are words of MP4.\n",
        "with-a-drawing.csv": b'title,body\nA,"<svg></svg>"\n',
        "with-a-drawing.js": b"a = `<?xml version='1.0'?><svg></svg>`;\n",
        "one-letter.txt": b"x",
        "begins-with-less.txt": b"<3 is a heart, and 1 < 2\n",
        "an-address.txt": b"<a@example.com> wrote:\n> Hello\n",
        "empty": b"",
    }


def pages():
    """HTML, by the table of WHATWG MIME Sniffing, section 7.1."""
    return {
        "doctype.html": b"<!DOCTYPE html>\n<title>a</title>\n",
        "doctype-in-capitals.html": b"\r\n<!DOCTYPE HTML>\n<TITLE>a</TITLE>\n",
        "html.html": b"<html><body><svg></svg></body></html>\n",
        "with-mark.html": b"\xef\xbb\xbf<!doctype html>\n<p>a\n",
        "utf16-le.html": wide("<!DOCTYPE html>\n<p>a\n", "le"),
        "utf16-be.html": wide("<html>\n<p>a\n", "be"),
        "utf16-without-mark.html": wide("<html>\n<p>a\n", "le", mark=False),
        "script.html": b"<script>alert(1)</script>\n",
        "paragraph.html": b" \t<p>a\n",
        "heading.html": b"<h1>a</h1>\n",
        "image.html": b"<iframe src='a'></iframe>\n",
        "behind-a-comment.html": b"<!-- a -->\n<!-- b --><html>\n",
        "only-a-comment.html": b"<!-- a -->\n",
        "behind-a-long-comment.html": b"<!--" + b"x" * FAR + b"--><!doctype html><p>a\n",
        "doctype-with-svg.html": b"<!DOCTYPE html><svg></svg>\n",
        "legacy-doctype.html": b'<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 4.01//EN" "http://www.w3.org/TR/html4/strict.dtd">\n<html>\n',
        "saved-by-chrome.html": b"<!DOCTYPE html>\r\n<!-- saved from url=(0020)http://example.com/a -->\r\n<html><p>a\n",
        "tag-across-lines.html": b"<html\n lang='en'>\n<p>a\n",
        "no-tag-of-the-table.html": b"<ul><li>a</ul>\n",
        "image-that-fails.html": b"<img src=x>\n",
    }


def trees():
    """XML of other roots."""
    feed = "<rss version='2.0'/>\n"
    return {
        "feed.rss": XML + feed.encode(),
        "feed-without-declaration.rss": feed.encode(),
        "track.gpx": XML + b"<gpx xmlns='http://www.topografix.com/GPX/1/1' version='1.1' creator='a'/>\n",
        "page.xhtml": XML + b"<html xmlns='http://www.w3.org/1999/xhtml'><head><title/></head><body/></html>\n",
        "utf16-le.xml": wide("<?xml version='1.0' encoding='utf-16'?>" + feed, "le"),
        "utf16-without-mark.xml": wide("<?xml version='1.0' encoding='utf-16be'?>" + feed, "be", mark=False),
        "long-comment.xml": XML + b"<!--" + b"x" * FAR + b"-->" + feed.encode(),
        "drawing-within.xml": XML + b"<a>" + ROOT + b"</a>\n",
        "ebcdic.xml": "<?xml version='1.0' encoding='cp037'?><a/>".encode("cp037"),
    }


def drawings():
    """SVG, however it is dressed (XML 1.0: document, prolog, production 28, appendix F)."""
    doctype = b'<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">\n'
    subset = b"""<!DOCTYPE svg [
  <!-- ]> <x> -->
  <?pi ]> ?>
  <!ENTITY a "]>">
  <!ENTITY b '<b a="c">'>
  <!ELEMENT svg ANY>
] >
"""
    return {
        "bare.svg": ROOT,
        "titled.svg": b"<svg xmlns='http://www.w3.org/2000/svg'><title>a</title></svg>\n",
        "declared.svg": XML + ROOT,
        "doctype.svg": XML + doctype + ROOT,
        "doctype-space.svg": b"<!DOCTYPE svg [ <!ENTITY a 'b'> ] >\n" + ROOT,
        "doctype-bracket-in-id.svg": b'<!DOCTYPE svg SYSTEM "a[b">\n' + ROOT,
        "doctype-close-in-id.svg": b'<!DOCTYPE svg SYSTEM "a>b"[]>\n' + ROOT,
        "subset.svg": XML + subset + ROOT,
        "doctype-in-lines.svg": b"<!DOCTYPE\n\tsvg\r\n>\n" + ROOT,
        "comments.svg": XML + b"<!-- a > b -> c --><!---->\n<!-- <html> -->" + ROOT,
        "comment-first.svg": b"<!-- made by hand -->\n" + ROOT,
        "instructions.svg": XML + b"<?xml-stylesheet href='a.css'?><?a ?b>c?>" + ROOT,
        "lines-first.svg": b"\r\n \t\n" + ROOT,
        "with-mark.svg": b"\xef\xbb\xbf" + XML + ROOT,
        "prefix.svg": XML + b"<s:svg xmlns:s='http://www.w3.org/2000/svg'/>\n",
        "prefix-of-other-letters.svg": XML + "<été:svg xmlns:été='http://www.w3.org/2000/svg'/>\n".encode(),
        "name-across-lines.svg": b"<svg\nxmlns='http://www.w3.org/2000/svg'\n/>",
        "utf16-le.svg": wide(SVG, "le"),
        "utf16-be.svg": wide("<?xml version='1.0'?>" + SVG, "be"),
        "utf16-le-without-mark.svg": wide("<?xml version='1.0' encoding='utf-16le'?>" + SVG, "le", mark=False),
        "utf16-be-without-mark.svg": wide(SVG, "be", mark=False),
        "long-comment.svg": XML + b"<!--" + b"x" * FAR + b"-->\n" + ROOT,
        "long-comment-first.svg": b"<!--" + b"- " * (FAR // 2) + b"-->\n" + ROOT,
        "long-subset.svg": XML + b"<!DOCTYPE svg [" + b"<!ENTITY a ']'>\n" * 600 + b"]>" + ROOT,
        "long-instruction.svg": XML + b"<?a " + b"?" * FAR + b"?>" + ROOT,
        "many-lines-first.svg": b"\n" * FAR + ROOT,
        "long-comment-utf16.svg": wide("<!--" + "x" * (FAR // 2) + "-->" + SVG, "le"),
    }


def files():
    return words() | pages() | trees() | drawings()
