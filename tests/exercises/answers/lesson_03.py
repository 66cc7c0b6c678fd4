"""Answers of lesson 03 that no exercise lists."""

from __future__ import annotations

from course_lib.exercises.engine.answers import Answers

answers = Answers()


def deconvnet(backward: str, forward: str = "return x.clamp(min=0)") -> str:
    """The class with these bodies, of one line each (or several, parted by semicolons)."""
    return f"""
class DeConvNetReLU(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        {forward}

    @staticmethod
    def backward(ctx, p):
        {backward}
"""


def guided(backward: str, forward: str = "ctx.save_for_backward(x); return x.clamp(min=0)") -> str:
    """The same for guided backprop; `backward` finds x under its name."""
    return f"""
class GuidedBackpropReLU(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        {forward}

    @staticmethod
    def backward(ctx, p):
        (x,) = ctx.saved_tensors
        {backward}
"""


# --- deconvnet_relu: right ---

answers.right("deconvnet_relu", deconvnet("return p * (p > 0)", "return x * (x > 0)"))
answers.right("deconvnet_relu", deconvnet("return F.relu(p)", "return (x + x.abs()) / 2"))
answers.right("deconvnet_relu", deconvnet("return torch.maximum(p, torch.tensor(0.0))"))
answers.right("deconvnet_relu", deconvnet("p = p.clone(); p[p < 0] = 0; return p"))
answers.right(
    "deconvnet_relu",
    deconvnet("return p.float().clamp(min=0)", "return torch.where(x > 0, x, torch.zeros_like(x))"),
)
answers.right(
    "deconvnet_relu",
    """
    class OrdinaryReLU(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x.clamp(min=0)

        @staticmethod
        def backward(ctx, p):
            (x,) = ctx.saved_tensors
            return torch.where(x > 0, p, 0)


    class DeConvNetReLU(OrdinaryReLU):
        @staticmethod
        def backward(ctx, p):
            return torch.where(p > 0, p, 0)
    """,
)
answers.right(
    "deconvnet_relu",
    """
    class DeConvNetReLU(Function):
        @staticmethod
        def forward(x):
            return x.clamp_min(0)

        @staticmethod
        def setup_context(ctx, inputs, output):
            pass

        @staticmethod
        def backward(ctx, p):
            return p.clamp_min(0)
    """,
)
answers.right(
    "deconvnet_relu",
    """
    class DeConvNetReLU(Function):
        @staticmethod
        def forward(ctx, x):
            y = torch.zeros_like(x)
            y[x > 0] = x[x > 0]
            return y

        @staticmethod
        def backward(ctx, p):
            g = torch.zeros_like(p)
            for i in (p > 0).nonzero():
                g[tuple(i)] = p[tuple(i)]
            return g
    """,
)

# --- deconvnet_relu: wrong ---

answers.wrong("deconvnet_relu", deconvnet("p[p < 0] = 0; return p"), says="in place")
answers.wrong("deconvnet_relu", deconvnet("return torch.relu_(p)"), says="in place")
answers.wrong("deconvnet_relu", deconvnet("return p.clamp(min=0)", "return x.clamp_(min=0)"))
answers.wrong("deconvnet_relu", deconvnet("return p.clamp(min=0)", "return F.relu6(x)"))
answers.wrong("deconvnet_relu", deconvnet("return p.clamp(min=0)", "return F.leaky_relu(x)"))
answers.wrong("deconvnet_relu", deconvnet("return p.clamp(min=0)", "return x.abs()"))
answers.wrong("deconvnet_relu", deconvnet("return p.clamp(min=0, max=1)"))
answers.wrong("deconvnet_relu", deconvnet("return torch.where(p > 1e-3, p, 0)"))
answers.wrong("deconvnet_relu", deconvnet("return p.clamp(min=1e-6)"))
answers.wrong("deconvnet_relu", deconvnet("return max(0, p)"), says="a single yes or no")
answers.wrong("deconvnet_relu", deconvnet("p.clamp(min=0)"), says="Is a `return` missing?")
answers.wrong(
    "deconvnet_relu",
    deconvnet("return p.clamp(min=0)", "x.clamp(min=0)"),
    says="Is a `return` missing?",
)
answers.wrong("deconvnet_relu", deconvnet("return p.clamp(min=0).sum()"))
answers.wrong("deconvnet_relu", deconvnet("(x,) = ctx.saved_tensors; return p.clamp(min=0)"))
answers.wrong(
    "deconvnet_relu", deconvnet("return p.clamp(min=0)", "return torch.relu(x)"), says="itself"
)
answers.wrong(
    "deconvnet_relu", deconvnet("return p.clamp(min=0)", "return F.relu(x)"), says="itself"
)
answers.wrong(
    "deconvnet_relu",
    deconvnet("return p.clamp(min=0)", "n, c, h, w = x.shape; return x.clamp(min=0)"),
)
answers.wrong(
    "deconvnet_relu",
    deconvnet("return p.clamp(min=0)", "return x.double().clamp(min=0)"),
)
answers.wrong(
    "deconvnet_relu",
    """
    class DeConvNetReLU(nn.Module):
        def forward(self, x):
            return x.clamp(min=0)

        def backward(self, p):
            return p.clamp(min=0)
    """,
    says="torch.autograd.Function",
)
answers.wrong(
    "deconvnet_relu",
    """
    class DeConvNetReLU(Function):
        @staticmethod
        def forward(x):
            return x.clamp(min=0)

        @staticmethod
        def backward(p):
            return p.clamp(min=0)
    """,
    says="with `ctx` first",
)

