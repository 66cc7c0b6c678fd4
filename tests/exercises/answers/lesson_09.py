"""Answers of lesson 09 that no exercise lists."""

from __future__ import annotations

from course_lib.exercises.engine.answers import Answers

answers = Answers()


def outside(body: str) -> str:
    """The function with this body; lines are parted by semicolons."""
    return f"def share_outside(s, masks):\n    {body}"


def mean(body: str) -> str:
    """The function with this body; lines are parted by semicolons."""
    return f"def mean_map(s):\n    {body}"


def pasted(body: str) -> str:
    """The function with this body, after the box is taken apart."""
    return f"def paste(x, source, box):\n    top, bottom, left, right = box; {body}"


def reaction(body: str) -> str:
    """The function with this body; lines are parted by semicolons."""
    return f"def reactions(model, before, after):\n    {body}"


# --- share_outside: right ---

answers.right(
    "share_outside",
    """
    def share_outside(s, masks):
        shares = []
        for one, mask in zip(s[:, 0], masks):
            one = torch.where(one > 0, one, torch.zeros_like(one))
            shares.append(1 - (one * mask).sum() / one.sum())
        return torch.stack(shares)
    """,
)
answers.right(
    "share_outside",
    outside(
        "s = F.relu(s).squeeze(1); return torch.einsum('nhw,nhw->n', s, 1 - masks) / s.sum((-1, -2))"
    ),
)
answers.right(
    "share_outside",
    outside(
        "p = s.flatten(1).relu(); p = p / p.sum(1, keepdim=True); "
        "return (p * (1 - masks.flatten(1))).sum(1)"
    ),
)
answers.right(
    "share_outside",
    outside(
        "s = (s.abs() + s) / 2; m = masks[:, None]; "
        "return (s - s * m).sum((1, 2, 3)) / s.sum((1, 2, 3))"
    ),
)
answers.right(
    "share_outside",
    """
    def share_outside(s, masks):
        values = []
        for n in range(s.shape[0]):
            total = s[n][s[n] > 0].sum()
            if total == 0:
                values.append(float('nan'))
            else:
                values.append(float((s[n, 0].clamp(0) * (1 - masks[n])).sum() / total))
        return torch.tensor(values)
    """,
)

# --- share_outside: wrong ---

answers.wrong(
    "share_outside", outside("s = s.clamp(min=0); return (s * (1 - masks)).sum() / s.sum()")
)
answers.wrong(
    "share_outside",
    outside("s = s.clamp(min=0); return (s * (1 - masks)).sum((1, 2, 3)) / s.sum((1, 2, 3))"),
)
answers.wrong(
    "share_outside",
    outside(
        "s = s[:, 0].clamp(min=0); return (s * (1 - masks)).sum((1, 2)) / (1 - masks).sum((1, 2))"
    ),
)
answers.wrong(
    "share_outside",
    outside("s = s[:, 0].clamp(min=0); return (s * (1 - masks)).amax((1, 2)) / s.amax((1, 2))"),
)
answers.wrong(
    "share_outside",
    outside("s = s[:, 0].clamp(min=0); return 100 * (s * (1 - masks)).sum((1, 2)) / s.sum((1, 2))"),
)
answers.wrong(
    "share_outside",
    outside("s.clamp_(min=0); return (s[:, 0] * (1 - masks)).sum((1, 2)) / s[:, 0].sum((1, 2))"),
    says="in place",
)
answers.wrong(
    "share_outside",
    outside("s = s[:, 0].clamp(min=0); (s * (1 - masks)).sum((1, 2)) / s.sum((1, 2))"),
)
answers.wrong(
    "share_outside",
    outside(
        "s = s[:, 0] - s[:, 0].amin((1, 2), keepdim=True); "
        "return (s * (1 - masks)).sum((1, 2)) / s.sum((1, 2))"
    ),
)
answers.wrong(
    "share_outside",
    outside("s = s[:, 0].sigmoid(); return (s * (1 - masks)).sum((1, 2)) / s.sum((1, 2))"),
)
answers.wrong(
    "share_outside",
    outside("s = s[:, 0].clamp(min=0); return (s * (masks == 0)).sum((1, 2)) / s.sum((1, 2))"),
)
answers.wrong(
    "share_outside",
    outside("s = s[:, 0].clamp(min=0); return (s * (1 - masks)).sum(1) / s.sum(1)"),
)
answers.wrong(
    "share_outside",
    outside(
        "s = s[:, 0].clamp(min=0); return ((s * (1 - masks)).sum((1, 2)) / s.sum((1, 2))).nan_to_num(1)"
    ),
)

