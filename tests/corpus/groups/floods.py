"""Images and films whose headers promise more than a reader should take. There are no pixels behind them: our limits are low, and
readers that decode them find out at once that nothing is there."""

import struct

from groups.common import box, chunk, core, formats, jpeg_with, png_header, segment

WIDE, HIGH = 5000, 3000


def pixels():
    """More pixels on a side than the settings take, or more in all."""
    jpeg, gif, bmp = core("baseline.jpg"), core("version-87a.gif"), core("windows.bmp")
    frame = jpeg.index(b"\xff\xc0")
    sides = struct.pack("<HH", WIDE, HIGH)
    vp8x = b"VP8X\x0a\0\0\0\0\0\0\0" + (WIDE - 1).to_bytes(3, "little") + (HIGH - 1).to_bytes(3, "little")
    webp = core("lossy.webp")
    heic = core("plain.heic")
    ispe = heic.index(b"ispe") + 8
    tiff = bytearray(core("big-endian.tif"))
    for tag, value in ((256, WIDE), (257, HIGH)):
        at = tiff.index(struct.pack(">HHI", tag, 3, 1))
        tiff[at + 8 : at + 10] = struct.pack(">H", value)
    return {
        "pixels.png": png_header(WIDE, HIGH) + chunk("IDAT", b"x\x9c\x03\0\0\0\0\1") + chunk("IEND", b""),
        "one-long-line.png": png_header(70_000, 1) + chunk("IDAT", b"x\x9c\x03\0\0\0\0\1") + chunk("IEND", b""),
        "wrong-sum.png": png_header(WIDE, HIGH)[:29] + b"\0\0\0\0" + chunk("IEND", b""),
        "pixels.jpg": jpeg[: frame + 5] + struct.pack(">HH", HIGH, WIDE) + jpeg[frame + 9 :],
        "pixels.gif": gif[:6] + sides + gif[10:],
        "pixels.webp": b"RIFF" + struct.pack("<I", len(webp) - 8 + len(vp8x)) + b"WEBP" + vp8x + webp[12:],
        "pixels.bmp": bmp[:18] + struct.pack("<ii", WIDE, HIGH) + bmp[26:],
        "upside-down.bmp": bmp[:18] + struct.pack("<ii", WIDE, -HIGH) + bmp[26:],
        "pixels.tif": bytes(tiff),
        "pixels.heic": heic[:ispe] + struct.pack(">II", WIDE, HIGH) + heic[ispe + 8 :],
        "few-on-each-side.png": png_header(1100, 1000) + chunk("IDAT", b"x\x9c\x03\0\0\0\0\1") + chunk("IEND", b""),
    }


def frames():
    """Many pictures in one file. They count for a plugin that limits frames."""
    picture = b",\0\0\0\0\2\0\2\0\0\2\3\x44\1\5\0"
    png = core("plain.png")
    control = lambda number: chunk("fcTL", struct.pack(">IIIIIHHBB", number, 16, 12, 0, 0, 1, 100, 0, 0))
    data = png[png.index(b"IDAT") - 4 : png.index(b"IEND") - 4]
    content = data[8:-4]
    animation = [control(0), data]
    for number in range(1, 400):
        animation += [control(2 * number - 1), chunk("fdAT", struct.pack(">I", 2 * number) + content[:8])]
    return {
        "frames.gif": b"GIF89a\2\0\2\0\x80\0\0\xff\xff\xff\0\0\0" + b"!\xff\x0bNETSCAPE2.0\3\1\0\0\0" + picture * 2000 + b";",
        "frames.png": png[:33] + chunk("acTL", struct.pack(">II", 400, 0)) + b"".join(animation) + chunk("IEND", b""),
        "pages.tif": pages(300),
        "profile.jpg": jpeg_with(b"".join(segment(0xE2, b"ICC_PROFILE\0" + bytes([number, 8]) + bytes(4000)) for number in range(1, 9))),
    }


def pages(count):
    """A TIFF of that many pages of four gray pixels."""
    out, at = bytearray(b"II*\0\x08\0\0\0"), 8
    for number in range(count):
        entries = [(256, 3, 2), (257, 3, 2), (258, 3, 8), (259, 3, 1), (262, 3, 1), (273, 4, at + 2 + 8 * 12 + 4), (278, 3, 2), (279, 4, 4)]
        end = at + 2 + 8 * 12 + 4 + 4
        out += struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in entries)
        out += struct.pack("<I", end if number + 1 < count else 0) + b"\0\x55\xaa\xff"
        at = end
    return bytes(out)


def films():
    film = formats()["moov-first.mp4"]
    track = film.index(b"tkhd") + 4 + 76
    large = film[:track] + struct.pack(">II", 5000 << 16, 3000 << 16) + film[track + 8 :]
    sample = large.index(b"avc1", large.index(b"stsd")) + 4 + 24
    return {
        "long.wav": long_wave(),
        "long.mp4": long_film(),
        "large.mp4": large[:sample] + struct.pack(">HH", 5000, 3000) + large[sample + 4 :],
    }


def long_wave():
    """A second of one byte each: 700 bytes play for eleven minutes."""
    fmt = struct.pack("<HHIIHH", 1, 1, 1, 1, 1, 8)
    data = b"\x80" * 700
    body = b"WAVEfmt " + struct.pack("<I", len(fmt)) + fmt + b"data" + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", len(body)) + body


def long_film():
    """The same film with ticks of a hundred seconds instead of parts of one."""
    film = formats()["moov-first.mp4"]
    at = film.index(b"stts") + 12
    each = struct.unpack(">I", film[at + 4 : at + 8])[0]
    longer = film[: at + 4] + struct.pack(">I", each * 1000) + film[at + 8 :]
    return longer.replace(b"edts", b"free")


def files():
    return pixels() | frames() | films()
