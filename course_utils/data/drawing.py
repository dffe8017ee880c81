"""Shared drawing helpers of the generated pictures: textures, skies, supersampled shapes, light and camera.

Conventions, the same in every function:

- a *picture* is a float32 array ``(H, W, 3)``, RGB, 0 to 1; a *field* is a float32 array ``(H, W)``;
- a *colour* is three numbers from 0 to 1;
- a *point* is ``(x, y)`` in pixels of the finished picture, x to the right, y down, pixel centres at ``+ 0.5``;
- ``size`` is ``(width, height)`` in pixels, as Pillow writes it;
- randomness comes from a ``numpy.random.Generator`` that the caller passes in, see :func:`stream`.

Typical use::

    rng = stream(seed, tag=3, index=17)
    picture = photograph(rng, (256, 256), "china", blur=2)
    layer = Layer((256, 256), supersample=3)
    layer.polygon(smooth([(60, 80), (200, 80), (128, 210)]), (0.8, 0.4, 0.1))
    picture = layer.over(picture, light=gradient((256, 256), angle=0.7, low=0.7, high=1.1))
    picture = camera(rng, illuminate(rng, picture))
    to_image(picture).save("17.jpg", quality=92)

The photographs are those inside the scikit-image and scikit-learn packages. They are read from the installed
files, never downloaded.
"""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter
from scipy import fft

# Photographs that come inside the wheels, with the package folder that holds them. Grey ones are textures.
PHOTOGRAPHS = {
    "brick": ("skimage", "data/brick.png"),
    "grass": ("skimage", "data/grass.png"),
    "gravel": ("skimage", "data/gravel.png"),
    "coffee": ("skimage", "data/coffee.png"),
    "rocket": ("skimage", "data/rocket.jpg"),
    "china": ("sklearn", "datasets/images/china.jpg"),
    "flower": ("sklearn", "datasets/images/flower.jpg"),
}
NOISE_SIDE = 512  # pixels; the noise tiles are periodic with this period
_NOISE_SEED = 20240229  # the tiles are the same for every data set and seed; what varies is where they are cut


def stream(seed: int, tag: int, index: int) -> np.random.Generator:
    """Return the random stream of one picture, so that picture ``index`` does not depend on the others.

    Parameters
    ----------
    seed : int
        The data set's seed, zero or more.
    tag : int
        A number of the caller's choosing, one per kind of picture.
    index : int
        The picture's position within its kind.
    """
    return np.random.default_rng([seed, tag, index])


def pick(rng: np.random.Generator, options):
    """Return one element of a sequence, every one as likely, without turning it into a NumPy object."""
    return options[int(rng.integers(len(options)))]


def mix(a, b, t: float) -> np.ndarray:
    """Return the colour that lies the fraction ``t`` of the way from colour ``a`` to colour ``b``."""
    return np.asarray(a, np.float32) * (1 - t) + np.asarray(b, np.float32) * t


def vary(rng: np.random.Generator, colour, amount: float = 0.05) -> np.ndarray:
    """Return ``colour`` with each channel moved by up to ``amount``, clipped to 0 to 1."""
    return np.clip(np.asarray(colour, np.float32) + rng.uniform(-amount, amount, 3), 0, 1).astype(np.float32)


def hsv(hue: float, saturation: float, value: float) -> np.ndarray:
    """Return the RGB colour of a hue (any real number, period 1), a saturation and a value (0 to 1)."""
    # Red is full within one sixth of its hue and gone beyond two; so are the others around theirs.
    channel = np.clip(2 - np.abs((hue * 6 - np.array([0.0, 2.0, 4.0]) + 3) % 6 - 3), 0, 1)
    return (value * (1 - saturation + saturation * channel)).astype(np.float32)


# --- noise ---------------------------------------------------------------------------------------------------


@cache
def _noise_tile(roughness: float, number: int) -> np.ndarray:
    """Return a periodic noise tile, 0 to 1, laid 2 x 2 so that a window never has to wrap around."""
    rng = np.random.default_rng([_NOISE_SEED, int(round(roughness * 10)), number])
    fy = fft.fftfreq(NOISE_SIDE)[:, None]
    fx = fft.rfftfreq(NOISE_SIDE)[None, :]
    frequency = np.hypot(fy, fx)
    frequency[0, 0] = 1.0  # only to divide by; the constant term is set to zero below
    spectrum = fft.rfft2(rng.standard_normal((NOISE_SIDE, NOISE_SIDE))) * frequency ** -(3.0 - 2.0 * roughness)
    spectrum[0, 0] = 0
    field = fft.irfft2(spectrum, s=(NOISE_SIDE, NOISE_SIDE))
    # Scale between percentiles: the extremes of a Gaussian field are too rare to set its contrast.
    low, high = np.percentile(field, (1, 99))
    field = np.clip((field - low) / (high - low), 0, 1).astype(np.float32)
    return np.tile(field, (2, 2))


