"""What lesson 17 writes out is right, its claims fail when it is not, and its cells take the online networks."""

from __future__ import annotations

import functools
import hashlib
import http.server
import shutil
import threading
from pathlib import Path

import numpy as np
import pytest
import scipy.stats
import torch
import torchvision
from lesson_code import code_by_section, few_vehicles, replaced, run, run_at_full_scale, taught
from PIL import Image
from torch import nn
from torchvision.transforms._presets import ImageClassification

from course_utils.explain import GradCAM
from course_utils.models import GoogLeNet, SweepNet

NAME = "17_grad_cam"
ONLINE = ("alexnet", "densenet121", "resnet152", "efficientnet_b0", "efficientnet_b3")
SMALLER = ("alexnet", "densenet121", "efficientnet_b0")  # each kind of layer that the lesson picks by itself


@pytest.fixture(scope="module")
def sections() -> dict[int, str]:
    return code_by_section(NAME)


@pytest.fixture(scope="module")
def start(sections) -> dict:
    """The lesson's names after section 1, with a seed that it does not use."""
    return run(replaced(sections[0], "seed_everything(17)", "seed_everything(77)") + sections[1])


@pytest.fixture(scope="module")
def lesson():
    """The lesson's functions and classes, for pictures of 8 x 8."""
    return taught(NAME, {"device": torch.device("cpu"), "SIDE": 8}, imports=True)


# --- what is written out ---


def test_sections_2_to_4_hold_for_another_seed(sections, start):
    names = run(sections[2] + sections[3] + sections[4], dict(start))
    assert names["by_code"].tolist() == [[2, 3], [-3, 2]]
    assert names["maps"].shape == (2, 224, 448)


@pytest.mark.parametrize(
    "model",
    [
        GoogLeNet(5, image_size=64, width=8),
        SweepNet("double", 3, image_size=64, num_classes=5),
        nn.Sequential(nn.Conv2d(3, 8, 5), nn.ReLU(inplace=True), nn.AvgPool2d(4), nn.Flatten(), nn.Linear(1800, 5)),
    ],
    ids=["GoogLeNet", "SweepNet", "in place"],
)
def test_the_written_function_is_the_packages(lesson, model):
    model.eval().requires_grad_(False)
    layer = model[0] if isinstance(model, nn.Sequential) else model.cam_layer
    images, classes = torch.randn(3, 3, 64, 64), torch.tensor([4, 0, 2])
    written = lesson.grad_cam(model, layer, images, classes)
    packaged = GradCAM(model, layer)
    torch.testing.assert_close(written, packaged.at_layer(images, classes))
    torch.testing.assert_close(lesson.finish(written, (64, 64)), packaged(images, classes))
    assert lesson.hooks_left(model) == 0


def test_finish_leaves_an_empty_map_empty(lesson):
    maps = lesson.finish(torch.tensor([[[-1.0, -2.0], [-3.0, 0.0]], [[0.5, -1.0], [0.0, 0.0]]]), (8, 8))
    assert maps[0].abs().max() == 0 and maps[1].max() == 1 and maps.min() == 0


@pytest.mark.parametrize(
    ("section", "old", "new", "claim"),
    [
        (2, "gradient.mean((1, 2))", "gradient.sum((1, 2))", "the weights are 2 and -1"),
        (2, "alpha[0] * A[0] + alpha[1] * A[1]", "alpha[0] * A[0] - alpha[1] * A[1]", "the weighted sum"),
        (3, "gradient.mean((2, 3), keepdim=True)", "gradient", "numbers on paper"),
        (3, "gradient.mean((2, 3), keepdim=True)", "gradient.relu().mean((2, 3), keepdim=True)", "numbers on paper"),
        (3, "weighted.relu()", "weighted", "these are the maps of section 1"),
        (3, "torch.tensor([tabby, espresso])", "torch.tensor([espresso, tabby])", "these are the maps of section 1"),
        (
            3,
            "    with layer.register",
            "    layer.register_forward_hook(keep)\n    with layer.register",
            "no hook is left",
        ),
        (4, "lite0.classifier.weight[question]", "lite0.classifier.weight[question].abs()", "is CAM"),
        (4, "places = features.shape[2] * features.shape[3]", "places = 49", "is CAM"),
        (
            4,
            "ours, packaged = grad_cam(vgg, layer,",
            "ours, packaged = grad_cam(vgg, vgg.stages[3],",
            "agree on VGG|size",
        ),
    ],
)
def test_a_mistake_fails_a_claim(sections, start, section, old, new, claim):
    code = "".join(sections[number] for number in (2, 3, 4) if number < section)
    try:
        with pytest.raises((AssertionError, RuntimeError), match=claim):
            run(code + replaced(sections[section], old, new), dict(start))
    finally:
        for module in start["lite0"].modules():  # which all these tests share
            module._forward_hooks.clear()


