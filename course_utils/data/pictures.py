"""Reading picture files: whatever a camera, a phone or a scanner wrote comes out as plain RGB."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".gif"}

_ORIENTATION = 0x0112  # the EXIF tag; 5 to 8 are the four that swap width and height


class PictureError(OSError):
    """A file is no readable picture; the message names it."""


def pictures_in(folder: Path) -> list[Path]:
    """Return the picture files directly inside ``folder``, by name; hidden files are left out."""
    return sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and path.is_file()
    )


def read_rgb(path: Path | str) -> Image.Image:
    """Read a picture as 8-bit RGB, the right way up.

    The EXIF orientation is applied, 16 bits become 8, transparency is laid on white, and grey, palette and CMYK
    pictures are converted.

    Raises
    ------
    PictureError
        If the file is empty, truncated, damaged or no picture; the message names it.
    """
    try:
        with Image.open(path) as image:
            return _rgb(ImageOps.exif_transpose(image))
    except FileNotFoundError:
        raise
    except (
        OSError,
        SyntaxError,
        ValueError,
        EOFError,
        struct.error,
        zlib.error,
        Image.DecompressionBombError,
    ) as error:
        raise PictureError(
            f"{path} cannot be read as a picture ({error}). It may be empty, cut short or of another format: "
            "replace it, or remove it with its label."
        ) from error


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode == "F":
        raise ValueError("it has floating-point pixels, expected 8 or 16 bits")
    if image.mode.startswith("I"):  # 16 bits; convert("RGB") would clip them at 255
        wide = np.clip(np.asarray(image).astype(np.int64), 0, 65535)
        image = Image.fromarray((wide >> 8).astype(np.uint8))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert("RGB")


def size_upright(path: Path) -> tuple[int, int]:
    """Return (width, height) in pixels of the picture as :func:`read_rgb` returns it, reading its header only."""
    try:
        with Image.open(path) as image:
            width, height = image.size
            turned = image.getexif().get(_ORIENTATION, 1) >= 5
    except FileNotFoundError:
        raise
    except (OSError, SyntaxError, ValueError, struct.error) as error:
        raise PictureError(f"{path} cannot be read as a picture ({error}). Replace it, or remove it.") from error
    return (height, width) if turned else (width, height)
