"""Each rule against a slow derivation: one output, one input at a time, in float64."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from course_lib.attribution.excitation_backprop import (
    EltwiseSum,
    ExcitationBackpropContext,
    eltwise_sum,
)

DOUBLE = torch.float64


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(3)


def relevance_of(operation, p, *inputs, **context):
    """What the context hands to each input, and what it lost."""
    leaves = [x.detach().clone().requires_grad_() for x in inputs]
    rules = ExcitationBackpropContext(**context)
    with rules:
        y = operation(*leaves)
    shares = torch.autograd.grad(y, leaves, p)
    return shares if len(shares) > 1 else shares[0], sum(
        (float(lost.sum()) for lost in rules.lost.values()), 0.0
    )


def matrix_of(operation, x):
    """The Jacobian of a linear operation without a bias, outputs x inputs."""
    jacobian = torch.autograd.functional.jacobian(operation, x)
    return jacobian.reshape(-1, x.numel())


def shared_by_hand(matrix, x, p):
    """p'_j = sum_i p_i c_ij / z_i, z_i = sum_j c_ij, c_ij = w_ij x_j if their signs agree."""
    x, p = x.flatten(), p.flatten()
    shares, lost = torch.zeros_like(x), 0.0
    for i in range(len(p)):
        excitation = [
            float(w) * float(v) if (w > 0) == (v > 0) and float(w) * float(v) > 0 else 0.0
            for w, v in zip(matrix[i], x, strict=True)
        ]
        z = sum(excitation)
        if z == 0:
            lost += float(p[i])
            continue
        for j, c in enumerate(excitation):
            shares[j] += p[i] * c / z
    return shares, lost


def conv(dims, weight, **options):
    return lambda x, bias=None: getattr(F, f"conv{dims}d")(x, weight, bias, **options)


W = {
    "linear": torch.randn(4, 6, dtype=DOUBLE),
    "1d": torch.randn(4, 3, 3, dtype=DOUBLE),
    "2d": torch.randn(4, 3, 3, 3, dtype=DOUBLE),
    "3d": torch.randn(2, 2, 2, 2, 2, dtype=DOUBLE),
    "grouped": torch.randn(4, 2, 3, 3, dtype=DOUBLE),
    "depthwise": torch.randn(3, 1, 3, 3, dtype=DOUBLE),
}

LINEAR = {
    "linear": (lambda x, b=None: F.linear(x, W["linear"], b), (2, 6)),
    "linear on positions": (lambda x, b=None: F.linear(x, W["linear"], b), (2, 3, 6)),
    "linear by keyword": (
        lambda x, b=None: F.linear(input=x, weight=W["linear"], bias=b),
        (2, 6),
    ),
    "conv1d": (conv(1, W["1d"], padding=1), (2, 3, 7)),
    "conv2d": (conv(2, W["2d"], padding=1), (2, 3, 5, 4)),
    "conv2d strided": (conv(2, W["2d"], stride=2, padding=(1, 0)), (2, 3, 5, 6)),
    "conv2d dilated": (conv(2, W["2d"], dilation=2), (1, 3, 6, 5)),
    "conv2d same": (conv(2, W["2d"], padding="same"), (1, 3, 4, 5)),
    "conv2d grouped": (conv(2, W["grouped"], groups=2), (1, 4, 4, 4)),
    "conv2d depthwise": (conv(2, W["depthwise"], groups=3), (1, 3, 4, 4)),
    "conv2d by keyword": (
        lambda x, b=None: torch.conv2d(weight=W["2d"], input=x, bias=b, padding=1),
        (1, 3, 4, 4),
    ),
    "conv3d": (conv(3, W["3d"]), (1, 2, 3, 3, 3)),
    "conv_transpose2d": (
        lambda x, b=None: F.conv_transpose2d(x, W["2d"].transpose(0, 1), b, stride=2),
        (1, 3, 3, 3),
    ),
}


@pytest.mark.parametrize("signed", [False, True], ids=["x >= 0", "signed x"])
@pytest.mark.parametrize("name", LINEAR)
def test_linear_layers(name, signed):
    operation, shape = LINEAR[name]
    x = torch.randn(shape, dtype=DOUBLE)
    x = x if signed else x.relu()
    matrix = matrix_of(operation, x)
    y = operation(x)
    p = torch.rand_like(y) * (torch.rand_like(y) > 0.3)
    expected, expected_lost = shared_by_hand(matrix, x, p)
    channels = W["linear"].shape[0] if "linear" in name else y.shape[1]
    bias = torch.randn(channels, dtype=DOUBLE)
    found, lost = relevance_of(lambda u: operation(u, bias), p, x)
    torch.testing.assert_close(found.flatten(), expected, rtol=1e-11, atol=1e-13)
    assert lost == pytest.approx(expected_lost, abs=1e-12)
    assert found.min() >= 0
    assert float(found.sum()) + lost == pytest.approx(float(p.sum()), rel=1e-12)


