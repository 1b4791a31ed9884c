"""Texts with characters that hide or do something, and tables with formulas."""


def characters():
    return {
        "nul.txt": b"Hello\0world\n",
        "escape.txt": b"Hello \x1b]0;title\x07 world\n",
        "backspace.txt": b"hidden" + b"\b" * 6 + b"shown \n",
        "bell.csv": b"a,b\n\x07,1\n",
        "direction.py": "allowed = 'user\u202e \u2066# only admins\u2069 \u2066'\n".encode(),
        "direction.js": "if (level != 'user\u202e \u2066// check\u2069 \u2066') {}\n".encode(),
        "malformed.txt": b"\xef\xbb\xbfHello \xff world\n",
        "half-of-a-pair.txt": b"\xff\xfe" + "a".encode("utf-16-le") + b"\x00\xd8" + "b".encode("utf-16-le"),
    }


def formulas():
    return {
        "call.csv": b"name,amount\r\n=SUM(1;2),1\r\n",
        "call-behind-a-plus.csv": b"name,amount\r\n+SUM(1;2),1\r\n",
        "call-behind-an-at.csv": b"name,amount\r\n@SUM(1;2),1\r\n",
        "link.csv": b"name,amount\r\n\"=HYPERLINK(\"\"https://a.example/\"\",\"\"a\"\")\",1\r\n",
        "service.csv": b"name,amount\r\n=WEBSERVICE(\"https://a.example/\"),1\r\n",
        "exchange.csv": b"name,amount\r\n=nothing|'/c nothing'!A1,1\r\n",
        "semicolons.csv": b"name;amount\r\n=SUM(1,2);1\r\n",
        "separator.csv": b"sep=|\r\nname|=SUM(1,2)\r\n",
        "call.tsv": b"name\tamount\r\n=SUM(1;2)\t1\r\n",
        "in-utf-16.csv": "\ufeffname;amount\r\n=SUM(1,2);1\r\n".encode("utf-16-le"),
        "quoted.csv": b"name,amount\r\n\" =SUM(1;2)\",1\r\n",
    }


def files():
    return characters() | formulas()