def noise(
    rng: np.random.Generator, size: tuple[int, int], roughness: float = 0.5, stretch: tuple[float, float] = (1, 1)
) -> np.ndarray:
    """Return a field of cloudy random noise, 0 to 1.

    Parameters
    ----------
    size : (int, int)
        Width and height in pixels, at most 512 each.
    roughness : float
        0 is smooth as fog, 0.5 is clouds or stains, 1 is rough as sand, 1.5 is white noise. Values in use are
        cached, so keep to a few of them.
    stretch : (float, float)
        How much longer the grain is along x and along y: ``(6, 1)`` looks like water or wood.
    """
    width, height = size
    tile = _noise_tile(roughness, int(rng.integers(4)))
    w = min(NOISE_SIDE, max(2, round(width / stretch[0])))
    h = min(NOISE_SIDE, max(2, round(height / stretch[1])))
    x, y = rng.integers(NOISE_SIDE, size=2)
    window = tile[y : y + h, x : x + w]
    flip_x, flip_y = rng.integers(2, size=2)
    window = window[:: -1 if flip_y else 1, :: -1 if flip_x else 1]
    if (w, h) == (width, height):
        return window.copy()
    return np.asarray(Image.fromarray(np.ascontiguousarray(window)).resize(size, Image.Resampling.BICUBIC)).clip(0, 1)


def gradient(size: tuple[int, int], angle: float, low: float = 0.0, high: float = 1.0) -> np.ndarray:
    """Return a field that rises evenly from ``low`` to ``high`` along ``angle`` (radians, 0 = right, pi/2 = down)."""
    width, height = size
    c, s = float(np.cos(angle)), float(np.sin(angle))
    x = (np.arange(width, dtype=np.float32) + 0.5) / width - 0.5
    y = (np.arange(height, dtype=np.float32) + 0.5) / height - 0.5
    t = (x * c)[None, :] + (y * s)[:, None]
    return low + (high - low) * (t / (abs(c) + abs(s)) + 0.5)


def blend(field: np.ndarray, a, b) -> np.ndarray:
    """Return the picture that has colour ``a`` where ``field`` is 0 and colour ``b`` where it is 1.

    ``a`` and ``b`` may also be pictures.
    """
    a, b = np.asarray(a, np.float32), np.asarray(b, np.float32)
    result = np.empty((*field.shape, 3), np.float32)
    for k in range(3):  # channel by channel: NumPy is slow along an axis of three
        result[..., k] = a[..., k] + field * (b[..., k] - a[..., k])
    return result


# --- backgrounds -----------------------------------------------------------------------------------------------


@cache
def load_photograph(name: str) -> Image.Image:
    """Return one of :data:`PHOTOGRAPHS` as an RGB image, read from its installed package.

    Raises
    ------
    FileNotFoundError
        If the installed package does not contain the file.
    """
    package, inside = PHOTOGRAPHS[name]
    path = Path(find_spec(package).origin).parent / inside
    if not path.is_file():
        raise FileNotFoundError(
            f"The photograph {inside!r} should be inside the installed package {package!r}, but it is not there. "
            f"Reinstall {package!r}."
        )
    with Image.open(path) as image:
        return image.convert("RGB")


def photograph(
    rng: np.random.Generator, size: tuple[int, int], name: str, zoom: tuple[float, float] = (1.0, 2.0), blur: float = 0
) -> np.ndarray:
    """Return a random window of a photograph, perhaps mirrored.

    Parameters
    ----------
    name : str
        A key of :data:`PHOTOGRAPHS`.
    zoom : (float, float)
        Range of the enlargement; 1 shows as much of the photograph as fits the picture's shape.
    blur : float
        Roughly the standard deviation of a blur, in pixels: a background out of focus.
    """
    return to_picture(_window(rng, size, load_photograph(name), zoom, blur))


