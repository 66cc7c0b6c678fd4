"""The smooth maximum of many products, without holding the products."""

from __future__ import annotations

from typing import Any

import torch
from torch.autograd.function import once_differentiable

# Floats in each working buffer on a CPU: four such buffers stay in a core's second-level cache.
_BUFFER = 2**16
# Below this exponent a float32 sum of a few thousand exponentials neither overflows nor vanishes.
_SAFE_EXPONENT = 60.0


def smooth_maximum(
    values: torch.Tensor, weights: torch.Tensor, coldness: float = 20.0
) -> torch.Tensor:
    r"""The soft largest of K weighted values, for every pair of a column and a weighting.

    With products :math:`p_k = w_{ks} v_{km}` and coldness c,

    .. math:: y_{sm} = \frac{\sum_k p_k e^{c\,p_k}}{\sum_k e^{c\,p_k}},

    the mean of the products under their own softmax: the mean at c = 0, the maximum as c grows to
    infinity. This is the smooth maximum convolution of Fong, Patrick and Vedaldi (2019, arXiv
    1910.08485), section 3. Both sums run over k one step at a time, and backward computes the
    exponentials anew, so that memory is that of the result and not K times that.

    Args:
        values: float tensor (K, M).
        weights: float tensor (K, S), at least 0; a constant, it gets no gradient.
        coldness: c, a number >= 0; ``float("inf")`` gives the plain maximum.

    Returns:
        Tensor (S, M).

    Raises:
        ValueError: the two tensors do not have the same K.

    >>> values = torch.tensor([[1.0], [0.5]])
    >>> smooth_maximum(values, torch.ones(2, 1), coldness=0.0)
    tensor([[0.7500]])
    >>> smooth_maximum(values, torch.ones(2, 1), coldness=float("inf"))
    tensor([[1.]])
    """
    if values.dim() != 2 or weights.dim() != 2 or len(values) != len(weights):
        raise ValueError(
            "smooth_maximum needs values (K, M) and weights (K, S) with the same K, but got shapes "
            f"{tuple(values.shape)} and {tuple(weights.shape)}."
        )
    if coldness == float("inf"):
        return _maximum(values, weights)
    # Zeros alone are their own mean, with the same gradient, and small masks are mostly zeros.
    some = values.any(0)
    if 2 * int(some.sum()) > len(some):
        return _SmoothMaximum.apply(values, weights, float(coldness))
    mean = weights.to(values.dtype).t() @ values / len(values)
    maxima = _SmoothMaximum.apply(values[:, some], weights, float(coldness))
    return mean.index_copy(1, some.nonzero().squeeze(1), maxima)


def _maximum(values: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    largest = weights[0][:, None] * values[0]
    for weight, value in zip(weights[1:], values[1:], strict=True):
        largest = torch.maximum(largest, weight[:, None] * value)
    return largest


def _blocks(columns: int, rows: int, device: torch.device) -> list[slice]:
    width = columns if device.type != "cpu" else max(1, _BUFFER // max(1, rows))
    return [slice(start, start + width) for start in range(0, columns, max(1, width))]


class _SmoothMaximum(torch.autograd.Function):
    """Softmax-weighted mean over k; the shift (largest exponent) is used only when it is needed."""

    @staticmethod
    def forward(
        ctx: Any, values: torch.Tensor, weights: torch.Tensor, coldness: float
    ) -> torch.Tensor:
        products, rows = len(values), weights.shape[1]
        scaled = weights.to(values.dtype) * coldness
        factors = scaled[:, :, None].unbind(0)
        top = values.abs().max() * scaled.max() if values.numel() else values.new_zeros(())
        shifted = not bool(top <= _SAFE_EXPONENT)
        result = values.new_empty(rows, values.shape[1])
        total = torch.empty_like(result)
        shift = torch.empty_like(result) if shifted else None
        for block in _blocks(values.shape[1], rows, values.device):
            columns = values[:, block].unbind(0)
            exponent = values.new_empty(rows, columns[0].numel())
            power = torch.empty_like(exponent)
            numerator = torch.zeros_like(exponent)
            denominator = torch.zeros_like(exponent)
            peak = None
            if shift is not None:
                peak = torch.full_like(exponent, float("-inf"))
                for factor, column in zip(factors, columns, strict=True):
                    torch.mul(factor, column, out=exponent)
                    torch.maximum(peak, exponent, out=peak)
                shift[:, block] = peak
            for factor, column in zip(factors, columns, strict=True):
                torch.mul(factor, column, out=exponent)
                if peak is None:
                    torch.exp(exponent, out=power)
                else:
                    torch.sub(exponent, peak, out=power)
                    power.exp_()
                denominator.add_(power)
                numerator.addcmul_(exponent, power)
            total[:, block] = denominator
            result[:, block] = numerator.div_(denominator)
        if coldness:
            result.div_(coldness)
        else:
            result = weights.to(values.dtype).t() @ values / products
        ctx.save_for_backward(values, weights, result, total, *([] if shift is None else [shift]))
        ctx.coldness = coldness
        return result

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *upstreams: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        (upstream,) = upstreams
        values, weights, result, total, *rest = ctx.saved_tensors
        shift = rest[0] if rest else None
        weights = weights.to(values.dtype)
        factors = (weights * ctx.coldness)[:, :, None].unbind(0)
        gradient = torch.empty_like(values)
        for block in _blocks(values.shape[1], weights.shape[1], values.device):
            # d y / d p_k = e_k / total * (1 + c p_k - c y): the part without k is computed once
            share = upstream[:, block] / total[:, block]
            constant = torch.addcmul(share, share, result[:, block], value=-ctx.coldness)
            exponent = torch.empty_like(share)
            power = torch.empty_like(share)
            slope = torch.empty_like(share)
            columns = values[:, block].unbind(0)
            for k, (factor, column) in enumerate(zip(factors, columns, strict=True)):
                torch.mul(factor, column, out=exponent)
                if shift is None:
                    torch.exp(exponent, out=power)
                else:
                    torch.sub(exponent, shift[:, block], out=power)
                    power.exp_()
                torch.addcmul(constant, share, exponent, out=slope)
                slope.mul_(power)
                gradient[k, block] = weights[k] @ slope
        return gradient, None, None
