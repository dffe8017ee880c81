"""The twelve small networks of lesson 09: one to four blocks, three ways for the channels to grow.

Tensors are laid out ``(N, C, H, W)``. Taught in lesson 09.
"""

from __future__ import annotations

from torch import Tensor, nn

from course_utils.models.checks import check_images, check_whole

# From the channels before a block to the channels after it; the image itself has 3.
GROWTH = {
    "add": lambda c: c + 13,
    "double": lambda c: 2 * c if c < 20 else c * 3 // 2,
    "triple": lambda c: 3 * c if c < 50 else c + c // 6,
}
MOST_BLOCKS = 4
KERNEL = 5


def channel_sequence(rule: str, blocks: int) -> list[int]:
    """Return the channels after each block.

    Parameters
    ----------
    rule : str
        ``"add"``: c + 13. ``"double"``: 2c below 20, else 1.5c. ``"triple"``: 3c below 50, else c + c // 6.
    blocks : int
        From 1 to 4.

    Raises
    ------
    ValueError
        For an unknown rule or another number of blocks.

    >>> channel_sequence("triple", 4)
    [9, 27, 81, 94]
    """
    if rule not in GROWTH:
        raise ValueError(f"Unknown growth rule {rule!r}; choose one of {', '.join(GROWTH)}.")
    check_whole("blocks", blocks)
    if blocks > MOST_BLOCKS:
        raise ValueError(f"blocks must be from 1 to {MOST_BLOCKS}, got {blocks}.")
    channels = [3]
    for _ in range(blocks):
        channels.append(GROWTH[rule](channels[-1]))
    return channels[1:]


class SweepNet(nn.Module):
    """Blocks of convolution 5x5, ReLU, batch norm and max pool 2x2, and one linear layer.

    Parameters
    ----------
    rule, blocks
        As in :func:`channel_sequence`.
    image_size : int
        Side of the square images in pixels, at least ``2 ** blocks``.
    num_classes : int
        Outputs of the classifier.

    Attributes
    ----------
    channels : list of int
        After each block.
    stages : nn.Sequential
        One ``nn.Sequential`` per block.
    classifier : nn.Linear
    cam_layer : nn.Module
        The last batch norm, before the last max pool: its output is what Grad-CAM looks at.
    image_size : int
    num_features : int
        Width of :meth:`pooled`.

    Raises
    ------
    ValueError
        For an unknown rule, another number of blocks, or a size that is not a positive integer.

    Notes
    -----
    Taught in lesson 09.

    Examples
    --------
    >>> SweepNet("add", 2).channels
    [16, 29]
    """

    def __init__(self, rule: str, blocks: int, *, image_size: int = 64, num_classes: int = 3) -> None:
        super().__init__()
        self.channels = channel_sequence(rule, blocks)
        check_whole("image_size", image_size, least=2**blocks)
        check_whole("num_classes", num_classes)
        self.rule = rule
        self.image_size = image_size
        self.stages = nn.Sequential(
            *(
                nn.Sequential(
                    nn.Conv2d(before, after, KERNEL, padding=KERNEL // 2),
                    nn.ReLU(),
                    nn.BatchNorm2d(after),
                    nn.MaxPool2d(2),
                )
                for before, after in zip([3, *self.channels], self.channels)
            )
        )
        self.num_features = self.channels[-1] * (image_size // 2**blocks) ** 2
        self.classifier = nn.Linear(self.num_features, num_classes)

    @property
    def cam_layer(self) -> nn.Module:
        return self.stages[-1][-2]

    def features(self, x: Tensor) -> Tensor:
        """Return the last feature map, (N, channels[-1], h, w), of normalised images (N, 3, H, W).

        Raises
        ------
        ValueError
            If ``x`` has another shape, is smaller than ``2 ** blocks`` pixels, or holds integers.
        """
        check_images("SweepNet", x, least=2 ** len(self.channels))
        return self.stages(x)

    def pooled(self, x: Tensor) -> Tensor:
        """Return what the classifier gets, (N, num_features): the feature map as one vector.

        Raises
        ------
        ValueError
            If ``x`` is not of the size that the network was built for.
        """
        maps = self.features(x)
        if x.shape[2:] != (self.image_size, self.image_size):
            raise ValueError(
                f"This SweepNet was built for images of {self.image_size} x {self.image_size} pixels, "
                f"got {x.shape[2]} x {x.shape[3]}. Resize them, or build it with another image_size."
            )
        return maps.flatten(1)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (N, num_classes) for images (N, 3, image_size, image_size)."""
        return self.classifier(self.pooled(x))
