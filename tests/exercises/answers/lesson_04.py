"""Answers of lesson 04 that no exercise lists."""

from __future__ import annotations

from course_lib.exercises.engine.answers import Answers

answers = Answers()


def probe(look: str, gradient: str = "return self.data.grad") -> str:
    """The class with these bodies; lines of `look` are parted by semicolons or indented by 8."""
    return f"""
class Probe:
    def __init__(self, layer):
        self.data = None
        self.handle = layer.register_forward_hook(self.look)

    def look(self, layer, inputs, output):
        {look}

    @property
    def gradient(self):
        {gradient}

    def remove(self):
        self.handle.remove()
"""


START = "output = output if output.requires_grad else output.detach().requires_grad_(); "

# --- probe: right ---

answers.right(
    "probe",
    probe(
        START + "self.data = output; output.retain_grad(); return output * 1",
        "return None if self.data is None else self.data.grad",
    ),
)
answers.right(
    "probe",
    probe(
        "self.data = output if output.requires_grad else output.requires_grad_(); "
        "self.data.retain_grad(); return self.data + 0"
    ),
)
answers.right(
    "probe",
    probe(
        "self.data = output.clone() if output.requires_grad else output.clone().requires_grad_(); "
        "self.data.retain_grad(); return self.data.clone()"
    ),
)
answers.right(
    "probe",
    probe(
        START + "self.g = None; output.register_hook(lambda g: setattr(self, 'g', g)); "
        "self.data = output; return output.clone()",
        "return self.g",
    ),
)
answers.right(
    "probe",
    """
    class Probe:
        def __init__(self, layer):
            self.data = None
            self.handle = layer.register_forward_hook(self.look)

        def look(self, *args):
            with torch.enable_grad():
                data = args[-1]
                if data.grad_fn is None:
                    data = data.detach().requires_grad_(True)
                data.retain_grad()
                self.data = data
                return torch.empty_like(data).copy_(data)

        @property
        def gradient(self):
            return getattr(self.data, "grad", None)

        def remove(self):
            self.handle.remove()
    """,
)

# --- probe: wrong ---

answers.wrong(
    "probe",
    probe(START + "output.retain_grad(); self.data = output; return output.view_as(output)"),
)
answers.wrong(
    "probe",
    probe(START + "output.retain_grad(); self.data = output; return output.clone().detach()"),
)
answers.wrong("probe", probe(START + "output.retain_grad(); self.data = output"))
answers.wrong(
    "probe",
    probe(
        START + "output.retain_grad(); self.data = output.detach().clone(); return output.clone()"
    ),
)
answers.wrong(
    "probe", probe(START + "self.data = output.clone(); self.data.retain_grad(); return self.data")
)
answers.wrong(
    "probe",
    probe(
        START + "output.retain_grad(); self.data = output; return output.clone()",
        "return self.data.grad.sum()",
    ),
)
answers.wrong(
    "probe",
    probe(
        START + "output.retain_grad(); self.data = output; return output.clone()", "self.data.grad"
    ),
)
answers.wrong(
    "probe", probe(START + "output.retain_grad(); self.data = output; return output.clamp(min=0)")
)
answers.wrong(
    "probe",
    probe(START + "output.retain_grad(); self.data = output; return output.clone(), output"),
)
answers.wrong(
    "probe",
    probe("output = output.detach().requires_grad_(); self.data = output; return output.clone()"),
)
answers.wrong(
    "probe",
    probe(
        "layer.requires_grad_(True); output = layer.forward(*inputs); output.retain_grad(); "
        "self.data = output; return output.clone()"
    ),
)
answers.wrong(
    "probe",
    probe(
        START + "n, c, h, w = output.shape; output.retain_grad(); self.data = output; "
        "return output.clone()"
    ),
)
answers.wrong(
    "probe",
    probe(
        START + "output.register_hook(lambda g: setattr(self, 'g', g)); self.data = output; "
        "return output.clone()",
        "return getattr(self, 'g', None)",
    ),
)
answers.wrong(
    "probe",
    probe(
        START + "output.register_hook(lambda g: setattr(self, 'g', g)); "
        "self.data = output.detach().clone(); self.g = None; return output.clone()",
        "return self.g",
    ),
)
answers.wrong(
    "probe",
    probe(
        "output.retain_grad() if output.requires_grad else None; self.data = output; "
        "return output.clone()"
    ),
)
answers.wrong(
    "probe",
    probe(
        "if self.data is None: self.data = output if output.requires_grad else "
        "output.detach().requires_grad_(); self.data.retain_grad()\n        return output.clone()"
    ),
)
answers.wrong(
    "probe",
    probe(
        START + "output.retain_grad(); self.data = output; self.handle.remove(); "
        "return output.clone()"
    ),
)
answers.wrong(
    "probe",
    """
    class Probe:
        def __init__(self, layer):
            self.data = None
            self.handle = layer.register_forward_hook(self.look)

        def look(self, layer, inputs, output):
            global seen
            if not output.requires_grad:
                output = output.detach().requires_grad_()
            output.retain_grad()
            self.data = seen = output
            return output.clone()

        @property
        def gradient(self):
            return seen.grad

        def remove(self):
            self.handle.remove()
    """,
)

