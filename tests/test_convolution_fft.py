"""``fft_conv`` and its modules against ``torch.nn.functional.conv*`` and ``torch.nn.Conv*``."""

from __future__ import annotations

import re
import warnings

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.testing._internal.common_methods_invocations import op_db

from course_utils.convolution import METHODS, FFTConv1d, FFTConv2d, FFTConv3d, cost, fft_conv, functional, spectral
from course_utils.convolution.cost import make_plan, predicted_seconds, weight_gradient_plan
from course_utils.convolution.sizes import Geometry

# The import above forbids setting the flags of torch.backends in this process, to the tests of other files as well.
torch.backends.flags_frozen.__globals__["__allow_nonbracketed_mutation_flag"] = True

CONV = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
OPERATORS = {op.name[-6:]: op for op in op_db if re.fullmatch(r"nn\.functional\.conv[123]d", op.name)}
FREQUENCY = ("fft", "overlap_save")
TOLERANCE = {torch.float64: 1e-12, torch.complex128: 1e-12, torch.float32: 5e-5, torch.complex64: 5e-5}


@pytest.fixture
def counted(monkeypatch):
    """Count calls of the frequency-domain algorithm, so that no test passes because torch answered in its place."""
    calls = []

    def correlate(x, weight, bias, geometry, plan):
        calls.append(plan)
        return spectral.correlate(x, weight, bias, geometry, plan)

    monkeypatch.setattr(functional, "correlate", correlate)
    return calls


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
@pytest.mark.parametrize("name", ["conv1d", "conv2d", "conv3d"])
def test_torchs_own_operator_samples_agree(name, dtype, method, counted):
    operator, samples = OPERATORS[name], 0
    for sample in operator.sample_inputs("cpu", dtype, requires_grad=True):
        arguments = (sample.input, *sample.args)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # torch warns of a copy for "same" with even kernels
            expected = operator.op(*arguments, **sample.kwargs)
        actual = fft_conv(*arguments, **sample.kwargs, method=method)
        tolerance = {"rtol": TOLERANCE[dtype], "atol": TOLERANCE[dtype] * 10}
        torch.testing.assert_close(actual, expected, **tolerance)
        inputs = [a for a in (*arguments, *sample.kwargs.values()) if isinstance(a, torch.Tensor) and a.requires_grad]
        grad = torch.randn_like(expected)
        for ours, torchs in zip(
            torch.autograd.grad(actual, inputs, grad), torch.autograd.grad(expected, inputs, grad), strict=True
        ):
            torch.testing.assert_close(ours, torchs, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype] * 100)
        samples += 1
    assert samples >= 10
    if method in FREQUENCY:
        assert len(counted) >= 3 * (samples - 2)  # forward and two gradients; a sample or two have an empty batch


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", ["conv1d", "conv2d", "conv3d"])
def test_torchs_own_error_samples_raise_the_same(name, method):
    for error in OPERATORS[name].error_inputs("cpu"):
        sample = error.sample_input
        with pytest.raises(error.error_type, match=error.error_regex):
            fft_conv(sample.input, *sample.args, **sample.kwargs, method=method)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "change",
    [
        {"stride": 0},
        {"stride": (1, 2, 3)},
        {"padding": -1},
        {"padding": "full"},
        {"padding": "same", "stride": 2},
        {"dilation": 0},
        {"dilation": (1, 9)},
        {"groups": 0},
        {"groups": 3},
        {"groups": 2},
        {"bias": torch.zeros(3)},
        {"bias": torch.zeros(4, dtype=torch.float64)},
        {"weight": torch.zeros(4, 3, 2, 2)},
        {"weight": torch.zeros(4, 2, 9, 2)},
        {"weight": torch.zeros(4, 2, 2, 2, dtype=torch.float64)},
        {"weight": torch.zeros(4, 2)},
        {"weight": torch.zeros(4, 2, 2, 2, 2)},
        {"input": torch.zeros(8)},
    ],
    ids=lambda change: ",".join(
        f"{k}={list(v.shape) if isinstance(v, torch.Tensor) else v}" for k, v in change.items()
    ),
)
def test_bad_arguments_raise_what_torch_raises(change, method):
    arguments = {"input": torch.zeros(1, 2, 8, 8), "weight": torch.zeros(4, 2, 2, 2), "bias": None, **change}
    with pytest.raises(Exception) as torchs:
        F.conv2d(**arguments)
    with pytest.raises(torchs.type):
        fft_conv(**arguments, method=method)


