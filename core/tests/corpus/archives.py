"""Archives and packages."""

import io
import lzma
import struct
import tarfile
import zipfile
import zlib

from documents import XML, office, zipped
from tools import run

HELLO = b"Hello, world! " * 20


def tar(kind):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=kind) as archive:
        info = tarfile.TarInfo("hello.txt")
        info.size = len(HELLO)
        if kind == tarfile.PAX_FORMAT:
            info.pax_headers = {"comment": "x"}
        archive.addfile(info, io.BytesIO(HELLO))
    return out.getvalue()[:2560] if kind != tarfile.PAX_FORMAT else out.getvalue()[:3584]


def tar_of_unix_7():
    """Before POSIX there was no mark: only the sum of the header says what it is."""
    head = bytearray(512)
    head[:9] = b"hello.txt"
    head[100:108], head[108:116], head[116:124] = b"000644 \0", b"000000 \0", b"000000 \0"
    head[124:136], head[136:148], head[148:156] = b"%011o " % len(HELLO), b"00000000000 ", b" " * 8
    head[148:156] = b"%06o\0 " % sum(head)
    return bytes(head) + HELLO + bytes(-len(HELLO) % 512) + bytes(1024)


def rar4():
    """One stored file (RAR technical note, version 4)."""
    block = lambda body: struct.pack("<H", zlib.crc32(body) & 0xFFFF) + body
    data = b"Hello"
    main = block(struct.pack("<BHH", 0x73, 0, 13) + bytes(6))
    name = b"hello.txt"
    body = struct.pack("<BHHIIBIIBBHI", 0x74, 0x8000, 32 + len(name), len(data), len(data), 3, zlib.crc32(data), 0, 20, 0x30, len(name), 0o644)
    return b"Rar!\x1a\x07\0" + main + block(body + name) + data + block(struct.pack("<BHH", 0x7B, 0x4000, 7))


def rar5():
    """One stored file (RAR 5.0 archive format)."""

    def block(fields, data=b""):
        body = bytes([len(fields)]) + fields
        return struct.pack("<I", zlib.crc32(body)) + body + data

    data, name = b"Hello", b"hello.txt"
    main = block(bytes([1, 0, 0]))
    file = block(bytes([2, 2, len(data), 4, len(data), 0x24]) + struct.pack("<I", zlib.crc32(data)) + bytes([0, 1, len(name)]) + name, data)
    return b"Rar!\x1a\x07\1\0" + main + file + block(bytes([5, 0, 0]))


def deb():
    member = lambda name, content: b"%-16s%-12d%-6d%-6d%-8o%-10d`\n" % (name, 0, 0, 0, 0o644, len(content)) + content + b"\n" * (len(content) % 2)
    control = run("tar", "-czf", "o", "control", given={"control": b"Package: a\nVersion: 1\nArchitecture: all\nMaintainer: a <a@example.com>\nDescription: a\n"}, made="o")
    data = run("tar", "-czf", "o", "-T", "/dev/null", made="o")
    return b"!<arch>\n" + member(b"debian-binary", b"2.0\n") + member(b"control.tar.gz", control) + member(b"data.tar.gz", data)


def ar():
    return run("ar", "rcD", "o.a", "hello.txt", given={"hello.txt": HELLO}, made="o.a")


def rpm():
    spec = b"Name: a\nVersion: 1\nRelease: 1\nSummary: a\nLicense: MIT\nBuildArch: noarch\n%description\na\n%files\n"
    command = 'rpmbuild --quiet -bb --define "_topdir $PWD" --define "_build_id_links none" --define "_buildhost localhost" a.spec && cp RPMS/noarch/*.rpm o'
    return run("sh", "-c", command, given={"a.spec": spec}, made="o")


def chrome_extension():
    """Version 3, without proofs: the number that says so, the length of the header, then a ZIP."""
    return b"Cr24" + struct.pack("<II", 3, 0) + zipped({"manifest.json": '{"name": "a", "version": "1", "manifest_version": 3}'})


def lzma_alone():
    return lzma.compress(HELLO, format=lzma.FORMAT_ALONE)


def empty_zip():
    out = io.BytesIO()
    zipfile.ZipFile(out, "w").close()
    return out.getvalue()


def unix(*command):
    """What a program makes of its standard input."""
    return run(*command, stdin=HELLO)