# --- mean_map: right ---

answers.right(
    "mean_map",
    """
    def mean_map(s):
        total, count = torch.zeros(s.shape[2:], dtype=s.dtype), 0
        for one in s[:, 0]:
            one = one * (one > 0)
            if one.sum() > 0:
                total += one / one.sum()
                count += 1
        return total / count
    """,
)
answers.right(
    "mean_map",
    mean(
        "p = s.flatten(1).relu(); p = p / p.sum(1, keepdim=True); "
        "return p.nanmean(0).view(s.shape[2:])"
    ),
)
answers.right(
    "mean_map",
    mean(
        "p = F.relu(s[:, 0]); w = 1 / p.sum((1, 2)); w[w.isinf()] = 0; "
        "return torch.einsum('n,nhw->hw', w, p) / (w > 0).sum()"
    ),
)
answers.right(
    "mean_map",
    """
    def mean_map(s):
        kept = [m.clamp(min=0) for m in s.squeeze(1) if (m > 0).any()]
        return sum(m / m.sum() for m in kept) / len(kept)
    """,
)
answers.right(
    "mean_map",
    mean(
        "p = F.normalize(s.clamp(min=0).flatten(1), p=1, dim=1, eps=1e-30); "
        "return (p.sum(0) / (p.sum(1) > 0).sum()).unflatten(0, s.shape[2:])"
    ),
)

# --- mean_map: wrong ---

answers.wrong("mean_map", mean("return s.mean(0)"))
answers.wrong("mean_map", mean("return s[:, 0].mean(0).clamp(min=0)"))
answers.wrong("mean_map", mean("p = s[:, 0].relu(); return p.sum(0) / p.sum()"))
answers.wrong(
    "mean_map",
    mean(
        "p = s[:, 0].relu(); p = p[p.sum((1, 2)) > 0]; return (p / p.mean((1, 2), keepdim=True)).mean(0)"
    ),
)
answers.wrong(
    "mean_map",
    mean(
        "p = s[:, 0].relu(); p = p[p.sum((1, 2)) > 0]; "
        "return (p / p.square().sum((1, 2), keepdim=True).sqrt()).mean(0)"
    ),
)
answers.wrong(
    "mean_map",
    mean(
        "p = s[:, 0].relu(); p = p[p.sum((1, 2)) > 0]; "
        "return (p / p.sum((1, 2), keepdim=True)).median(0).values"
    ),
)
answers.wrong(
    "mean_map",
    mean("p = s[:, 0].relu(); p = p[p.sum((1, 2)) > 0]; (p / p.sum((1, 2), keepdim=True)).mean(0)"),
)
answers.wrong(
    "mean_map",
    mean(
        "s.clamp_(min=0); p = s[:, 0][s.sum((1, 2, 3)) > 0]; "
        "return (p / p.sum((1, 2), keepdim=True)).mean(0)"
    ),
    says="in place",
)
answers.wrong(
    "mean_map",
    mean(
        "p = s[:, 0].relu(); p = p[p.sum((1, 2)) > 0]; return (p / p.sum(1, keepdim=True)).mean(0)"
    ),
)
answers.wrong(
    "mean_map",
    mean("p = s[:, 0].flatten(1).softmax(1); return p.mean(0).view(s.shape[2:])"),
)
answers.wrong(
    "mean_map",
    mean(
        "p = s[:, 0].relu(); p = p[p.sum((1, 2)) > 0]; "
        "return (p / p.sum((1, 2), keepdim=True)).mean(0).sqrt()"
    ),
)
answers.wrong(
    "mean_map",
    mean(
        "p = s[:, 0].relu(); p = p[p.sum((1, 2)) > 1]; "
        "return (p / p.sum((1, 2), keepdim=True)).mean(0)"
    ),
)

