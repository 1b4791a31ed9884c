"""Files that are two things at once. No script in them does more than show a word."""

import struct
import zlib

from archives import rar5
from documents import zipped
from groups.common import chunk, core, gif_with, jpeg_with, noise, pdf, png_with, program, segment, stream, webp_with

PAGE = b"<html><body><script>alert('hello')</script></body></html>"
END = b"*/=1;alert('hello')//"


def stored(comment=b""):
    """A ZIP of one stored member, with a comment."""
    archive = zipped({"hello.txt": b"Hello"}, stored=["hello.txt"])
    return archive[:-2] + struct.pack("<H", len(comment)) + comment


def letters(gif, first):
    """The same GIF with other bytes where its size stands."""
    return first + gif[len(first) :]


def archives():
    jpeg, png, gif, paper = core("baseline.jpg"), core("plain.png"), core("version-87a.gif"), pdf()
    film, archive, seven = core("moov-first.mp4"), stored(), core("plain.7z")
    return {
        "jpeg-zip.jpg": jpeg + archive,
        "jpeg-zeros-zip.jpg": jpeg + bytes(300) + archive,
        "jpeg-noise-zip.jpg": jpeg + noise(300) + archive,
        "jpeg-zip-in-a-comment.jpg": jpeg_with(segment(0xFE, archive)),
        "jpeg-film-zip.jpg": jpeg + film + archive,
        "jpeg-7z.jpg": jpeg + seven,
        "png-zip.png": png + archive,
        "png-zip-in-a-chunk.png": png_with(chunk("zIPx", archive)),
        "png-rar.png": png + rar5(),
        "gif-jar.gif": gif + core("plain.jar"),
        "gif-gzip.gif": gif + core("plain.gz"),
        "webp-zip.webp": core("lossy.webp") + archive,
        "bmp-zip.bmp": core("windows.bmp") + archive,
        "tiff-zip.tif": core("little-endian.tif") + archive,
        "heic-zip.heic": core("plain.heic") + archive,
        "pdf-zip.pdf": paper + archive,
        "pdf-zip-zeros.pdf": paper + archive + bytes(99),
        "pdf-noise-zip.pdf": paper + noise(99) + archive,
        "pdf-rar.pdf": paper + rar5(),
        "pdf-7z.pdf": paper + noise(99) + seven,
        "pdf-in-the-comment-of-a-zip.pdf": b"%PDF-1.4\n1 0 obj\n<<>>\nstream\n" + stored(b"\nendstream\nendobj\nstartxref\n9\n%%EOF\n"),
        "mp4-zip.mp4": film + archive,
        "mp4-rar.mp4": film + rar5(),
        "mp4-zip-in-a-box.mp4": film + struct.pack(">I", 8 + len(archive)) + b"free" + archive,
        "mp3-zip.mp3": core("without-tag.mp3") + archive,
        "text-zip.txt": b"Hello, world!\n" * 700 + archive,
        "text-zip-short.txt": b"Hello, world!\n" * 50 + archive,
        "page-zip.html": b"<html><p>Hello, world!</p>" * 50 + archive,
        "program-zip.exe": program() + archive,
        "program-rar.bin": program() + rar5(),
        "script-zip.py": b"#!/usr/bin/env python3\n" + archive,
    }


def scripts():
    gif, first = core("version-87a.gif"), segment(0xE0, bytes(0x2F2A - 2))
    webp = core("lossy.webp")
    return {
        "gif-js.gif": letters(gif_with(END), b"GIF89a/*"),
        "gif-js-spaces.gif": letters(gif_with(END), b"GIF89a\t\n/*"),
        "gif-js-line.gif": letters(gif_with(b"\n=1;alert('hello');//"), b"GIF89a//"),
        "gif-js-behind-its-end.gif": letters(gif, b"GIF89a/*") + END,
        "bmp-js.bmp": letters(core("windows.bmp"), b"BM/*") + END,
        "webp-js.webp": b"RIFF/*\0\0" + webp[8:] + END,
        "jpeg-js.jpg": b"\xff\xd8" + first + segment(0xFE, b"*/=alert('hello');/*") + core("baseline.jpg")[2:],
        "gif-js-of-letters.gif": b"GIF89a=1;alert('hello')",
        "gif-js-declared.bin": b"GIF89a=1;alert('hello')",
    }


def pages():
    return {
        "jpeg-html.jpg": jpeg_with(segment(0xFE, PAGE)),
        "jpeg-html-in-exif.jpg": jpeg_with(segment(0xE1, b"Exif\0\0MM\0*\0\0\0\x08\0\0\0\0\0\0" + PAGE)),
        "jpeg-html-behind-it.jpg": core("baseline.jpg") + PAGE,
        "jpeg-php.jpg": jpeg_with(segment(0xFE, b"<?php echo 'hello'; ?>")),
        "png-html.png": png_with(chunk("tEXt", b"Comment\0" + PAGE)),
        "png-html-behind-it.png": core("plain.png") + b"\n<!doctype HTML>",
        "gif-html.gif": gif_with(b"<iframe src='a'>"),
        "webp-svg.webp": webp_with(("XMP ", b"<svg\tonload='1'>")),
        "bmp-html.bmp": core("windows.bmp") + b"<script>",
        "tiff-php.tif": core("little-endian.tif") + b"<?php\necho 1;",
    }


def others():
    jpeg, png, gif, paper = core("baseline.jpg"), core("plain.png"), core("version-87a.gif"), pdf()
    return {
        "jpeg-pdf.jpg": jpeg_with(segment(0xFE, paper)),
        "jpeg-pdf-behind-it.jpg": jpeg + paper,
        "png-pdf.png": png_with(chunk("tEXt", b"Comment\0" + paper)),
        "gif-pdf.gif": gif_with(paper[:150]),
        "mp3-pdf.mp3": b"ID3\4\0\0\0\0\7\x76" + paper + bytes(1014 - len(paper)) + core("without-tag.mp3"),
        "page-pdf.html": b"<html><body><!-- " + paper + b" -->\0</body></html>",
        "jpeg-program.jpg": jpeg + program(),
        "png-program.png": png + program(),
        "gif-program.gif": gif + core("linux.elf"),
        "mp4-program.mp4": core("moov-first.mp4") + program(),
        "png-noise.png": png + noise(300),
        "gif-noise.gif": gif + noise(300),
        "webp-noise.webp": core("lossy.webp") + noise(300),
        "png-png.png": png + png,
        "png-film.png": png + core("moov-first.mp4"),
        "jpeg-noise.jpg": jpeg + noise(500),
        "pdf-script.pdf": b"#!/bin/sh\necho hello\nexit\n" + pdf(stream("/Filter/FlateDecode", zlib.compress(b"BT (Hello) Tj ET"))),
        "pdf-in-a-page.pdf": paper.replace(b"%\xe2\xe3\xcf\xd3", b"%<html><script>alert('hello')</script>"),
        "jpeg-noise-gzip.jpg": jpeg + noise(500) + core("plain.gz"),
        "mp3-zip-noise.mp3": core("without-tag.mp3") + stored() + noise(500),
        "zip-of-a-stored-pdf.zip": zipped({"a.pdf": pdf(stream("", "x"))}, stored=["a.pdf"]),
    }


def files():
    return archives() | scripts() | pages() | others()
