#!/usr/bin/env bash
# What HTTP clients for Python make of packed bodies that are valid but unusual, or cut.
#
# Versions: httpx 0.28.1, aiohttp 3.14.5, requests 2.34.2, urllib3 2.8.0, with zstandard 0.25.0 and backports.zstd 1.8.0.
#
# A body of several members is valid: gzip (RFC 1952, 2.2; bgzip and log rotation write such files) and zstd (RFC 8878, 3;
# pzstd writes such files). A cut body here is one that is as long as its Content-Length says, and whose packed data ends
# before its end: a source that was itself cut off, behind a cache.
#
# Seen:
#   - httpx gives the first gzip member as the whole body, without an error. The others give all members.
#   - All of them give what could be unpacked of a cut gzip body, without an error.
#   - Of a cut zstd body, httpx and urllib3 raise an error. requests, which is built on urllib3, gives an empty body and no
#     error, and so does aiohttp.
#
# So a fetcher that is tested with one of them learns neither that a body has members nor that it was cut, unless it compares
# the length or a digest by itself.
#
# Runs in a temporary folder, outside CI. Ends with 1 if any of this has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" --quiet install \
    httpx==0.28.1 aiohttp==3.14.5 requests==2.34.2 urllib3==2.8.0 zstandard==0.25.0 backports.zstd==1.8.0

"$folder/venv/bin/python" - <<'PYTHON'
import asyncio
import gzip
import http.server
import sys
import threading

import aiohttp
import httpx
import requests
import urllib3
import zstandard

FIRST, SECOND = b"first half\n" * 500, b"second half\n" * 500


def zstd(data):
    return zstandard.ZstdCompressor().compress(data)


BODIES = {
    "/gzip/members": gzip.compress(FIRST) + gzip.compress(SECOND),
    "/zstd/members": zstd(FIRST) + zstd(SECOND),
    "/gzip/cut": gzip.compress(FIRST + SECOND)[:-20],
    "/zstd/cut": zstd(FIRST + SECOND)[:-20],
}


class Origin(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = BODIES[self.path]
        self.send_response(200)
        self.send_header("Content-Encoding", self.path.split("/")[1])
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


async def by_aiohttp(url):
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        return await answer.read()


CLIENTS = {
    "httpx": lambda url: httpx.get(url).content,
    "aiohttp": lambda url: asyncio.run(by_aiohttp(url)),
    "requests": lambda url: requests.get(url).content,
    "urllib3": lambda url: urllib3.request("GET", url).data,
}
SEEN = {
    "/gzip/members": {"httpx": "the first member", "aiohttp": "all", "requests": "all", "urllib3": "all"},
    "/zstd/members": {"httpx": "all", "aiohttp": "all", "requests": "all", "urllib3": "all"},
    "/gzip/cut": {"httpx": "a part", "aiohttp": "a part", "requests": "a part", "urllib3": "a part"},
    "/zstd/cut": {"httpx": "an error", "aiohttp": "nothing", "requests": "nothing", "urllib3": "an error"},
}
NAMES = {FIRST + SECOND: "all", FIRST: "the first member", b"": "nothing"}


def outcome(fetch, url):
    try:
        return NAMES.get(fetch(url), "a part")
    except Exception:
        return "an error"


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Origin)
threading.Thread(target=server.serve_forever, daemon=True).start()
changed = False
for path, expected in SEEN.items():
    found = {name: outcome(fetch, f"http://127.0.0.1:{server.server_port}{path}") for name, fetch in CLIENTS.items()}
    print(path, found)
    if found != expected:
        changed = True
        print(f"  was {expected}")
sys.exit(changed)
PYTHON
