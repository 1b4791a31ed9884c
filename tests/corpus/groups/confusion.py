"""Files whose name, declared type and content contradict each other. Names and declared types that a file system does not take are
in expected/confusion.toml."""

from groups.common import core, noise, pdf, program

PAGE = b"<!DOCTYPE html><html><body><p>Hello</p></body></html>\n"
SVG = b"<svg xmlns='http://www.w3.org/2000/svg' width='4' height='4'/>\n"


def name_and_content():
    return {
        "page.png": PAGE,
        "page.txt": PAGE,
        "page.pdf": PAGE,
        "page.svg": PAGE,
        "page-behind-a-comment.jpg": b"<!-- " + b"x" * 9000 + b" -->" + PAGE,
        "drawing.png": SVG,
        "drawing-in-utf-16.gif": ("\ufeff" + SVG.decode()).encode("utf-16-le"),
        "png.jpg": core("plain.png"),
        "webp.jpg": core("lossy.webp"),
        "jpeg.gif": core("baseline.jpg"),
        "webm.mp4": core("plain.webm"),
        "wav.mp3": core("plain.wav"),
        "sound.mp4": core("plain.flac"),
        "film.jpg": core("plain.mp4"),
        "photo.mp4": core("baseline.jpg"),
        "paper.docx": pdf(),
        "letter.pdf": core("types-first.docx"),
        "archive.pdf": core("plain.zip"),
        "archive.png": core("plain.gz"),
        "rar.docx": core("version-5.rar"),
        "text.mp4": b"This is no film.\n",
        "text.jpg": b"This is no photo.\n",
        "noise.png": noise(600, 8),
        "macros.docx": core("macros.docm"),
        "sheet.pptx": core("plain.xlsx"),
        "installer.docx": core("setup.msi"),
    }


def programs():
    return {
        "program.pdf": program(),
        "program.jpg": program(),
        "program.exe": program(),
        "program-of-linux": core("linux.elf"),
        "program-of-apple.dmg": core("apple.macho"),
        "program.bin": core("windows.exe"),
        "shortcut.lnk": core("windows.lnk"),
        "shortcut.txt": core("windows.lnk"),
        "script.jpg": b"#!/bin/sh\necho hello\n",
        "text.hta": b"Hello\n",
        "text.vbs": b"Hello\n",
        "text.scr": b"Hello\n",
        "double-ending.pdf": pdf(),
        "double-ending.txt": b"Hello\n",
        "double-ending.jpg": core("baseline.jpg"),
        "turned-name.png": core("plain.png"),
        "dots-behind.txt": b"Hello\n",
        "second-stream.txt": b"Hello\n",
        "long-gap.txt": b"Hello\n",
    }


def declared():
    """What is declared is in the table."""
    return {
        "declared-jpeg.png": core("plain.png"),
        "declared-png.svg": SVG,
        "declared-text.html": PAGE,
        "declared-film.jpg": core("baseline.jpg"),
        "declared-image.pdf": pdf(),
        "declared-pdf-without-a-name": core("plain.zip"),
        "declared-png-without-a-name": core("baseline.jpg"),
        "declared-film-without-a-name": PAGE,
        "declared-image-text-without-a-name": b"Hello\n",
        "declared-page.png": core("plain.png"),
    }


def files():
    return name_and_content() | programs() | declared()
