"""EfficientNet B0-B7 and EfficientNet-Lite0-2, from one table of stages and one scaling rule.

Read it from top to bottom: the tables, the rule that scales them, the four building blocks, the network.
Tensors are laid out ``(N, C, H, W)``. Taught in lesson 14; lesson 16 looks inside.

References
----------
- M. Tan, Q. V. Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", ICML 2019,
  arXiv:1905.11946 (stage table: Table 1; compound scaling: Section 3.3).
- M. Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks", CVPR 2018, arXiv:1801.04381.
- J. Hu, L. Shen, G. Sun, "Squeeze-and-Excitation Networks", CVPR 2018, arXiv:1709.01507.
- G. Huang et al., "Deep Networks with Stochastic Depth", ECCV 2016, arXiv:1603.09382.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

# --- The architecture as numbers --------------------------------------------------------------------------------------


class Stage(NamedTuple):
    """One row of the stage table: ``layers`` inverted residuals, of which only the first uses ``stride``."""

    expansion: int  # the depthwise convolution works on `expansion` times the block's input channels
    kernel: int
    stride: int
    channels: int  # at its output, before scaling
    layers: int  # before scaling


STAGES = (
    Stage(expansion=1, kernel=3, stride=1, channels=16, layers=1),
    Stage(expansion=6, kernel=3, stride=2, channels=24, layers=2),
    Stage(expansion=6, kernel=5, stride=2, channels=40, layers=2),
    Stage(expansion=6, kernel=3, stride=2, channels=80, layers=3),
    Stage(expansion=6, kernel=5, stride=1, channels=112, layers=3),
    Stage(expansion=6, kernel=5, stride=2, channels=192, layers=4),
    Stage(expansion=6, kernel=3, stride=1, channels=320, layers=1),
)
STEM_CHANNELS = 32
HEAD_CHANNELS = 1280
SQUEEZE = 4  # squeeze-and-excitation passes through a quarter of the block's input channels
STOCHASTIC_DEPTH = 0.2  # the last block's drop probability; it rises linearly from 0 at the first block


class Variant(NamedTuple):
    """How one member of the family differs from the stage table."""

    width: float  # multiplies channels
    depth: float  # multiplies layers
    image_size: int  # side of the square training images, in pixels
    dropout: float  # before the classifier
    bn_eps: float = 1e-5
    bn_momentum: float = 0.1
    lite: bool = False  # EfficientNet-Lite: ReLU6, no squeeze-and-excitation, unscaled stem and head, "SAME" padding


VARIANTS = {
    "b0": Variant(1.0, 1.0, 224, 0.2),
    "b1": Variant(1.0, 1.1, 240, 0.2),
    "b2": Variant(1.1, 1.2, 260, 0.3),
    "b3": Variant(1.2, 1.4, 300, 0.3),
    "b4": Variant(1.4, 1.8, 380, 0.4),
    # B5 to B7 keep the batch norm settings of the original, because torchvision's weights for them come from there.
    "b5": Variant(1.6, 2.2, 456, 0.4, bn_eps=1e-3, bn_momentum=0.01),
    "b6": Variant(1.8, 2.6, 528, 0.5, bn_eps=1e-3, bn_momentum=0.01),
    "b7": Variant(2.0, 3.1, 600, 0.5, bn_eps=1e-3, bn_momentum=0.01),
    "lite0": Variant(1.0, 1.0, 224, 0.2, bn_eps=1e-3, lite=True),
    "lite1": Variant(1.0, 1.1, 240, 0.2, bn_eps=1e-3, lite=True),
    "lite2": Variant(1.1, 1.2, 260, 0.3, bn_eps=1e-3, lite=True),
}

# --- Compound scaling -------------------------------------------------------------------------------------------------

ALPHA, BETA, GAMMA = 1.2, 1.1, 1.15


def compound_scaling(phi: float) -> tuple[float, float, float]:
    """Return the multipliers of depth, width and resolution for the compound coefficient ``phi``.

    Depth grows as ``ALPHA ** phi``, width as ``BETA ** phi``, resolution as ``GAMMA ** phi``. Cost is proportional to
    depth, to width squared and to resolution squared, and ``ALPHA * BETA**2 * GAMMA**2`` is about 2: each step of
    ``phi`` about doubles the multiply-adds.

    The authors chose the multipliers in :data:`VARIANTS` along this curve and rounded them, B1 from ``phi`` 0.5, B2
    from 1, up to B7 from about 7.

    Parameters
    ----------
    phi : float
        0 gives B0.

    Returns
    -------
    tuple of float
        Depth, width and resolution, each relative to B0.
    """
    return ALPHA**phi, BETA**phi, GAMMA**phi


def scale_channels(channels: int, width: float) -> int:
    """Return ``channels * width`` rounded to a multiple of 8, and never more than 10 % below the exact product.

    Multiples of 8 keep the hardware's vector units full.
    """
    exact = channels * width
    rounded = max(8, int(exact + 4) // 8 * 8)
    return rounded if rounded >= 0.9 * exact else rounded + 8


def scale_layers(layers: int, depth: float) -> int:
    """Return ``layers * depth``, rounded up."""
    return math.ceil(layers * depth)


# --- Building blocks --------------------------------------------------------------------------------------------------


class SamePadConv2d(nn.Conv2d):
    """A convolution whose output has ``ceil(size / stride)`` pixels a side, padded as TensorFlow's "SAME" does.

    An odd pixel of padding goes to the right and to the bottom. PyTorch's ``padding=kernel // 2`` puts as much on the
    left as on the right, which at stride 2 moves the sampling grid by a pixel; weights trained one way expect that way.
    """

    def forward(self, x: Tensor) -> Tensor:
        pads = []
        for size, kernel, stride in zip(reversed(x.shape[-2:]), reversed(self.kernel_size), reversed(self.stride)):
            total = max((math.ceil(size / stride) - 1) * stride + kernel - size, 0)
            pads += [total // 2, total - total // 2]  # F.pad wants left, right, top, bottom
        return super().forward(F.pad(x, pads))


class ConvBNActivation(nn.Module):
    """Convolution without bias, batch norm, activation.

    Parameters
    ----------
    in_channels, out_channels, kernel, stride, groups : int
        As in ``nn.Conv2d``. The padding keeps the size at stride 1 and halves it, rounded up, at stride 2.
    variant : Variant
        Gives batch norm's ``eps`` and ``momentum``, the activation and the way of padding.
    activate : bool
        False leaves the activation out: a bottleneck's output is linear.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel: int,
        variant: Variant,
        *,
        stride: int = 1,
        groups: int = 1,
        activate: bool = True,
    ) -> None:
        super().__init__()
        if variant.lite and stride > 1:  # at stride 1 both ways of padding are the same
            self.conv = SamePadConv2d(in_channels, out_channels, kernel, stride, groups=groups, bias=False)
        else:
            self.conv = nn.Conv2d(
                in_channels, out_channels, kernel, stride, padding=kernel // 2, groups=groups, bias=False
            )
        self.bn = nn.BatchNorm2d(out_channels, eps=variant.bn_eps, momentum=variant.bn_momentum)
        # SiLU(x) = x * sigmoid(x) is the paper's swish. Lite takes ReLU6, which survives 8-bit quantisation better.
        # Not in place, so that a forward hook sees each layer's output as the layer left it.
        self.activation = (nn.ReLU6() if variant.lite else nn.SiLU()) if activate else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return self.activation(self.bn(self.conv(x)))


