"""Reading picture files: whatever a camera, a phone or a scanner wrote comes out as plain RGB."""

from __future__ import annotations

import contextlib
import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".gif"}

_ORIENTATION = 0x0112  # the EXIF tag
_TURNED = (5, 6, 7, 8)  # its values that swap width and height


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
    pictures are converted. Of an animation the first frame is read.

    Raises
    ------
    PictureError
        If the file is empty, truncated, damaged, no picture, or may not be read; the message names it.
    """
    with _named(path), Image.open(path) as image:
        return _rgb(ImageOps.exif_transpose(image))


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
    with _named(path), Image.open(path) as image:
        # As stored: Pillow 13 states a TIFF's size as it is shown, which it turns on opening; earlier ones on reading.
        width, height = (image.tag_v2[256], image.tag_v2[257]) if image.format == "TIFF" else image.size
        turned = image.getexif().get(_ORIENTATION) in _TURNED
    return (height, width) if turned else (width, height)


@contextlib.contextmanager
def _named(path: Path | str) -> Iterator[None]:
    """Turn what Pillow raises while it reads ``path`` into one error that names the file and says what to do."""
    try:
        yield
    except FileNotFoundError:
        raise
    except PermissionError as error:
        raise PictureError(
            f"{path} cannot be read as a picture: its permissions forbid it. Change them, or remove it with its label."
        ) from error
    except Image.DecompressionBombError as error:
        raise PictureError(
            f"{path} cannot be read as a picture: it unpacks to more than {2 * Image.MAX_IMAGE_PIXELS / 1e6:.0f} "
            "million pixels. Scale it down, or remove it with its label."
        ) from error
    except UnidentifiedImageError as error:
        found = "its content is that of no known picture format" if os.path.getsize(path) else "it is empty"
        raise PictureError(
            f"{path} cannot be read as a picture: {found}. Replace it, or remove it with its label."
        ) from error
    except (OSError, SyntaxError, TypeError, ValueError, EOFError, struct.error, zlib.error) as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise PictureError(
            f"{path} cannot be read as a picture ({reason}). It may be cut short, damaged or of a format that is not "
            "read here: replace it, or remove it with its label."
        ) from error