def bsdtar(kind, name="o"):
    return run("bsdtar", "--format", kind, "-cf", name, "hello.txt", given={"hello.txt": HELLO}, made=name)


def zips():
    manifest = "Manifest-Version: 1.0\r\n\r\n"
    model = f'{XML}<model unit="millimeter" xmlns="http://schemas.microsoft.com/3dmanufacturing/core/2015/02"><resources/><build/></model>'
    kml = f'{XML}<kml xmlns="http://www.opengis.net/kml/2.2"><Document/></kml>'
    types = f'{XML}<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="model" ContentType="application/vnd.ms-package.3dmanufacturing-3dmodel+xml"/></Types>'
    xps = '<FixedDocumentSequence xmlns="http://schemas.microsoft.com/xps/2005/06"/>'
    return {
        "plain.zip": zipped({"hello.txt": HELLO}),
        "stored.zip": zipped({"hello.txt": HELLO}, stored=["hello.txt"]),
        "streamed.zip": zipped({"hello.txt": HELLO}, streamed=True),
        "empty.zip": empty_zip(),
        "with-word-folder.zip": zipped({"word/": b"", "word/hello.txt": HELLO}),
        "with-a-document-inside.zip": zipped({"inner.docx": office("word/document.xml", "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml", "<w/>")}, stored=["inner.docx"]),
        "python.whl": zipped({"a/__init__.py": b"", "a-1.dist-info/WHEEL": "Wheel-Version: 1.0\n", "a-1.dist-info/RECORD": b""}),
        "pictures.zip": zipped({"1.png": b"\x89PNG\r\n\x1a\n" + bytes(20)}, stored=["1.png"]),
        "plain.jar": zipped({"META-INF/MANIFEST.MF": manifest, "A.class": b"\xca\xfe\xba\xbe\0\0\0\x34"}),
        "by-jar.jar": run("jar", "cf", "o.jar", "hello.txt", given={"hello.txt": HELLO}, made="o.jar"),
        "plain.apk": zipped({"AndroidManifest.xml": b"\3\0\x08\0\x08\0\0\0", "classes.dex": b"dex\n035\0", "META-INF/MANIFEST.MF": manifest}),
        "firefox.xpi": zipped({"META-INF/mozilla.rsa": b"x", "manifest.json": "{}"}),
        "places.kmz": zipped({"doc.kml": kml}),
        "print.3mf": zipped({"[Content_Types].xml": types, "3D/3dmodel.model": model}),
        "page.xps": office("FixedDocSeq.fdseq", "application/vnd.ms-package.xps-fixeddocumentsequence+xml", xps),
        "scene.usdz": zipped({"a.usda": b"#usda 1.0\n"}, stored=["a.usda"]),
    }


def files():
    return zips() | {
        "plain.gz": unix("gzip", "-nc"),
        "plain.bz2": unix("bzip2", "-c"),
        "plain.xz": unix("xz", "-c"),
        "plain.zst": unix("zstd", "-qc"),
        "plain.lz4": unix("lz4", "-qc"),
        "plain.lz": unix("lzip", "-c"),
        "plain.lzo": unix("lzop", "-c"),
        "plain.Z": unix("compress", "-cf"),
        "alone.lzma": lzma_alone(),
        "plain.7z": run("7z", "a", "-bd", "o.7z", "hello.txt", given={"hello.txt": HELLO}, made="o.7z"),
        "version-4.rar": rar4(),
        "version-5.rar": rar5(),
        "posix.tar": tar(tarfile.USTAR_FORMAT),
        "gnu.tar": tar(tarfile.GNU_FORMAT),
        "pax.tar": tar(tarfile.PAX_FORMAT),
        "unix-7.tar": tar_of_unix_7(),
        "packed.tar.gz": run("gzip", "-nc", stdin=tar(tarfile.USTAR_FORMAT)),
        "new.cpio": bsdtar("newc"),
        "binary.cpio": run("cpio", "-o", "-H", "bin", "--quiet", given={"a": HELLO}, stdin=b"a\n"),
        "plain.a": ar(),
        "plain.deb": deb(),
        "plain.rpm": rpm(),
        "plain.cab": run("gcab", "-cn", "o.cab", "hello.txt", given={"hello.txt": HELLO}, made="o.cab"),
        "plain.xar": bsdtar("xar"),
        "chrome.crx": chrome_extension(),
    }
