"""Answers of lesson 11 that no exercise lists."""

from __future__ import annotations

from course_lib.exercises.engine.answers import Answers

answers = Answers()

# --- token_map: right ---

MAP = """
def token_map(values, grid, size):
    patches = {patches}
    maps = {maps}
    return {result}
"""


def token_map(**changed: str) -> str:
    """The right answer with these parts exchanged."""
    parts = {
        "patches": "values[:, 1:]",
        "maps": "patches.reshape(len(values), 1, *grid)",
        "result": 'F.interpolate(maps, size=size, mode="bilinear", align_corners=False)',
    }
    return MAP.format(**(parts | changed))


answers.right("token_map", token_map())
answers.right("token_map", token_map(result='nn.Upsample(size, mode="bilinear")(maps)'))
answers.right(
    "token_map",
    token_map(
        maps="patches.view(-1, grid[0], grid[1]).unsqueeze(1)", patches="values.clone()[:, 1:]"
    ),
)
answers.right(
    "token_map",
    """
    def token_map(values, grid, size):
        h, w = grid
        small = torch.zeros(len(values), 1, h, w, dtype=values.dtype)
        for row in range(h):
            for column in range(w):
                small[:, 0, row, column] = values[:, 1 + row * w + column]
        return F.interpolate(small, size, mode="bilinear", antialias=False)
    """,
)
answers.right(
    "token_map",
    """
    def token_map(values, grid, size):
        maps = []
        for numbers in values:
            one = torch.stack(numbers[1:].split(grid[1]))
            maps.append(F.interpolate(one[None, None], size, mode="bilinear")[0])
        return torch.stack(maps)
    """,
)

# --- token_map: wrong ---

answers.wrong("token_map", token_map(patches="values[1:]"))
answers.wrong("token_map", token_map(patches="values", maps="patches.view(-1, 1, *grid)"))
answers.wrong("token_map", token_map(patches="values[:, 1:] - values[:, :1]"))
answers.wrong("token_map", token_map(patches="values[:, 1:].flip(1)"))
answers.wrong("token_map", token_map(maps="patches.reshape(1, -1, *grid)"))
answers.wrong("token_map", token_map(maps="patches.reshape(-1, 1, *grid).transpose(2, 3)"))
answers.wrong("token_map", token_map(maps="patches.reshape(*grid, -1, 1).permute(2, 3, 0, 1)"))
answers.wrong("token_map", token_map(result='F.interpolate(maps, size, mode="bicubic")'))
answers.wrong("token_map", token_map(result="F.interpolate(maps, size)"))
answers.wrong("token_map", token_map(result="F.adaptive_avg_pool2d(maps, size)"))
answers.wrong("token_map", token_map(result='F.interpolate(maps, size, mode="bilinear").abs()'))
answers.wrong("token_map", token_map(result='F.interpolate(maps, (96, 96), mode="bilinear")'))
answers.wrong("token_map", token_map(result="maps.expand(-1, -1, *size)"))
answers.wrong(
    "token_map", "def token_map(values, grid, size):\n    values[:, 1:].unflatten(1, grid)[:, None]"
)

# --- rollout: right ---

ROLLOUT = """
def rollout(attentions):
    total = {start}
    for attention in {blocks}:
        heads = {heads}
        own = torch.eye(heads.shape[-1], dtype=heads.dtype)
        mixed = {mixed}
        total = {product}
    return {result}
"""


def rollout(**changed: str) -> str:
    """The right answer with these parts exchanged."""
    parts = {
        "start": "torch.eye(attentions[0].shape[-1]).to(attentions[0])",
        "blocks": "attentions",
        "heads": "attention.mean(1)",
        "mixed": "0.5 * heads + 0.5 * own",
        "product": "mixed @ total",
        "result": "total[:, 0]",
    }
    return ROLLOUT.format(**(parts | changed))


answers.right("rollout", rollout(result="total[:, 0, :].clone()"))
answers.right(
    "rollout",
    rollout(mixed="heads + own; mixed = mixed / mixed.sum(2, keepdim=True)"),
)
answers.right("rollout", rollout(blocks="attentions[::-1]", product="total @ mixed"))
answers.right(
    "rollout",
    """
    def rollout(attentions):
        row = torch.zeros_like(attentions[0][:, 0, 0])
        row[:, 0] = 1
        for attention in reversed(attentions):
            row = (row + torch.einsum("nt,nhtu->nu", row, attention) / attention.shape[1]) / 2
        return row
    """,
)
answers.right(
    "rollout",
    """
    from functools import reduce

    def rollout(attentions):
        blocks = [a.mean(1) for a in attentions]
        for block in blocks:
            block.diagonal(dim1=1, dim2=2).add_(1)
        return reduce(lambda below, above: above.bmm(below), [b / 2 for b in blocks])[:, 0]
    """,
)
answers.right(
    "rollout",
    """
    def rollout(attentions):
        found = []
        for n in range(len(attentions[0])):
            total = torch.eye(attentions[0].shape[3]).double()
            for attention in attentions:
                a = attention[n].double().sum(0) / attention.shape[1]
                total = torch.linalg.multi_dot([(a + torch.eye(len(a))) / 2, total])
            found.append(total[0])
        return torch.stack(found)
    """,
)

