"""GoogLeNet, the first Inception network, from one table of nine blocks.

Read it from top to bottom: the tables, the two building blocks, the network. Tensors are laid out ``(N, C, H, W)``.
Taught in lesson 11.

References
----------
- C. Szegedy et al., "Going Deeper with Convolutions", CVPR 2015, arXiv:1409.4842 (blocks: Table 1).
- S. Ioffe, C. Szegedy, "Batch Normalization", ICML 2015, arXiv:1502.03167. It came after GoogLeNet.
- K. He et al., "Delving Deep into Rectifiers", ICCV 2015, arXiv:1502.01852 (the initial weights).
"""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple

import torch
from torch import Tensor, nn

from course_utils.models.checks import check_images, check_whole

# --- The architecture as numbers --------------------------------------------------------------------------------------


class Branches(NamedTuple):
    """Channels of one inception block, in the order of the paper's columns."""

    one: int  # branch 1: 1x1
    three_reduce: int  # branch 2: 1x1, which hands fewer channels ...
    three: int  # ... to the 3x3
    five_reduce: int  # branch 3: 1x1 before ...
    five: int  # ... the 5x5
    pool: int  # branch 4: 1x1 after a 3x3 max pool

    @property
    def out_channels(self) -> int:
        """Channels of the block's output: the four branches one after the other."""
        return self.one + self.three + self.five + self.pool


STEM_CHANNELS = (64, 64, 192)  # of the 7x7, the 1x1 and the 3x3 convolution before the first block

# A max pool of stride 2 stands between two stages.
STAGES = (
    {
        "3a": Branches(64, 96, 128, 16, 32, 32),
        "3b": Branches(128, 128, 192, 32, 96, 64),
    },
    {
        "4a": Branches(192, 96, 208, 16, 48, 64),
        "4b": Branches(160, 112, 224, 24, 64, 64),
        "4c": Branches(128, 128, 256, 24, 64, 64),
        "4d": Branches(112, 144, 288, 32, 64, 64),
        "4e": Branches(256, 160, 320, 32, 128, 128),
    },
    {
        "5a": Branches(256, 160, 320, 32, 128, 128),
        "5b": Branches(384, 192, 384, 48, 128, 128),
    },
)
PUBLISHED_WIDTH = STEM_CHANNELS[0]
SMALLEST_IMAGE = 32


class Details(NamedTuple):
    """The numbers in which the paper and torchvision differ."""

    five: int  # kernel size of the third branch
    last_pool: int  # kernel size of the max pool before block 5a
    bn_eps: float
    dropout: float


VARIANTS = {
    "paper": Details(five=5, last_pool=3, bn_eps=1e-5, dropout=0.4),
    "torchvision": Details(five=3, last_pool=2, bn_eps=1e-3, dropout=0.2),
}

# --- Building blocks --------------------------------------------------------------------------------------------------


