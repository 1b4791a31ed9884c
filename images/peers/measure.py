"""Processor time, memory and quality beside sharp (libvips), in one run: `python3 measure.py RENDER [ROUNDS]`.

RENDER is `target/release/examples/render`. Needs Node.js and npm; sharp is installed into a temporary folder. Each round
runs every program with every picture, once and eleven times in one process; a tenth of the difference is what one picture
costs, without the start of the program. The figures are medians of all rounds.
"""

import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

SHARP = "sharp@0.35.5"
SCRIPT = Path(__file__).with_name("sharp.mjs")
PICTURES = ["photo", "grainy", "gradient", "flat"]
OPERATIONS = {
    "jpeg": "-/preview/400x300/-/format/jpeg/",
    "webp": "-/preview/400x300/-/format/webp/",
}


def cost(command, folder):
    """Processor milliseconds and peak memory in MiB of a command."""
    environment = {**os.environ, "SHARP_FOLDER": str(folder)}
    process = subprocess.Popen(command, env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"{command} failed")
    return 1000 * (usage.ru_utime + usage.ru_stime), usage.ru_maxrss / 1024


def main():
    render = Path(sys.argv[1]).resolve()
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 9
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "package.json").write_text("{}")
        subprocess.run(["npm", "install", "--silent", SHARP], cwd=folder, check=True)
        cost(["node", SCRIPT, "make", name], folder)
        figures = {}
        for _ in range(rounds):
            for picture in PICTURES:
                for target, path in OPERATIONS.items():
                    source, result = folder / f"{picture}.jpg", folder / f"{picture}.out"
                    commands = {
                        "sharp": ["node", SCRIPT, "run", source, target, f"{result}.sharp.{target}"],
                        "intake": [render, source, path, f"{result}.intake.{target}"],
                    }
                    for program, command in commands.items():
                        one, _ = cost([*command, "1"], folder)
                        many, memory = cost([*command, "11"], folder)
                        figures.setdefault((picture, target, program), []).append(((many - one) / 10, memory))
        print("| picture | bytes | to | sharp, ms | intake, ms | ratio | sharp, dB, bytes | intake, dB, bytes | memory, MiB |")
        print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
        for picture in PICTURES:
            for target in OPERATIONS:
                row = [picture, str((folder / f"{picture}.jpg").stat().st_size), target]
                times, memories, quality = {}, {}, {}
                for program in ["sharp", "intake"]:
                    measured = figures[picture, target, program]
                    times[program] = statistics.median(time for time, _ in measured)
                    memories[program] = statistics.median(memory for _, memory in measured)
                    result = folder / f"{picture}.out.{program}.{target}"
                    compare = ["node", SCRIPT, "compare", folder / f"{picture}.png", result]
                    environment = {**os.environ, "SHARP_FOLDER": name}
                    found = subprocess.run(compare, env=environment, check=True, capture_output=True, text=True)
                    quality[program] = f"{found.stdout.strip()}, {result.stat().st_size}"
                row += [f"{times['sharp']:.1f}", f"{times['intake']:.1f}", f"{times['intake'] / times['sharp']:.2f}"]
                row += [quality["sharp"], quality["intake"], f"{memories['sharp']:.0f}, {memories['intake']:.0f}"]
                print(f"| {' | '.join(row)} |")


main()
