"""Answers of lesson 05 that no exercise lists."""

from __future__ import annotations

from course_lib.exercises.engine.answers import Answers

answers = Answers()

# --- excitation_by_hand

answers.right(
    "excitation_by_hand",
    """
    def excitation_by_hand(x, W, p):
        out = torch.zeros(len(x))
        for i in range(W.shape[0]):
            parts = [W[i, j].item() * x[j].item() if W[i, j] > 0 else 0.0 for j in range(len(x))]
            z = sum(parts)
            for j in range(len(x)):
                if z > 0:
                    out[j] += p[i].item() * parts[j] / z
        return out
    """,
)
answers.right(
    "excitation_by_hand",
    """
    def excitation_by_hand(x, W, p):
        parts = F.relu(W) * x[None]
        z = parts.sum(1, keepdim=True)
        z[z == 0] = 1
        return (parts / z * p[:, None]).sum(0)
    """,
)
answers.right(
    "excitation_by_hand",
    """
    def excitation_by_hand(x, W, p):
        def excitation(row):
            return sum(max(w, 0) * a for w, a in zip(row, x))

        return torch.tensor([
            sum(
                (max(W[i][j], 0) * x[j] / (excitation(W[i]) + 1e-9) * p[i]).item()
                for i in range(len(p))
            )
            for j in range(len(x))
        ])
    """,
)
answers.right(
    "excitation_by_hand",
    """
    def excitation_by_hand(x, W, p):
        above = W * (W > 0)
        z = above @ x
        q = p / z
        q[z == 0] = 0
        return (above.T @ q) * x
    """,
)
answers.right(
    "excitation_by_hand",
    """
    def excitation_by_hand(x, W, p):
        x, W, p = x.double(), W.double(), p.double()
        result = 0 * x
        for row, relevance in zip(W, p):
            excitation = torch.where(row > 0, row * x, 0)
            if excitation.any():
                result += excitation / excitation.sum() * relevance
        return result
    """,
)
answers.right(
    "excitation_by_hand",
    """
    def excitation_by_hand(x, W, p):
        shares = torch.zeros_like(x)
        for i in range(len(p)):
            z = 1e-6
            for j in range(len(x)):
                z += max(W[i, j], 0) * x[j]
            for j in range(len(x)):
                shares[j] += max(W[i, j], 0) * x[j] / z * p[i]
        return shares
    """,
)
answers.wrong(
    "excitation_by_hand",
    """
    def excitation_by_hand(x, W, p):
        shares = torch.zeros_like(x)
        for i in range(len(p)):
            z = sum(max(W[i, j], 0) * x[j] for j in range(len(x)))
            if z == 0:
                continue
            for j in range(len(x)):
                shares[j] += max(W[i, j], 0) * x[j] / z * p[i]
    """,
    says="Is a `return` missing?",
)
answers.wrong(
    "excitation_by_hand",
    """
    def excitation_by_hand(x, W, p):
        shares = torch.zeros_like(x)
        for i in range(len(p)):
            z = sum(max(W[i, j], 0) * x[j] for j in range(len(x)))
            if z == 0:
                continue
            for j in range(len(x)):
                shares[j] += max(W[i, j], 0) * x[j] / z * p[i]
            return shares
    """,
)
answers.wrong(
    "excitation_by_hand",
    """
    def excitation_by_hand(x, W, p):
        above = W.clamp(min=0)
        z = (above @ x).clamp(min=1e-2)
        return x * ((p / z) @ above)
    """,
)
answers.wrong(
    "excitation_by_hand",
    """
    def excitation_by_hand(x, W, p):
        above = torch.max(W, 0)
        z = above @ x
        return x * (torch.where(z > 0, p / z, 0) @ above)
    """,
    says="clamp(min=0)",
)
answers.wrong(
    "excitation_by_hand",
    """
    def excitation_by_hand(x, W, p):
        above = max(W, 0)
        z = above @ x
        return x * (torch.where(z > 0, p / z, 0) @ above)
    """,
    says="`max`",
)
answers.wrong(
    "excitation_by_hand",
    """
    def excitation_by_hand(x, W, p):
        above = W.clamp(min=0)
        z = above @ x
        if z == 0:
            return torch.zeros_like(x)
        return x * ((p / z) @ above)
    """,
    says="want a single yes or no",
)
answers.wrong(
    "excitation_by_hand",
    """
    def excitation_by_hand(x, W, p):
        shares = torch.zeros_like(x)
        for i in range(len(p)):
            z = sum(max(W[i, j], 0) * x[j] for j in range(len(x)))
            if z == 0:
                for j in range(len(x)):
                    shares[j] += p[i] / len(x)
                continue
            for j in range(len(x)):
                shares[j] += max(W[i, j], 0) * x[j] / z * p[i]
        return shares
    """,
)
answers.wrong(
    "excitation_by_hand",
    """
    def excitation_by_hand(x, W, p):
        shares = torch.zeros(3)
        for i in range(3):
            z = sum(max(W[i, j], 0) * x[j] for j in range(3))
            if z == 0:
                continue
            for j in range(3):
                shares[j] += max(W[i, j], 0) * x[j] / z * p[i]
        return shares
    """,
)
answers.wrong(
    "excitation_by_hand",
    """
    def excitation_by_hand(x, W, p):
        above = W.clamp(min=0)
        z = above @ x
        q = torch.where((z > 0) & (p > 0), p / z, 0)
        return x * (q @ above)
    """,
)
answers.wrong(
    "excitation_by_hand",
    """
    def excitation_by_hand(x, W, p):
        W = W.clamp_(min=0)
        z = W @ x
        return x * (torch.where(z > 0, p / z, 0) @ W)
    """,
    says="in place",
)
answers.wrong(
    "excitation_by_hand",
    """
    def excitation_by_hand(x, W, p):
        shares = torch.zeros_like(x)
        for i in range(len(p)):
            z = sum(W[i, j] * x[j] for j in range(len(x)) if W[i, j] > 0)
            if z == 0:
                continue
            for j in range(len(x)):
                shares[j] += W[i, j] * x[j] / z * p[i]
        return shares
    """,
)
answers.wrong(
    "excitation_by_hand",
    """
    def excitation_by_hand(x, W, p):
        above = W.clamp(min=0)
        z = (above @ x).squeeze()
        q = torch.where(z > 0, p.squeeze() / z, 0)
        return x * (above.squeeze().T @ q)
    """,
)
answers.wrong(
    "excitation_by_hand",
    """
    def excitation_by_hand(x, W, p):
        shares = [0] * len(x)
        for i in range(len(p)):
            z = sum(max(W[i, j], 0) * x[j] for j in range(len(x)))
            if z != 0:
                for j in range(len(x)):
                    shares[j] += max(W[i, j], 0) * x[j] / z * p[i]
        return shares
    """,
)
answers.wrong(
    "excitation_by_hand",
    """
    def excitation_by_hand(x, W, p):
        shares = torch.zeros_like(x)
        for i in range(len(p)):
            z = sum(max(W[i, j], 0) * x[j] for j in range(len(x)))
            if z == 0:
                z = 1e-4
            for j in range(len(x)):
                shares[j] += max(W[i, j], 0) * x[j] / z * p[i]
        return shares / shares.sum()
    """,
)

# --- excitation_linear

