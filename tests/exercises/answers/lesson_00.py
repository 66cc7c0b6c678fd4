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
