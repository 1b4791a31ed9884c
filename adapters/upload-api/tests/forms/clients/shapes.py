"""Clients that are not to be had for this machine, in the shape that their sources give a form: shapes.py CLIENT URL FILE FILE"""

import os
import random
import re
import string
import sys
import uuid
from pathlib import Path
from urllib.request import Request, urlopen

os.environ["NO_PROXY"] = "*"

FIELDS = {"UPLOADCARE_PUB_KEY": "demopublickey", "UPLOADCARE_STORE": "0", "metadata[note]": "Grüße"}
CRLF = "\r\n"


def swift(files):
    """uploadcare-swift 0.14, MultipartRequestBuilder: nothing is escaped, and a file's field is called as the file."""
    boundary = str(uuid.uuid4()).upper()
    form = b""
    for name, value in FIELDS.items():
        head = f'--{boundary}{CRLF}Content-Disposition: form-data; name="{name}"{CRLF * 2}'
        form += f"{head}{value}{CRLF}".encode()
    for path, media_type in files.values():
        name = f'name="{path.name}"; filename="{path.name}"'
        head = f"--{boundary}{CRLF}Content-Disposition: form-data; {name}{CRLF}Content-Type: {media_type}{CRLF * 2}"
        form += head.encode() + path.read_bytes() + CRLF.encode()
    return boundary, form + f"--{boundary}--{CRLF}".encode()


def dart(files):
    """package:http 1.6, MultipartRequest: quotes and line ends as browsers write them; 70 characters of boundary."""
    letters = string.ascii_letters + string.digits + "_-"
    boundary = "dart-http-boundary-" + "".join(random.choices(letters, k=51))
    escaped = lambda name: re.sub("\r\n|\r|\n", "%0D%0A", name).replace('"', "%22")
    form = b""
    for name, value in FIELDS.items():
        head = f'content-disposition: form-data; name="{escaped(name)}"{CRLF}'
        if not value.isascii():
            head += f"content-type: text/plain; charset=utf-8{CRLF}content-transfer-encoding: binary{CRLF}"
        form += f"--{boundary}{CRLF}{head}{CRLF}{value}{CRLF}".encode()
    for name, (path, media_type) in files.items():
        disposition = f'form-data; name="{escaped(name)}"; filename="{escaped(path.name)}"'
        head = f"content-type: {media_type}{CRLF}content-disposition: {disposition}{CRLF}"
        form += f"--{boundary}{CRLF}{head}{CRLF}".encode() + path.read_bytes() + CRLF.encode()
    return boundary, form + f"--{boundary}--{CRLF}".encode()


def android(files):
    """What tutorials for HttpURLConnection tell to write: a boundary of asterisks, and a line of its own for all else."""
    boundary = "*****"
    form = b""
    for name, value in FIELDS.items():
        head = f'--{boundary}{CRLF}Content-Disposition: form-data; name="{name}"{CRLF}'
        form += f"{head}Content-Type: text/plain; charset=UTF-8{CRLF}{CRLF}{value}{CRLF}".encode()
    for name, (path, _) in files.items():
        head = f'--{boundary}{CRLF}Content-Disposition: form-data; name="{name}";filename="{path.name}"{CRLF}{CRLF}'
        form += head.encode() + path.read_bytes() + CRLF.encode()
    return boundary, form + f"--{boundary}--{CRLF}".encode()


client, url, first, second = sys.argv[1:]
files = {"file": (Path(first), "text/plain"), "second": (Path(second), "application/octet-stream")}
boundary, body = globals()[client](files)
urlopen(Request(url, body, {"Content-Type": f"multipart/form-data; boundary={boundary}"}))
