"""Files that look odd and harm nobody: as phones, editors, scanners, offices and people write them."""

import gzip
import struct

from PIL import Image

from archives import HELLO
from documents import FORMATS, OFFICE, PACKAGE, SHEET, WORD, XML, office, open_document, zipped
from groups.bombs import Zip, old_tar, signed, tar, with_sum
from groups.common import box, chunk, core, formats, gif_with, jpeg_with, noise, pdf, png_with, segment, stream, webp_with
from groups.papers import packed
from pictures import picture, save

XMP = (
    b"http://ns.adobe.com/xap/1.0/\0<?xpacket begin='' id='W5M0MpCehiHzreSzNTczkc9d'?><x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF "
    b"xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'><rdf:Description><title>&lt;script&gt;</title></rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end='w'?>"
)


def photos():
    jpeg, film = core("baseline.jpg"), core("moov-first.mp4")
    # How a Samsung phone appends the film of a motion photo.
    trailer = b"SEFH\x6b\0\0\0\1\0\0\0\0\0\x30\x0a" + struct.pack("<II", len(film) + 24, len(film) + 24) + b"\x18\0\0\0SEFT"
    listed = segment(0xE2, b"MPF\0MM\0*\0\0\0\x08\0\0\0\0\0\0")
    preview = segment(0xE1, b"Exif\0\0MM\0*\0\0\0\x08\0\0\0\0\0\0" + save("JPEG", picture("L", (8, 6))))
    return {
        "motion-photo.jpg": jpeg_with(segment(0xE1, XMP)) + film,
        "motion-photo-of-samsung.jpg": jpeg + b"\0\0\x30\x0a\x10\0\0\0MotionPhoto_Data" + film + trailer,
        "several-pictures.jpg": jpeg_with(listed) + jpeg,
        "gain-map.jpg": jpeg_with(segment(0xE1, XMP)) + jpeg_with(segment(0xE1, XMP)),
        "preview-in-exif.jpg": jpeg_with(preview),
        "begins-with-xmp.jpg": b"\xff\xd8" + segment(0xE1, XMP) + jpeg[2:],
        "fill-bytes.jpg": jpeg_with(b"\xff\xff\xff" + segment(0xFE, b"hello")),
        "zeros-behind.jpg": jpeg + bytes(3000),
        "trailer-of-a-phone.jpg": jpeg + noise(900),
        "comment-about-pdf.jpg": jpeg_with(segment(0xFE, b"made of a %PDF-file by a program")),
        "comment-about-zip.jpg": jpeg_with(segment(0xFE, b"PK\5\6 stands at the end of a ZIP, PK\3\4 at its beginning")),
        "photo-of-a-phone.JPG": jpeg,
        "shouting.JPEG": core("exif.jpg"),
        "saved-by-a-browser.jfif": jpeg,
        "motion-photo.heic": core("plain.heic") + box("mpvd", film),
    }


