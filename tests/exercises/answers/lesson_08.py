"""Answers of lesson 08 that no exercise lists."""

from __future__ import annotations

from course_lib.exercises.engine.answers import Answers

answers = Answers()


def hits(body: str) -> str:
    """The function with this body; lines are parted by semicolons."""
    return f"def pointing_hits(s, masks):\n    {body}"


# --- pointing_hits: right ---

answers.right(
    "pointing_hits",
    """
    def pointing_hits(s, masks):
        result = torch.zeros(len(s))
        for n in range(len(s)):
            top = s[n, 0] == s[n, 0].max()
            result[n] = masks[n][top].float().mean()
        return result
    """,
)
answers.right(
    "pointing_hits",
    hits(
        "best = (s[:, 0] >= s.amax((2, 3))[..., None]).double(); best /= best.sum((1, 2), "
        "keepdim=True); return (best * masks).sum((1, 2))"
    ),
)
answers.right(
    "pointing_hits",
    """
    def pointing_hits(s, masks):
        ties = []
        for one, mask in zip(s, masks):
            rows, columns = torch.where(one[0] == torch.max(one))
            ties.append(sum(int(mask[r, c]) for r, c in zip(rows, columns)) / len(rows))
        return torch.tensor(ties)
    """,
)
answers.right(
    "pointing_hits",
    hits(
        "d = s.flatten(2).max(2, keepdim=True).values - s.flatten(2); top = (d == 0).float(); "
        "return torch.einsum('nkp,np->n', top, masks.flatten(1).float()) / top.sum((1, 2))"
    ),
)
answers.right(
    "pointing_hits",
    hits(
        "x = s.masked_fill(s < s.amax((1, 2, 3), keepdim=True), 0) * 0 + "
        "(s == s.amax((1, 2, 3), keepdim=True)); return (x * masks.unsqueeze(1)).sum((1, 2, 3))"
        " / x.sum((1, 2, 3))"
    ),
)

# --- pointing_hits: wrong ---

answers.wrong("pointing_hits", hits("return masks[s == s.max()].float().mean()"))
answers.wrong("pointing_hits", hits("return masks.flatten(1)[:, s.flatten(1).argmax(1)].float()"))
answers.wrong(
    "pointing_hits",
    hits("top = s.flatten(1) == s.max(); return (top & masks.flatten(1)).sum(1) / top.sum(1)"),
)
answers.wrong(
    "pointing_hits",
    hits("top = s[:, 0] == s.amax((2, 3))[..., None]; return (top & masks).sum() / top.sum()"),
)
answers.wrong(
    "pointing_hits",
    hits(
        "top = s == s.amax(3, keepdim=True); "
        "return (top[:, 0] & masks).sum((1, 2)) / top.sum((1, 2, 3))"
    ),
)
answers.wrong(
    "pointing_hits",
    hits(
        "top = s == s.amax((2, 3), keepdim=True); "
        "return (top & masks).sum((1, 2, 3)) / top.sum((1, 2, 3))"
    ),
)
answers.wrong(
    "pointing_hits",
    hits(
        "top = s[:, 0] == s.amax((2, 3))[..., None]; "
        "return ((top & masks).sum((1, 2)) / top.sum((1, 2))).round()"
    ),
)
answers.wrong(
    "pointing_hits",
    hits("best = s.flatten(1).argsort(1)[:, -1:]; return masks.flatten(1).gather(1, best)[:, 0]"),
)
answers.wrong(
    "pointing_hits",
    hits("top = s[:, 0] == s.amax((2, 3))[..., None]; (top & masks).sum((1, 2)) / top.sum((1, 2))"),
)
answers.wrong(
    "pointing_hits",
    hits(
        "s = s.clamp(min=0); top = s[:, 0] == s.amax((2, 3))[..., None]; "
        "return (top & masks).sum((1, 2)) / top.sum((1, 2))"
    ),
)
answers.wrong(
    "pointing_hits",
    hits(
        "s *= masks[:, None]; top = s[:, 0] == s.amax((2, 3))[..., None]; "
        "return (top & masks).sum((1, 2)) / top.sum((1, 2))"
    ),
)
answers.wrong(
    "pointing_hits",
    hits(
        "top = s[:, 0] == s.amax((2, 3))[..., None]; "
        "return (top & masks).sum((1, 2)) / top.sum((1, 2)) * 100"
    ),
)

answers.wrong(
    "pointing_hits",
    hits(
        "top = torch.isclose(s, s.amax((2, 3), keepdim=True), rtol=0.1)[:, 0]; "
        "return (top * masks).sum((1, 2)) / top.sum((1, 2))"
    ),
)

# --- accuracies: right ---

WILSON = """
def accuracies(hits, targets, classes):
    z = {z}
    table = torch.full((classes, 3), {empty})
    {first}
    for c in range({classes}):
        h = hits[targets == c]
        n = {n}
        if len(h):
            p = h.mean()
            d = 1 + z * z / n
            m = (p + z * z / (2 * n)) / d
            e = z * ({root}) ** 0.5 / d
            table[c] = torch.stack([{row}])
    return table
"""


