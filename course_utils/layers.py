"""Dropout, batch norm and layer norm, each in a few lines. Taught in lesson 06.

Each computes what the module of the same name in ``torch.nn`` computes, and has the same parameters and buffers: a
``state_dict`` of one can be loaded into the other. They are here to be read; ``torch.nn``'s are faster, and have the
options that the course does not use.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class Dropout(nn.Module):
    """Set each activation to zero with probability ``p`` while training, and scale the others by ``1 / (1 - p)``.

    In ``eval()`` mode the input is returned as it is. Taught in lesson 06.

    Parameters
    ----------
    p : float
        Probability of a zero, from 0 to 1.

    Raises
    ------
    ValueError
        If ``p`` is no probability.

    References
    ----------
    Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting", JMLR 15 (2014). There the
    test scales by ``1 - p``; here, as in PyTorch, training scales by the inverse.

    >>> Dropout(0.35).eval()(torch.ones(3))
    tensor([1., 1., 1.])
    """

    def __init__(self, p: float = 0.5) -> None:
        super().__init__()
        if not 0 <= p <= 1:
            raise ValueError(f"p is the probability of a zero, from 0 to 1; got {p}.")
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        """Return a tensor of the shape of ``x``, which may be any."""
        if not self.training or self.p == 0:
            return x
        if self.p == 1:
            return x * 0
        keep = torch.empty_like(x).bernoulli_(1 - self.p)
        return x * (keep / (1 - self.p))

    def extra_repr(self) -> str:
        return f"p={self.p}"


class _BatchNorm(nn.Module):
    """What :class:`BatchNorm1d` and :class:`BatchNorm2d` share: everything but the shape that they take."""

    dimensions: tuple[int, ...]
    shapes: str

    def __init__(self, num_features: int, eps: float = 1e-5, momentum: float = 0.1) -> None:
        super().__init__()
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))
        # Buffers: in the state_dict and moved by .to(), like parameters, but without a gradient.
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))
        self.register_buffer("num_batches_tracked", torch.tensor(0))

    def forward(self, x: Tensor) -> Tensor:
        if x.ndim not in self.dimensions or x.shape[1] != self.num_features:
            raise ValueError(f"Expected {self.shapes} with C = {self.num_features}; got shape {tuple(x.shape)}.")
        if self.training:
            mean, variance = self._batch_statistics(x)
        else:
            mean, variance = self.running_mean, self.running_var
        per_channel = (1, -1) + (1,) * (x.ndim - 2)
        mean, variance, weight, bias = (t.view(per_channel) for t in (mean, variance, self.weight, self.bias))
        return (x - mean) / (variance + self.eps).sqrt() * weight + bias

    def _batch_statistics(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and biased variance of each channel, (C,), and move the running ones towards them."""
        count = x.numel() // self.num_features
        if count < 2:
            raise ValueError(
                f"Expected more than 1 value per channel when training, got input size {x.shape}. "
                "One value has no spread: use a batch of 2 or more, or eval()."
            )
        axes = [axis for axis in range(x.ndim) if axis != 1]
        mean, variance = x.mean(axes), x.var(axes, correction=0)
        with torch.no_grad():
            # The batch is divided by its own deviation, hence biased; the running variance estimates that of all the
            # data, hence unbiased. In place, so that whoever holds the buffer sees the change.
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance * count / (count - 1), self.momentum)
            self.num_batches_tracked += 1
        return mean, variance

    def extra_repr(self) -> str:
        return f"{self.num_features}, eps={self.eps}, momentum={self.momentum}"


class BatchNorm1d(_BatchNorm):
    """Normalise each channel over the batch; input (N, C) or (N, C, L). Taught in lesson 06.

    While training, each channel is shifted and scaled by its mean and biased variance in the batch, to mean 0 and
    variance 1, then by the learned ``weight`` and ``bias``. ``running_mean`` and ``running_var`` (unbiased) move by
    ``momentum`` towards the batch's, and take their place in ``eval()`` mode.

    Parameters
    ----------
    num_features : int
        Channels C.
    eps : float
        Added to the variance, in the input's units squared.
    momentum : float
        Share of the new batch in the running statistics, from 0 to 1.

    Raises
    ------
    ValueError
        If the input has another shape, or if there is one value per channel while training.

    References
    ----------
    Ioffe and Szegedy, "Batch normalization: accelerating deep network training by reducing internal covariate shift",
    ICML 2015.

    >>> BatchNorm1d(2)(torch.tensor([[1.0, 0.0], [3.0, 200.0]])).detach().round()
    tensor([[-1., -1.],
            [ 1.,  1.]])
    """

    dimensions = (2, 3)
    shapes = "(N, C) or (N, C, L)"


class BatchNorm2d(_BatchNorm):
    """Normalise each channel over batch, rows and columns; input (N, C, H, W).

    Everything else is as in :class:`BatchNorm1d`. Taught in lesson 06.
    """

    dimensions = (4,)
    shapes = "(N, C, H, W)"


class LayerNorm(nn.Module):
    """Normalise each sample over its last axes. Taught in lesson 06.

    The sample is shifted and scaled by its own mean and biased variance, to mean 0 and variance 1, then by the learned
    ``weight`` and ``bias``, one for each feature. No batch is involved: there are no running statistics, and
    ``train()`` and ``eval()`` give the same.

    Parameters
    ----------
    normalized_shape : int or sequence of int
        Shape of the last axes, over which mean and variance are taken: the input is ``(..., *normalized_shape)``.
    eps : float
        Added to the variance, in the input's units squared.

    Raises
    ------
    ValueError
        If the input's last axes have another shape.

    References
    ----------
    Ba, Kiros and Hinton, "Layer normalization", 2016, arXiv:1607.06450.

    >>> LayerNorm(2)(torch.tensor([[1.0, 3.0], [0.0, 200.0]])).round().tolist()
    [[-1.0, 1.0], [-1.0, 1.0]]
    """

    def __init__(self, normalized_shape: int | Sequence[int], eps: float = 1e-5) -> None:
        super().__init__()
        self.normalized_shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(self.normalized_shape))
        self.bias = nn.Parameter(torch.zeros(self.normalized_shape))

    def forward(self, x: Tensor) -> Tensor:
        axes = tuple(range(-len(self.normalized_shape), 0))
        if tuple(x.shape[axes[0] :]) != self.normalized_shape:
            expected = ", ".join(str(size) for size in self.normalized_shape)
            raise ValueError(f"Expected (..., {expected}); got shape {tuple(x.shape)}.")
        mean, variance = x.mean(axes, keepdim=True), x.var(axes, correction=0, keepdim=True)
        return (x - mean) / (variance + self.eps).sqrt() * self.weight + self.bias

    def extra_repr(self) -> str:
        return f"{self.normalized_shape}, eps={self.eps}"