# --- paste: right ---

answers.right(
    "paste",
    """
    def paste(x, source, box):
        top, bottom, left, right = box
        inside = torch.zeros_like(x, dtype=torch.bool)
        inside[..., top:bottom, left:right] = True
        return torch.where(inside, source, x)
    """,
)
answers.right(
    "paste",
    pasted(
        "m = torch.zeros(x.shape[2:]).to(x); m[top:bottom, left:right] = 1; "
        "return x * (1 - m) + source * m"
    ),
)
answers.right(
    "paste",
    """
    def paste(x, source, box):
        top, bottom, left, right = box
        source = source.expand(x.shape)
        middle = torch.cat(
            [
                x[:, :, top:bottom, :left],
                source[:, :, top:bottom, left:right],
                x[:, :, top:bottom, right:],
            ],
            3,
        )
        return torch.cat([x[:, :, :top], middle, x[:, :, bottom:]], 2)
    """,
)
answers.right(
    "paste",
    """
    def paste(x, source, box):
        changed = torch.empty_like(x).copy_(x)
        for row in range(box[0], box[1]):
            for column in range(box[2], box[3]):
                changed[:, :, row, column] = source[:, :, row, column]
        return changed
    """,
)
answers.right(
    "paste",
    pasted(
        "y = x + 0; y[..., slice(top, bottom), slice(left, right)].copy_("
        "source[..., top:bottom, left:right]); return y"
    ),
)

# --- paste: wrong ---

answers.wrong(
    "paste",
    pasted("x[:, :, top:bottom, left:right] = source[:, :, top:bottom, left:right]; return x"),
    says="in place",
)
answers.wrong(
    "paste",
    pasted(
        "y = x; y[:, :, top:bottom, left:right] = source[:, :, top:bottom, left:right]; return y"
    ),
    says="in place",
)
answers.wrong(
    "paste",
    pasted("y = x.clone(); y[:, :, top:bottom, left:right] = source[:, :, top:bottom, left:right]"),
)
answers.wrong(
    "paste",
    pasted(
        "y = x.clone(); y[:, top:bottom, left:right] = source[:, top:bottom, left:right]; return y"
    ),
)
answers.wrong(
    "paste",
    pasted("y = x.clone(); y[:, :, top:bottom] = source[:, :, top:bottom]; return y"),
)
answers.wrong(
    "paste",
    pasted("y = x.clone(); y[:, :, top:bottom, left:right] = source.mean(); return y"),
)
answers.wrong(
    "paste",
    pasted(
        "y = x.clone(); p = source[:, :, top:bottom, left:right]; "
        "y[:, :, top:bottom, left:right] = p.flip(2); return y"
    ),
)
answers.wrong(
    "paste",
    pasted("y = x.clone(); y[:, :, top:, left:] = source[:, :, top:, left:]; return y"),
)
answers.wrong(
    "paste",
    pasted("y = x.clone(); y[:, :, :bottom, :right] = source[:, :, :bottom, :right]; return y"),
)
answers.wrong(
    "paste",
    pasted("m = torch.ones_like(x); m[:, :, top:bottom, left:right] = 0; return x * m + source"),
)
answers.wrong(
    "paste",
    pasted(
        "y = x.clone(); y[:, :, top:bottom, left:right] = "
        "source[0, :, top:bottom, left:right]; return y[:1]"
    ),
)
answers.wrong(
    "paste",
    pasted(
        "y = x.clone(); y[:, :, top:bottom + top, left:right + left] = "
        "source[:, :, top:bottom + top, left:right + left]; return y"
    ),
)

# --- reactions: right ---