# --- non_relu_layers: right ---

answers.right(
    "non_relu_layers",
    """
    def non_relu_layers(model):
        names = []
        for name, layer in model.named_modules():
            if len(layer._modules) > 0:
                continue
            if type(layer) is nn.ReLU or type(layer) is nn.ReLU6:
                continue
            names.append(name)
        return names
    """,
)
answers.right(
    "non_relu_layers",
    """
    def non_relu_layers(model):
        layers = dict(model.named_modules())
        parents = {name.rpartition(".")[0] for name in layers if name}
        return [n for n in layers if n not in parents and type(layers[n]).__name__ not in ("ReLU", "ReLU6")]
    """,
)
answers.right(
    "non_relu_layers",
    """
    def non_relu_layers(model, prefix=""):
        found = []
        for name, child in model.named_children():
            if any(True for _ in child.children()):
                found += non_relu_layers(child, prefix + name + ".")
            elif not isinstance(child, (nn.ReLU, nn.ReLU6)):
                found.append(prefix + name)
        return found
    """,
)
answers.right(
    "non_relu_layers",
    """
    def non_relu_layers(model):
        def keep(pair):
            return sum(1 for _ in pair[1].modules()) == 1 and not (
                isinstance(pair[1], nn.ReLU) or isinstance(pair[1], nn.ReLU6)
            )
        return list(next(zip(*filter(keep, model.named_modules())), ()))
    """,
)
answers.right(
    "non_relu_layers",
    """
    from torch.nn import ReLU, ReLU6

    def non_relu_layers(model):
        every = [name for name, _ in model.named_modules()]
        leaves = [n for n in every if not any(o != n and o.startswith(n + ".") for o in every) and n]
        return [n for n in leaves if not isinstance(model.get_submodule(n), ReLU | ReLU6)]
    """,
)

# --- non_relu_layers: wrong ---


def layers(condition: str, of: str = "model.named_modules()") -> str:
    """A list comprehension with this condition on name and layer."""
    return f"""
def non_relu_layers(model):
    return [name for name, layer in {of} if {condition}]
"""


LEAF = "not list(layer.children())"

