"""Starts each service on loopback, in a folder of its own."""

import contextlib
import json
import os
import pathlib
import re
import socket
import subprocess
import time
from dataclasses import dataclass, field

ID, SECRET, REGION, BUCKET = "GK0123456789abcdef01234567", "5" * 64, "us-east-1", "uploads"
TOOLS = pathlib.Path(os.environ["INTAKE_TEST_TOOLS"])
SERVICES = TOOLS / "services"
PATIENCE = 60


@dataclass
class Service:
    """A service that runs."""

    name: str
    version: str
    endpoint: str
    access_key_id: str = ID
    secret_access_key: str = SECRET
    region: str = REGION
    # Settings of the store that this service needs.
    settings: dict = field(default_factory=dict)


def free_port():
    with socket.socket() as it:
        it.bind(("127.0.0.1", 0))
        return it.getsockname()[1]


def wait_for(port, process):
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if process.poll() is not None:
            break
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.1)
    raise RuntimeError("the service does not start")


class Running:
    """Processes of one service, ended in the end by their ids."""

    def __init__(self, folder):
        self.folder, self.processes = folder, []

    def start(self, *command, port=None, **env):
        log = open(self.folder / "log", "ab")
        words = [str(word) for word in command]
        process = subprocess.Popen(
            words, cwd=self.folder, env={**os.environ, **env}, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
        self.processes.append(process)
        if port:
            wait_for(port, process)
        return process

    def stop(self):
        for process in reversed(self.processes):
            process.kill()
            process.wait()


def seaweedfs(run):
    identity = {"name": "test", "actions": ["Admin"], "credentials": [{"accessKey": ID, "secretKey": SECRET}]}
    (run.folder / "identities.json").write_text(json.dumps({"identities": [identity]}))
    ports = {part: (free_port(), free_port()) for part in ("master", "volume", "filer", "s3", "admin")}
    listen = [f"-{part}.port={http}" for part, (http, _) in ports.items()]
    listen += [f"-{part}.port.grpc={grpc}" for part, (_, grpc) in ports.items()]
    weed = TOOLS / "s3/bin/weed"
    run.start(
        weed, "mini", f"-dir={run.folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-admin.ui=false", "-webdav=false",
        "-master.telemetry=false", "-s3.iam=false", "-s3.port.iceberg=0", "-s3.port.lance=0",
        "-s3.autoCreateBucket=false", "-s3.config=identities.json", "-s3.localSocket=s3.sock",
        "-filer.localSocket=filer.sock", *listen, port=ports["s3"][0],
    )  # fmt: skip
    said = subprocess.run([weed, "version"], capture_output=True, text=True, check=True).stdout
    version = re.search(r"\d+\.\d+", said).group()
    return Service("SeaweedFS", version, f"http://127.0.0.1:{ports['s3'][0]}")


def garage(run):
    program, s3, rpc, admin = os.environ["GARAGE_BIN"], free_port(), free_port(), free_port()
    config = run.folder / "garage.toml"
    config.write_text(
        f"""
        metadata_dir = "{run.folder}/meta"
        data_dir = "{run.folder}/data"
        db_engine = "sqlite"
        replication_factor = 1
        rpc_bind_addr = "127.0.0.1:{rpc}"
        rpc_public_addr = "127.0.0.1:{rpc}"
        rpc_secret = "{"1" * 64}"
        [s3_api]
        s3_region = "garage"
        api_bind_addr = "127.0.0.1:{s3}"
        [admin]
        api_bind_addr = "127.0.0.1:{admin}"
        """
    )
    run.start(program, "-c", config, "server", port=s3)

    def ask(*words):
        done = subprocess.run([program, "-c", str(config), *words], capture_output=True, text=True, check=True)
        return done.stdout.strip()

    node = ask("node", "id", "-q").split("@")[0]
    ask("layout", "assign", "-z", "here", "-c", "1G", node)
    ask("layout", "apply", "--version", "1")
    ask("key", "import", "--yes", "-n", "test", ID, SECRET)
    ask("bucket", "create", BUCKET)
    ask("bucket", "allow", "--read", "--write", "--owner", BUCKET, "--key", "test")
    return Service("Garage", os.environ["GARAGE"], f"http://127.0.0.1:{s3}", region="garage")


def moto(run):
    port = free_port()
    run.start(SERVICES / "moto/bin/moto_server", "-H", "127.0.0.1", "-p", port, port=port)
    return Service("moto", os.environ["MOTO"], f"http://127.0.0.1:{port}")


def nanio(run):
    port = free_port()
    run.start(
        SERVICES / "nanio/bin/nanio", "serve", "--host", "127.0.0.1", "--port", port, "--data-dir", run.folder / "data",
        port=port, NANIO_ACCESS_KEY=ID, NANIO_SECRET_KEY=SECRET,
    )  # fmt: skip
    return Service("nanio", os.environ["NANIO"], f"http://127.0.0.1:{port}")


def fauxqs(run):
    port = free_port()
    program = SERVICES / "fauxqs/node_modules/.bin/fauxqs"
    run.start(program, port=port, FAUXQS_PORT=str(port), FAUXQS_HOST="127.0.0.1")
    return Service("fauxqs", os.environ["FAUXQS"], f"http://127.0.0.1:{port}")


def s3rver(run):
    port = free_port()
    program = SERVICES / "s3rver/node_modules/.bin/s3rver"
    run.start(program, "-d", run.folder / "data", "-a", "127.0.0.1", "-p", port, "--no-vhost-buckets", port=port)
    endpoint = f"http://127.0.0.1:{port}"
    return Service("s3rver", os.environ["S3RVER"], endpoint, access_key_id="S3RVER", secret_access_key="S3RVER")


def local_s3_server(run):
    port = free_port()
    program = SERVICES / "local-s3-server/bin/local-s3-server"
    run.start(program, "--hostname", "127.0.0.1", "--port", port, "--root-dir", run.folder / "data", port=port)
    return Service("local-s3-server", os.environ["LOCAL_S3"], f"http://127.0.0.1:{port}")


def swift(run):
    """One proxy with `s3api` and `tempauth`, and one server of each kind, without memcached."""
    programs, folder = SERVICES / "swift/bin", run.folder
    (folder / "swift.conf").write_text("[swift-hash]\nswift_hash_path_suffix = test\n")
    (folder / "devices/sd1").mkdir(parents=True)
    common = f"user = root\nswift_dir = {folder}\nbind_ip = 127.0.0.1\nworkers = 0\nlog_address = /dev/null\n"
    for kind in ("account", "container", "object"):
        port = free_port()
        builder = folder / f"{kind}.builder"
        for words in (["create", "1", "1", "1"], ["add", f"r1z1-127.0.0.1:{port}/sd1", "1"], ["rebalance"]):
            ring = subprocess.run([programs / "swift-ring-builder", builder, *words], capture_output=True, check=False)
            if ring.returncode > 1:
                raise RuntimeError(ring.stdout.decode())
        config = folder / f"{kind}.conf"
        config.write_text(
            f"[DEFAULT]\n{common}bind_port = {port}\ndevices = {folder}/devices\nmount_check = false\n"
            f"[pipeline:main]\npipeline = {kind}-server\n[app:{kind}-server]\nuse = egg:swift#{kind}\n"
        )
        run.start(programs / f"swift-{kind}-server", config, port=port)
    port, nowhere = free_port(), free_port()
    filters = "catch_errors gatekeeper cache listing_formats bulk s3api tempauth copy slo dlo versioned_writes symlink"
    config = folder / "proxy.conf"
    config.write_text(
        f"[DEFAULT]\n{common}bind_port = {port}\n[pipeline:main]\npipeline = {filters} proxy-server\n"
        "[app:proxy-server]\nuse = egg:swift#proxy\nallow_account_management = true\naccount_autocreate = true\n"
        "[filter:s3api]\nuse = egg:swift#s3api\nlocation = us-east-1\n"
        "[filter:tempauth]\nuse = egg:swift#tempauth\nuser_test_tester = testing .admin\n"
        f"[filter:cache]\nuse = egg:swift#memcache\nmemcache_servers = 127.0.0.1:{nowhere}\n"
        "[filter:versioned_writes]\nuse = egg:swift#versioned_writes\nallow_object_versioning = true\n"
        + "".join(f"[filter:{name}]\nuse = egg:swift#{name}\n"
                  for name in "catch_errors gatekeeper listing_formats bulk copy slo dlo symlink".split())
    )  # fmt: skip
    run.start(programs / "swift-proxy-server", config, port=port)
    return Service(
        "OpenStack Swift (s3api)", os.environ["SWIFT"], f"http://127.0.0.1:{port}", access_key_id="test:tester",
        secret_access_key="testing", settings={"max_parts": 1000},
    )  # fmt: skip


ALL = {
    "seaweedfs": seaweedfs,
    "garage": garage,
    "swift": swift,
    "nanio": nanio,
    "moto": moto,
    "fauxqs": fauxqs,
    "s3rver": s3rver,
    "local-s3-server": local_s3_server,
}
