"""Documents of offices and books."""

import io
import struct
import uuid
import zipfile

from pictures import save
from tools import run

WHEN = (2020, 1, 1, 0, 0, 0)


def zipped(entries, stored=(), streamed=False, extra=b""):
    """A ZIP of `entries` in their order. Streamed: written to a pipe, so that sizes come behind the bytes."""
    out = io.BytesIO()
    if streamed:
        out = Pipe()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in entries.items():
            info = zipfile.ZipInfo(name, WHEN)
            info.compress_type = zipfile.ZIP_STORED if name in stored else zipfile.ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            info.extra = extra
            archive.writestr(info, content)
    return out.getvalue()


class Pipe:
    """Takes bytes and cannot go back."""

    def __init__(self):
        self.parts = []

    def write(self, data):
        self.parts.append(bytes(data))
        return len(data)

    def flush(self):
        pass

    def getvalue(self):
        return b"".join(self.parts)


XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def office(part, content_type, body, order="types first", relation="officeDocument", more=None, streamed=False):
    """A package by ECMA-376, part 2: what its main part is, is said by `[Content_Types].xml`."""
    types = (
        f'{XML}<Types xmlns="{PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Default Extension="xml" ContentType="application/xml"/><Override PartName="/{part}" ContentType="{content_type}"/></Types>'
    )
    namespace = OFFICE if relation == "officeDocument" else "http://schemas.microsoft.com/visio/2010/relationships"
    rels = (
        f'{XML}<Relationships xmlns="{PACKAGE}/relationships">'
        f'<Relationship Id="rId1" Type="{namespace}/{relation}" Target="{part}"/></Relationships>'
    )
    entries = {"[Content_Types].xml": types, "_rels/.rels": rels, part: XML + body} | (more or {})
    if order == "types last":
        entries["[Content_Types].xml"] = entries.pop("[Content_Types].xml")
    if order == "parts first":
        entries = {part: entries.pop(part)} | entries
    if order == "properties first":
        entries = {"docProps/app.xml": f"{XML}<Properties/>"} | entries
    return zipped(entries, streamed=streamed)


WORD = '<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body><w:p/></w:body></w:document>'
SHEET = '<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheets/></workbook>'
SLIDES = '<p:presentation xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main"/>'
DRAWING = '<VisioDocument xmlns="http://schemas.microsoft.com/office/visio/2012/main"/>'
FORMATS = "application/vnd.openxmlformats-officedocument"


def packages():
    noise = "".join(f"<w:p><w:r><w:t>{uuid.uuid5(uuid.NAMESPACE_DNS, str(n))}</w:t></w:r></w:p>" for n in range(400))
    long = WORD.replace("<w:p/>", noise)
    main = f"{FORMATS}.wordprocessingml.document.main+xml"
    return {
        "types-first.docx": office("word/document.xml", main, WORD),
        "types-last.docx": office("word/document.xml", main, WORD, "types last"),
        "types-far-in.docx": office("word/document.xml", main, long, "types last"),
        "properties-first.docx": office("word/document.xml", main, WORD, "properties first"),
        "streamed.docx": office("word/document.xml", main, WORD, streamed=True),
        "streamed-far-in.docx": office("word/document.xml", main, long, "types last", streamed=True),
        "parts-first-far-in.docx": office("word/document.xml", main, long, "parts first", streamed=True),
        "macros.docm": office("word/document.xml", "application/vnd.ms-word.document.macroEnabled.main+xml", WORD),
        "template.dotx": office("word/document.xml", f"{FORMATS}.wordprocessingml.template.main+xml", WORD),
        "template.dotm": office("word/document.xml", "application/vnd.ms-word.template.macroEnabledTemplate.main+xml", WORD),
        "plain.xlsx": office("xl/workbook.xml", f"{FORMATS}.spreadsheetml.sheet.main+xml", SHEET),
        "streamed.xlsx": office("xl/workbook.xml", f"{FORMATS}.spreadsheetml.sheet.main+xml", SHEET, streamed=True),
        "macros.xlsm": office("xl/workbook.xml", "application/vnd.ms-excel.sheet.macroEnabled.main+xml", SHEET),
        "template.xltx": office("xl/workbook.xml", f"{FORMATS}.spreadsheetml.template.main+xml", SHEET),
        "binary.xlsb": office("xl/workbook.bin", "application/vnd.ms-excel.sheet.binary.macroEnabled.main", ""),
        "plain.pptx": office("ppt/presentation.xml", f"{FORMATS}.presentationml.presentation.main+xml", SLIDES),
        "types-last.pptx": office("ppt/presentation.xml", f"{FORMATS}.presentationml.presentation.main+xml", SLIDES, "types last"),
        "show.ppsx": office("ppt/presentation.xml", f"{FORMATS}.presentationml.slideshow.main+xml", SLIDES),
        "template.potx": office("ppt/presentation.xml", f"{FORMATS}.presentationml.template.main+xml", SLIDES),
        "macros.pptm": office("ppt/presentation.xml", "application/vnd.ms-powerpoint.presentation.macroEnabled.main+xml", SLIDES),
        "drawing.vsdx": office("visio/document.xml", "application/vnd.ms-visio.drawing.main+xml", DRAWING, relation="document"),
    }