answers.wrong(
    "non_relu_layers", layers(f"{LEAF} and not isinstance(layer, (nn.ReLU, nn.Hardtanh))")
)
answers.wrong("non_relu_layers", layers(f"{LEAF} and 'ReLU' not in type(layer).__name__"))
answers.wrong("non_relu_layers", layers(f"{LEAF} and 'relu' not in str(layer).lower()"))
answers.wrong("non_relu_layers", layers(f"{LEAF} and list(layer.parameters())"))
answers.wrong("non_relu_layers", layers(f"{LEAF} and not hasattr(layer, 'inplace')"))
answers.wrong("non_relu_layers", layers(f"{LEAF} and not isinstance(layer, nn.ReLU or nn.ReLU6)"))
answers.wrong("non_relu_layers", layers(f"{LEAF} and not isinstance(layer, nn.ReLU and nn.ReLU6)"))
answers.wrong(
    "non_relu_layers",
    layers(f"{LEAF} and (not isinstance(layer, nn.ReLU) or not isinstance(layer, nn.ReLU6))"),
)
answers.wrong(
    "non_relu_layers", layers(f"{LEAF} and layer is not nn.ReLU and layer is not nn.ReLU6")
)
answers.wrong(
    "non_relu_layers", layers(f"{LEAF} and isinstance(layer, (nn.Conv2d, nn.Linear, nn.MaxPool2d))")
)
answers.wrong(
    "non_relu_layers", layers("name.count('.') > 0 and not isinstance(layer, (nn.ReLU, nn.ReLU6))")
)
answers.wrong(
    "non_relu_layers",
    layers("not isinstance(layer, (nn.Sequential, nn.ModuleList, nn.ReLU, nn.ReLU6)) and name"),
)
answers.wrong(
    "non_relu_layers",
    layers("not isinstance(layer, (nn.ReLU, nn.ReLU6))", "model.features.named_children()"),
)
answers.wrong(
    "non_relu_layers",
    """
    def non_relu_layers(model):
        every = [name for name, _ in model.named_modules()]
        leaves = [n for n in every if not any(o != n and o.startswith(n) for o in every)]
        return [n for n in leaves if not isinstance(model.get_submodule(n), (nn.ReLU, nn.ReLU6))]
    """,
)
answers.wrong(
    "non_relu_layers",
    """
    def non_relu_layers(model, prefix="", found=[]):
        for name, child in model.named_children():
            if list(child.children()):
                non_relu_layers(child, prefix + name + ".", found)
            elif not isinstance(child, (nn.ReLU, nn.ReLU6)):
                found.append(prefix + name)
        return found
    """,
)
answers.wrong(
    "non_relu_layers",
    """
    def non_relu_layers(model):
        return sorted(
            name for name, layer in model.named_modules()
            if not list(layer.children()) and not isinstance(layer, (nn.ReLU, nn.ReLU6))
        )
    """,
)
answers.wrong(
    "non_relu_layers",
    """
    def non_relu_layers(model):
        return (
            name for name, layer in model.named_modules()
            if not list(layer.children()) and not isinstance(layer, (nn.ReLU, nn.ReLU6))
        )
    """,
)
answers.wrong(
    "non_relu_layers",
    """
    def non_relu_layers(model):
        model.eval()
        return [
            name for name, layer in model.named_modules()
            if not list(layer.children()) and not isinstance(layer, (nn.ReLU, nn.ReLU6))
        ]
    """,
)
answers.wrong(
    "non_relu_layers",
    """
    def non_relu_layers(model):
        names = []
        for name, layer in model.named_modules():
            if not list(layer.children()) and not isinstance(layer, (nn.ReLU, nn.ReLU6)):
                names.append(name)
                return names
    """,
)
answers.wrong(
    "non_relu_layers",
    """
    def non_relu_layers(model):
        names = []
        for name, layer in model.named_modules():
            if not list(layer.children()) and not isinstance(layer, (nn.ReLU, nn.ReLU6)):
                names.append(name)
    """,
    says="`return`",
)

# --- linear_approximation ---


def linear(result: str) -> str:
    """A function that returns this."""
    return f"def linear_approximation(x, g):\n    {result}\n"


answers.right(
    "linear_approximation", linear("return torch.einsum('nchw,nchw->nhw', x, g)[:, None]")
)
answers.right(
    "linear_approximation", linear("return F.conv2d(x * g, torch.ones_like(x[:1, :, :1, :1]))")
)
answers.right("linear_approximation", linear("return (x * g).mean(1, keepdim=True) * x.shape[1]"))
answers.right(
    "linear_approximation",
    linear("return sum((x[:, c:c + 1] * g[:, c:c + 1] for c in range(x.shape[1])))"),
)
answers.right(
    "linear_approximation",
    linear(
        "out = torch.zeros(x.shape[0], 1, *x.shape[2:])\n"
        "    for n in range(len(x)):\n"
        "        for c in range(x.shape[1]):\n"
        "            out[n, 0] += x[n, c] * g[n, c]\n"
        "    return out"
    ),
)
answers.right(
    "linear_approximation",
    linear("pixels = (x * g).permute(0, 2, 3, 1).sum(-1)\n    return torch.stack([pixels], dim=1)"),
)

answers.wrong("linear_approximation", linear("return (x * g).sum(1).unsqueeze(0)"))
answers.wrong("linear_approximation", linear("return (x * g).sum((2, 3), keepdim=True)"))
answers.wrong("linear_approximation", linear("return (x * g).sum()"))
answers.wrong(
    "linear_approximation", linear("x *= g; return x.sum(1, keepdim=True)"), says="in place"
)
answers.wrong("linear_approximation", linear("return (x + g).sum(1, keepdim=True)"))
answers.wrong("linear_approximation", linear("return (x.clamp(min=0) * g).sum(1, keepdim=True)"))
answers.wrong("linear_approximation", linear("return (x * g.clamp(min=0)).sum(1, keepdim=True)"))
answers.wrong(
    "linear_approximation", linear("s = (x * g).sum(1, keepdim=True); return s / s.abs().amax()")
)
answers.wrong(
    "linear_approximation", linear("return (x * g.mean((2, 3), keepdim=True)).sum(1, keepdim=True)")
)
answers.wrong("linear_approximation", linear("(x * g).sum(1, keepdim=True)"), says="`return`")
answers.wrong("linear_approximation", linear("return (x * g).sum(1).view(2, 1, 4, 3)"))
answers.wrong("linear_approximation", linear("return (x.clamp(-6, 6) * g).sum(1, keepdim=True)"))
answers.wrong(
    "linear_approximation",
    linear("return torch.stack([(x[n] * g[n]).sum(0) for n in range(2)])[:, None]"),
)
answers.wrong(
    "linear_approximation", linear("return sum(x[:, c:c + 1] * g[:, c:c + 1] for c in range(5))")
)
answers.wrong("linear_approximation", linear("return (x * g).sum(-1, keepdim=True)"))
answers.wrong("linear_approximation", linear("return torch.norm(x * g, dim=1, keepdim=True)"))
answers.wrong("linear_approximation", linear("return (x * g).sum(1, keepdim=True).squeeze()"))
answers.wrong("linear_approximation", linear("return F.cosine_similarity(x, g, dim=1)[:, None]"))