# --- guided_relu: right ---

answers.right("guided_relu", guided("return p * (p > 0) * (x > 0)"))
answers.right(
    "guided_relu",
    guided(
        "return x.sign().clamp(min=0) * p.clamp(min=0)", "ctx.save_for_backward(x); return x.relu()"
    ),
)
answers.right(
    "guided_relu",
    """
    class GuidedBackpropReLU(Function):
        @staticmethod
        def forward(ctx, x):
            y = x.clamp(min=0)
            ctx.save_for_backward(y)
            return y

        @staticmethod
        def backward(ctx, p):
            y, = ctx.saved_tensors
            return torch.where(torch.minimum(y, p) > 0, p, torch.zeros_like(p))
    """,
)
answers.right(
    "guided_relu",
    """
    class GuidedBackpropReLU(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.open = x > 0
            return x * ctx.open

        @staticmethod
        def backward(ctx, p):
            g = p.clone()
            g[~ctx.open] = 0
            g[g < 0] = 0
            return g
    """,
)
answers.right(
    "guided_relu",
    """
    class GuidedBackpropReLU(DeConvNetReLU):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return DeConvNetReLU.forward(ctx, x)

        @staticmethod
        def backward(ctx, p):
            x = ctx.saved_tensors[0]
            return DeConvNetReLU.backward(ctx, p) * (x > 0).float()
    """,
)
answers.right(
    "guided_relu",
    """
    class GuidedBackpropReLU(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return torch.max(x, torch.zeros_like(x))

        @staticmethod
        def backward(ctx, p):
            (x,) = ctx.saved_tensors
            with torch.enable_grad():
                leaf = x.detach().requires_grad_()
                y = F.relu(leaf)
            return torch.autograd.grad(y, leaf, p.clamp(min=0))[0]
    """,
)

# --- guided_relu: wrong ---

answers.wrong(
    "guided_relu", guided("return torch.where(x > 0 and p > 0, p, 0)"), says="a single yes or no"
)
answers.wrong("guided_relu", guided("return torch.where(x > 0 & p > 0, p, 0)"), says="brackets")
answers.wrong("guided_relu", guided("return x.clamp(min=0) * p.clamp(min=0)"))
answers.wrong("guided_relu", guided("return torch.minimum(x, p).clamp(min=0)"))
answers.wrong("guided_relu", guided("return torch.where((x > 0) == (p > 0), p, 0)"))
answers.wrong("guided_relu", guided("return torch.where(torch.logical_and(x, p), p, 0)"))
answers.wrong("guided_relu", guided("return torch.where((x > 0) & (x < 6) & (p > 0), p, 0)"))
answers.wrong("guided_relu", guided("return torch.where((x > 1e-3) & (p > 0), p, 0)"))
answers.wrong("guided_relu", guided("return torch.where((x > 0) & (p > 1e-3), p, 0)"))
answers.wrong("guided_relu", guided("return torch.where((x > 0) & (p > 0), p, x)"))
answers.wrong("guided_relu", guided("return p[(x > 0) & (p > 0)]"))
answers.wrong("guided_relu", guided("p *= x > 0; return p.clamp(min=0)"), says="in place")
answers.wrong("guided_relu", guided("torch.where((x > 0) & (p > 0), p, 0)"), says="`return`")
answers.wrong("guided_relu", guided("return p.clamp(min=0) * (x > 0)", "return x.clamp(min=0)"))
answers.wrong(
    "guided_relu",
    guided("return p.clamp(min=0) * (x > 0)", "ctx.save_for_backward(x); return F.relu(x)"),
    says="itself",
)
answers.wrong(
    "guided_relu",
    """
    class GuidedBackpropReLU(Function):
        @staticmethod
        def forward(ctx, x):
            GuidedBackpropReLU.x = x
            return x.clamp(min=0)

        @staticmethod
        def backward(ctx, p):
            return torch.where((GuidedBackpropReLU.x > 0) & (p > 0), p, 0)
    """,
)
answers.wrong(
    "guided_relu",
    """
    saved = []

    class GuidedBackpropReLU(Function):
        @staticmethod
        def forward(ctx, x):
            saved.append(x)
            return x.clamp(min=0)

        @staticmethod
        def backward(ctx, p):
            x = saved.pop()
            return torch.where((x > 0) & (p > 0), p, 0)
    """,
)
answers.wrong(
    "guided_relu",
    """
    class GuidedBackpropReLU(DeConvNetReLU):
        @staticmethod
        def backward(ctx, p):
            (x,) = ctx.saved_tensors
            return torch.where((x > 0) & (p > 0), p, 0)
    """,
)

# --- relu_context: right ---

