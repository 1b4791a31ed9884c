#!/usr/bin/env python3
"""Records how clients write a form: one request to POST /base/ each, as it comes over the wire.

    record.py [CLIENT...]

Every client sends the same form: a key, a store flag, a note with letters beyond ASCII, and two files whose names hold
what is hard to write. A client that this machine does not have is passed over and named; its recording stays as it is.
This is run by hand, when a client is added or has a new version: the tests read the recordings, and `table.json` says
what each of them means.

Needed beside curl, Node.js and Python: Debian's chromium, php-cli, php-curl, php-guzzlehttp-guzzle, ruby, golang-go,
libokhttp-java, libhttpmime-java, a JDK, libwww-perl, mono-mcs; `requests`, `aiohttp`, `httpx`, `urllib3`,
`requests-toolbelt` for Python; `form-data` and `undici` for Node.js in the folder that `NODE_PATH` names; checkouts of
faraday, faraday-multipart and multipart-post in the folders that `RUBYLIB` names. `./check setup` brings the official
clients.
"""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

HERE = Path(__file__).resolve().parent
CLIENTS = HERE / "clients"
TOOLS = Path(
    os.environ.get("INTAKE_TEST_TOOLS")
    or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "intake" / "test-tools"
)
JARS = "/usr/share/java"

FILES = {'naïve "quoted" 100%.txt': b"one\r\n--two\n", "ends with \\": b"three"}
NOTE = "Grüße"
ANSWER = b'{"file":"67947755-1584-4e3f-902b-d4e2bf76a841","second":"0d57bb8f-7e2b-4a34-8f60-2f1c1b3fd5a7"}'
PAGE = """<!doctype html><meta charset="utf-8"><form method="post" enctype="multipart/form-data" action="/base/">
<input name="UPLOADCARE_PUB_KEY" value="demopublickey"><input name="UPLOADCARE_STORE" value="0">
<input name="metadata[note]" value="Grüße"><input type="file" name="file"><input type="file" name="none">
<input type="file" name="second"></form><script>
const choose = (name, file) => {
  const chosen = new DataTransfer()
  chosen.items.add(file)
  document.querySelector(`[name=${name}]`).files = chosen.files
}
choose('file', new File(['one\\r\\n--two\\n'], 'naïve "quoted" 100%.txt', {type: 'text/plain'}))
choose('second', new File(['three'], 'ends with \\\\'))
document.forms[0].submit()
</script>"""


def java(source, *jars):
    path = ":".join(f"{JARS}/{jar}.jar" for jar in jars)
    return ["java", "-cp", path, str(CLIENTS / source)]


def commands(folder, url):
    """What to run for each client, with the address and the two files as arguments where it is a script of ours."""
    script = lambda program, name: [program, str(CLIENTS / name)]
    fields = ["UPLOADCARE_PUB_KEY=demopublickey", "UPLOADCARE_STORE=0", f"metadata[note]={NOTE}"]
    paths = [str(folder / name) for name in FILES]
    quoted = [path.replace("\\", "\\\\").replace('"', '\\"') for path in paths]
    parts = [*fields, f'file=@"{quoted[0]}";type=text/plain', f'second=@"{quoted[1]}"']
    curl = ["curl", "-sS", url, *(word for part in parts for word in ("-F", part))]
    chromium = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder}/profile"]
    python = sys.executable
    return {
        "curl": curl,
        "chromium": [*chromium, "--dump-dom", url.replace("/base/", "/page/")],
        "node-fetch": script("node", "fetch.mjs"),
        "node-undici": script("node", "undici.cjs"),
        "node-form-data": script("node", "form-data.cjs"),
        "node-official": script("node", "official.cjs"),
        "python-requests": [*script(python, "clients.py"), "requests"],
        "python-aiohttp": [*script(python, "clients.py"), "aiohttp"],
        "python-httpx": [*script(python, "clients.py"), "httpx"],
        "python-urllib3": [*script(python, "clients.py"), "urllib3"],
        "python-toolbelt": [*script(python, "clients.py"), "toolbelt"],
        "python-email": [*script(python, "clients.py"), "email"],
        "python-official": [*script(str(TOOLS / "python/bin/python"), "clients.py"), "official"],
        "php-curl": [*script("php", "clients.php"), "curl"],
        "php-guzzle": [*script("php", "clients.php"), "guzzle"],
        "ruby-net-http": [*script("ruby", "clients.rb"), "net"],
        "ruby-official": [*script("ruby", "clients.rb"), "faraday"],
        "go": ["go", "run", str(CLIENTS / "client.go")],
        "okhttp": java("OkHttp.java", "okhttp", "okio"),
        "apache-strict": [*java("Apache.java", "httpclient", "httpcore", "httpmime", "commons-logging-api"), "STRICT"],
        "apache-browser": [
            *java("Apache.java", "httpclient", "httpcore", "httpmime", "commons-logging-api"),
            "BROWSER_COMPATIBLE",
        ],
        "perl-lwp": script("perl", "client.pl"),
        "dotnet": ["mono", str(folder / "client.exe")],
        "swift-official": [*script(python, "shapes.py"), "swift"],
        "dart": [*script(python, "shapes.py"), "dart"],
        "android": [*script(python, "shapes.py"), "android"],
    }