# --- grad_cam_map ---


def cam(result: str) -> str:
    """A function that returns this."""
    return f"def grad_cam_map(x, g):\n    {result}\n"


answers.right(
    "grad_cam_map",
    cam("w = g.mean((2, 3)); return F.relu(torch.einsum('nc,nchw->nhw', w, x))[:, None]"),
)
answers.right(
    "grad_cam_map", cam("return torch.relu((F.adaptive_avg_pool2d(g, 1) * x).sum(1, keepdim=True))")
)
answers.right(
    "grad_cam_map",
    cam(
        "w = g.sum((2, 3)) / (g.shape[2] * g.shape[3]); s = (w[:, :, None, None] * x).sum(1, keepdim=True); s[s < 0] = 0; return s"
    ),
)
answers.right(
    "grad_cam_map",
    cam(
        "return torch.stack([F.conv2d(x[n:n+1], g[n:n+1].mean((2, 3), keepdim=True)).clamp(min=0)[0] for n in range(len(x))])"
    ),
)
answers.right(
    "grad_cam_map",
    cam(
        "w = g.flatten(2).mean(2); s = (x.flatten(2) * w[..., None]).sum(1).view(len(x), 1, *x.shape[2:]); return torch.where(s > 0, s, 0)"
    ),
)
answers.right(
    "grad_cam_map",
    cam(
        "out = torch.zeros(len(x), 1, x.shape[2], x.shape[3])\n"
        "    for n in range(len(x)):\n"
        "        for c in range(x.shape[1]):\n"
        "            out[n, 0] += g[n, c].mean() * x[n, c]\n"
        "    return torch.max(out, torch.zeros_like(out))"
    ),
)

SUM = "s = (g.mean((2, 3), keepdim=True) * x).sum(1, keepdim=True); "
answers.wrong("grad_cam_map", cam(SUM + "return max(0, s)"), says="a single yes or no")
answers.wrong("grad_cam_map", cam(SUM + "return torch.max(s, 0)"))
answers.wrong("grad_cam_map", cam(SUM + "return s.clamp(min=0) / s.amax()"))
answers.wrong("grad_cam_map", cam(SUM + "return s.clamp(0, 1)"))
answers.wrong("grad_cam_map", cam(SUM + "return s.clamp(0, 6)"))
answers.wrong("grad_cam_map", cam(SUM + "return s - s.amin()"))
answers.wrong("grad_cam_map", cam(SUM + "s.clamp_(min=0)"), says="`return`")
answers.wrong("grad_cam_map", cam(SUM + "return F.leaky_relu(s)"))
answers.wrong("grad_cam_map", cam(SUM + "return s.sigmoid()"))
answers.wrong(
    "grad_cam_map",
    cam("return (g.clamp(min=0).mean((2, 3), keepdim=True) * x).sum(1, keepdim=True).clamp(min=0)"),
)
answers.wrong(
    "grad_cam_map",
    cam("return (g.abs().mean((2, 3), keepdim=True) * x).sum(1, keepdim=True).clamp(min=0)"),
)
answers.wrong("grad_cam_map", cam("return (g.mean() * x).sum(1, keepdim=True).clamp(min=0)"))
answers.wrong(
    "grad_cam_map",
    cam(
        "w = g.sum((2, 3), keepdim=True) / g.shape[2] ** 2; return (w * x).sum(1, keepdim=True).clamp(min=0)"
    ),
)
answers.wrong(
    "grad_cam_map",
    cam("return (g.amax((2, 3), keepdim=True) * x).sum(1, keepdim=True).clamp(min=0)"),
)
answers.wrong(
    "grad_cam_map",
    cam("x *= g.mean((2, 3), keepdim=True); return x.sum(1, keepdim=True).clamp(min=0)"),
    says="in place",
)
answers.wrong(
    "grad_cam_map",
    cam("return (g.softmax(1).mean((2, 3), keepdim=True) * x).sum(1, keepdim=True).clamp(min=0)"),
)
answers.wrong(
    "grad_cam_map",
    cam("w = g.mean((2, 3)).view(2, 5, 1, 1); return (w * x).sum(1, keepdim=True).clamp(min=0)"),
)
answers.wrong("grad_cam_map", cam("return (g.clamp(min=0) * x).sum(1, keepdim=True).clamp(min=0)"))
answers.wrong(
    "grad_cam_map", cam("return (g.mean(2, keepdim=True) * x).sum(1, keepdim=True).clamp(min=0)")
)
answers.wrong(
    "grad_cam_map",
    cam("return (g.mean((-1, -2, -3), keepdim=True) * x).sum(1, keepdim=True).clamp(min=0)"),
)
answers.wrong(
    "grad_cam_map",
    cam(
        "return torch.stack([(g[n].mean((1, 2), keepdim=True) * x[n]).sum(0, keepdim=True).clamp(min=0) for n in range(2)])"
    ),
)

