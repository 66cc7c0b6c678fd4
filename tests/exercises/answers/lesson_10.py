"""Answers of lesson 10 that no exercise lists."""

from __future__ import annotations

from course_lib.exercises.engine.answers import Answers

answers = Answers()

REGION = """
class RegionScore(nn.Module):
    def __init__(self, model, region):
        super().__init__()
        self.model = model
        self.region = region

    def forward(self, x):
        {}
"""


def region(body: str) -> str:
    """The class with this `forward`; lines are parted by semicolons."""
    return REGION.format(body)


# --- region_score: right ---

answers.right(
    "region_score",
    """
    class RegionScore(nn.Module):
        def __init__(self, model, region):
            super().__init__()
            self.model = model
            self.register_buffer("weights", region.double() / region.sum())

        def forward(self, x):
            return torch.einsum("nchw,hw->nc", self.model(x), self.weights)
    """,
)
answers.right(
    "region_score",
    region("y = self.model(x).flatten(2); r = self.region.flatten().to(y); return y @ r / r.sum()"),
)
answers.right(
    "region_score",
    """
    class RegionScore(nn.Module):
        def __init__(self, model, region):
            super(RegionScore, self).__init__()
            self.model = model
            self.where = region > 0
            self.weights = region[self.where]

        def forward(self, x):
            inside = self.model(x)[:, :, self.where]
            return (inside * self.weights).sum(-1) / self.weights.sum()
    """,
)
answers.right(
    "region_score",
    region(
        "r = self.region.to(x) / self.region.sum(); "
        "return torch.stack([(one * r).sum((1, 2)) for one in self.model(x)])"
    ),
)
answers.right(
    "region_score",
    """
    class RegionScore(nn.Sequential):
        def __init__(self, model, region):
            super().__init__()
            self.model, self.region = model, region

        def forward(self, x):
            logits = self.model(x)
            total = logits.new_zeros(logits.shape[:2])
            for row, column in self.region.nonzero():
                total = total + self.region[row, column] * logits[:, :, row, column]
            return total / self.region.sum()
    """,
)

# --- region_score: wrong ---

answers.wrong("region_score", region("return (self.model(x) * self.region).mean()"))
answers.wrong(
    "region_score",
    region(
        "r = self.region.to(x) / self.region.sum(); "
        "return torch.stack([(self.model(one[None])[0] * r).sum((1, 2)) for one in x])"
    ),
    says="what the lesson does with it next",
)
answers.wrong("region_score", region("return self.model(x)[:, :, self.region > 0].mean((1, 2))"))
answers.wrong("region_score", region("return self.model(x)[:, :, self.region > 0]"))
answers.wrong(
    "region_score", region("return self.model(x)[:, :, self.region > 0].median(2).values")
)
answers.wrong(
    "region_score",
    region("return (self.model(x) * self.region).sum((1, 2, 3)) / self.region.sum()"),
)
answers.wrong(
    "region_score",
    region("y = self.model(x) * self.region; return y.sum((2, 3)) / y.ne(0).sum((2, 3))"),
)
answers.wrong(
    "region_score",
    region("(self.model(x) * self.region).sum((2, 3)) / self.region.sum()"),
)
answers.wrong(
    "region_score",
    region(
        "y = self.model(x).softmax(1); return (y * self.region).sum((2, 3)) / self.region.sum()"
    ),
)
answers.wrong(
    "region_score",
    region("y = self.model(x).relu(); return (y * self.region).sum((2, 3)) / self.region.sum()"),
)
answers.wrong(
    "region_score",
    region(
        "y = self.model(x); y = (y > 0) * self.region; return y.sum((2, 3)) / self.region.sum()"
    ),
)
answers.wrong(
    "region_score",
    region(
        "y = torch.tensor(self.model(x).tolist(), dtype=x.dtype); "
        "return (y * self.region).sum((2, 3)) / self.region.sum()"
    ),
)
answers.wrong(
    "region_score",
    region(
        "return (self.model(x) * self.region).sum((2, 3)) / self.region.sum((0, 1), keepdim=True)"
        ".max() / len(x)"
    ),
)
answers.wrong(
    "region_score",
    """
    class RegionScore(nn.Module):
        def __init__(self, model, region):
            self.model = model
            self.region = region

        def forward(self, x):
            return (self.model(x) * self.region).sum((2, 3)) / self.region.sum()
    """,
)
answers.wrong(
    "region_score",
    """
    def RegionScore(model, region):
        return lambda x: (model(x) * region).sum((2, 3)) / region.sum()
    """,
)
answers.wrong(
    "region_score",
    """
    class RegionScore(nn.Module):
        def __init__(self, model, region):
            super().__init__()
            self.model = model.train().requires_grad_(True)
            self.region = region

        def forward(self, x):
            return (self.model(x) * self.region).sum((2, 3)) / self.region.sum()
    """,
)