# --- what is measured ---


def test_the_bootstrap_is_scipys(lesson):
    values = np.random.default_rng(1).gamma(2, size=50)
    mean, low, high = lesson.bootstrap(values)
    theirs = scipy.stats.bootstrap((values,), np.mean, n_resamples=20_000, method="percentile", rng=2)
    assert mean == pytest.approx(values.mean())
    assert (low, high) == pytest.approx(tuple(theirs.confidence_interval), abs=0.02 * mean)
    assert np.isnan(lesson.bootstrap([])).all()


def test_measures_leave_out_empty_maps_but_count_them_as_misses(lesson):
    maps = torch.zeros(3, 8, 8)
    maps[0, 2, 2], maps[1, 7, 7] = 1, 1
    lesson.measure.__globals__["boxes"] = torch.tensor([[0.0, 0.0, 4.0, 4.0]] * 3)
    measured = lesson.measure(maps)
    assert measured["energy in the box"][0] == 0.5
    assert measured["pointing game"][0] == pytest.approx(1 / 3)
    assert measured["area above half"][0] == pytest.approx(1 / 64)


def test_boxes_follow_their_pictures_into_the_square(lesson):
    class Wide:
        boxes = [np.array([[30, 10, 50, 30]]), np.array([[0, 0, 100, 40]])]

        def __getitem__(self, index):
            return Image.new("RGB", (100, 40)), 0  # the middle is from 30 to 70

    lesson.box_in_square.__globals__["vehicles"] = Wide()
    assert lesson.box_in_square(0).tolist() == [0, 2, 4, 6]
    assert lesson.box_in_square(1).tolist() == [0, 0, 8, 8]


def test_the_input_keeps_the_proportions_and_normalises(lesson):
    put_in = lesson.Input(32, [0.2, 0.3, 0.4], [0.5, 0.5, 0.1])
    out = put_in(torch.tensor([0.2, 0.8, 0.5]).view(1, 3, 1, 1).expand(1, 3, 64, 128))
    assert out.shape == (1, 3, 32, 64)
    torch.testing.assert_close(out[0, :, 7, 9], torch.tensor([0.0, 1.0, 1.0]))


def test_rank_correlation_compares_orders(lesson):
    one = torch.rand(2, 4, 4)
    assert lesson.rank_correlation(one, one.exp()) == pytest.approx(1)
    assert lesson.rank_correlation(one, -one) == pytest.approx(-1)
    assert lesson.rank_correlation(one, torch.stack([one[0], -one[1]])) == pytest.approx(0)


def test_cover_takes_the_largest_values(lesson):
    images, values = torch.arange(2 * 3 * 64.0).view(2, 3, 8, 8), torch.rand(2, 8, 8)
    covered = lesson.cover(images, values, share=0.25)
    changed = (covered != images).all(1)
    assert changed.sum((1, 2)).tolist() == [16, 16]
    assert values[changed].min() > 0 and values[0][changed[0]].min() > values[0][~changed[0]].max()
    torch.testing.assert_close(covered[0, :, changed[0]], images[0].mean((1, 2))[:, None].expand(3, 16))


# --- the online networks ---