# --- map_at_layer ---


def at_layer(body: str) -> str:
    """The function with this body, its lines indented by four spaces."""
    return f"def map_at_layer(model, x, target, layer, rule):\n{body}"


answers.right(
    "map_at_layer",
    at_layer("""\
    p = Probe(dict(model.named_modules())[layer])
    model(x)[:, target].sum().backward(inputs=[p.data])
    p.remove()
    return rule(p.data, p.gradient)
"""),
)
answers.right(
    "map_at_layer",
    at_layer("""\
    import copy
    twin = copy.deepcopy(model)
    p = Probe(twin.get_submodule(layer))
    twin(x)[:, target].sum().backward()
    return rule(p.data.detach(), p.gradient)
"""),
)
answers.right(
    "map_at_layer",
    at_layer("""\
    node = model
    for part in layer.split("."):
        node = getattr(node, part)
    seen = {}
    def hook(module, inputs, output):
        seen["x"] = output if output.requires_grad else output.detach().requires_grad_()
        return seen["x"].clone()
    handle = node.register_forward_hook(hook)
    try:
        scores = model(x)
    finally:
        handle.remove()
    start = torch.zeros_like(scores)
    start[:, target] = 1
    g = torch.autograd.grad(scores, seen["x"], grad_outputs=start)[0]
    return rule(seen["x"].detach(), g.detach())
"""),
)
answers.right(
    "map_at_layer",
    at_layer("""\
    maps = []
    for image in x.split(1):
        probe = Probe(model.get_submodule(layer))
        score = model(image)[0, target]
        probe.remove()
        maps.append(rule(probe.data.detach(), *torch.autograd.grad(score, probe.data)))
    return torch.cat(maps).float()
"""),
)
answers.right(
    "map_at_layer",
    at_layer("""\
    probe = Probe(model.get_submodule(layer))
    scores = model(x.clone().requires_grad_())
    probe.remove()
    g = torch.autograd.grad([s[target] for s in scores], probe.data)
    with torch.no_grad():
        return rule(probe.data, g[0])
"""),
)

