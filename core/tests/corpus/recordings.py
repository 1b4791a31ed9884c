"""Sound and video."""

import struct

from tools import run

TONE = ["-f", "lavfi", "-i", "sine=f=440:d=0.1:r=16000"]
BARS = ["-f", "lavfi", "-i", "testsrc=s=32x32:r=10:d=0.2"]
H264 = ["-c:v", "libx264", "-x264-params", "log-level=none:info=0", "-bsf:v", "filter_units=remove_types=6", "-pix_fmt", "yuv420p"]
EXACT = ["-fflags", "+bitexact", "-flags:v", "+bitexact", "-flags:a", "+bitexact", "-map_metadata", "-1"]


def ffmpeg(name, *options, sound=True, video=False):
    """What FFmpeg writes under that name: a tone of a tenth of a second, two tiny pictures, or both."""
    sources = (BARS if video else []) + (TONE if sound else [])
    return run("ffmpeg", "-v", "error", *sources, *EXACT, *options, name, made=name)


def sound(name, *options):
    return ffmpeg(name, "-ac", "1", *options)


def video(name, *options, tone=False):
    return ffmpeg(name, *options, sound=tone, video=True)


def tagged(tag, frames):
    return b"ID3\4\0\0" + bytes([0, 0, 0, len(tag)]) + tag + frames


def rebranded(movie, major, *compatible):
    """The same movie under another brand. What is left of the first box is filled with the last brand."""
    size = struct.unpack(">I", movie[:4])[0]
    brands = b"".join(brand.encode() for brand in compatible)
    room = size - 16
    assert len(brands) <= room, (size, compatible)
    brands += compatible[-1].encode() * ((room - len(brands)) // 4)
    return movie[:8] + major.encode() + movie[12:16] + brands + movie[size:]


def of_brand(major, *compatible):
    """A movie box without tracks, under a brand (ISO/IEC 14496-12)."""
    box = lambda kind, content: struct.pack(">I", 8 + len(content)) + kind + content
    mvhd = bytes(4) + struct.pack(">IIII", 0, 0, 1000, 0) + struct.pack(">IHH", 0x10000, 0x100, 0) + bytes(8)
    mvhd += struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000) + bytes(24) + struct.pack(">I", 1)
    ftyp = box(b"ftyp", major.encode() + bytes(4) + b"".join(brand.encode() for brand in compatible))
    return ftyp + box(b"moov", box(b"mvhd", mvhd))


def midi():
    track = b"\0\x90\x3c\x40\x60\x80\x3c\x40\0\xff\x2f\0"
    return b"MThd" + struct.pack(">IHHH", 6, 0, 1, 96) + b"MTrk" + struct.pack(">I", len(track)) + track


def riff_midi():
    inner = midi()
    return b"RIFF" + struct.pack("<I", 12 + len(inner)) + b"RMIDdata" + struct.pack("<I", len(inner)) + inner


def dsf():
    """One block of DSD, mono (Sony, DSF File Format Specification)."""
    data = b"\x69" * 4096
    head = b"DSD " + struct.pack("<QQQ", 28, 28 + 52 + 12 + len(data), 0)
    fmt = b"fmt " + struct.pack("<QIIIIIIQII", 52, 1, 0, 1, 1, 2822400, 1, 8 * len(data), 4096, 0)
    return head + fmt + b"data" + struct.pack("<Q", 12 + len(data)) + data


def without_brand(movie):
    """QuickTime files of before 2001 begin with the movie itself."""
    size = struct.unpack(">I", movie[:4])[0]
    return movie[size:]


def transport_of_disc(stream):
    """Packets of a Blu-ray disc have a time of arrival before each."""
    packets = [stream[at : at + 188] for at in range(0, len(stream), 188)]
    return b"".join(struct.pack(">I", at * 1000) + packet for at, packet in enumerate(packets))


def skeleton_first(stream):
    """Ogg Skeleton 3.0 (xiph.org): its page comes before those of the other streams."""
    packet = b"fishead\0" + struct.pack("<HHqqqq", 3, 0, 0, 1000, 0, 1000) + bytes(20)
    page = bytearray(b"OggS\0\2" + bytes(8) + struct.pack("<III", 77, 0, 0) + bytes([1, len(packet)]) + packet)
    page[22:26] = struct.pack("<I", ogg_sum(page))
    return bytes(page) + stream


def ogg_sum(page):
    total = 0
    for byte in page:
        total ^= byte << 24
        for _ in range(8):
            total = ((total << 1) ^ (0x04C11DB7 if total & 0x80000000 else 0)) & 0xFFFFFFFF
    return total