def test_unknown_methods_are_refused():
    x, w = torch.zeros(1, 1, 4), torch.zeros(1, 1, 2)
    for dtype in (torch.float32, torch.int32):
        with pytest.raises(ValueError, match="method must be one of auto, direct, fft, overlap_save; got 'winograd'"):
            fft_conv(x.to(dtype), w.to(dtype), method="winograd")
    with pytest.raises(ValueError, match="method must be one of"):
        FFTConv1d(1, 1, 2, method="winograd")


def random_case(rng: torch.Generator, largest: dict[int, int]):
    """Return a random valid convolution: arguments of ``F.conv*`` and its number of dimensions."""

    def pick(low, high):
        return int(torch.randint(low, high + 1, (), generator=rng))

    ndim = (1, 2, 2, 3)[pick(0, 3)]
    kernel = [pick(1, 5 if ndim < 3 else 3) for _ in range(ndim)]
    stride, dilation, padding = ([pick(low, 3) for _ in range(ndim)] for low in (1, 1, 0))
    size = [max(pick(1, largest[ndim]), d * (k - 1) + 1 - 2 * p) for k, d, p in zip(kernel, dilation, padding)]
    groups, c, o = pick(1, 3), pick(1, 3), pick(1, 3)
    x = torch.randn(pick(1, 3), groups * c, *size, dtype=torch.float64, generator=rng)
    weight = torch.randn(groups * o, c, *kernel, dtype=torch.float64, generator=rng)
    bias = torch.randn(groups * o, dtype=torch.float64, generator=rng) if pick(0, 1) else None
    return (x, weight, bias, tuple(stride), tuple(padding), tuple(dilation), groups), ndim


@pytest.mark.parametrize("engine", ["matrix", "fft"])
def test_every_tile_size_gives_the_same_result(engine, monkeypatch):
    rng = torch.Generator().manual_seed(1)
    for trial in range(150):
        # Tiny portions, so that small tensors go through several of them.
        monkeypatch.setattr(spectral, "PORTION", (1000, 20000, 4 * 2**20)[trial % 3])
        monkeypatch.setattr(spectral, "START", (0, 300)[trial % 2])
        monkeypatch.setattr(spectral, "INVERSE_POINTS", (100, 2**17)[trial % 2])
        (x, weight, bias, stride, padding, dilation, groups), ndim = random_case(rng, {1: 40, 2: 16, 3: 9})
        geometry = functional._geometry(tuple(x.shape), tuple(weight.shape), stride, padding, dilation, groups)
        length = tuple(
            max(span, (4, 8, 10, 16, 24, 32)[int(torch.randint(6, (), generator=rng))]) for span in geometry.span
        )
        plan = make_plan(geometry, engine, length)
        expected = CONV[ndim](x, weight, bias, stride, padding, dilation, groups)
        actual = spectral.correlate(x, weight, bias, geometry, plan)
        torch.testing.assert_close(actual, expected, rtol=0, atol=1e-11, msg=lambda m, p=plan: f"{p}\n{m}")


@pytest.mark.parametrize("method", METHODS)
def test_random_convolutions_agree_with_gradients(method):
    rng = torch.Generator().manual_seed(2)
    for _ in range(40):
        arguments, ndim = random_case(rng, {1: 30, 2: 12, 3: 7})
        tensors = [a.requires_grad_() for a in arguments if isinstance(a, torch.Tensor)]
        expected, actual = CONV[ndim](*arguments), fft_conv(*arguments, method=method)
        grad = torch.randn_like(expected)
        torch.testing.assert_close(actual, expected, rtol=0, atol=1e-11)
        for ours, torchs in zip(
            torch.autograd.grad(actual, tensors, grad), torch.autograd.grad(expected, tensors, grad)
        ):
            torch.testing.assert_close(ours, torchs, rtol=0, atol=1e-10)


