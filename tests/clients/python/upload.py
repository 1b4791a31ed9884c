"""Drives the published Python client, as published, against the server under test.

    python upload.py SCENARIO BASE_URL JSON

prints one JSON object on stdout. When the client fails, its error goes to stderr and the exit code is 1; a call which
cannot be understood exits with 2.

JSON holds `publicKey`, `secretKey` where uploads are signed, `settings` for further arguments of the client's
constructor (`multipart_min_file_size`, ...), and what a scenario names below.
"""

import faulthandler
import inspect
import io
import json
import os
import sys
import time
from pathlib import Path

# A server that never answers must not hold the test run for ever.
DEADLINE_SECONDS = 300

# The server under test is on this machine, whatever proxy the machine uses for others.
os.environ["NO_PROXY"] = "*"

try:
    from pyuploadcare import Uploadcare
    from pyuploadcare.api import UploadAPI
    from pyuploadcare.exceptions import DuplicateFileError, UploadcareException
    from pyuploadcare.secure_url import AkamaiSecureUrlBuilderWithAclToken, AkamaiSecureUrlBuilderWithUrlToken
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


def secure_urls(client, options):
    """Addresses of private files as the client's builders make them, of both kinds, for a host of no meaning."""
    kinds = {"acl": AkamaiSecureUrlBuilderWithAclToken, "url": AkamaiSecureUrlBuilderWithUrlToken}
    urls = []
    for kind, handle, wildcard in options["handles"]:
        build = kinds[kind]("files.example", options["deliverySecret"], window=options.get("window", 300))
        urls.append(build.build(handle, wildcard=wildcard))
    return {"urls": urls}


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


def calls(client, options):
    """-> what there is to call: `{client, upload_api}`.

    These are the client's own methods as far as they come to the Upload API, by whichever of each other, and all of that
    part of it.
    """
    methods = dict(inspect.getmembers(type(client), inspect.isfunction))
    reaching = {"upload_api"}
    # An `upload` that is called on the part and not on the client itself is found all the same, as the part is named.
    while more := {
        name for name, method in methods.items() if name not in reaching and reaching & set(method.__code__.co_names)
    }:
        reaching |= more
    upload_api = [name for name, _ in inspect.getmembers(UploadAPI, inspect.isroutine) if not name.startswith("_")]
    own = [name for name in methods if name in reaching and not name.startswith("_")]
    return {"client": own, "upload_api": upload_api}


def in_parts(client, options):
    """`path`, `name`, `type`, `store`, `metadata` -> a large file by the call for those: `{file, info, progress}`."""
    progress = []
    file = client.multipart_upload(
        named(options["path"], options.get("name")),
        store=options.get("store"),
        size=Path(options["path"]).stat().st_size,
        mime_type=options.get("type"),
        metadata=options.get("metadata"),
        callback=lambda told: progress.append([told.done, told.total]),
    )
    return {"file": file.uuid, "info": info(client, file.uuid), "progress": progress}


def anything(client, options):
    """`path` of an open file, or `url` -> `upload` as its documentation shows it: `{file, info, progress}`."""
    progress = []
    if "url" in options:
        # Without a callback: the client's own cannot do with an order that waits.
        file = client.upload(options["url"])
    else:
        with open(options["path"], "rb") as handle:
            file = client.upload(handle, callback=lambda told: progress.append([told.done, told.total]))
    return {"file": file.uuid, "info": info(client, file.uuid), "progress": progress}


def from_url_in_steps(client, options):
    """`url`, `name`, `store` -> a token that is asked about: `{token, first, last, file}`, first and last status."""
    fetching = client.upload_from_url(options["url"], store=options.get("store"), filename=options.get("name"))
    first = fetching.info
    waited_for = fetching.wait(timeout=DEADLINE_SECONDS, interval=0.1)
    again = client.file_from_url(fetching.token)
    assert waited_for.uuid == again.get_file().uuid, "the same token came to another file"
    return {"token": fetching.token, "first": first, "last": again.info, "file": again.get_file().uuid}