answers.right(
    "excitation_linear",
    """
    class ExcitationLinear(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, weight, bias=None):
            ctx.x, ctx.above = x, F.relu(weight)
            y = x @ weight.T
            return y if bias is None else y + bias

        @staticmethod
        def backward(ctx, p):
            z = ctx.x @ ctx.above.t()
            q = p / (z + (z == 0))
            return ctx.x * torch.matmul(q, ctx.above), None, None
    """,
)
answers.right(
    "excitation_linear",
    """
    class ExcitationLinear(torch.autograd.Function):
        @staticmethod
        def forward(x, weight, bias):
            return F.linear(x, weight, bias)

        @staticmethod
        def setup_context(ctx, inputs, output):
            x, weight, bias = inputs
            ctx.save_for_backward(x, weight)

        @staticmethod
        def backward(ctx, p):
            x, weight = ctx.saved_tensors
            above = weight.clamp(min=0)
            z = F.linear(x, above)
            q = torch.where(z == 0, torch.zeros_like(z), p / z)
            return x * F.linear(q, above.T), None, None
    """,
)
answers.right(
    "excitation_linear",
    """
    class ExcitationLinear(Function):
        @staticmethod
        def forward(ctx, x, weight, bias):
            above = torch.maximum(weight, torch.zeros_like(weight))
            parts = torch.einsum("nj,ij->nij", x, above)
            total = parts.sum(2, keepdim=True)
            ctx.save_for_backward(torch.where(total > 0, parts / total, 0))
            return F.linear(x, weight, bias)

        @staticmethod
        def backward(ctx, p):
            (shares,) = ctx.saved_tensors
            return torch.einsum("ni,nij->nj", p, shares), None, None
    """,
)
answers.right(
    "excitation_linear",
    """
    class ExcitationLinear(Function):
        @staticmethod
        def forward(ctx, x, weight, bias):
            ctx.save_for_backward(x, weight)
            return F.linear(x, weight, bias)

        @staticmethod
        def backward(ctx, p):
            x, weight = ctx.saved_tensors
            rows = [excitation_by_hand(x[n], weight, p[n]) for n in range(len(x))]
            return torch.stack(rows), None, None
    """,
)
answers.right(
    "excitation_linear",
    """
    class ExcitationLinear(Function):
        @staticmethod
        def forward(ctx, x, weight, bias):
            ctx.save_for_backward(x, weight)
            return F.linear(x, weight, bias)

        @staticmethod
        def backward(ctx, p):
            x, weight = ctx.saved_tensors
            above = (weight + weight.abs()) / 2
            z = x.mm(above.T)
            q = p / z.clamp(min=1e-12)
            return q.mm(above).mul(x), None, None
    """,
)
answers.right(
    "excitation_linear",
    """
    class ExcitationLinear(Function):
        @staticmethod
        def forward(ctx, x, weight, bias):
            ctx.save_for_backward(x, weight)
            return F.linear(x, weight, bias)

        @staticmethod
        def backward(ctx, p):
            x, weight = ctx.saved_tensors
            above = weight.clamp(min=0)
            z = x @ above.T
            q = torch.nan_to_num(p / z, nan=0.0, posinf=0.0, neginf=0.0)
            return x * (q @ above), None, None
    """,
)
answers.wrong(
    "excitation_linear",
    """
    class ExcitationLinear(Function):
        @staticmethod
        def forward(ctx, x, weight, bias):
            ctx.save_for_backward(x, weight)
            return x @ weight.T + bias

        @staticmethod
        def backward(ctx, p):
            x, weight = ctx.saved_tensors
            above = weight.clamp(min=0)
            z = x @ above.T
            q = torch.where(z > 0, p / z, 0)
            return x * (q @ above), None, None
    """,
    says="may be None",
)
answers.wrong(
    "excitation_linear",
    """
    class ExcitationLinear(Function):
        @staticmethod
        def forward(ctx, x, weight, bias):
            ctx.save_for_backward(x, weight)
            return F.linear(x, weight, bias)

        @staticmethod
        def backward(ctx, p):
            x, weight = ctx.saved_tensors
            above = weight.clamp(min=0)
            z = x @ above.T
            q = torch.where(z > 0, p / z, 0)
            return x * (q @ above), p.T @ x, p.sum(0)
    """,
)
answers.wrong(
    "excitation_linear",
    """
    class ExcitationLinear(Function):
        @staticmethod
        def forward(ctx, x, weight, bias):
            ExcitationLinear.x, ExcitationLinear.weight = x, weight
            return F.linear(x, weight, bias)

        @staticmethod
        def backward(ctx, p):
            x, weight = ExcitationLinear.x, ExcitationLinear.weight
            above = weight.clamp(min=0)
            z = x @ above.T
            q = torch.where(z > 0, p / z, 0)
            return x * (q @ above), None, None
    """,
)
answers.wrong(
    "excitation_linear",
    """
    class ExcitationLinear(Function):
        @staticmethod
        def forward(ctx, x, weight, bias):
            ctx.save_for_backward(x, weight)
            return F.linear(x, weight, bias)

        @staticmethod
        def backward(ctx, p):
            x, weight = ctx.saved_tensors
            above = weight.clamp(min=0)
            z = x @ above.T
            q = (p / z.clamp(min=1e-2)).clamp(min=0)
            return x * (q @ above), None, None
    """,
)
answers.wrong(
    "excitation_linear",
    """
    class ExcitationLinear(Function):
        @staticmethod
        def forward(ctx, x, weight, bias):
            ctx.save_for_backward(x, weight)
            return F.linear(x, weight, bias)

        @staticmethod
        def backward(ctx, p):
            x, weight = ctx.saved_tensors
            above = weight.clamp(min=0)
            z = x @ above.T
            return x * ((p / (z + 1e-4)) @ above), None, None
    """,
)
answers.wrong(
    "excitation_linear",
    """
    class ExcitationLinear(Function):
        @staticmethod
        def forward(ctx, x, weight, bias):
            ctx.save_for_backward(x, weight)
            return F.linear(x, weight, bias)

        @staticmethod
        def backward(ctx, p):
            x, weight = ctx.saved_tensors
            above = weight.clamp(min=0)
            z = x @ above.T
            q = torch.where(z > 0, p / z, 0)
            x * (q @ above), None, None
    """,
    says="`return`",
)
answers.wrong(
    "excitation_linear",
    """
    class ExcitationLinear(Function):
        @staticmethod
        def forward(ctx, x, weight, bias):
            ctx.save_for_backward(x, weight)
            F.linear(x, weight, bias)

        @staticmethod
        def backward(ctx, p):
            x, weight = ctx.saved_tensors
            above = weight.clamp(min=0)
            z = x @ above.T
            q = torch.where(z > 0, p / z, 0)
            return x * (q @ above), None, None
    """,
    says="`return`",
)
answers.wrong(
    "excitation_linear",
    """
    class ExcitationLinear(Function):
        @staticmethod
        def forward(ctx, x, weight, bias):
            ctx.save_for_backward(x, weight)
            return F.linear(x, weight, bias)

        @staticmethod
        def backward(ctx, p):
            x, weight = ctx.saved_tensors
            above = weight.clamp(min=0)
            z = x @ above.T
            p[z == 0] = 0
            q = p / z
            return x * (q.nan_to_num() @ above), None, None
    """,
)
answers.wrong(
    "excitation_linear",
    """
    class ExcitationLinear(Function):
        @staticmethod
        def forward(ctx, x, weight, bias):
            ctx.save_for_backward(x, weight)
            return F.linear(x, weight, bias)

        @staticmethod
        def backward(ctx, p):
            x, weight = ctx.saved_tensors
            above = weight.clamp(min=0)
            z = x @ above.T
            if z > 0:
                q = p / z
            else:
                q = 0
            return x * (q @ above), None, None
    """,
    says="want a single yes or no",
)
answers.wrong(
    "excitation_linear",
    """
    class ExcitationLinear(Function):
        @staticmethod
        def forward(ctx, x, weight, bias):
            ctx.save_for_backward(x, weight)
            return F.linear(x, weight, bias)

        @staticmethod
        def backward(ctx, p):
            x, weight = ctx.saved_tensors
            above = weight.clamp(min=0)
            z = (x @ above.T).sum(1, keepdim=True)
            q = torch.where(z > 0, p / z, 0)
            return x * (q @ above), None, None
    """,
)
answers.wrong(
    "excitation_linear",
    """
    class ExcitationLinear(Function):
        @staticmethod
        def forward(ctx, x, weight, bias):
            ctx.save_for_backward(x, weight)
            return F.linear(x, weight, bias)

        @staticmethod
        def backward(ctx, p):
            x, weight = ctx.saved_tensors
            above = weight.clamp(min=0)
            z = x @ above.T
            q = torch.nan_to_num(p / z)
            return x * (q @ above), None, None
    """,
)
answers.wrong(
    "excitation_linear",
    """
    def ExcitationLinear(x, weight, bias):
        return F.linear(x, weight, bias)
    """,
    says="should be a class",
)
answers.wrong(
    "excitation_linear",
    """
    class ExcitationLinear(Function):
        @staticmethod
        def forward(ctx, x, weight, bias):
            ctx.save_for_backward(x, weight)
            return F.linear(x, weight, bias)

        @staticmethod
        def backward(ctx, p):
            x, weight = ctx.saved_tensors
            return torch.stack([excitation_by_hand(x[0], weight, row) for row in p]), None, None
    """,
)

# --- excitation

answers.right(
    "excitation",
    """
    class Excitation(Function):
        @staticmethod
        def forward(ctx, x, layer, positive):
            ctx.x, ctx.positive = x, positive
            return layer(x)

        @staticmethod
        def backward(ctx, p):
            z, pull = torch.func.vjp(ctx.positive, ctx.x.detach())
            q = torch.where(z > 0, p / z, torch.zeros_like(z))
            return ctx.x * pull(q)[0], None, None
    """,
)
answers.right(
    "excitation",
    """
    class Excitation(Function):
        @staticmethod
        def forward(ctx, x, layer, positive):
            ctx.save_for_backward(x)
            ctx.z_of = positive
            return layer(x)

        @staticmethod
        @torch.enable_grad()
        def backward(ctx, p):
            x = ctx.saved_tensors[0].detach().clone().requires_grad_(True)
            z = ctx.z_of(x)
            with torch.no_grad():
                q = p / (z + 1e-12)
            (pulled,) = torch.autograd.grad(z, x, grad_outputs=q)
            return (x * pulled).detach(), None, None
    """,
)
answers.right(
    "excitation",
    """
    class Excitation(Function):
        @staticmethod
        def forward(ctx, x, layer, positive):
            with torch.enable_grad():
                u = x.detach().requires_grad_()
                z = positive(u)
            ctx.u, ctx.z = u, z
            return layer(x)

        @staticmethod
        def backward(ctx, p):
            z = ctx.z.detach()
            q = torch.where(z != 0, p / z, 0.0)
            (pulled,) = torch.autograd.grad(ctx.z, ctx.u, q, retain_graph=True)
            return ctx.u.detach() * pulled, None, None
    """,
)
answers.right(
    "excitation",
    """
    class Excitation(Function):
        @staticmethod
        def forward(ctx, x, layer, positive):
            ctx.save_for_backward(x)
            ctx.functions = [layer, positive]
            return ctx.functions[0](x)

        @staticmethod
        def backward(ctx, p):
            x = ctx.saved_tensors[0]
            positive = ctx.functions[1]
            z = positive(x)
            q = torch.zeros_like(z)
            q[z > 0] = p[z > 0] / z[z > 0]
            with torch.enable_grad():
                u = x.detach().requires_grad_()
                s = (positive(u) * q).sum()
                pulled = torch.autograd.grad(s, u)[0]
            return x * pulled, None, None
    """,
)
answers.right(
    "excitation",
    """
    class Excitation(Function):
        @staticmethod
        def forward(ctx, x, layer, positive):
            ctx.save_for_backward(x)
            ctx.positive = positive
            return layer(x)

        @staticmethod
        def backward(ctx, p):
            x, = ctx.saved_tensors
            with torch.enable_grad():
                u = x.detach().requires_grad_()
                z = ctx.positive(u)
                q = (p / z).detach()
                q[z == 0] = 0
                (z * q).sum().backward()
            return x * u.grad, None, None
    """,
)


