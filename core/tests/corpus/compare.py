"""Compares the table with what `file` says, and prints where the two differ.

    python compare.py

Names that mean the same, by core/src/aliases.rs, are no difference. Not part of the tests: what `file` says depends on its
version, and it looks at whole files.
"""

import pathlib
import re
import subprocess

HERE = pathlib.Path(__file__).parent
NOTHING = {"application/octet-stream", "inode/x-empty"}


def aliases():
    """The first name of each line of the table of aliases, by every name of it."""
    source = (HERE / "../../src/aliases.rs").read_text(encoding="utf-8")
    table = source[source.index("const SAME") : source.index("\n];")]
    first = {}
    for line in re.findall(r"&\[([^\]]*)\]", table[table.index("= [\n") :]):
        names = re.findall(r'"([^"]+)"', line)
        first |= {name: names[0] for name in names}
    return first


def said_by_file(path):
    said = subprocess.run(["file", "--brief", "--mime-type", path], capture_output=True, text=True, check=True).stdout.strip()
    return "-" if said in NOTHING else said


def main():
    first = aliases()
    print(subprocess.run(["file", "--version"], capture_output=True, text=True, check=True).stdout.splitlines()[0])
    rows = right = 0
    for line in (HERE / "types.tsv").read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            continue
        name, media_type, *_ = line.split("\t")
        said = said_by_file(HERE / "files" / name)
        rows += 1
        if first.get(said, said) == media_type:
            right += 1
        else:
            print(f"{name:32} {media_type:76} {said}")
    print(f"{right} of {rows} files as in the table")


if __name__ == "__main__":
    main()