answers.right(
    "reactions",
    """
    @torch.no_grad()
    def reactions(model, before, after):
        rows = []
        first, then = model(before), model(after)
        for k in range(first.shape[1]):
            a, b = first[:, k], then[:, k]
            flips = sum(bool(p > 0) != bool(q > 0) for p, q in zip(a, b))
            rows.append([float((b - a).mean()), flips / len(a)])
        return torch.tensor(rows)
    """,
)
answers.right(
    "reactions",
    reaction(
        "first, then = model(before).detach(), model(after).detach(); "
        "flips = torch.logical_xor(first > 0, then > 0).double().mean(0); "
        "return torch.stack((then.mean(0) - first.mean(0), flips), dim=-1)"
    ),
)
answers.right(
    "reactions",
    """
    def reactions(model, before, after):
        with torch.inference_mode():
            scores = model(torch.cat([before, after]))
        first, then = scores.clone().chunk(2)
        flipped = ((first > 0).int() - (then > 0).int()).abs()
        return torch.stack([(then - first).mean(0), flipped.to(first.dtype).mean(0)]).T
    """,
)
answers.right(
    "reactions",
    """
    def reactions(model, before, after):
        with torch.no_grad():
            pairs = [(model(a[None])[0], model(b[None])[0]) for a, b in zip(before, after)]
        change = torch.stack([b - a for a, b in pairs]).mean(0)
        flips = torch.stack([(a > 0) ^ (b > 0) for a, b in pairs]).to(change).mean(0)
        return torch.cat([change[:, None], flips[:, None]], 1)
    """,
)

# --- reactions: wrong ---

answers.wrong(
    "reactions",
    reaction(
        "a, b = model(before).detach(), model(after).detach(); "
        "return torch.stack([(b - a).mean(0), (a * b < 0).to(a).mean(1)], 1)"
    ),
)
answers.wrong(
    "reactions",
    reaction(
        "a, b = model(before).detach(), model(after).detach(); "
        "return torch.stack([(b - a).mean(0), ((a > 0) == (b > 0)).to(a).mean(0)], 1)"
    ),
)
answers.wrong(
    "reactions",
    reaction(
        "a, b = model(before).detach(), model(after).detach(); "
        "return torch.stack([((b - a) / a).mean(0), ((a > 0) != (b > 0)).to(a).mean(0)], 1)"
    ),
)
answers.wrong(
    "reactions",
    reaction(
        "a, b = model(before).detach(), model(after).detach(); "
        "return torch.stack([(b - a).median(0).values, ((a > 0) != (b > 0)).to(a).mean(0)], 1)"
    ),
)
answers.wrong(
    "reactions",
    reaction(
        "a, b = model(before).detach(), model(after).detach(); "
        "return torch.stack([(b - a).mean(0), ((a > 0.5) != (b > 0.5)).to(a).mean(0)], 1)"
    ),
)
answers.wrong(
    "reactions",
    reaction(
        "a, b = model(before).detach(), model(after).detach(); "
        "return torch.stack([(b - a).mean(0), 100 * ((a > 0) != (b > 0)).to(a).mean(0)], 1)"
    ),
)
answers.wrong(
    "reactions",
    reaction(
        "a, b = model(before).detach(), model(after).detach(); "
        "return torch.stack([b - a, ((a > 0) != (b > 0)).to(a)], 2)"
    ),
)
answers.wrong(
    "reactions",
    reaction(
        "a, b = model(before[:1]).detach(), model(after[:1]).detach(); "
        "return torch.stack([(b - a).mean(0), ((a > 0) != (b > 0)).to(a).mean(0)], 1)"
    ),
)
answers.wrong(
    "reactions",
    reaction(
        "model.train(); a, b = model(before).detach(), model(after).detach(); "
        "return torch.stack([(b - a).mean(0), ((a > 0) != (b > 0)).to(a).mean(0)], 1)"
    ),
)
answers.wrong(
    "reactions",
    reaction(
        "torch.set_grad_enabled(False); a, b = model(before), model(after); "
        "return torch.stack([(b - a).mean(0), ((a > 0) != (b > 0)).to(a).mean(0)], 1)"
    ),
)
answers.wrong(
    "reactions",
    reaction(
        "a, b = model(before).detach(), model(after).detach(); "
        "torch.stack([(b - a).mean(0), ((a > 0) != (b > 0)).to(a).mean(0)], 1)"
    ),
)
answers.wrong(
    "reactions",
    reaction(
        "a, b = model(before).detach().relu(), model(after).detach().relu(); "
        "return torch.stack([(b - a).mean(0), ((a > 0) != (b > 0)).to(a).mean(0)], 1)"
    ),
)