def excitation(
    body: str, forward: str = "return layer(x)", keep: str = "ctx.positive = positive"
) -> str:
    """An answer to `excitation` with another body of `backward`."""
    indented = "\n        ".join(body.strip().splitlines())
    return f"""
class Excitation(Function):
    @staticmethod
    def forward(ctx, x, layer, positive):
        ctx.save_for_backward(x)
        {keep}
        {forward}

    @staticmethod
    def backward(ctx, p):
        {indented}
"""


answers.wrong(
    "excitation",
    excitation(
        """
(x,) = ctx.saved_tensors
with torch.enable_grad():
    u = x.detach().requires_grad_()
    z = ctx.positive(u)
    q = torch.where(z > 0, p / z, 0).detach()
    (pulled,) = torch.autograd.grad((z * q).mean(), u)
return x * pulled, None, None
"""
    ),
)
answers.wrong(
    "excitation",
    excitation(
        """
(x,) = ctx.saved_tensors
with torch.enable_grad():
    u = x.detach().requires_grad_()
    z = ctx.positive(u)
    q = torch.where(z > 0, p / z, 0).detach()
    (pulled,) = torch.autograd.grad((z * q).sum(), u)
x * pulled, None, None
"""
    ),
    says="`return`",
)
answers.wrong(
    "excitation",
    excitation(
        """
(x,) = ctx.saved_tensors
with torch.enable_grad():
    u = x.detach().requires_grad_()
    z = ctx.positive(u)
    q = torch.where(z > 0, p / z, 0).detach()
    (pulled,) = torch.autograd.grad((z * q).sum(), u)
return x * pulled, None, None
""",
        forward="layer(x)",
    ),
    says="`return`",
)
answers.wrong(
    "excitation",
    excitation(
        """
(x,) = ctx.saved_tensors
with torch.enable_grad():
    u = x.detach().requires_grad_()
    z = Excitation.positive(u)
    q = torch.where(z > 0, p / z, 0).detach()
    (pulled,) = torch.autograd.grad((z * q).sum(), u)
return x * pulled, None, None
""",
        keep="Excitation.positive = positive",
    ),
)
answers.wrong(
    "excitation",
    excitation(
        """
(x,) = ctx.saved_tensors
with torch.enable_grad():
    u = x.detach().requires_grad_()
    z = ctx.positive(u)
    q = (p / z.clamp(min=1e-2)).detach()
    (pulled,) = torch.autograd.grad((z * q).sum(), u)
return x * pulled, None, None
"""
    ),
)
answers.wrong(
    "excitation",
    excitation(
        """
(x,) = ctx.saved_tensors
with torch.enable_grad():
    u = x.detach().requires_grad_()
    z = ctx.positive(u)
    q = torch.where(z > 0, p / z, 0).clamp(min=0).detach()
    (pulled,) = torch.autograd.grad((z * q).sum(), u)
return x * pulled, None, None
"""
    ),
)
answers.wrong(
    "excitation",
    excitation(
        """
(x,) = ctx.saved_tensors
with torch.enable_grad():
    u = x.detach()
    z = ctx.positive(u)
    q = torch.where(z > 0, p / z, 0).detach()
    (pulled,) = torch.autograd.grad((z * q).sum(), u)
return x * pulled, None, None
"""
    ),
    says="requires_grad_()",
)
answers.wrong(
    "excitation",
    excitation(
        """
(x,) = ctx.saved_tensors
with torch.enable_grad():
    u = x.detach().requires_grad_()
    z = ctx.positive(u)
    q = torch.where(z > 0, p / z, 0).detach()
    (pulled,) = torch.autograd.grad(z * q, u)
return x * pulled, None, None
"""
    ),
    says=".sum()",
)
answers.wrong(
    "excitation",
    excitation(
        """
(x,) = ctx.saved_tensors
with torch.enable_grad():
    u = x.detach().requires_grad_()
    z = ctx.positive(u)
    q = torch.where(z > 0, p / z, 0).detach()
    (pulled,) = torch.autograd.grad((z * q).sum(), x)
return x * pulled, None, None
"""
    ),
)
answers.wrong(
    "excitation",
    excitation(
        """
(x,) = ctx.saved_tensors
torch.set_grad_enabled(True)
u = x.detach().requires_grad_()
z = ctx.positive(u)
q = torch.where(z > 0, p / z, 0).detach()
(pulled,) = torch.autograd.grad((z * q * q).sum(), u)
return x * pulled, None, None
"""
    ),
)
answers.wrong(
    "excitation",
    excitation(
        """
(x,) = ctx.saved_tensors
with torch.enable_grad():
    u = x.detach().requires_grad_()
    z = ctx.positive(u)
    q = torch.where(z > 0, p / z, 0).detach()
    s = (z * q).sum()
    s.backward()
return x * x.grad, None, None
"""
    ),
)
answers.wrong(
    "excitation",
    excitation(
        """
(x,) = ctx.saved_tensors
with torch.enable_grad():
    u = x.detach().requires_grad_()
    z = ctx.positive(u)
    q = torch.where(z > 0, p / z, 0).detach()
    (pulled,) = torch.autograd.grad((z * q)[0].sum(), u)
return x * pulled, None, None
"""
    ),
)
answers.wrong(
    "excitation",
    excitation(
        """
(x,) = ctx.saved_tensors
with torch.enable_grad():
    u = x.detach().requires_grad_()
    z = ctx.positive(u)
    q = torch.nan_to_num(p / z).detach()
    (pulled,) = torch.autograd.grad((z * q).sum(), u)
return x * pulled, None, None
"""
    ),
)

# --- relevance_at

answers.right(
    "relevance_at",
    """
    from course_lib.attribution.common import BackwardRules, Probe

    def relevance_at(model, x, target, layer, rules):
        module = dict(model.named_modules())[layer]
        kept = []

        def hook(module, inputs, output):
            leaf = output.detach().requires_grad_()
            kept.append(leaf)
            return leaf.clone()

        handle = module.register_forward_hook(hook)
        try:
            with BackwardRules(rules):
                scores = model(x)
        finally:
            handle.remove()
        return torch.autograd.grad(scores[:, target].sum(), kept[0])[0].sum(dim=1, keepdim=True)
    """,
)
answers.right(
    "relevance_at",
    """
    from course_lib.attribution.common import BackwardRules, Probe

    def relevance_at(model, x, target, layer, rules):
        with BackwardRules(rules), Probe(model.get_submodule(layer), "output") as probe:
            y = model(x)
            start = F.one_hot(torch.full((len(x),), target), y.shape[1]).to(y)
            p = torch.autograd.grad(y, probe.data, start)[0]
        return p.sum(1)[:, None].detach()
    """,
)
answers.right(
    "relevance_at",
    """
    from course_lib.attribution.common import BackwardRules, Probe

    def relevance_at(model, x, target, layer, rules):
        module = model
        for name in layer.split("."):
            module = getattr(module, name)
        probe = Probe(module, target="output")
        with BackwardRules(rules):
            scores = model(x.clone())
        probe.remove()
        h = probe.data[0]
        p = torch.autograd.grad(scores[:, target], h, torch.ones_like(scores[:, target]))[0]
        return torch.einsum("nchw->nhw", p).unsqueeze(1)
    """,
)
answers.right(
    "relevance_at",
    """
    from course_lib.attribution.common import BackwardRules, Probe

    def relevance_at(model, x, target, layer, rules):
        maps = []
        for image in x:
            with Probe(model.get_submodule(layer), target="output") as probe:
                with BackwardRules(rules):
                    score = model(image[None])[0, target]
            (p,) = torch.autograd.grad(score, probe.data[0])
            maps.append(p.sum(1, keepdim=True))
        return torch.cat(maps)
    """,
)
answers.right(
    "relevance_at",
    """
    from course_lib.attribution.common import BackwardRules, Probe

    def relevance_at(model, x, target, layer, rules):
        with torch.enable_grad(), Probe(model.get_submodule(layer), target="output") as probe:
            with BackwardRules(rules) as context:
                scores = model(x)
        total = sum(row[target] for row in scores)
        grads = torch.autograd.grad(total, probe.data[0])
        return grads[0].mean(1, keepdim=True) * grads[0].shape[1]
    """,
)


def relevance(body: str) -> str:
    """An answer to `relevance_at`."""
    indented = "\n    ".join(body.strip().splitlines())
    return f"""
from course_lib.attribution.common import BackwardRules, Probe

def relevance_at(model, x, target, layer, rules):
    {indented}
"""