class Recorder:
    """Takes one request at a time, and keeps the bytes of the last one to /base/."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}/base/"
        self.recorded = None
        self.done = threading.Event()
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            connection, _ = self.listener.accept()
            threading.Thread(target=self.answer, args=(connection,), daemon=True).start()

    def answer(self, connection):
        with connection:
            request = b""
            while not is_whole(request):
                if b"\r\n\r\n" in request and b"100-continue" in request and not request.endswith(b"--\r\n"):
                    connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
                chunk = connection.recv(1 << 20)
                if not chunk:
                    return
                request += chunk
            kind, body = b"application/json", ANSWER
            if request.startswith(b"GET /page/"):
                kind, body = b"text/html", PAGE.encode()
            head = b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n"
            connection.sendall(head % (kind, len(body)) + body)
            if b"/base/" in request.split(b"\r\n", 1)[0] and request.startswith(b"POST"):
                self.recorded = request
                self.done.set()


def is_whole(request):
    head, found, body = request.partition(b"\r\n\r\n")
    if not found:
        return False
    headers = dict(line.lower().split(b":", 1) for line in head.split(b"\r\n")[1:])
    if b"chunked" in headers.get(b"transfer-encoding", b""):
        return body.endswith(b"0\r\n\r\n")
    return len(body) >= int(headers.get(b"content-length", b"0"))


def record(name, command, recorder, paths):
    if not shutil.which(command[0]):
        return f"passed over: there is no {command[0]}"
    ours = any(str(HERE) in word or word.endswith(".exe") for word in command)
    arguments = [recorder.url, *paths] if ours else []
    recorder.done.clear()
    options = {"capture_output": True, "text": True, "timeout": 120, "cwd": paths[0].parent}
    ran = subprocess.run([*command, *arguments], env={**os.environ, "LC_ALL": "C.UTF-8"}, **options)
    if not recorder.done.wait(5):
        said = (ran.stderr or ran.stdout).strip().splitlines()
        return f"passed over: it sent nothing; {said[-1] if said else 'and said nothing'}"
    (HERE / f"{name}.http").write_bytes(recorder.recorded)
    return f"{len(recorder.recorded)} bytes"


def main():
    recorder = Recorder()
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        paths = [folder / name for name in FILES]
        for path, content in zip(paths, FILES.values()):
            path.write_bytes(content)
        if shutil.which("mcs"):
            libraries = ["-r:System.Net.Http.dll", f"-out:{folder}/client.exe"]
            subprocess.run(["mcs", *libraries, str(CLIENTS / "client.cs")], check=True)
        every = commands(folder, recorder.url)
        for name in sys.argv[1:] or every:
            print(f"{name}: {record(name, every[name], recorder, paths)}", flush=True)


if __name__ == "__main__":
    main()