def sound_first(stream):
    """Pages that begin streams come in any order (RFC 3533, section 4): here one of Speex is the first."""
    packet = b"Speex   1.2".ljust(28, b"\0") + struct.pack("<13I", 1, 80, 16000, 1, 4, 1, 0, 320, 0, 1, 0, 0, 0)
    page = bytearray(b"OggS\0\2" + bytes(8) + struct.pack("<III", 78, 0, 0) + bytes([1, len(packet)]) + packet)
    page[22:26] = struct.pack("<I", ogg_sum(page))
    return bytes(page) + stream


def unknown_in_ogg():
    packet = b"a codec of nobody"
    page = bytearray(b"OggS\0\6" + bytes(8) + struct.pack("<III", 5, 0, 0) + bytes([1, len(packet)]) + packet)
    page[22:26] = struct.pack("<I", ogg_sum(page))
    return bytes(page)


def far_in():
    """Sound whose description comes behind more than 8 KiB of samples."""
    noise = ["-f", "lavfi", "-i", "anoisesrc=d=0.25:r=48000:a=0.9"]
    return run("ffmpeg", "-v", "error", *noise, *EXACT, "-c:a", "aac", "-b:a", "400k", "-ac", "2", "o.mp4", made="o.mp4")


def first_frame(stream):
    """The frames of DTS say in 14 bits how long they are, less one."""
    size = (int.from_bytes(stream[5:8], "big") >> 4 & 0x3FFF) + 1
    return stream[:size]


def without_padding(flac):
    """Blocks of FLAC (RFC 9639, section 8.1) but those of kind 1; the last says that it is."""
    at, blocks = 4, []
    while True:
        last, kind = flac[at] >> 7, flac[at] & 0x7F
        size = int.from_bytes(flac[at + 1 : at + 4], "big")
        if kind != 1:
            blocks.append(bytearray(flac[at : at + 4 + size]))
            blocks[-1][0] &= 0x7F
        at += 4 + size
        if last:
            blocks[-1][0] |= 0x80
            return b"fLaC" + b"".join(blocks) + flac[at:]


def sounds():
    aac = ["-c:a", "aac", "-b:a", "24k"]
    mp3 = sound("o.mp3", "-write_xing", "0", "-id3v2_version", "0")
    flac = without_padding(sound("o.flac"))
    return {
        "without-tag.mp3": mp3,
        "tagged.mp3": sound("o.mp3", "-metadata", "title=Tone"),
        "tagged-with-a-drawing.mp3": sound("o.mp3", "-metadata", "title=<svg></svg>"),
        "layer-2.mp2": sound("o.mp2"),
        "tagged.aac": tagged(b"TIT2" + struct.pack(">I", 2) + b"\0\0\3x", sound("o.aac", *aac)),
        "plain.aac": sound("o.aac", *aac),
        "of-apple.m4a": sound("o.m4a", *aac),
        "book.m4b": rebranded(sound("o.m4a", *aac), "M4B ", "M4A ", "mp42", "isom"),
        "moov-first.m4a": sound("o.mp4", *aac, "-movflags", "+faststart"),
        "in-pieces.m4a": sound("o.mp4", *aac, "-movflags", "+frag_keyframe+empty_moov+default_base_moof"),
        "moov-far-in.m4a": far_in(),
        "plain.flac": flac,
        "plain.wav": sound("o.wav"),
        "extensible.wav": sound("o.wav", "-c:a", "pcm_s24le", "-ar", "8000"),
        "large.rf64.wav": sound("o.wav", "-rf64", "always"),
        "broadcast.wav": sound("o.wav", "-write_bext", "1", "-metadata", "description=Tone"),
        "sony.w64": sound("o.w64"),
        "plain.aiff": sound("o.aiff"),
        "packed.aifc": sound("o.aiff", "-c:a", "adpcm_ima_qt"),
        "core-audio.caf": sound("o.caf"),
        "sun.au": sound("o.au"),
        "plain.ac3": sound("o.ac3", "-ar", "48000", "-b:a", "64k"),
        "plain.eac3": sound("o.eac3", "-ar", "48000", "-b:a", "64k"),
        "plain.dts": first_frame(ffmpeg("o.dts", "-ar", "48000", "-ac", "2", "-strict", "-2")),
        "narrow.amr": b"#!AMR\n" + bytes([0x7C]) * 5,
        "wide.awb": b"#!AMR-WB\n" + bytes([0x7C]) * 5,
        "vorbis.ogg": sound("o.ogg", "-c:a", "libvorbis"),
        "voice.opus": sound("o.opus"),
        "voice.spx": sound("o.spx"),
        "flac.oga": sound("o.oga", "-c:a", "flac"),
        "sound.mka": sound("o.mka", "-c:a", "libopus"),
        "recorded-by-browser.weba": sound("o.webm", "-c:a", "libopus", "-f", "webm", "-live", "1"),
        "sound.wma": sound("o.wma", "-b:a", "32k"),
        "true-audio.tta": sound("o.tta"),
        "packed.wv": sound("o.wv"),
        "plain.mid": midi(),
        "windows.rmi": riff_midi(),
        "bits.dsf": dsf(),
        "creative.voc": sound("o.voc"),
        "voice.3ga": sound("o.3gp", *aac),
        "real.ra": sound("o.rm", "-ar", "44100", "-ac", "2", "-b:a", "64k"),
    }