answers.wrong(
    "relevance_at",
    relevance("""
with Probe(model.get_submodule(layer), target="output") as probe, BackwardRules(rules):
    scores = model(x)
scores[:, target].sum().backward()
return probe.data[0].grad.sum(1, keepdim=True)
"""),
)
answers.wrong(
    "relevance_at",
    relevance("""
model.zero_grad()
with Probe(model.get_submodule(layer), target="output") as probe, BackwardRules(rules):
    scores = model(x)
(p,) = torch.autograd.grad(scores[:, target].sum(), probe.data[0])
return p.sum(1, keepdim=True)
"""),
)
answers.wrong(
    "relevance_at",
    relevance("""
model.eval()
with Probe(model.get_submodule(layer), target="output") as probe, BackwardRules(rules):
    scores = model(x)
(p,) = torch.autograd.grad(scores[:, target].sum(), probe.data[0])
return p.sum(1, keepdim=True)
"""),
)
answers.wrong(
    "relevance_at",
    relevance("""
for parameter in model.parameters():
    parameter.requires_grad_(False)
with Probe(model.get_submodule(layer), target="output") as probe, BackwardRules(rules):
    scores = model(x)
(p,) = torch.autograd.grad(scores[:, target].sum(), probe.data[0])
for parameter in model.parameters():
    parameter.requires_grad_(True)
return p.sum(1, keepdim=True)
"""),
)
answers.wrong(
    "relevance_at",
    relevance("""
x.requires_grad_()
with Probe(model.get_submodule(layer), target="output") as probe, BackwardRules(rules):
    scores = model(x)
(p,) = torch.autograd.grad(scores[:, target].sum(), probe.data[0])
return p.sum(1, keepdim=True)
"""),
)
answers.wrong(
    "relevance_at",
    relevance("""
with Probe(getattr(model, layer), target="output") as probe, BackwardRules(rules):
    scores = model(x)
(p,) = torch.autograd.grad(scores[:, target].sum(), probe.data[0])
return p.sum(1, keepdim=True)
"""),
    says="get_submodule",
)
answers.wrong(
    "relevance_at",
    relevance("""
with Probe(model[layer], target="output") as probe, BackwardRules(rules):
    scores = model(x)
(p,) = torch.autograd.grad(scores[:, target].sum(), probe.data[0])
return p.sum(1, keepdim=True)
"""),
    says="get_submodule",
)
answers.wrong(
    "relevance_at",
    relevance("""
with Probe(model.get_submodule(layer), target="output") as probe, BackwardRules(rules):
    scores = model(x)
(p,) = torch.autograd.grad(scores[0, target], probe.data[0])
return p.sum(1, keepdim=True)
"""),
)
answers.wrong(
    "relevance_at",
    relevance("""
with Probe(model.get_submodule(layer), target="output") as probe, BackwardRules(rules):
    scores = model(x).softmax(1)
(p,) = torch.autograd.grad(scores[:, target].sum(), probe.data[0])
return p.sum(1, keepdim=True)
"""),
)
answers.wrong(
    "relevance_at",
    relevance("""
with Probe(model.get_submodule(layer), target="output") as probe, BackwardRules(rules):
    scores = model(x)
(p,) = torch.autograd.grad(scores[:, target].sum(), probe.data)
return p.sum(1, keepdim=True).clamp(min=0)
"""),
)
answers.wrong(
    "relevance_at",
    relevance("""
with Probe(model.get_submodule(layer), target="output") as probe, BackwardRules(rules):
    scores = model(x)
p = torch.autograd.grad(scores[:, target].sum(), probe.data[0])
return p.sum(1, keepdim=True)
"""),
    says="tuple",
)
answers.wrong(
    "relevance_at",
    relevance("""
with Probe(model.get_submodule(layer), target="output") as probe, BackwardRules(rules):
    scores = model(x)
(p,) = torch.autograd.grad(scores[:, target].sum(), probe.data[0])
p.sum(1, keepdim=True)
"""),
    says="Is a `return` missing?",
)
answers.wrong(
    "relevance_at",
    relevance("""
with Probe(model.get_submodule(layer), target="output") as probe, BackwardRules(rules):
    scores = model(x)
(p,) = torch.autograd.grad(scores[:, target].sum(), probe.data)
s = p.sum(1, keepdim=True)
return s / s.sum()
"""),
)
answers.wrong(
    "relevance_at",
    relevance("""
with Probe(model.get_submodule(layer), target="output") as probe:
    scores = model(x)
with BackwardRules(rules):
    (p,) = torch.autograd.grad(scores[:, target].sum(), probe.data[0])
return p.sum(1, keepdim=True)
"""),
    says="plain gradient",
)
answers.wrong(
    "relevance_at",
    relevance("""
kept = []
handle = model.get_submodule(layer).register_forward_hook(lambda m, i, o: kept.append(o))
with BackwardRules(rules):
    scores = model(x)
handle.remove()
(p,) = torch.autograd.grad(scores[:, target].sum(), kept[0])
return p.sum(1, keepdim=True)
"""),
)

# --- excitation_sum

answers.right(
    "excitation_sum",
    """
    class ExcitationSum(Function):
        @staticmethod
        def forward(ctx, a, b):
            ctx.a, ctx.b = a.abs(), b.abs()
            return torch.add(a, b)

        @staticmethod
        def backward(ctx, p):
            total = ctx.a + ctx.b
            total = total + (total == 0)
            return p * ctx.a / total, p * ctx.b / total
    """,
)
answers.right(
    "excitation_sum",
    """
    class ExcitationSum(Function):
        @staticmethod
        def forward(ctx, a, b):
            both = torch.stack([a, b]).abs()
            ctx.save_for_backward(torch.nan_to_num(both / both.sum(0)))
            return a + b

        @staticmethod
        def backward(ctx, p):
            (share,) = ctx.saved_tensors
            return tuple(share * p)
    """,
)
answers.right(
    "excitation_sum",
    """
    class ExcitationSum(Function):
        @staticmethod
        def forward(a, b):
            return a + b

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.save_for_backward(*inputs)

        @staticmethod
        def backward(ctx, p):
            a, b = map(torch.abs, ctx.saved_tensors)
            q = p / (a + b + 1e-12)
            return a * q, b * q
    """,
)
answers.right(
    "excitation_sum",
    """
    class ExcitationSum(Function):
        @staticmethod
        def forward(ctx, a, b):
            ctx.save_for_backward(a, b)
            return a + b

        @staticmethod
        def backward(ctx, p):
            a, b = ctx.saved_tensors
            a, b = (a * a).sqrt(), (b * b).sqrt()
            to_a = torch.zeros_like(p)
            some = (a > 0) | (b > 0)
            to_a[some] = (p * a)[some] / (a + b)[some]
            to_b = torch.where(some, p - to_a, torch.tensor(0.0))
            return to_a, to_b
    """,
)
answers.right(
    "excitation_sum",
    """
    class ExcitationSum(Function):
        @staticmethod
        def forward(ctx, a, b):
            ctx.save_for_backward(a, b)
            return a + b

        @staticmethod
        def backward(ctx, p):
            a, b = ctx.saved_tensors
            total = (a.abs() + b.abs()).clamp(min=1e-10)
            return a.abs() / total * p, b.abs() / total * p
    """,
)


def summed(body: str, forward: str = "ctx.save_for_backward(a, b)\n        return a + b") -> str:
    """An answer to `excitation_sum`."""
    indented = "\n        ".join(body.strip().splitlines())
    return f"""
class ExcitationSum(Function):
    @staticmethod
    def forward(ctx, a, b):
        {forward}

    @staticmethod
    def backward(ctx, p):
        {indented}
"""


answers.wrong(
    "excitation_sum",
    summed("""
a, b = ctx.saved_tensors
total = (a.abs() + b.abs()).clamp(min=1e-2)
return p * a.abs() / total, p * b.abs() / total
"""),
)
answers.wrong(
    "excitation_sum",
    summed("""
a, b = ctx.saved_tensors
q = (p / (a.abs() + b.abs() + 1e-8)).clamp(min=0)
return a.abs() * q, b.abs() * q
"""),
)
answers.wrong(
    "excitation_sum",
    summed("""
a, b = ctx.saved_tensors
total = a.abs() + b.abs()
if total == 0:
    return 0 * p, 0 * p
return p * a.abs() / total, p * b.abs() / total
"""),
    says="want a single yes or no",
)
answers.wrong(
    "excitation_sum",
    summed("""
a, b = ctx.saved_tensors
total = a.abs() + b.abs()
q = torch.where(total > 0, p / total, 0)
a.abs() * q, b.abs() * q
"""),
    says="`return`",
)
answers.wrong(
    "excitation_sum",
    summed("""
a, b = ctx.saved_tensors
total = a.abs().sum() + b.abs().sum()
return p * a.abs().sum() / total, p * b.abs().sum() / total
"""),
)
answers.wrong(
    "excitation_sum",
    summed("""
a, b = ctx.saved_tensors
total = a.abs() + b.abs()
share = torch.where(total > 0, a.abs() / total, 0.5)
return p * share, p * (1 - share)
"""),
)
answers.wrong(
    "excitation_sum",
    summed(
        """
a, b = ExcitationSum.saved
total = a.abs() + b.abs()
q = torch.where(total > 0, p / total, 0)
return a.abs() * q, b.abs() * q
""",
        forward="ExcitationSum.saved = a, b\n        return a + b",
    ),
)
answers.wrong(
    "excitation_sum",
    summed(
        """
a, b = ctx.saved_tensors
total = a.abs() + b.abs()
q = torch.where(total > 0, p / total, 0)
return a.abs() * q, b.abs() * q
""",
        forward="ctx.save_for_backward(a, b)\n        return a.abs() + b.abs()",
    ),
)
answers.wrong(
    "excitation_sum",
    summed(
        """
a, b = ctx.saved_tensors
total = a.abs() + b.abs()
q = torch.where(total > 0, p / total, 0)
return a.abs() * q, b.abs() * q
""",
        forward="ctx.save_for_backward(a, b)\n        a += b\n        return a",
    ),
    says="in place",
)
answers.wrong(
    "excitation_sum",
    summed("""
a, b = ctx.saved_tensors
total = a.abs() + b.abs()
p[total == 0] = 0
q = p / torch.where(total > 0, total, 1)
return a.abs() * q, b.abs() * q
"""),
)
answers.wrong(
    "excitation_sum",
    summed("""
a, b = ctx.saved_tensors
larger = a.abs() > b.abs()
return torch.where(larger, p, 0), torch.where(larger, 0, p)
"""),
)
answers.wrong(
    "excitation_sum",
    summed("""
a, b = ctx.saved_tensors
shares = torch.softmax(torch.stack([a.abs(), b.abs()]), 0)
return p * shares[0], p * shares[1]
"""),
)