def test_matmul_with_a_constant_is_a_linear_layer():
    x, p = torch.rand(2, 6, dtype=DOUBLE), torch.rand(2, 4, dtype=DOUBLE)
    expected, _ = relevance_of(lambda u: F.linear(u, W["linear"]), p, x)
    for operation in (torch.matmul, torch.mm, lambda a, b: a @ b):
        found, _ = relevance_of(lambda u, op=operation: op(u, W["linear"].t()), p, x)
        torch.testing.assert_close(found, expected, rtol=1e-12, atol=0)


AVERAGES = {
    "avg_pool1d": (lambda x: F.avg_pool1d(x, 2), (2, 3, 6)),
    "avg_pool2d": (lambda x: F.avg_pool2d(x, 3, stride=2, padding=1), (2, 3, 6, 5)),
    "avg_pool2d ceil": (lambda x: F.avg_pool2d(x, 2, ceil_mode=True), (1, 2, 5, 5)),
    "avg_pool3d": (lambda x: F.avg_pool3d(x, 2), (1, 2, 4, 4, 2)),
    "adaptive": (lambda x: F.adaptive_avg_pool2d(x, (2, 3)), (2, 3, 5, 5)),
    "global": (lambda x: F.adaptive_avg_pool2d(x, 1), (2, 3, 4, 4)),
    "module": (nn.AvgPool2d(2), (1, 3, 4, 4)),
    "mean": (lambda x: x.mean([2, 3]), (2, 3, 4, 4)),
    "mean by keyword": (lambda x: torch.mean(x, dim=(2, 3), keepdim=True), (2, 3, 4, 4)),
    "sum": (lambda x: x.sum(dim=(2, 3)), (2, 3, 4, 4)),
    "bilinear": (
        lambda x: F.interpolate(x, size=(7, 7), mode="bilinear", align_corners=False),
        (1, 2, 3, 4),
    ),
}


@pytest.mark.parametrize("name", AVERAGES)
def test_averages(name):
    operation, shape = AVERAGES[name]
    x = torch.randn(shape, dtype=DOUBLE).relu()
    p = torch.rand_like(operation(x))
    expected, expected_lost = shared_by_hand(matrix_of(operation, x), x, p)
    found, lost = relevance_of(operation, p, x)
    torch.testing.assert_close(found.flatten(), expected, rtol=1e-11, atol=1e-13)
    assert lost == pytest.approx(expected_lost, abs=1e-12)


def test_an_average_of_negative_numbers_alone_is_shared_by_magnitude():
    x = torch.tensor([[[-1.0, -3.0, 2.0, -8.0, 0.0, 0.0]]], dtype=DOUBLE)
    p = torch.tensor([[[4.0, 1.0, 5.0]]], dtype=DOUBLE)
    found, lost = relevance_of(lambda u: F.avg_pool1d(u, 2), p, x)
    assert found.flatten().tolist() == [1, 3, 1, 0, 0, 0]
    assert lost == 5


def test_adding_up_the_scores_of_a_batch_starts_each_alike():
    weight = torch.rand(2, 3, dtype=DOUBLE)
    x = torch.rand(4, 3, dtype=DOUBLE)
    alone, _ = relevance_of(lambda u: F.linear(u, weight)[:, 1], torch.ones(4, dtype=DOUBLE), x)
    one = torch.ones((), dtype=DOUBLE)
    for add_up in (torch.sum, lambda y: y.sum(), lambda y: y.sum(0)):
        found, _ = relevance_of(lambda u, f=add_up: f(F.linear(u, weight)[:, 1]), one, x)
        torch.testing.assert_close(found, alone)


SUMS = {
    "+": lambda a, b: a + b,
    "add": torch.add,
    "add by keyword": lambda a, b: torch.add(input=a, other=b),
    "+=": lambda a, b: (a * 1).__iadd__(b),
    "add_": lambda a, b: (a * 1).add_(b),
    "eltwise_sum": eltwise_sum,
    "EltwiseSum": EltwiseSum(),
}