# --- three_shares: right ---


def shares(body: str) -> str:
    """The function with this body; lines are parted by semicolons."""
    return f"def three_shares(s, regions, width):\n    {body}"


answers.right(
    "three_shares",
    """
    def three_shares(s, regions, width):
        table = []
        for one, region in zip(s[:, 0], regions):
            wide = torch.zeros_like(region)
            for row, column in region.nonzero().tolist():
                top, left = max(0, row - width), max(0, column - width)
                wide[top : row + width + 1, left : column + width + 1] = True
            parts = region, wide & ~region, ~wide
            table.append([(one[part].sum() / one.sum()).item() for part in parts])
        return torch.tensor(table)
    """,
)
answers.right(
    "three_shares",
    shares(
        "k = torch.ones(1, 1, 2 * width + 1, 2 * width + 1); r = regions.unsqueeze(1).float(); "
        "w = F.conv2d(r, k, padding=width) > 0; r = r > 0; "
        "return torch.cat([(s * p).sum((2, 3)) for p in (r, w & ~r, ~w)], 1) / s.sum((2, 3))"
    ),
)
answers.right(
    "three_shares",
    shares(
        "r = regions.double(); w = F.max_pool2d(r, 2 * width + 1, 1, width); q = s[:, 0].double();"
        " q = q / q.sum((1, 2), keepdim=True); a = (q * r).sum((1, 2)); b = (q * w).sum((1, 2)); "
        "return torch.stack([a, b - a, 1 - b], 1)"
    ),
)
answers.right(
    "three_shares",
    """
    def three_shares(s, regions, width):
        wide = regions.clone()
        for _ in range(width):
            padded = F.pad(wide, (1, 1, 1, 1))
            h, w = wide.shape[1:]
            near = [padded[:, i : i + h, j : j + w] for i in range(3) for j in range(3)]
            wide = torch.stack(near).any(0)
        place = 2 - wide.long() - regions.long()
        picked = F.one_hot(place, 3) * s[:, 0, :, :, None]
        return picked.sum((1, 2)) / s.sum((1, 2, 3)).view(-1, 1)
    """,
)

# --- three_shares: wrong ---