# --- rollout: wrong ---

answers.wrong("rollout", rollout(mixed="heads"))
answers.wrong("rollout", rollout(mixed="0.9 * heads + 0.1 * own"))
answers.wrong("rollout", rollout(mixed="0.5 * heads * own"))
answers.wrong("rollout", rollout(mixed="0.5 * (heads + 1)"))
answers.wrong("rollout", rollout(mixed="(heads + own) / 2; mixed = mixed.mT"))
answers.wrong("rollout", rollout(heads="attention.mean(2)"))
answers.wrong("rollout", rollout(heads="attention.amin(1)"))
answers.wrong("rollout", rollout(heads="attention[:, -1]"))
answers.wrong("rollout", rollout(heads="attention.softmax(3).mean(1)"))
answers.wrong("rollout", rollout(product="total @ mixed"))
answers.wrong("rollout", rollout(product="total + mixed"))
answers.wrong("rollout", rollout(product="mixed"))
answers.wrong("rollout", rollout(blocks="attentions[1:]"))
answers.wrong("rollout", rollout(blocks="attentions[:-1]"))
answers.wrong("rollout", rollout(result="total[:, -1]"))
answers.wrong("rollout", rollout(result="total[0]"))
answers.wrong("rollout", rollout(result="total.diagonal(dim1=1, dim2=2)"))
answers.wrong("rollout", rollout(result="total[:, 0] / total[:, 0].max()"))
answers.wrong("rollout", rollout(result="total[:, 0].softmax(1)"))
answers.wrong("rollout", rollout(heads="attention.mean(1); attention.zero_()"))

# --- token_grad_cam: right ---

CAM = """
def token_grad_cam(x, g):
    weights = {weights}
    s = {total}
    return {result}
"""


def cam(**changed: str) -> str:
    """The right answer with these parts exchanged."""
    parts = {
        "weights": "g[:, 1:].mean(1)",
        "total": "(x * weights[:, None]).sum(-1)",
        "result": "s.relu()",
    }
    return CAM.format(**(parts | changed))


answers.right("token_grad_cam", cam())
answers.right("token_grad_cam", cam(total="torch.einsum('ntd,nd->nt', x, weights)"))
answers.right("token_grad_cam", cam(total="(x @ weights[:, :, None])[:, :, 0]"))
answers.right(
    "token_grad_cam",
    cam(weights="(g.sum(1) - g[:, 0]) / (g.shape[1] - 1)", result="torch.maximum(s, s * 0)"),
)
answers.right(
    "token_grad_cam",
    """
    def token_grad_cam(x, g):
        rows = []
        for tokens, slopes in zip(x, g):
            w = sum(slopes[1:]) / len(slopes[1:])
            rows.append(torch.stack([F.relu(torch.dot(token, w)) for token in tokens]))
        return torch.stack(rows)
    """,
)

# --- token_grad_cam: wrong ---

answers.wrong("token_grad_cam", cam(weights="g.mean(1)"))
answers.wrong("token_grad_cam", cam(weights="g.mean((0, 1))[None]"))
answers.wrong("token_grad_cam", cam(weights="g[1:].mean(1)"))
answers.wrong("token_grad_cam", cam(weights="g[:, 1:].amax(1)"))
answers.wrong("token_grad_cam", cam(weights="g[:, 1:].abs().mean(1)"))
answers.wrong("token_grad_cam", cam(weights="g[:, 1:].sum(1) / g.shape[1]"))
answers.wrong("token_grad_cam", cam(weights="g[:, 1:].relu().mean(1)"))
answers.wrong("token_grad_cam", cam(weights="g[:, 1:].median(1).values"))
answers.wrong("token_grad_cam", cam(weights="g[:, 1:].mean(1).softmax(1)"))
answers.wrong("token_grad_cam", cam(weights="g[:, 1:].mean((1, 2), keepdim=True)[:, 0]"))
answers.wrong("token_grad_cam", cam(total="(x + weights[:, None]).sum(-1)"))
answers.wrong("token_grad_cam", cam(total="(x * weights[:, None]).norm(dim=-1)"))
answers.wrong("token_grad_cam", cam(total="(x * weights[:, None]).amax(-1)"))
answers.wrong("token_grad_cam", cam(total="(x[:, 1:] * weights[:, None]).sum(-1)"))
answers.wrong("token_grad_cam", cam(result="s.relu()[..., None]"))
answers.wrong("token_grad_cam", cam(result="(-s).relu()"))
answers.wrong("token_grad_cam", cam(result="s.relu() / s.relu().sum(1, keepdim=True)"))
answers.wrong("token_grad_cam", cam(result="s.sigmoid()"))