@pytest.mark.parametrize("name", SUMS)
@pytest.mark.parametrize("residual", ["magnitude", "signed"])
def test_sums(name, residual):
    a, b = torch.randn(2, 7, dtype=DOUBLE), torch.randn(2, 7, dtype=DOUBLE)
    p = torch.rand(2, 7, dtype=DOUBLE)
    a[0, 0] = b[0, 0] = 0
    a[1, 1], b[1, 1] = 2.0, -2.0
    (to_a, to_b), lost = relevance_of(SUMS[name], p, a, b, residual=residual)
    expected_lost = 0.0
    for i, u in enumerate(a.flatten().tolist()):
        v, q = b.flatten()[i].item(), p.flatten()[i].item()
        if residual == "magnitude":
            u, v = abs(u), abs(v)
        if u + v == 0:
            expected = (0.0, 0.0)
            expected_lost += q
        else:
            expected = (q * u / (u + v), q * v / (u + v))
        assert to_a.flatten()[i].item() == pytest.approx(expected[0], rel=1e-12)
        assert to_b.flatten()[i].item() == pytest.approx(expected[1], rel=1e-12)
    assert lost == pytest.approx(expected_lost)
    if residual == "magnitude":
        assert min(to_a.min(), to_b.min()) >= 0


def test_sums_of_other_kinds():
    a, b, c = (torch.randn(2, 3, dtype=DOUBLE) for _ in range(3))
    p = torch.rand(2, 3, dtype=DOUBLE)
    whole = a.abs() + b.abs() + c.abs()
    shares, _ = relevance_of(eltwise_sum, p, a, b, c)
    for share, term in zip(shares, (a, b, c), strict=True):
        torch.testing.assert_close(share, p * term.abs() / whole)
    (to_a, to_b), _ = relevance_of(lambda u, v: torch.sub(u, v, alpha=3), p, a, b)
    torch.testing.assert_close(to_a, p * a.abs() / (a.abs() + 3 * b.abs()))
    torch.testing.assert_close(to_b, p * 3 * b.abs() / (a.abs() + 3 * b.abs()))
    (to_a, to_b), _ = relevance_of(
        lambda u, v: torch.rsub(u, v, alpha=3), p, a, b, residual="signed"
    )
    torch.testing.assert_close(to_a, -3 * p * a / (b - 3 * a))
    torch.testing.assert_close(to_b, p * b / (b - 3 * a))
    (to_a, to_b), _ = relevance_of(lambda u, v: torch.sub(u, v), p, a, b, residual="signed")
    torch.testing.assert_close(to_a, p * a / (a - b))
    torch.testing.assert_close(to_b, -p * b / (a - b))


def test_a_sum_shares_with_a_broadcast_term():
    a, b = torch.rand(2, 3, 4, 4, dtype=DOUBLE), torch.rand(2, 3, 1, 1, dtype=DOUBLE)
    p = torch.rand(2, 3, 4, 4, dtype=DOUBLE)
    (to_a, to_b), _ = relevance_of(lambda u, v: u + v, p, a, b)
    torch.testing.assert_close(to_b, (p * b / (a + b)).sum((2, 3), keepdim=True))
    assert float(to_a.sum() + to_b.sum()) == pytest.approx(float(p.sum()), rel=1e-12)


def test_constants_take_no_relevance():
    x, p = torch.randn(1, 3, 2, 2, dtype=DOUBLE), torch.rand(1, 3, 2, 2, dtype=DOUBLE)
    offset = nn.Parameter(torch.randn(1, 3, 2, 2, dtype=DOUBLE))
    operations = [
        lambda u: u + 1,
        lambda u: 1 - u,
        lambda u: u + offset,
        lambda u: offset - u,
        lambda u: u * 0.1,
        lambda u: 3 * u / 7,
        lambda u: (u - offset) / 2,
        lambda u: (u * 1).mul_(-2),
        lambda u: -u,
    ]
    for operation in operations:
        found, lost = relevance_of(operation, p, x)
        torch.testing.assert_close(found, p)
        assert lost == 0


def test_the_branch_rule_gives_the_skip_connection_nothing():
    weight = torch.rand(3, 3, dtype=DOUBLE)
    x, p = torch.rand(2, 3, dtype=DOUBLE), torch.rand(2, 3, dtype=DOUBLE)
    expected, _ = relevance_of(lambda u: F.linear(F.linear(u, weight), weight), p, x)

    def block(u):
        return u + F.linear(F.linear(u, weight), weight)

    def shortened(u):
        short = F.linear(u, weight)
        return F.linear(F.linear(u, weight), weight).add_(short)

    for operation in (block, shortened):
        found, _ = relevance_of(operation, p, x, residual="branch")
        torch.testing.assert_close(found, expected, rtol=1e-12, atol=0)
    (to_a, to_b), _ = relevance_of(lambda a, b: a + b, p, x, x, residual="branch")
    torch.testing.assert_close(to_a, p / 2)
    torch.testing.assert_close(to_b, p / 2)