class ConvBNReLU(nn.Sequential):
    """Convolution, batch norm, ReLU; padded so that stride 1 keeps the size.

    Parameters
    ----------
    in_channels, out_channels, kernel, stride : int
        As in ``nn.Conv2d``.
    bn_eps : float or None
        Batch norm's ``eps``. None leaves batch norm out and gives the convolution a bias instead.
    """

    def __init__(
        self, in_channels: int, out_channels: int, kernel: int, *, stride: int = 1, bn_eps: float | None
    ) -> None:
        plain = bn_eps is None
        conv = nn.Conv2d(in_channels, out_channels, kernel, stride, padding=kernel // 2, bias=plain)
        norm = nn.Identity() if plain else nn.BatchNorm2d(out_channels, eps=bn_eps)
        # Not in place, so that a forward hook sees each layer's output as the layer left it.
        super().__init__(OrderedDict(conv=conv, bn=norm, relu=nn.ReLU()))


class Inception(nn.Module):
    """Four branches side by side over the same input, joined along the channels.

    Parameters
    ----------
    in_channels : int
    channels : Branches
    five : int
        Kernel size of the third branch; see :class:`Details`.
    bn_eps : float or None
        As in :class:`ConvBNReLU`.
    """

    def __init__(self, in_channels: int, channels: Branches, *, five: int = 5, bn_eps: float | None = 1e-5) -> None:
        super().__init__()
        self.out_channels = channels.out_channels
        self.branch1 = ConvBNReLU(in_channels, channels.one, 1, bn_eps=bn_eps)
        self.branch2 = nn.Sequential(
            ConvBNReLU(in_channels, channels.three_reduce, 1, bn_eps=bn_eps),
            ConvBNReLU(channels.three_reduce, channels.three, 3, bn_eps=bn_eps),
        )
        self.branch3 = nn.Sequential(
            ConvBNReLU(in_channels, channels.five_reduce, 1, bn_eps=bn_eps),
            ConvBNReLU(channels.five_reduce, channels.five, five, bn_eps=bn_eps),
        )
        self.branch4 = nn.Sequential(
            nn.MaxPool2d(3, stride=1, padding=1),
            ConvBNReLU(in_channels, channels.pool, 1, bn_eps=bn_eps),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, channels.out_channels, H, W) for (N, in_channels, H, W)."""
        return torch.cat([self.branch1(x), self.branch2(x), self.branch3(x), self.branch4(x)], dim=1)


# --- The network ------------------------------------------------------------------------------------------------------


class GoogLeNet(nn.Module):
    """GoogLeNet without its auxiliary heads.

    Parameters
    ----------
    num_classes : int
        Outputs of the classifier.
    image_size : int
        Side in pixels of the images that the network is meant for, at least 32. It changes no layer: the average over
        the map takes any size.
    width : int
        Channels of the first convolution. All other channels are scaled with it, so that 16 makes everything a quarter
        of the published size.
    variant : str
        ``"paper"`` has 5x5 kernels in the third branch, a 3x3 max pool before block 5a and dropout 0.4.
        ``"torchvision"`` has 3x3 kernels there (a slip, kept because weights were trained with it), a 2x2 pool,
        dropout 0.2, and the batch norm ``eps`` 0.001 of the code that its weights come from.
    batch_norm : bool
        Put batch norm between each convolution and its ReLU, as torchvision does. False gives the network as
        published: biases instead, and two local response normalisations in the stem.

    Attributes
    ----------
    stem : nn.Sequential
        Three convolutions and two max pools: a map of an eighth of the image's size.
    stages : nn.Sequential
        Three ``nn.Sequential`` of :class:`Inception` blocks named "3a" to "5b"; the first two end with a max pool.
    dropout : nn.Dropout
    classifier : nn.Linear
    cam_layer : nn.Module
        Block 5b: its output is what Grad-CAM looks at.
    image_size : int
    num_features : int
        Width of :meth:`pooled`.

    Raises
    ------
    ValueError
        For an unknown variant, or a size that is not a positive integer.

    Notes
    -----
    ``variant="torchvision"`` agrees with ``torchvision.models.googlenet(aux_logits=False)``, whose state dict holds the
    same tensors in the same order. Alike in both variants, and as in the paper: max pools round the size up
    (``ceil_mode``), as Caffe did, without which 224 pixels would not become 56; the last average is over the whole map.
    torchvision's ``transform_input`` is not here: it undoes the ImageNet normalisation for weights that were trained
    with another one, and so is part of the preprocessing.

    The two auxiliary classifiers of the paper push a gradient into the middle of a network that has no batch norm.
    They are dropped after training, and left out here.

    Taught in lesson 11.

    Examples
    --------
    >>> model = GoogLeNet(num_classes=3, image_size=64, width=16)
    >>> model(torch.zeros(2, 3, 64, 64)).shape
    torch.Size([2, 3])
    """

    def __init__(
        self,
        num_classes: int = 1000,
        *,
        image_size: int = 224,
        width: int = PUBLISHED_WIDTH,
        variant: str = "paper",
        batch_norm: bool = True,
    ) -> None:
        super().__init__()
        if variant not in VARIANTS:
            raise ValueError(f"Unknown GoogLeNet variant {variant!r}; choose one of {', '.join(VARIANTS)}.")
        check_whole("num_classes", num_classes)
        check_whole("image_size", image_size, least=SMALLEST_IMAGE)
        check_whole("width", width, least=4)
        self.variant = variant
        self.image_size = image_size
        details = VARIANTS[variant]
        bn_eps = details.bn_eps if batch_norm else None

        def scaled(channels: int) -> int:
            return channels * width // PUBLISHED_WIDTH

        def response_norm() -> list[nn.Module]:
            return [] if batch_norm else [nn.LocalResponseNorm(5)]

        first, second, channels = (scaled(c) for c in STEM_CHANNELS)
        self.stem = nn.Sequential(
            ConvBNReLU(3, first, 7, stride=2, bn_eps=bn_eps),
            nn.MaxPool2d(3, stride=2, ceil_mode=True),
            *response_norm(),
            ConvBNReLU(first, second, 1, bn_eps=bn_eps),
            ConvBNReLU(second, channels, 3, bn_eps=bn_eps),
            *response_norm(),
            nn.MaxPool2d(3, stride=2, ceil_mode=True),
        )
        stages = []
        for number, table in enumerate(STAGES):
            stage = OrderedDict()
            for name, row in table.items():
                stage[name] = Inception(channels, Branches(*map(scaled, row)), five=details.five, bn_eps=bn_eps)
                channels = stage[name].out_channels
            if number < 2:
                stage["pool"] = nn.MaxPool2d((3, details.last_pool)[number], stride=2, ceil_mode=True)
            stages.append(nn.Sequential(stage))
        self.stages = nn.Sequential(*stages)

        self.num_features = channels
        self.dropout = nn.Dropout(details.dropout)
        self.classifier = nn.Linear(channels, num_classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    @property
    def cam_layer(self) -> nn.Module:
        return self.stages[-1][-1]

    def features(self, x: Tensor) -> Tensor:
        """Return the last feature map.

        Parameters
        ----------
        x : Tensor
            Normalised images, (N, 3, H, W), floating point, of at least 32 x 32 pixels.

        Returns
        -------
        Tensor
            (N, num_features, h, w); ``h`` is about ``H / 32``, and ``w`` likewise.

        Raises
        ------
        ValueError
            If ``x`` has another shape or holds integers.
        """
        check_images("GoogLeNet", x, least=SMALLEST_IMAGE)
        return self.stages(self.stem(x))

    def pooled(self, x: Tensor) -> Tensor:
        """Return what the classifier gets, (N, num_features): the mean of each channel of :meth:`features`."""
        return self.features(x).mean(dim=(2, 3))

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (N, num_classes) for images (N, 3, H, W)."""
        return self.classifier(self.dropout(self.pooled(x)))
