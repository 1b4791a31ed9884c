"""What is tried with one service: past the program, and through it."""

import hashlib
import http.client
import json
import pathlib
import re
import socket
import subprocess
import time
import urllib.parse

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

import servers

ROOT = pathlib.Path(__file__).resolve().parents[4]
PART = 5 << 20
LONGEST_IDLE = 20
PAGE = "https://www.example.com"


def client(service):
    return boto3.client(
        "s3",
        endpoint_url=service.endpoint,
        region_name=service.region,
        aws_access_key_id=service.access_key_id,
        aws_secret_access_key=service.secret_access_key,
        config=Config(s3={"addressing_style": "path"}, signature_version="s3v4", retries={"max_attempts": 1}),
    )


def make_bucket(s3):
    try:
        s3.create_bucket(Bucket=servers.BUCKET)
    except (ClientError, BotoCoreError):
        s3.head_bucket(Bucket=servers.BUCKET)


def ask(url, method, body=b"", headers=None):
    """One request: status, headers and body of its answer."""
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=120)
    try:
        connection.request(method, f"{parts.path}?{parts.query}", body, headers or {})
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def noise(seed, size):
    """Bytes that are the same for the same seed, and in no period."""
    return hashlib.shake_128(seed.to_bytes(4, "big")).digest(size)


# --- Past the program -------------------------------------------------------------------------------------------------


def address(s3, key, upload, length=None):
    params = {"Bucket": servers.BUCKET, "Key": key, "UploadId": upload, "PartNumber": 1}
    if length is not None:
        params["ContentLength"] = length
    return s3.generate_presigned_url("upload_part", Params=params, ExpiresIn=600)


def addresses(s3):
    """Whether the signed addresses of parts let in nothing but what they are for."""
    promises = {}
    upload = s3.create_multipart_upload(Bucket=servers.BUCKET, Key="one")["UploadId"]
    promises["length"] = ask(address(s3, "one", upload, 4), "PUT", b"bytes")[0] >= 400
    url = address(s3, "one", upload)
    status, headers, _ = ask(url, "PUT", b"bytes")
    if status != 200:
        return dict.fromkeys(("length", "complete", "abort"))
    part = {"PartNumber": 1, "ETag": headers["etag"]}
    s3.complete_multipart_upload(
        Bucket=servers.BUCKET, Key="one", UploadId=upload, MultipartUpload={"Parts": [part]}
    )
    promises["complete"] = ask(url, "PUT", b"other")[0] >= 400
    upload = s3.create_multipart_upload(Bucket=servers.BUCKET, Key="two")["UploadId"]
    url = address(s3, "two", upload)
    s3.abort_multipart_upload(Bucket=servers.BUCKET, Key="two", UploadId=upload)
    promises["abort"] = ask(url, "PUT", b"other")[0] >= 400
    return promises


def cors(s3, service):
    """Whether the example of docs/operating.md lets a page send parts, and no other page."""
    text = (ROOT / "docs/operating.md").read_text()
    example = next(block for block in re.findall(r"```json\n(.*?)```", text, re.S) if "CORSRules" in block)
    try:
        s3.put_bucket_cors(Bucket=servers.BUCKET, CORSConfiguration=json.loads(example))
    except (ClientError, BotoCoreError):
        return None
    url = f"{service.endpoint}/{servers.BUCKET}/a-key?partNumber=1&uploadId=an-id"
    let_in = []
    for origin in (PAGE, "https://elsewhere.example.com"):
        asks = {
            "Origin": origin,
            "Access-Control-Request-Method": "PUT",
            "Access-Control-Request-Headers": "content-type",
        }
        status, headers, _ = ask(url, "OPTIONS", headers=asks)
        let_in.append(status < 300 and headers.get("access-control-allow-origin") in (origin, "*"))
    return let_in == [True, False]


