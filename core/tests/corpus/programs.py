"""Programs, fonts and data."""

import io
import struct

from tools import run


def elf():
    """Says goodbye at once: exit(0) on x86-64."""
    code = b"\x31\xff\xb8\x3c\0\0\0\x0f\x05"
    head = b"\x7fELF\2\1\1" + bytes(9) + struct.pack("<HHIQQQIHHHHHH", 2, 62, 1, 0x400078, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    return head + struct.pack("<IIQQQQQQ", 1, 5, 0, 0x400000, 0x400000, 120 + len(code), 120 + len(code), 0x1000) + code


def windows():
    """A program that returns at once ([PE format], PE32)."""
    dos = b"MZ" + bytes(58) + struct.pack("<I", 64)
    coff = b"PE\0\0" + struct.pack("<HHIIIHH", 0x14C, 1, 0, 0, 0, 224, 0x102)
    optional = struct.pack("<HBBIIIIIIIIIHHHHHHIIIIHHIIIIII", 0x10B, 1, 0, 512, 0, 0, 0x1000, 0x1000, 0x2000, 0x400000, 0x1000, 512, 4, 0, 0, 0, 4, 0, 0, 0x2000, 512, 0, 3, 0, 0x100000, 0x1000, 0x100000, 0x1000, 0, 16) + bytes(128)
    section = b".text\0\0\0" + struct.pack("<IIIIIIHHI", 1, 0x1000, 512, 512, 0, 0, 0, 0, 0x60000020)
    image = dos + coff + optional + section
    return image + bytes(512 - len(image)) + b"\xc3" + bytes(511)


def dos():
    """MZ alone: int 20h behind a header of 32 bytes."""
    return b"MZ" + struct.pack("<13H", 34, 1, 0, 2, 0, 0xFFFF, 0, 0, 0, 0, 0, 28, 0) + bytes(4) + b"\xcd\x20"


def mach():
    return struct.pack("<IIIIIIII", 0xFEEDFACF, 0x01000007, 3, 1, 0, 0, 0, 0)


def universal():
    thin = mach()
    return struct.pack(">IIIIIII", 0xCAFEBABE, 1, 0x01000007, 3, 4096, len(thin), 12) + bytes(4096 - 28) + thin


def java():
    return run("sh", "-c", "javac -g:none -XDrawDiagnostics A.java", given={"A.java": b"class A {}"}, made="A.class")


def fonts():
    from fontTools import subset
    from fontTools.fontBuilder import FontBuilder
    from fontTools.pens.t2CharStringPen import T2CharStringPen
    from fontTools.ttLib import TTCollection, TTFont

    def saved(font, flavor=None):
        font.flavor = flavor
        out = io.BytesIO()
        font.save(out)
        return out.getvalue()

    def small():
        font = TTFont("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf")
        options = subset.Options(hinting=False, layout_features=[], name_IDs=[1], notdef_outline=False)
        options.drop_tables += ["GSUB", "GPOS", "GDEF", "FFTM"]
        tool = subset.Subsetter(options)
        tool.populate(text="A")
        tool.subset(font)
        return font

    def postscript():
        builder = FontBuilder(1000, isTTF=False)
        builder.setupGlyphOrder([".notdef"])
        builder.setupCharacterMap({})
        builder.setupCFF("A", {"FullName": "A"}, {".notdef": T2CharStringPen(500, None).getCharString()}, {})
        builder.setupHorizontalMetrics({".notdef": (500, 0)})
        builder.setupHorizontalHeader(ascent=800, descent=-200)
        builder.setupNameTable({"familyName": "A", "styleName": "Regular"})
        builder.setupOS2()
        builder.setupPost()
        return builder.font

    truetype = saved(small())
    collection = TTCollection()
    collection.fonts = [small(), small()]
    out = io.BytesIO()
    collection.save(out)
    eot = struct.pack("<IIII", 82 + len(truetype), len(truetype), 0x20001, 0) + bytes(10) + b"\1\0" + struct.pack("<IHH", 400, 0, 0x504C) + bytes(46)
    return {
        "plain.ttf": truetype,
        "postscript.otf": saved(postscript()),
        "collection.ttc": out.getvalue(),
        "plain.woff": saved(small(), "woff"),
        "plain.woff2": saved(small(), "woff2"),
        "plain.eot": eot + truetype,
        "apple.ttf": b"true" + truetype[4:],
    }


def sqlite(statement):
    return run("sqlite3", "o.db", "pragma page_size = 512; vacuum;" + statement, made="o.db")


def arrow():
    import pyarrow
    import pyarrow.feather
    import pyarrow.parquet

    table = pyarrow.table({"a": [1, 2]})
    out = {}
    for name, write in (
        ("plain.parquet", lambda to: pyarrow.parquet.write_table(table, to)),
        ("plain.arrow", lambda to: pyarrow.feather.write_feather(table, to, compression="uncompressed")),
    ):
        sink = io.BytesIO()
        write(sink)
        out[name] = sink.getvalue()
    return out


def hdf5():
    import h5py

    out = io.BytesIO()
    with h5py.File(out, "w") as file:
        file["a"] = 1
    return out.getvalue()


def dicom():
    element = lambda group, number, kind, content: struct.pack("<HH2sH", group, number, kind, len(content)) + content
    meta = element(2, 2, b"UI", b"1.2.840.10008.5.1.4.1.1.7\0") + element(2, 3, b"UI", b"1.2\0") + element(2, 16, b"UI", b"1.2.840.10008.1.2.1\0")
    return bytes(128) + b"DICM" + element(2, 0, b"UL", struct.pack("<I", len(meta))) + meta


def glb():
    text = b'{"asset":{"version":"2.0"}} '
    return b"glTF" + struct.pack("<III", 2, 20 + len(text), len(text)) + b"JSON" + text


def netcdf():
    return b"CDF\1" + bytes(28)


def qcow2():
    return b"QFI\xfb" + struct.pack(">IQIIQIIQQIIQ", 2, 0, 0, 16, 0, 0, 0, 0, 65536, 0, 0, 0) + bytes(56)


def shortcut():
    return struct.pack("<I", 76) + bytes.fromhex("0114020000000000c000000000000046") + bytes(56)


def stl():
    return b"made by hand".ljust(80, b" ") + struct.pack("<I", 1) + struct.pack("<12f", *range(12)) + b"\0\0"


def files():
    return fonts() | arrow() | {
        "linux.elf": elf(),
        "windows.exe": windows(),
        "dos.exe": dos(),
        "apple.macho": mach(),
        "universal.macho": universal(),
        "module.wasm": b"\0asm\1\0\0\0",
        "A.class": java(),
        "plain.sqlite": sqlite("create table a (b);"),
        "plain.h5": hdf5(),
        "classic.nc": netcdf(),
        "scan.dcm": dicom(),
        "scene.glb": glb(),
        "part.stl": stl(),
        "packets.pcap": struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1),
        "disk.qcow2": qcow2(),
        "windows.lnk": shortcut(),
        "plain.torrent": b"d8:announce20:http://example.com/a4:infod6:lengthi1e4:name1:a12:piece lengthi16384e6:pieces20:" + bytes(range(20)) + b"ee",
        "certificate.der": run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", "/dev/null", "-subj", "/CN=a", "-outform", "der"),
        "no-known-kind.bin": bytes([0, 1, 2, 3, 0x80, 0xFF] * 8),
    }
