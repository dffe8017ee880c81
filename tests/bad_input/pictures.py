"""Pictures that cannot be read, and pictures that are right, though not plain 8-bit RGB."""

from __future__ import annotations

import struct
import zlib

import numpy as np
from PIL import Image

from bad_input.cases import Attempt, bad, fine
from bad_input.samples import IMAGE, cats, encoded, photo, picture
from course_utils import data
from course_utils.data.pictures import PictureError, read_rgb

# Pictures that cannot be read. Each is a.png of the cats, or a file of its own for `load_photos`.

REPLACE = "replace it, or remove it with its label"


def png_of_size(width: int, height: int) -> bytes:
    """Return a PNG file of 100 bytes that says it has so many pixels."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def cut_in_pixels(png: bytes) -> bytes:
    return png[: png.index(b"IDAT") + 14]


def floats() -> Image.Image:
    return Image.fromarray(np.ones((4, 4), np.float32))


# name: (what is wrong, its bytes, expected, came, do)
PICTURES = {
    "zero-byte": (".png", "an empty file", b"", "", "cannot be read as a picture: it is empty", "Replace it"),
    "text": (
        ".jpg",
        "a text renamed .jpg",
        b"hello\n",
        "picture format",
        "its content is that of no known picture format",
        "Replace it, or remove it",
    ),
    "html": (
        ".jpg",
        "a web page that was saved as a picture",
        b"<!DOCTYPE html><title>404 Not Found</title>",
        "picture format",
        "its content is that of no known picture format",
        "Replace it, or remove it",
    ),
    "jpeg-half": (
        ".jpg",
        "a JPEG file cut in the middle",
        encoded("JPEG")[:420],
        "",
        "cut short",
        REPLACE,
    ),
    "jpeg-header": (".jpg", "the first 100 bytes of a JPEG file", encoded("JPEG")[:100], "", "cut short", REPLACE),
    "png-half": (
        ".png",
        "a PNG file cut in its pixels",
        cut_in_pixels(encoded("PNG")),
        "",
        "cut short",
        REPLACE,
    ),
    "png-damaged": (
        ".png",
        "a PNG file with a wrong byte in its pixels",
        encoded("PNG").replace(b"IDATx", b"IDATy"),
        "",
        "damaged",
        REPLACE,
    ),
    "gif-half": (".gif", "a GIF file cut in its pixels", encoded("GIF")[:840], "", "cut short", REPLACE),
    "float": (
        ".tif",
        "pixels in floating point",
        encoded("TIFF", floats()),
        "expected 8 or 16 bits",
        "it has floating-point pixels",
        REPLACE,
    ),
    "bomb": (
        ".png",
        "100 bytes that unpack to 400 million pixels",
        png_of_size(20_000, 20_000),
        "more than 179 million pixels",
        "it unpacks to more than",
        "Scale it down",
    ),
}
for name, (suffix, wrong, content, expected, came, do) in PICTURES.items():

    @bad(
        f"picture-{name}",
        wrong,
        PictureError,
        named=f"broken{suffix} cannot be read",
        expected=expected,
        came=came,
        do=do,
    )
    def _(folder, suffix=suffix, content=content):
        (folder / f"broken{suffix}").write_bytes(content)
        return lambda: data.load_photos(folder)


@bad(
    "picture-unreadable",
    "a picture that this user may not read",
    PictureError,
    named="/photos/a.png cannot be read",
    expected="permissions",
    came="its permissions forbid it",
    do="Change them",
)
def _(folder):
    picture(folder / "photos/a.png")
    return Attempt(lambda: data.load_photos(folder / "photos"), unreadable=folder / "photos/a.png")


@bad(
    "picture-folder",
    "the path of a folder for that of a picture",
    PictureError,
    named="/photos cannot be read as a picture",
    expected="as a picture",
    came="Is a directory",
    do=REPLACE,
)
def _(folder):
    (folder / "photos").mkdir()
    return lambda: read_rgb(folder / "photos")


@bad(
    "picture-of-item",
    "a damaged picture among the cats, found when it is asked for",
    PictureError,
    named=f"/cats/{IMAGE} cannot be read",
    expected="picture",
    came="it is empty",
    do="Replace it, or remove it with its label",
)
def _(folder):
    root = cats(folder)
    (root / IMAGE).write_bytes(b"")
    splits = data.load_cats(root)
    splits.train[1]
    return lambda: splits.train[0]


@bad(
    "picture-bomb-boxes",
    "the boxes of a picture of 400 million pixels",
    PictureError,
    named=f"/cats/{IMAGE} cannot be read",
    expected="more than 179 million pixels",
    came="it unpacks to more than",
    do="Scale it down",
)
def _(folder):
    root = cats(folder)
    (root / IMAGE).write_bytes(png_of_size(20_000, 20_000))
    return lambda: data.load_cats(root).train.boxes(0)


@bad(
    "pictures-none",
    "a folder without pictures for `load_photos`",
    ValueError,
    named="/photos holds no pictures",
    expected="expected files ending in one of",
    came="nor does a folder in it",
    do="Give the folder that holds them",
)
def _(folder):
    (folder / "photos/empty").mkdir(parents=True)
    (folder / "photos/.hidden.png").write_bytes(encoded("PNG"))
    return lambda: data.load_photos(folder / "photos")


# Pictures that are right, though not plain 8-bit RGB: (what is odd, bytes, what comes out, how far off)

RGB = np.asarray(photo())
GREY = np.asarray(photo().convert("L"))
CYAN = np.broadcast_to(np.uint8([0, 255, 255]), (16, 24, 3))


def turned(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return encoded("PNG", exif=exif)


def animation(kind: str) -> bytes:
    red, blue = (Image.new("RGB", (24, 16), colour) for colour in ((255, 0, 0), (0, 0, 255)))
    return encoded(kind, red, save_all=True, append_images=[blue, red], duration=50)


def translucent() -> Image.Image:
    image = photo().convert("RGBA")
    image.putalpha(Image.fromarray(np.repeat(np.uint8([[0] * 12 + [255] * 12]), 16, 0)))
    return image


ON_WHITE = np.where(np.arange(24)[None, :, None] < 12, 255, RGB)
WIDE = np.arange(16 * 24, dtype=np.uint16).reshape(16, 24) * 170
ODD = {
    "cmyk": (".jpg", "CMYK", encoded("JPEG", Image.new("CMYK", (24, 16), (255, 0, 0, 0)), quality=95), CYAN, 3),
    "16-bit-png": (".png", "16 bits a pixel (PNG)", encoded("PNG", Image.fromarray(WIDE)), (WIDE >> 8)[..., None], 0),
    "16-bit-tiff": (
        ".tif",
        "16 bits a pixel (TIFF)",
        encoded("TIFF", Image.fromarray(WIDE)),
        (WIDE >> 8)[..., None],
        0,
    ),
    "palette": (".png", "a palette", encoded("PNG", photo().quantize(256)), RGB, 12),
    "palette-clear": (
        ".png",
        "a palette with a transparent colour, laid on white",
        encoded("PNG", Image.new("P", (24, 16), 0), transparency=0),
        np.full((16, 24, 3), 255),
        0,
    ),
    "alpha": (".png", "transparency, laid on white", encoded("PNG", translucent()), ON_WHITE, 0),
    "grey-alpha": (".png", "grey with transparency", encoded("PNG", photo().convert("LA")), GREY[..., None], 0),
    "grey": (".png", "grey", encoded("PNG", photo().convert("L")), GREY[..., None], 0),
    "one-bit": (".png", "black and white", encoded("PNG", Image.new("1", (24, 16), 1)), np.full((16, 24, 3), 255), 0),
    "exif-turned": (".png", "EXIF: turned by 90 degrees", turned(6), np.rot90(RGB, -1), 0),
    "exif-upside-down": (".png", "EXIF: upside down", turned(3), RGB[::-1, ::-1], 0),
    "exif-mirrored": (".png", "EXIF: mirrored", turned(2), RGB[:, ::-1], 0),
    "exif-nonsense": (".png", "EXIF: an orientation that does not exist", turned(77), RGB, 0),
    "gif-animated": (".gif", "an animated GIF; its first frame", animation("GIF"), [[[255, 0, 0]]], 0),
    "png-animated": (".png", "an animated PNG; its first frame", animation("PNG"), [[[255, 0, 0]]], 0),
    "webp-animated": (".webp", "an animated WebP; its first frame", animation("WEBP"), [[[255, 0, 0]]], 8),
    "1x1": (".png", "a single pixel", encoded("PNG", Image.new("RGB", (1, 1), (1, 2, 3))), [[[1, 2, 3]]], 0),
    "wrong-suffix": (".jpg", "a PNG file named .jpg", encoded("PNG"), RGB, 0),
    "capitals": (".PNG", "an ending in capitals", encoded("PNG"), RGB, 0),
    "png-cut-end": (".png", "a PNG file without its last 12 bytes, which hold no pixels", encoded("PNG")[:-12], RGB, 0),
}
for name, (suffix, odd, content, wanted, off) in ODD.items():

    @fine(f"picture-{name}", odd, gives=np.asarray(wanted).astype(int), off=off)
    def _(folder, suffix=suffix, content=content):
        (folder / f"odd{suffix}").write_bytes(content)
        return lambda: data.load_photos(folder)["odd"]


@fine("picture-1x1-as-tensor", "pictures of a single pixel, made 4 x 4", gives=np.full((2, 3, 4, 4), 9))
def _(folder):
    for name in "ab":
        picture(folder / "set" / name / "1.png", (9, 9, 9), (1, 1))
    return lambda: data.as_tensors(data.load_vehicles(folder / "set"), 4)[0]


@fine("picture-exif-text-boxes", "the boxes of a picture whose EXIF orientation is a text", gives=[[3, 2, 9, 6]])
def _(folder):
    root = cats(folder)
    # One entry of the type that holds text, in bytes: Pillow would not write it.
    exif = b"Exif\0\0II*\0" + struct.pack("<IHHHI4sI", 8, 1, 0x0112, 2, 3, b"up\0\0", 0)
    Image.new("RGB", (12, 8)).save(root / IMAGE, exif=exif)
    return lambda: data.load_cats(root).train.boxes(0)
