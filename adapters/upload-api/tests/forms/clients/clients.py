"""Python's HTTP clients: clients.py CLIENT URL FILE FILE"""

import os
import sys
from pathlib import Path

os.environ["NO_PROXY"] = "*"

FIELDS = {"UPLOADCARE_PUB_KEY": "demopublickey", "UPLOADCARE_STORE": "0", "metadata[note]": "Grüße"}


def by_requests(url, first, second):
    import requests

    with open(first, "rb") as one, open(second, "rb") as two:
        requests.post(url, data=FIELDS, files={"file": (first.name, one, "text/plain"), "second": two})


def by_aiohttp(url, first, second):
    import asyncio

    import aiohttp

    async def send():
        form = aiohttp.FormData(FIELDS)
        form.add_field("file", first.open("rb"), filename=first.name, content_type="text/plain")
        form.add_field("second", second.open("rb"))
        async with aiohttp.ClientSession() as session:
            await session.post(url, data=form)

    asyncio.run(send())


def by_httpx(url, first, second):
    import httpx

    with open(first, "rb") as one, open(second, "rb") as two:
        httpx.post(url, data=FIELDS, files={"file": (first.name, one, "text/plain"), "second": two})


def by_urllib3(url, first, second):
    import urllib3

    files = {
        "file": (first.name, first.read_bytes(), "text/plain"),
        "second": (second.name, second.read_bytes()),
    }
    urllib3.request("POST", url, fields={**FIELDS, **files})


def by_toolbelt(url, first, second):
    import requests
    from requests_toolbelt import MultipartEncoder

    files = {"file": (first.name, first.open("rb"), "text/plain"), "second": (second.name, second.open("rb"))}
    form = MultipartEncoder({**FIELDS, **files})
    requests.post(url, data=form, headers={"Content-Type": form.content_type})


def by_email(url, first, second):
    """As answers on the web tell to do without a library: the mail package makes the body, headers and all."""
    from email.encoders import encode_noop
    from email.mime.application import MIMEApplication
    from email.mime.multipart import MIMEMultipart
    from email.mime.nonmultipart import MIMENonMultipart
    from urllib.request import Request, urlopen

    form = MIMEMultipart("form-data")
    for name, value in FIELDS.items():
        part = MIMENonMultipart("text", "plain")
        part.add_header("Content-Disposition", "form-data", name=name)
        part.set_payload(value.encode().decode("ascii", "surrogateescape"))
        form.attach(part)
    for name, path in (("file", first), ("second", second)):
        part = MIMEApplication(path.read_bytes(), _encoder=encode_noop)
        part.add_header("Content-Disposition", "form-data", name=name, filename=path.name)
        form.attach(part)
    body = form.as_bytes().replace(b"\n", b"\r\n")
    urlopen(Request(url, body, {"Content-Type": form["Content-Type"].replace("\n", "")}))


def by_official(url, first, second):
    from pyuploadcare import Uploadcare

    client = Uploadcare(public_key="demopublickey", secret_key="x", upload_base=url.replace("base/", ""))
    with open(first, "rb") as one, open(second, "rb") as two:
        client.upload_api.upload({"file": one, "second": two}, store=False, common_metadata={"note": "Grüße"})


client, url, *paths = sys.argv[1:]
globals()[f"by_{client}"](url, *map(Path, paths))