GRADCHECK = [
    ((1, 2, 5), (2, 2, 3), {"padding": 1}),
    ((2, 2, 6), (4, 1, 2), {"stride": 2, "groups": 2, "padding": 2}),
    ((1, 2, 4, 5), (2, 2, 3, 2), {"padding": "same"}),
    ((1, 2, 5, 4), (2, 1, 2, 2), {"stride": (2, 1), "dilation": (1, 2), "groups": 2}),
    ((1, 1, 3, 3, 2), (2, 1, 2, 2, 2), {"padding": (0, 1, 1)}),
]


@pytest.mark.parametrize("method", FREQUENCY)
@pytest.mark.parametrize(("shape", "weight_shape", "options"), GRADCHECK, ids=str)
def test_gradients_of_first_and_second_order(shape, weight_shape, options, method, counted):
    x = torch.randn(shape, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(weight_shape, dtype=torch.float64, requires_grad=True)
    bias = torch.randn(weight_shape[0], dtype=torch.float64, requires_grad=True)

    def conv(x, weight, bias):
        return fft_conv(x, weight, bias, **options, method=method)

    assert torch.autograd.gradcheck(conv, (x, weight, bias), check_forward_ad=True)
    assert torch.autograd.gradgradcheck(conv, (x, weight, bias))
    assert counted


def test_complex_gradients_pass_gradcheck():
    x = torch.randn(1, 1, 4, 3, dtype=torch.complex128, requires_grad=True)
    weight = torch.randn(1, 1, 2, 2, dtype=torch.complex128, requires_grad=True)
    bias = torch.randn(1, dtype=torch.complex128, requires_grad=True)

    def conv(x, weight, bias):
        return fft_conv(x, weight, bias, padding=1, method="fft")

    assert torch.autograd.gradcheck(conv, (x, weight, bias))
    assert torch.autograd.gradgradcheck(conv, (x, weight, bias))


@pytest.mark.parametrize("method", METHODS)
def test_layouts_batches_and_modes_of_autograd(method):
    x, weight = torch.randn(3, 2, 9, 10), torch.randn(4, 2, 3, 3)
    expected = F.conv2d(x, weight)
    for strided in (x.transpose(2, 3).contiguous().transpose(2, 3), x.to(memory_format=torch.channels_last)):
        torch.testing.assert_close(fft_conv(strided, weight, method=method), expected, rtol=1e-4, atol=1e-5)
    expanded = x[:1].expand(3, -1, -1, -1)
    torch.testing.assert_close(
        fft_conv(expanded, weight, method=method), expected[:1].expand(3, -1, -1, -1), rtol=1e-4, atol=1e-5
    )
    torch.testing.assert_close(fft_conv(x[0], weight, method=method), expected[0], rtol=1e-4, atol=1e-5)
    assert fft_conv(x[:0], weight, method=method).shape == (0, 4, 7, 8)
    with torch.inference_mode():
        torch.testing.assert_close(fft_conv(x, weight, method=method), expected, rtol=1e-4, atol=1e-5)
    # A matrix cached in inference mode must not poison a later backward pass.
    weight.requires_grad_()
    fft_conv(x, weight, method=method).sum().backward()
    assert weight.grad.isfinite().all()
    assert not fft_conv(x, weight.detach(), method=method).requires_grad


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("method", METHODS)
def test_half_precision_goes_the_direct_way(dtype, method, counted):
    x, weight = torch.randn(1, 2, 8, 8).to(dtype), torch.randn(2, 2, 3, 3).to(dtype)
    torch.testing.assert_close(fft_conv(x, weight, method=method), F.conv2d(x, weight), rtol=0, atol=0)
    with torch.autocast("cpu", torch.bfloat16):
        assert fft_conv(x.float(), weight.float(), method=method).dtype == torch.bfloat16
    assert not counted


MODULES = [
    (nn.Conv1d, FFTConv1d, (2, 4, 13)),
    (nn.Conv2d, FFTConv2d, (2, 4, 9, 8)),
    (nn.Conv3d, FFTConv3d, (2, 4, 5, 6, 7)),
]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "options", [{}, {"padding": "same"}, {"padding": 1, "stride": 2, "groups": 2, "bias": False}], ids=str
)
@pytest.mark.parametrize("padding_mode", ["zeros", "circular", "reflect", "replicate"])
@pytest.mark.parametrize(("torchs", "ours", "shape"), MODULES, ids=["1d", "2d", "3d"])
def test_modules_are_drop_in_replacements(torchs, ours, shape, padding_mode, options, method):
    reference = torchs(4, 6, 3, padding_mode=padding_mode, **options)
    layer = ours(4, 6, 3, padding_mode=padding_mode, **options, method=method)
    assert isinstance(layer, torchs)
    layer.load_state_dict(reference.state_dict())
    back = torchs(4, 6, 3, padding_mode=padding_mode, **options)
    back.load_state_dict(layer.state_dict())
    x = torch.randn(shape)
    torch.testing.assert_close(layer(x), reference(x), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(back(x), reference(x), rtol=0, atol=0)
    layer(x).square().sum().backward()
    reference(x).square().sum().backward()
    for mine, other in zip(layer.parameters(), reference.parameters(), strict=True):
        torch.testing.assert_close(mine.grad, other.grad, rtol=1e-3, atol=1e-3)
    assert f"method={method}" in repr(layer)


def peak_bytes(function) -> int:
    """Return the most bytes that ``function`` had allocated at once, from torch's own record of allocations."""
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True) as profiler:
        function()
    events = [e for e in profiler.profiler.kineto_results.events() if e.name() == "[memory]"]
    held = peak = 0
    for event in sorted(events, key=lambda e: e.start_ns()):
        held += event.nbytes()
        peak = max(peak, held)
    return peak


