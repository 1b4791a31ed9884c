"""A file of each format, with facts that can be told from those of the others."""

import io
import json
import struct
import tarfile

import zstandard
from PIL import Image

from archives import HELLO, empty_zip, rar4, rar5
from documents import WORD, FORMATS, SHEET, SLIDES, office, open_document, zipped
from groups.common import core, pdf, stream
from pictures import picture, save
from recordings import EXACT, without_padding
from tools import run

X264 = ["-c:v", "libx264", "-preset", "ultrafast", "-x264-params", "cabac=0:log-level=none:info=0", "-bsf:v", "filter_units=remove_types=6", "-pix_fmt", "yuv420p"]
AAC = ["-c:a", "aac", "-b:a", "16k"]


def film(name, *options, size="96x64", rate="25", seconds="1", tone=None):
    """Grey pictures, and a tone if its rate is named."""
    sources = ["-f", "lavfi", "-i", f"color=c=gray:size={size}:rate={rate}:duration={seconds}"]
    if tone:
        sources += ["-f", "lavfi", "-i", f"sine=f=440:d={seconds}:r={tone}"]
    return run("ffmpeg", "-v", "error", *sources, *EXACT, "-t", seconds, *options, name, made=name)


def sound(name, *options, rate="22050", seconds="1", channels="1"):
    source = ["-f", "lavfi", "-i", f"sine=f=440:d={seconds}:r={rate}"]
    return run("ffmpeg", "-v", "error", *source, *EXACT, "-ac", channels, *options, name, made=name)


def films():
    pieces = ["-g", "10"]
    return {
        "h264-aac.mp4": film("o.mp4", *X264, *AAC, tone="22050"),
        "moov-first.mp4": film("o.mp4", *X264, *AAC, "-movflags", "+faststart", size="64x96", rate="10", seconds="2", tone="16000"),
        "fragmented.mp4": film("o.mp4", *X264, *AAC, *pieces, "-movflags", "frag_keyframe+empty_moov", tone="16000"),
        "cmaf.mp4": film("o.mp4", *X264, *pieces, "-movflags", "cmaf", size="128x72"),
        "hevc.mp4": film("o.mp4", "-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none:info=0", size="64x64", rate="10"),
        "vp9-opus.mp4": film("o.mp4", "-c:v", "libvpx-vp9", "-cpu-used", "8", "-c:a", "libopus", "-b:a", "16k", rate="10", tone="48000"),
        "av1.mp4": film("o.mp4", "-c:v", "libaom-av1", "-cpu-used", "8", "-crf", "60", "-b:v", "0", size="64x48", rate="5"),
        "thirty-thousand.mp4": film("o.mp4", *X264, rate="30000/1001"),
        "wide-pixels.mp4": film("o.mp4", *X264, "-aspect", "16:9"),
        "mpeg4-pcm.mov": film("o.mov", "-c:v", "mpeg4", "-c:a", "pcm_s16le", rate="12", tone="4000"),
        "mjpeg.mov": film("o.mov", "-c:v", "mjpeg", "-q:v", "31", rate="5"),
        "vp8-vorbis.webm": film("o.webm", "-c:v", "libvpx", "-deadline", "realtime", "-c:a", "libvorbis", "-q:a", "0", tone="22050"),
        "vp9-opus.webm": film("o.webm", "-c:v", "libvpx-vp9", "-cpu-used", "8", "-c:a", "libopus", "-b:a", "16k", "-ac", "2", rate="10", tone="48000"),
        "live.webm": film("o.webm", "-c:v", "libvpx", "-deadline", "realtime", "-f", "webm", "-live", "1"),
        "h264-flac.mkv": film("o.mkv", *X264, "-c:a", "flac", rate="50", tone="8000"),
        "mpeg2.ts": film("o.ts", "-c:v", "mpeg2video", rate="25"),
        "h264-aac.ts": film("o.ts", *X264, *AAC, rate="10", tone="16000"),
        "theora-vorbis.ogv": film("o.ogv", "-c:v", "libtheora", "-c:a", "libvorbis", "-q:a", "0", rate="10", tone="22050"),
    }