class WeightServer:
    """An HTTP server on this machine that hands out the files of a folder, and notes which."""

    def __init__(self, folder: Path):
        self.served: list[str] = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                file = folder / self.path.rpartition("/")[2]
                outer.served.append(file.name)
                self.send_response(200)
                self.send_header("Content-Length", str(file.stat().st_size))
                self.end_headers()
                with file.open("rb") as content:
                    shutil.copyfileobj(content, self.wfile)

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture(params=[SMALLER, pytest.param(ONLINE, marks=pytest.mark.thorough)], ids=["three", "five"])
def online(request, monkeypatch, tmp_path):
    """Networks with random weights: AlexNet's and ResNet's, the large ones, in the cache; the others served.

    Their preprocessing gives 64 x 64 pixels, so that the lesson's cells run in seconds.
    """
    shelf, cache = tmp_path / "shelf", tmp_path / "torch" / "hub" / "checkpoints"
    for folder in (shelf, cache):
        folder.mkdir(parents=True)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(torch.hub, "_hub_dir", None)
    server = WeightServer(shelf)
    small = functools.partial(ImageClassification, crop_size=64, resize_size=64)
    torch.manual_seed(0)
    for name in request.param:
        folder = cache if name in ("alexnet", "resnet152") else shelf
        torch.save(torchvision.models.get_model(name).state_dict(), folder / "new")
        with (folder / "new").open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()[:8]
        (folder / "new").rename(folder / f"{name}-{digest}.pth")
        weights = torchvision.models.get_model_weights(name).DEFAULT.value
        url = f"http://127.0.0.1:{server.server.server_port}/models/{name}-{digest}.pth"
        monkeypatch.setattr(weights, "url", url)
        monkeypatch.setattr(weights, "transforms", small)
    yield request.param, server, cache
    server.stop()
    shutil.rmtree(tmp_path / "torch")
    shutil.rmtree(shelf)


def test_the_same_cells_take_the_online_networks(sections, online, tmp_path, monkeypatch):
    """All sections at full scale: networks of torchvision, their layers, maps, scores, checks and the GIF.

    Only the number of pictures is smaller, five a class, and that of networks outside ``make thorough``.
    """
    chosen, server, cache = online
    folder = Path(few_vehicles(tmp_path / "few", 5))
    boxes = Path((folder / "airplane" / "0001.jpg").resolve()).parents[1] / "boxes.csv"
    shutil.copy(boxes, folder / "boxes.csv")
    changes = {
        'SOURCE = "embedded"': f"SOURCE = {str(folder)!r}",
        f"ONLINE = {ONLINE}".replace("'", '"'): f"ONLINE = {chosen}",
    }
    names = run_at_full_scale("".join(sections[number] for number in range(11)), tmp_path, monkeypatch, changes)

    assert tuple(names["nets"]) == names["NETWORKS"] == chosen
    served = {name.rpartition("-")[0] for name in server.served}
    assert served == set(chosen) - {"alexnet", "resnet152"} and len(server.served) == len(served)
    assert {file.name.rpartition("-")[0] for file in cache.iterdir()} == set(chosen)
    found = {name: (names["nets"][name][1], layer) for name, layer in names["layers"].items()}
    assert found["alexnet"][1] is found["alexnet"][0].features[11]
    assert found["densenet121"][1] is found["densenet121"][0].features
    if "resnet152" in chosen:
        assert found["resnet152"][1] is found["resnet152"][0].layer4
    for name in chosen:
        assert not name.startswith("efficientnet") or found[name][1] is found[name][0].head
    for name, net in names["nets"].items():
        assert names["logits"][name].shape == (6, 3)
        assert names["maps"][name].shape == (6, 256, 256) and names["maps"][name].isfinite().all()
        assert set(names["maps"][name].amax((1, 2)).tolist()) <= {0.0, 1.0}
        assert names["hooks_left"](net) == 0
    assert list(names["scores"]) == [*chosen, "a spot in the middle"]
    assert set(names["sanity"]) == set(names["in_half"]) == set(chosen)
    with Image.open(tmp_path / "runs" / "17" / "grad_cam.gif") as gif:
        assert gif.n_frames == 6