PASSING = {
    "relu": F.relu,
    "relu_": lambda x: (x * 1).relu_(),
    "relu inplace": lambda x: F.relu(x * 1, inplace=True),
    "nn.ReLU inplace": lambda x: nn.ReLU(inplace=True)(x * 1),
    "relu6": F.relu6,
    "nn.ReLU6 inplace": lambda x: nn.ReLU6(inplace=True)(x * 1),
    "hardtanh": lambda x: F.hardtanh(x, min_val=0.0, max_val=6.0),
    "clamp": lambda x: x.clamp(min=0, max=6),
    "leaky": lambda x: F.leaky_relu(x, 0.2),
    "elu": F.elu,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "batch_norm": nn.BatchNorm2d(3, dtype=DOUBLE).eval(),
    "dropout": nn.Dropout().eval(),
    "softmax": lambda x: x.softmax(1),
}


@pytest.mark.parametrize("name", PASSING)
def test_activations_pass_relevance_through(name):
    x = 5 * torch.randn(2, 3, 4, 4, dtype=DOUBLE)
    p = torch.rand_like(x)
    found, _ = relevance_of(PASSING[name], p, x)
    torch.testing.assert_close(found, p, rtol=0, atol=0)


@pytest.mark.parametrize("dense", [False, True])
def test_inhibitors_share_where_a_negative_unit_has_relevance(dense):
    """Before a BatchNorm, a sum, an average; not before an activation, nor at the scores."""
    weight = torch.tensor([[-1.0, -3.0], [2.0, -5.0], [-4.0, 0.0]], dtype=DOUBLE)
    x = torch.tensor([[1.0, 1.0], [0.0, 2.0]], dtype=DOUBLE)
    p = torch.tensor([[4.0, 1.0, 2.0], [1.0, 1.0, 8.0]], dtype=DOUBLE)
    shared = torch.tensor([[1 + 1 + 2, 3.0], [0.0, 1 + 1]], dtype=DOUBLE)
    excited = torch.tensor([[1.0, 0.0], [0.0, 0.0]], dtype=DOUBLE)
    norm = nn.BatchNorm2d(3, dtype=DOUBLE).eval()
    skip = torch.zeros(2, 3, 1, 1, dtype=DOUBLE, requires_grad=True)

    def layer(u):
        if dense:
            return F.linear(u, weight)[:, :, None, None]
        return F.conv2d(u[:, :, None, None], weight[:, :, None, None])

    for after in (
        norm,
        lambda y: norm(F.dropout(y, training=False) * 1.0),
        lambda y: y + skip,
        lambda y: F.avg_pool2d(y, 1),
    ):
        found, lost = relevance_of(lambda u, f=after: f(layer(u)), p[:, :, None, None], x)
        torch.testing.assert_close(found, shared)
        assert lost == 8
    for after in (lambda y: y, F.relu, lambda y: norm(F.relu(y))):
        found, lost = relevance_of(lambda u, f=after: f(layer(u)), p[:, :, None, None], x)
        torch.testing.assert_close(found, excited)
        assert lost == 16


def test_moving_units_about_moves_their_relevance():
    x = torch.rand(1, 4, 4, 4, dtype=DOUBLE)
    for operation in (
        lambda u: F.max_pool2d(u, 2),
        lambda u: torch.cat([u, u], 1),
        lambda u: F.pad(u, (1, 1, 1, 1)),
        lambda u: u.flatten(1),
        lambda u: F.pixel_shuffle(u, 2),
        lambda u: torch.stack(u.chunk(2, dim=1)),
    ):
        p = torch.rand_like(operation(x))
        inside = torch.autograd.functional.vjp(operation, x, p)[1]
        found, _ = relevance_of(lambda u, op=operation: op(u.relu()), p, x)
        torch.testing.assert_close(found, inside)


