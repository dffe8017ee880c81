"""VGG in its five configurations A-E, from one table of kernel sizes.

Read it from top to bottom: the table, the network. Tensors are laid out ``(N, C, H, W)``. Taught in lesson 10.

References
----------
- K. Simonyan, A. Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition", ICLR 2015,
  arXiv:1409.1556 (configurations: Table 1; parameters: Table 2).
- S. Ioffe, C. Szegedy, "Batch Normalization", ICML 2015, arXiv:1502.03167. It came after VGG.
- K. He et al., "Delving Deep into Rectifiers", ICCV 2015, arXiv:1502.01852 (the initial weights).
"""

from __future__ import annotations

from torch import Tensor, nn

from course_utils.models.checks import check_images, check_whole

# --- The architecture as numbers --------------------------------------------------------------------------------------

# Kernel sizes of the convolutions, stage by stage. Each stage ends with a max pool that halves the map.
CONFIGURATIONS = {
    "A": ((3,), (3,), (3, 3), (3, 3), (3, 3)),
    "B": ((3, 3), (3, 3), (3, 3), (3, 3), (3, 3)),
    "C": ((3, 3), (3, 3), (3, 3, 1), (3, 3, 1), (3, 3, 1)),
    "D": ((3, 3), (3, 3), (3, 3, 3), (3, 3, 3), (3, 3, 3)),
    "E": ((3, 3), (3, 3), (3, 3, 3, 3), (3, 3, 3, 3), (3, 3, 3, 3)),
}
CHANNELS = (64, 128, 256, 512, 512)  # of all convolutions in a stage
HIDDEN = 4096  # width of the classifier's two hidden layers
PUBLISHED_WIDTH = CHANNELS[0]
REDUCTION = 2 ** len(CHANNELS)  # five max pools: 224 pixels become 7

# --- The network ------------------------------------------------------------------------------------------------------


class VGG(nn.Module):
    """VGG with configuration A (11 layers with weights), B (13), C (16), D (16, "VGG-16") or E (19, "VGG-19").

    Parameters
    ----------
    configuration : str
        ``"A"`` to ``"E"``, a row of :data:`CONFIGURATIONS`.
    num_classes : int
        Outputs of the classifier.
    image_size : int
        Side in pixels of the images that the classifier is built for, at least 32. The published 224 gives it a grid
        of 7 x 7, 32 a grid of 1 x 1.
    width : int
        Channels of the first convolution. All other channels and the classifier's hidden layers are scaled with it,
        so that 16 makes everything a quarter of the published size.
    batch_norm : bool
        Put batch norm between each convolution and its ReLU, as torchvision's ``vgg11_bn`` does. False gives the
        network as published, torchvision's ``vgg11``.
    dropout : float
        Probability, after each hidden layer of the classifier.

    Attributes
    ----------
    stages : nn.Sequential
        Five ``nn.Sequential`` of convolution, batch norm and ReLU, repeated, and a max pool.
    pool : nn.AdaptiveAvgPool2d
        Does nothing to images of ``image_size``, and brings the map of any others to the grid of the classifier.
    classifier : nn.Sequential
        Three linear layers with ReLU and dropout between.
    cam_layer : nn.Module
        The last ReLU before the last max pool: its output is what Grad-CAM looks at.
    image_size : int
    num_features : int
        Width of :meth:`pooled`.

    Raises
    ------
    ValueError
        For an unknown configuration, or a size that is not a positive integer.

    Notes
    -----
    A, B, D and E agree with ``torchvision.models.vgg11_bn``, ``vgg13_bn``, ``vgg16_bn`` and ``vgg19_bn``, whose state
    dicts hold the same tensors in the same order. torchvision has no C.

    The initial weights are He's, which keep the size of the signal from layer to layer at every ``width``. The paper
    drew from a fixed normal distribution, and had to train A first and start the deeper ones from its layers.

    Taught in lesson 10.

    Examples
    --------
    >>> model = VGG("A", num_classes=3, image_size=32, width=16)
    >>> model(torch.zeros(2, 3, 32, 32)).shape
    torch.Size([2, 3])
    """

    def __init__(
        self,
        configuration: str,
        num_classes: int = 1000,
        *,
        image_size: int = 224,
        width: int = PUBLISHED_WIDTH,
        batch_norm: bool = True,
        dropout: float = 0.5,
    ) -> None:
        super().__init__()
        if configuration not in CONFIGURATIONS:
            raise ValueError(f"Unknown VGG configuration {configuration!r}; choose one of {', '.join(CONFIGURATIONS)}.")
        check_whole("num_classes", num_classes)
        check_whole("image_size", image_size, least=REDUCTION)
        check_whole("width", width)
        self.configuration = configuration
        self.image_size = image_size

        in_channels = 3
        stages = []
        for kernels, channels in zip(CONFIGURATIONS[configuration], CHANNELS):
            channels = channels * width // PUBLISHED_WIDTH
            layers = []
            for kernel in kernels:
                layers.append(nn.Conv2d(in_channels, channels, kernel, padding=kernel // 2))
                if batch_norm:
                    layers.append(nn.BatchNorm2d(channels))
                layers.append(nn.ReLU())  # not in place, so that a hook sees each layer's output as the layer left it
                in_channels = channels
            stages.append(nn.Sequential(*layers, nn.MaxPool2d(2)))
        self.stages = nn.Sequential(*stages)

        grid = image_size // REDUCTION
        hidden = HIDDEN * width // PUBLISHED_WIDTH
        self.num_features = in_channels * grid**2
        self.pool = nn.AdaptiveAvgPool2d(grid)
        self.classifier = nn.Sequential(
            nn.Linear(self.num_features, hidden),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(hidden, hidden),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(hidden, num_classes),
        )
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                nn.init.zeros_(module.bias)

    @property
    def cam_layer(self) -> nn.Module:
        return self.stages[-1][-2]

    def features(self, x: Tensor) -> Tensor:
        """Return the last feature map.

        Parameters
        ----------
        x : Tensor
            Normalised images, (N, 3, H, W), floating point, of at least 32 x 32 pixels.

        Returns
        -------
        Tensor
            (N, 8 * width, H // 32, W // 32).

        Raises
        ------
        ValueError
            If ``x`` has another shape or holds integers.
        """
        check_images("VGG", x, least=REDUCTION)
        return self.stages(x)

    def pooled(self, x: Tensor) -> Tensor:
        """Return what the classifier gets, (N, num_features): the feature map's grid as one vector."""
        return self.pool(self.features(x)).flatten(1)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (N, num_classes) for images (N, 3, H, W)."""
        return self.classifier(self.pooled(x))