answers.wrong(
    "map_at_layer",
    at_layer("""\
    probe = Probe(model.get_submodule(layer))
    model(x)[:, target].sum().backward()
    probe.remove()
    model.zero_grad()
    return rule(probe.data.detach(), probe.gradient)
"""),
)
answers.wrong(
    "map_at_layer",
    at_layer("""\
    model.eval()
    probe = Probe(model.get_submodule(layer))
    scores = model(x)
    probe.remove()
    g = torch.autograd.grad(scores[:, target].sum(), probe.data)[0]
    return rule(probe.data.detach(), g)
"""),
    says="training mode",
)
answers.wrong(
    "map_at_layer",
    at_layer("""\
    for p in model.parameters():
        p.requires_grad_(False)
    probe = Probe(model.get_submodule(layer))
    scores = model(x)
    probe.remove()
    for p in model.parameters():
        p.requires_grad_(True)
    g = torch.autograd.grad(scores[:, target].sum(), probe.data)[0]
    return rule(probe.data.detach(), g)
"""),
)
answers.wrong(
    "map_at_layer",
    at_layer("""\
    probe = Probe(model[int(layer)])
    scores = model(x)
    probe.remove()
    g = torch.autograd.grad(scores[:, target].sum(), probe.data)[0]
    return rule(probe.data.detach(), g)
"""),
)
answers.wrong(
    "map_at_layer",
    at_layer("""\
    probe = Probe(getattr(model, layer))
    scores = model(x)
    probe.remove()
    g = torch.autograd.grad(scores[:, target].sum(), probe.data)[0]
    return rule(probe.data.detach(), g)
"""),
    says="get_submodule",
)
answers.wrong(
    "map_at_layer",
    at_layer("""\
    probe = Probe(model.get_submodule("features.block.conv"))
    scores = model(x)
    probe.remove()
    g = torch.autograd.grad(scores[:, target].sum(), probe.data)[0]
    return rule(probe.data.detach(), g)
"""),
)
answers.wrong(
    "map_at_layer",
    at_layer("""\
    probe = Probe(model.get_submodule(layer))
    scores = model(x)
    probe.remove()
    g = torch.autograd.grad(scores[:, target].sum(), probe.data)[0]
    return (probe.data.detach() * g).sum(1, keepdim=True)
"""),
)
answers.wrong(
    "map_at_layer",
    at_layer("""\
    probe = Probe(model.get_submodule(layer))
    scores = model(x)
    probe.remove()
    g = torch.autograd.grad(scores[:, target].sum(), probe.data)[0]
    return F.interpolate(rule(probe.data.detach(), g), x.shape[2:])
"""),
)
answers.wrong(
    "map_at_layer",
    at_layer("""\
    probe = Probe(model.get_submodule(layer))
    scores = model(x)
    probe.remove()
    g = torch.autograd.grad(scores.amax(1).sum(), probe.data)[0]
    return rule(probe.data.detach(), g)
"""),
)
answers.wrong(
    "map_at_layer",
    at_layer("""\
    probe = Probe(model.get_submodule(layer))
    scores = model(x)
    probe.remove()
    g = torch.autograd.grad(scores[:, target].sum(), probe.data)[0]
    rule(probe.data.detach(), g)
"""),
    says="`return`",
)
answers.wrong(
    "map_at_layer",
    at_layer("""\
    probe = Probe(model.get_submodule(layer))
    x.requires_grad_()
    scores = model(x)
    probe.remove()
    g = torch.autograd.grad(scores[:, target].sum(), probe.data)[0]
    return rule(probe.data.detach(), g)
"""),
)
answers.wrong(
    "map_at_layer",
    at_layer("""\
    probe = Probe(model.get_submodule(layer))
    scores = model(x)
    probe.remove()
    g = torch.autograd.grad(scores[:, target].log_softmax(0).sum(), probe.data)[0]
    return rule(probe.data.detach(), g)
"""),
)
answers.wrong(
    "map_at_layer",
    at_layer("""\
    probe = Probe(model.get_submodule(layer))
    scores = model(x)
    probe.remove()
    g = torch.autograd.grad(scores[:, target].sum(), x)[0]
    return rule(probe.data.detach(), g)
"""),
)
answers.wrong(
    "map_at_layer",
    at_layer("""\
    model.train()
    probe = Probe(model.get_submodule(layer))
    scores = model(x)
    probe.remove()
    model.eval()
    g = torch.autograd.grad(scores[:, target].sum(), probe.data)[0]
    return rule(probe.data.detach(), g)
"""),
)
answers.wrong(
    "map_at_layer",
    at_layer("""\
    torch.set_grad_enabled(True)
    probe = Probe(model.get_submodule(layer))
    scores = model(x)
    probe.remove()
    g = torch.autograd.grad(scores[:, target].sum(), probe.data)[0]
    torch.set_grad_enabled(False)
    return rule(probe.data, g)
"""),
    says="gradient mode",
)
answers.wrong(
    "map_at_layer",
    at_layer("""\
    probe = Probe(model.get_submodule(layer))
    scores = model(x)
    for module in model.modules():
        module._forward_hooks.clear()
    g = torch.autograd.grad(scores[:, target].sum(), probe.data)[0]
    return rule(probe.data.detach(), g)
"""),
    says="hooks",
)
answers.wrong(
    "map_at_layer",
    at_layer("""\
    probe = Probe(model.get_submodule(layer))
    scores = model(x)
    probe.remove()
    return rule(probe.data.detach(), probe.gradient)
"""),
)
answers.wrong(
    "map_at_layer",
    at_layer("""\
    probe = Probe(model.get_submodule(layer))
    scores = model(x)
    probe.remove()
    target = F.one_hot(torch.tensor([target]))
    g = torch.autograd.grad((scores * target).sum(), probe.data)[0]
    return rule(probe.data.detach(), g)
"""),
)