@pytest.mark.parametrize("in_place", [False, True])
def test_the_forward_pass_is_unchanged_bit_for_bit(in_place):
    net = nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1),
        nn.BatchNorm2d(8),
        nn.ReLU(inplace=in_place),
        nn.AvgPool2d(2),
        nn.Conv2d(8, 8, 1),
        nn.ReLU6(inplace=in_place),
        nn.Flatten(),
        nn.Linear(128, 5),
    ).eval()
    x = torch.randn(2, 3, 8, 8)
    with ExcitationBackpropContext():
        inside = net(x.requires_grad_())
    assert torch.equal(inside, net(x))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_small_denominators_in_half_precision(dtype):
    # TorchRay's p / (z + 1e-20) is 0 / 0 here: 1e-20 rounds to zero.
    weight = torch.tensor([[1.0, 0.0], [-1.0, -1.0]], dtype=dtype)
    x = torch.tensor([[1e-6, 0.0]], dtype=dtype)
    p = torch.tensor([[1.0, 1.0]], dtype=dtype)
    found, lost = relevance_of(lambda u: F.linear(u, weight), p, x)
    assert found.dtype == dtype
    assert found.tolist() == [[1.0, 0.0]]
    assert lost == 1
    kernel = torch.ones(1, 1, 1, 1, dtype=dtype)
    image = torch.full((1, 1, 2, 2), 1e-6, dtype=dtype)
    image[0, 0, 0] = 0
    found, lost = relevance_of(lambda u: F.conv2d(u, kernel), torch.ones_like(image), image)
    assert found.flatten().tolist() == [0, 0, 1, 1]
    assert lost == 2


def test_numbers_too_small_to_divide_by_count_as_zero():
    x = torch.tensor([[1e-42, 0.0]])
    found, lost = relevance_of(lambda u: F.linear(u, torch.ones(1, 2)), torch.ones(1, 1), x)
    assert found.tolist() == [[0.0, 0.0]]
    assert lost == 1


@pytest.mark.parametrize(
    ("operation", "named"),
    [
        (F.gelu, "gelu"),
        (F.silu, "silu"),
        (lambda x: F.layer_norm(x, x.shape[1:]), "layer_norm"),
        (lambda x: x * torch.sigmoid(x), "mul"),
        (lambda x: 1 / x, "div"),
        (lambda x: x @ x.transpose(1, 2), "matmul"),
        (lambda x: F.scaled_dot_product_attention(x, x, x), "scaled_dot_product_attention"),
        (lambda x: torch.einsum("nij,nkj->nik", x, x), "einsum"),
        (lambda x: x**2, "pow"),
    ],
)
def test_operations_without_a_rule_are_refused(operation, named):
    x = torch.rand(1, 3, 4, requires_grad=True)
    with ExcitationBackpropContext():
        y = operation(x)
    with pytest.raises(ValueError, match=f"not defined for {named}, .*gradient, .* and "):
        y.backward(torch.ones_like(y))


def test_weights_changed_behind_autograds_back_are_seen():
    layer = nn.Linear(3, 2).requires_grad_(False)
    x = torch.rand(1, 3, requires_grad=True)
    with ExcitationBackpropContext():
        y = layer(x)
        layer.weight.data.neg_()
        (found,) = torch.autograd.grad(y[0, 0], x)
        layer.weight.data.neg_()
        (again,) = torch.autograd.grad(layer(x)[0, 0], x)
    negated, plain = (-layer.weight[0]).clamp(min=0) * x[0], layer.weight[0].clamp(min=0) * x[0]
    for shares, z in ((found, negated), (again, plain)):
        torch.testing.assert_close(shares[0], z / z.sum() if z.sum() > 0 else z)


def test_a_network_without_any_rule_is_warned_about():
    with pytest.warns(UserWarning, match="Excitation backprop met no operation"):  # noqa: SIM117
        with ExcitationBackpropContext():
            torch.ones(2, requires_grad=True).flatten()


def test_disabled_it_is_the_ordinary_gradient(capsys):
    x = torch.ones(1, 1, requires_grad=True)
    with ExcitationBackpropContext(enable=False):
        F.linear(x, torch.full((1, 1), -3.0)).backward()
    assert x.grad.item() == -3
    with ExcitationBackpropContext(debug=True):
        F.linear(x, torch.full((1, 1), -3.0))
    assert "linear" in capsys.readouterr().out


def test_bad_residual():
    with pytest.raises(ValueError, match="magnitude, signed, branch, not 'half'"):
        ExcitationBackpropContext(residual="half")


def test_eltwise_sum_is_addition():
    a, b = torch.randn(2, 3, requires_grad=True), torch.randn(2, 3, requires_grad=True)
    y = EltwiseSum()(a, b)
    assert torch.equal(y, a + b)
    y.sum().backward()
    assert torch.equal(a.grad, torch.ones(2, 3))
    with pytest.raises(TypeError, match="at least one"):
        eltwise_sum()