# --- integrate_gradients: right ---

INTEGRATE = """
def integrate_gradients(model, x, baseline, target, steps):
    mean = torch.zeros_like(x)
    for k in range({first}, {last}):
        a = {where}
        image = ({image}).detach().requires_grad_()
        score = {score}
        {gradient}
        mean = mean + gradient / {count}
    s = {attributions}
    with torch.no_grad():
        gap = {gap}
    return {result}
"""


def integrate(**changed: str) -> str:
    """The right answer with these parts exchanged."""
    parts = {
        "first": "0",
        "last": "steps",
        "where": "(k + 0.5) / steps",
        "image": "(1 - a) * baseline + a * x",
        "score": "model(image)[:, target].sum()",
        "gradient": "gradient, = torch.autograd.grad(score, image)",
        "count": "steps",
        "attributions": "mean * (x - baseline)",
        "gap": "s.sum((1, 2, 3)) - (model(x)[:, target] - model(baseline)[:, target])",
        "result": "s, gap",
    }
    return INTEGRATE.format(**(parts | changed))


answers.right(
    "integrate_gradients", integrate(first="1", last="steps + 1", where="(k - 0.5) / steps")
)
answers.right("integrate_gradients", integrate(image="x - a * (x - baseline)", result="[s, gap]"))
answers.right(
    "integrate_gradients",
    integrate(
        score="model(image)",
        gradient="gradient, = torch.autograd.grad(score, image, "
        "F.one_hot(torch.full((len(x),), target), score.shape[1]).to(score))",
    ),
)
answers.right(
    "integrate_gradients",
    """
    def integrate_gradients(model, x, baseline, target, steps):
        a = (torch.arange(steps, dtype=x.dtype) + 0.5).div(steps).view(-1, 1, 1, 1, 1)
        way = torch.lerp(baseline[None], x[None], a).flatten(0, 1).requires_grad_()
        (g,) = torch.autograd.grad(model(way)[:, target].sum(), way)
        s = g.unflatten(0, (steps, -1)).mean(0) * (x - baseline)
        rise = model(x)[:, target] - model(baseline)[:, target]
        return s.detach(), (s.flatten(1).sum(1) - rise).detach()
    """,
)
answers.right(
    "integrate_gradients",
    """
    def integrate_gradients(model, x, baseline, target, steps):
        def score(image):
            return torch.func.functional_call(model, {}, (image,))[:, target].sum()

        slopes = [
            torch.func.grad(score)(baseline + (2 * k + 1) / (2 * steps) * (x - baseline))
            for k in range(steps)
        ]
        s = (x - baseline) * sum(slopes) / steps
        ends = model(torch.cat([x, baseline]))[:, target].detach()
        return s, s.sum((1, 2, 3)) - ends[: len(x)] + ends[len(x) :]
    """,
)

# --- integrate_gradients: wrong ---

answers.wrong("integrate_gradients", integrate(where="k / (steps - 1 or 1)"))
answers.wrong("integrate_gradients", integrate(where="0.5"))
answers.wrong("integrate_gradients", integrate(where="k + 0.5"))
answers.wrong("integrate_gradients", integrate(image="baseline + a * x"))
answers.wrong("integrate_gradients", integrate(image="a * x"))
answers.wrong("integrate_gradients", integrate(score="model(image)[target].sum()"))
answers.wrong("integrate_gradients", integrate(score="model(image).max(1).values.sum()"))
answers.wrong("integrate_gradients", integrate(score="model(image).sigmoid()[:, target].sum()"))
answers.wrong("integrate_gradients", integrate(score="model(image).softmax(1)[:, target].sum()"))
answers.wrong("integrate_gradients", integrate(gradient="score.backward(); gradient = image.grad"))
answers.wrong(
    "integrate_gradients", integrate(gradient="gradient = torch.autograd.grad(score, image)")
)
answers.wrong("integrate_gradients", integrate(count="(steps - 1 or 1)"))
answers.wrong("integrate_gradients", integrate(count="1"))
answers.wrong("integrate_gradients", integrate(attributions="mean * x"))
answers.wrong("integrate_gradients", integrate(attributions="mean"))
answers.wrong("integrate_gradients", integrate(attributions="(mean * (x - baseline)).abs()"))
answers.wrong("integrate_gradients", integrate(gap="s.sum((1, 2, 3)) - model(x)[:, target]"))
answers.wrong(
    "integrate_gradients",
    integrate(gap="s.sum() - (model(x)[:, target] - model(baseline)[:, target]).sum()"),
)
answers.wrong(
    "integrate_gradients",
    integrate(gap="(model(x) - model(baseline))[:, target] - s.sum((1, 2, 3))"),
)
answers.wrong(
    "integrate_gradients",
    integrate(gap="s.sum((1, 2, 3)) / (model(x) - model(baseline))[:, target] - 1"),
)
answers.wrong("integrate_gradients", integrate(result="s"))
answers.wrong("integrate_gradients", integrate(result="gap, s"))
