"""Masks found without a gradient: discs put, one after another, where they earn most."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial, reduce
from itertools import product, zip_longest

import numpy as np
import torch

from .area import mask_area
from .search import Each, Found, Problem, Search, check_reward

Place = tuple[int, ...]

_DRAWN_TOGETHER = 16


class DiscPlacement(Search):
    r"""Puts discs where they raise the reward most, until the area is covered; then moves them.

    A disc is the mask of a single parameter: 1 or, where the disc would add more than the area that
    is left, about the largest number at which it does not. First, discs are tried at places all
    over the mask, and the best one stays. Then, in turn, the last disc moves to the best place
    around it, and 16 more are tried beside those that are there, of which the best stays: the four
    that gained most when they were last tried, and the twelve that have not been tried for longest.
    Where the iterations left are few, several stay at once. When no area is left, each disc in turn
    moves to the best of the places around it and of 16 others, until none gains a twentieth of the
    reward's range by it.

    An ascent begins with everything kept and gives up what seems to matter least, which ends in one
    of very many local maxima. Here nothing is given up, and no gradient is asked for. It is for
    masks over places.

    As long as a mask is one disc, and the area too small for the whole of it, discs are compared by

    .. math:: \phi(m) + \tfrac{1}{20} \phi(m'),

    m' being the mask of the whole disc: a faint one may show the network nothing wherever it is,
    and then the second term tells where there is something to see.

    Args:
        closer: the places all over the mask are as close to one another as a number of
            `most_places` allows, and this many parameters closer.
    """

    usual_iterations = 40
    most_places = 144
    tried_at_first = 16
    most_promising = 4
    longest_untried = 12
    negligible_area = 0.005
    negligible_gain = 0.05
    promise = 0.05

    def __init__(self, closer: int = 0) -> None:
        self.closer = closer

    def spacing(self, problem: Problem) -> int:
        """How far apart the places all over the mask are."""
        sides = problem.start.shape[2:]
        spacing = 1
        while math.prod(math.ceil(side / spacing) for side in sides) > self.most_places:
            spacing += 1
        return max(1, spacing - self.closer)

    def repeats(self, earlier: Search, problem: Problem) -> bool:
        return isinstance(earlier, DiscPlacement) and (
            self.spacing(problem) == earlier.spacing(problem)
        )

    def run(
        self, problem: Problem, max_iter: int, tol: float | None, each: Each, done: int
    ) -> Found:
        parameters = problem.start.clone()
        count = len(parameters)
        iterations = torch.zeros(count, dtype=torch.long, device=parameters.device)
        latest = parameters.new_zeros(count, 2)
        history = []
        with torch.no_grad():
            field = _Field(problem, self.spacing(problem))
            placings = [_Placing(self, field, i, max_iter, done).steps() for i in range(count)]
            try:
                for t, found in enumerate(zip_longest(*placings)):
                    for i, placed in enumerate(found):
                        if placed is not None:
                            parameters[i], latest[i, 0] = placed
                            iterations[i] += 1
                    history.append(latest.clone())
                    each(done + t, latest[:, 0], latest[:, 1])
            except _Stopped as stopped:
                raise stopped.error from stopped.error.__cause__
        history += [latest] * (max_iter - len(history))
        return Found(parameters, torch.stack(history, 2), iterations)


class _Stopped(Exception):
    """Carries a StopIteration of the network or reward out of generators, which can't raise it."""

    def __init__(self, error: StopIteration) -> None:
        self.error = error


@contextmanager
def _carried_out() -> Iterator[None]:
    try:
        yield
    except StopIteration as error:
        raise _Stopped(error) from error


Step = tuple[torch.Tensor, torch.Tensor]
"""A mask's parameters and reward."""


class _Placing:
    """The way of one mask."""

    def __init__(
        self, search: DiscPlacement, field: _Field, i: int, max_iter: int, done: int
    ) -> None:
        self._search, self._field, self._i = search, field, i
        self._area = float(field.problem.areas[i])
        self._done, self._left = done, max_iter
        self._discs: list[_Disc] = []
        self._reward = field.discs.masks.new_tensor(-math.inf)
        self._gains = self._reward.repeat(len(field.places))
        self._tried = torch.zeros_like(self._gains)

    def steps(self) -> Iterator[Step]:
        """The parameters and reward after each iteration."""
        for reward in self._rewards():
            self._reward = reward
            self._left -= 1
            self._done += 1
            yield self._union().parameters[0], reward

    def _rewards(self) -> Iterator[torch.Tensor]:
        yield from self._first()
        while self._left:
            yield from self._others()
            yield from self._moves()
            if not self._grows_by().any():
                return

    def _first(self) -> Iterator[torch.Tensor]:
        """Tries every disc, and keeps the best."""
        count = len(self._gains)
        worth = self._gains.clone()
        rounds = min(-(-count // self._search.tried_at_first), -(-self._left // 2))
        for part in np.array_split(np.arange(count), rounds):
            numbers = part.tolist()
            alone = partial(self._field.rewards_alone, numbers, self._i, self._done)
            self._gains[numbers] = alone(self._area, self._first_disc)
            whole = alone(math.inf, self._field.discs.__getitem__)
            worth[numbers] = self._gains[numbers] + self._search.promise * whole
            best = int(worth.argmax())
            if best in numbers:
                self._discs = [_Disc(self._field.places[best], self._first_disc([best]))]
            yield self._gains[best]

    def _first_disc(self, numbers: list[int]) -> _Masks:
        return self._allowed(self._field.nothing, self._field.discs[numbers])

    def _others(self) -> Iterator[torch.Tensor]:
        """Moves the last disc, adds the best of some, and so on until no area is left."""
        while self._left:
            yield self._move(-1, [])
            grows = self._grows_by()
            if not self._left or not grows.any():
                return
            now = self._union()
            size = float(now.area())
            tried = self._worth_trying(grows)
            discs = self._allowed(now, self._field.discs[tried])
            rewards = self._field.rewards(now.joined(discs), self._i, self._done)
            for n, reward in zip(tried, rewards, strict=True):
                self._gains[n] = reward - self._reward
            enough = size + (self._area - size) / max(1, self._left // 2)
            for k in rewards.argsort(descending=True).tolist():
                n = tried[k]
                disc = self._allowed(self._union(), self._field.discs[[n]])
                self._discs.append(_Disc(self._field.places[n], disc))
                if float(self._union().area()) >= enough:
                    break
            yield rewards.max()

    def _grows_by(self) -> torch.Tensor:
        """With which discs the mask grows: with none where the area is covered."""
        now, negligible = self._union(), self._search.negligible_area * self._area
        left = self._area - float(now.area())
        covered = left < 2 * negligible or any(disc.mask.weak().any() for disc in self._discs)
        return (now.area_with(self._field.discs) > now.area() + negligible) & (not covered)

    def _moves(self) -> Iterator[torch.Tensor]:
        """Moves each disc in turn, until none gains by it."""
        unmoved = j = 0
        while self._left and unmoved < len(self._discs):
            enough = self._search.negligible_gain * self._field.reward_range(self._i)
            everywhere = torch.ones_like(self._gains, dtype=torch.bool)
            reward = self._move(j, self._worth_trying(everywhere))
            unmoved = 0 if reward > self._reward + enough else unmoved + 1
            j = (j + 1) % len(self._discs)
            yield reward

    def _move(self, j: int, elsewhere: list[int]) -> torch.Tensor:
        """Puts disc j where it earns most: around its place, or elsewhere."""
        moved = self._discs.pop(j)
        others = self._union()
        around = self._field.around(moved.place)
        places = around + [self._field.places[n] for n in elsewhere]
        whole = self._field.discs_at(around).and_also(self._field.discs[elsewhere])
        discs = self._allowed(others, whole)
        rewards = self._field.rewards(others.joined(discs), self._i, self._done)
        worth = rewards
        if not self._discs and discs.weak().any():
            worth = rewards + self._search.promise * self._field.rewards(whole, self._i, self._done)
        best = int(worth.argmax())
        self._discs.insert(len(self._discs) if j < 0 else j, _Disc(places[best], discs[[best]]))
        return rewards[best]

    def _worth_trying(self, possible: torch.Tensor) -> list[int]:
        """The numbers of some discs: the most promising, and the longest untried."""
        ranked = [n for n in self._gains.argsort(descending=True).tolist() if possible[n]]
        promising, others = (
            ranked[: self._search.most_promising],
            ranked[self._search.most_promising :],
        )
        others.sort(key=lambda n: float(self._tried[n]))
        chosen = promising + others[: self._search.longest_untried]
        self._tried[chosen] = self._tried.max() + 1
        return chosen

    def _union(self) -> _Masks:
        return reduce(_Masks.joined, (disc.mask for disc in self._discs), self._field.nothing)

    def _allowed(self, others: _Masks, discs: _Masks) -> _Masks:
        """Discs about as large as the area allows beside others."""
        size, together = others.area(), others.area_with(discs)
        rows = together > self._area
        if not rows.any():
            return discs
        share = ((self._area - size) / (together[rows] - size)).clamp(min=0)
        return discs.replaced(rows, self._field.weakened(discs[rows], share))


@dataclass
class _Masks:
    """Masks, a row for each: parameters, masks, and the parts of them whose area counts."""

    parameters: torch.Tensor
    masks: torch.Tensor
    counted: torch.Tensor

    def __getitem__(self, rows: list[int] | torch.Tensor) -> _Masks:
        return _Masks(self.parameters[rows], self.masks[rows], self.counted[rows])

    def weak(self) -> torch.Tensor:
        """Which of them no parameter makes whole."""
        return self.parameters.flatten(1).amax(1) < 1

    def area(self) -> torch.Tensor:
        return mask_area(self.counted)

    def area_with(self, discs: _Masks) -> torch.Tensor:
        """The area of this one mask together with each disc."""
        return mask_area(self.counted.maximum(discs.counted))

    def joined(self, discs: _Masks) -> _Masks:
        """This one mask together with each disc: their maximum, in place of the smooth one."""
        return self._combined(discs, torch.maximum)

    def and_also(self, more: _Masks) -> _Masks:
        return self._combined(more, lambda mine, theirs: torch.cat((mine, theirs)))

    def replaced(self, rows: torch.Tensor, others: _Masks) -> _Masks:
        """The same with others in some rows."""

        def put(mine: torch.Tensor, theirs: torch.Tensor) -> torch.Tensor:
            return mine.index_put((rows,), theirs)

        return self._combined(others, put)

    def _combined(
        self, other: _Masks, how: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
    ) -> _Masks:
        return _Masks(
            how(self.parameters, other.parameters),
            how(self.masks, other.masks),
            how(self.counted, other.counted),
        )


@dataclass
class _Disc:
    """A place, and the mask of one row that is there."""

    place: Place
    mask: _Masks


class _Field:
    """Discs at places all over the masks, so many parameters apart."""

    def __init__(self, problem: Problem, spacing: int) -> None:
        self.problem = problem
        self._sides = problem.start.shape[2:]
        self._spacing = spacing
        self.places = list(product(*(range(0, side, self._spacing) for side in self._sides)))
        self.discs = self.discs_at(self.places)
        self.nothing = self.drawn(torch.zeros_like(problem.start[:1]))
        sizes = self.discs.area()
        self._sizes = sizes.tolist()
        # A disc's area is far from proportional to its parameter: what covers a fifth of it has a
        # parameter of about a third.
        self._parameters = np.linspace(0, 1, 65)
        weights = torch.from_numpy(self._parameters).to(problem.start).view(-1, 1, 1, 1)
        areas = self.drawn(self.discs.parameters[[int(sizes.argmax())]] * weights).area()
        self._shares = (areas / areas[-1]).cpu().double().numpy()

    def discs_at(self, places: list[Place]) -> _Masks:
        parameters = self.problem.start.new_zeros(len(places), *self.problem.start.shape[1:])
        for disc, (row, column) in zip(parameters, places, strict=True):
            disc[0, row, column] = 1
        return self.drawn(parameters)

    def drawn(self, parameters: torch.Tensor) -> _Masks:
        # A few at a time: drawing takes far more memory than the masks do.
        parts = [self.problem.render(part) for part in parameters.split(_DRAWN_TOGETHER)]
        masks = torch.cat([mask for mask, _ in parts])
        if all(mask is counted for mask, counted in parts):
            return _Masks(parameters, masks, masks)
        return _Masks(parameters, masks, torch.cat([counted for _, counted in parts]))

    def weakened(self, discs: _Masks, share: torch.Tensor) -> _Masks:
        """Discs with parameters at which they cover a share of what they cover at 1."""
        parameter = np.interp(share.tolist(), self._shares, self._parameters)
        weight = torch.from_numpy(parameter).to(discs.parameters).view(-1, 1, 1, 1)
        return self.drawn(discs.parameters * weight)

    def around(self, place: Place) -> list[Place]:
        """A place and those half a spacing away: nine, or fewer at the rim."""
        half = self._spacing // 2
        near = (
            {i for i in (at - half, at, at + half) if 0 <= i < side}
            for at, side in zip(place, self._sides, strict=True)
        )
        return sorted(product(*near))

    def rewards(self, masks: _Masks, i: int, t: int) -> torch.Tensor:
        """What masks would earn in the place of mask i, asked for after t iterations."""
        rows = torch.full((len(masks.masks),), i, device=masks.masks.device)
        with _carried_out():
            reward = self.problem.reward(masks.masks, rows, False)
        check_reward(reward, len(rows), f"in iteration {t + 1}")
        return reward.to(masks.masks.dtype)

    def reward_range(self, i: int) -> torch.Tensor:
        """How far apart the rewards of mask i are for all kept and all perturbed."""
        with _carried_out():
            return self.problem.reward_range[i]

    def rewards_alone(
        self, numbers: list[int], i: int, t: int, area: float, draw: Callable[[list[int]], _Masks]
    ) -> torch.Tensor:
        """What discs of these numbers and this area earn alone; masks that differ in area alone
        share the answers."""
        group = int(self.problem.groups[i])
        keys = {n: (group, self.places[n], min(area, self._sizes[n])) for n in numbers}
        known = self.problem.known
        new = [n for n, key in keys.items() if key not in known]
        if new:
            rewards = self.rewards(draw(new), i, t)
            known.update(zip((keys[n] for n in new), rewards, strict=True))
        return torch.stack([known[key] for key in keys.values()])
