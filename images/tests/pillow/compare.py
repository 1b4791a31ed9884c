"""Compares results of operations with what Pillow makes of the same sources.

    python compare.py FOLDER

FOLDER holds `wanted.json`: a list of [SOURCE, ADDRESS, RESULT], where SOURCE and RESULT are files in it. Prints a JSON list
with one object for each of them, in their order:

size        whether width and height are the same
alpha       whether there is transparency in both or in neither; a JPEG has none
upright     whether the result is nearest to Pillow's as it is, and not to one that is turned or mirrored
mean, p99   how far apart the channels of both are, from 0 to 255: the mean, and what 99 of 100 are within
"""

import faulthandler
import io
import json
import sys
from pathlib import Path

# A library that never answers must not hold the test run for ever.
DEADLINE_SECONDS = 300

try:
    from PIL import Image, ImageChops, ImageCms, ImageEnhance, ImageFilter, ImageOps
except ModuleNotFoundError:
    print("Pillow is not installed: run ./check setup, and use its pillow/bin/python", file=sys.stderr)
    sys.exit(2)

LANCZOS = Image.Resampling.LANCZOS
SRGB = ImageCms.createProfile("sRGB")
WORDS = {"center": (50, 50), "top": (50, 0), "right": (100, 50), "bottom": (50, 100), "left": (0, 50)}


def opened(path):
    """A source as it is seen: upright, in RGB or RGBA with eight bits, in sRGB."""
    with Image.open(path) as image:
        image.load()
        profile = image.info.get("icc_profile")
        image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I;16"):
        image = image.convert("I").point(lambda value: value / 256).convert("L")
    clear = image.has_transparency_data
    if profile:
        image = in_srgb(image, profile)
    return image.convert("RGBA" if clear else "RGB")


def in_srgb(image, profile):
    profile = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    alpha = image.getchannel("A") if "A" in image.getbands() else None
    colors = {"LA": "L", "RGBA": "RGB"}.get(image.mode, image.mode)
    image = ImageCms.profileToProfile(image.convert(colors), profile, SRGB, outputMode="RGB")
    if alpha:
        image.putalpha(alpha)
    return image


def rounded(value):
    return max(1, int(value + 0.5))


def with_colors(image, change):
    """Changes the colours, and leaves what is transparent as it is."""
    changed = change(image.convert("RGB")).convert("RGB")
    if image.mode == "RGBA":
        changed.putalpha(image.getchannel("A"))
    return changed


class Picture:
    def __init__(self, image):
        self.image = image
        self.stretch = "on"
        self.fill = None

    def cut(self, left, top, width, height):
        inside = left >= 0 and top >= 0 and left + width <= self.image.width and top + height <= self.image.height
        if inside:
            self.image = self.image.crop((left, top, left + width, top + height))
            return
        clear = self.fill is None and self.image.mode == "RGBA"
        color = (255, 255, 255, 0) if clear else (*(self.fill or (255, 255, 255)), 255)
        canvas = Image.new("RGBA", (width, height), color)
        canvas.paste(self.image, (-left, -top))
        self.image = canvas.convert(self.image.mode)

    def place(self, text, width, height):
        room = (self.image.width - width, self.image.height - height)
        if text in WORDS:
            shares = WORDS[text]
        elif "p" in text:
            shares = [int(part.rstrip("p")) for part in text.split(",")]
        else:
            return [int(part) for part in text.split(",")]
        return [side * share / 100 for side, share in zip(room, shares)]

    def preview(self, size="2048x2048"):
        most = [int(side) for side in size.split("x")]
        scale = min(1, *(limit / side for limit, side in zip(most, self.image.size)))
        self.scale([rounded(side * scale) for side in self.image.size])

    def scale(self, size, box=None):
        if tuple(size) != self.image.size or box:
            self.image = self.image.resize(tuple(size), LANCZOS, box)

    def resize(self, size):
        width, height = size.split("x")
        across = int(width) / self.image.width if width else None
        down = int(height) / self.image.height if height else None
        if self.stretch == "off" and max(across or 0, down or 0) > 1:
            return
        sides = zip(self.image.size, (across or down, down or across))
        self.scale([rounded(side * by) for side, by in sides])

    def scale_crop(self, size, place="left,top"):
        wanted = [int(side) for side in size.split("x")]
        by = max(to / side for to, side in zip(wanted, self.image.size))
        if self.stretch == "off" and by > 1:
            by = 1
            wanted = [min(to, side) for to, side in zip(wanted, self.image.size)]
        width, height = (min(to / by, side) for to, side in zip(wanted, self.image.size))
        left, top = (0, 0) if place == "left,top" else self.place(place, width, height)
        self.scale(wanted, (left, top, left + width, top + height))

    def crop(self, size, place="0,0"):
        if ":" in size:
            ratio = [int(part) for part in size.split(":")]
            scale = min(side / part for side, part in zip(self.image.size, ratio))
            width, height = (rounded(part * scale) for part in ratio)
        else:
            width, height = (int(side) for side in size.split("x"))
        left, top = self.place(place, width, height)
        self.cut(*(round_half_away(value) for value in (left, top)), width, height)

    def set_stretch(self, value):
        self.stretch = value

    def setfill(self, color):
        self.fill = tuple(bytes.fromhex(color))

    def rotate(self, angle):
        turn = {90: Image.Transpose.ROTATE_90, 180: Image.Transpose.ROTATE_180, 270: Image.Transpose.ROTATE_270}
        self.image = self.image.transpose(turn[int(angle)])

    def mirror(self):
        self.image = ImageOps.mirror(self.image)

    def flip(self):
        self.image = ImageOps.flip(self.image)

    def grayscale(self):
        self.image = with_colors(self.image, lambda image: image.convert("L"))

    def invert(self):
        self.image = with_colors(self.image, ImageOps.invert)

    def each(self, change):
        def one(value):
            return min(255, max(0, round(255 * change(value / 255))))

        self.image = with_colors(self.image, lambda image: image.point(one))

    def brightness(self, value):
        self.each(lambda v: v + int(value) / 200)

    def exposure(self, value):
        self.each(lambda v: v * 2 ** (int(value) / 100))

    def gamma(self, value):
        self.each(lambda v: v ** (100 / int(value)))

    def contrast(self, value):
        self.each(lambda v: (v - 0.5) * (1 + int(value) / 100) + 0.5)

    def saturation(self, value):
        factor = 1 + int(value) / 100
        self.image = with_colors(self.image, lambda image: ImageEnhance.Color(image).enhance(factor))

    def blur(self, strength):
        self.filter(ImageFilter.GaussianBlur(int(strength) / 10))

    def sharp(self, strength):
        self.filter(ImageFilter.UnsharpMask(1, 10 * int(strength), 0))

    def filter(self, kernel):
        if self.image.mode == "RGBA":
            self.image = self.image.convert("RGBa").filter(kernel).convert("RGBA")
        else:
            self.image = self.image.filter(kernel)