answers.right(
    "relu_context",
    """
    class ReLUContext:
        def __init__(self, relu_func):
            self.relu_func = relu_func

        def __enter__(self):
            self.originals = torch.relu, torch.relu_
            torch.relu = torch.relu_ = self.relu_func.apply

        def __exit__(self, *exception):
            torch.relu, torch.relu_ = self.originals
    """,
)
answers.right(
    "relu_context",
    """
    from contextlib import ExitStack

    from course_lib.attribution.common import Patch

    class ReLUContext(ExitStack):
        def __init__(self, relu_func):
            super().__init__()
            self.relu_func = relu_func

        def __enter__(self):
            for name in ("torch.relu", "torch.relu_"):
                self.enter_context(Patch(name, self.relu_func.apply))
            return super().__enter__()
    """,
)
answers.right(
    "relu_context",
    """
    from unittest.mock import patch

    class ReLUContext:
        def __init__(self, relu_func):
            self.patches = [
                patch("torch.relu", relu_func.apply), patch("torch.relu_", relu_func.apply)
            ]

        def __enter__(self):
            for p in self.patches:
                p.start()
            return self

        def __exit__(self, kind, error, traceback):
            for p in reversed(self.patches):
                p.stop()
            return False
    """,
)
answers.right(
    "relu_context",
    """
    from course_lib.attribution.common import Patch

    class ReLUContext:
        def __init__(self, relu_func):
            self.relu_func = relu_func
            self.patches = []

        def __enter__(self):
            def replacement(x):
                return self.relu_func.apply(x)
            self.patches.append(Patch("torch.relu_", replacement))
            self.patches.append(Patch("torch.relu", replacement))

        def __exit__(self, kind, error, traceback):
            while self.patches:
                self.patches.pop().remove()
            if error is not None:
                raise error
    """,
)
answers.right(
    "relu_context",
    """
    class ReLUContext:
        def __init__(self, relu_func):
            self.relu_func = relu_func

        def __enter__(self):
            self.before = {name: getattr(torch, name) for name in ("relu", "relu_")}
            torch.relu = lambda x: self.relu_func.apply(x)
            torch.relu_ = lambda x: x.copy_(self.relu_func.apply(x.clone()))
            return self

        def __exit__(self, kind, error, traceback):
            for name, function in self.before.items():
                setattr(torch, name, function)
    """,
)

# --- relu_context: wrong ---

CONTEXT = """
from course_lib.attribution.common import Patch

class ReLUContext:
    def __init__(self, relu_func):
        self.relu_func = relu_func

    def __enter__(self):
        {enter}
        return self

    def __exit__(self, kind, error, traceback):
        {exit}
"""
PATCHED = (
    "self.patches = [Patch('torch.relu', self.relu_func.apply), "
    "Patch('torch.relu_', self.relu_func.apply)]"
)
REMOVED = "[p.remove() for p in self.patches]"


def context(enter: str = PATCHED, exit: str = REMOVED) -> str:
    """The class with these bodies, of one line each."""
    return CONTEXT.format(enter=enter, exit=exit)


answers.wrong(
    "relu_context",
    context(PATCHED.replace("self.relu_func.apply", "self.relu_func")),
    says="`apply`",
)
answers.wrong("relu_context", context(PATCHED.replace(".apply", ".forward")))
answers.wrong("relu_context", context(PATCHED.replace("'torch.relu'", "'F.relu'")), says="torch.")
answers.wrong(
    "relu_context", context(PATCHED.replace("'torch.relu'", "'torch.nn.functional.relu'"))
)
answers.wrong(
    "relu_context", context(PATCHED.replace("'torch.relu_'", "'torch.nn.functional.relu_'"))
)
answers.wrong("relu_context", context(PATCHED.replace("'torch.relu'", "'torch.Tensor.relu'")))
answers.wrong("relu_context", context(exit=f"{REMOVED}; return self"))
answers.wrong(
    "relu_context",
    context(exit=f"if kind is None or issubclass(kind, Exception): {REMOVED}"),
    says="KeyboardInterrupt",
)
answers.wrong("relu_context", context(exit="if error is None: " + REMOVED))
answers.wrong("relu_context", context(exit="self.patches.pop().remove()"))
answers.wrong("relu_context", context(exit="del torch.relu, torch.relu_"))
answers.wrong("relu_context", context("torch.relu = torch.relu_ = self.relu_func.apply", "pass"))
answers.wrong(
    "relu_context",
    context(
        "self.old = torch.relu; torch.relu = torch.relu_ = self.relu_func.apply",
        "torch.relu = torch.relu_ = self.old",
    ),
)
answers.wrong(
    "relu_context",
    context(
        "global old; old = torch.relu, torch.relu_; torch.relu = torch.relu_ = self.relu_func.apply",
        "torch.relu, torch.relu_ = old",
    ),
)
answers.wrong(
    "relu_context",
    context(
        "torch.relu = torch.relu_ = self.relu_func.apply",
        "torch.relu, torch.relu_ = torch._C._VariableFunctions.relu, torch._C._VariableFunctions.relu_",
    ),
)
answers.wrong(
    "relu_context",
    """
    class ReLUContext:
        def __init__(self, relu_func):
            self.relu_func = relu_func
            self.old = torch.relu, torch.relu_

        def __enter__(self):
            torch.relu = torch.relu_ = self.relu_func.apply

        def __exit__(self, *exception):
            torch.relu, torch.relu_ = self.old
    """,
)
answers.wrong(
    "relu_context",
    """
    from course_lib.attribution.common import Patch

    class ReLUContext:
        patches = []

        def __init__(self, relu_func):
            self.relu_func = relu_func

        def __enter__(self):
            self.patches.append(Patch("torch.relu", self.relu_func.apply))
            self.patches.append(Patch("torch.relu_", self.relu_func.apply))

        def __exit__(self, *exception):
            for patch in self.patches:
                patch.remove()
    """,
)
answers.wrong(
    "relu_context",
    """
    from course_lib.attribution.common import Patch

    class ReLUContext:
        def __init__(self, relu_func):
            self.relu_func = relu_func

        def __enter__(self):
            Patch("torch.relu", self.relu_func.apply)
            Patch("torch.relu_", self.relu_func.apply)

        def __exit__(self):
            pass
    """,
    says="four",
)
answers.wrong(
    "relu_context",
    """
    from contextlib import contextmanager

    from course_lib.attribution.common import Patch

    @contextmanager
    def ReLUContext(relu_func):
        with Patch("torch.relu", relu_func.apply), Patch("torch.relu_", relu_func.apply):
            yield
    """,
    says="a class",
)

