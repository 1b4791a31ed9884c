"""Archives that become large, lead out of their folder, contradict themselves, or hide what is in them. What becomes large does so
within tens of megabytes: the limits in settings.toml are low."""

import bz2
import gzip
import io
import lzma
import struct
import tarfile
import zipfile
import zlib

import zstandard

from archives import HELLO
from documents import FORMATS, OFFICE, PACKAGE, SHEET, WORD, XML, office, open_document, zipped
from groups.common import noise

ZEROS = bytes(12 << 20)
WORD_TYPE = f"{FORMATS}.wordprocessingml.document.main+xml"


class Zip:
    """A ZIP whose headers and list may say what is not true."""

    def __init__(self):
        self.bytes, self.list = bytearray(), []

    def add(self, name, content=HELLO, packed=True, flags=0, length=None, attributes=0o100644 << 16, extra=b""):
        name = name if isinstance(name, bytes) else name.encode()
        data = zlib.compress(content, 9)[2:-4] if packed else content
        sizes = struct.pack("<III", zlib.crc32(content), len(data), len(content) if length is None else length)
        shared = struct.pack("<HHHHH", 20, flags, 8 if packed else 0, 0, 0x5021) + sizes + struct.pack("<HH", len(name), len(extra))
        self.list.append([shared, attributes, len(self.bytes), name, extra])
        self.bytes += b"PK\3\4" + shared + name + extra + data
        return self

    def end(self, comment=b""):
        entries = b"".join(
            b"PK\1\2" + struct.pack("<H", 0x314) + shared + struct.pack("<HHHII", 0, 0, 0, attributes, at) + name + extra
            for shared, attributes, at, name, extra in self.list
        )
        end = struct.pack("<HHHHIIH", 0, 0, len(self.list), len(self.list), len(entries), len(self.bytes), len(comment))
        return bytes(self.bytes) + entries + b"PK\5\6" + end + comment


def changed(at, field, value):
    """A ZIP of two members whose list says something else of one. Fields: 0 sizes, 2 place, 3 name."""
    archive = Zip().add("a.txt").add("b.txt", b"hello", packed=False)
    archive.list[at][field] = value(archive.list[at][field]) if callable(value) else value
    return archive.end()


def contradictions():
    other = lambda shared: shared[:18] + struct.pack("<I", 7) + shared[22:]
    twice, unlisted, gap = Zip().add("a.txt").add("b.txt"), Zip().add("a.txt").add("b.txt"), Zip().add("a.txt")
    twice.list[1] = twice.list[0]
    unlisted.list.pop()
    gap.bytes += b"hidden"
    gap.add("b.txt")
    inner = Zip().add("b.txt", b"hidden", packed=False)
    within = Zip().add("a.txt", bytes(inner.bytes), packed=False)
    within.list.append([*inner.list[0][:2], 30 + len("a.txt"), *inner.list[0][3:]])
    count = bytearray(Zip().add("a.txt").end())
    count[-12] += 1
    return {
        "other-name.zip": changed(0, 3, b"b.exe"),
        "other-size.zip": changed(0, 0, other),
        "other-place.zip": changed(1, 2, lambda at: at + 1),
        "listed-twice.zip": twice.end(),
        "not-listed.zip": unlisted.end(),
        "bytes-between.zip": gap.end(),
        "bytes-behind.zip": Zip().add("a.txt").end() + b"hidden",
        "member-in-a-member.zip": within.end(),
        "two-archives.zip": Zip().add("a.txt").end() + Zip().add("b.txt").end(),
        "wrong-count.zip": bytes(count),
        "smaller-than-it-is.zip": Zip().add("a.txt", HELLO * 100, length=10).end(),
        "larger-than-it-is.zip": Zip().add("a.txt", HELLO, length=5000).end(),
        "end-in-the-comment.zip": Zip().add("a.txt").end(b"PK\5\6 and so on"),
    }


def tar(*members):
    """Members are (name, content, kind, target)."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, content, kind, target in members:
            info = tarfile.TarInfo(name)
            info.size, info.type, info.linkname = len(content), kind, target
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def old_tar(name, kind):
    """One header of before POSIX, which has no mark, and no content."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        info = tarfile.TarInfo(name)
        info.type, info.linkname = kind, "a"
        archive.addfile(info)
    head = bytearray(out.getvalue())
    head[257:265] = bytes(8)
    return with_sum(bytes(head), sum)


def with_sum(archive, of):
    """The same TAR, whose first header has the sum of bytes as `of` reads them."""
    head = bytearray(archive[:512])
    head[148:156] = b" " * 8
    head[148:156] = b"%06o\0 " % of(head)
    return bytes(head) + archive[512:]


def signed(head):
    """The sum of old programs, for which a byte has a sign."""
    return sum(byte - 256 * (byte > 127) for byte in head)