def duplicate(client, options):
    """`url` -> what the client says to who must not fetch a URL twice: `{name, file}`, the error's class and its file."""
    client.upload_from_url_sync(options["url"], check_duplicates=True, save_duplicates=True, interval=0.1)
    try:
        client.upload_from_url(options["url"], check_duplicates=True)
    except DuplicateFileError as error:
        return {"name": type(error).__name__, "file": error.file_id}
    raise RuntimeError("it was fetched twice")


def by_hand(client, options):
    """`small`, `large`, `url` -> each call of the client's Upload API by itself, signed if there is a secret.

    -> `{files, started, chunks, completed, status}`: `files` of the direct upload, `chunks` the answers to the parts.
    """
    api, signed = client.upload_api, client.signed_uploads
    with open(options["small"], "rb") as handle:
        files = api.upload({"field": ("small.bin", handle, "text/plain")}, secure_upload=signed, store="1")
    large = Path(options["large"]).read_bytes()
    started = api.start_multipart_upload(
        "large.bin", len(large), "text/plain", metadata={"pet": "cat"}, store="0", secure_upload=signed
    )
    size = client.multipart_chunk_size
    chunks = [
        api.multipart_upload_chunk(address, large[number * size : (number + 1) * size]).decode()
        for number, address in enumerate(started["parts"])
    ]
    completed = api.multipart_complete(started["uuid"])
    token = api.upload_from_url(options["url"], store="1", filename="u.bin", secure_upload=signed)
    while (status := api.get_upload_from_url_status(token))["status"] in ("waiting", "progress"):
        time.sleep(0.1)
    return {"files": files, "started": started, "chunks": chunks, "completed": completed, "status": status}


def browser_signature(client, options):
    """`path` -> an upload with what `generate_upload_signature` hands to a page, and no other secret: `{file, info}`."""
    expire, signature = client.generate_upload_signature()
    assert signature == client.upload_api.generate_secure_signature(client.secret_key, expire)
    data = {"UPLOADCARE_PUB_KEY": client.public_key, "expire": str(expire), "signature": signature}
    files = {"file": ("small.bin", Path(options["path"]).read_bytes(), "text/plain")}
    uuid = client.upload_client.post("/base/", data=data, files=files).json()["file"]
    return {"file": uuid, "info": info(client, uuid)}


def group_info(client, group_id):
    """What the Upload API says of a group: as with `info`, the client's own calls ask the REST API only."""
    query = {"pub_key": client.public_key, "group_id": group_id}
    return client.upload_client.get("/group/info/", params=query).json()


def group(client, options):
    """`members`, ids or addresses of files -> `{id, count, created, group, members, info, by_hand}`.

    `group` is what the client keeps of the answer, `members` what it says of each file, `by_hand` another group of the
    same files by the call below.
    """
    made = client.create_file_group([client.file(member) for member in options["members"]])
    by_hand = client.upload_api.create_group(options["members"], secure_upload=client.signed_uploads)
    return {
        "id": made.id,
        "count": len(made),
        "created": made.datetime_created.isoformat(),
        "group": made.info,
        "members": [{"file": member.uuid, "effects": member.default_effects} for member in made],
        "info": group_info(client, made.id),
        "by_hand": by_hand,
    }


def refused_call(client, options):
    """`call`, `arguments` -> a call of the client's Upload API that must be refused: `{name, message}`."""
    ours = {"info": info, "group_info": group_info}
    call, arguments = options["call"], options["arguments"]
    try:
        answer = ours[call](client, *arguments) if call in ours else getattr(client.upload_api, call)(*arguments)
    except UploadcareException as error:
        return {"name": type(error).__name__, "message": str(error)}
    raise RuntimeError(f"it was accepted: {answer}")


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
    "calls": calls,
    "in-parts": in_parts,
    "anything": anything,
    "from-url-in-steps": from_url_in_steps,
    "duplicate": duplicate,
    "by-hand": by_hand,
    "browser-signature": browser_signature,
    "group": group,
    "secure-urls": secure_urls,
    "group-info": lambda client, options: group_info(client, options["id"]),
    "refused-call": refused_call,
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