RING = (
    "r = regions[:, None].to(s.dtype); w = F.max_pool2d(r, 2 * width + 1, 1, width); "
    "t = s.sum((1, 2, 3)); a, b, c = [(s * p).sum((1, 2, 3)) / t for p in (r, w - r, 1 - w)]; "
)
answers.wrong("three_shares", shares(f"{RING}return a, b, c"))
answers.wrong("three_shares", shares(f"{RING}return torch.cat([a, b, c])"))
answers.wrong("three_shares", shares(f"{RING}return torch.stack([a, b, c], 1) * 100"))
answers.wrong("three_shares", shares(f"{RING}return torch.stack([a, a + b, a + b + c], 1)"))
answers.wrong("three_shares", shares(f"{RING}return torch.stack([a, b], 1)"))
answers.wrong("three_shares", shares(f"{RING}return torch.stack([a, c, b], 1)"))
answers.wrong("three_shares", shares(f"{RING}return torch.stack([a, b, c], 1).softmax(1)"))
answers.wrong("three_shares", shares(f"{RING}torch.stack([a, b, c], 1)"))
answers.wrong("three_shares", shares(f"s /= s.sum(); {RING}return torch.stack([a, b, c], 1)"))
answers.wrong(
    "three_shares",
    shares(
        "r = regions[:, None].float(); w = F.avg_pool2d(r, 2 * width + 1, 1, width); "
        "t = s.sum((1, 2, 3)); "
        "return torch.stack([(s * p).sum((1, 2, 3)) / t for p in (r, w - r, 1 - w)], 1)"
    ),
)
answers.wrong(
    "three_shares",
    shares(
        "r = regions[:, None].float(); w = F.max_pool2d(r, 2 * width + 1, 1); "
        "t = s.sum((1, 2, 3)); "
        "return torch.stack([(s * p).sum((1, 2, 3)) / t for p in (r, w - r, 1 - w)], 1)"
    ),
)
answers.wrong(
    "three_shares",
    shares(
        "r = regions.any(0)[None, None].float(); w = F.max_pool2d(r, 2 * width + 1, 1, width); "
        "t = s.sum((1, 2, 3)); "
        "return torch.stack([(s * p).sum((1, 2, 3)) / t for p in (r, w - r, 1 - w)], 1)"
    ),
)
answers.wrong(
    "three_shares",
    """
    def three_shares(s, regions, width):
        table = []
        for one, region in zip(s[:, 0], regions):
            rows, columns = torch.where(region)
            wide = torch.zeros_like(region)
            top, left = max(0, rows.min() - width), max(0, columns.min() - width)
            wide[top : rows.max() + width + 1, left : columns.max() + width + 1] = True
            parts = region, wide & ~region, ~wide
            table.append([(one[part].sum() / one.sum()).item() for part in parts])
        return torch.tensor(table)
    """,
)
answers.wrong(
    "three_shares",
    """
    def three_shares(s, regions, width):
        wide = regions.clone()
        for _ in range(width):
            wide[:, 1:] |= wide[:, :-1].clone()
            wide[:, :, 1:] |= wide[:, :, :-1].clone()
        parts = regions, wide & ~regions, ~wide
        t = s.sum((1, 2, 3))
        return torch.stack([(s[:, 0] * part).sum((1, 2)) / t for part in parts], 1)
    """,
)

# --- swapped_scores: right ---


def swapped(body: str) -> str:
    """The function with this body; lines are parted by semicolons."""
    return f"def swapped_scores(model, x, box, others, target):\n    {body}"


answers.right(
    "swapped_scores",
    """
    @torch.no_grad()
    def swapped_scores(model, x, box, others, target):
        t, l, b, r = box
        mask = torch.zeros_like(x[:, :1], dtype=torch.bool)
        mask[:, :, t:b, l:r] = True
        rows = []
        for other in others:
            both = torch.cat([torch.where(mask, x, other), torch.where(mask, other, x)])
            rows.append(model(both)[:, target])
        return torch.stack(rows)
    """,
)
answers.right(
    "swapped_scores",
    swapped(
        "t, l, b, r = box; m = torch.zeros(x.shape[2:], dtype=x.dtype); m[t:b, l:r] = 1; "
        "y = torch.cat([m * x + (1 - m) * others, m * others + (1 - m) * x]); "
        "return model(y).detach()[:, target].view(2, -1).T"
    ),
)
answers.right(
    "swapped_scores",
    """
    def swapped_scores(model, x, box, others, target):
        t, l, b, r = box
        table = torch.empty(len(others), 2, dtype=x.dtype)
        for k in range(len(others)):
            one, two = others[k : k + 1].clone(), x.clone()
            one[..., t:b, l:r], two[..., t:b, l:r] = x[..., t:b, l:r], one[..., t:b, l:r].clone()
            table[k, 0] = model(one)[0, target].item()
            table[k, 1] = model(two)[0, target].item()
        return table
    """,
)
answers.right(
    "swapped_scores",
    """
    def swapped_scores(model, x, box, others, target):
        rows = torch.arange(x.shape[2])[:, None]
        columns = torch.arange(x.shape[3])
        top, left, bottom, right = box
        inside = (rows >= top) & (rows < bottom) & (columns >= left) & (columns < right)
        with torch.inference_mode():
            return torch.stack(
                [model(x.where(which, others))[:, target] for which in (inside, ~inside)], -1
            ).clone()
    """,
)

