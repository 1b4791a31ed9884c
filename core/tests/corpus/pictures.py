"""Pictures."""

import io
import struct

import pillow_heif
from PIL import Image

from tools import run

pillow_heif.register_heif_opener()


def picture(mode="RGB", size=(16, 12)):
    """A picture that no encoder finds trivial."""
    image = Image.new(mode, size)
    width, height = size
    for x in range(width):
        for y in range(height):
            pixel = (x * 16 % 256, y * 20 % 256, (x * y) % 256)
            if mode == "RGB":
                image.putpixel((x, y), pixel)
            elif mode == "1":
                image.putpixel((x, y), x > y or y > 4)
            else:
                image.putpixel((x, y), pixel[0])
    return image


def save(kind, image=None, **options):
    out = io.BytesIO()
    (image or picture()).save(out, kind, **options)
    return out.getvalue()


def convert(target, *options):
    """What ImageMagick writes."""
    return run("convert", "in.png", *options, f"{target}:out", given={"in.png": save("PNG")}, made="out")


def ffmpeg(name, *options):
    """What FFmpeg writes for one picture."""
    return run(
        "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc=s=16x12:d=0.04", "-frames:v", "1", *options, name, made=name
    )


def tiff(entries, first=8, between=b"", order="<"):
    """A TIFF with one directory; `entries` are (tag, type, count, value in four bytes)."""
    mark = b"II*\0" if order == "<" else b"MM\0*"
    directory = struct.pack(order + "H", len(entries))
    for tag, kind, count, value in sorted(entries):
        directory += struct.pack(order + "HHI", tag, kind, count) + value
    directory += bytes(4)
    return mark + struct.pack(order + "I", first) + between + directory


def gray(strip, order="<", more=()):
    """The entries of a picture of 4x4 gray pixels at the offset `strip`."""
    short = lambda value: struct.pack(order + "HH", value, 0)
    long = lambda value: struct.pack(order + "I", value)
    entries = [
        (256, 3, 1, short(4)), (257, 3, 1, short(4)), (258, 3, 1, short(8)), (259, 3, 1, short(1)),
        (262, 3, 1, short(1)), (273, 4, 1, long(strip)), (277, 3, 1, short(1)), (278, 3, 1, short(4)),
        (279, 4, 1, long(16)),
    ]
    return entries + list(more)


def tiffs():
    pixels = bytes(range(0, 256, 16))
    # Exif and DNG readers ask for the version in a tag of its own (DNG specification, DNGVersion).
    dng = [(50706, 1, 4, b"\1\4\0\0"), (50707, 1, 4, b"\1\1\0\0"), (50708, 2, 4, b"Cam\0"), (254, 4, 1, bytes(4))]
    cr2 = tiff(gray(16 + 2 + 9 * 12 + 4), first=16, between=b"CR\2\0\0\0\0\0")
    orf = b"IIRO" + tiff(gray(8 + 2 + 9 * 12 + 4))[4:]
    rw2 = b"IIU\0" + tiff(gray(8 + 2 + 9 * 12 + 4))[4:]
    thumbnail_first = io.BytesIO()
    picture("L", (8, 6)).save(thumbnail_first, "TIFF", save_all=True, append_images=[picture("L", (32, 24))])
    return {
        "little-endian.tif": save("TIFF"),
        "big-endian.tif": tiff(gray(8 + 2 + 9 * 12 + 4, ">"), order=">") + pixels,
        "big.tif": save("TIFF", big_tiff=True),
        "thumbnail-first.tif": thumbnail_first.getvalue(),
        "camera.dng": tiff(gray(8 + 2 + 13 * 12 + 4, more=dng)) + pixels,
        "camera.cr2": cr2 + pixels,
        "camera.orf": orf + pixels,
        "camera.rw2": rw2 + pixels,
    }


def apng():
    frames = [picture("L", (8, 8)), picture("L", (8, 8)).rotate(90)]
    return save("PNG", frames[0], save_all=True, append_images=frames[1:])


def cursor():
    """A cursor is an icon with another number and a place to point with."""
    icon = bytearray(save("ICO", picture("RGB", (16, 16)), sizes=[(16, 16)], bitmap_format="bmp"))
    icon[2] = 2
    icon[10:14] = struct.pack("<HH", 3, 4)
    return bytes(icon)


def icon_of_bitmaps():
    return save("ICO", picture("RGB", (16, 16)), sizes=[(16, 16)], bitmap_format="bmp")


