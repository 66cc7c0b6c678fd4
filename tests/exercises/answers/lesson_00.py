"""Answers of lesson 00 that no exercise lists."""

from __future__ import annotations

from course_lib.exercises.engine.answers import Answers

answers = Answers()

answers.right(
    "share_on_object",
    """
    def share_on_object(s, mask):
        total, on_object = 0.0, 0.0
        for row, mask_row in zip(s, mask):
            for value, inside in zip(row, mask_row):
                total += value
                on_object += value * inside
        return on_object / total
    """,
)
answers.right(
    "share_on_object",
    """
    def share_on_object(s, mask):
        return torch.tensor((s * mask).sum().item() / s.sum().item())
    """,
)
answers.wrong(
    "share_on_object",
    """
    def share_on_object(s, mask):
        return (s * mask).sum() / s.max()
    """,
)
answers.wrong(
    "share_on_object",
    """
    def share_on_object(s, mask):
        (s * mask).sum() / s.sum()
    """,
    says="Is a `return` missing?",
)
answers.wrong(
    "share_on_object",
    """
    def share_on_object(s, mask):
        return s[mask > 0 and s > 0].sum() / s.sum()
    """,
    says="want a single yes or no",
)
answers.right(
    "share_on_object",
    """
    def share_on_object(s, mask):
        weights = s / s.sum()
        return torch.dot(weights.flatten(), mask.flatten())
    """,
)
answers.right(
    "share_on_object",
    """
    def share_on_object(s, mask):
        import numpy as np

        return np.average(mask.numpy(), weights=s.numpy())
    """,
)
answers.right(
    "share_on_object",
    """
    def share_on_object(heat, where):
        on = torch.einsum("hw,hw->", heat, where)
        return (on / heat.sum()).item()
    """,
)
answers.right(
    "share_on_object",
    """
    def share_on_object(s, mask):
        beside = (s * (1 - mask)).sum()
        return 1 - beside / s.sum()
    """,
)
answers.right(
    "share_on_object",
    """
    share_on_object = lambda s, mask: torch.mul(s, mask).mean() / torch.mean(s)
    """,
)
answers.wrong(
    "share_on_object",
    """
    def share_on_object(s, mask):
        return s[mask > 0.5].sum() / s.sum()
    """,
)
answers.wrong(
    "share_on_object",
    """
    def share_on_object(s, mask):
        return s[mask == 1].sum() / s.sum()
    """,
)
answers.wrong(
    "share_on_object",
    """
    def share_on_object(s, mask):
        return s[mask > 0].sum() / s.sum()
    """,
)
answers.wrong(
    "share_on_object",
    """
    def share_on_object(s, mask):
        return (s * mask).mean() / s.sum()
    """,
)
answers.wrong(
    "share_on_object",
    """
    def share_on_object(s, mask):
        return (s * mask).sum() / (96 * 96)
    """,
)
answers.wrong(
    "share_on_object",
    """
    def share_on_object(s, mask):
        return (s * mask).sum(0) / s.sum(0)
    """,
)
answers.wrong(
    "share_on_object",
    """
    def share_on_object(s, mask):
        s = s - s.min()
        return (s * mask).sum() / s.sum()
    """,
)
answers.wrong(
    "share_on_object",
    """
    def share_on_object(s, mask):
        return (s * mask / mask.max()).sum() / s.sum()
    """,
)
answers.wrong(
    "share_on_object",
    """
    def share_on_object(s, mask):
        return (s * mask).sum() / (s.sum() + 1)
    """,
)
answers.wrong(
    "share_on_object",
    """
    def share_on_object(s, mask):
        total = s.sum()
        s *= mask
        return s.sum() / total
    """,
    says="changes its input `s` in place",
)
answers.wrong(
    "share_on_object",
    """
    def share_on_object(s, mask):
        return round(float((s * mask).sum() / s.sum()), 2)
    """,
)
answers.wrong(
    "share_on_object",
    """
    def share_on_object(s, mask):
        return f"{(s * mask).sum() / s.sum():.0%}"
    """,
)
answers.wrong(
    "share_on_object",
    """
    def share_on_object(s, mask):
        return (s * mask).sum() / s.sum() * mask.mean()
    """,
)
answers.wrong(
    "share_on_object",
    """
    def share_on_object(s, mask):
        return torch.linalg.norm(s * mask) / torch.linalg.norm(s)
    """,
)
answers.wrong(
    "share_on_object",
    """
    def share_on_object(s, mask):
        print((s * mask).sum() / s.sum())
    """,
)
answers.wrong(
    "share_on_object",
    """
    def share_on_object(s, mask):
        s = s.softmax(-1)
        return (s * mask).sum() / s.sum()
    """,
)
answers.right(
    "share_on_object",
    """
    def share_on_object(s, mask):
        on_object = 0
        for u in range(s.shape[0]):
            on_object = on_object + (s[u] @ mask[u])
        return on_object / s.sum()
    """,
)
answers.right(
    "share_on_object",
    """
    def share_on_object(s, mask):
        normalised = s.div(s.sum())
        return torch.tensordot(normalised, mask, 2)
    """,
)
answers.right(
    "share_on_object",
    """
    def share_on_object(s, mask):
        kept = s.clone()
        kept *= mask
        return float(kept.sum()) / float(s.sum())
    """,
)
answers.wrong(
    "share_on_object",
    """
    def share_on_object(s, mask):
        return (s * mask.round()).sum() / s.sum()
    """,
)
answers.wrong(
    "share_on_object",
    """
    def share_on_object(s, mask):
        return (s * mask).max() / s.max()
    """,
)
answers.wrong(
    "share_on_object",
    """
    def share_on_object(s, mask):
        return (s * mask).sum() / s.sum().clamp(min=1)
    """,
)
answers.wrong(
    "share_on_object",
    """
    def share_on_object(s, mask):
        return (s * mask).sum() / (s * (1 - mask)).sum()
    """,
)
answers.wrong(
    "share_on_object",
    """
    def share_on_object(s, mask):
        return (s * mask).sum() / s.sum() / mask.mean()
    """,
)
answers.wrong(
    "share_on_object",
    """
    def share_on_object(s, mask):
        return (s * mask.bool()).sum() / s.sum()
    """,
)
answers.wrong(
    "share_on_object",
    """
    def share_on_object(s, mask):
        return (s * mask).sum() / len(s)
    """,
)