def idle(service):
    """Seconds after which the service closes a connection on which nothing is asked; None if it takes too long."""
    parts = urllib.parse.urlsplit(service.endpoint)
    with socket.create_connection((parts.hostname, parts.port), LONGEST_IDLE) as it:
        it.sendall(f"GET / HTTP/1.1\r\nHost: {parts.netloc}\r\n\r\n".encode())
        began = time.monotonic()
        try:
            while it.recv(1 << 16):
                began = time.monotonic()
        except TimeoutError:
            return None
        except ConnectionError:
            pass
        return round(time.monotonic() - began)


# --- Through the program ----------------------------------------------------------------------------------------------


def configuration(service, folder, direct):
    settings = {
        "use": "opendal", "scheme": "s3", "endpoint": service.endpoint, "region": service.region,
        "bucket": servers.BUCKET, "access_key_id": service.access_key_id,
        "secret_access_key": service.secret_access_key, "direct": direct, **service.settings,
    }  # fmt: skip
    lines = [f"{name} = {json.dumps(value)}" for name, value in settings.items()]
    path = folder / f"intake-{'direct' if direct else 'through'}.toml"
    path.write_text(
        'projects = [{ public_key = "demopublickey" }]\n[server]\nlisten = "127.0.0.1:0"\n'
        f'[record]\nuse = "sql"\nurl = "sqlite:{path.with_suffix(".db")}"\n[expire]\nuse = "retention"\n'
        "[store]\n" + "\n".join(lines) + "\n"
    )
    return path


def check(intake, config):
    """What `intake check --connect` says that is wrong, or None."""
    done = subprocess.run([intake, "check", "--connect", config], capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return None
    return done.stderr.strip().splitlines()[-1].removeprefix("intake: ")


class Program:
    """`intake serve`."""

    def __init__(self, intake, config):
        command = [intake, "serve", "--config", config]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        first = self.process.stdout.readline()
        found = re.search(r"http://[^/]+/", first)
        if not found:
            raise RuntimeError("`intake serve` does not start")
        self.url = found.group()

    def stop(self):
        self.process.kill()
        self.process.wait()

    def form(self, path, fields):
        body = urllib.parse.urlencode({"UPLOADCARE_PUB_KEY": "demopublickey", **fields}).encode()
        status, _, answer = ask(self.url + path, "POST", body, {"Content-Type": "application/x-www-form-urlencoded"})
        if status != 200:
            raise RuntimeError(f"{path}: {status} {answer[:200]!r}")
        return json.loads(answer)

    def in_one_request(self, content):
        head = (
            b'--x\r\nContent-Disposition: form-data; name="UPLOADCARE_PUB_KEY"\r\n\r\ndemopublickey\r\n'
            b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.bin"\r\n\r\n'
        )
        headers = {"Content-Type": "multipart/form-data; boundary=x"}
        status, _, answer = ask(self.url + "base/", "POST", head + content + b"\r\n--x--\r\n", headers)
        if status != 200:
            raise RuntimeError(f"base/: {status} {answer[:200]!r}")
        return json.loads(answer)["file"]

    def in_parts(self, content, straight):
        fields = {"filename": "a.bin", "size": len(content), "content_type": "a/b", "part_size": PART}
        started = self.form("multipart/start/", fields)
        for number, url in enumerate(started["parts"]):
            if url.startswith(self.url) == straight:
                raise RuntimeError(f"the address of a part is {url}")
            status = ask(url, "PUT", content[number * PART : (number + 1) * PART])[0]
            if status != 200:
                raise RuntimeError(f"part {number + 1}: {status}")
        self.form("multipart/complete/", {"uuid": started["uuid"]})
        return started["uuid"]


def uploads(intake, config, s3, direct):
    """Whether what is sent in each way is in the bucket, byte for byte."""
    program, kept = Program(intake, config), []
    try:
        for seed, (size, in_parts) in enumerate([(0, False), (1000, False), (12 << 20, False), (12 << 20, True)]):
            content = noise(seed, size)
            key = program.in_parts(content, direct) if in_parts else program.in_one_request(content)
            kept.append(s3.get_object(Bucket=servers.BUCKET, Key=key)["Body"].read() == content)
        return all(kept)
    finally:
        program.stop()
