"""Running programs that read and write files."""

import pathlib
import subprocess
import tempfile


def run(*command, given=None, made=None, stdin=None):
    """Runs a command in an empty folder.

    `given` are files that are there before, by name; `made` is the name of the file that is answered, or the output of
    the command if there is none.
    """
    with tempfile.TemporaryDirectory() as folder:
        for name, content in (given or {}).items():
            path = pathlib.Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        done = subprocess.run(command, cwd=folder, input=stdin, capture_output=True)
        if done.returncode != 0:
            raise RuntimeError(f"{command}: {done.stderr.decode(errors='replace')}")
        return pathlib.Path(folder, made).read_bytes() if made else done.stdout
