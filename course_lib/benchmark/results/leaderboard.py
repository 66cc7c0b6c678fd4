"""A method of somebody's own among the library's: same images, same questions, one table."""

from __future__ import annotations

import html
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import chain
from statistics import fmean
from typing import TYPE_CHECKING, Literal

from course_lib.attribution.inputs.checks import whole_number
from course_lib.attribution.methods import methods

from ..protocols import Protocol, protocols
from .own import OwnMethod, own_numbers
from .stored import WORLDS_ASKED, Stored, read_stored
from .summary import interval

if TYPE_CHECKING:
    from course_lib.figures.plotting import Picture

Verdict = Literal["yours", "better", "worse", "not told apart"]

SIGNS: dict[Verdict, str] = {"yours": " ", "better": "▲", "worse": "▼", "not told apart": "≈"}

LEGEND = (
    "▲ better than yours, ▼ worse, ≈ not told apart: whether the 95 % interval of the differences, "
    "image by image, leaves out 0."
)


@dataclass(frozen=True)
class Score:
    """One method in one protocol.

    Attributes:
        title: the method's name as people read it.
        mean: over the images.
        low, high: the 95 % interval of the mean (Student's t).
        rank: 1 for the best mean; of equal means all have the better rank.
        against: (low, high), the 95 % interval of the mean of "this method's number less yours",
            image by image.
        verdict: this method beside yours, by that interval.
    """

    title: str
    mean: float
    low: float
    high: float
    rank: int
    against: tuple[float, float]
    verdict: Verdict