@pytest.mark.parametrize(("channels", "size", "kernel"), [(1, 2048, 31), (8, 512, 15)])
def test_overlap_save_needs_little_memory(channels, size, kernel):
    x, weight = torch.randn(1, channels, size, size), torch.randn(channels, channels, kernel, kernel)
    peaks = {}
    for method in FREQUENCY:
        fft_conv(x, weight, method=method)
        peaks[method] = peak_bytes(lambda method=method: fft_conv(x, weight, method=method))
    output = x.nbytes
    assert peaks["overlap_save"] < peaks["fft"] / 2
    # Beyond the output: the kernels' spectra, and portions of a bounded size.
    kernels = 3 * channels**2 * 128 * 65 * 4
    assert peaks["overlap_save"] < output + kernels + 8 * spectral.PORTION


def test_weight_gradient_needs_bounded_memory():
    x = torch.randn(8, 4, 256, 256)
    weight = torch.randn(4, 4, 15, 15, requires_grad=True)
    y = fft_conv(x, weight, method="overlap_save")
    grad = torch.ones_like(y)
    assert peak_bytes(lambda: torch.autograd.grad(y, weight, grad)) < 8 * functional._TILED_BYTES


def test_results_do_not_depend_on_threads_or_seed():
    x, weight = torch.randn(2, 3, 40, 40), torch.randn(5, 3, 9, 9)
    threads = torch.get_num_threads()
    try:
        for method in METHODS:
            results = []
            for count in (1, 2):
                torch.set_num_threads(count)
                torch.manual_seed(count)
                results.append(fft_conv(x, weight, method=method))
            torch.testing.assert_close(results[0], results[1], rtol=1e-4, atol=1e-4)
    finally:
        torch.set_num_threads(threads)


class Clock:
    """In place of ``time``: it goes on by 0.1 ms with each look, and by what ``sleep`` is told; nothing disturbs it."""

    def __init__(self):
        self.now = 0.0

    def perf_counter(self):
        self.now += 1e-4
        return self.now

    def sleep(self, seconds):
        self.now += seconds

    def slowed(self, function, calls):
        def slow(*arguments):
            calls.append(arguments)
            self.sleep(0.02)
            return function(*arguments)

        return slow


@pytest.fixture
def clock(monkeypatch):
    """Let ``auto`` decide anew, by a clock of the test's, and forget what a test made it believe."""
    monkeypatch.setattr(functional, "_decided", {})
    monkeypatch.setattr(functional, "_doubtful", {})
    clock = Clock()
    monkeypatch.setattr(functional, "time", clock)
    return clock