def images():
    png, gif, rgba = core("plain.png"), core("version-87a.gif"), picture("RGB", (20, 20)).convert("RGBA")
    wide = b"GIF89a/*" + gif_with(b"a comment")[8:]
    return {
        "xmp.png": png_with(chunk("iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP[29:])),
        "drawn-by-draw-io.png": png_with(chunk("tEXt", b"mxfile\0%3Cmxfile%3E%3Cdiagram%3E%3C%2Fdiagram%3E%3C%2Fmxfile%3E")),
        "line-behind.png": png + b"\r\n",
        "few-bytes-behind.png": png + noise(60),
        "zeros-behind.png": png + bytes(4000),
        "one-pixel.png": save("PNG", Image.new("RGB", (1, 1))),
        "one-line.png": save("PNG", Image.new("L", (3000, 1))),
        "private-chunk.png": png_with(chunk("vpAg", struct.pack(">IIB", 16, 12, 0))),
        "long-comment.gif": gif_with(b"A long comment about a script. " * 30),
        "xmp.gif": gif_with(XMP),
        "wide-as-a-comment.gif": wide,
        "byte-behind.gif": gif + b";",
        "xmp.webp": webp_with(("XMP ", XMP[29:])),
        "top-down.bmp": top_down(),
        "favicon-that-is-png.ico": save("PNG", Image.new("RGB", (16, 16))),
        "turned.tif": save("TIFF", picture(size=(14, 9)), tiffinfo={274: 6}),
        "raw-photo.nef": core("little-endian.tif"),
        "alpha.tga": core("uncompressed.tga"),
        "transparent-one.webp": save("WEBP", rgba, lossless=True),
    }


def top_down():
    bmp = core("windows.bmp")
    return bmp[:22] + struct.pack("<i", -struct.unpack("<i", bmp[22:26])[0]) + bmp[26:]


def papers():
    field = "<</FT/Tx/T(name)/V(/JS)/DA(/Helv 0 Tf)>>"
    link = "<</Type/Annot/Subtype/Link/A<</S/URI/URI(https://example.com/)>>>>"
    picture_of_page = stream("/Subtype/Image/Width 16/Height 12/ColorSpace/DeviceRGB/BitsPerComponent 8/Filter/DCTDecode", core("baseline.jpg"))
    invoice = "<</Type/Filespec/F(factur-x.xml)/EF<</F 5 0 R>>/AFRelationship/Alternative>>"
    paper = pdf()
    update = b"3 0 obj\n<</Type/Page/Parent 2 0 R/MediaBox[0 0 100 100]>>\nendobj\nxref\n3 1\n%010d 00000 n \ntrailer\n<</Size 4/Root 1 0 R/Prev 9>>\nstartxref\n%d\n%%%%EOF\n"
    return {
        "form.pdf": pdf("<</Fields[5 0 R]>>", field, catalog="/AcroForm 4 0 R"),
        "form-that-clears.pdf": pdf("<</S/ResetForm>>", "<</S/Hide/T(a)>>", "<</S/Named/N/NextPage>>"),
        "link.pdf": pdf(link),
        "signed.pdf": pdf("<</FT/Sig/V<</Type/Sig/Filter/Adobe.PPKLite/ByteRange[0 1 2 3]/Contents<00>>>>>"),
        "invoice.pdf": pdf(invoice, stream("/Type/EmbeddedFile/Subtype/text#2Fxml", f"{XML}<invoice/>"), catalog="/AF[4 0 R]/Names<</EmbeddedFiles<</Names[(factur-x.xml)4 0 R]>>>>"),
        "about-scripts.pdf": pdf("<</Title(How to use /JavaScript and /JS, and <</S/JavaScript>>)>>"),
        "font-of-that-name.pdf": pdf("<</Font<</JS 5 0 R/JavaScript 6 0 R>>>>"),
        "scanned.pdf": pdf(picture_of_page),
        "object-stream.pdf": pdf(packed("<</Title(/JS)>>")),
        "updated.pdf": paper + update % (len(paper), len(paper) + 70),
        "behind-a-line.pdf": b"\r\n" + paper,
        "for-a-printer.pdf": b"\x1b%-12345X@PJL\r\n@PJL ENTER LANGUAGE=PDF\r\n" + paper,
        "with-an-archive.pdf": pdf("<</Type/Filespec/F(a.zip)/EF<</F 5 0 R>>>>", stream("/Type/EmbeddedFile", zipped({"a.txt": HELLO}))),
        "zeros-behind.pdf": paper + bytes(2000),
        "drawing.ai": paper,
    }


def offices():
    relation = lambda kind: {
        "word/_rels/document.xml.rels": f'{XML}<Relationships xmlns="{PACKAGE}/relationships">'
        f'<Relationship Id="r1" Type="{OFFICE}/{kind}" Target="https://example.com/a" TargetMode="External"/></Relationships>'
    }
    word = lambda more, **others: office("word/document.xml", f"{FORMATS}.wordprocessingml.document.main+xml", WORD, more=more, **others)
    return {
        "link.docx": word(relation("hyperlink")),
        "linked-picture.docx": word(relation("image")),
        "pictures.docx": word({"word/media/image1.png": core("plain.png"), "word/media/image2.jpeg": core("baseline.jpg")}),
        "table-inside.docx": word({"word/embeddings/table.xlsx": office("xl/workbook.xml", f"{FORMATS}.spreadsheetml.sheet.main+xml", SHEET)}),
        "streamed.docx": word({}, streamed=True),
        "by-a-library.xlsx": core("by-openpyxl.xlsx"),
        "old.xls": core("by-xlwt.xls"),
        "encrypted.docx": core("encrypted.docx"),
        "macros-by-its-name.docm": core("macros.docm"),
        "link.odt": open_document("text", "text"),
        "rich-text-called-doc.doc": core("plain.rtf"),
        "book.epub": core("plain.epub"),
    }


def drawings():
    root = "xmlns='http://www.w3.org/2000/svg' xmlns:xlink='http://www.w3.org/1999/xlink'"
    doctype = '<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd"'
    svg = lambda inside, before="", more="": f"{before}<svg {root}{more}>{inside}</svg>\n".encode()
    illustrator = f"""<?xml version="1.0" encoding="utf-8"?>
<!-- Generator: Adobe Illustrator 16.0.0, SVG Export Plug-In . SVG Version: 6.00 Build 0)  -->
{doctype} [
	<!ENTITY ns_extend "http://ns.adobe.com/Extensibility/1.0/">
	<!ENTITY ns_svg "http://www.w3.org/2000/svg">
]>
<svg version="1.1" xmlns:x="&ns_extend;" xmlns="&ns_svg;" x="0px" y="0px" width="100px" height="50px" viewBox="0 0 100 50" xml:space="preserve"><path d="M0,0L1,1"/></svg>
"""
    inkscape = """<?xml version="1.0" encoding="UTF-8" standalone="no"?>
<!-- Created with Inkscape (http://www.inkscape.org/) -->
<svg width="210mm" height="297mm" viewBox="0 0 210 297" version="1.1" id="svg1" inkscape:version="1.3" sodipodi:docname="drawing.svg"
   xmlns:inkscape="http://www.inkscape.org/namespaces/inkscape" xmlns:sodipodi="http://sodipodi.sourceforge.net/DTD/sodipodi-0.dtd"
   xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:cc="http://creativecommons.org/ns#">
  <sodipodi:namedview id="namedview1" pagecolor="#ffffff" inkscape:document-units="mm"/>
  <defs id="defs1"><linearGradient inkscape:collect="always" xlink:href="#a" id="b"/></defs>
  <metadata><rdf:RDF><cc:Work rdf:about=""><cc:license rdf:resource="http://creativecommons.org/licenses/by/4.0/"/></cc:Work></rdf:RDF></metadata></svg>
"""
    matplotlib = f"""<?xml version="1.0" encoding="utf-8" standalone="no"?>
{doctype}>
<svg xmlns:xlink="http://www.w3.org/1999/xlink" width="460.8pt" height="345.6pt" viewBox="0 0 460.8 345.6" xmlns="http://www.w3.org/2000/svg" version="1.1">
 <defs><style type="text/css">*{{stroke-linejoin: round}}</style></defs>
 <g id="figure_1"><path d="M 0 1" clip-path="url(#pe0)" style="fill: none"/><use xlink:href="#m1" x="1" y="2"/></g></svg>
"""
    draw_io = svg("<switch><foreignObject width='100%' height='100%'><div xmlns='http://www.w3.org/1999/xhtml'>Text</div></foreignObject><text>Text</text></switch>")
    return {
        "of-illustrator.svg": illustrator.encode(),
        "of-inkscape.svg": inkscape.encode(),
        "of-matplotlib.svg": matplotlib.encode(),
        "of-figma.svg": svg("<rect fill='url(#p)'/><defs><pattern id='p'><use xlink:href='#i' transform='scale(0.1)'/></pattern><image id='i' xlink:href='data:image/png;base64,iVBORw0KGgo='/></defs>"),
        "of-graphviz.svg": svg("<g class='graph'><title>a&#45;&gt;b</title><a xlink:href='https://a.example/' target='_blank'><ellipse fill='none' cx='27'/></a></g>"),
        "of-draw-io.svg": draw_io,
        "font-on-the-web.svg": svg("<style>@import url('https://fonts.example/css?family=A');</style>"),
        "about-scripts.svg": svg("<!-- <script>x</script> onload='x' --><desc><![CDATA[<script>x</script>]]></desc><text>onload=x() &lt;script&gt;</text>"),
        "animated.svg": svg("<rect><animate attributeName='fill' values='red;blue' dur='1s' repeatCount='indefinite'/></rect><style>@keyframes a{to{transform:rotate(1turn)}}</style>"),
        "embedded-font.svg": svg("<style>@font-face{font-family:x;src:url('data:font/woff2;base64,d09G') format('woff2')}</style>"),
        "with-a-mark.svg": b"\xef\xbb\xbf" + svg("<text>\u00e9</text>"),
        "in-utf-16.svg": ("\ufeff" + svg("").decode()).encode("utf-16-le"),
        "in-latin-1.svg": b"<?xml version='1.0' encoding='ISO-8859-1'?>" + svg("<text>") [:-7] + b"\xe9</text></svg>",
        "packed.svgz": gzip.compress(svg("<g/>"), mtime=0),
        "behind-a-long-comment.svg": svg("", before="<!--" + "x" * 9000 + "-->"),
    }


def texts():
    return {
        "begins-with-an-equals-sign.csv": b"=,<,>\r\n=1,2,3\r\n",
        "headings-of-equals-signs.csv": b"=====,=====\r\nname,amount\r\n",
        "negative-numbers.csv": b"name,amount\r\nA,-12.50\r\nB,+3\r\n",
        "phone-numbers.csv": b"name,phone\r\nA,+49 30 1234567\r\nB,(030) 12\r\n",
        "handles.csv": b"name,handle\r\nA,@name\r\nB,- none\r\n",
        "number-as-text.csv": b"name,code\r\nA,=\"00123\"\r\n",
        "of-excel.csv": "\ufeffname;betrag\r\nJürgen;1,50\r\n".encode(),
        "in-utf-16.csv": "\ufeffname\tamount\r\nA\t1\r\n".encode("utf-16-le"),
        "in-latin-1.txt": "Grüße aus Köln\n".encode("latin-1"),
        "in-shift-jis.txt": "日本語のテキスト\n".encode("shift_jis"),
        "about-signatures.txt": b"A PDF begins with %PDF-1.4 and ends with\n%%EOF. PK, Rar!, 7z and MZ are other signatures.\n<script>\n",
        "about-mz.txt": b"MZ was a car maker in Zschopau.\n",
        "about-gif.txt": b"GIF89a is a format of pictures, GIF87a came before it.\n",
        "arabic-and-hebrew.txt": "שלום \u202bمرحبا\u202c hello\n".encode(),
        "zero-width-joiners.txt": "👩\u200d👩\u200d👧 family\n".encode(),
        "page-breaks.txt": b"page one\n\x0cpage two\n",
        "of-dos.txt": b"one\r\ntwo\r\n\x1a",
        "empty.txt": b"",
        "readme.md": b"# Title\n\n<p align=\"center\"><img src=\"a.png\"></p>\n",
        "with-a-tag.csv": b"title,body\nA,\"<script>alert('hello')</script>\"\n",
        "letter.eml": core("letter.eml"),
    }


def archives():
    described = zipped({"a.txt": HELLO, "b.txt": b"x"}, streamed=True)
    return {
        "twice-the-same-name.zip": Zip().add("a.txt").add("a.txt", b"newer").end(),
        "long-comment.zip": Zip().add("a.txt").end(b"x" * 3000),
        "folders.zip": Zip().add("a/", b"", packed=False, attributes=0o40755 << 16).add("a/b.txt").end(),
        "dots-in-names.zip": Zip().add("..a/b..txt").add("a...b/..c").end(),
        "in-code-page-437.zip": Zip().add(b"gr\x81n.txt").end(),
        "streamed.zip": described,
        "zip-in-a-zip.zip": Zip().add("a.zip", Zip().add("b.txt").end(), packed=False).end(),
        "zeros-behind.zip": Zip().add("a.txt").end() + bytes(100),
        "pdf-inside.zip": Zip().add("folder/a.pdf", pdf(), packed=True).end(),
        "page-inside.zip": Zip().add("index.html", b"<html><script>alert('hello')</script></html>").end(),
        "zeros.zip": Zip().add("zeros", bytes(200_000)).end(),
        "several-streams.gz": gzip.compress(b"one\n", mtime=0) + gzip.compress(b"two\n", mtime=0),
        "zeros-behind.gz": gzip.compress(HELLO, mtime=0) + bytes(300),
        "no-end.tar": tar(("a.txt", HELLO, b"0", ""))[:1536],
        "old-sum.tar": with_sum(old_tar("Grüße.txt", b"0"), signed),
        "program-for-java.jar": core("plain.jar"),
        "extension.crx": core("chrome.crx"),
    }


def recordings():
    made = formats()
    return {
        "from-a-pipe.wav": made["pcm.wav"][:4] + b"\xff\xff\xff\xff" + made["pcm.wav"][8:40] + b"\xff\xff\xff\xff" + made["pcm.wav"][44:],
        "zip-in-its-data.mp4": made["moov-first.mp4"] + box("free", noise(100) + zipped({"a.txt": HELLO}) + noise(100)),
        "old-tag.mp3": made["constant.mp3"] + b"TAG" + b"Title".ljust(125, b"\0"),
        "cover.mp3": cover() + made["constant.mp3"],
        "sound-called-film.mp4": core("of-apple.m4a"),
        "film-of-a-phone.MOV": made["moov-first.mp4"],
        "voice-memo.ogg": made["voice.opus"],
        "recorded-in-a-browser.webm": core("recorded-by-browser.webm"),
        "packets-in-front.ts": made["mpeg2.ts"][188 * 3 :],
        "chained.ogg": made["vorbis.ogg"] + made["voice.opus"],
    }


def cover():
    """An ID3 tag with a picture (ID3v2.3, 4.15)."""
    content = b"\0image/jpeg\0\3\0" + core("baseline.jpg")
    frame = b"APIC" + struct.pack(">I", len(content)) + b"\0\0" + content
    size = len(frame)
    return b"ID3\3\0\0" + bytes([size >> 21 & 127, size >> 14 & 127, size >> 7 & 127, size & 127]) + frame


def files():
    return photos() | images() | papers() | offices() | drawings() | texts() | archives() | recordings()