def wilson(**changed: str) -> str:
    """The right answer with these parts exchanged."""
    parts = {
        "z": "1.96",
        "empty": "float('nan')",
        "first": "table[:, 1], table[:, 2] = 0, 1",
        "classes": "classes",
        "n": "len(h)",
        "root": "p * (1 - p) / n + z * z / (4 * n * n)",
        "row": "p, m - e, m + e",
    }
    return WILSON.format(**(parts | changed))


answers.right("accuracies", wilson())
answers.right("accuracies", wilson(n="max(1, (targets == c).sum().item())"))
answers.right("accuracies", wilson(row="p.double(), (m - e).double(), (m + e).double()"))
answers.right(
    "accuracies",
    """
    def accuracies(hits, targets, classes):
        z = 1.96
        which = F.one_hot(targets, classes).float()
        n = which.sum(0)
        a = (hits.float() @ which) / n
        middle = a + z * z / (2 * n)
        half = z * torch.sqrt(a * (1 - a) / n + z * z / (4 * n * n))
        low, high = ((middle + sign * half) / (1 + z * z / n) for sign in (-1, 1))
        low, high = low.where(n > 0, 0.0), high.where(n > 0, 1.0)
        return torch.stack([a, low, high], dim=1)
    """,
)
answers.right(
    "accuracies",
    """
    def accuracies(hits, targets, classes):
        rows = []
        for c in range(classes):
            values = [float(h) for h, t in zip(hits, targets) if int(t) == c]
            if not values:
                rows.append([math.nan, 0.0, 1.0])
                continue
            n, a = len(values), sum(values) / len(values)
            root = 1.96 * math.sqrt(max(0.0, a * (1 - a)) / n + 1.96**2 / 4 / n**2)
            ends = [(a + 1.96**2 / 2 / n + s * root) / (1 + 1.96**2 / n) for s in (-1, 1)]
            rows.append([a, *ends])
        return torch.tensor(rows)
    """,
)

# --- accuracies: wrong ---

answers.wrong("accuracies", wilson(z="2.576"))
answers.wrong("accuracies", wilson(root="p * (1 - p) / n"))
answers.wrong("accuracies", wilson(root="p * (1 - p) / n + z * z / (4 * n)"))
answers.wrong("accuracies", wilson(root="p * (1 - p) / n + z * z / 4 * n * n"))
answers.wrong("accuracies", wilson(row="100 * p, 100 * (m - e), 100 * (m + e)"))
answers.wrong("accuracies", wilson(row="p, m, e"))
answers.wrong("accuracies", wilson(row="p, e, e"))
answers.wrong("accuracies", wilson(n="len(h) - 1 or 1"))
answers.wrong("accuracies", wilson(classes="int(targets.max())"))
answers.wrong("accuracies", wilson(first="pass"))
answers.wrong("accuracies", wilson(first="table[:] = 0"))
answers.wrong("accuracies", wilson(row="h.round().mean(), m - e, m + e"))
answers.wrong("accuracies", wilson(row="p, p - e, p + e"))
answers.wrong(
    "accuracies",
    """
    def accuracies(hits, targets, classes):
        return torch.stack([hits[targets == c].mean() for c in range(classes)])
    """,
)

# --- deletion_curve: right ---

DELETION = """
def deletion_curve(model, x, target, s, steps):
    image = {start}
    order = {order}
    {rest}
    curve = []
    for k in range({steps}):
        count = {count}
        rows, columns = order[:count] // x.shape[3], order[:count] % x.shape[3]
        {change}
        curve.append({probability})
    curve = torch.stack(curve)
    return {result}
"""


def deletion(**changed: str) -> str:
    """The right answer with these parts exchanged."""
    parts = {
        "start": "x.clone()",
        "order": "s.flatten().sort(descending=True).indices",
        "rest": "colour = x.mean((0, 2, 3))[:, None]",
        "steps": "steps + 1",
        "count": "k * (s.numel() // steps)",
        "change": "image[0, :, rows, columns] = colour",
        "probability": "torch.sigmoid(model(image)[0, target]).detach()",
        "result": "curve, (curve[1:] + curve[:-1]).sum() / 2 / steps",
    }
    return DELETION.format(**(parts | changed))