def os2_bitmap():
    pixels = bytes(4 * 4 * 3)
    return b"BM" + struct.pack("<IHHI", 26 + len(pixels), 0, 0, 26) + struct.pack("<IHHHH", 12, 4, 4, 1, 24) + pixels


def jxl_in_boxes(codestream):
    box = lambda kind, content: struct.pack(">I", 8 + len(content)) + kind + content
    return (
        box(b"JXL ", b"\r\n\x87\n") + box(b"ftyp", b"jxl \0\0\0\0jxl ") + box(b"jxlc", codestream)
    )


def heif_of_jpeg():
    """HEIF with a JPEG inside (ISO/IEC 23008-12, annex H): no brand but those of the container."""
    jpeg = save("JPEG", picture("L", (16, 16)))
    box = lambda kind, content: struct.pack(">I", 8 + len(content)) + kind + content
    full = lambda kind, content, version=0: box(kind, bytes([version, 0, 0, 0]) + content)
    ftyp = box(b"ftyp", b"mif1\0\0\0\0mif1")
    infe = full(b"infe", struct.pack(">HH", 1, 0) + b"jpeg" + b"\0", version=2)
    ispe = full(b"ispe", struct.pack(">II", 16, 16))
    ipma = full(b"ipma", struct.pack(">IHBB", 1, 1, 1, 1))
    iprp = box(b"iprp", box(b"ipco", ispe) + ipma)

    def meta(offset):
        iloc = full(b"iloc", b"\x44\0" + struct.pack(">HHHHII", 1, 1, 0, 1, offset, len(jpeg)))
        head = full(b"hdlr", bytes(4) + b"pict" + bytes(13))
        return full(b"meta", head + full(b"pitm", struct.pack(">H", 1)) + full(b"iinf", struct.pack(">H", 1) + infe) + iprp + iloc)

    offset = len(ftyp) + len(meta(0)) + 8
    return ftyp + meta(offset) + box(b"mdat", jpeg)


def heics():
    plain = save("HEIF", picture(size=(64, 48)), quality=20)
    # Older writers name the container first (ISO/IEC 23008-12, clause 10.2.2, allows both).
    at = plain.index(b"ftypheic")
    container_first = plain[: at + 4] + b"mif1" + plain[at + 8 :]
    movie = run(
        "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc=s=64x48:d=0.08", "-c:v", "libx265", "-x265-params",
        "log-level=none:info=0", "-pix_fmt", "yuv420p", "-fflags", "+bitexact", "-movflags", "+faststart", "-f", "mp4", "o.mp4",
        made="o.mp4",
    )
    size = struct.unpack(">I", movie[:4])[0]
    # Of the same length, so that the offsets within stay right.
    brands = b"msf1\0\0\0\0hevcmsf1mif1"
    ftyp = struct.pack(">I", size) + b"ftyp" + (brands + b"heic" * 4)[: size - 8]
    sequence = (ftyp + movie[size:]).replace(b"vide\0\0\0\0", b"pict\0\0\0\0", 1)
    return {"plain.heic": plain, "container-first.heic": container_first, "sequence.heics": sequence, "of-jpeg.heif": heif_of_jpeg()}


def emf():
    """A header and its end ([MS-EMF] 2.3.4.2 and 2.3.4.1)."""
    end = struct.pack("<IIIII", 14, 20, 0, 16, 20)
    header = struct.pack("<II8i", 1, 88, 0, 0, 9, 9, 0, 0, 200, 200) + b" EMF"
    header += struct.pack("<IIIHHIIIiiii", 0x10000, 88 + 20, 2, 1, 0, 0, 0, 0, 1024, 768, 320, 240)
    return header + end


def wmf():
    """Placeable ([MS-WMF] 2.3.2.3)."""
    head = struct.pack("<IHhhhhHI", 0x9AC6CDD7, 0, 0, 0, 100, 100, 96, 0)
    sum_ = 0
    for (word,) in struct.iter_unpack("<H", head):
        sum_ ^= word
    return head + struct.pack("<H", sum_) + struct.pack("<HHHIHIH", 1, 9, 0x300, 12, 0, 3, 0) + struct.pack("<IH", 3, 0)


def icns():
    """One element of 16x16 pixels, as a PNG."""
    png = save("PNG", picture("RGB", (16, 16)))
    return b"icns" + struct.pack(">I", 16 + len(png)) + b"icp4" + struct.pack(">I", 8 + len(png)) + png