#: A convolution for which the model is not sure.
CLOSE = torch.ones(1, 8, 64, 64), torch.ones(8, 8, 7, 7)


def test_auto_times_close_calls_and_takes_the_fastest(monkeypatch, clock):
    x, weight = CLOSE
    direct, frequency = [], []
    monkeypatch.setitem(functional._DIRECT, 2, clock.slowed(torch.nn.functional.conv2d, direct))
    fft_conv(x, weight)
    assert next(iter(functional._decided.values()))[1] is not None
    tried = len(direct)
    assert tried >= 1
    fft_conv(x, weight)
    assert len(direct) == tried  # remembered

    functional._decided.clear()
    functional._doubtful.clear()
    monkeypatch.setitem(functional._DIRECT, 2, torch.nn.functional.conv2d)
    monkeypatch.setattr(functional, "correlate", clock.slowed(spectral.correlate, frequency))
    fft_conv(x, weight)
    assert next(iter(functional._decided.values())) == (None, None)
    assert frequency


def test_auto_does_not_time_when_results_must_repeat(monkeypatch, clock):
    x, weight = CLOSE
    monkeypatch.setattr(functional, "_time", lambda *_: pytest.fail("timed"))
    torch.use_deterministic_algorithms(True)
    try:
        fft_conv(x, weight)
    finally:
        torch.use_deterministic_algorithms(False)
    (decided,) = functional._decided.values()
    geometry = functional._geometry(tuple(x.shape), tuple(weight.shape), 1, 0, 1, 1)
    assert decided[1] == cost.likely_plans(geometry, torch.get_num_threads())[0]


def test_auto_does_not_time_what_the_model_is_sure_of(monkeypatch, clock, counted):
    monkeypatch.setattr(functional, "_time", lambda *_: pytest.fail("timed"))
    fft_conv(torch.ones(1, 1, 8, 8), torch.ones(1, 1, 5, 5))
    assert not counted


def test_timing_stops_when_it_would_take_much_longer_than_the_call(monkeypatch, clock):
    x, weight = CLOSE
    calls = []
    monkeypatch.setattr(functional, "_PATIENCE", 1.5)
    monkeypatch.setattr(functional, "_ENOUGH", 0)
    monkeypatch.setattr(functional, "correlate", clock.slowed(spectral.correlate, calls))
    monkeypatch.setitem(functional._DIRECT, 2, clock.slowed(torch.nn.functional.conv2d, calls))
    fft_conv(x, weight)
    assert len(calls) <= 3  # two ways, once; then the call itself


def test_a_first_call_that_has_to_warm_up_does_not_decide(monkeypatch, clock):
    x, weight = CLOSE
    direct, frequency = [], []

    def warming(*arguments):
        direct.append(arguments)
        clock.sleep(0.008 if len(direct) == 1 else 0)
        return torch.zeros(1)

    def slow(*arguments):
        frequency.append(arguments)
        clock.sleep(0.001)
        return spectral.correlate(*arguments)

    monkeypatch.setitem(functional._DIRECT, 2, warming)
    monkeypatch.setattr(functional, "correlate", slow)
    fft_conv(x, weight)
    assert next(iter(functional._decided.values())) == (None, None)


def test_a_disturbed_moment_does_not_decide(monkeypatch, clock):
    x, weight = CLOSE
    frequency, direct = [], []

    def disturbed(*arguments):
        direct.append(arguments)
        if len(direct) <= 2:  # the whole of its first turn
            clock.sleep(0.05)
        return torch.nn.functional.conv2d(*arguments)

    monkeypatch.setitem(functional._DIRECT, 2, disturbed)
    monkeypatch.setattr(functional, "correlate", clock.slowed(spectral.correlate, frequency))
    fft_conv(x, weight)
    assert next(iter(functional._decided.values())) == (None, None)