# --- map_correlation: right ---

answers.right(
    "map_correlation",
    """
    def map_correlation(a, b, where):
        r = []
        for one, other, counts in zip(a, b, where):
            rows = torch.stack([one[counts > 0], other[counts > 0]])
            r.append(torch.corrcoef(rows)[0, 1].item())
        return torch.tensor(r)
    """,
)
answers.right(
    "map_correlation",
    """
    def map_correlation(a, b, where):
        n = where.sum((1, 2))
        mean = lambda m: (m * where).sum((1, 2)) / n
        covariance = mean(a * b) - mean(a) * mean(b)
        return covariance / ((mean(a * a) - mean(a) ** 2) * (mean(b * b) - mean(b) ** 2)).sqrt()
    """,
)
answers.right(
    "map_correlation",
    """
    def map_correlation(a, b, where):
        def centred(m):
            m = (m * where).flatten(1)
            w = where.flatten(1)
            return (m - m.sum(1, keepdim=True) / w.sum(1, keepdim=True)) * w
        return F.cosine_similarity(centred(a), centred(b), dim=1, eps=1e-12).clamp(-1, 1)
    """,
)
answers.right(
    "map_correlation",
    """
    def map_correlation(a, b, where):
        out = torch.zeros(len(a))
        for n in range(len(a)):
            inside = where[n].bool()
            p, q = a[n][inside], b[n][inside]
            p, q = p - p.mean(), q - q.mean()
            out[n] = (p @ q) / (p.norm() * q.norm())
        return out
    """,
)
answers.right(
    "map_correlation",
    """
    import numpy as np

    def map_correlation(a, b, where):
        rows = [
            np.corrcoef(a[n][where[n] == 1].numpy(), b[n][where[n] == 1].numpy())[0, 1]
            for n in range(a.shape[0])
        ]
        return torch.from_numpy(np.array(rows)).to(a.dtype)
    """,
)
answers.right(
    "map_correlation",
    """
    def map_correlation(a, b, where):
        w = where / where.sum((1, 2), keepdim=True)
        a = a - (w * a).sum((1, 2), keepdim=True)
        b = b - (w * b).sum((1, 2), keepdim=True)
        top = torch.einsum("nhw,nhw,nhw->n", w, a, b)
        return top / (torch.einsum("nhw,nhw->n", w, a ** 2) * torch.einsum("nhw,nhw->n", w, b ** 2)) ** 0.5
    """,
)

# --- map_correlation: wrong ---

CORRELATION = """
def map_correlation(a, b, where):
    a, b, where = a.flatten(1), b.flatten(1), where.flatten(1)
    count = where.sum(1, keepdim=True)
    a = (a - (a * where).sum(1, keepdim=True) / count) * where
    b = (b - (b * where).sum(1, keepdim=True) / count) * where
    return {result}
"""


def correlation(result: str) -> str:
    """A function that goes wrong in its last line."""
    return CORRELATION.format(result=result)


