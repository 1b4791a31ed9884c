"""Drives the REST part of the published Python client, as published, against the server under test.

    python rest.py SCENARIO BASE_URL JSON

prints one JSON object on stdout. When the client fails, its error goes to stderr and the exit code is 1; a call which
cannot be understood exits with 2.

JSON holds `publicKey` and `secretKey`, `simple` to send the secret instead of a signature, and what a scenario names
below.
"""

import faulthandler
import inspect
import json
import os
import sys

# A server that never answers must not hold the test run for ever.
DEADLINE_SECONDS = 300

# The server under test is on this machine, whatever proxy the machine uses for others.
os.environ["NO_PROXY"] = "*"

try:
    from pyuploadcare import Uploadcare
    from pyuploadcare.api.addon_entities import AddonClamAVExecutionParams, AddonLabels
    from pyuploadcare.api.auth import UploadcareAuth, UploadcareSimpleAuth
    from pyuploadcare.exceptions import UploadcareException
except ModuleNotFoundError as error:
    if error.name != "pyuploadcare":
        raise
    print("the Python client is not installed: run ./check setup, and use its python/bin/python", file=sys.stderr)
    sys.exit(2)


def client_for(base_url, options):
    """The client with nothing set but its base URLs, its keys, and how it uses them."""
    return Uploadcare(
        public_key=options["publicKey"],
        secret_key=options["secretKey"],
        api_base=base_url,
        upload_base=base_url,
        retry_throttled=0,
        auth_class=UploadcareSimpleAuth if options.get("simple") else UploadcareAuth,
    )


def plain(value):
    """An answer of the client as JSON."""
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    return value


def outcome(call, *args, **kwargs):
    """What a call ends with: its answer, or the kind and the message of its error."""
    try:
        return {"answer": plain(call(*args, **kwargs))}
    except UploadcareException as error:
        return {"error": type(error).__name__, "message": str(error)}


PARTS = {
    "files_api": "FilesAPI",
    "groups_api": "GroupsAPI",
    "metadata_api": "MetadataAPI",
    "tags_api": "TagsAPI",
    "project_api": "ProjectAPI",
    "webhooks_api": "WebhooksAPI",
}


def calls(client, options):
    """The names of all calls of the parts that are in scope."""

    def public(part):
        members = inspect.getmembers(part, inspect.ismethod)
        return [name for name, _ in members if not name.startswith("_")]

    return {name: public(getattr(client, name)) for name in PARTS}


def files(client, options):
    """`uuid`, `other`, `missing` -> a file, stored, deleted and stored again; then both at once."""
    uuid, missing = options["uuid"], options["missing"]
    both = [uuid, options["other"], missing]
    api = client.files_api
    done = {
        "info": plain(api.retrieve(uuid, include_appdata=True)),
        "stored": plain(api.store(uuid)),
        "deleted": plain(api.delete(uuid)),
        "restored": plain(api.store(uuid)),
        "batch": plain(api.batch_store(both)),
        "gone": plain(api.batch_delete(both)),
        "unknown": outcome(api.retrieve, missing),
    }
    file = client.file(uuid)
    file.store()
    done["object"] = {"stored": file.is_stored, "removed": file.is_removed, "name": file.filename}
    file.delete()
    done["object"]["deleted"] = client.file(uuid).is_removed
    client.store_files(both[:2])
    client.delete_files(both[:2])
    return done


def pages(client, options):
    """`limit` of a page -> all files by the list of the client in both orders, and their number."""
    api = client.files_api

    def listed(ordering):
        return [str(file.uuid) for file in api.list(request_limit=options["limit"], ordering=ordering)]

    orderings = ("datetime_uploaded", "-datetime_uploaded")
    high_level = [file.uuid for file in client.list_files(stored=False, removed=False, limit=100)]
    return {"listed": [listed(ordering) for ordering in orderings], "count": api.count(), "unstored": high_level}


def descriptions(client, options):
    """`uuid` -> its metadata and tags, changed by every call."""
    uuid, key = options["uuid"], "-:45az_"
    api, tags = client.metadata_api, client.tags_api
    done = {
        "empty": plain(api.get_all_metadata(uuid)),
        "made": plain(api.update_or_create_key(uuid, key, "cat")),
        "changed": plain(api.update_or_create_key(uuid, key, "dog")),
        "value": plain(api.get_key(uuid, key)),
        "all": plain(api.get_all_metadata(uuid)),
        "replaced": plain(tags.set(uuid, ["Cat", "dog"])),
        "updated": plain(tags.update(uuid, add=["ant"], delete=["cat"])),
        "tags": plain(tags.get(uuid)),
    }
    api.delete_key(uuid, key)
    done["deleted"] = outcome(api.get_key, uuid, key)
    return done


def groups(client, options):
    """`id` of a group -> its description, the list of groups, and what is left of it after its deletion."""
    api, id = client.groups_api, options["id"]
    return {
        "info": plain(api.retrieve(id)),
        "list": [group.id for group in api.list(limit=1, ordering="-datetime_created")],
        "count": api.count(),
        "stored": outcome(api.store, id),
        "deleted": outcome(api.delete, id),
        "after": outcome(api.retrieve, id),
    }


def copies(client, options):
    """`uuid` -> a copy, the project, and what every call ends with that this server does not offer."""
    uuid, api = options["uuid"], client.files_api
    addons, parameters = client.addons_api, AddonClamAVExecutionParams(purge_infected=True)
    return {
        "copy": plain(api.local_copy(uuid, store=True)),
        "project": plain(client.project_api.retrieve()),
        "refused": {
            "remote": outcome(api.remote_copy, uuid, "bucket"),
            "search": outcome(api.search, {"query": "cats"}),
            "searched": outcome(lambda: list(api.search_iterate({"query": "cats"}))),
            "addon": outcome(addons.execute, uuid, AddonLabels.CLAM_AV, parameters),
            "status": outcome(addons.status, uuid, AddonLabels.CLAM_AV),
        },
    }


def webhooks(client, options):
    """`target` -> a webhook, made twice, listed, changed and removed."""
    target = options["target"]
    made = client.create_webhook(target, event="file.uploaded", signing_secret="12345X")
    done = {
        "made": plain(made),
        "again": outcome(client.webhooks_api.create, {"target_url": target, "event": "file.uploaded"}),
        "list": [plain(hook) for hook in client.webhooks_api.list()],
        "listed": [plain(hook) for hook in client.list_webhooks()],
        "changed": plain(client.webhooks_api.update(made.id, {"is_active": False})),
        "object": plain(client.update_webhook(made, event="file.stored")),
    }
    client.delete_webhook(made)
    done["missing"] = outcome(client.webhooks_api.delete, made.id)
    done["after"] = [plain(hook) for hook in client.webhooks_api.list()]
    return done


def strangers(client, options):
    """What a client with a wrong secret is told."""
    return outcome(client.files_api.retrieve, options["uuid"])


SCENARIOS = {function.__name__: function for function in (calls, files, pages, descriptions, groups, copies, webhooks, strangers)}


def main(arguments):
    if len(arguments) != 3 or arguments[0] not in SCENARIOS:
        print(f"usage: python rest.py SCENARIO BASE_URL JSON, with a scenario of {', '.join(SCENARIOS)}", file=sys.stderr)
        return 2
    name, base_url, options = arguments[0], arguments[1], json.loads(arguments[2])
    print(json.dumps(SCENARIOS[name](client_for(base_url, options), options)))
    return 0


if __name__ == "__main__":
    faulthandler.dump_traceback_later(DEADLINE_SECONDS, exit=True)
    sys.exit(main(sys.argv[1:]))