def _window(rng: np.random.Generator, size: tuple[int, int], image: Image.Image, zoom, blur: float) -> Image.Image:
    """Return a random window of ``image`` at the given size, perhaps mirrored; see :func:`photograph`."""
    shrink = min(image.width / size[0], image.height / size[1]) / rng.uniform(*zoom)
    w, h = size[0] * shrink, size[1] * shrink
    x, y = rng.uniform(0, image.width - w), rng.uniform(0, image.height - h)
    # A blurred picture is one enlarged from few pixels, which costs less than blurring.
    few = max(1.0, 2 * blur)
    small = (round(size[0] / few), round(size[1] / few))
    crop = image.resize(small, Image.Resampling.BILINEAR, box=(x, y, x + w, y + h), reducing_gap=1.5)
    if small != size:
        crop = crop.resize(size, Image.Resampling.BICUBIC)
    return crop.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if rng.integers(2) else crop


@cache
def _brightness(name: str) -> Image.Image:
    """Return a photograph's green channel: one channel to resize instead of three."""
    return load_photograph(name).getchannel("G")


def textured(
    rng: np.random.Generator, size: tuple[int, int], name: str, dark, light, zoom: tuple[float, float] = (1.0, 2.0)
) -> np.ndarray:
    """Return a random window of a photograph's brightness, recoloured from ``dark`` to ``light``.

    With ``grass``, ``gravel`` and ``brick`` this gives a wall or a ground of any colour.
    """
    window = _window(rng, size, _brightness(name), zoom, blur=0)
    return blend(np.asarray(window, np.float32) / 255, dark, light)


def sky(rng: np.random.Generator, size: tuple[int, int], top, bottom, cloud, cover: float = 0.5) -> np.ndarray:
    """Return a sky: a vertical gradient with clouds.

    Parameters
    ----------
    top, bottom, cloud : colour
        The colours overhead, at the lower edge and of the clouds.
    cover : float
        0 is a clear sky, 1 is overcast.
    """
    column = np.linspace(0, 1, size[1], dtype=np.float32)[:, None]
    picture = blend(np.broadcast_to(column, size[::-1]), top, bottom)
    if cover > 0:
        field = noise(rng, size, 0.5, stretch=(rng.uniform(1.0, 2.5), 1.0))
        density = np.clip((field - (1 - cover)) * 2.5, 0, 1)
        # Thick parts of a cloud let less light through: denser is greyer.
        picture = blend(density, picture, blend(field, np.multiply(cloud, 1.08), np.multiply(cloud, 0.83)))
    return np.clip(picture, 0, 1, out=picture)


def floor(picture: np.ndarray, horizon: float, depth: float = 4.0) -> np.ndarray:
    """Return ``picture`` seen as a floor that recedes to a horizon: rows squeezed and narrowed by distance.

    Parameters
    ----------
    picture : array (H, W, 3)
        A texture seen from above.
    horizon : float
        The height, in pixels from the top, at which the floor begins. The rows above it come out black.
    depth : float
        How many times farther the far edge is than the near edge.
    """
    height, width = picture.shape[:2]
    y0 = int(round(horizon))
    if not 0 <= y0 < height:
        raise ValueError(f"horizon is {horizon}; expected a row inside the picture, 0 to {height - 1}.")
    t = (np.arange(y0, height, dtype=np.float32) + 0.5 - y0) / (height - y0)  # 0 at the horizon, 1 at the near edge
    distance = 1 / (1 / depth + t * (1 - 1 / depth))  # in units of the near edge's distance
    rows = (height - 1) * (depth - distance) / (depth - 1)
    centre = (width - 1) / 2
    # Columns spread with the distance; beyond the edges the texture goes on in mirror image, without a seam.
    columns = centre + (np.arange(width, dtype=np.float32)[None, :] - centre) * distance[:, None]
    result = np.zeros_like(picture)
    columns = columns.astype(np.int32) % (2 * width)
    result[y0:] = picture[rows.astype(np.int32)[:, None], np.minimum(columns, 2 * width - 1 - columns)]
    return result


# --- shapes ----------------------------------------------------------------------------------------------------