answers.wrong(
    "map_correlation", correlation("((a * b).sum(1) / (a.norm(dim=1) * b.norm(dim=1))).abs()")
)
answers.wrong(
    "map_correlation", correlation("((a * b).sum(1) / (a.norm(dim=1) * b.norm(dim=1))) ** 2")
)
answers.wrong("map_correlation", correlation("(a * b).sum(1) / (a.norm(dim=1) + b.norm(dim=1))"))
answers.wrong("map_correlation", correlation("(a * b).sum(1) / (a.norm() * b.norm())"))
answers.wrong("map_correlation", correlation("(a * b).mean(1) / (a.std(1) * b.std(1))"))
answers.wrong(
    "map_correlation",
    correlation("((a * b).sum(1) / (a.norm(dim=1) * b.norm(dim=1))).clamp(min=0)"),
)
answers.wrong(
    "map_correlation",
    correlation(
        "(a * b).sum(1, keepdim=True) / (a.norm(dim=1, keepdim=True) * b.norm(dim=1, keepdim=True))"
    ),
)
answers.wrong(
    "map_correlation", correlation("((a * b).sum(1) / (a.norm(dim=1) * b.norm(dim=1))).squeeze()")
)
answers.wrong(
    "map_correlation", correlation("((a * b).sum(1) / (a.norm(dim=1) * b.norm(dim=1))).tolist()")
)
answers.wrong(
    "map_correlation", correlation("(a * b).sum(1) / (a.norm(dim=1) * b.norm(dim=1) + 1e-2)")
)
answers.wrong(
    "map_correlation",
    """
    def map_correlation(a, b, where):
        a, b, where = a.flatten(1), b.flatten(1), where.flatten(1)
        a -= (a * where).sum(1, keepdim=True) / where.sum(1, keepdim=True)
        b -= (b * where).sum(1, keepdim=True) / where.sum(1, keepdim=True)
        a *= where
        b *= where
        return (a * b).sum(1) / (a.norm(dim=1) * b.norm(dim=1))
    """,
    says="in place",
)
answers.wrong(
    "map_correlation",
    """
    def map_correlation(a, b, where):
        a = a.abs().flatten(1)
        b = b.abs().flatten(1)
        w = where.flatten(1)
        a = (a - (a * w).sum(1, keepdim=True) / w.sum(1, keepdim=True)) * w
        b = (b - (b * w).sum(1, keepdim=True) / w.sum(1, keepdim=True)) * w
        return (a * b).sum(1) / (a.norm(dim=1) * b.norm(dim=1))
    """,
)
answers.wrong(
    "map_correlation",
    """
    def map_correlation(a, b, where):
        r = torch.zeros(4)
        for n in range(4):
            p, q = a[n][where[n] > 0], b[n][where[n] > 0]
            p, q = p - p.mean(), q - q.mean()
            r[n] = (p * q).sum() / (p.norm() * q.norm())
        return r
    """,
)
answers.wrong(
    "map_correlation",
    """
    def map_correlation(a, b, where):
        a, b, where = a.view(-1, 35), b.view(-1, 35), where.view(-1, 35)
        a = (a - (a * where).sum(1, keepdim=True) / where.sum(1, keepdim=True)) * where
        b = (b - (b * where).sum(1, keepdim=True) / where.sum(1, keepdim=True)) * where
        return (a * b).sum(1) / (a.norm(dim=1) * b.norm(dim=1))
    """,
)
answers.wrong(
    "map_correlation",
    """
    def map_correlation(a, b, where):
        a, b = a[where > 0], b[where > 0]
        a, b = a - a.mean(), b - b.mean()
        return (a * b).sum() / (a.norm() * b.norm())
    """,
)
answers.wrong(
    "map_correlation",
    """
    def map_correlation(a, b, where):
        a, b, where = a.flatten(1), b.flatten(1), where.flatten(1)
        a = (a - (a * where).sum(1) / where.sum(1)) * where
        b = (b - (b * where).sum(1) / where.sum(1)) * where
        return (a * b).sum(1) / (a.norm(dim=1) * b.norm(dim=1))
    """,
)
answers.wrong(
    "map_correlation",
    """
    def map_correlation(a, b, where):
        a, b, where = a.flatten(1), b.flatten(1), where.flatten(1)
        a = (a - a.mean(1, keepdim=True)) * where
        b = (b - b.mean(1, keepdim=True)) * where
        (a * b).sum(1) / (a.norm(dim=1) * b.norm(dim=1))
    """,
    says="`return`",
)
answers.wrong(
    "map_correlation",
    """
    def map_correlation(a, b, where):
        a, b, where = a.flatten(1), b.flatten(1), where.flatten(1)
        ranks = lambda m: m.argsort(1).argsort(1).to(m)
        a, b = ranks(a), ranks(b)
        a = (a - (a * where).sum(1, keepdim=True) / where.sum(1, keepdim=True)) * where
        b = (b - (b * where).sum(1, keepdim=True) / where.sum(1, keepdim=True)) * where
        return (a * b).sum(1) / (a.norm(dim=1) * b.norm(dim=1))
    """,
)

# --- guided_map: right ---

RULES = "from course_lib.attribution.common import BackwardRules\n"


def guided_map(body: str) -> str:
    """The function with this body, indented by four spaces."""
    return f"{RULES}\ndef guided_map(model, x, target):\n{body}"


answers.right(
    "guided_map",
    guided_map("""\
    x = x.clone().requires_grad_(True)
    with BackwardRules({torch.relu: GuidedBackpropReLU}):
        y = model(x)
        y[:, target].sum().backward(inputs=[x])
    return x.grad.abs().max(dim=1, keepdim=True).values
"""),
)
answers.right(
    "guided_map",
    guided_map("""\
    maps = []
    for image in x:
        leaf = image[None].clone().requires_grad_()
        with BackwardRules({torch.Tensor.relu: GuidedBackpropReLU}):
            score = model(leaf)[0, target]
        g = torch.autograd.grad(score, leaf)[0]
        maps.append(torch.maximum(g, -g).amax(1, keepdim=True))
    return torch.cat(maps)
"""),
)
answers.right(
    "guided_map",
    guided_map("""\
    import copy
    twin = copy.deepcopy(model)
    leaf = x.detach().requires_grad_()
    with BackwardRules({F.relu: GuidedBackpropReLU}):
        scores = twin(leaf)
    scores.backward(F.one_hot(torch.tensor([target] * len(x)), scores.shape[1]).to(scores))
    return leaf.grad.abs().amax(dim=1).unsqueeze(1)
"""),
)
answers.right(
    "guided_map",
    guided_map(
        """\
    kept = [p.grad for p in model.parameters()]
    leaf = torch.tensor(x.tolist(), dtype=x.dtype, requires_grad=True)
    with BackwardRules({F.relu: GuidedBackpropReLU}):
        model(leaf)[:, target].sum().backward()
    for p, grad in zip(model.parameters(), kept):
        p.grad = grad
    return leaf.grad.abs().amax(1, keepdim=True).float()
""".replace("kept = [p.grad for", "kept = [None if p.grad is None else p.grad.clone() for")
    ),
)
answers.right(
    "guided_map",
    """
    from course_lib.attribution.guided_backprop import guided_backprop

    def guided_map(model, x, target):
        return guided_backprop(model, x, target)
    """,
)

# --- guided_map: wrong ---

