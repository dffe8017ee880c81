"""Grad-CAM: where a network looks when it decides for a class; and numbers for how well it looks.

Taught in lesson 17. :class:`GradCAM` works with any convolutional network, the scores with any maps.
"""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils.training import eval_mode

#: Modules that only pass a feature map on, thin it out or shrink it.
_PASSING = (
    nn.AvgPool2d,
    nn.MaxPool2d,
    nn.AdaptiveAvgPool2d,
    nn.AdaptiveMaxPool2d,
    nn.Dropout,
    nn.Dropout2d,
    nn.Identity,
)


class GradCAM:
    """Class activation maps, weighted by gradients.

    The maps of ``layer`` are added up, each weighted by the mean gradient of the class's logit with respect to it, and
    what is negative is set to zero. Taught in lesson 17.

    Parameters
    ----------
    model : torch.nn.Module
        Maps images ``(N, C, H, W)`` to logits ``(N, classes)``, or to ``(N, 1)`` for two classes: the one logit then
        speaks for class 1, and its negative for class 0.
    layer : torch.nn.Module, optional
        A module of ``model`` that gives feature maps ``(N, channels, h, w)``. Default: the last that does, before the
        last pooling; :func:`find_layer` finds it at the first call.

    Raises
    ------
    ValueError
        If ``layer`` is no part of ``model``.

    References
    ----------
    R. R. Selvaraju et al., Grad-CAM: Visual Explanations from Deep Networks via Gradient-based Localization, ICCV 2017.

    >>> model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5))
    >>> GradCAM(model)(torch.rand(2, 3, 32, 32), class_index=4).shape
    torch.Size([2, 32, 32])
    """

    def __init__(self, model: nn.Module, layer: nn.Module | None = None):
        if layer is not None and all(module is not layer for module in model.modules()):
            raise ValueError(
                f"The layer, a {type(layer).__name__}, is not part of this {type(model).__name__}. Take it from the "
                "model itself, for example model.features[-1]."
            )
        self.model, self.layer = model, layer

    def __call__(self, images: Tensor, class_index: int | Tensor | None = None) -> Tensor:
        """Return maps in the images' size, each scaled so that its largest value is 1.

        Parameters
        ----------
        images : Tensor, shape (N, C, H, W)
        class_index : int, or int64 Tensor of shape (N,), optional
            The class that each map is for. Default: the class that the network predicts.

        Returns
        -------
        Tensor, shape (N, H, W)
            From 0 to 1; all 0 where nothing speaks for the class. On the images' device, without a gradient.
        """
        maps = self.at_layer(images, class_index).clamp(min=0)
        maps = F.interpolate(maps.unsqueeze(1), size=images.shape[-2:], mode="bilinear", align_corners=False).squeeze(1)
        largest = maps.amax((1, 2), keepdim=True)
        return maps / torch.where(largest > 0, largest, 1)

    def at_layer(self, images: Tensor, class_index: int | Tensor | None = None) -> Tensor:
        """Return the weighted sums as they are: shape ``(N, h, w)``, not scaled, negative values included.

        Raises
        ------
        ValueError
            If the images are no batch ``(N, C, H, W)``, a class index does not exist or does not fit the batch, or the
            layer gives no feature maps or does not influence the logits.
        """
        if images.dim() != 4:
            raise ValueError(f"Grad-CAM takes images (N, C, H, W), got shape {tuple(images.shape)}.")
        with eval_mode(self.model), torch.enable_grad():
            if self.layer is None:
                self.layer = find_layer(self.model, images[:1])
            with _captured(self.layer) as captured:
                logits = self.model(images)
            features = _feature_maps(captured, self.layer)
            score = _class_score(logits, class_index)
            (gradient,) = torch.autograd.grad(score, features, allow_unused=True)
        if gradient is None:
            raise ValueError(
                f"The logits do not depend on the layer's output ({type(self.layer).__name__}). Take a layer between "
                "the images and the classifier."
            )
        weights = gradient.mean((2, 3), keepdim=True)  # one for each channel of each image
        return (weights * features).sum(1).detach()


@contextlib.contextmanager
def _captured(layer: nn.Module) -> Iterator[list]:
    """Collect the outputs of ``layer`` while the ``with`` block runs; the hook is removed whatever happens."""
    outputs = []

    def keep(module, inputs, output):
        if not isinstance(output, Tensor):
            outputs.append(output)
            return None
        # With all parameters frozen nothing asks for gradients; the maps have to ask themselves.
        kept = output if output.requires_grad else output.detach().requires_grad_()
        outputs.append(kept)
        return kept.clone()  # what comes next may work in place, and would change what was kept

    hook = layer.register_forward_hook(keep)
    try:
        yield outputs
    finally:
        hook.remove()


def _feature_maps(captured: list, layer: nn.Module) -> Tensor:
    name = type(layer).__name__
    if not captured:
        raise ValueError(f"The layer ({name}) was not used when the model ran.")
    features = captured[-1]  # a module that is used several times: the last use
    if not isinstance(features, Tensor) or features.dim() != 4:
        shape = tuple(features.shape) if isinstance(features, Tensor) else type(features).__name__
        raise ValueError(f"Grad-CAM needs a layer that gives feature maps (N, channels, h, w); {name} gives {shape}.")
    return features


