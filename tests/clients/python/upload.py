"""Drives the published Python client, as published, against the server under test.

    python upload.py SCENARIO BASE_URL JSON

prints one JSON object on stdout. When the client fails, its error goes to stderr and the exit code is 1; a call which
cannot be understood exits with 2.

JSON holds `publicKey`, `secretKey` where uploads are signed, `settings` for further arguments of the client's
constructor (`multipart_min_file_size`, ...), and what a scenario names below.
"""

import faulthandler
import io
import json
import os
import sys
from pathlib import Path

# A server that never answers must not hold the test run for ever.
DEADLINE_SECONDS = 300

# The server under test is on this machine, whatever proxy the machine uses for others.
os.environ["NO_PROXY"] = "*"

try:
    from pyuploadcare import Uploadcare
    from pyuploadcare.exceptions import UploadcareException
except ModuleNotFoundError as error:
    if error.name != "pyuploadcare":
        raise
    print("the Python client is not installed: run ./check setup, and use its python/bin/python", file=sys.stderr)
    sys.exit(2)


def client_for(base_url, options):
    """The client with nothing set but its base URL and keys.

    It signs uploads only if it has a secret key: left to itself it would sign always, and fail without one.
    """
    secret_key = options.get("secretKey")
    return Uploadcare(
        public_key=options["publicKey"],
        secret_key=secret_key,
        upload_base=base_url,
        signed_uploads=secret_key is not None,
        **options.get("settings", {}),
    )


def named(path, name=None):
    """A file object under a name of our choice: the client takes name and media type from the object's `name`."""
    handle = io.BytesIO(Path(path).read_bytes())
    handle.name = name or os.path.basename(path)
    return handle


def info(client, uuid):
    """What the Upload API says of a file.

    The client itself asks only the REST API (`File.info`), so this is its own HTTP client on the other address.
    """
    query = {"pub_key": client.public_key, "file_id": uuid}
    return client.upload_client.get("/info/", params=query).json()


def send(client, options):
    handle = named(options["path"], options.get("name"))
    return client.upload(
        handle,
        store=options.get("store"),
        size=len(handle.getbuffer()),
        metadata=options.get("metadata"),
        tags=options.get("tags"),
    )


def upload(client, options):
    """`path`, `name`, `store` (true, false, null), `metadata`, `tags` -> `{file, cdn_url, info}`."""
    file = send(client, options)
    return {"file": file.uuid, "cdn_url": file.cdn_url, "info": info(client, file.uuid)}


def several_files(client, options):
    """`files`: a list of `{path, name}` sent in one request; `store`, `metadata` -> `{files: [{name, info}]}`."""
    handles = [named(each["path"], each.get("name")) for each in options["files"]]
    files = client.upload_files(handles, store=options.get("store"), common_metadata=options.get("metadata"))
    return {
        "files": [
            {"name": handle.name, "info": info(client, file.uuid)} for handle, file in zip(handles, files, strict=True)
        ]
    }


def from_url(client, options):
    """`url`, `name`, `store`, `metadata`, `check` -> a file that the server fetches, polled for: `{file, info}`."""
    file = client.upload_from_url_sync(
        options["url"],
        store=options.get("store"),
        filename=options.get("name"),
        metadata=options.get("metadata"),
        check_duplicates=options.get("check"),
        timeout=DEADLINE_SECONDS,
        interval=0.1,
    )
    return {"file": file.uuid, "info": info(client, file.uuid)}


def refused_from_url(client, options):
    """As `from-url`, and it must come to nothing -> `{name, message}`: the error's class and its text."""
    try:
        from_url(client, options)
    except UploadcareException as error:
        return {"name": type(error).__name__, "message": str(error)}
    raise RuntimeError("the upload was accepted")


def refused(client, options):
    """As `upload`, but the server must refuse it -> `{name, message}`: the error's class and its text."""
    try:
        file = send(client, options)
    except UploadcareException as error:
        return {"name": type(error).__name__, "message": str(error)}
    raise RuntimeError(f"the upload was accepted: {file.uuid}")


SCENARIOS = {
    "upload": upload,
    "several-files": several_files,
    "from-url": from_url,
    "refused-from-url": refused_from_url,
    "refused": refused,
    # As `refused`, with a key that no project has.
    "wrong-key": refused,
}


def main(arguments):
    if len(arguments) != 3 or arguments[0] not in SCENARIOS:
        print(f"usage: python upload.py {'|'.join(SCENARIOS)} BASE_URL JSON", file=sys.stderr)
        return 2
    scenario, base_url, options = arguments[0], arguments[1], json.loads(arguments[2])
    if scenario == "wrong-key":
        options["publicKey"] = "no-such-key"
    faulthandler.dump_traceback_later(DEADLINE_SECONDS, exit=True)
    print(json.dumps(SCENARIOS[scenario](client_for(base_url, options), options)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