# --- ten later answers: probe ---

KEEP = START + "output.retain_grad(); self.data = output; "
answers.right("probe", probe(KEEP + "return torch.stack([output])[0]"))
answers.right(
    "probe",
    probe(
        "output = output.detach().requires_grad_() if output.grad_fn is None else output; self.data = output; self.data.retain_grad(); copy = 1.0 * self.data; return copy"
    ),
)
answers.right(
    "probe",
    probe(KEEP + "return torch.where(torch.ones_like(output, dtype=torch.bool), output, 0)"),
)
answers.wrong("probe", probe(KEEP + "return output.detach().clone().requires_grad_()"))
answers.wrong("probe", probe(KEEP + "return output.data.clone()"))
answers.wrong("probe", probe(KEEP + "return output.reshape(output.shape)"))
answers.wrong("probe", probe(KEEP + "return output.clone()", "return self.data"))
answers.wrong("probe", probe(KEEP + "return output.clone()", "return self.data.grad.abs()"))
answers.wrong(
    "probe", probe("self.data = output.detach().clone().requires_grad_(); return self.data.clone()")
)
answers.wrong("probe", probe(KEEP + "return F.relu(output)"))

# --- non_relu_layers ---

answers.right(
    "non_relu_layers",
    layers("not any(layer.children()) and layer.__class__ not in {nn.ReLU, nn.ReLU6}"),
)
answers.right(
    "non_relu_layers",
    layers(
        "next(layer.children(), None) is None and not any(isinstance(layer, k) for k in (nn.ReLU, nn.ReLU6))"
    ),
)
answers.right(
    "non_relu_layers",
    """
def non_relu_layers(model):
    names = [name for name, layer in model.named_modules() if not list(layer.named_children())]
    for name in list(names):
        if isinstance(model.get_submodule(name), (nn.ReLU, nn.ReLU6)):
            names.remove(name)
    return names
""",
)
answers.wrong(
    "non_relu_layers",
    layers(
        f"{LEAF} and not isinstance(layer, (nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.GELU, nn.Sigmoid))"
    ),
)
answers.wrong(
    "non_relu_layers", layers(f"{LEAF} and not isinstance(layer, (nn.ReLU, nn.ReLU6, nn.Dropout))")
)
answers.wrong("non_relu_layers", layers(f"{LEAF} and not layer.__module__.endswith('activation')"))
answers.wrong(
    "non_relu_layers", layers(f"{LEAF} and type(layer) != 'ReLU' and type(layer) != 'ReLU6'")
)
answers.wrong(
    "non_relu_layers",
    layers(f"{LEAF} and not isinstance(layer, (nn.ReLU, nn.ReLU6))").replace(
        "[name for", "[name.split('.')[-1] for"
    ),
)
answers.wrong(
    "non_relu_layers",
    layers("not hasattr(layer, '__len__') and not isinstance(layer, (nn.ReLU, nn.ReLU6))"),
)
answers.wrong(
    "non_relu_layers",
    layers(f"{LEAF} and not isinstance(layer, (nn.ReLU, nn.ReLU6))").replace(
        "[name for", "[str(layer) for"
    ),
)

# --- linear_approximation ---

answers.right("linear_approximation", linear("return torch.cumsum(x * g, 1)[:, -1:]"))
answers.right(
    "linear_approximation",
    linear(
        "n, c, h, w = x.shape; return torch.bmm(x.permute(0, 2, 3, 1).reshape(-1, 1, c), g.permute(0, 2, 3, 1).reshape(-1, c, 1)).view(n, h, w)[:, None]"
    ),
)
answers.right(
    "linear_approximation", linear("return torch.linalg.vecdot(x, g, dim=1).unsqueeze(1)")
)
answers.wrong("linear_approximation", linear("return (x * g).sum(1, keepdim=True).abs()"))
answers.wrong("linear_approximation", linear("return (x * g).sum((0, 1), keepdim=True)"))
answers.wrong("linear_approximation", linear("return torch.tensordot(x, g, dims=([1], [1]))"))
answers.wrong("linear_approximation", linear("return (x.abs() * g).sum(1, keepdim=True)"))
answers.wrong("linear_approximation", linear("return (x * g.sign()).sum(1, keepdim=True)"))
answers.wrong(
    "linear_approximation",
    linear("s = (x * g).sum(1, keepdim=True); return torch.where(s.abs() > 1e-2, s, 0)"),
)
answers.wrong(
    "linear_approximation",
    linear("return (x * g).sum(1, keepdim=True).expand(-1, x.shape[1], -1, -1)"),
)

