"""PDFs with scripts, actions, files and encryption. A script in them shows a word at most, an action starts nothing that exists."""

import zlib

from groups.common import pdf, stream

SCRIPT = "<</S/JavaScript/JS(app.alert\\('hello'\\))>>"


def packed(text, filters="/Filter/FlateDecode", pack=zlib.compress):
    """An object stream with one object, number 10."""
    head = "10 0 "
    return stream(f"/Type/ObjStm/N 1/First {len(head)}{filters}", pack((head + text).encode()))


def scripts():
    hexed = lambda data: data.hex().encode() + b">"
    return {
        "script.pdf": pdf(SCRIPT),
        "open-action.pdf": pdf(SCRIPT, catalog="/OpenAction 4 0 R"),
        "script-by-name.pdf": pdf(SCRIPT, catalog="/Names<</JavaScript<</Names[(a)4 0 R]>>>>"),
        "action-of-a-page.pdf": pdf(f"<</AA<</O{SCRIPT}>>>>"),
        "action-of-a-field.pdf": pdf(f"<</FT/Tx/T(a)/AA<</K{SCRIPT}>>>>"),
        "name-with-an-escape.pdf": pdf("<</S/J#61vaScript/J#53(app.alert\\('hello'\\))>>"),
        "name-of-escapes.pdf": pdf("<</S/#4a#61#76#61#53#63#72#69#70#74>>"),
        "script-in-an-object-stream.pdf": pdf(packed(SCRIPT)),
        "script-in-an-object-stream-of-two-filters.pdf": pdf(packed(SCRIPT, "/Filter[/ASCIIHexDecode/FlateDecode]", lambda data: hexed(zlib.compress(data)))),
        "script-that-was-replaced.pdf": pdf(SCRIPT) + b"4 0 obj null endobj\ntrailer<</Size 5/Prev 9>>\nstartxref\n9\n%%EOF\n",
        "script-in-a-comment.pdf": pdf(f"% 9 0 obj{SCRIPT}endobj\nnull"),
        "script-in-a-stream.pdf": pdf(stream("", f"9 0 obj{SCRIPT}endobj")),
        "script-behind-a-string-without-an-end.pdf": pdf(f"(never closed endobj 9 0 obj{SCRIPT}"),
        "script-behind-rubbish.pdf": b"x" * 900 + pdf(SCRIPT),
        "script-of-a-rendition.pdf": pdf("<</S/Rendition/JS(app.alert\\('hello'\\))>>"),
        "script-in-a-form-of-xfa.pdf": pdf("<</XFA 5 0 R>>", stream("", "<template/>")),
    }


def actions():
    return {
        "launch.pdf": pdf("<</S/Launch/F(nothing.example)>>"),
        "launch-with-an-escape.pdf": pdf("<</S/L#61unch/F(nothing.example)>>"),
        "submit-form.pdf": pdf("<</S/SubmitForm/F(https://a.example/)>>"),
        "import-data.pdf": pdf("<</S/ImportData/F(nothing.fdf)>>"),
        "launch-in-an-object-stream.pdf": pdf(packed("<</S/Launch/F(nothing.example)>>")),
        "another-document.pdf": pdf("<</S/GoToR/F(other.pdf)/D[0/Fit]>>"),
        "embedded-document.pdf": pdf("<</S/GoToE/T<</R/C/N(a)>>>>"),
    }


def contents():
    encryption = "<</Filter/Standard/V 1/R 2/O<" + "00" * 32 + ">/U<" + "00" * 32 + ">/P -4>>"
    deep = "[" * 120 + "]" * 120
    return {
        "embedded-file.pdf": pdf("<</Type/Filespec/F(a.txt)/EF<</F 5 0 R>>>>", stream("/Type/EmbeddedFile", "Hello")),
        "rich-media.pdf": pdf("<</Type/Annot/Subtype/RichMedia/RichMediaContent<</Assets<</Names[(a.swf)5 0 R]>>>>>>", stream("/Type/EmbeddedFile", "x")),
        "encrypted.pdf": pdf(encryption, trailer="/Encrypt 4 0 R/ID[<00><00>]"),
        "encrypted-object-stream.pdf": pdf(encryption, packed("<</Title(a)>>"), trailer="/Encrypt 4 0 R/ID[<00><00>]"),
        "deep.pdf": pdf(deep),
        "unknown-filter-of-objects.pdf": pdf(packed("<</Title(a)>>", "/Filter/Crypt", bytes)),
        "filter-in-another-object.pdf": pdf(packed("<</Title(a)>>", "/Filter 5 0 R"), "/FlateDecode"),
    }


def files():
    return scripts() | actions() | contents()