def by_libraries():
    """What the usual libraries write, in their own order."""
    import docx
    import openpyxl
    import xlsxwriter

    out = {}
    document = docx.Document()
    document.add_paragraph("Hello")
    # Its template has pictures and styles of 35 KB: only the order matters, so the largest parts are left out.
    written = io.BytesIO()
    document.save(written)
    out["by-python-docx.docx"] = thinned(written.getvalue(), "document.xml")

    book = openpyxl.Workbook()
    book.active["A1"] = 1
    written = io.BytesIO()
    book.save(written)
    out["by-openpyxl.xlsx"] = written.getvalue()

    written = io.BytesIO()
    book = xlsxwriter.Workbook(written, {"in_memory": True})
    book.add_worksheet().write(0, 0, 1)
    book.close()
    out["by-xlsxwriter.xlsx"] = written.getvalue()
    return out


def thinned(package, *kept):
    """The same entries in the same order; those over 1 KB that are not named are empty elements of the same name."""
    source = zipfile.ZipFile(io.BytesIO(package))
    entries = {}
    for info in source.infolist():
        content = source.read(info)
        if len(content) > 1000 and not info.filename.endswith((*kept, "[Content_Types].xml", ".rels")):
            content = b"<?xml version='1.0' encoding='UTF-8' standalone='yes'?>\n<none/>"
            if info.filename.endswith("jpeg"):
                content = save("JPEG")
        entries[info.filename] = content
    return zipped(entries)


def open_document(kind, body, template=False, order="mimetype first"):
    media_type = f"application/vnd.oasis.opendocument.{kind}" + ("-template" if template else "")
    namespace = "urn:oasis:names:tc:opendocument:xmlns"
    content = (
        f'{XML}<office:document-content xmlns:office="{namespace}:office:1.0" office:version="1.2">'
        f"<office:body><office:{body}/></office:body></office:document-content>"
    )
    manifest = (
        f'{XML}<manifest:manifest xmlns:manifest="{namespace}:manifest:1.0" manifest:version="1.2">'
        f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{media_type}"/>'
        '<manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"/></manifest:manifest>'
    )
    entries = {"mimetype": media_type, "content.xml": content, "META-INF/manifest.xml": manifest}
    if order == "mimetype last":
        entries["mimetype"] = entries.pop("mimetype")
    return zipped(entries, stored=["mimetype"])


def books():
    container = (
        f'{XML}<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
        '<rootfile full-path="a.opf" media-type="application/oebps-package+xml"/></rootfiles></container>'
    )
    opf = f'{XML}<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="i"/>'
    entries = {"mimetype": "application/epub+zip", "META-INF/container.xml": container, "a.opf": opf}
    return {
        "plain.epub": zipped(entries, stored=["mimetype"]),
        "text.odt": open_document("text", "text"),
        "sheet.ods": open_document("spreadsheet", "spreadsheet"),
        "slides.odp": open_document("presentation", "presentation"),
        "drawing.odg": open_document("graphics", "drawing"),
        "template.ott": open_document("text", "text", template=True),
        "formula.odf": open_document("formula", "formula"),
    }