def names_and_links():
    file = lambda name: tar((name, HELLO, tarfile.REGTYPE, ""))
    symbolic = tar(("a", b"", tarfile.SYMTYPE, "b"))
    return {
        "up.zip": Zip().add("../up.txt").end(),
        "up-in-the-middle.zip": Zip().add("a/../../up.txt").end(),
        "absolute.zip": Zip().add("/tmp/absolute.txt").end(),
        "drive.zip": Zip().add("C:/a.txt").end(),
        "backslash.zip": Zip().add("..\\up.txt").end(),
        "nul.zip": Zip().add(b"a.txt\0.exe").end(),
        "long-name.zip": Zip().add("x" * 1025).end(),
        "second-name.zip": Zip().add("a.txt", extra=struct.pack("<HHBI", 0x7075, 5 + 9, 1, zlib.crc32(b"a.txt")) + b"../up.txt").end(),
        "up.tar": file("../up.txt"),
        "up-in-a-long-name.tar": file("x/" * 60 + "../" * 70 + "up.txt"),
        "up.tar.gz": gzip.compress(file("../up.txt"), mtime=0),
        "symbolic-link.zip": Zip().add("a", b"b", packed=False, attributes=0o120777 << 16).end(),
        "symbolic-link.tar": symbolic,
        "symbolic-link-with-the-old-sum.tar": with_sum(old_tar("é", tarfile.SYMTYPE), signed),
        "symbolic-link-behind-a-wrong-sum.tar": with_sum(tar(("a", HELLO, tarfile.REGTYPE, ""), ("b", b"", tarfile.SYMTYPE, "a")), lambda head: 1),
        "hard-link.tar": tar(("a", HELLO, tarfile.REGTYPE, ""), ("b", b"", tarfile.LNKTYPE, "a")),
        "symbolic-link.tar.xz": lzma.compress(symbolic),
        "symbolic-link-in-a-zip.zip": Zip().add("a.tar", symbolic).end(),
    }


def encrypted():
    aes = struct.pack("<HHH2sBH", 0x9901, 7, 2, b"AE", 3, 8)
    return {
        "encrypted.zip": Zip().add("a.txt", noise(60), packed=False, flags=1).end(),
        "encrypted-strongly.zip": Zip().add("a.txt", noise(60), packed=False, flags=0x41).end(),
        "encrypted-by-aes.zip": Zip().add("a.txt", noise(60), packed=False, flags=1, extra=aes).end(),
        "encrypted-in-a-zip.zip": Zip().add("b.zip", Zip().add("a.txt", noise(60), packed=False, flags=1).end()).end(),
    }


def large():
    nested, packed = b"x", HELLO
    for _ in range(4):
        nested, packed = Zip().add("a.zip", nested, packed=False).end(), gzip.compress(packed, mtime=0)
    many, files, middle = Zip(), [], Zip()
    for number in range(101):
        many.add(f"{number}", b"", packed=False)
        files.append((f"{number}", b"", tarfile.REGTYPE, ""))
    for number in range(5):
        middle.add(f"{number}", noise(230_000, number + 1)[:800] * 288)
    return {
        "zeros.zip": Zip().add("a", ZEROS).end(),
        "zeros.gz": gzip.compress(ZEROS, mtime=0),
        "zeros.bz2": bz2.compress(ZEROS),
        "zeros.xz": lzma.compress(ZEROS),
        "zeros.zst": zstandard.ZstdCompressor().compress(ZEROS),
        "zeros-called-small.zip": Zip().add("a", ZEROS, length=1).end(),
        "zeros-in-a-zip-in-a-tar.tar": tar(("a.zip", Zip().add("a", ZEROS).end(), tarfile.REGTYPE, "")),
        "zeros-in-parts.zip": Zip().add("a", ZEROS[: 4 << 20]).add("b", ZEROS[: 4 << 20]).add("c", ZEROS[: 4 << 20]).end(),
        "middling.zip": middle.end(),
        "one-member-of-middling-size.gz": gzip.compress(noise(300_000)[:1000] * 300, mtime=0),
        "deep.zip": nested,
        "deep.gz": packed,
        "many.zip": many.end(),
        "many.tar": tar(*files),
        "sparse.tar": sparse(),
    }


def sparse():
    """A file of GNU's sparse kind that says it is 32 MiB large, of zeros."""
    head = bytearray(512)
    head[0:1], head[100:108], head[108:116], head[116:124] = b"a", b"0000644\0", b"0000000\0", b"0000000\0"
    head[124:136], head[136:148], head[148:156], head[156:157] = b"00000000000\0", b"00000000000\0", b" " * 8, b"S"
    head[257:265], head[483:495] = b"ustar  \0", b"00200000000\0"
    head[148:156] = b"%06o\0 " % sum(head)
    return bytes(head) + bytes(1024)


def documents():
    """No macro in them does anything: what is called a project of macros is text."""
    project = {"word/vbaProject.bin": b"No macros are in here."}
    relation = lambda kind, target: {
        "word/_rels/document.xml.rels": f'{XML}<Relationships xmlns="{PACKAGE}/relationships">'
        f'<Relationship Id="r1" Type="{OFFICE}/{kind}" Target="{target}" TargetMode="External"/></Relationships>'
    }
    word = lambda more: office("word/document.xml", WORD_TYPE, WORD, more=more)
    text = open_document("text", "text")
    out = io.BytesIO(text)
    with zipfile.ZipFile(out, "a") as archive:
        for name in ("Basic/Standard/Module1.xml", "Basic/script-lc.xml"):
            archive.writestr(zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0)), b"<module/>")
    return {
        "macros.docm": office("word/document.xml", "application/vnd.ms-word.document.macroEnabled.main+xml", WORD, more=project),
        "macros-not-declared.docx": word(project),
        "macros-of-excel-4.xlsx": office("xl/workbook.xml", f"{FORMATS}.spreadsheetml.sheet.main+xml", SHEET, more={"xl/macrosheets/sheet1.xml": "<x/>"}),
        "macros.odt": out.getvalue(),
        "macros-in-a-zip.zip": zipped({"a.docm": word(project)}),
        "template-from-elsewhere.docx": word(relation("attachedTemplate", "https://a.example/b.dotm")),
        "object-from-elsewhere.docx": word(relation("oleObject", "https://a.example/b.bin")),
        "frame-from-elsewhere.docx": word(relation("frame", "https://a.example/b.html")),
    }


def files():
    return contradictions() | names_and_links() | encrypted() | large() | documents()