answers.wrong(
    "guided_map",
    guided_map("""\
    leaf = x.clone().requires_grad_()
    with BackwardRules({F.relu: GuidedBackpropReLU}):
        model(leaf)[:, target].sum().backward()
    model.zero_grad()
    return leaf.grad.abs().amax(1, keepdim=True)
"""),
)
answers.wrong(
    "guided_map",
    guided_map("""\
    model.eval()
    leaf = x.clone().requires_grad_()
    with BackwardRules({F.relu: GuidedBackpropReLU}):
        score = model(leaf)[:, target].sum()
    return torch.autograd.grad(score, leaf)[0].abs().amax(1, keepdim=True)
"""),
    says="training mode",
)
answers.wrong(
    "guided_map",
    guided_map("""\
    for p in model.parameters():
        p.requires_grad_(False)
    leaf = x.clone().requires_grad_()
    with BackwardRules({F.relu: GuidedBackpropReLU}):
        score = model(leaf)[:, target].sum()
    (g,) = torch.autograd.grad(score, leaf)
    for p in model.parameters():
        p.requires_grad_(True)
    return g.abs().amax(1, keepdim=True)
"""),
)
answers.wrong(
    "guided_map",
    guided_map("""\
    x.requires_grad_()
    with BackwardRules({F.relu: GuidedBackpropReLU}):
        score = model(x)[:, target].sum()
    score.backward()
    s = x.grad.abs().amax(1, keepdim=True)
    x.requires_grad_(False)
    return s
"""),
)
answers.wrong(
    "guided_map",
    guided_map("""\
    x.requires_grad_()
    with BackwardRules({F.relu: GuidedBackpropReLU}):
        score = model(x)[:, target].sum()
    score.backward(inputs=[x])
    x.requires_grad_(False)
    return x.grad.abs().amax(1, keepdim=True)
"""),
)
answers.wrong(
    "guided_map",
    guided_map("""\
    leaf = x.clone().requires_grad_()
    with BackwardRules({F.relu: GuidedBackpropReLU}):
        score = model(leaf)[0, target]
    return torch.autograd.grad(score, leaf)[0].abs().amax(1, keepdim=True)
"""),
)
answers.wrong(
    "guided_map",
    guided_map("""\
    leaf = x.clone().requires_grad_()
    with BackwardRules({F.relu: GuidedBackpropReLU}):
        score = model(leaf)[:, target].mean()
    return torch.autograd.grad(score, leaf)[0].abs().amax(1, keepdim=True)
"""),
)
answers.wrong(
    "guided_map",
    guided_map("""\
    leaf = x.clone().requires_grad_()
    with BackwardRules({F.relu: GuidedBackpropReLU}):
        score = model(leaf)[:, target].sum()
    return torch.autograd.grad(score, leaf)[0].abs().max(1, keepdim=True)
"""),
)
answers.wrong(
    "guided_map",
    guided_map("""\
    leaf = x.clone().requires_grad_()
    with BackwardRules({F.relu: GuidedBackpropReLU}):
        score = model(leaf)[:, target].sum()
    s = torch.autograd.grad(score, leaf)[0].abs().amax(1, keepdim=True)
    return s / s.amax()
"""),
)
answers.wrong(
    "guided_map",
    guided_map("""\
    leaf = x.clone().requires_grad_()
    scores = model(leaf)
    with BackwardRules({F.relu: GuidedBackpropReLU}):
        (g,) = torch.autograd.grad(scores[:, target].sum(), leaf)
    return g.abs().amax(1, keepdim=True)
"""),
)
answers.wrong(
    "guided_map",
    guided_map("""\
    leaf = x.clone().requires_grad_()
    with BackwardRules({F.relu: GuidedBackpropReLU.apply}):
        score = model(leaf)[:, target].sum()
    return torch.autograd.grad(score, leaf)[0].abs().amax(1, keepdim=True)
"""),
    says="without `.apply`",
)
answers.wrong(
    "guided_map",
    guided_map("""\
    leaf = x.clone().requires_grad_()
    with BackwardRules({nn.ReLU: GuidedBackpropReLU}):
        score = model(leaf)[:, target].sum()
    return torch.autograd.grad(score, leaf)[0].abs().amax(1, keepdim=True)
"""),
)
answers.wrong(
    "guided_map",
    guided_map("""\
    leaf = x.clone().requires_grad_()
    with BackwardRules({F.relu: GuidedBackpropReLU}):
        score = model(leaf).softmax(1)[:, target].sum()
    return torch.autograd.grad(score, leaf)[0].abs().amax(1, keepdim=True)
"""),
)
answers.wrong(
    "guided_map",
    guided_map("""\
    with BackwardRules({F.relu: GuidedBackpropReLU}):
        score = model(x)[:, target].sum()
    return torch.autograd.grad(score, x)[0].abs().amax(1, keepdim=True)
"""),
)
answers.wrong(
    "guided_map",
    """
    def guided_map(model, x, target):
        leaf = x.clone().requires_grad_()
        handles = [
            m.register_full_backward_hook(lambda m, g_in, g_out: (g_in[0].clamp(min=0),))
            for m in model.modules() if isinstance(m, nn.ReLU)
        ]
        score = model(leaf)[:, target].sum()
        (g,) = torch.autograd.grad(score, leaf)
        for handle in handles:
            handle.remove()
        return g.abs().amax(1, keepdim=True)
    """,
)
answers.wrong(
    "guided_map",
    """
    def guided_map(model, x, target):
        leaf = x.clone().requires_grad_()
        old = torch.relu, torch.relu_, torch.Tensor.relu
        torch.relu = torch.relu_ = torch.Tensor.relu = GuidedBackpropReLU.apply
        score = model(leaf)[:, target].sum()
        torch.relu, torch.relu_, torch.Tensor.relu = old
        return torch.autograd.grad(score, leaf)[0].abs().amax(1, keepdim=True)
    """,
)


# --- ten later answers: deconvnet_relu ---