def smooth(points, closed: bool = True, steps: int = 6) -> np.ndarray:
    """Return a smooth curve through the points: a Catmull-Rom spline with ``steps`` points per segment.

    Parameters
    ----------
    points : array-like (N, 2)
        N at least 3. Higher dimensions work too: (N, 3) gives a curve in space.
    """
    p = np.asarray(points, np.float64)
    padded = np.concatenate([p[-1:], p, p[:2]] if closed else [p[:1], p, p[-1:]])
    p0, p1, p2, p3 = padded[:-3], padded[1:-2], padded[2:-1], padded[3:]
    t = (np.arange(steps) / steps)[None, :, None]
    a, b, c, d = (q[:, None, :] for q in (p0, p1, p2, p3))
    curve = 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
    curve = curve.reshape(-1, p.shape[1])
    return curve if closed else np.concatenate([curve, p[-1:]])


def circle(centre, radii, angle: float = 0.0, points: int = 28) -> np.ndarray:
    """Return the outline (points, 2) of an ellipse: ``radii`` along its own axes, turned by ``angle`` radians."""
    t = np.arange(points) * (2 * np.pi / points)
    rx, ry = (radii, radii) if np.isscalar(radii) else radii
    x, y = rx * np.cos(t), ry * np.sin(t)
    c, s = np.cos(angle), np.sin(angle)
    return np.stack([centre[0] + c * x - s * y, centre[1] + s * x + c * y], 1)


_MORE_THAN_HALF = [255 * (value > 127) for value in range(256)]  # a look-up table for Image.point


class Layer:
    """A transparent sheet that shapes are drawn on, larger than the picture, then shrunk: smooth edges.

    Parameters
    ----------
    size : (int, int)
        Width and height of the picture, in pixels.
    supersample : int
        Sub-pixels per pixel along each axis, 2 to 4.

    Notes
    -----
    Later shapes cover earlier ones, in full: give transparent things a layer of their own and use ``opacity``
    in :meth:`over`.
    """

    def __init__(self, size: tuple[int, int], supersample: int = 3):
        self.size = size
        self.supersample = supersample
        # RGBX, not RGBA: what is drawn is opaque and the rest is black, so the colours count as premultiplied with
        # their coverage, and shrinking must not convert them first, as Pillow does for RGBA.
        self._sheet = Image.new("RGBX", (size[0] * supersample, size[1] * supersample))
        self._draw = ImageDraw.Draw(self._sheet)
        self._small = None  # the shrunken sheet, until the next shape is drawn

    def _flat(self, points) -> list[float]:
        self._small = None
        # Pillow's coordinates name pixel centres, ours name pixel edges: half a sub-pixel apart.
        return (np.asarray(points, np.float64) * self.supersample - 0.5).ravel().tolist()

    @staticmethod
    def _ink(colour) -> tuple[int, int, int, int]:
        r, g, b = (min(255, max(0, int(c * 255 + 0.5))) for c in colour)
        return r, g, b, 255

    def polygon(self, points, colour) -> None:
        """Fill the polygon with corners ``points`` (N, 2)."""
        self._draw.polygon(self._flat(points), fill=self._ink(colour))

    def line(self, points, colour, width: float) -> None:
        """Draw a line through ``points`` (N, 2), ``width`` pixels wide, with rounded joints."""
        w = max(1, int(round(width * self.supersample)))
        self._draw.line(self._flat(points), fill=self._ink(colour), width=w, joint="curve" if w > 2 else None)

    def disc(self, centre, radii, colour) -> None:
        """Fill a circle or an upright ellipse; ``radii`` is one number or two, in pixels."""
        rx, ry = (radii, radii) if np.isscalar(radii) else radii
        box = self._flat([(centre[0] - rx, centre[1] - ry), (centre[0] + rx, centre[1] + ry)])
        self._draw.ellipse(box, fill=self._ink(colour))

    def draw_faces(self, points, starts, ends, colours, widths, order) -> None:
        """Draw many polygons and thick lines at once; :meth:`Solid.draw` uses it.

        Shape ``i`` has the corners ``points[starts[i]:ends[i]]`` and is a line of ``widths[i]`` pixels if there are
        two; ``order`` lists the shapes from the first to the last drawn.
        """
        flat = self._flat(points)
        inks = (np.clip(colours, 0, 1) * 255 + 0.5).astype(int).tolist()
        widths = np.maximum(1, np.rint(np.asarray(widths) * self.supersample)).astype(int).tolist()
        starts, ends = (np.asarray(starts) * 2).tolist(), (np.asarray(ends) * 2).tolist()
        polygon, line, ellipse = self._draw.polygon, self._draw.line, self._draw.ellipse
        for i in order.tolist():
            corners, ink = flat[starts[i] : ends[i]], (*inks[i], 255)
            if len(corners) > 4:
                polygon(corners, fill=ink)
                continue
            line(corners, fill=ink, width=widths[i])
            if widths[i] > 4:  # round ends, where bars meet at an angle
                r = widths[i] / 2 - 0.5
                for x, y in (corners[:2], corners[2:]):
                    ellipse((x - r, y - r, x + r, y + r), fill=ink)

    def _shrunk(self) -> Image.Image:
        """Return the sheet at the picture's size: premultiplied colour and coverage, as RGBX."""
        if self._small is None:
            self._small = self._sheet.reduce(self.supersample)
        return self._small

    def coverage(self) -> Image.Image:
        """Return how much of each pixel the shapes cover, as an 8-bit grey image."""
        return self._shrunk().getchannel("X")

    def mask(self) -> np.ndarray:
        """Return how much of each pixel the shapes cover, a field from 0 to 1."""
        return np.asarray(self.coverage(), np.float32) / 255

    def box(self) -> tuple[int, int, int, int] | None:
        """Return the shapes' bounding box ``x0, y0, x1, y1`` in pixels (x1, y1 exclusive), None if there are none."""
        return self.coverage().point(_MORE_THAN_HALF).getbbox()

    def sheet(self) -> np.ndarray:
        """Return colour times coverage, and coverage: an array (H, W, 4) from 0 to 1."""
        return np.asarray(self._shrunk(), np.float32) / 255

    def over(self, picture: np.ndarray, light=None, opacity: float = 1.0, blur: float = 0.0, haze=None) -> np.ndarray:
        """Return ``picture`` with the layer laid over it.

        Parameters
        ----------
        light : array (H, W) or (H, W, 3), optional
            What the layer's colours are multiplied with: shading or texture.
        opacity : float
            0 leaves the picture, 1 covers it.
        blur : float
            Standard deviation in pixels: soft shadows, things out of focus.
        haze : (colour, float), optional
            The air's colour and how much of it replaces the layer's colours, 0 to 1.
        """
        image = self._shrunk()
        if blur:
            image = image.filter(ImageFilter.GaussianBlur(blur))
        result = picture.copy()
        touched = image.getbbox(alpha_only=False)
        if touched is None:
            return result
        x0, y0, x1, y1 = touched
        part = np.s_[y0:y1, x0:x1]
        sheet = np.asarray(image.crop(touched))
        cover = sheet[..., 3] * np.float32(opacity / 255)
        rest = 1 - cover
        thickness = 0.0 if haze is None else haze[1]
        for k in range(3):
            colour = sheet[..., k] * np.float32(opacity / 255)
            if light is not None:
                colour *= light[part] if light.ndim == 2 else light[part][..., k]
            if thickness > 0:
                colour += np.float32(thickness) * (np.float32(haze[0][k]) * cover - colour)
            colour += result[part][..., k] * rest
            result[part][..., k] = colour
        return result


