"""Sends the requests of it/requests.txt to nginx, and prints where its answers differ from the table.

    python3 nginx.py

Needs nginx. It is no part of the tests: nginx need not follow the table, and where it does not is in
docs/decisions/0041-delivery-headers-and-archives.md.
"""

import calendar
import email.utils
import http.client
import os
import re
import socket
import subprocess
import tempfile
import time
from pathlib import Path

TABLE = Path(__file__).parent / "it" / "requests.txt"
CONTENT = b"0123456789abcdefghijklmnopqrstuvwxyz"
MADE = "Sun, 06 Nov 1994 08:49:37 GMT"


def start(folder):
    """Starts nginx on two files, and returns it with its port."""
    made = calendar.timegm(email.utils.parsedate(MADE))
    for name, content in (("file", CONTENT), ("empty", b"")):
        (folder / "www").mkdir(exist_ok=True)
        (folder / "www" / name).write_bytes(content)
        os.utime(folder / "www" / name, (made, made))
    for path in (folder, folder / "www"):
        path.chmod(0o755)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    places = "".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
    (folder / "nginx.conf").write_text(
        f"daemon off; pid {folder}/pid; error_log {folder}/error.log; events {{}}"
        f"http {{ access_log off; default_type text/plain; {places}"
        f"server {{ listen 127.0.0.1:{port}; root {folder}/www; max_ranges 8; }} }}"
    )
    nginx = subprocess.Popen(["nginx", "-c", folder / "nginx.conf"], stderr=subprocess.DEVNULL)
    for _ in range(100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return nginx, port
        time.sleep(0.1)
    raise RuntimeError("nginx does not listen")


def ask(port, method, name, headers):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.putrequest(method, f"/{name}", skip_accept_encoding=True)
    for header, value in headers:
        connection.putheader(header, value)
    connection.endheaders()
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, body


def parts(body):
    return [found.decode() for found in re.findall(rb"Content-Range: bytes ([0-9-]+)", body)]


def lines():
    for line in TABLE.read_text().splitlines():
        if line and not line.startswith("#"):
            asked, answered = line.split(" => ")
            yield asked.split(" | "), answered.split(" | ")


def main():
    with tempfile.TemporaryDirectory() as folder:
        nginx, port = start(Path(folder))
        try:
            compare(port)
        finally:
            nginx.terminate()
            nginx.wait()


def compare(port):
    count = different = 0
    for asked, answered in lines():
        name, method = asked[0].split(" ")
        connection = http.client.HTTPConnection("127.0.0.1", port)
        connection.request("GET", f"/{name}")
        tag = connection.getresponse().getheader("ETag")
        headers = [line.replace("{tag}", tag).replace("{made}", MADE).split(":", 1) for line in asked[1:]]
        status, body = ask(port, method, name, [(header, value.strip(" ")) for header, value in headers])
        expected = int(answered[0])
        wanted = next((cell.removeprefix("parts: ") for cell in answered if cell.startswith("parts: ")), None)
        same = status == expected
        if same and wanted is not None:
            same = parts(body) == [part.split("/")[0] for part in wanted.split(" + ")]
        elif same and status in (200, 206) and answered[1] not in ("-", "whole"):
            same = body.decode() == answered[1]
        count += 1
        if not same:
            different += 1
            seen = parts(body) or ""
            print(f"{' | '.join(asked)}: {answered[0]} in the table, {status} {seen} by nginx")
    print(f"{different} of {count} requests are answered in another way")


if __name__ == "__main__":
    main()