# --- contrastive_relevance

answers.right(
    "contrastive_relevance",
    """
    def contrastive_relevance(x, W, p):
        leaf = x.detach().clone().requires_grad_()
        y = ExcitationLinear.apply(leaf, W, None)
        n = ExcitationLinear.apply(leaf, -W, None)
        (plus,) = torch.autograd.grad((y * p).sum(), leaf)
        (minus,) = torch.autograd.grad((n * p).sum(), leaf)
        return plus - minus
    """,
)
answers.right(
    "contrastive_relevance",
    """
    def contrastive_relevance(x, W, p):
        c = torch.zeros_like(x)
        for sign in (1, -1):
            for n in range(len(x)):
                c[n] = c[n] + sign * excitation_by_hand(x[n], sign * W.detach(), p[n])
        return c
    """,
)
answers.right(
    "contrastive_relevance",
    """
    def contrastive_relevance(x, W, p):
        plus, minus = W.clamp(min=0), -W.clamp(max=0)
        a, b = F.linear(x, plus), F.linear(x, minus)
        q, r = p / (a + (a == 0)), p / (b + (b == 0))
        return x * (q @ plus - r @ minus)
    """,
)
answers.right(
    "contrastive_relevance",
    """
    def contrastive_relevance(x, W, p):
        both = torch.stack([W, -W]).relu()
        z = torch.einsum("nj,kij->kni", x, both)
        q = p / (z + 1e-12)
        first, second = torch.einsum("kni,kij->knj", q, both) * x
        return first - second
    """,
)
answers.right(
    "contrastive_relevance",
    """
    def contrastive_relevance(x, W, p):
        def shares(W):
            parts = torch.relu(W)[None] * x[:, None]
            z = parts.sum(2, keepdim=True)
            return (torch.nan_to_num(parts / z) * p[..., None]).sum(1)
        with torch.no_grad():
            return shares(W) - shares(-W)
    """,
)


def contrast(body: str) -> str:
    """An answer to `contrastive_relevance`."""
    indented = "\n    ".join(body.strip().splitlines())
    return f"\ndef contrastive_relevance(x, W, p):\n    {indented}\n"


answers.wrong(
    "contrastive_relevance",
    contrast("""
def shares(W):
    above = W.clamp(min=0)
    z = x @ above.T
    return x * (torch.where(z > 0, p / z, 0) @ above)
return (shares(W) - shares(-W)).clamp(min=0)
"""),
)
answers.wrong(
    "contrastive_relevance",
    contrast("""
def shares(W):
    above = W.clamp(min=0)
    z = x @ above.T
    return x * (torch.where(z > 0, p / z, 0) @ above)
shares(W) - shares(-W)
"""),
    says="Is a `return` missing?",
)
answers.wrong(
    "contrastive_relevance",
    contrast("""
def shares(W):
    above = W.clamp(min=0)
    z = (x @ above.T).clamp(min=1e-2)
    return x * ((p / z) @ above)
return shares(W) - shares(-W)
"""),
)
answers.wrong(
    "contrastive_relevance",
    contrast("""
def shares(W):
    above = W.clamp(min=0)
    z = x @ above.T
    return x * (torch.where(z > 0, p / z, 0) @ above)
plus = shares(W)
W *= -1
return plus - shares(W)
"""),
)
answers.wrong(
    "contrastive_relevance",
    contrast("""
def shares(W):
    above = W.abs()
    z = x @ above.T
    return x * (torch.where(z > 0, p / z, 0) @ above)
return shares(W) - shares(-W)
"""),
)
answers.wrong(
    "contrastive_relevance",
    contrast("""
def shares(W):
    above = W.clamp(min=0)
    z = x @ above.T
    return x * (torch.where(z > 0, p / z, 0) @ above)
return (shares(W) - shares(-W)).sum(0, keepdim=True)
"""),
)
answers.wrong(
    "contrastive_relevance",
    contrast("""
def shares(W):
    above = W.clamp(min=0)
    z = x @ above.T
    return torch.where(z > 0, p / z, 0) @ above
return shares(W) - shares(-W)
"""),
)
answers.wrong(
    "contrastive_relevance",
    contrast("""
def shares(W):
    above = W.clamp(min=0)
    z = x @ above.T
    return x * (torch.where(z > 0, p / z, 0) @ above)
difference = shares(W) - shares(-W)
return difference / difference.abs().sum()
"""),
)
answers.wrong(
    "contrastive_relevance",
    contrast("""
def shares(x):
    above = W.clamp(min=0)
    z = x @ above.T
    return x * (torch.where(z > 0, p / z, 0) @ above)
return shares(x) - shares(-x)
"""),
)
answers.wrong(
    "contrastive_relevance",
    contrast("""
above = W.clamp(min=0)
below = W.clamp(max=0)
z, y = x @ above.T, x @ below.T
return x * (torch.where(z > 0, p / z, 0) @ above) - x * (torch.where(y > 0, p / y, 0) @ below)
"""),
)
answers.wrong(
    "contrastive_relevance",
    contrast("""
target = int(p[0].argmax())
def shares(w):
    w = w.clamp(min=0)
    z = x @ w
    return x * w / z[:, None]
return shares(W[target]) - shares(-W[target])
"""),
)
answers.right(
    "contrastive_relevance",
    contrast("""
import numpy as np
a, w, r = x.numpy(), W.numpy(), p.numpy()
def shares(w):
    up = np.maximum(w, 0)
    z = a @ up.T
    q = np.where(z > 0, r / np.where(z > 0, z, 1), 0)
    return a * (q @ up)
return torch.from_numpy(shares(w) - shares(-w))
"""),
)

# --- ten more to each, written after the probes were mended

answers.right(
    "excitation_by_hand",
    """
    def excitation_by_hand(x, W, p):
        I, J = W.shape
        contributions = [[max(float(W[i, j] * x[j]), 0.0) for j in range(J)] for i in range(I)]
        return torch.tensor([
            math.fsum(
                contributions[i][j] / math.fsum(contributions[i]) * float(p[i])
                for i in range(I)
                if contributions[i][j] > 0
            )
            for j in range(J)
        ])
    """,
)
answers.right(
    "excitation_by_hand",
    """
    import numpy as np

    def excitation_by_hand(x, W, p):
        a, w, r = x.numpy(), np.maximum(W.numpy(), 0), p.numpy()
        z = w @ a
        q = np.divide(r, z, out=np.zeros_like(r), where=z > 0)
        return torch.as_tensor(a * (w.T @ q))
    """,
)
answers.right(
    "excitation_by_hand",
    """
    def excitation_by_hand(x, W, p):
        def share(i, j):
            return max(W[i, j], 0) * x[j]

        shares = x.clone().zero_()
        for i, relevance in enumerate(p):
            z = torch.stack([share(i, j) for j in range(len(x))]).sum()
            if not z:
                continue
            for j, _ in enumerate(x):
                shares[j] = shares[j] + share(i, j) / z * relevance
        return shares
    """,
)
answers.wrong(
    "excitation_by_hand",
    """
    def excitation_by_hand(x, W, p):
        shares = torch.zeros_like(x)
        for i in range(len(p)):
            z = sum(max(W[i, j], 0) * x[j] for j in range(len(x)))
            if z < 1e-2:
                continue
            for j in range(len(x)):
                shares[j] += max(W[i, j], 0) * x[j] / z * p[i]
        return shares
    """,
)
answers.wrong(
    "excitation_by_hand",
    """
    def excitation_by_hand(x, W, p):
        shares = torch.zeros_like(x)
        for i in range(len(p)):
            z = sum(max(W[i, j], 0) * x[j] for j in range(len(x)))
            if z == 0:
                continue
            p[i] = p[i] / z
            for j in range(len(x)):
                shares[j] += max(W[i, j], 0) * x[j] * p[i]
        return shares
    """,
)
answers.wrong(
    "excitation_by_hand",
    """
    def excitation_by_hand(x, W, p):
        shares = torch.zeros_like(x)
        for i in range(len(p)):
            z = sum(max(W[i, j], 0) for j in range(len(x)))
            if z == 0:
                continue
            for j in range(len(x)):
                shares[j] += max(W[i, j], 0) * x[j] / z * p[i]
        return shares
    """,
)
answers.wrong(
    "excitation_by_hand",
    """
    def excitation_by_hand(x, W, p):
        shares = torch.zeros_like(x)
        for i in range(len(p)):
            z = sum(max(W[i, j], 0) * x[j] for j in range(len(x)))
            for j in range(len(x)):
                shares[j] += max(W[i, j], 0) * x[j] / z * p[i]
        return shares
    """,
)
answers.wrong(
    "excitation_by_hand",
    """
    def excitation_by_hand(x, W, p):
        shares = torch.zeros_like(x)
        for i in range(len(p)):
            for j in range(len(x)):
                z = max(W[i, j], 0) * x[j]
                if z == 0:
                    continue
                shares[j] += max(W[i, j], 0) * x[j] / z * p[i]
        return shares
    """,
)
answers.wrong(
    "excitation_by_hand",
    """
    def excitation_by_hand(x, W, p):
        shares = torch.zeros_like(x)
        for i in range(len(p)):
            z = sum(max(W[i, j], 0) * x[j] for j in range(len(x)))
            if z == 0:
                continue
            for j in range(len(x)):
                shares[i] += max(W[i, j], 0) * x[j] / z * p[i]
        return shares
    """,
)
answers.wrong(
    "excitation_by_hand",
    """
    def excitation_by_hand(x, W, p):
        shares = torch.zeros_like(x).int()
        for i in range(len(p)):
            z = sum(max(W[i, j], 0) * x[j] for j in range(len(x)))
            if z == 0:
                continue
            for j in range(len(x)):
                shares[j] += int(max(W[i, j], 0) * x[j] / z * p[i])
        return shares
    """,
)