def videos():
    movie = video("o.mp4", *H264)
    small = ["-c:v", "mpeg4"]
    theora = video("o.ogv", "-c:v", "libtheora")
    stream = video("o.ts", "-c:v", "mpeg2video", "-b:v", "100k")
    quicktime = video("o.mov", *small, "-movflags", "+faststart")
    made = {
        "plain.mp4": movie,
        "moov-first.mp4": video("o.mp4", *H264, "-movflags", "+faststart"),
        "in-pieces.mp4": video("o.mp4", *H264, "-movflags", "+frag_keyframe+empty_moov"),
        "of-apple.m4v": rebranded(video("o.m4v", "-f", "ipod", *H264), "M4V ", "M4V ", "mp42", "isom"),
        "flash.f4v": video("o.f4v", *H264),
        "sony.mp4": of_brand("XAVC", "XAVC", "mp42", "iso2", "nras"),
        "common-media.mp4": of_brand("cmfc", "mp42", "iso6"),
        "smooth.mp4": of_brand("isml", "piff", "iso2", "mp42"),
        "protected.mp4": of_brand("piff", "iso2", "mp42"),
        "segment.mp4": b"\0\0\0\x18styp" + b"msdh\0\0\0\0msdhmp42" + in_pieces(movie),
        "of-a-segmenter.mp4": of_brand("msdh", "msdh", "mp42"),
        "dash.mp4": of_brand("dash", "iso6", "avc1", "mp41"),
        "playstation.mp4": of_brand("MSNV", "MSNV", "mp42", "isom"),
        "plain.mov": quicktime,
        "without-brand.mov": without_brand(quicktime),
        "phone.3gp": video("o.3gp", *small, tone=False),
        "phone.3g2": video("o.3g2", *small),
        "broadcast.ts": stream,
        "blu-ray.m2ts": transport_of_disc(stream),
        "program.mpg": video("o.mpg", "-r", "25", "-c:v", "mpeg1video"),
        "dvd.vob": video("o.vob", "-r", "25", "-c:v", "mpeg2video"),
        "elementary.m1v": video("o.m1v", "-r", "25"),
        "elementary.m2v": video("o.m2v", "-r", "25"),
        "plain.mkv": video("o.mkv", *H264),
        "plain.webm": video("o.webm", "-c:v", "libvpx", "-b:v", "20k"),
        "with-sound.webm": video("o.webm", "-c:v", "libvpx", "-b:v", "20k", "-c:a", "libopus", "-ac", "1", tone=True),
        "recorded-by-browser.webm": video("o.webm", "-c:v", "libvpx", "-f", "webm", "-live", "1"),
        "plain.avi": video("o.avi", *small),
        "flash.flv": video("o.flv", "-c:v", "flv1"),
        "windows.wmv": video("o.asf", "-c:v", "wmv2"),
        "camcorder.mxf": video("o.mxf", "-r", "25", "-c:v", "mpeg2video"),
        "theora.ogv": theora,
        "sound-first.ogv": sound_first(theora),
        "skeleton-first.ogv": skeleton_first(theora),
        "unknown-codec.ogx": unknown_in_ogg(),
        "real.rm": video("o.rm", "-c:v", "rv10"),
        "plain.swf": video("o.swf", "-c:v", "flv1", "-r", "10"),
    }
    return made


def in_pieces(movie):
    """A sample that a segment of a stream might have: a fragment without tracks."""
    box = lambda kind, content: struct.pack(">I", 8 + len(content)) + kind + content
    return box(b"moof", box(b"mfhd", bytes(4) + struct.pack(">I", 1))) + box(b"mdat", b"")


def files():
    return sounds() | videos()