def ktx():
    """One RGB pixel row (Khronos KTX 1, 2)."""
    head = b"\xabKTX 11\xbb\r\n\x1a\n" + struct.pack("<13I", 0x04030201, 0x1401, 1, 0x1908, 0x8058, 0x1908, 1, 1, 0, 0, 1, 1, 0)
    return head + struct.pack("<I", 4) + b"\1\2\3\4"


def xcf():
    """GIMP's format, version 1, without layers: size, kind, the end of properties, the ends of both lists."""
    return b"gimp xcf v001\0" + struct.pack(">III", 4, 4, 0) + struct.pack(">II", 0, 0) + struct.pack(">II", 0, 0)


def files():
    transparent = picture("RGB", (16, 12)).convert("RGBA")
    gifs = [picture("L", (8, 8)), picture("L", (8, 8)).rotate(90)]
    exif = Image.Exif()
    exif[274] = 6
    codestream = ffmpeg("o.jxl", "-pix_fmt", "rgb24", "-c:v", "libjxl")
    ppm = save("PPM", picture(size=(4, 3)))
    made = {
        "plain.png": save("PNG"),
        "animated.png": apng(),
        "baseline.jpg": save("JPEG"),
        "progressive.jpg": save("JPEG", progressive=True),
        "exif.jpg": save("JPEG", exif=exif),
        "comment-first.jpg": b"\xff\xd8\xff\xfe\0\x07hello" + save("JPEG")[2:],
        "version-87a.gif": convert("gif87"),
        "animated.gif": save("GIF", gifs[0], save_all=True, append_images=gifs[1:], comment=b"x"),
        "lossy.webp": save("WEBP"),
        "lossless.webp": save("WEBP", lossless=True),
        "animated.webp": save("WEBP", transparent, save_all=True, append_images=[transparent.rotate(90)]),
        "windows.bmp": save("BMP"),
        "os2.bmp": os2_bitmap(),
        "of-pngs.ico": save("ICO", picture("RGB", (16, 16)), sizes=[(16, 16)]),
        "of-bitmaps.ico": icon_of_bitmaps(),
        "pointer.cur": cursor(),
        "still.avif": save("AVIF"),
        "animated.avif": save("AVIF", picture(), save_all=True, append_images=[picture().rotate(180)]),
        "codestream.jxl": codestream,
        "in-boxes.jxl": jxl_in_boxes(codestream),
        "plain.jp2": save("JPEG2000"),
        "codestream.j2k": save("JPEG2000", no_jp2=True),
        "photoshop.psd": convert("psd"),
        "large-document.psb": convert("psb"),
        "plain.qoi": save("QOI"),
        "texture.dds": save("DDS"),
        "texture.ktx": ktx(),
        "paintbrush.pcx": save("PCX"),
        "uncompressed.tga": save("TGA"),
        "packed.tga": save("TGA", compression="tga_rle"),
        "irix.sgi": save("SGI"),
        "film.dpx": ffmpeg("o.dpx"),
        "plain.exr": ffmpeg("o.exr", "-pix_fmt", "gbrpf32le", "-compression", "zip1"),
        "radiance.hdr": convert("hdr"),
        "astronomy.fits": ffmpeg("o.fits", "-pix_fmt", "gray"),
        "binary.pbm": save("PPM", picture("1", (8, 8))),
        "binary.pgm": save("PPM", picture("L", (4, 3))),
        "binary.ppm": ppm,
        "letters.ppm": b"P3\n# by hand\n2 1\n255\n255 0 0 0 255 0\n",
        "apple.icns": icns(),
        "animated.mng": convert("mng"),
        "scan.djvu": run("c44", "in.ppm", "o.djvu", given={"in.ppm": save("PPM", picture(size=(32, 32)))}, made="o.djvu"),
        "plain.jxr": run("JxrEncApp", "-i", "in.bmp", "-o", "o.jxr", given={"in.bmp": save("BMP", picture(size=(16, 16)))}, made="o.jxr"),
        "windows.emf": emf(),
        "placeable.wmf": wmf(),
        "gimp.xcf": xcf(),
        "flat.xbm": save("XBM", picture("1", (8, 8))),
        "phone.mpo": save("MPO", picture(), save_all=True, append_images=[picture().rotate(180)]),
    }
    return made | tiffs() | heics()
