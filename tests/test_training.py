"""Training and checkpoints that go right. What is said about bad input: see ``bad_input_cases``."""

import multiprocessing
import os
import signal
import time

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from course_utils import training


def blobs(n=60, seed=0):
    """Two separable clouds of points, 4 numbers each."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(n) % 2
    return TensorDataset(torch.randn(n, 4, generator=generator) + 3.0 * labels[:, None], labels)


def model(seed=0, hidden=8):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(4, hidden), nn.BatchNorm1d(hidden), nn.ReLU(), nn.Dropout(0.2), nn.Linear(hidden, 2))


def trained(net, epochs=3, batch_size=16, learning_rate=0.05, **options):
    train = DataLoader(blobs(), batch_size=batch_size)
    valid = DataLoader(blobs(seed=1), batch_size=batch_size)
    optimizer = torch.optim.SGD(net.parameters(), lr=learning_rate, momentum=0.9)
    return training.fit(net, train, valid, epochs=epochs, optimizer=optimizer, **options)


def test_fit_equals_a_hand_written_loop():
    ours, by_hand = model(), model()
    torch.manual_seed(5)
    history = trained(ours, epochs=3)
    torch.manual_seed(5)
    optimizer = torch.optim.SGD(by_hand.parameters(), lr=0.05, momentum=0.9)
    for _ in range(3):
        by_hand.train()
        for inputs, labels in DataLoader(blobs(), batch_size=16):
            optimizer.zero_grad()
            nn.functional.cross_entropy(by_hand(inputs), labels).backward()
            optimizer.step()
    for mine, theirs in zip(ours.state_dict().values(), by_hand.state_dict().values()):
        assert torch.equal(mine, theirs)
    by_hand.eval()
    inputs, labels = blobs(seed=1).tensors
    with torch.no_grad():
        expected = nn.functional.cross_entropy(by_hand(inputs), labels).item()
    assert history.valid_loss[-1] == pytest.approx(expected, rel=1e-6)
    assert history.valid_accuracy[-1] > 0.9


def test_scores_weigh_samples_and_not_batches():
    # 16 right answers, then a last batch of 1 wrong one: 16/17, where a mean over batches would say 1/2.
    logits = torch.eye(2)[torch.zeros(17, dtype=torch.long)] * 4
    labels = torch.tensor([0] * 16 + [1])
    identity = nn.Linear(2, 2, bias=False)
    with torch.no_grad():
        identity.weight.copy_(torch.eye(2))
    score = training.evaluate(identity, DataLoader(TensorDataset(logits, labels), batch_size=16))
    assert score.accuracy == pytest.approx(16 / 17)
    assert score.loss == pytest.approx(nn.functional.cross_entropy(logits, labels).item())
    assert score.samples == 17


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_class_weights_weigh_the_mean_over_an_epoch(smoothing):
    # 45 samples in batches of 16, 16 and 13: the mean of all at once is divided by the sum of all class weights.
    inputs = torch.randn(45, 4, generator=torch.Generator().manual_seed(0))
    labels = (torch.arange(45) >= 40).long()  # the rare class is in the last batch alone
    data, weights = TensorDataset(inputs, labels), torch.tensor([0.1, 2.0])
    net = nn.Linear(4, 2)
    with torch.no_grad():
        net.weight.zero_(), net.bias.copy_(torch.tensor([2.0, -2.0]))  # the rare class has large losses
    loss_fn = nn.CrossEntropyLoss(weight=weights, label_smoothing=smoothing)
    expected = loss_fn(net(inputs), labels).item()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.0)
    loader = DataLoader(data, batch_size=16)
    history = training.fit(net, loader, loader, epochs=1, optimizer=optimizer, loss_fn=loss_fn)
    assert history.train_loss[0] == pytest.approx(expected, rel=1e-5)
    assert history.valid_loss[0] == pytest.approx(expected, rel=1e-5)
    by_samples = sum(loss_fn(net(x), y).item() * len(y) for x, y in loader) / 45
    assert abs(by_samples - expected) > 0.05  # what the plain mean over samples would have said
    assert training.evaluate(net, loader).loss == pytest.approx(nn.functional.cross_entropy(net(inputs), labels).item())


def test_one_logit_tells_two_classes_apart_by_its_sign():
    def loss_fn(logits, labels):
        return nn.functional.binary_cross_entropy_with_logits(logits[:, 0], labels.float())

    logits, labels = torch.tensor([[2.0], [-1.0], [0.5], [-3.0]]), torch.tensor([1, 1, 1, 0])
    net = nn.Linear(1, 1)
    with torch.no_grad():
        net.weight.fill_(1.0), net.bias.zero_()
    score = training.evaluate(net, DataLoader(TensorDataset(logits, labels), batch_size=3), loss_fn=loss_fn)
    assert score.accuracy == 0.75
    assert score.loss == pytest.approx(loss_fn(logits, labels).item())


def test_the_schedule_takes_a_step_after_each_epoch():
    net = model()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.8)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 2, gamma=0.5)
    loader = DataLoader(blobs(), batch_size=16)
    history = training.fit(net, loader, loader, epochs=5, optimizer=optimizer, scheduler=scheduler)
    assert history.learning_rate == [0.8, 0.8, 0.4, 0.4, 0.2]
    assert len(history) == len(history.seconds) == 5


def test_a_plateau_lowers_the_rate_by_the_validation_loss():
    net = nn.Linear(4, 2)
    optimizer = torch.optim.SGD(net.parameters(), lr=1e-30)  # too small to improve anything
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=1, eps=0)
    loader = DataLoader(blobs(), batch_size=16)
    history = training.fit(net, loader, loader, epochs=5, optimizer=optimizer, scheduler=scheduler)
    assert history.learning_rate == [1e-30, 1e-30, 1e-30, 5e-31, 5e-31]


def test_training_stops_early_after_patience_epochs_without_improvement(tmp_path):
    losses = iter([0.9, 0.5, 0.7, 0.4, 0.6, 0.4, 0.5, 0.1])  # 0.4 again is no improvement

    def scripted(logits, labels):
        return logits.sum() * 0 + (1.0 if torch.is_grad_enabled() else next(losses))

    net, loader = nn.Linear(4, 2), DataLoader(blobs(), batch_size=60)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    path = tmp_path / "best.pt"
    history = training.fit(
        net, loader, loader, epochs=20, optimizer=optimizer, loss_fn=scripted, patience=3, checkpoint=path
    )
    assert history.valid_loss == pytest.approx([0.9, 0.5, 0.7, 0.4, 0.6, 0.4, 0.5])
    assert (history.best_epoch, history.epochs_since_best) == (4, 3)
    assert training.load_checkpoint(path, net)["epoch"] == 4


def test_channels_last_changes_the_layout_and_not_the_result():
    images = TensorDataset(torch.randn(20, 3, 8, 8, generator=torch.Generator().manual_seed(0)), torch.arange(20) % 2)
    results, layouts = [], []
    for channels_last in (False, True):
        torch.manual_seed(0)
        net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2))
        net[0].register_forward_hook(
            lambda module, inputs, output: layouts.append(inputs[0].is_contiguous(memory_format=torch.channels_last))
        )
        loader = DataLoader(images, batch_size=8)
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
        history = training.fit(net, loader, loader, epochs=2, optimizer=optimizer, channels_last=channels_last)
        results.append((net[0].weight.detach(), history.valid_loss))
    assert not any(layouts[:12]) and all(layouts[12:]) and len(layouts) == 24
    assert results[1][0].is_contiguous(memory_format=torch.channels_last)
    assert torch.allclose(results[0][0], results[1][0], atol=1e-5)
    assert results[0][1] == pytest.approx(results[1][1], rel=1e-4)


def test_history_plots_both_splits_and_the_best_epoch():
    history = trained(model(), epochs=3)
    figure = history.plot("Blobs")
    for axis, name in zip(figure.axes, ("loss", "accuracy")):
        lines = [list(line.get_ydata()) for line in axis.lines]
        assert lines[0] == getattr(history, f"train_{name}") and lines[1] == getattr(history, f"valid_{name}")
        assert set(axis.lines[2].get_xdata()) == {history.best_epoch}


def test_evaluate_uses_eval_mode_and_restores_each_module():
    net = model().train()
    net[1].eval()  # a frozen batch norm must stay frozen
    before = {key: value.clone() for key, value in net.state_dict().items()}
    first = training.evaluate(net, DataLoader(blobs(), batch_size=7))
    second = training.evaluate(net, DataLoader(blobs(), batch_size=60))
    assert first.loss == pytest.approx(second.loss, rel=1e-5)  # dropout or batch statistics would differ
    assert net.training and net[3].training and not net[1].training
    assert all(torch.equal(before[key], value) for key, value in net.state_dict().items())


def test_best_weights_are_on_disk_and_load_into_a_fresh_model(tmp_path):
    path = tmp_path / "runs" / "best.pt"
    history = trained(model(), epochs=6, checkpoint=path)
    fresh = model(seed=9)
    numbers = training.load_checkpoint(path, fresh)
    assert numbers["epoch"] == history.best_epoch
    score = training.evaluate(fresh, DataLoader(blobs(seed=1), batch_size=16))
    assert score.loss == min(history.valid_loss) == numbers["valid_loss"]
    assert [file.name for file in path.parent.iterdir()] == ["best.pt"]


def test_best_epoch_is_counted_from_one_and_needs_an_epoch():
    assert training.History(valid_loss=[0.5, 0.3, 0.3, 0.4]).best_epoch == 2
    with pytest.raises(ValueError, match="empty"):
        _ = training.History().best_epoch


class Pooled(nn.Module):
    """A tiny convolutional network with the interface that feature extraction expects."""

    def __init__(self):
        super().__init__()
        self.convolution = nn.Conv2d(3, 5, 3)
        self.norm = nn.BatchNorm2d(5)

    def pooled(self, images):
        return self.norm(self.convolution(images)).mean((2, 3))


def test_features_are_those_of_the_model_in_eval_mode_in_order():
    torch.manual_seed(0)
    net = Pooled().train()
    images, labels = torch.randn(11, 3, 8, 8), torch.arange(11)
    features, kept = training.extract_features(net, TensorDataset(images, labels), batch_size=4).tensors
    assert net.training and net.norm.num_batches_tracked == 0
    net.eval()
    assert torch.allclose(features, net.pooled(images), atol=1e-6)
    assert torch.equal(kept, labels) and not features.requires_grad


def test_numpy_numbers_in_a_checkpoint_can_be_read(tmp_path):
    training.save_checkpoint(tmp_path / "best.pt", model(), accuracy=np.float64(0.5), epoch=np.int64(3))
    assert training.load_checkpoint(tmp_path / "best.pt", model()) == {"accuracy": 0.5, "epoch": 3}


def _save_for_ever(path, started):
    net = nn.Linear(400, 400)
    step = 0
    while True:
        step += 1
        with torch.no_grad():
            net.weight.fill_(step)
            net.bias.fill_(step)
        training.save_checkpoint(path, net, step=step)
        started.set()


@pytest.mark.skipif(os.name == "nt", reason="kill -9 is a POSIX signal")
def test_a_killed_process_leaves_a_whole_checkpoint(tmp_path):
    context = multiprocessing.get_context("spawn")
    path, started = tmp_path / "best.pt", context.Event()
    process = context.Process(target=_save_for_ever, args=(path, started))
    process.start()
    try:
        assert started.wait(600)
        time.sleep(0.2)
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.join()
    net = nn.Linear(400, 400)
    step = training.load_checkpoint(path, net)["step"]
    assert torch.all(net.weight == step) and torch.all(net.bias == step)


def test_a_failing_write_keeps_the_old_checkpoint_and_no_clutter(tmp_path, monkeypatch):
    path = tmp_path / "best.pt"
    training.save_checkpoint(path, model())
    old = path.read_bytes()

    def full_disk(content, file):
        file.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch, "save", full_disk)
    with pytest.raises(OSError, match="No space left"):
        training.save_checkpoint(path, model(seed=3))
    assert path.read_bytes() == old
    assert list(tmp_path.iterdir()) == [path]