def round_half_away(value):
    return int(value + 0.5) if value >= 0 else -int(0.5 - value)


# How results are written, as images/README.md says.
QUALITY = {"JPEG": {"normal": 82, "better": 90, "best": 96}, "WEBP": {"normal": 80}}
SETTINGS = {"format", "quality", "progressive"}


def made(source, address):
    picture = Picture(source)
    for piece in address.removeprefix("-/").removesuffix("/").split("/-/"):
        name, *parameters = piece.split("/")
        if name not in SETTINGS:
            getattr(picture, {"stretch": "set_stretch"}.get(name, name))(*parameters)
    return picture.image, picture.fill or (255, 255, 255)


def written(image, form, address):
    """What a lossy format leaves of a picture: that loss is no difference."""
    if form not in QUALITY:
        return image
    quality = next((name for name in QUALITY[form] if f"/quality/{name}/" in address), "normal")
    file = io.BytesIO()
    subsampling = {} if form == "WEBP" else {"subsampling": "4:4:4" if quality == "best" else "4:2:0"}
    image.save(file, form, quality=QUALITY[form][quality], **subsampling)
    return Image.open(file).convert(image.mode)


def is_clear(image):
    return image.mode == "RGBA" and image.getextrema()[3][0] < 255


def on(image, color):
    canvas = Image.new("RGB", image.size, color)
    canvas.paste(image, mask=image.getchannel("A") if image.mode == "RGBA" else None)
    return canvas


def distance(a, b):
    """Of two images of the same kind: the mean, and the 99th percentile."""
    counts = [0] * 256
    histogram = ImageChops.difference(a, b).histogram()
    for at, count in enumerate(histogram):
        counts[at % 256] += count
    total = sum(counts)
    seen = 0
    for p99, count in enumerate(counts):
        seen += count
        if seen >= 0.99 * total:
            break
    return sum(value * count for value, count in enumerate(counts)) / total, p99


def is_upright(ours, theirs):
    # The whole is enough: what is turned is far away.
    ours, theirs = (image.resize((12, 12), Image.Resampling.BOX) for image in (ours, theirs))
    as_it_is, _ = distance(ours, theirs)
    # A picture that is the same the other way round says nothing, so equally near is near enough.
    return all(as_it_is <= distance(ours, theirs.transpose(turn))[0] + 1 for turn in Image.Transpose)


def compared(source, address, path):
    with Image.open(path) as image:
        form = image.format
        ours = image.convert("RGBA" if image.has_transparency_data else "RGB")
    theirs, fill = made(source, address)
    if ours.size != theirs.size:
        return {"size": False, "alpha": True, "upright": True, "mean": 0, "p99": 0, "sizes": [ours.size, theirs.size]}
    alpha = is_clear(ours) == (is_clear(theirs) and form != "JPEG")
    theirs = written(on(theirs, fill) if form == "JPEG" else theirs, form, address)
    # What the colour is below nothing does not count.
    colors = [(0, 0, 0), (255, 255, 255)] if is_clear(ours) or is_clear(theirs) else [(0, 0, 0)]
    found = [distance(on(ours, color), on(theirs, color)) for color in colors]
    mean, p99 = (max(values) for values in zip(*found))
    upright = is_upright(on(ours, colors[0]), on(theirs, colors[0]))
    return {"size": True, "alpha": alpha, "upright": upright, "mean": mean, "p99": p99}


def main():
    folder = Path(sys.argv[1])
    sources = {}
    results = []
    for source, address, result in json.loads((folder / "wanted.json").read_text()):
        if source not in sources:
            sources = {source: opened(folder / source)}
        results.append(compared(sources[source], address, folder / result))
    json.dump(results, sys.stdout)


faulthandler.dump_traceback_later(DEADLINE_SECONDS, exit=True)
main()
