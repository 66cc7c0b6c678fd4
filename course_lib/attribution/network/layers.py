"""Find the layers of a model."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import get_close_matches

from torch import nn


def get_module(model: nn.Module, module: str | nn.Module) -> nn.Module:
    """The layer of the model called `module`, as in `model.named_modules()`.

    Args:
        model: the network.
        module: a name such as "features.29", or the layer itself ("" is the model).

    Raises:
        ValueError: the model has no such layer; the message names close matches.

    >>> net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU())
    >>> get_module(net, "1")
    ReLU()
    >>> get_module(nn.ModuleDict({"conv1": nn.ReLU()}), "conv2")
    Traceback (most recent call last):
    ...
    ValueError: The model has no layer 'conv2'; did you mean 'conv1'?
    """
    if isinstance(module, nn.Module):
        if any(m is module for m in modules_of(model)):
            return module
        raise ValueError(f"The given {type(module).__name__} is not a layer of the model.")
    if not isinstance(module, str):
        raise TypeError(f"A layer is given by its name or itself, not as {module!r}.")
    try:
        return model.get_submodule(module)
    except (AttributeError, RuntimeError):
        # Scripted models have layers, but not this way to them.
        layers = dict(named_layers(model))
    if module in layers:
        return layers[module]
    names = [name for name in layers if name]
    if not names:
        raise ValueError(f"The model has no layer {module!r}: it has no layers at all.")
    close = get_close_matches(module, names, n=3, cutoff=0.5)
    hint = (
        f"did you mean {' or '.join(map(repr, close))}?"
        if close
        else (f"it has {', '.join(map(repr, names[:8]))}{', ...' if len(names) > 8 else ''}.")
    )
    raise ValueError(f"The model has no layer {module!r}; {hint}")


def named_layers(model: nn.Module, name: str = "") -> Iterator[tuple[str, nn.Module]]:
    """model.named_modules() with all names of each, but what is no layer.

    >>> [name for name, layer in named_layers(nn.Sequential(nn.ReLU(), nn.Sequential(nn.ReLU())))]
    ['', '0', '1', '1.0']
    """
    yield name, model
    for key, child in model._modules.items():
        if isinstance(child, nn.Module):
            yield from named_layers(child, f"{name}.{key}" if name else key)


def modules_of(model: nn.Module) -> list[nn.Module]:
    """model.modules(), in no particular order and in a third of the time.

    What is no layer, such as a function that was put where one was, is left out.

    >>> len(modules_of(nn.Sequential(nn.ReLU(), nn.Sequential(nn.ReLU()))))
    4
    """
    found = {model: None}
    open_ends = [model]
    while open_ends:
        for child in open_ends.pop()._modules.values():
            if isinstance(child, nn.Module) and child not in found:
                found[child] = None
                open_ends.append(child)
    return list(found)


def parameters_of(modules: Iterable[nn.Module]) -> list[nn.Parameter]:
    """The parameters of these modules themselves; faster than model.parameters() with their list.

    >>> [len(p) for p in parameters_of([nn.Linear(3, 2), nn.ReLU()])]
    [2, 2]
    """
    found = [p for module in modules for p in module._parameters.values()]
    return [p for p in found if p is not None]


def layer_name(model: nn.Module, module: str | nn.Module) -> str:
    """The name of a layer of the model, for messages."""
    if isinstance(module, str):
        return module
    return next((name for name, m in named_layers(model) if m is module), type(module).__name__)