class SqueezeExcitation(nn.Module):
    """Multiply each channel by a weight between 0 and 1 that is computed from the mean of all channels.

    Parameters
    ----------
    channels : int
        Channels of the map, (N, channels, H, W) in and out.
    squeezed : int
        Width of the hidden layer.
    """

    def __init__(self, channels: int, squeezed: int) -> None:
        super().__init__()
        # 1x1 convolutions on a 1x1 map: two linear layers.
        self.squeeze = nn.Conv2d(channels, squeezed, kernel_size=1)
        self.excite = nn.Conv2d(squeezed, channels, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        mean = x.mean(dim=(2, 3), keepdim=True)
        return x * torch.sigmoid(self.excite(F.silu(self.squeeze(mean))))


class StochasticDepth(nn.Module):
    """In training, zero whole samples with probability ``p`` and divide the others by ``1 - p``.

    Put at the end of a residual branch, it makes the block an identity for the zeroed samples. In ``eval()`` mode it
    does nothing.
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.p == 0:
            return x
        survives = torch.empty((len(x), 1, 1, 1), dtype=x.dtype, device=x.device).bernoulli_(1 - self.p)
        return x * survives / (1 - self.p)

    def extra_repr(self) -> str:
        return f"p={self.p:.4g}"


class MBConv(nn.Module):
    """The inverted residual block: expand, depthwise convolution, squeeze-and-excitation, project.

    A 1x1 convolution widens the map ``expansion`` times, a depthwise convolution (one filter per channel) looks at
    the neighbourhood, a 1x1 convolution without activation narrows it again. The input is added when shapes allow.

    Parameters
    ----------
    in_channels, out_channels : int
        Channels of the narrow ends.
    expansion : int
        1 leaves the first convolution out.
    kernel, stride : int
        Of the depthwise convolution.
    drop_probability : float
        For stochastic depth.
    variant : Variant
        Lite leaves squeeze-and-excitation out.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        expansion: int,
        kernel: int,
        stride: int,
        drop_probability: float,
        variant: Variant,
    ) -> None:
        super().__init__()
        wide = in_channels * expansion
        self.expand = ConvBNActivation(in_channels, wide, 1, variant) if expansion > 1 else nn.Identity()
        self.depthwise = ConvBNActivation(wide, wide, kernel, variant, stride=stride, groups=wide)
        self.se = nn.Identity() if variant.lite else SqueezeExcitation(wide, in_channels // SQUEEZE)
        self.project = ConvBNActivation(wide, out_channels, 1, variant, activate=False)
        self.residual = stride == 1 and in_channels == out_channels
        self.stochastic_depth = StochasticDepth(drop_probability)

    def forward(self, x: Tensor) -> Tensor:
        out = self.project(self.se(self.depthwise(self.expand(x))))
        return x + self.stochastic_depth(out) if self.residual else out


# --- The network ------------------------------------------------------------------------------------------------------


class EfficientNet(nn.Module):
    """EfficientNet B0-B7 or EfficientNet-Lite0-2.

    Parameters
    ----------
    variant : str or Variant
        ``"b0"`` to ``"b7"``, ``"lite0"``, ``"lite1"`` or ``"lite2"``; or multipliers of your own.
    num_classes : int
        Outputs of the classifier.

    Attributes
    ----------
    stem : ConvBNActivation
        The first convolution, stride 2.
    stages : nn.Sequential
        Seven ``nn.Sequential`` of :class:`MBConv` blocks.
    head : ConvBNActivation
        The last 1x1 convolution; its output is what Grad-CAM looks at.
    dropout : nn.Dropout
    classifier : nn.Linear
    image_size : int
        Side in pixels of the images that the variant was designed for. Other sizes work too.
    num_features : int
        Width of :meth:`pooled`.

    Raises
    ------
    ValueError
        For an unknown variant or a ``num_classes`` that is not a positive integer.

    Notes
    -----
    B0-B7 agree with ``torchvision.models.efficientnet_b0`` ... ``efficientnet_b7``, EfficientNet-Lite with timm's
    ``tf_efficientnet_lite0`` ... ``tf_efficientnet_lite2``; :meth:`load_by_order` copies their weights.

    Taught in lesson 14.

    Examples
    --------
    >>> model = EfficientNet("b0", num_classes=2)
    >>> model(torch.zeros(1, 3, 224, 224)).shape
    torch.Size([1, 2])
    """

    def __init__(self, variant: str | Variant, num_classes: int = 1000) -> None:
        super().__init__()
        if not isinstance(variant, Variant) and variant not in VARIANTS:
            raise ValueError(f"Unknown EfficientNet variant {variant!r}; choose one of {', '.join(VARIANTS)}.")
        if not isinstance(num_classes, int) or isinstance(num_classes, bool) or num_classes < 1:
            raise ValueError(f"num_classes must be a positive integer, got {num_classes!r}.")
        spec = variant if isinstance(variant, Variant) else VARIANTS[variant]
        self.variant = variant if isinstance(variant, str) else f"of width {spec.width:g} and depth {spec.depth:g}"
        self.image_size = spec.image_size

        channels = STEM_CHANNELS if spec.lite else scale_channels(STEM_CHANNELS, spec.width)
        self.stem = ConvBNActivation(3, channels, 3, spec, stride=2)

        layers = [scale_layers(stage.layers, spec.depth) for stage in STAGES]
        if spec.lite:  # the first and the last stage keep their single block
            layers[0], layers[-1] = STAGES[0].layers, STAGES[-1].layers
        drop_probabilities = iter(STOCHASTIC_DEPTH * i / sum(layers) for i in range(sum(layers)))

        stages = []
        for stage, repeats in zip(STAGES, layers):
            out_channels = scale_channels(stage.channels, spec.width)
            blocks = []
            for i in range(repeats):
                stride = stage.stride if i == 0 else 1
                drop = next(drop_probabilities)
                blocks.append(MBConv(channels, out_channels, stage.expansion, stage.kernel, stride, drop, spec))
                channels = out_channels
            stages.append(nn.Sequential(*blocks))
        self.stages = nn.Sequential(*stages)

        self.num_features = HEAD_CHANNELS if spec.lite else scale_channels(HEAD_CHANNELS, spec.width)
        self.head = ConvBNActivation(channels, self.num_features, 1, spec)
        self.dropout = nn.Dropout(spec.dropout)
        self.classifier = nn.Linear(self.num_features, num_classes)
        self._initialise()

    def _initialise(self) -> None:
        """Draw the initial weights as torchvision does; batch norm's defaults, ones and zeros, are the same already."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out")
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        limit = 1 / math.sqrt(self.classifier.out_features)
        nn.init.uniform_(self.classifier.weight, -limit, limit)
        nn.init.zeros_(self.classifier.bias)

    def features(self, x: Tensor) -> Tensor:
        """Return the last feature map.

        Parameters
        ----------
        x : Tensor
            Normalised images, (N, 3, H, W), floating point.

        Returns
        -------
        Tensor
            (N, num_features, h, w); ``h`` is ``H / 32``, rounded up, and ``w`` likewise.

        Raises
        ------
        ValueError
            If ``x`` has another shape or holds integers.
        """
        if x.ndim != 4 or x.shape[1] != 3:
            hint = " Add the batch dimension with x[None]." if x.ndim == 3 and x.shape[0] == 3 else ""
            raise ValueError(f"EfficientNet expected images of shape (N, 3, H, W), got {tuple(x.shape)}.{hint}")
        if not x.is_floating_point():
            raise ValueError(
                f"EfficientNet expected normalised floating-point images, got {x.dtype}. "
                "Preprocess them first: the function that load_pretrained returns does it."
            )
        return self.head(self.stages(self.stem(x)))

    def pooled(self, x: Tensor) -> Tensor:
        """Return the features before dropout and classifier: the mean of each channel of :meth:`features`.

        Parameters
        ----------
        x : Tensor
            As in :meth:`features`.

        Returns
        -------
        Tensor
            (N, num_features).
        """
        return self.features(x).mean(dim=(2, 3))

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (N, num_classes) for images (N, 3, H, W)."""
        return self.classifier(self.dropout(self.pooled(x)))

    def freeze_backbone(self) -> EfficientNet:
        """Stop all training but the classifier's, and return the model.

        The weights of stem, stages and head get ``requires_grad=False``. Their batch norms and their stochastic depth
        stay in evaluation mode even after ``train()`` (see :meth:`train`), so that the running statistics do not move
        and the same image always has the same features: cached features are exact.

        To fine-tune the end of the network afterwards, unfreeze it and call ``train()`` again::

            model.stages[-1].requires_grad_(True)
            model.head.requires_grad_(True)
            model.train()
        """
        for part in (self.stem, self.stages, self.head):
            part.requires_grad_(False)
        return self.train(self.training)

    def train(self, mode: bool = True) -> EfficientNet:
        """Switch to training mode (or evaluation mode), but leave frozen parts in evaluation mode.

        Stem, head and each block are frozen when none of their parameters requires a gradient. Plain ``nn.Module``
        would let a frozen batch norm go on averaging the new images into its running statistics, and so change the
        features of a network that is supposed to be fixed.
        """
        super().train(mode)
        for part in (self.stem, *(block for stage in self.stages for block in stage), self.head):
            if not any(parameter.requires_grad for parameter in part.parameters()):
                part.eval()
        return self

    def load_by_order(self, state_dict: Mapping[str, Tensor]) -> None:
        """Copy the weights of another EfficientNet implementation, matched by order instead of by name.

        Torchvision's B0-B7, timm's and the packaged EfficientNet-Lite hold the same tensors in the same order under
        other names: stem, blocks (expand, depthwise, squeeze-and-excitation, project), head, classifier, and within
        each convolution its weight and batch norm's weight, bias, running mean and running variance. Batch norm's step
        counters (``num_batches_tracked``) are left out: nothing depends on them here, and old files lack them.

        Parameters
        ----------
        state_dict : mapping of str to Tensor
            A state dict with the same number of classes.

        Raises
        ------
        ValueError
            If the number of tensors, a shape, or a last name (weight, bias, running_mean, running_var) differs. The
            model is then unchanged.
        """

        def without_counters(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
            return {name: tensor for name, tensor in tensors.items() if not name.endswith("num_batches_tracked")}

        own, theirs = without_counters(self.state_dict()), without_counters(state_dict)
        if len(own) != len(theirs):
            raise ValueError(
                f"EfficientNet {self.variant} has {len(own)} tensors (step counters not counted), "
                f"the state dict has {len(theirs)}: it belongs to another network."
            )
        for (name, tensor), (their_name, their_tensor) in zip(own.items(), theirs.items()):
            same_role = name.rpartition(".")[2] == their_name.rpartition(".")[2]
            if tensor.shape != their_tensor.shape or not same_role:
                raise ValueError(
                    f"EfficientNet {self.variant} expected {name} of shape {tuple(tensor.shape)}, "
                    f"the state dict has {their_name} of shape {tuple(their_tensor.shape)} in its place."
                )
        self.load_state_dict(dict(zip(own, theirs.values())), strict=False)