answers.right(
    "excitation_linear",
    """
    class ExcitationLinear(Function):
        @staticmethod
        def forward(ctx, x, weight, bias):
            ctx.save_for_backward(x, weight)
            out = x.mm(weight.t())
            if bias is not None:
                out += bias
            return out

        @staticmethod
        @torch.autograd.function.once_differentiable
        def backward(ctx, p):
            x, weight = ctx.saved_tensors
            above = torch.where(weight > 0, weight, 0)
            z = (x[:, None] * above).sum(-1)
            q = p.clone()
            q[z > 0] /= z[z > 0]
            q[z <= 0] = 0
            return (q[..., None] * above).sum(1) * x, None, None
    """,
)
answers.right(
    "excitation_linear",
    """
    class ExcitationLinear(Function):
        @staticmethod
        def forward(ctx, *args):
            x, weight, bias = args
            ctx.kept = x, weight
            return F.linear(x, weight, bias)

        @staticmethod
        def backward(ctx, *grads):
            (p,) = grads
            x, weight = ctx.kept
            above = weight.clamp(min=0).double()
            z = x.double() @ above.T
            q = torch.where(z > 0, p / z, 0)
            return (x * (q @ above)).float(), torch.zeros_like(weight), None
    """,
)
answers.right(
    "excitation_linear",
    """
    class ExcitationLinear(Function):
        @staticmethod
        def forward(ctx, x, weight, bias):
            ctx.save_for_backward(x, weight)
            return F.linear(x, weight, bias)

        @staticmethod
        def backward(ctx, p):
            x, weight = ctx.saved_tensors
            with torch.enable_grad():
                u = x.detach().requires_grad_()
                z = F.linear(u, weight.detach().clamp(min=0))
                q = (p / (z + 1e-9)).detach()
                pulled = torch.autograd.grad(z, u, q)[0]
            return x * pulled, None, None
    """,
)


def linear(body: str, forward: str = "return F.linear(x, weight, bias)") -> str:
    """An answer to `excitation_linear`."""
    indented = "\n        ".join(body.strip().splitlines())
    return f"""
class ExcitationLinear(Function):
    @staticmethod
    def forward(ctx, x, weight, bias):
        ctx.save_for_backward(x, weight)
        {forward}

    @staticmethod
    def backward(ctx, p):
        {indented}
"""


answers.wrong(
    "excitation_linear",
    linear("""
x, weight = ctx.saved_tensors
above = weight.clamp(min=0)
z = x @ above.T
q = torch.where(z > 0.1, p / z, 0)
return x * (q @ above), None, None
"""),
)
answers.wrong(
    "excitation_linear",
    linear("""
x, weight = ctx.saved_tensors
above = weight.clamp(min=0)
z = x @ above.T
z[z == 0] = 1
q = p.abs() / z
return x * (q @ above), None, None
"""),
)
answers.wrong(
    "excitation_linear",
    linear("""
x, weight = ctx.saved_tensors
above = weight.clamp(min=0)
z = x @ above.T
q = torch.where(z > 0, p / z, 0)
shares = x * (q @ above)
return shares / shares.sum(1, keepdim=True), None, None
"""),
)
answers.wrong(
    "excitation_linear",
    linear("""
x, weight = ctx.saved_tensors
weight[weight < 0] = 0
z = x @ weight.T
q = torch.where(z > 0, p / z, 0)
return x * (q @ weight), None, None
"""),
)
answers.wrong(
    "excitation_linear",
    linear("""
x, weight = ctx.saved_tensors
above = weight.clamp(min=0)
z = above @ x.T
q = torch.where(z > 0, p.T / z, 0)
return x.T * (above.T @ q), None, None
"""),
)
answers.wrong(
    "excitation_linear",
    linear(
        """
x, weight = ctx.saved_tensors
above = weight.clamp(min=0)
z = x @ above.T
q = torch.where(z > 0, p / z, 0)
return x * (q @ above), None, None
""",
        forward="return F.linear(x, weight, bias).clamp(min=0)",
    ),
)
answers.wrong(
    "excitation_linear",
    linear("""
x, weight = ctx.saved_tensors
above = weight.clamp(min=0)
z = x @ above.T
p /= z + 1e-9
return x * (p @ above), None, None
"""),
)

answers.right(
    "excitation",
    excitation("""
x = ctx.saved_tensors[0]
z, pulled = torch.autograd.functional.vjp(ctx.positive, x, torch.zeros_like(p))
q = torch.where(z > 0, p / z, 0)
_, pulled = torch.autograd.functional.vjp(ctx.positive, x, q)
return x * pulled, None, None
"""),
)
answers.right(
    "excitation",
    excitation("""
(x,) = ctx.saved_tensors
shares = []
for i in range(len(x)):
    with torch.enable_grad():
        u = x[i : i + 1].detach().requires_grad_()
        z = ctx.positive(u)
        q = torch.where(z > 0, p[i : i + 1] / z, 0).detach()
        (pulled,) = torch.autograd.grad((z * q).sum(), u)
    shares.append(u.detach() * pulled)
return torch.cat(shares), None, None
"""),
)
answers.right(
    "excitation",
    excitation("""
(x,) = ctx.saved_tensors
old = torch.is_grad_enabled()
torch.set_grad_enabled(True)
u = x.detach().requires_grad_()
z = ctx.positive(u)
s = (torch.where(z > 0, z, 1).log() * p).sum()
(pulled,) = torch.autograd.grad(s, u)
torch.set_grad_enabled(old)
return (u * pulled).detach(), None, None
"""),
)
answers.wrong(
    "excitation",
    excitation("""
(x,) = ctx.saved_tensors
old = torch.is_grad_enabled()
torch.set_grad_enabled(True)
u = x.detach().requires_grad_()
z = ctx.positive(u)
s = (z.log() * p)[z > 0].sum()
(pulled,) = torch.autograd.grad(s, u)
torch.set_grad_enabled(old)
return (u * pulled).detach(), None, None
"""),
)
answers.wrong(
    "excitation",
    excitation("""
(x,) = ctx.saved_tensors
with torch.enable_grad():
    u = x.detach().requires_grad_()
    z = ctx.positive(u)
    q = torch.where(z > 0, p / z, 0).detach()
    (pulled,) = torch.autograd.grad((z * q).sum(), u)
return pulled * pulled, None, None
"""),
)
answers.wrong(
    "excitation",
    excitation("""
(x,) = ctx.saved_tensors
with torch.enable_grad():
    u = torch.ones_like(x).requires_grad_()
    z = ctx.positive(u)
    q = torch.where(z > 0, p / z, 0).detach()
    (pulled,) = torch.autograd.grad((z * q).sum(), u)
return x * pulled, None, None
"""),
)
answers.wrong(
    "excitation",
    excitation("""
(x,) = ctx.saved_tensors
with torch.enable_grad():
    u = x.detach().requires_grad_()
    z = ctx.positive(u)
    q = torch.where(z > 0, p / z, 0).detach()
    pulled = torch.autograd.grad((z * q).sum(), u)
return x * pulled, None, None
"""),
    says="tuple",
)
answers.wrong(
    "excitation",
    excitation("""
x = ctx.saved_tensors
with torch.enable_grad():
    u = x.detach().requires_grad_()
    z = ctx.positive(u)
    q = torch.where(z > 0, p / z, 0).detach()
    (pulled,) = torch.autograd.grad((z * q).sum(), u)
return x * pulled, None, None
"""),
    says="tuple",
)
answers.wrong(
    "excitation",
    excitation("""
(x,) = ctx.saved_tensors
with torch.enable_grad():
    u = x.detach().requires_grad_()
    z = ctx.positive(u)
    q = torch.where(z > 0, p / z, p).detach()
    (pulled,) = torch.autograd.grad((z * q).sum(), u)
return x * pulled / pulled.sum() * p.sum(), None, None
"""),
)
answers.wrong(
    "excitation",
    excitation("""
(x,) = ctx.saved_tensors
with torch.enable_grad():
    u = x.detach().requires_grad_()
    z = ctx.positive(u)
    q = torch.where(z > 0, p / (z + 1e-3), 0).detach()
    (pulled,) = torch.autograd.grad((z * q).sum(), u)
return x * pulled, None, None
"""),
)
answers.wrong(
    "excitation",
    excitation("""
(x,) = ctx.saved_tensors
with torch.enable_grad():
    u = x.detach().requires_grad_()
    z = ctx.positive(u)
    q = torch.where(z > 0, p / z, 0).detach()
    (pulled,) = torch.autograd.grad((z * q).sum(), u)
return x * pulled, None
"""),
    says="one gradient for each argument",
)

