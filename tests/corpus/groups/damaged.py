"""Files that break off, and files with a few wrong bytes. Names say what was done: `half` has the first half, `head` the first
24 bytes, `short` all but the last bytes."""

import struct

from groups.common import box, chunk, core, formats, noise, png_header

HALVES = """h264-aac.mp4 moov-first.mp4 fragmented.mp4 mpeg4-pcm.mov vp8-vorbis.webm h264-flac.mkv mpeg2.ts theora-vorbis.ogv variable.mp3 pcm.wav
vorbis.ogg voice.opus stereo.flac adts.aac memo.m4a turned.jpg transparent.png animated.gif alpha.webp high.bmp pages.tif photo.heic photo.avif
photo.jxl two-sizes.ico two.zip two.tar two.tar.gz two.tar.zst two.tar.xz two.tar.bz2 two.7z five.rar one-page.pdf letter.docx letter.odt drawing.svg
table.csv""".split()
HEADS = "h264-aac.mp4 vp8-vorbis.webm turned.jpg transparent.png animated.gif pages.tif photo.heic two.zip one-page.pdf pcm.wav".split()
SHORT = {"two.zip": 4, "two.tar": 1024, "two.tar.gz": 4, "turned.jpg": 2, "transparent.png": 12, "animated.gif": 1, "one-page.pdf": 6, "drawing.svg": 7}


def named(name, what):
    """`a.tar.gz` becomes `a.half.tar.gz`."""
    stem, _, ending = name.partition(".")
    return f"{stem}.{what}.{ending}"


def changed(content, at, new):
    """The same with other bytes there."""
    return content[:at] + new + content[at + len(new) :]


def broken_off(made):
    out = {named(name, "half"): made[name][: len(made[name]) // 2] for name in HALVES}
    out |= {named(name, "head"): made[name][:24] for name in HEADS}
    return out | {named(name, "short"): made[name][:-size] for name, size in SHORT.items()}


def pictures(made):
    png, jpeg, webp, bmp = made["transparent.png"], made["gray.jpg"], made["alpha.webp"], made["high.bmp"]
    frame = jpeg.index(b"\xff\xc0")
    return {
        "no-width.png": png_header(0, 20) + chunk("IDAT", b"x") + chunk("IEND", b""),
        "wrong-sum.png": changed(png, 29, b"\0\0\0\0"),
        "no-header.png": b"\x89PNG\r\n\x1a\n" + chunk("IDAT", b"x") + chunk("IEND", b""),
        "no-height.jpg": changed(jpeg, frame + 5, b"\0\0"),
        "no-picture.jpg": b"\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0\xff\xd9",
        "wrong-size.webp": changed(webp, 4, struct.pack("<I", len(webp) * 2)),
        "no-width.bmp": changed(bmp, 18, bytes(4)),
        "no-pictures.ico": b"\0\0\1\0\0\0",
        "far-directory.tif": changed(made["pages.tif"], 4, struct.pack("<I", 0x00FFFFFF)),
        "no-meta.heic": made["photo.heic"].replace(b"meta", b"free", 1),
        "no-brand.avif": changed(made["photo.avif"], 8, b"zzzz" + b"\0\0\0\0" + b"zzzz" * 4),
    }


def recordings(made):
    film, webm, ogg = made["moov-first.mp4"], made["vp8-vorbis.webm"], made["vorbis.ogg"]
    moov = film.index(b"moov")
    mp3 = made["variable.mp3"]
    return {
        "moov-too-large.mp4": changed(film, moov - 4, struct.pack(">I", 0x7FFFFFFF)),
        "moov-of-no-size.mp4": changed(film, moov - 4, struct.pack(">I", 4)),
        "no-tracks.mp4": film.replace(b"trak", b"free"),
        "only-media.mp4": box("ftyp", b"isom\0\0\0\0isommp42") + box("mdat", noise(500)),
        "wrong-sum.ogg": changed(ogg, 22, b"\0\0\0\0"),
        "no-clusters.webm": webm[: webm.index(b"\x1f\x43\xb6\x75")],
        "wrong-element.webm": changed(webm, webm.index(b"\x1f\x43\xb6\x75") + 8, b"\0\0\0\0"),
        "noise-between.mp3": mp3[: len(mp3) // 2] + bytes(301) + mp3[len(mp3) // 2 :],
        "no-format.wav": made["pcm.wav"].replace(b"fmt ", b"junk", 1),
        "no-streaminfo.flac": changed(made["stereo.flac"], 4, b"\4"),
        "packets-lost.ts": made["mpeg2.ts"][: 188 * 20] + made["mpeg2.ts"][188 * 24 :],
    }


def others(made):
    pdf, packed = made["one-page.pdf"], made["two.tar.gz"]
    return {
        "wrong-sum.zip": changed(made["two.zip"], 14, b"\0\0\0\0"),
        "wrong-bytes.gz": changed(packed, 20, b"\xff" * 8),
        "wrong-sum.tar": changed(made["two.tar"], 148, b"000000\0 "),
        "wrong-bytes.xz": changed(made["two.tar.xz"], 14, b"\xff" * 8),
        "wrong-header.7z": changed(made["two.7z"], 12, noise(20)),
        "no-table.pdf": pdf[: pdf.index(b"xref")] + b"%%EOF\n",
        "no-end-of-object.pdf": pdf.replace(b"endobj\n", b""),
        "wrong-length.pdf": pdf.replace(b"/Length 35", b"/Length 999"),
        "tag-not-closed.svg": b"<svg xmlns='http://www.w3.org/2000/svg'><g><path d='M0 0'></svg>\n",
        "attribute-twice.svg": b"<svg xmlns='http://www.w3.org/2000/svg' width='1' width='2'/>\n",
        "two-roots.svg": b"<svg xmlns='http://www.w3.org/2000/svg'/><svg xmlns='http://www.w3.org/2000/svg'/>\n",
        "wrong-utf-8.svg": b"<svg xmlns='http://www.w3.org/2000/svg'><text>\xff\xfe\xc0</text></svg>\n",
        "wrong-utf-8.txt": b"Hello \xff\xfe\xc0\xaf world\n",
        "noise.bin": noise(2000, 3),
        "empty.jpg": b"",
        "zeros.mp4": bytes(3000),
    }


def files():
    made = formats()
    return broken_off(made) | pictures(made) | recordings(made) | others(made)
