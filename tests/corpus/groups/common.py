"""What several groups need."""

import pathlib
import struct
import zlib

HERE = pathlib.Path(__file__).resolve().parent
CORE = HERE / "../../../core/tests/corpus/files"


def core(name):
    """A file of the corpus of the core."""
    return (CORE / name).read_bytes()


def formats():
    """The files of the group `formats`, as they were written last."""
    return {path.name: path.read_bytes() for path in (HERE / "../files/formats").iterdir()}


def noise(size, seed=1):
    """Bytes without a pattern, always the same (xorshift32)."""
    out, state = bytearray(), seed * 2654435761 & 0xFFFFFFFF or 1
    while len(out) < size:
        state ^= state << 13 & 0xFFFFFFFF
        state ^= state >> 17
        state ^= state << 5 & 0xFFFFFFFF
        out += struct.pack("<I", state)
    return bytes(out[:size])


def box(kind, content):
    """ISO/IEC 14496-12."""
    return struct.pack(">I", 8 + len(content)) + kind.encode() + content


def chunk(kind, content):
    """PNG."""
    body = kind.encode() + content
    return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))


def png_header(width, height, depth=8, colour=2):
    return b"\x89PNG\r\n\x1a\n" + chunk("IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))


def png_with(chunks, png=None):
    """A PNG with these chunks behind its header."""
    png = png or core("plain.png")
    return png[:33] + chunks + png[33:]


def segment(marker, content):
    """JPEG."""
    return bytes([0xFF, marker]) + struct.pack(">H", len(content) + 2) + content


def jpeg_with(segments, jpeg=None):
    """A JPEG with these segments behind its first one."""
    jpeg = jpeg or core("baseline.jpg")
    at = 4 + struct.unpack(">H", jpeg[4:6])[0]
    return jpeg[:at] + segments + jpeg[at:]


def gif_with(comment, gif=None):
    """A GIF with this comment in front of its first picture."""
    gif = gif or core("version-87a.gif")
    at = 13 + (3 << (gif[10] & 7) + 1 if gif[10] & 0x80 else 0)
    pieces = b"".join(bytes([len(piece)]) + piece for piece in cut(comment, 255))
    return b"GIF89a" + gif[6:at] + b"!\xfe" + pieces + b"\0" + gif[at:]


def webp_with(*chunks):
    """A WebP with more chunks behind its picture."""
    webp = core("lossy.webp")
    more = b"".join(kind.encode() + struct.pack("<I", len(content)) + content + bytes(len(content) % 2) for kind, content in chunks)
    return b"RIFF" + struct.pack("<I", len(webp) - 8 + len(more)) + webp[8:] + more


def cut(content, size):
    return [content[at : at + size] for at in range(0, len(content), size)]


def pdf(*objects, catalog="", trailer="", version="1.7", stream=None):
    """A document of one empty page, with more objects from number 4 on."""
    objects = [
        f"<</Type/Catalog/Pages 2 0 R{catalog}>>".encode(),
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 100]>>",
        *(value.encode("latin-1") if isinstance(value, str) else value for value in objects),
    ]
    out, places = bytearray(f"%PDF-{version}\n".encode() + b"%\xe2\xe3\xcf\xd3\n"), []
    for number, value in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n" % number + value + b"\nendobj\n"
    at = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += f"trailer\n<</Size {len(objects) + 1}/Root 1 0 R{trailer}>>\nstartxref\n{at}\n%%EOF\n".encode()
    return bytes(out)


def stream(entries, content):
    """A stream of a PDF."""
    if isinstance(content, str):
        content = content.encode("latin-1")
    return f"<<{entries}/Length {len(content)}>>\nstream\n".encode() + content + b"\nendstream"


def program():
    """The headers of a program of Windows, without code or sections (PE32+)."""
    dos = bytearray(64)
    dos[:2], dos[60] = b"MZ", 0x80
    coff = struct.pack("<HHIIIHH", 0x8664, 0, 0, 0, 0, 240, 2)
    return bytes(dos) + bytes(64) + b"PE\0\0" + coff + struct.pack("<H", 0x20B) + bytes(238)
