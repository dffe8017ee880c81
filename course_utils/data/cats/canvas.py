"""What all parts of a picture are drawn with: filled outlines, brush strokes, soft steps and shadows."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw

from course_utils.data.drawing import to_image

SIDE = 320  # pixels
SIZE = (SIDE, SIDE)


def ramp(value, low: float, high: float) -> np.ndarray:
    """Return 0 where ``value`` is below ``low``, 1 above ``high``, a smooth step between. ``low`` may be the larger."""
    t = np.clip((value - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def window_around(points: np.ndarray, margin: float) -> tuple[int, int, int, int]:
    """Return the part of the picture around some points, as x0, y0, x1, y1."""
    x0, y0 = np.clip(np.floor(points.min(0) - margin), 0, SIDE).astype(int)
    x1, y1 = np.clip(np.ceil(points.max(0) + margin), 0, SIDE).astype(int)
    return int(x0), int(y0), int(x1), int(y1)


def coverage(polygons: list[np.ndarray], window: tuple[int, int, int, int]) -> np.ndarray:
    """Return the coverage, 0 to 1, of the window's pixels by the union of the polygons."""
    x0, y0, x1, y1 = window
    sheet = Image.new("L", (2 * (x1 - x0), 2 * (y1 - y0)))
    draw = ImageDraw.Draw(sheet)
    for points in polygons:
        draw.polygon(((points - (x0, y0)) * 2 - 0.5).ravel().tolist(), fill=255)
    return np.asarray(sheet.reduce(2), np.float32) / 255


def stroke(points: np.ndarray, width, ends=(0.3, 0.3)) -> np.ndarray:
    """Return the outlines (..., 2N, 2) of brush strokes along ``points`` (..., N, 2).

    Parameters
    ----------
    width : float
        Width in the middle, in the units of ``points``.
    ends : (float, float)
        Width at the two ends, as a fraction of ``width``.
    """
    p = np.asarray(points, np.float64)
    n = p.shape[-2]
    along = np.concatenate(
        [p[..., 1:2, :] - p[..., :1, :], p[..., 2:, :] - p[..., :-2, :], p[..., -1:, :] - p[..., -2:-1, :]], -2
    )
    t = np.arange(n) / (n - 1)
    taper = np.minimum(ends[0] + (1 - ends[0]) * 2 * t, np.minimum(1, ends[1] + (1 - ends[1]) * (2 - 2 * t)))
    size = taper * (width / 2) / np.maximum(np.sqrt((along**2).sum(-1)), 1e-9)
    offset = along[..., ::-1] * (-1, 1) * size[..., None]
    return np.concatenate([p + offset, (p - offset)[..., ::-1, :]], -2)


def cast_shadow(picture: np.ndarray, cover: np.ndarray, offset: tuple[float, float]) -> None:
    """Darken the picture, in place, by the soft shadow of what covers it, moved by ``offset`` pixels."""
    small = Image.fromarray((cover * 255).astype(np.uint8)).reduce(8)
    soft = small.transform(small.size, Image.Transform.AFFINE, (1, 0, -offset[0] / 8, 0, 1, -offset[1] / 8),
                           Image.Resampling.BILINEAR).resize(SIZE, Image.Resampling.BICUBIC)  # fmt: skip
    picture *= (1 - np.asarray(soft, np.float32) * np.float32(0.45 / 255))[..., None]


class Brush:
    """Draws on a window of a picture at ``fine`` times its resolution, with transparent colours."""

    def __init__(self, image: Image.Image, origin: np.ndarray, fine: int):
        self.image, self.origin, self.fine = image, origin, fine
        self._draw = ImageDraw.Draw(image, "RGBA")

    @classmethod
    def on(cls, picture: np.ndarray, window: tuple[int, int, int, int], fine: int) -> Brush:
        x0, y0, x1, y1 = window
        small = to_image(picture[y0:y1, x0:x1])
        # Repeated pixels, so that what is not painted on comes back as it was.
        large = small.resize((small.width * fine, small.height * fine), Image.Resampling.NEAREST)
        return cls(large, np.array([x0, y0], np.float64), fine)

    def flat(self, points) -> list[float]:
        """Return a picture's points as coordinates on the enlarged window, in a row."""
        return ((np.asarray(points) - self.origin) * self.fine - 0.5).ravel().tolist()

    def fill(self, points, colour, opacity: float = 1.0) -> None:
        """Fill the polygon ``points`` (N, 2)."""
        ink = tuple(min(255, max(0, int(c * 255 + 0.5))) for c in colour)
        self._draw.polygon(self.flat(points), fill=(*ink, int(opacity * 255 + 0.5)))

    def dot(self, centre, radius: float, colour, opacity: float = 1.0) -> None:
        """Fill a circle; ``radius`` is in pixels of the picture."""
        ink = tuple(min(255, max(0, int(c * 255 + 0.5))) for c in colour)
        x, y = self.flat(centre)
        r = radius * self.fine
        self._draw.ellipse((x - r, y - r, x + r, y + r), fill=(*ink, int(opacity * 255 + 0.5)))

    def clip(self, points, paint: Callable[[Brush], None]) -> None:
        """Let ``paint`` draw on a copy, and keep only what lies within the polygon ``points``."""
        corners = (np.asarray(points) - self.origin) * self.fine - 0.5
        x0, y0 = np.maximum(np.floor(corners.min(0)), 0).astype(int)
        x1, y1 = np.minimum(np.ceil(corners.max(0)) + 1, self.image.size).astype(int)
        if x1 <= x0 or y1 <= y0:
            return
        part = Brush(self.image.crop((x0, y0, x1, y1)), self.origin + np.array([x0, y0]) / self.fine, self.fine)
        paint(part)
        stencil = Image.new("L", part.image.size)
        ImageDraw.Draw(stencil).polygon(part.flat(points), fill=255)
        self.image.paste(part.image, (int(x0), int(y0)), stencil)

    def picture(self) -> np.ndarray:
        """Return the window at the picture's resolution."""
        return np.asarray(self.image.reduce(self.fine), np.float32) / 255
