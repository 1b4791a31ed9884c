"""Tries the services that are named, and prints a table in Markdown, and what `intake check --connect` says of the others."""

import pathlib
import sys
import tempfile

import checks
import servers

HEAD = """\
| service | through the server | straight into the bucket | an address ends with `complete` | … with abort | … lets in only the signed length | CORS example | idle connections closed after |
| --- | --- | --- | --- | --- | --- | --- | --- |"""


def word(value):
    return {True: "yes", False: "**no**", None: "not there"}[value]


def bytes_after(intake, service, folder, s3, direct, said):
    config = checks.configuration(service, folder, direct)
    wrong = checks.check(intake, config)
    if wrong is None:
        return "works" if checks.uploads(intake, config, s3, direct) else "**other bytes**"
    if (service.name, wrong) not in said:
        said.append((service.name, wrong))
    return f"refused ({said.index((service.name, wrong)) + 1})"


def row(intake, start, said):
    with tempfile.TemporaryDirectory(prefix="intake-services-") as name:
        folder = pathlib.Path(name)
        run = servers.Running(folder)
        try:
            service = start(run)
            s3 = checks.client(service)
            checks.make_bucket(s3)
            ways = [bytes_after(intake, service, folder, s3, direct, said) for direct in (False, True)]
            try:
                promises = checks.addresses(s3)
            except Exception as error:  # A service without multipart fails in ways of its own.
                print(f"{service.name}: {error}", file=sys.stderr)
                promises = dict.fromkeys(("length", "complete", "abort"))
            words = [word(promises[name]) for name in ("complete", "abort", "length")]
            idle = checks.idle(service)
            idle = f"more than {checks.LONGEST_IDLE} s" if idle is None else f"{idle} s"
            cells = [f"{service.name} {service.version}", *ways, *words, word(checks.cors(s3, service)), idle]
            return "| " + " | ".join(cells) + " |"
        except BaseException:
            print((folder / "log").read_text(errors="replace")[-2000:], file=sys.stderr)
            raise
        finally:
            run.stop()


def main():
    intake, names = sys.argv[1], sys.argv[2]
    said = []
    print(HEAD)
    for name, start in servers.ALL.items():
        if names == "all" or name in names.split():
            print(row(intake, start, said), flush=True)
    print()
    for number, (service, wrong) in enumerate(said, 1):
        print(f"{number}. {service}: `{wrong.replace('`', '')}`")


main()