def _class_score(logits: Tensor, class_index: int | Tensor | None) -> Tensor:
    """Return the sum over the batch of each image's logit for its class. Images do not influence each other."""
    if not isinstance(logits, Tensor) or logits.dim() != 2:
        got = tuple(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
        raise ValueError(f"Grad-CAM needs a model that gives logits (N, classes), got {got}.")
    if logits.shape[1] == 1:
        logits = torch.cat([-logits, logits], dim=1)
    n, classes = logits.shape
    if class_index is None:
        index = logits.argmax(1)
    else:
        index = torch.as_tensor(class_index, device=logits.device)
        if index.dim() == 0:
            index = index.expand(n)
    if index.shape != (n,) or index.is_floating_point():
        raise ValueError(f"class_index must be an integer or {n} integers, one an image; got {class_index!r}.")
    if index.min() < 0 or index.max() >= classes:
        raise ValueError(f"class_index must be from 0 to {classes - 1}, got {class_index!r}.")
    return logits.gather(1, index.long().unsqueeze(1)).sum()


def find_layer(model: nn.Module, image: Tensor) -> nn.Module:
    """Return the layer that Grad-CAM looks at by default.

    A network of the course names it itself, as ``cam_layer``. Otherwise it is the last module to finish, pooling and
    dropout left out, that gives feature maps of more than one pixel; found by running ``model`` once.

    Parameters
    ----------
    model : torch.nn.Module
    image : Tensor, shape (1, C, H, W)

    Raises
    ------
    ValueError
        If no module gives such maps.
    """
    if isinstance(named := getattr(model, "cam_layer", None), nn.Module):
        return named
    found: list[nn.Module] = []

    def note(module, inputs, output):
        if isinstance(output, Tensor) and output.dim() == 4 and output.shape[2] * output.shape[3] > 1:
            found.append(module)

    candidates = [module for module in model.modules() if module is not model and not _passes(module)]
    hooks = [module.register_forward_hook(note) for module in candidates]
    try:
        with eval_mode(model), torch.no_grad():
            model(image)
    finally:
        for hook in hooks:
            hook.remove()
    if not found:
        raise ValueError(
            f"No layer of this {type(model).__name__} gives feature maps (N, channels, h, w) of more than one pixel. "
            "Use larger images, or name the layer: GradCAM(model, layer)."
        )
    return found[-1]


def _passes(module: nn.Module) -> bool:
    """Return whether a module's last step is to pass maps on, as pooling does."""
    while isinstance(module, nn.Sequential) and len(module):
        module = module[-1]
    return isinstance(module, _PASSING)


def randomised(model: nn.Module, seed: int = 0) -> nn.Module:
    """Return a copy of ``model`` with new random weights, as its layers draw them when they are built.

    The sanity check of lesson 17: a map that hardly changes with the weights explains the image, not the network
    (J. Adebayo et al., Sanity Checks for Saliency Maps, NeurIPS 2018).
    """
    copied = copy.deepcopy(model)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for module in copied.modules():
            if hasattr(module, "reset_parameters"):
                module.reset_parameters()
    return copied


def energy_in_box(maps: Tensor, boxes: Tensor) -> Tensor:
    """Return the share of each map's sum that lies inside its box.

    Parameters
    ----------
    maps : Tensor, shape (N, H, W)
        Not negative.
    boxes : Tensor, shape (N, 4)
        x0, y0, x1, y1 in pixels of the map; x1 and y1 are exclusive.

    Returns
    -------
    Tensor, shape (N,)
        From 0 to 1; 0 for an empty map.
    """
    inside = _inside(maps, boxes)
    total = maps.sum((1, 2))
    return (maps * inside).sum((1, 2)) / torch.where(total > 0, total, 1)


def pointing_game(maps: Tensor, boxes: Tensor) -> Tensor:
    """Return for each map whether its largest value lies inside its box: a bool Tensor of shape (N,).

    An empty map points nowhere, and misses. Parameters are those of :func:`energy_in_box`.

    References
    ----------
    J. Zhang et al., Top-down Neural Attention by Excitation Backprop, ECCV 2016.
    """
    inside = _inside(maps, boxes).flatten(1)
    flat = maps.flatten(1)
    hit = inside.gather(1, flat.argmax(1, keepdim=True)).squeeze(1)
    return hit & (flat.amax(1) > 0)


def area_above_half(maps: Tensor) -> Tensor:
    """Return the share of each map's pixels that exceed half of its largest value: shape (N,), from 0 to 1."""
    half = maps.amax((1, 2), keepdim=True) / 2
    return (maps > half).float().mean((1, 2))


def _inside(maps: Tensor, boxes: Tensor) -> Tensor:
    """Return masks (N, H, W): true for pixels whose centre lies inside the box."""
    if maps.dim() != 3:
        raise ValueError(f"maps must have shape (N, H, W), got {tuple(maps.shape)}.")
    if boxes.shape != (len(maps), 4):
        raise ValueError(f"boxes must have shape ({len(maps)}, 4), one box a map; got {tuple(boxes.shape)}.")
    x0, y0, x1, y1 = (side.view(-1, 1, 1) for side in boxes.to(maps).unbind(1))
    y = torch.arange(maps.shape[1], device=maps.device).view(1, -1, 1) + 0.5
    x = torch.arange(maps.shape[2], device=maps.device).view(1, 1, -1) + 0.5
    return (x0 <= x) & (x < x1) & (y0 <= y) & (y < y1)