@dataclass(frozen=True)
class Leaderboard:
    """The table; a notebook shows it with its picture.

    Attributes:
        name: of the method that was scored.
        network: the network's name.
        n: how many images were asked about in each protocol; the library's methods have the same.
        scores: of each protocol, by the methods' titles, the best first.
    """

    name: str
    network: str
    n: int
    scores: dict[str, dict[str, Score]]

    @property
    def rank(self) -> dict[str, int]:
        """Your rank in each protocol: 1 is the best."""
        return {name: table[self.name].rank for name, table in self.scores.items()}

    @property
    def titles(self) -> list[str]:
        """The methods in the order of the first protocol, then those that it was not asked of."""
        return list(dict.fromkeys(chain.from_iterable(self.scores.values())))

    @cached_property
    def picture(self) -> Picture:
        """The table as a picture: a panel for each protocol, means with their intervals."""
        from course_lib.figures.plotting import show, subplots

        titles = self.titles
        figure, axes = subplots(
            1,
            len(self.scores),
            width=8.6,
            height=1.3 + 0.3 * len(titles),
            sharey=True,
            squeeze=False,
        )
        for axis, (protocol, table) in zip(axes[0], self.scores.items(), strict=True):
            for title, score in table.items():
                own = title == self.name
                axis.errorbar(
                    score.mean,
                    titles.index(title),
                    xerr=[[score.mean - score.low], [score.high - score.mean]] if self.n > 1 else 0,
                    fmt="D" if own else "o",
                    color="#D55E00" if own else "#0072B2",
                    markersize=7 if own else 5,
                    capsize=3,
                    linewidth=1.5,
                )
            axis.axvline(table[self.name].mean, color="#D55E00", linewidth=0.8, linestyle=":")
            axis.set_xlim(-0.03, 1.03)
            axis.set_xticks([0, 0.5, 1], ["0", "½", "1"])
            axis.set_title(protocols()[protocol].title.replace(" inside", "\ninside"), fontsize=11)
            axis.grid(axis="x", color="#e0e0e0", linewidth=0.8)
            axis.set_yticks(range(len(titles)), titles, fontsize=10)
        axes[0][0].set_ylim(len(titles) - 0.5, -0.5)
        for label in axes[0][0].get_yticklabels():
            if label.get_text() == self.name:
                label.set(fontweight="bold", color="#B84A00")
        return show(
            figure,
            caption=f"{self.name} among the library's methods on {self.network}: means over "
            f"{self.n} images with their 95 % intervals.",
            alt=f"{len(self.scores)} panels with a point and an interval for each of "
            f"{len(titles)} methods. " + " ".join(self.sentences()),
        )

    def sentences(self) -> Iterator[str]:
        """In words, a protocol at a time: the rank, and who is better, worse or neither."""
        for name, table in self.scores.items():
            own = table[self.name]
            counts = {
                verdict: sum(score.verdict == verdict for score in table.values())
                for verdict in SIGNS
            }
            yield (
                f"{protocols()[name].title}: {self.name} has {own.mean:.2f}, rank {own.rank} of "
                f"{len(table)}; {counts['better']} better, {counts['worse']} worse, "
                f"{counts['not told apart']} not told apart."
            )

    def __str__(self) -> str:
        """The table as text."""
        wide = max(map(len, self.titles))
        lines = [f"{self.network}, {self.n} images in each protocol, means with 95 % intervals"]
        for name, table in self.scores.items():
            lines.append(_heading(protocols()[name]))
            for title, score in table.items():
                mark = "→" if title == self.name else " "
                lines.append(
                    f"{mark} {score.rank:2}  {title:{wide}}  {_number(score)}  "
                    f"{SIGNS[score.verdict]}".rstrip()
                )
        return "\n".join([*lines, LEGEND, *self.sentences()])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return self._table_html() + self.picture._repr_html_()

    def _table_html(self) -> str:
        cell = "padding:3px 10px;text-align:left;white-space:nowrap"
        heads = "".join(
            f'<th scope="col" style="{cell};white-space:normal">'
            f"{html.escape(_heading(protocols()[name]))}</th>"
            for name in self.scores
        )
        rows = []
        for title in self.titles:
            own = title == self.name
            cells = "".join(
                f'<td style="{cell}">{_cell(table.get(title))}</td>'
                for table in self.scores.values()
            )
            look = "font-weight:600;background:rgba(213,94,0,0.15)" if own else ""
            rows.append(
                f'<tr style="{look}"><th scope="row" style="{cell};font-weight:inherit">'
                f"{html.escape(title)}</th>{cells}</tr>"
            )
        sentences = "".join(f"<div>{html.escape(sentence)}</div>" for sentence in self.sentences())
        return (
            '<div style="overflow-x:auto"><table style="border-collapse:collapse;margin:0.6em 0">'
            '<caption style="text-align:left;caption-side:top;padding:4px 10px">'
            f"{html.escape(self.name)} among the library's methods on {self.network}: rank, mean "
            f"and 95 % interval over {self.n} images.</caption>"
            f'<thead><tr><th scope="col" style="{cell}">method</th>{heads}</tr></thead>'
            f"<tbody>{''.join(rows)}</tbody></table></div>"
            f'<div style="max-width:52em">{html.escape(LEGEND)}{sentences}</div>'
        )


