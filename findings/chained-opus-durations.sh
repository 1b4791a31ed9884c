#!/usr/bin/env bash
# How long readers take a chained Ogg Opus file to be.
#
# Versions: PyAV 15.1.0 (libavformat 61.7.100), mutagen 1.47.0, tinytag 2.1.1, soundfile 0.13.1 (libsndfile 1.2.2), and
# music-metadata 11.9.0.
#
# Two Ogg files, one behind the other, are a valid file (RFC 3533, section 4; RFC 7845, section 7, about links of a chain):
# recordings of radio streams are such. Here a link of 5 s is followed by one of 2 s, and the other way round.
#
# Seen:
#   - libavformat gives the duration of the last link, and decodes both: 7 s of sound in a file that "takes" 2 s.
#   - mutagen, tinytag, music-metadata and libsndfile give the duration of the first link. libsndfile also reads only the
#     first link, without an error.
#
# So no reader here gives 7 s, and which wrong one a product shows depends on the order of the links. Where a duration counts,
# such as for a limit, the granule positions of all links have to be added up.
#
# Runs in a temporary folder, outside CI. Ends with 1 if any of this has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" --quiet install av==15.1.0 mutagen==1.47.0 tinytag==2.1.1 soundfile==0.13.1 numpy==2.2.6
cd "$folder"
npm --silent init -y >npm.log
npm --silent install music-metadata@11.9.0 >>npm.log

cat >lengths.mjs <<'JAVASCRIPT'
import { parseFile } from 'music-metadata';
for (const file of process.argv.slice(2)) {
    const { format } = await parseFile(file, { duration: true });
    console.log(format.duration);
}
JAVASCRIPT

"$folder/venv/bin/python" - <<'PYTHON'
import subprocess
import sys

import av
import mutagen
import numpy
import soundfile
import tinytag


def link(name, seconds, hertz):
    """A file of one link: a tone of this length."""
    at = numpy.arange(48000 * seconds) * hertz * 2 * numpy.pi / 48000
    samples = (numpy.sin(at) * 8000).astype(numpy.int16).reshape(1, -1)
    with av.open(name, "w", format="ogg") as out:
        stream = out.add_stream("libopus", rate=48000, layout="mono")
        frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
        frame.sample_rate = 48000
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            out.mux(packet)


def decoded(name):
    with av.open(name) as source:
        return sum(frame.samples for frame in source.decode(audio=0)) / 48000


def header(name):
    with av.open(name) as source:
        return source.duration / av.time_base


link("five.opus", 5, 440)
link("two.opus", 2, 880)
five, two = (open(name, "rb").read() for name in ("five.opus", "two.opus"))
open("five-two.opus", "wb").write(five + two)
open("two-five.opus", "wb").write(two + five)

wrong = False
for name, first, last in (("five-two.opus", 5, 2), ("two-five.opus", 2, 5)):
    node = subprocess.run(["node", "lengths.mjs", name], check=True, capture_output=True, text=True)
    sound, rate = soundfile.read(name)
    for reader, seconds, expected in (
        ("libavformat", header(name), last),
        ("libavformat, decoded", decoded(name), 7),
        ("mutagen", mutagen.File(name).info.length, first),
        ("tinytag", tinytag.TinyTag.get(name).duration, first),
        ("music-metadata", float(node.stdout), first),
        ("libsndfile", soundfile.info(name).duration, first),
        ("libsndfile, decoded", len(sound) / rate, first),
    ):
        same = abs(seconds - expected) < 0.05
        wrong |= not same
        print(f"{name}: {reader}: {seconds:.2f} s" + ("" if same else f", and {expected} s was seen before"))
sys.exit(wrong)
PYTHON