answers.right(
    "deconvnet_relu", deconvnet("return F.threshold(p, 0, 0)", "return F.threshold(x, 0, 0)")
)
answers.right("deconvnet_relu", deconvnet("return p - p.clamp(max=0)", "return x - x.clamp(max=0)"))
answers.right(
    "deconvnet_relu",
    deconvnet("return 0.5 * (p + p.abs())", "ctx.set_materialize_grads(True); return x.relu()"),
)
answers.wrong("deconvnet_relu", deconvnet("return torch.where(p > 0, 1.0, 0.0) * p.abs().sqrt()"))
answers.wrong("deconvnet_relu", deconvnet("return F.relu6(p)"))
answers.wrong("deconvnet_relu", deconvnet("return p.clamp(min=0)", "return x[x > 0]"))
answers.wrong("deconvnet_relu", deconvnet("return p.clamp(min=0) / p.abs().max()"))
answers.wrong("deconvnet_relu", deconvnet("return torch.where(p > 0, p, 0.01 * p)"))
answers.wrong("deconvnet_relu", deconvnet("return p.clamp(min=0)", "x[x < 0] = 0; return x"))
answers.wrong("deconvnet_relu", deconvnet("p.clamp_(min=0); return p.clone()"))

# --- guided_relu ---

answers.right("guided_relu", guided("return torch.where(x > 0, p, 0).clamp(min=0)"))
answers.right("guided_relu", guided("return p.masked_fill(~((x > 0) & (p > 0)), 0)"))
answers.right(
    "guided_relu", guided("return torch.stack([x.sign(), p.sign()]).amin(0).clamp(min=0) * p")
)
answers.wrong("guided_relu", guided("return torch.where(x + p > 0, p, 0)"))
answers.wrong("guided_relu", guided("return torch.where((x > 0) & (p > 0), 1, 0)"))
answers.wrong("guided_relu", guided("return torch.where((x > 0) & (p < 0), p, 0)"))
answers.wrong("guided_relu", guided("return torch.where((x > 0) & (p > 0), p, 0), x"))
answers.wrong("guided_relu", guided("p.masked_fill_(x <= 0, 0); return p.clamp(min=0)"))
answers.wrong("guided_relu", guided("return p.clamp(min=0) * x.clamp(0, 1)"))
answers.wrong(
    "guided_relu",
    guided(
        "return torch.where((x > 0) & (p > 0), p, 0)",
        "ctx.save_for_backward(x); x.clamp_(min=0); return x",
    ),
)

# --- relu_context ---

answers.right(
    "relu_context",
    context(
        "self.stack = [(n, getattr(torch, n)) for n in ('relu', 'relu_')]; [setattr(torch, n, self.relu_func.apply) for n, _ in self.stack]",
        "[setattr(torch, n, f) for n, f in self.stack]",
    ),
)
answers.right(
    "relu_context",
    context(
        "self.a = Patch('torch.relu', self.relu_func.apply).__enter__(); self.b = Patch('torch.relu_', self.relu_func.apply).__enter__()",
        "self.b.__exit__(kind, error, traceback); self.a.__exit__(kind, error, traceback)",
    ),
)
answers.right(
    "relu_context",
    context(
        "apply = self.relu_func.apply; self.patches = {n: Patch(n, lambda x, f=apply: f(x)) for n in ('torch.relu', 'torch.relu_')}",
        "[self.patches[n].remove() for n in self.patches]; return None",
    ),
)
answers.wrong(
    "relu_context",
    context(
        "self.patches = [Patch('torch.relu', self.relu_func.apply), Patch('torch.relu', self.relu_func.apply)]"
    ),
)
answers.wrong("relu_context", context(exit="self.patches[1].remove()"))
answers.wrong(
    "relu_context",
    context(
        exit="return self.patches[0].remove() or self.patches[1].remove() or not kind is KeyboardInterrupt"
    ),
)
answers.wrong(
    "relu_context", context(PATCHED.replace("self.relu_func.apply", "self.relu_func.apply(x)"))
)
answers.wrong("relu_context", context(PATCHED.replace("self.relu_func.apply", "self.relu_func()")))
answers.wrong(
    "relu_context",
    context(
        "torch.relu = self.relu_func.apply; torch.relu_ = self.relu_func.apply",
        "torch.relu = lambda x: x.clamp(min=0); torch.relu_ = lambda x: x.clamp_(min=0)",
    ),
)
answers.wrong(
    "relu_context",
    context(
        "self.old = F.relu; F.relu = lambda x, inplace=False: self.relu_func.apply(x)",
        "F.relu = self.old",
    ),
)

# --- map_correlation ---