answers.right("deletion_curve", deletion())
answers.right("deletion_curve", deletion(result="[curve, torch.trapz(curve) / steps]"))
answers.right("deletion_curve", deletion(order="(-s).flatten().argsort()"))
answers.right("deletion_curve", deletion(probability="F.sigmoid(model(image))[0][target]"))
answers.right(
    "deletion_curve",
    """
    @torch.no_grad()
    def deletion_curve(model, x, target, s, steps):
        n = s.numel()
        place = torch.empty(n, dtype=torch.long)
        place[s.reshape(-1).argsort(descending=True)] = torch.arange(n)
        counts = torch.arange(steps + 1)[:, None] * n // steps
        kept = (place[None] >= counts).view(-1, 1, *s.shape[-2:])
        mean = x.flatten(2).mean(2)[..., None, None]
        images = x * kept + mean * ~kept
        curve = torch.cat([model(i[None]) for i in images]).sigmoid()[:, target]
        return curve, curve[:-1].add(curve[1:]).mean() / 2
    """,
)

# --- deletion_curve: wrong ---

answers.wrong("deletion_curve", deletion(start="x"))
answers.wrong("deletion_curve", deletion(order="s.flatten().argsort()"))
answers.wrong("deletion_curve", deletion(rest="colour = 0.5"))
answers.wrong("deletion_curve", deletion(rest="colour = x.amax((0, 2, 3))[:, None]"))
answers.wrong("deletion_curve", deletion(rest="colour = x.median()"))
answers.wrong("deletion_curve", deletion(count="k"))
answers.wrong("deletion_curve", deletion(count="k * steps"))
answers.wrong("deletion_curve", deletion(change="image[0, 0, rows, columns] = x[0, 0].mean()"))
answers.wrong("deletion_curve", deletion(probability="model(image).sigmoid()[0].max()"))
answers.wrong("deletion_curve", deletion(probability="model(image)[0, target].exp()"))
answers.wrong("deletion_curve", deletion(result="curve"))
answers.wrong("deletion_curve", deletion(result="curve, curve.sum()"))
answers.wrong("deletion_curve", deletion(result="curve, 1 - torch.trapezoid(curve, dx=1 / steps)"))
answers.wrong("deletion_curve", deletion(result="torch.trapezoid(curve, dx=1 / steps), curve"))
answers.wrong("deletion_curve", deletion(steps="1, steps + 1"))
answers.wrong("deletion_curve", deletion(start="x.clone(); model.eval()"))

# --- likeness_curve: right ---

LIKENESS = """
import copy

def likeness_curve(model, x, target, method, likeness, layers):
    first = {first}
    network = {copied}
    found = []
    for name in layers:
        {draw}
        found.append({compared})
    return {result}
"""


def curve(**changed: str) -> str:
    """The right answer with these parts exchanged."""
    parts = {
        "first": "method(model, x, target)",
        "copied": "copy.deepcopy(model)",
        "draw": "network.get_submodule(name).reset_parameters()",
        "compared": "likeness(first, method(network, x, target))",
        "result": "torch.stack(found, dim=1)",
    }
    return LIKENESS.format(**(parts | changed))


answers.right("likeness_curve", curve(result="torch.stack(found).T"))
answers.right(
    "likeness_curve", curve(draw="dict(network.named_modules())[name].reset_parameters()")
)
answers.right("likeness_curve", curve(result="torch.cat([f[:, None] for f in found], 1)"))
answers.right("likeness_curve", curve(first="method(copy.deepcopy(model), x, target).detach()"))
answers.right(
    "likeness_curve",
    """
    from copy import deepcopy

    def likeness_curve(model, x, target, method, likeness, layers):
        first = method(model, x, target)
        table = torch.zeros(len(x), len(layers))
        for k in range(len(layers)):
            network = deepcopy(model)
            for name in layers[: k + 1]:
                network.get_submodule(name).reset_parameters()
            table[:, k] = likeness(first, method(network, x, target))
        return table
    """,
)

# --- likeness_curve: wrong ---

answers.wrong("likeness_curve", curve(copied="model"))
answers.wrong("likeness_curve", curve(copied="copy.copy(model)"))
answers.wrong("likeness_curve", curve(copied="copy.deepcopy(model).train()"))
answers.wrong("likeness_curve", curve(draw="network.get_submodule(name)"))
answers.wrong("likeness_curve", curve(draw="network.get_submodule(name).reset_parameters"))
answers.wrong("likeness_curve", curve(draw="network.get_submodule(name).weight.data.normal_()"))
answers.wrong("likeness_curve", curve(draw="nn.init.zeros_(network.get_submodule(name).weight)"))
answers.wrong("likeness_curve", curve(draw="model.get_submodule(name).reset_parameters()"))
answers.wrong("likeness_curve", curve(compared="likeness(first, method(model, x, target))"))
answers.wrong("likeness_curve", curve(compared="likeness(x, method(network, x, target))"))
answers.wrong("likeness_curve", curve(compared="1 - likeness(first, method(network, x, target))"))
answers.wrong(
    "likeness_curve",
    curve(
        compared="likeness(first, method(network, x, target)).mean()", result="torch.stack(found)"
    ),
)
answers.wrong("likeness_curve", curve(result="found[-1]"))
answers.wrong("likeness_curve", curve(result="torch.cat(found)"))
answers.wrong("likeness_curve", curve(result="found"))