def compound(streams, clsid=None, far=False):
    """A compound file ([MS-CFB]), version 3. With `far`, the directory comes behind the streams."""
    free, end, fat_mark = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
    sectors, fat, mini, starts = [], [], b"", {}
    padded = lambda data, unit: data + bytes(-len(data) % unit)

    def chain(data):
        """Puts data into sectors of its own; the first of them, or `end` if there is nothing to put."""
        first = len(sectors)
        for at in range(0, len(data), 512):
            sectors.append(padded(data[at : at + 512], 512))
            fat.append(len(sectors))
        if not data:
            return end
        fat[-1] = end
        return first

    room = 512 * (-(-(1 + len(streams)) // 4))
    if not far:
        directory_at = chain(bytes(room))
    # What is smaller than 4096 bytes lies in the mini stream, in pieces of 64 bytes.
    mini_fat = []
    for name, content in streams.items():
        if len(content) >= 4096:
            starts[name] = chain(content)
            continue
        starts[name] = len(mini) // 64 if content else end
        mini += padded(content, 64)
        while len(mini_fat) < len(mini) // 64:
            mini_fat.append(len(mini_fat) + 1)
        if content:
            mini_fat[-1] = end
    mini_at = chain(mini)
    mini_fat_at = chain(struct.pack("<128I", *(mini_fat + [free] * (128 - len(mini_fat))))) if mini else end
    if far:
        directory_at = chain(bytes(room))

    def entry(name, kind, start=0, size=0, child=free, right=free, clsid=bytes(16)):
        wide = name.encode("utf-16-le")
        return (
            wide + bytes(64 - len(wide)) + struct.pack("<HBB", len(wide) + 2, kind, 1) + struct.pack("<III", free, right, child)
            + clsid + bytes(4 + 8 + 8) + struct.pack("<IQ", start, size)
        )

    names = sorted(streams, key=lambda name: (len(name), name.upper()))
    root = uuid.UUID(clsid).bytes_le if clsid else bytes(16)
    directory = entry("Root Entry", 5, mini_at, len(mini), 1 if names else free, clsid=root)
    for at, name in enumerate(names):
        right = at + 2 if at + 1 < len(names) else free
        directory += entry(name, 2, starts[name], len(streams[name]), right=right)
    while len(directory) < room:
        directory += bytes(64) + struct.pack("<HBB", 0, 0, 0) + struct.pack("<III", free, free, free) + bytes(48)
    for n in range(room // 512):
        sectors[directory_at + n] = directory[n * 512 : n * 512 + 512]
    fat_at = len(sectors)
    fat.append(fat_mark)
    table = struct.pack("<128I", *(fat + [free] * (128 - len(fat))))
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + bytes(6)
    header += struct.pack("<IIIIIIIII", 0, 1, directory_at, 0, 4096, mini_fat_at, int(bool(mini)), end, 0)
    header += struct.pack("<109I", fat_at, *[free] * 108)
    return header + b"".join(sectors) + table


def word():
    """The head of a document's main stream ([MS-DOC] 2.5.2)."""
    return struct.pack("<HHHHHHHH", 0xA5EC, 0xC1, 0, 0x409, 0, 0x1200, 0xBF, 0) + bytes(48)


def compounds():
    import xlwt

    book = xlwt.Workbook()
    book.add_sheet("A").write(0, 0, 1)
    written = io.BytesIO()
    book.save(written)
    sheet = struct.pack("<HHHHHHII", 0x809, 16, 0x600, 5, 0x2CD, 0x7CC, 0, 6) + struct.pack("<HH", 10, 0)
    slides = struct.pack("<HHI", 0x000F, 0x03E8, 0)
    user = struct.pack("<HHIIIIHHBBH", 0, 0x0FF6, 20, 20, 0xE391C05F, 0, 0, 0x3F4, 3, 0, 0)
    message = bytes(32)
    return {
        "by-xlwt.xls": written.getvalue(),
        "plain.xls": compound({"Workbook": sheet}),
        "excel-5.xls": compound({"Book": sheet.replace(b"\0\6", b"\0\5", 1)}),
        "plain.doc": compound({"WordDocument": word(), "1Table": bytes(16)}),
        "directory-far-in.doc": compound({"WordDocument": word() + bytes(8000), "1Table": bytes(16)}, far=True),
        "directory-far-in.xls": compound({"Workbook": sheet + bytes(8000)}, far=True),
        "directory-far-in.ppt": compound({"PowerPoint Document": slides + bytes(8000), "Current User": user}, far=True),
        "plain.ppt": compound({"PowerPoint Document": slides, "Current User": user}),
        "letter.msg": compound({"__properties_version1.0": message, "__substg1.0_001A001E": b"IPM.Note"}),
        "drawing.vsd": compound({"VisioDocument": b"Visio (TM) Drawing\r\n\0"}),
        "setup.msi": compound({"\u4840\u3f3f": b""}, clsid="000c1084-0000-0000-c000-000000000046"),
        "unknown-streams.ole": compound({"Notes": b"x"}),
        "encrypted.docx": compound({"EncryptionInfo": struct.pack("<HHI", 4, 4, 0x40), "EncryptedPackage": bytes(16)}),
    }


def pages():
    """PDF and what came before it."""
    pdf = run("gs", "-q", "-dNOPAUSE", "-dBATCH", "-sDEVICE=pdfwrite", "-sOutputFile=o.pdf", "-c", "showpage", made="o.pdf")
    eps = save("EPS")
    pdf_in_letters = (
        b"%PDF-1.1\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj 2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\n"
        b"xref\n0 3\n0000000000 65535 f \n0000000009 00000 n \n0000000052 00000 n \n"
        b"trailer<</Size 3/Root 1 0 R>>\nstartxref\n100\n%%EOF\n"
    )
    assert pdf_in_letters.index(b"2 0 obj") == 52, pdf_in_letters.index(b"2 0 obj")
    rtf = b"{\\rtf1\\ansi\\deff0{\\fonttbl{\\f0 Arial;}}\\f0 Hello\\par}\r\n"
    dos = b"\xc5\xd0\xd3\xc6" + struct.pack("<IIIIIIH", 30, len(eps), 0, 0, 0, 0, 0xFFFF) + eps
    return {
        "plain.pdf": pdf,
        "all-letters.pdf": pdf_in_letters,
        "behind-a-mark.pdf": b"\xef\xbb\xbf" + pdf,
        "behind-a-space.pdf": b" " + pdf_in_letters,
        "behind-a-line.pdf": b"\r\n" + pdf,
        "plain.ps": b"%!PS-Adobe-3.0\n%%EOF\nshowpage\n",
        "plain.eps": eps,
        "of-dos.eps": dos,
        "plain.rtf": rtf,
    }


def files():
    return packages() | by_libraries() | books() | compounds() | pages()