def test_a_decision_taken_in_a_long_disturbance_is_corrected(monkeypatch, clock):
    x, weight = CLOSE
    slow_direct, slow_frequency = 0.012, 0.006

    def direct(*arguments):
        clock.sleep(slow_direct)
        return torch.nn.functional.conv2d(*arguments)

    def frequency(*arguments):
        clock.sleep(slow_frequency)
        return spectral.correlate(*arguments)

    monkeypatch.setitem(functional._DIRECT, 2, direct)
    monkeypatch.setattr(functional, "correlate", frequency)
    expected = torch.nn.functional.conv2d(x, weight)
    fft_conv(x, weight)
    assert next(iter(functional._decided.values()))[1] is not None
    assert functional._doubtful
    slow_direct = 0  # the disturbance of the direct way ends; the eighth call is the last to look
    for _ in range(7):
        torch.testing.assert_close(fft_conv(x, weight), expected)
    assert next(iter(functional._decided.values())) == (None, None)
    assert not functional._doubtful
    slow_direct = 0.02
    fft_conv(x, weight)
    assert next(iter(functional._decided.values())) == (None, None)


def test_nothing_is_timed_under_a_transform(monkeypatch, clock):
    x, weight = CLOSE
    timed = []
    monkeypatch.setattr(functional, "correlate", clock.slowed(spectral.correlate, timed))
    expected = torch.nn.functional.conv2d(x, weight)
    for _ in range(9):
        many = torch.func.vmap(lambda image: fft_conv(image, weight))(torch.stack([x, x]))
        torch.testing.assert_close(many[1], expected)
    assert not timed
    assert not functional._doubtful


def test_likely_plans_hold_the_best_of_each_kind():
    for shape, weight_shape in [((1, 1, 128, 128), (1, 1, 9, 9)), ((1, 16, 64, 64), (16, 16, 11, 11))]:
        geometry = functional._geometry(shape, weight_shape, 1, 4, 1, 1)
        plans = cost.likely_plans(geometry)
        assert len(set(plans)) == len(plans) <= cost.TRIALS + 1
        assert None in plans[:2]
        seconds = [cost.plan_seconds(geometry, plan) for plan in plans if plan is not None]
        assert seconds == sorted(seconds)
        everything = [*cost._candidates(geometry), cost.method_plan(geometry, "fft")]
        assert seconds[0] == min(cost.plan_seconds(geometry, plan) for plan in everything)


def test_a_direct_sum_that_writes_out_every_patch_is_not_tried():
    small, large = (functional._geometry((1, 1, size, size), (1, 1, 9, 9), 1, 4, 1, 1) for size in (128, 2048))
    assert None in cost.likely_plans(small)
    assert None not in cost.likely_plans(large)


def test_predictions_are_made_for_each_method():
    seconds = predicted_seconds((1, 1, 256, 256), (1, 1, 31, 31), padding="same")
    assert set(seconds) == set(METHODS) - {"auto"}
    assert 0 < seconds["fft"] < seconds["direct"]
    seconds = predicted_seconds((1, 64, 56, 56), (64, 64, 3, 3), padding="same")
    assert 0 < seconds["direct"] < seconds["fft"]


def test_predictions_grow_with_the_work_and_shrink_with_threads():
    small = predicted_seconds((1, 4, 64, 64), (4, 4, 7, 7))
    for shape, weight_shape in [((2, 4, 128, 128), (4, 4, 7, 7)), ((1, 8, 64, 64), (16, 8, 7, 7))]:
        large = predicted_seconds(shape, weight_shape)
        assert all(large[method] > small[method] for method in small)
    threaded = predicted_seconds((1, 4, 64, 64), (4, 4, 7, 7), threads=2)
    assert all(threaded[method] < small[method] for method in small)


def test_plans_cover_the_output():
    geometry = Geometry(2, 4, 4, 2, (50, 33), (5, 3), (2, 1), (1, 3), (2, 0), (3, 1))
    for plan in cost._candidates(geometry):
        for i in range(2):
            assert plan.outputs[i] * plan.tiles[i] >= geometry.out[i] > plan.outputs[i] * (plan.tiles[i] - 1)
    outputs, plan = weight_gradient_plan(geometry, "overlap_save")
    assert len(outputs) == 2 and plan.tiles == (1, 1)
    with pytest.raises(ValueError, match="cannot hold a kernel"):
        make_plan(geometry, "fft", (4, 4))