answers.right(
    "relevance_at",
    relevance("""
kept = {}

def remember(module, inputs, output):
    kept["h"] = output if output.requires_grad else output.requires_grad_()
    return kept["h"].clone()

module = model.get_submodule(layer)
with BackwardRules(rules):
    handle = module.register_forward_hook(remember)
    scores = model(x)
    handle.remove()
return torch.autograd.grad(scores.T[target].sum(), kept["h"])[0].sum(-3, keepdim=True)
"""),
)
answers.right(
    "relevance_at",
    relevance("""
context = BackwardRules(rules)
with Probe(model.get_submodule(layer), target="output") as probe:
    with context:
        chosen = model(x).index_select(1, torch.tensor([target]))
p = torch.autograd.grad(chosen, probe.data[0], grad_outputs=torch.ones_like(chosen))
return torch.sum(p[0], dim=1, keepdim=True)
"""),
)
answers.right(
    "relevance_at",
    relevance("""
with BackwardRules(rules):
    with Probe(model.get_submodule(layer), target="output") as probe:
        scores = model(x)
        loss = scores[:, target].sum()
        h = probe.data[0]
        grad = torch.autograd.grad(loss, h, retain_graph=True)[0]
out = torch.zeros(len(x), 1, *h.shape[2:])
for channel in range(h.shape[1]):
    out[:, 0] += grad[:, channel]
return out
"""),
)
answers.wrong(
    "relevance_at",
    relevance("""
with Probe(model.get_submodule(layer), target="output") as probe, BackwardRules(rules):
    scores = model(x)
(p,) = torch.autograd.grad(scores[:, target - 1].sum(), probe.data[0])
return p.sum(1, keepdim=True)
"""),
)
answers.wrong(
    "relevance_at",
    relevance("""
model.train()
with Probe(model.get_submodule(layer), target="output") as probe, BackwardRules(rules):
    scores = model(x)
model.eval()
(p,) = torch.autograd.grad(scores[:, target].sum(), probe.data[0])
return p.sum(1, keepdim=True)
"""),
)
answers.wrong(
    "relevance_at",
    relevance("""
with Probe(model.get_submodule(layer), target="output") as probe, BackwardRules(rules):
    scores = model(x[:1])
(p,) = torch.autograd.grad(scores[:, target].sum(), probe.data[0])
return p.sum(1, keepdim=True)
"""),
)
answers.wrong(
    "relevance_at",
    relevance("""
with torch.no_grad():
    with Probe(model.get_submodule(layer), target="output") as probe, BackwardRules(rules):
        scores = model(x)
(p,) = torch.autograd.grad(scores[:, target].sum(), probe.data[0])
return p.sum(1, keepdim=True)
"""),
    says="Nothing leads back",
)
answers.wrong(
    "relevance_at",
    relevance("""
with Probe(model.get_submodule(layer), target="output") as probe, BackwardRules(rules):
    scores = model(x)
best = scores.argmax(1)
(p,) = torch.autograd.grad(scores.gather(1, best[:, None]).sum(), probe.data[0])
return p.sum(1, keepdim=True)
"""),
)
answers.wrong(
    "relevance_at",
    relevance("""
model.get_submodule(layer).requires_grad_(True)
with Probe(model.get_submodule(layer), target="output") as probe, BackwardRules(rules):
    scores = model(x)
model.requires_grad_(False)
(p,) = torch.autograd.grad(scores[:, target].sum(), probe.data[0])
return p.sum(1, keepdim=True)
"""),
)
answers.wrong(
    "relevance_at",
    relevance("""
with Probe(model.get_submodule(layer), target="output") as probe, BackwardRules(rules):
    scores = model(x)
(p,) = torch.autograd.grad(scores[:, target].sum(), probe.data[0])
return F.interpolate(p.sum(1, keepdim=True), x.shape[2:])
"""),
)

answers.right(
    "excitation_sum",
    summed("""
a, b = (t.abs().double() for t in ctx.saved_tensors)
share = torch.where(a + b > 0, a / (a + b), 0.5)
none = (a + b == 0)
return (p * share).masked_fill(none, 0), (p * (1 - share)).masked_fill(none, 0)
"""),
)
answers.right(
    "excitation_sum",
    summed("""
a, b = ctx.saved_tensors
total = torch.abs(a).add(torch.abs(b))
total[total == 0] = float("inf")
return p * a.abs() / total, p * b.abs() / total
"""),
)
answers.right(
    "excitation_sum",
    summed(
        """
q = p / ctx.total.clamp(min=torch.finfo(p.dtype).tiny)
return ctx.sizes[0] * q, ctx.sizes[1] * q
""",
        forward="ctx.sizes = a.abs(), b.abs()\n        ctx.total = sum(ctx.sizes)\n        "
        "return a.clone().add_(b)",
    ),
)
answers.wrong(
    "excitation_sum",
    summed("""
a, b = ctx.saved_tensors
total = a.abs() + b.abs() + 1e-3
return p * a.abs() / total, p * b.abs() / total
"""),
)
answers.wrong(
    "excitation_sum",
    summed("""
a, b = ctx.saved_tensors
total = a.abs() + b.abs()
q = torch.where(total > 0, p.abs() / total, 0)
return a.abs() * q, b.abs() * q
"""),
)
answers.wrong(
    "excitation_sum",
    summed("""
a, b = ctx.saved_tensors
total = a.norm() + b.norm()
return p * a.norm() / total, p * b.norm() / total
"""),
)
answers.wrong(
    "excitation_sum",
    summed("""
a, b = ctx.saved_tensors
total = a.abs() + b.abs()
q = torch.where(total > 0, p / total, 0)
return a.abs() * q
"""),
)
answers.wrong(
    "excitation_sum",
    summed("""
a, b = ctx.saved_tensors
total = a.abs() + b.abs()
q = torch.where(total > 0, p / total, 0)
shares = a.abs() * q + b.abs() * q
return shares, shares
"""),
)
answers.wrong(
    "excitation_sum",
    summed("""
a, b = ctx.saved_tensors
total = abs(a + b)
q = torch.nan_to_num(p / total)
return abs(a) * q, abs(b) * q
"""),
)
answers.wrong(
    "excitation_sum",
    summed(
        """
total = ctx.a.abs() + ctx.b.abs()
q = torch.where(total > 0, p / total, 0)
return ctx.a.abs() * q, ctx.b.abs() * q
""",
        forward="ctx.a, ctx.b = a, b\n        return a - b",
    ),
)

answers.right(
    "contrastive_relevance",
    contrast("""
c = 0
for sign in (1, -1):
    above = (sign * W).clamp(min=0)
    parts = x.unsqueeze(1) * above
    z = parts.sum(-1, keepdim=True)
    z = torch.where(z == 0, 1, z)
    c = c + sign * (parts / z * p.unsqueeze(-1)).sum(1)
return c
"""),
)
answers.right(
    "contrastive_relevance",
    contrast("""
def z_of(weight):
    return lambda u: F.linear(u, weight.clamp(min=0))

total = 0
for sign in (1.0, -1.0):
    leaf = x.clone().requires_grad_()
    y = Excitation.apply(leaf, lambda u: F.linear(u, sign * W), z_of(sign * W))
    (got,) = torch.autograd.grad(y, leaf, p.to(y))
    total = total + sign * got
return total
"""),
)
answers.right(
    "contrastive_relevance",
    contrast("""
x, W, p = x.double(), W.double(), p.double()
rows = []
for a, r in zip(x, p):
    up, down = (s.clamp(min=0) * a for s in (W, -W))
    up, down = (m / m.sum(1, keepdim=True).clamp(min=1e-30) for m in (up, down))
    rows.append(r @ (up - down))
return torch.stack(rows)
"""),
)
answers.wrong(
    "contrastive_relevance",
    contrast("""
def shares(W):
    above = W.clamp(min=0)
    z = x @ above.T
    return x * (torch.where(z > 0, p / z, 0) @ above)
return shares(W) - shares(W)
"""),
)
answers.wrong(
    "contrastive_relevance",
    contrast("""
def shares(W):
    above = W.clamp(min=0)
    z = x @ above.T
    return x * (torch.where(z > 0, p / z, 0) @ above)
return shares(W) - shares(1 - W)
"""),
)
answers.wrong(
    "contrastive_relevance",
    contrast("""
def shares(W):
    above = W.clamp(min=0)
    z = x @ above.T
    return x * (torch.where(z > 0, p / z, 0) @ above)
return shares(W), shares(-W)
"""),
)
answers.wrong(
    "contrastive_relevance",
    contrast("""
def shares(W):
    above = W.clamp(min=0)
    z = x @ above.T
    return x * (torch.where(z > 0, p / z, 0) @ above)
return (shares(W) - shares(-W)).abs()
"""),
)
answers.wrong(
    "contrastive_relevance",
    contrast("""
def shares(W):
    above = W.clamp(min=0)
    z = x @ above.T + 1e-3
    return x * ((p / z) @ above)
return shares(W) - shares(-W)
"""),
)
answers.wrong(
    "contrastive_relevance",
    contrast("""
def shares(W):
    above = W.clamp(min=0)
    z = x @ above.T
    q = torch.nan_to_num(p / z)
    return x * (q @ above)
return shares(W) - shares(-W)
"""),
)
answers.wrong(
    "contrastive_relevance",
    contrast("""
def shares(W):
    above = W.clamp(min=0)
    z = x @ above.T
    return x * (torch.where(z > 0, p / z, 0) @ above)
return shares(W) - shares(W.flip(0))
"""),
)

# --- later finds

