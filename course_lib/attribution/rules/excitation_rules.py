"""Which rule each torch operation gets under excitation backprop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

import torch
import torch.nn.functional as F

from ..inputs.checks import shape_text
from .backward_rules import Rule
from .calls import is_in_place, operation_name
from .excitation_graph import depends_on_image, refuse, tensors_in
from .excitation_shares import (
    AverageShares,
    LinearMap,
    LinearShares,
    OverConstant,
    PassThrough,
    Relevance,
    count_by_magnitude,
)
from .excitation_sum import SumShares, eltwise_sum

Operation = Callable[..., Any]
Arguments = tuple[Any, ...]
Options = dict[str, Any]

_CONVOLUTIONS = "conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d"
LINEAR_LAYERS = frozenset(["linear", *_CONVOLUTIONS.split()])
_AVERAGES = (
    "avg_pool1d avg_pool2d avg_pool3d adaptive_avg_pool1d adaptive_avg_pool2d "
    "adaptive_avg_pool3d mean sum interpolate upsample"
)
_ACTIVATIONS = (
    "relu hardtanh leaky_relu rrelu prelu elu selu celu softplus logsigmoid sigmoid hardsigmoid "
    "tanh softsign softshrink hardshrink threshold clamp clamp_min clamp_max softmax log_softmax "
    "abs expit"
)
_PASSING = "batch_norm local_response_norm neg"
_DROPOUTS = (
    "dropout dropout1d dropout2d dropout3d alpha_dropout feature_alpha_dropout feature_dropout"
)
_PRODUCTS = "mul multiply div divide true_divide"
_SUMS = "add sub subtract rsub"
_UNDEFINED = (
    "silu gelu mish hardswish tanhshrink glu lstm gru rnn_tanh rnn_relu lstm_cell gru_cell "
    "rnn_tanh_cell rnn_relu_cell layer_norm group_norm instance_norm rms_norm normalize norm "
    "scaled_dot_product_attention multi_head_attention_forward bmm baddbmm addmm addbmm addmv "
    "einsum tensordot bilinear cdist cosine_similarity pow square sqrt rsqrt exp log reciprocal "
    "var std prod cumprod lp_pool1d lp_pool2d lp_pool3d __rdiv__ __rmatmul__ inner outer mv dot "
    "vdot vecdot addcmul addcdiv addr lerp nansum nanmean cumsum logcumsumexp logsumexp trapezoid "
    "trapz cumulative_trapezoid diff sin cos tan asin acos atan atan2 sinh cosh asinh acosh atanh "
    "sinc erf erfc erfinv log1p log2 log10 expm1 exp2 float_power logit xlogy i0 lgamma digamma "
    "fmod remainder hypot logaddexp logaddexp2 fold index_add "
    "scatter_add scatter_reduce index_reduce polar complex view_as_complex stft istft fft ifft "
    "rfft irfft fft2 ifft2 rfft2 irfft2 fftn ifftn rfftn irfftn vector_norm matrix_norm multi_dot "
    "dist pdist pairwise_distance kron chain_matmul"
)
_NAMESPACES = (F, torch, torch.Tensor, torch.special, torch.linalg, torch.fft)

_SIGNS = {"add": 1, "sub": -1, "subtract": -1}
_REFLECTED = {"rdiv": "div", "rmatmul": "matmul"}


def excitation_rules(
    relevance: Relevance, met: Callable[[LinearMap, torch.Tensor], None] | None = None
) -> dict[Operation, Rule]:
    """The table for `BackwardRules`: torch function -> rule.

    Operations that only move units about (reshaping, concatenation, max pooling, padding) need no
    rule: their ordinary gradient hands each output's relevance to the input it is a copy of.

    Args:
        relevance: options for the rules, and where they write what was lost.
        met: called with each linear layer and its output, as it runs.
    """

    def linear(func: Operation, args: Arguments, kwargs: Options) -> Any:
        x, weight, rest, options = _layer_arguments(args, kwargs)
        return apply_linear(
            func, args, kwargs, x, weight, lambda u, w: func(u, w, None, *rest, **options), weight
        )

    def matmul(func: Operation, args: Arguments, kwargs: Options) -> Any:
        x, weight = (*args, *kwargs.values())[:2]
        if not _carries(x) and not _carries(weight):
            return NotImplemented
        if _carries(weight) or weight.dim() != 2:
            _refuse(func)
        return apply_linear(func, args, kwargs, x, weight.t(), F.linear, weight)

    def apply_linear(
        func: Operation,
        args: Arguments,
        kwargs: Options,
        x: torch.Tensor,
        weight: torch.Tensor,
        apply: Operation,
        key: torch.Tensor,
    ) -> Any:
        if not x.requires_grad:
            return NotImplemented
        name = f"{operation_name(func)} with weights {shape_text(key)}"
        dense = operation_name(func) in ("linear", "matmul", "linalg_matmul", "mm")
        layer = LinearMap(apply, weight, name, dense=dense, key=key)
        output = LinearShares.apply(x, lambda: func(*args, **kwargs), layer, relevance)
        if met is not None:
            met(layer, output)
        return output

    def average(func: Operation, args: Arguments, kwargs: Options) -> Any:
        if "bicubic" in (*args, *kwargs.values()):
            _refuse(func)
        x = args[0] if args else kwargs["input"]
        if operation_name(func) in ("sum", "mean") and _is_total(x, args, kwargs):
            return NotImplemented
        rest = args[1:]
        options = {key: value for key, value in kwargs.items() if key != "input"}
        return AverageShares.apply(
            x,
            lambda: func(*args, **kwargs),
            lambda u: func(u, *rest, **options),
            operation_name(func),
            relevance,
        )

    def activation(func: Operation, args: Arguments, kwargs: Options) -> Any:
        return through(func, args, kwargs, keeps_sign=False)

    def through(func: Operation, args: Arguments, kwargs: Options, keeps_sign: bool = True) -> Any:
        x = args[0] if args else kwargs["input"]
        if not x.requires_grad:
            return NotImplemented
        if operation_name(func) == "batch_norm":
            count_by_magnitude(x)
        in_place = is_in_place(func, args, kwargs)
        return PassThrough.apply(x, lambda: func(*args, **kwargs), in_place, keeps_sign)

    def dropout(func: Operation, args: Arguments, kwargs: Options) -> Any:
        x = args[0] if args else kwargs["input"]
        in_place = is_in_place(func, args, kwargs)
        with torch.no_grad():
            output = func(*args, **kwargs)
        if output is x and not in_place:
            # In eval mode; a rule's output would be a view of x, not to be overwritten.
            return x
        return PassThrough.apply(x, lambda: output, in_place, True)

    def scaled(func: Operation, args: Arguments, kwargs: Options, x: torch.Tensor) -> torch.Tensor:
        """x times or plus a constant."""
        in_place = is_in_place(func, args, kwargs)
        if in_place and args[0] is not x:
            return OverConstant.apply(args[0], x, lambda: func(*args, **kwargs))
        return PassThrough.apply(x, lambda: func(*args, **kwargs), in_place, True)

    def product(func: Operation, args: Arguments, kwargs: Options) -> Any:
        factors = (*args, *kwargs.values())[:2]
        carriers = [factor for factor in factors if _carries(factor)]
        if not carriers:
            return NotImplemented
        divisor = operation_name(func) not in ("mul", "multiply") and _carries(factors[1])
        if len(carriers) > 1 or divisor:
            _refuse(func)
        return scaled(func, args, kwargs, carriers[0])

    def total(func: Operation, args: Arguments, kwargs: Options) -> Any:
        name = operation_name(func)
        if func is eltwise_sum:
            terms, scales = args, [1.0] * len(args)
        else:
            terms = (*args, *(kwargs[key] for key in ("input", "other") if key in kwargs))[:2]
            alpha = float(kwargs.get("alpha", 1))
            scales = [-alpha, 1.0] if name == "rsub" else [1.0, alpha * _SIGNS[name]]
        varies = [_varies(term, relevance) for term in terms]
        terms = tuple(term for term, keep in zip(terms, varies, strict=True) if keep)
        scales = [scale for scale, keep in zip(scales, varies, strict=True) if keep]
        if not any(term.requires_grad for term in terms):
            return NotImplemented
        if len(terms) == 1:
            return scaled(func, args, kwargs, terms[0])
        in_place = is_in_place(func, args, kwargs)
        return SumShares.apply(
            lambda: func(*args, **kwargs), in_place, scales, name, relevance, *terms
        )

    def undefined(func: Operation, args: Arguments, kwargs: Options) -> Any:
        if any(_carries(x) for x in tensors_in((*args, *kwargs.values()))):
            _refuse(func)
        return NotImplemented

    rules: dict[Operation, Rule] = {eltwise_sum: total}
    for names, rule in (
        ("linear", linear),
        (_CONVOLUTIONS, linear),
        ("matmul mm", matmul),
        (_AVERAGES, average),
        (_ACTIVATIONS, activation),
        (_PASSING, through),
        (_DROPOUTS, dropout),
        (_PRODUCTS, product),
        (_SUMS, total),
        (_UNDEFINED, undefined),
    ):
        rules.update(dict.fromkeys(_functions(names), rule))
    return rules


def _functions(names: str) -> list[Operation]:
    """All torch functions of these names, of which this version of torch may not have some."""
    found = [getattr(space, name, None) for name in names.split() for space in _NAMESPACES]
    # `torch.fft` is no function
    return [function for function in found if callable(function)]


def _layer_arguments(
    args: Arguments, kwargs: Options
) -> tuple[torch.Tensor, torch.Tensor, Arguments, Options]:
    """(x, weight, what follows the bias by position, and by keyword) of a linear layer's call."""
    options = dict(kwargs)
    named = [options.pop(key, None) for key in ("input", "weight", "bias")]
    x, weight, _ = (*args[:3], *named[len(args[:3]) :])
    return x, weight, args[3:], options


def _is_total(x: torch.Tensor, args: Arguments, kwargs: Options) -> bool:
    """Whether all of x becomes one number: what `y[:, 3].sum().backward()` starts from.

    That is no layer of a network, and each score starts with the same relevance.
    """
    dim = next((kwargs[key] for key in ("dim", "axis") if key in kwargs), None)
    dim = args[1] if len(args) > 1 else dim
    return dim is None or x.dim() == 1


def _carries(value: Any) -> bool:
    """Whether relevance may pass to this operand."""
    return isinstance(value, torch.Tensor) and value.requires_grad and depends_on_image(value)


def _varies(term: Any, relevance: Relevance) -> bool:
    """Whether this term of a sum is one of the network's activations, and not a constant.

    An activation that the backward pass won't reach (it was computed below the layer at which the
    pass ends) has its share all the same.
    """
    if not isinstance(term, torch.Tensor) or term.dim() == 0:
        return False
    return depends_on_image(term) if term.requires_grad else term in relevance.untracked


def _refuse(func: Operation) -> NoReturn:
    name = operation_name(func)
    refuse(_REFLECTED.get(name, name))