def sounds():
    return {
        "variable.mp3": sound("o.mp3", "-c:a", "libmp3lame", "-q:a", "9"),
        "constant.mp3": sound("o.mp3", "-c:a", "libmp3lame", "-b:a", "32k", channels="2", rate="44100"),
        "pcm.wav": sound("o.wav", "-c:a", "pcm_u8", rate="8000"),
        "float.wav": sound("o.wav", "-c:a", "pcm_f32le", rate="2000", channels="2"),
        "adpcm.wav": sound("o.wav", "-c:a", "adpcm_ima_wav", rate="8000"),
        "vorbis.ogg": sound("o.ogg", "-c:a", "libvorbis", "-q:a", "0"),
        "voice.opus": sound("o.opus", "-c:a", "libopus", "-b:a", "12k", rate="48000"),
        "stereo.flac": without_padding(sound("o.flac", rate="8000", channels="2")),
        "adts.aac": sound("o.aac", *AAC),
        "memo.m4a": sound("o.m4a", *AAC, rate="44100"),
        "alac.m4a": sound("o.m4a", "-c:a", "alac", rate="8000"),
    }


def pictures():
    exif = Image.Exif()
    exif[274] = 6
    frames = [picture("L", (20, 10)), picture("L", (20, 10)).rotate(180)]
    rgba = picture("RGB", (30, 20)).convert("RGBA")
    return {
        "turned.jpg": save("JPEG", picture(size=(40, 24)), exif=exif, dpi=(72, 72)),
        "gray.jpg": save("JPEG", picture("L", (24, 18))),
        "four-colours.jpg": save("JPEG", picture(size=(16, 8)).convert("CMYK")),
        "transparent.png": save("PNG", rgba, dpi=(300, 300)),
        "sixteen-bits.png": save("PNG", Image.new("I;16", (10, 12))),
        "palette.png": save("PNG", picture(size=(12, 30)).quantize(8)),
        "animated.gif": save("GIF", frames[0], save_all=True, append_images=frames[1:]),
        "alpha.webp": save("WEBP", rgba),
        "animated.webp": save("WEBP", rgba, save_all=True, append_images=[rgba.rotate(180)]),
        "high.bmp": save("BMP", picture(size=(9, 31))),
        "pages.tif": save("TIFF", picture(size=(28, 14)), save_all=True, append_images=[picture("L", (24, 18))], compression="tiff_lzw", dpi=(150, 150)),
        "photo.heic": save("HEIF", picture(size=(80, 48)), quality=20),
        "photo.avif": save("AVIF", picture(size=(48, 80)), quality=30),
        "photo.jxl": core("codestream.jxl"),
        "two-sizes.ico": save("ICO", picture(size=(32, 32)), sizes=[(16, 16), (32, 32)]),
    }


def tar(members):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def archives():
    two = {"a.txt": HELLO, "folder/b.txt": b"second\n"}
    packed = tar(two)
    return {
        "two.zip": zipped(two),
        "empty.zip": empty_zip(),
        "two.tar": packed,
        "two.tar.gz": run("gzip", "-nc", stdin=packed),
        "two.tar.zst": zstandard.ZstdCompressor(level=19).compress(packed),
        "two.tar.xz": run("xz", "-c", stdin=packed),
        "two.tar.bz2": run("bzip2", "-c", stdin=packed),
        "two.7z": run("7z", "a", "-bd", "-mtm-", "o.7z", "a.txt", given={"a.txt": HELLO}, made="o.7z"),
        "four.rar": rar4(),
        "five.rar": rar5(),
    }


def documents():
    page = stream("", "BT /F1 12 Tf 10 50 Td (Hello) Tj ET")
    font = "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"
    return {
        "one-page.pdf": pdf(page, font),
        "letter.docx": office("word/document.xml", f"{FORMATS}.wordprocessingml.document.main+xml", WORD),
        "table.xlsx": office("xl/workbook.xml", f"{FORMATS}.spreadsheetml.sheet.main+xml", SHEET),
        "talk.pptx": office("ppt/presentation.xml", f"{FORMATS}.presentationml.presentation.main+xml", SLIDES),
        "letter.odt": open_document("text", "text"),
        "table.ods": open_document("spreadsheet", "spreadsheet"),
        "talk.odp": open_document("presentation", "presentation"),
        "drawing.svg": b"<?xml version='1.0'?>\n<svg xmlns='http://www.w3.org/2000/svg' width='30mm' height='40' viewBox='0 0 30 40'><path d='M0 0L9 9'/></svg>\n",
        "letter.txt": "Grüße aus Köln.\n".encode(),
        "table.csv": b"name,amount\r\nA,1\r\nB,2\r\n",
        "values.json": json.dumps({"a": [1, 2]}).encode(),
    }


def files():
    return films() | sounds() | pictures() | archives() | documents()