# --- swapped_scores: wrong ---

BOTH = (
    "t, l, b, r = box; m = torch.zeros(x.shape[2:], dtype=x.dtype); m[t:b, l:r] = 1; "
    "one, two = m * x + (1 - m) * others, m * others + (1 - m) * x; "
)
SCORES = "u, v = model(one).detach()[:, target], model(two).detach()[:, target]; "
answers.wrong("swapped_scores", swapped(f"{BOTH}{SCORES}return u, v"))
answers.wrong("swapped_scores", swapped(f"{BOTH}{SCORES}return torch.cat([u, v])"))
answers.wrong("swapped_scores", swapped(f"{BOTH}{SCORES}return u - v"))
answers.wrong("swapped_scores", swapped(f"{BOTH}{SCORES}return torch.stack([u, u], 1)"))
answers.wrong("swapped_scores", swapped(f"{BOTH}{SCORES}torch.stack([u, v], 1)"))
answers.wrong(
    "swapped_scores",
    swapped(f"{BOTH}{SCORES}return torch.stack([u.sort().values, v.sort().values], 1)"),
)
answers.wrong(
    "swapped_scores",
    swapped(f"{BOTH}return torch.stack([model(y).detach().amax(1) for y in (one, two)], 1)"),
)
answers.wrong(
    "swapped_scores",
    swapped(f"{BOTH}return torch.stack([model(y).softmax(1)[:, target] for y in (one, two)], 1)"),
)
answers.wrong(
    "swapped_scores",
    swapped(
        "t, l, b, r = box; one, two = others, x.repeat(len(others), 1, 1, 1); "
        "one[:, :, t:b, l:r] = x[:, :, t:b, l:r]; two[:, :, t:b, l:r] = others[:, :, t:b, l:r]; "
        "return torch.stack([model(y).detach()[:, target] for y in (one, two)], 1)"
    ),
    says="in place",
)
answers.wrong(
    "swapped_scores",
    swapped(
        "t, l, b, r = box; one, two = others.clone(), x.expand(len(others), -1, -1, -1); "
        "one[:, :, t:b, l:r] = x[:, :, t:b, l:r]; two[:, :, t:b, l:r] = others[:, :, t:b, l:r]; "
        "return torch.stack([model(y).detach()[:, target] for y in (one, two)], 1)"
    ),
)
answers.wrong(
    "swapped_scores",
    swapped(
        "t, l, h, w = box; m = torch.zeros(x.shape[2:], dtype=x.dtype); m[t:t + h, l:l + w] = 1; "
        "one, two = m * x + (1 - m) * others, m * others + (1 - m) * x; "
        "return torch.stack([model(y).detach()[:, target] for y in (one, two)], 1)"
    ),
)
answers.wrong(
    "swapped_scores",
    swapped(
        "t, l, b, r = box; one, two = others.clone(), x.repeat(len(others), 1, 1, 1); "
        "one[:, :, t:b, l:r] = x[:, :, t:b, l:r]; two[:, :, t:b, l:r] = one[:, :, t:b, l:r]; "
        "return torch.stack([model(y).detach()[:, target] for y in (one, two)], 1)"
    ),
)
answers.wrong(
    "swapped_scores",
    swapped(f"{BOTH}model.eval(); {SCORES}return torch.stack([u, v], 1)"),
)
answers.wrong(
    "swapped_scores",
    swapped(f"{BOTH}{SCORES}return torch.stack([u.mean(), v.mean()]).expand(len(others), 2)"),
)