C = """
def map_correlation(a, b, where):
    n, h, w = a.shape
    {body}
"""
answers.right(
    "map_correlation",
    C.format(
        body="""
    out = []
    for i in range(n):
        k = where[i].sum()
        ma, mb = (a[i] * where[i]).sum() / k, (b[i] * where[i]).sum() / k
        va = ((a[i] - ma) ** 2 * where[i]).sum() / k
        vb = ((b[i] - mb) ** 2 * where[i]).sum() / k
        out.append(((a[i] - ma) * (b[i] - mb) * where[i]).sum() / k / (va * vb).sqrt())
    return torch.stack(out)"""
    ),
)
answers.right(
    "map_correlation",
    C.format(
        body="""
    keep = where.reshape(n, -1).bool()
    rows = lambda m: torch.where(keep, m.reshape(n, -1), torch.nan)
    za, zb = (r - r.nanmean(1, keepdim=True) for r in (rows(a), rows(b)))
    return (za * zb).nansum(1) / ((za ** 2).nansum(1) * (zb ** 2).nansum(1)).sqrt()"""
    ),
)
answers.right(
    "map_correlation",
    C.format(
        body="""
    std = lambda m: (m - m.mean()) / m.std()
    return torch.tensor([(std(p[k > 0]) * std(q[k > 0])).sum() / (k.sum() - 1) for p, q, k in zip(a, b, where)])"""
    ),
)
answers.wrong(
    "map_correlation",
    C.format(
        body="""
    std = lambda m: (m - m.mean()) / m.std()
    return torch.stack([(std(p[k > 0]) * std(q[k > 0])).mean() for p, q, k in zip(a, b, where)])"""
    ),
)
answers.wrong(
    "map_correlation",
    C.format(
        body="""
    a, b = a * where, b * where
    return torch.stack([torch.corrcoef(torch.stack([p.flatten(), q.flatten()]))[0, 1] for p, q in zip(a, b)])"""
    ),
)
answers.wrong(
    "map_correlation",
    C.format(
        body="""
    keep = where[0] > 0
    return torch.stack([torch.corrcoef(torch.stack([p[keep], q[keep]]))[0, 1] for p, q in zip(a, b)])"""
    ),
)
answers.wrong(
    "map_correlation",
    C.format(
        body="""
    return torch.stack([torch.corrcoef(torch.stack([p[k > 0], q[k > 0]])) for p, q, k in zip(a, b, where)])"""
    ),
)
answers.wrong(
    "map_correlation",
    C.format(
        body="""
    return 1 - ((a - b) ** 2 * where).sum((1, 2)) / (a ** 2 * where).sum((1, 2))"""
    ),
)
answers.wrong(
    "map_correlation",
    C.format(
        body="""
    m = lambda t: (t * where).sum((1, 2), keepdim=True) / where.sum((1, 2), keepdim=True)
    a, b = (a - m(a)) * where, (b - m(b)) * where
    return (a * b).sum((1, 2)) / (a.norm(dim=1) * b.norm(dim=1)).sum(1)"""
    ),
)
answers.wrong(
    "map_correlation",
    C.format(
        body="""
    where /= where.sum((1, 2), keepdim=True)
    a = a - (a * where).sum((1, 2), keepdim=True)
    b = b - (b * where).sum((1, 2), keepdim=True)
    return (a * b * where).sum((1, 2)) / ((a * a * where).sum((1, 2)) * (b * b * where).sum((1, 2))).sqrt()"""
    ),
)

# --- guided_map ---

G = """
from course_lib.attribution.common import BackwardRules

def guided_map(model, x, target):
    leaf = x.detach().clone().requires_grad_()
    {run}
    return {result}
"""
RUN = "with BackwardRules({F.relu: GuidedBackpropReLU}): y = model(leaf)"
answers.right(
    "guided_map",
    G.format(
        run=RUN,
        result="torch.autograd.grad(y[:, target].sum(), leaf)[0].abs().max(1)[0][:, None].detach()",
    ),
)
answers.right(
    "guided_map",
    G.format(
        run="rules = BackwardRules({F.relu: lambda f, a, k: GuidedBackpropReLU.apply(a[0])})\n    with rules: y = model(leaf)",
        result="torch.autograd.grad(y.select(1, target).sum(), leaf)[0].abs().amax(-3, keepdim=True)",
    ),
)
answers.right(
    "guided_map",
    G.format(
        run="with BackwardRules({torch.relu_: GuidedBackpropReLU}): g = torch.autograd.grad(model(leaf).sum(0)[target], leaf)[0]",
        result="torch.cat([g, -g], 1).amax(1, keepdim=True)",
    ),
)
answers.wrong(
    "guided_map",
    G.format(
        run=RUN, result="torch.autograd.grad(y[:, target].sum(), leaf)[0].abs().amax(1)[None]"
    ),
)
answers.wrong(
    "guided_map",
    G.format(
        run=RUN, result="torch.autograd.grad(y[:, target].sum(), leaf)[0].norm(dim=1, keepdim=True)"
    ),
)
answers.wrong(
    "guided_map",
    G.format(
        run=RUN,
        result="torch.autograd.grad(y[:, target].sum(), leaf)[0].clamp(min=0).amax(1, keepdim=True)",
    ),
)
answers.wrong(
    "guided_map",
    G.format(
        run=RUN, result="torch.autograd.grad(y.amax(1).sum(), leaf)[0].abs().amax(1, keepdim=True)"
    ),
)
answers.wrong(
    "guided_map",
    G.format(
        run="model.requires_grad_(False)\n    " + RUN,
        result="torch.autograd.grad(y[:, target].sum(), leaf)[0].abs().amax(1, keepdim=True)",
    ),
)
answers.wrong(
    "guided_map",
    G.format(
        run="BackwardRules({F.relu: GuidedBackpropReLU}).__enter__()\n    y = model(leaf)",
        result="torch.autograd.grad(y[:, target].sum(), leaf)[0].abs().amax(1, keepdim=True)",
    ),
)
answers.wrong(
    "guided_map",
    G.format(
        run=RUN,
        result="(leaf * torch.autograd.grad(y[:, target].sum(), leaf)[0]).abs().amax(1, keepdim=True)",
    ),
)
answers.wrong(
    "relu_context",
    context(
        "self.patch = Patch('torch.relu', self.relu_func.apply); self.old = F.relu; "
        "F.relu = lambda x, inplace=False: self.relu_func.apply(x)",
        "self.patch.remove(); F.relu = self.old",
    ),
    says="torch.relu_",
)