answers.right(
    "excitation_by_hand",
    """
    def excitation_by_hand(x, W, p):
        excites = [[max(w, 0.0) * a for w, a in zip(row, x.tolist())] for row in W.tolist()]
        shares = [0.0] * len(x)
        for row, r in zip(excites, p.tolist()):
            z = sum(row)
            for j, part in enumerate(row):
                shares[j] += part / z * r if z else 0
        return torch.tensor(shares, dtype=torch.float64)
    """,
)
answers.wrong(
    "excitation_by_hand",
    """
    def excitation_by_hand(x, W, p):
        above = W.clamp(min=0)
        z = (above * x).sum()
        return (above * x / z * p[:, None]).sum(0)
    """,
)
answers.wrong(
    "excitation_by_hand",
    """
    def excitation_by_hand(x, W, p):
        above = W.clamp(min=0)
        z = above @ x
        q = torch.softmax(above * x, dim=1)
        return (q * p[:, None] * (z > 0)[:, None]).sum(0)
    """,
)
answers.wrong(
    "excitation_by_hand",
    """
    def excitation_by_hand(x, W, p):
        above = W.clamp(min=0)
        z = above @ x
        shares = x * (torch.where(z > 0, p / z, 0) @ above)
        return shares / shares.sum() * p.sum()
    """,
)
answers.right(
    "excitation_linear",
    """
    class ExcitationLinear(Function):
        def forward(ctx, x, weight, bias):
            ctx.save_for_backward(x)
            ctx.weight = weight
            return F.linear(x, weight, bias)

        def backward(ctx, p):
            if not ctx.needs_input_grad[0]:
                return None, None, None
            x = ctx.saved_tensors[0]
            z = x @ ctx.weight.clamp(min=0).T
            mask = z > 0
            q = mask * p / torch.where(mask, z, torch.ones_like(z))
            return torch.einsum("ni,ij,nj->nj", q, ctx.weight.clamp(min=0), x), None, None
    """,
)
answers.wrong(
    "excitation_linear",
    linear("""
x, weight = ctx.saved_tensors
above = weight.clamp(min=0)
z = x @ above.T
q = torch.where(z > 0, p / z, 0)
return x * (q @ above) * (x > 0), None
"""),
)
answers.wrong(
    "excitation_linear",
    linear("""
x, weight = ctx.saved_tensors
above = weight.clamp(min=0)
z = x @ above.T
q = torch.where(z > 0, p / z, p)
return x * (q @ above) + 1e-3, None, None
"""),
)
answers.wrong(
    "excitation_linear",
    linear("""
x, weight = ctx.saved_tensors
above = weight.clamp(min=0)
z = x.mean(0) @ above.T
q = torch.where(z > 0, p / z, 0)
return x * (q @ above), None, None
"""),
)
answers.wrong(
    "excitation_linear",
    linear("""
x, weight = ctx.saved_tensors
above = weight.clamp(min=0)
z = x @ above.T
q = torch.where((z > 0) & (F.linear(x, weight) > 0), p / z, 0)
return x * (q @ above), None, None
"""),
)
answers.wrong(
    "excitation",
    excitation(
        """
(x,) = ctx.saved_tensors
with torch.enable_grad():
    u = x.detach().requires_grad_()
    z = ctx.positive(u)
    q = torch.where((z > 0) & (ctx.layer(x) > 0), p / z, 0).detach()
    (pulled,) = torch.autograd.grad((z * q).sum(), u)
return x * pulled, None, None
""",
        keep="ctx.positive, ctx.layer = positive, layer",
    ),
)
answers.wrong(
    "excitation",
    excitation("""
(x,) = ctx.saved_tensors
with torch.enable_grad():
    u = x.detach().requires_grad_()
    z = ctx.positive(u)
    q = torch.where(z > 0, p / z.mean(), 0).detach()
    (pulled,) = torch.autograd.grad((z * q).sum(), u)
return x * pulled, None, None
"""),
)
answers.wrong(
    "excitation",
    excitation("""
x, = ctx.saved_tensors
with torch.enable_grad():
    u = x.detach().requires_grad_()
    z = ctx.positive(u)
    q = torch.where(z > 0, p / z, 0).detach()
    (pulled,) = torch.autograd.grad((z * q).sum(), u)
return x * pulled
"""),
    says="one gradient for each argument",
)
answers.wrong(
    "excitation",
    excitation("""
(x,) = ctx.saved_tensors
with torch.enable_grad():
    u = x.detach().requires_grad_()
    z = positive(u)
    q = torch.where(z > 0, p / z, 0).detach()
    (pulled,) = torch.autograd.grad((z * q).sum(), u)
return x * pulled, None, None
"""),
)
answers.right(
    "relevance_at",
    relevance("""
import copy
twin = copy.deepcopy(model)
with Probe(twin.get_submodule(layer), target="output") as probe, BackwardRules(rules):
    scores = twin(x)
scores[:, target].sum().backward()
return probe.gradient[0].sum(1, keepdim=True)
"""),
)
answers.right(
    "relevance_at",
    relevance("""
asked = [p.requires_grad for p in model.parameters()]
for p in model.parameters():
    p.requires_grad_(False)
try:
    with Probe(model.get_submodule(layer), target="output") as probe, BackwardRules(rules):
        scores = model(x)
    scores[:, target].sum().backward()
finally:
    for p, flag in zip(model.parameters(), asked):
        p.requires_grad_(flag)
return probe.data[0].grad.sum(1, keepdim=True)
"""),
)
answers.wrong(
    "relevance_at",
    relevance("""
BackwardRules(rules).__enter__()
with Probe(model.get_submodule(layer), target="output") as probe:
    scores = model(x)
(p,) = torch.autograd.grad(scores[:, target].sum(), probe.data[0])
return p.sum(1, keepdim=True)
"""),
)
answers.wrong(
    "relevance_at",
    relevance("""
was = model.training
model.eval()
with Probe(model.get_submodule(layer), target="output") as probe, BackwardRules(rules):
    scores = model(x)
model.train(was)
(p,) = torch.autograd.grad(scores[:, target].sum(), probe.data[0])
return p.sum(1, keepdim=True)
"""),
)
answers.wrong(
    "relevance_at",
    relevance("""
rules.pop(F.relu)
with Probe(model.get_submodule(layer), target="output") as probe, BackwardRules(rules):
    scores = model(x)
(p,) = torch.autograd.grad(scores[:, target].sum(), probe.data[0])
return p.sum(1, keepdim=True)
"""),
)
answers.wrong(
    "relevance_at",
    relevance("""
with Probe(model.get_submodule(layer), target="output") as probe, BackwardRules(rules):
    scores = model(x)
p = torch.zeros_like(scores)
p[:, target] = scores[:, target].detach()
(p,) = torch.autograd.grad(scores, probe.data[0], p)
return p.sum(1, keepdim=True)
"""),
)
answers.wrong(
    "relevance_at",
    relevance("""
torch.set_grad_enabled(True)
with Probe(model.get_submodule(layer), target="output") as probe, BackwardRules(rules):
    scores = model(x)
torch.set_grad_enabled(False)
return torch.ones_like(probe.data[0]).sum(1, keepdim=True)
"""),
)
answers.wrong(
    "relevance_at",
    relevance("""
probe = Probe(model.get_submodule(layer), target="output")
model.probe = [probe]
with BackwardRules(rules):
    scores = model(x)
(p,) = torch.autograd.grad(scores[:, target].sum(), probe.data[0])
return p.sum(1, keepdim=True)
"""),
)
answers.wrong(
    "excitation_sum",
    summed("""
a, b = ctx.saved_tensors
total = a.abs() + b.abs()
to_a = torch.where(total > 0, p * a.abs() / total, p / 2)
return to_a, p - to_a
"""),
)
answers.wrong(
    "excitation_sum",
    summed("""
a, b = ctx.saved_tensors
total = a.abs() + b.abs()
q = torch.where(total > 0, p / total, 0)
return a.abs() * q, b.abs() * q, None, p
"""),
)
answers.wrong(
    "excitation_sum",
    summed("""
a, b = ctx.saved_tensors
total = (a.abs() + b.abs()).max()
return p * a.abs() / total, p * b.abs() / total
"""),
)
answers.right(
    "excitation_sum",
    """
    class ExcitationSum(Function):
        @staticmethod
        def forward(ctx, *terms):
            ctx.save_for_backward(*terms)
            return sum(terms)

        @staticmethod
        def backward(ctx, p):
            sizes = [t.abs() for t in ctx.saved_tensors]
            total = sum(sizes)
            return tuple(p * size / (total + (total == 0)) for size in sizes)
    """,
)
answers.wrong(
    "contrastive_relevance",
    contrast("""
def shares(W):
    above = W.clamp(min=0)
    z = x @ above.T
    return x * (torch.where(z > 0, p / z, 0) @ above)
return shares(W) - shares(-W).mean(0)
"""),
)
answers.wrong(
    "contrastive_relevance",
    contrast("""
def shares(W):
    above = W.clamp(min=0)
    z = x @ above.T
    return x * (torch.where(z > 0, p / z, 0) @ above)
return shares(W) - 0.5 * shares(-W)
"""),
)
answers.wrong(
    "contrastive_relevance",
    contrast("""
y = ExcitationLinear(x, W, None)
n = ExcitationLinear(x, -W, None)
return y - n
"""),
)
answers.wrong(
    "contrastive_relevance",
    contrast("""
return ExcitationLinear.apply(x, W, None) - ExcitationLinear.apply(x, -W, None)
"""),
)
answers.right(
    "contrastive_relevance",
    contrast("""
kept = []
for weight in (W, W.neg()):
    leaf = torch.nn.Parameter(x.clone())
    ExcitationLinear.apply(leaf, weight, None).backward(p)
    kept.append(leaf.grad)
return kept[0].sub(kept[1])
"""),
)
