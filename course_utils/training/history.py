"""What happened in each epoch."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class History:
    """What happened in each epoch of :func:`course_utils.training.fit`; ``len(history)`` is the number of epochs.

    Attributes
    ----------
    train_loss, valid_loss : list of float
        Mean loss a sample. The training values are running means, taken while the weights changed.
    train_accuracy, valid_accuracy : list of float
        From 0 to 1.
    learning_rate : list of float
        Of the optimizer's first group of parameters, during the epoch.
    seconds : list of float
        Wall time of each epoch, validation included.
    """

    train_loss: list[float] = field(default_factory=list)
    train_accuracy: list[float] = field(default_factory=list)
    valid_loss: list[float] = field(default_factory=list)
    valid_accuracy: list[float] = field(default_factory=list)
    learning_rate: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.valid_loss)

    @property
    def best_epoch(self) -> int:
        """The epoch, counted from 1, with the smallest validation loss; the first of them if several tie."""
        if not self.valid_loss:
            raise ValueError("This history is empty: train for at least one epoch first.")
        return min(range(len(self.valid_loss)), key=self.valid_loss.__getitem__) + 1

    @property
    def epochs_since_best(self) -> int:
        """How many epochs have passed without a smaller validation loss."""
        return len(self) - self.best_epoch if self.valid_loss else 0

    def plot(self, title: str = ""):
        """Draw loss and accuracy of both splits against the epoch; the best epoch is marked. Returns the figure."""
        import matplotlib.pyplot as plt

        from course_utils.plotting import use_style

        use_style()
        fig, axes = plt.subplots(1, 2, figsize=(9, 3.4))
        epochs = range(1, len(self.train_loss) + 1)
        for axis, quantity, label in zip(axes, ("loss", "accuracy"), ("cross-entropy a sample", "accuracy")):
            axis.plot(epochs, getattr(self, f"train_{quantity}"), "-", label="train")
            axis.plot(epochs, getattr(self, f"valid_{quantity}"), "--", label="validation")
            axis.axvline(self.best_epoch, color="#000000", linewidth=1, linestyle=":", label="best epoch")
            axis.set(xlabel="epoch", ylabel=label)
        axes[0].legend()
        fig.suptitle(title, fontweight="bold")
        return fig