def leaderboard(
    method: OwnMethod,
    *,
    name: str | None = None,
    network: str = "tiny_vgg",
    n: int | None = None,
    quiet: bool = False,
) -> Leaderboard:
    """Score a method of your own, and place it among the library's.

    It is asked about the same images as they were: scenes of two objects (pointing game, relevance
    mass) and grids of four scenes in which the network sees each cell alone (grid pointing game).
    No network was trained on them. What the library's methods scored is kept with the course, with
    the layers and settings that `course benchmark` gives them.

    Args:
        method: any function (network, image 1 x 3 x H x W, class) -> map, H x W or 1 x 1 x h x w,
            of another size than the image too.
        name: what it is called in the table; the function's own name if None.
        network: one of the course's networks.
        n: how many images in each protocol, if fewer than there are numbers of.
        quiet: no progress bar.

    Raises:
        ValueError: the method stops with an error, gives no finite map, or changes the network; or
            there are no numbers of so many images, or of the network.

    >>> def brightness(network, x, target):
    ...     return x.mean(1)
    >>> leaderboard(brightness, n=2, quiet=True).n
    2
    """
    if not callable(method):
        raise ValueError(
            "Give a function (network, image, class) -> map, not "
            f"{'an' if type(method).__name__[0] in 'aeiou' else 'a'} {type(method).__name__}."
        )
    library = _library(network)
    most = min(len(line.values) for line in library)
    count = most if n is None else whole_number("n", n)
    if count > most:
        raise ValueError(
            f"The library's methods have numbers of {most} images, so n is {most} at most, not {n}."
        )
    numbers = _own(method, network, {line.protocol for line in library}, count, quiet)
    called = _free_name(name or str(getattr(method, "__name__", "")), library)
    return Leaderboard(
        name=called,
        network=network,
        n=count,
        scores={
            protocol: _scores(protocols()[protocol], called, own, library, count)
            for protocol, own in numbers.items()
        },
    )


def _library(network: str) -> list[Stored]:
    stored = read_stored()
    found = [line for line in stored if line.network == network]
    if not found:
        known = ", ".join(sorted({line.network for line in stored}))
        raise ValueError(
            f"There are no numbers of the library's methods on {network!r}, but on {known}."
        )
    return found


def _own(
    method: OwnMethod, network: str, known: set[str], count: int, quiet: bool
) -> dict[str, list[float]]:
    """The method's numbers in the protocols that the library's methods have numbers in."""
    from tqdm.auto import tqdm

    numbers: dict[str, list[float]] = {}
    for data, names in WORLDS_ASKED.items():
        asked = [name for name in names if name in known]
        if not asked:
            continue
        shown = partial(tqdm, desc=data.replace("_", " "), disable=quiet, leave=False)
        numbers |= own_numbers(method, data, network, asked, count, shown)
    return numbers


def _free_name(name: str, library: list[Stored]) -> str:
    """The name, or another one where it says nothing or is taken."""
    titles = {_title(line.method) for line in library}
    name = "my method" if name in ("", "<lambda>") else name
    return f"{name} (yours)" if name in titles else name


def _title(method: str) -> str:
    return methods()[method].title if method in methods() else method


def _scores(
    protocol: Protocol, name: str, own: list[float], library: list[Stored], count: int
) -> dict[str, Score]:
    values = {
        _title(line.method): list(line.values[:count])
        for line in library
        if line.protocol == protocol.name
    } | {name: own}
    sign = 1 if protocol.best == "high" else -1
    means = {title: sign * fmean(v) for title, v in values.items()}
    found = {}
    for title in sorted(values, key=lambda title: (-means[title], title)):
        differences = [a - b for a, b in zip(values[title], own, strict=True)]
        against = interval(differences)
        low, high = interval(values[title])
        found[title] = Score(
            title=title,
            mean=fmean(values[title]),
            low=low,
            high=high,
            rank=1 + sum(other > means[title] for other in means.values()),
            against=against,
            verdict="yours" if title == name else _verdict(against, sign),
        )
    return found


def _verdict(against: tuple[float, float], sign: int) -> Verdict:
    low, high = against
    if low <= 0 <= high:
        return "not told apart"
    return "better" if sign * low > 0 else "worse"


def _heading(protocol: Protocol) -> str:
    return f"{protocol.title} ({protocol.best} is good)"


def _number(score: Score) -> str:
    # The interval of a mean may reach beyond what a mean can be.
    return f"{score.mean:.2f} [{max(0.0, score.low):.2f}, {min(1.0, score.high):.2f}]"


def _cell(score: Score | None) -> str:
    if score is None:
        return "–"
    sign = html.escape(SIGNS[score.verdict])
    return (
        f'<span style="opacity:0.75">{score.rank}.</span> {_number(score)} '
        f'<span role="img" aria-label="{score.verdict}">{sign}</span>'
    )