# --- grad_cam_map ---

answers.right(
    "grad_cam_map",
    cam("w = g.mean(3).mean(2); return (x * w[:, :, None, None]).sum(1, keepdim=True).relu()"),
)
answers.right(
    "grad_cam_map",
    cam(
        "w = torch.stack([c.mean() for n in g for c in n]).view(*g.shape[:2], 1, 1); s = (w * x).sum(1)[:, None]; return s * (s > 0)"
    ),
)
answers.right(
    "grad_cam_map",
    cam(
        "s = torch.bmm(g.mean((2, 3))[:, None], x.flatten(2)); return s.unflatten(2, x.shape[2:]).clamp_min(0)"
    ),
)
answers.wrong(
    "grad_cam_map",
    cam("w = g.mean((2, 3), keepdim=True); return (w * x).amax(1, keepdim=True).clamp(min=0)"),
)
answers.wrong(
    "grad_cam_map",
    cam(
        "w = g.median(3, keepdim=True).values.median(2, keepdim=True).values; return (w * x).sum(1, keepdim=True).clamp(min=0)"
    ),
)
answers.wrong(
    "grad_cam_map",
    cam("w = g.mean((2, 3), keepdim=True); return (w * x.clamp(min=0)).sum(1, keepdim=True)"),
)
answers.wrong(
    "grad_cam_map",
    cam(
        "w = g.mean((2, 3), keepdim=True); w = w / w.norm(dim=1, keepdim=True); return (w * x).sum(1, keepdim=True).clamp(min=0)"
    ),
)
answers.wrong(
    "grad_cam_map",
    cam("w = g.mean((2, 3), keepdim=True); return (w * x).sum(1, keepdim=True).clamp(min=1e-3)"),
)
answers.wrong(
    "grad_cam_map",
    cam(
        "w = g.mean((2, 3), keepdim=True); return (w * x).sum((1, 2, 3), keepdim=True).clamp(min=0)"
    ),
)
answers.wrong(
    "grad_cam_map",
    cam("w = g.mean((2, 3), keepdim=True); return (w[:1] * x).sum(1, keepdim=True).clamp(min=0)"),
)

# --- map_at_layer ---

M = """
def map_at_layer(model, x, target, layer, rule):
    probe = Probe(model.get_submodule(layer))
    {run}
    probe.remove()
    {result}
"""
GRAD = "return rule(probe.data.detach(), torch.autograd.grad(y[:, target].sum(), probe.data)[0])"
answers.right(
    "map_at_layer",
    M.format(
        run="y = model.forward(x)",
        result="g, = torch.autograd.grad(y.sum(0)[target], [probe.data]); return rule(probe.data.clone().detach(), g)",
    ),
)
answers.right(
    "map_at_layer",
    M.format(
        run="before = [p.grad for p in model.parameters()]\n    for p in model.parameters(): p.grad = None\n    model(x)[:, target].sum().backward()",
        result="for p, g in zip(model.parameters(), before): p.grad = g\n    return rule(probe.data.detach(), probe.gradient)",
    ),
)
answers.right(
    "map_at_layer",
    M.format(
        run="y = model(x)",
        result="start = F.one_hot(torch.full((len(x),), target), y.shape[1]).to(y.dtype)\n    g = torch.autograd.grad(y, probe.data, start)[0]\n    return rule(probe.data.data, g)",
    ),
)
answers.wrong(
    "map_at_layer",
    M.format(
        run="y = model(x)", result=GRAD.replace("y[:, target].sum()", "y[:, target - 1].sum()")
    ),
)
answers.wrong(
    "map_at_layer", M.format(run="y = model(x)", result=GRAD.replace("probe.data.detach()", "x"))
)
answers.wrong(
    "map_at_layer",
    M.format(
        run="y = model(x)",
        result=GRAD.replace("sum(), probe.data)[0]", "sum(), probe.data)[0].abs()"),
    ),
)
answers.wrong(
    "map_at_layer",
    M.format(
        run="y = model(x)",
        result=GRAD.replace("return rule", "return rule.__call__").replace(
            "y[:, target].sum()", "y[:, :target].sum()"
        ),
    ),
)
answers.wrong("map_at_layer", M.format(run="model.requires_grad_(True); y = model(x)", result=GRAD))
answers.wrong(
    "map_at_layer",
    M.format(
        run="y = model(x.detach().requires_grad_())",
        result="y[:, target].sum().backward(); return rule(probe.data.detach(), probe.gradient)",
    ),
)
answers.wrong("map_at_layer", M.format(run="y = model(x[:1])", result=GRAD))