def rotation(yaw: float = 0.0, pitch: float = 0.0, roll: float = 0.0) -> np.ndarray:
    """Return the (3, 3) matrix that turns a solid: roll about x, then pitch about y, then yaw about z, in radians.

    Positive pitch lifts the nose (+x), positive roll lifts the left side (+y), positive yaw turns left.
    """
    cy, sy, cp, sp, cr, sr = (f(v) for v in (yaw, pitch, roll) for f in (np.cos, np.sin))
    about_x = np.array([[1, 0, 0], [0, cr, -sr], [0, sr, cr]])
    about_y = np.array([[cp, 0, -sp], [0, 1, 0], [sp, 0, cp]])
    about_z = np.array([[cy, -sy, 0], [sy, cy, 0], [0, 0, 1]])
    return about_z @ about_y @ about_x


def _cross(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the cross products of vectors (..., 3), several times faster than ``np.cross`` for small arrays."""
    result = np.empty(a.shape)
    for k, (i, j) in enumerate(((1, 2), (2, 0), (0, 1))):
        result[..., k] = a[..., i] * b[..., j] - a[..., j] * b[..., i]
    return result


class Solid:
    """A thing in space made of flat faces and round bars, drawn far to near with shading by a distant light.

    Axes: x forward, y to the left, z up, in any unit. :meth:`turned` poses it, :meth:`project` shows where it comes
    to lie, :meth:`draw` puts it on a :class:`Layer`. Far-to-near order goes by each face's middle, which is right as
    long as faces are small; cut large ones up.
    """

    def __init__(self):
        self._points: list[np.ndarray] = []  # (n, 3) per group of faces
        self._sizes: list[tuple[int, int]] = []  # per group: faces, corners of each; 2 corners mark a bar
        self._colours: list[np.ndarray] = []  # (faces, 3)
        self._options: list[tuple] = []  # per group: one-sided, nearer by, radius, shine, glow

    def faces(
        self, corners, colour, one_sided: bool = False, nearer: float = 0.0, shine: float = 0.0, glow: float = 0.0
    ) -> None:
        """Add faces.

        Parameters
        ----------
        corners : array (n, 3) or (faces, n, 3)
            Three or more corners each; anticlockwise as seen from outside, if that matters.
        colour : colour, or array (faces, 3)
        one_sided : bool
            Not drawn when seen from behind: closed surfaces cost half the time.
        nearer : float
            Drawn as if nearer to the eye by this much: windows and stripes that lie on a surface.
        shine : float
            Strength of the highlight, 0 to 1.
        glow : float
            How little the light matters, 0 to 1: lamps, and cloth that lets light through.
        """
        self._add(corners, colour, one_sided, nearer, 0.0, shine, glow)

    def bar(self, path, radius: float, colour, nearer: float = 0.0, shine: float = 0.0) -> None:
        """Add a round bar along ``path`` (n, 3), in straight pieces."""
        path = np.asarray(path, np.float64)
        self._add(np.stack([path[:-1], path[1:]], 1), colour, False, nearer, radius, shine, 0.0)

    def spokes(self, starts, ends, radius: float, colour) -> None:
        """Add straight round bars from ``starts`` (n, 3) to ``ends`` (n, 3)."""
        self._add(np.stack([starts, ends], 1), colour, False, 0.0, radius, 0.0, 0.0)

    def _add(self, corners, colour, one_sided, nearer, radius, shine, glow):
        corners = np.asarray(corners, np.float64)
        if corners.ndim == 2:
            corners = corners[None]
        count, n = corners.shape[:2]
        self._points.append(corners.reshape(-1, 3))
        self._sizes.append((count, n))
        colour = np.asarray(colour, np.float64)
        self._colours.append(colour if colour.ndim == 2 else np.repeat(colour[None], count, 0))
        self._options.append((one_sided, nearer, radius, shine, glow))

    def skin(
        self,
        rings,
        colour,
        closed: bool = True,
        one_sided: bool = True,
        shine: float = 0.0,
        nearer: float = 0.0,
        glow: float = 0.0,
    ) -> None:
        """Add the surface stretched over a row of outlines: a fuselage, a wing, a tank, a hull.

        Parameters
        ----------
        rings : array (S, n, 3)
            S outlines of n points each.
        colour : colour, or array (S - 1, n, 3)
            With ``closed=False`` the array is (S - 1, n - 1, 3).
        closed : bool
            Whether the last point of each outline joins the first.
        one_sided : bool
            True for a closed surface without dents.
        """
        rings = np.asarray(rings, np.float64)
        if closed:
            rings = np.concatenate([rings, rings[:, :1]], 1)
        quads = np.stack([rings[:-1, :-1], rings[1:, :-1], rings[1:, 1:], rings[:-1, 1:]], 2)
        if one_sided:
            middle = rings[:, : rings.shape[1] - closed].mean(1)
            outward = quads.mean(2) - ((middle[:-1] + middle[1:]) / 2)[:, None]
            normal = _cross(quads[:, :, 2] - quads[:, :, 0], quads[:, :, 3] - quads[:, :, 1])
            inside_out = (normal * outward).sum(-1) < 0
            quads = np.where(inside_out[..., None, None], quads[:, :, ::-1], quads)
        colour = np.asarray(colour, np.float64)
        if colour.ndim == 3:
            colour = colour.reshape(-1, 3)
        self.faces(quads.reshape(-1, 4, 3), colour, one_sided, nearer, shine, glow)

    def slab(
        self, profile, half_width: float, colour, edge=None, bevel: float = 0.85, y: float = 0.0, shine=0.0
    ) -> None:
        """Add a plate parallel to the x-z plane: ``profile`` (n, 2) gives its outline in x and z.

        Its two sides are the outline shrunk by ``bevel`` about its middle, at ``y - half_width`` and
        ``y + half_width``; ``edge`` colours the rim between them.
        """
        profile = np.asarray(profile, np.float64)
        middle = profile.mean(0)
        n = len(profile)
        rings = np.empty((3, n, 3))
        for ring, (k, side) in zip(rings, ((bevel, -1), (1.0, 0), (bevel, 1))):
            ring[:, [0, 2]] = middle + k * (profile - middle)
            ring[:, 1] = y + side * half_width
        self.skin(rings, colour if edge is None else edge, one_sided=False, shine=shine)
        self.faces(rings[[0, 2]], colour, nearer=half_width * 0.2, shine=shine)

    def turned(self, matrix: np.ndarray) -> Solid:
        """Return the solid with every point multiplied by a (3, 3) matrix, see :func:`rotation`."""
        other = Solid()
        other._points = [np.concatenate(self._points) @ matrix.T]
        other._sizes, other._colours, other._options = self._sizes, self._colours, self._options
        return other

    def project(self, points=None, perspective: float = 0.0) -> np.ndarray:
        """Return where the corners (or other ``points`` (n, 3)) appear: (n, 3) of right, down and nearness.

        You look along +y, from the solid's right-hand side, so that an unturned vehicle drives to the right.
        ``perspective`` is one over the distance of the eye from the origin; 0 is infinitely far.
        """
        p = np.concatenate(self._points) if points is None else np.asarray(points, np.float64)
        near = -p[:, 1]
        growth = 1 / (1 - perspective * near)
        return np.stack([p[:, 0] * growth, -p[:, 2] * growth, near], 1)

    def draw(self, layer: Layer, scale: float, origin, light, ambient: float = 0.45, perspective: float = 0.0) -> None:
        """Draw the solid.

        Parameters
        ----------
        scale : float
            Pixels per unit.
        origin : (float, float)
            Where the solid's origin lies, in pixels.
        light : (float, float, float)
            Direction towards the light, in the solid's axes after turning.
        ambient : float
            Brightness of faces in the shade, 0 to 1.
        """
        seen = self.project(perspective=perspective)
        counts, sizes = np.array(self._sizes).T
        sizes = np.repeat(sizes, counts)
        colours = np.concatenate(self._colours)
        one_sided, nearer, radius, shine, glow = np.repeat(np.array(self._options, np.float64), counts, 0).T
        ends = np.cumsum(sizes)
        starts = ends - sizes
        # Two diagonals span each face's plane; for a bar both are its axis, and the normal is made up below.
        a, b, c, d = (starts + sizes * k // 4 for k in range(4))
        space = np.concatenate(self._points)
        normal = _cross(space[c] - space[a], space[d] - space[b])
        bars = sizes == 2
        axis = space[ends[bars] - 1] - space[starts[bars]]
        up = np.array([0.0, -0.6, 0.8])  # a bar shows its upper near side
        axis /= np.linalg.norm(axis, axis=1, keepdims=True) + 1e-9
        normal[bars] = up - (axis @ up)[:, None] * axis
        normal /= np.linalg.norm(normal, axis=1, keepdims=True) + 1e-12
        facing = -normal[:, 1]
        visible = (one_sided == 0) | (facing > 0)
        normal *= np.where(facing < 0, -1.0, 1.0)[:, None]

        light = np.asarray(light, np.float64) / np.linalg.norm(light)
        half = light + np.array([0.0, -1.0, 0.0])
        half /= np.linalg.norm(half)
        diffuse = np.clip(normal @ light, 0, 1)
        brightness = ambient * (0.75 + 0.25 * normal[:, 2]) + (1.08 - ambient) * diffuse
        brightness += glow * (1 - brightness)
        highlight = shine * np.clip(normal @ half, 0, 1) ** 12
        shaded = np.clip(colours * brightness[:, None] + highlight[:, None], 0, 1)

        depth = np.add.reduceat(seen[:, 2], starts) / sizes + nearer
        order = np.argsort(depth, kind="stable")
        place = (np.asarray(origin) + scale * seen[:, :2]).astype(np.float64)
        layer.draw_faces(place, starts, ends, shaded, 2 * radius * scale, order[visible[order]])


def shadow(picture: np.ndarray, mask: np.ndarray, strength: float, blur: float, offset=(0.0, 0.0)) -> np.ndarray:
    """Return ``picture`` darkened where the blurred and shifted ``mask`` lies.

    Parameters
    ----------
    mask : array (H, W)
        What casts the shadow, 0 to 1.
    strength : float
        1 is black.
    blur : float
        Standard deviation in pixels.
    offset : (float, float)
        Shift to the right and down, in pixels.
    """
    image = Image.fromarray((mask * 255).astype(np.uint8))
    shifted = Image.new("L", image.size)
    shifted.paste(image, (int(round(offset[0])), int(round(offset[1]))))
    result = picture.copy()
    box = shifted.getbbox()
    if box is None:
        return result
    # Only where the blurred mask reaches.
    reach = int(3 * blur) + 1
    x0, y0 = max(0, box[0] - reach), max(0, box[1] - reach)
    x1, y1 = min(image.width, box[2] + reach), min(image.height, box[3] + reach)
    soft = shifted.crop((x0, y0, x1, y1)).filter(ImageFilter.GaussianBlur(blur))
    part = result[y0:y1, x0:x1]
    part *= (1 - np.asarray(soft, np.float32) * np.float32(strength / 255))[..., None]
    return result


# --- light and camera ----------------------------------------------------------------------------------------


def illuminate(
    rng: np.random.Generator, picture: np.ndarray, exposure: float = 0.35, tint: float = 0.08, slope: float = 0.3
) -> np.ndarray:
    """Return the picture in another light: exposure, colour of the light, uneven lighting, contrast.

    Parameters
    ----------
    exposure : float
        Brightness is multiplied by up to ``1 + exposure`` or divided by as much.
    tint : float
        Red and blue are scaled by up to this fraction, in opposite directions: warm and cold light.
    slope : float
        The light falls off by up to this fraction across the picture, in a random direction.
    """
    height, width = picture.shape[:2]
    gain = (1 + exposure) ** rng.uniform(-1, 1)
    warmth = rng.uniform(-tint, tint)
    fall = rng.uniform(0, slope)
    ramp = gradient((width, height), rng.uniform(0, 2 * np.pi), gain * (1 - fall / 2), gain * (1 + fall / 2))
    contrast = rng.uniform(0.8, 1.15)
    ramp = (ramp * contrast).astype(np.float32)
    result = np.empty(picture.shape, np.float32)
    for k, tone in enumerate((1 + warmth, 1 + rng.uniform(-tint, tint) / 3, 1 - warmth)):
        result[..., k] = picture[..., k] * (ramp * np.float32(tone))
    result += np.float32(0.45 * (1 - contrast))
    return np.clip(result, 0, 1, out=result)


def _blur_slightly(picture: np.ndarray, sigma: float) -> np.ndarray:
    """Return the picture blurred by three weights along each axis, with the variance of ``sigma``, up to 0.8."""
    side = np.float32(sigma**2 / 2)
    for before, after, edge in (
        (np.s_[:-1], np.s_[1:], np.s_[:: len(picture) - 1]),
        (np.s_[:, :-1], np.s_[:, 1:], np.s_[:, :: picture.shape[1] - 1]),
    ):
        portion = picture * side
        picture = picture * (1 - 2 * side)
        picture[after] += portion[before]
        picture[before] += portion[after]
        picture[edge] += portion[edge]  # beyond the edge the picture repeats its last pixels
    return picture


def camera(
    rng: np.random.Generator, picture: np.ndarray, blur: tuple[float, float] = (0.0, 1.0), grain: float = 0.03
) -> np.ndarray:
    """Return what a camera makes of the picture: some blur, some noise.

    Parameters
    ----------
    blur : (float, float)
        Range of the blur's standard deviation, in pixels.
    grain : float
        Largest standard deviation of the noise, as a fraction of full brightness.
    """
    sigma = rng.uniform(*blur)
    if sigma > 0.8:
        picture = to_picture(to_image(picture).filter(ImageFilter.GaussianBlur(sigma)))
    elif sigma > 0.3:
        picture = _blur_slightly(picture, sigma)
    height, width = picture.shape[:2]
    # White noise from the cached tile: cut anywhere, it is as good as fresh, and far cheaper.
    speckle = (noise(rng, (width, height), 1.5) - 0.5) * np.float32(rng.uniform(0, grain) * 4)
    result = picture + speckle[..., None]
    return np.clip(result, 0, 1, out=result)


def to_image(picture: np.ndarray) -> Image.Image:
    """Return a picture as an 8-bit Pillow image."""
    scaled = np.clip(picture, 0, 1) * np.float32(255)
    scaled += np.float32(0.5)
    return Image.fromarray(scaled.astype(np.uint8))


def to_picture(image: Image.Image) -> np.ndarray:
    """Return an RGB Pillow image as a picture."""
    return np.asarray(image, np.float32) / 255
