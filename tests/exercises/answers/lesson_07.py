"""Answers of lesson 07 that no exercise lists."""

from __future__ import annotations

import torch

from course_lib.exercises.engine.answers import Answers

answers = Answers()

edge = torch.zeros(1, requires_grad=True)
edge.clamp(min=0).sum().backward()
CLAMP_STOPS = edge.grad == 0
"""Whether a clamp has no slope at its bound; up to torch 2.11 it has one, so that masks climb."""

if CLAMP_STOPS:
    answers.wrong(
        "perturb",
        """
        def perturb(pyramid, masks):
            levels = len(pyramid)
            place = masks * (levels - 1)
            images = 0
            for k in range(levels):
                images = images + (1 - (place - k).abs()).clamp(min=0) * pyramid[k]
            return images
        """,
        says="no slope to climb",
    )
answers.right(
    "perturb",
    """
    def perturb(pyramid, masks):
        place = masks[:, 0] * (len(pyramid) - 1)
        lower = place.long().clamp(0, len(pyramid) - 2)
        share = (place - lower).unsqueeze(1)
        y = torch.arange(masks.shape[2])[:, None]
        x = torch.arange(masks.shape[3])
        below = pyramid[lower, :, y, x].permute(0, 3, 1, 2)
        above = pyramid[lower + 1, :, y, x].permute(0, 3, 1, 2)
        return torch.lerp(below, above, share)
    """,
)
answers.right(
    "perturb",
    """
    def perturb(pyramid, masks):
        place = masks * (pyramid.shape[0] - 1)
        upper = place.detach().ceil().clamp(min=1)
        out = torch.zeros(len(masks), *pyramid.shape[1:])
        for k in range(1, len(pyramid)):
            mixed = pyramid[k - 1] + (place - (k - 1)) * (pyramid[k] - pyramid[k - 1])
            out = torch.where(upper == k, mixed, out)
        return out
    """,
)
if CLAMP_STOPS:
    answers.wrong(
        "perturb",
        """
        def perturb(pyramid, masks):
            steps = pyramid[1:] - pyramid[:-1]
            place = masks * len(steps)
            gone = (place[:, None] - torch.arange(len(steps)).view(-1, 1, 1, 1)).clamp(0, 1)
            return pyramid[0] + (gone * steps).sum(1)
        """,
        says="no slope to climb",
    )
answers.right(
    "perturb",
    """
    def perturb(pyramid, masks):
        return torch.stack([one(pyramid, mask) for mask in masks])

    def one(pyramid, mask):
        last = len(pyramid) - 1
        place = mask * last
        lower = torch.floor(place).clamp(max=last - 1)
        share = place - lower
        mixed = [pyramid[k] * (1 - share) + pyramid[k + 1] * share for k in range(last)]
        return sum((lower == k) * mixed[k] for k in range(last))
    """,
)
answers.wrong(
    "perturb",
    """
    def perturb(pyramid, masks):
        place = masks * (len(pyramid) - 1)
        low = place.floor()
        high = (low + 1).clamp(max=len(pyramid) - 1)
        share = place - low
        images = 0
        for k in range(len(pyramid)):
            images = images + ((low == k) * (1 - share) + (high == k) * share) * pyramid[k]
        return images
    """,
)
answers.wrong(
    "perturb",
    """
    def perturb(pyramid, masks):
        place = masks * (len(pyramid) - 1)
        images = 0
        for k in range(len(pyramid) - 1):
            share = place - k
            between = (1 - share) * pyramid[k] + share * pyramid[k + 1]
            images = images + ((place > k) & (place < k + 1)) * between
        return images
    """,
)
answers.wrong(
    "perturb",
    """
    def perturb(pyramid, masks):
        place = masks * (len(pyramid) - 1)
        images = 0
        for k in range(len(pyramid) - 1):
            share = place - k
            between = (1 - share) * pyramid[k] + share * pyramid[k + 1]
            images = images + ((place >= k) & (place <= k + 1)) * between
        return images
    """,
)
answers.wrong(
    "perturb",
    """
    def perturb(pyramid, masks):
        place = masks * 7
        lower = place.floor().clamp(max=6)
        share = place - lower
        images = 0
        for k in range(7):
            images = images + (lower == k) * ((1 - share) * pyramid[k] + share * pyramid[k + 1])
        return images
    """,
)
answers.wrong(
    "perturb",
    """
    def perturb(pyramid, masks):
        place = masks * (len(pyramid) - 1)
        lower = place.floor().clamp(max=len(pyramid) - 2)
        share = (place - lower).detach()
        images = 0
        for k in range(len(pyramid) - 1):
            images = images + (lower == k) * ((1 - share) * pyramid[k] + share * pyramid[k + 1])
        return images
    """,
)
answers.wrong(
    "perturb",
    """
    def perturb(pyramid, masks):
        lower = (masks * (len(pyramid) - 1)).floor().clamp(max=len(pyramid) - 2)
        images = 0
        for k in range(len(pyramid) - 1):
            images = images + (lower == k) * ((1 - masks) * pyramid[k] + masks * pyramid[k + 1])
        return images
    """,
)
answers.wrong(
    "perturb",
    """
    def perturb(pyramid, masks):
        place = masks * (len(pyramid) - 1)
        for k in range(len(pyramid) - 1):
            if place >= k and place <= k + 1:
                share = place - k
                return (1 - share) * pyramid[k] + share * pyramid[k + 1]
    """,
    says="want a single yes or no",
)
answers.wrong(
    "perturb",
    """
    def perturb(pyramid, masks):
        k = int(masks.mean() * (len(pyramid) - 1))
        k = min(k, len(pyramid) - 2)
        share = masks * (len(pyramid) - 1) - k
        return (1 - share) * pyramid[k] + share * pyramid[k + 1]
    """,
)
answers.wrong(
    "perturb",
    """
    def perturb(pyramid, masks):
        place = masks * (len(pyramid) - 1)
        lower = place.floor().clamp(max=len(pyramid) - 2)
        share = place - lower
        images = 0
        for k in range(len(pyramid) - 1):
            between = (1 - share) * pyramid[k] + share * pyramid[k + 1]
            images = images + (lower == k) * between
            return images
    """,
)
answers.wrong(
    "perturb",
    """
    def perturb(pyramid, masks):
        place = masks[:1] * (len(pyramid) - 1)
        lower = place.floor().clamp(max=len(pyramid) - 2)
        share = place - lower
        images = 0
        for k in range(len(pyramid) - 1):
            images = images + (lower == k) * ((1 - share) * pyramid[k] + share * pyramid[k + 1])
        return images
    """,
)
answers.wrong(
    "perturb",
    """
    @torch.no_grad()
    def perturb(pyramid, masks):
        place = masks * (len(pyramid) - 1)
        lower = place.floor().clamp(max=len(pyramid) - 2)
        share = place - lower
        images = 0
        for k in range(len(pyramid) - 1):
            images = images + (lower == k) * ((1 - share) * pyramid[k] + share * pyramid[k + 1])
        return images
    """,
)
answers.wrong(
    "perturb",
    """
    def perturb(pyramid, masks):
        place = masks * (len(pyramid) - 1)
        images = 0
        for k in range(len(pyramid)):
            images = images + F.relu(1 - (place - k).abs()) * pyramid[k]
        return images
    """,
)
answers.wrong(
    "perturb",
    """
    def perturb(pyramid, masks):
        weights = torch.linspace(0, 1, len(pyramid)).view(-1, 1, 1, 1)
        return ((weights * pyramid).sum(0) * masks) + (1 - masks) * pyramid[0]
    """,
)
answers.right(
    "smooth_maximum",
    """
    def smooth_maximum(values, coldness=20.0):
        return torch.einsum("...n,...n->...", F.softmax(values * coldness, dim=-1), values)
    """,
)
answers.right(
    "smooth_maximum",
    """
    def smooth_maximum(values, coldness=20.0):
        top = values.amax(-1, keepdim=True)
        weights = (coldness * (values - top)).exp()
        return (weights * values).sum(-1) / weights.sum(-1)
    """,
)
answers.right(
    "smooth_maximum",
    """
    def smooth_maximum(values, coldness=20.0):
        cold = coldness * values
        weights = torch.exp(cold - torch.logsumexp(cold, dim=-1, keepdim=True))
        return (values * weights).sum(dim=-1)
    """,
)
answers.right(
    "smooth_maximum",
    """
    def smooth_maximum(values, coldness=20.0):
        soft = nn.Softmax(dim=values.ndim - 1)
        weights = soft(values * coldness)
        return (weights[..., None, :] @ values[..., :, None]).squeeze(-1).squeeze(-1)
    """,
)
answers.right(
    "smooth_maximum",
    """
    def smooth_maximum(values, coldness=20.0):
        weights = (coldness * values).softmax(-1)
        total = 0
        for w, v in zip(weights.unbind(-1), values.unbind(-1)):
            total = total + w * v
        return total
    """,
)
answers.wrong(
    "smooth_maximum",
    """
    def smooth_maximum(values, coldness=20.0):
        weights = (coldness * values).softmax(-1).detach()
        return (weights * values).sum(-1)
    """,
)
answers.wrong(
    "smooth_maximum",
    """
    def smooth_maximum(values, coldness=20.0):
        with torch.no_grad():
            weights = (coldness * values).softmax(-1)
        return (weights * values).sum(-1)
    """,
)
answers.wrong(
    "smooth_maximum",
    """
    def smooth_maximum(values, coldness=10.0):
        return ((coldness * values).softmax(-1) * values).sum(-1)
    """,
)
answers.wrong(
    "smooth_maximum",
    """
    def smooth_maximum(values, coldness=20.0):
        return ((coldness * values).softmax(-1) * values).sum(-1, keepdim=True)
    """,
)
answers.wrong(
    "smooth_maximum",
    """
    def smooth_maximum(values, coldness=20.0):
        return ((coldness * values).softmax(-1) * values).sum()
    """,
)
answers.wrong(
    "smooth_maximum",
    """
    def smooth_maximum(values, coldness=20.0):
        return ((coldness * values.abs()).softmax(-1) * values).sum(-1)
    """,
)
answers.wrong(
    "smooth_maximum",
    """
    def smooth_maximum(values, coldness=20.0):
        values = values.clamp(min=0)
        return ((coldness * values).softmax(-1) * values).sum(-1)
    """,
)
answers.wrong(
    "smooth_maximum",
    """
    def smooth_maximum(values, coldness=20.0):
        return ((coldness * values).softmax(1) * values).sum(1)
    """,
)
answers.wrong(
    "smooth_maximum",
    """
    def smooth_maximum(values, coldness=20.0):
        return ((coldness * values).softmax(-1) * coldness * values).sum(-1)
    """,
)
answers.wrong(
    "smooth_maximum",
    """
    def smooth_maximum(values, coldness=20.0):
        weights = (coldness * values).softmax(-1)
        (weights * values).sum(-1)
    """,
)
answers.wrong(
    "smooth_maximum",
    """
    def smooth_maximum(values, coldness=20.0):
        original = values
        values *= coldness
        return (values.softmax(-1) * original).sum(-1)
    """,
    says="changes its input `values` in place",
)
answers.wrong(
    "smooth_maximum",
    """
    def smooth_maximum(values, coldness=20.0):
        weights = (coldness * values).softmax(-1)
        weights = weights / weights.max(-1, keepdim=True).values
        return (weights * values).sum(-1)
    """,
)
answers.wrong(
    "smooth_maximum",
    """
    def smooth_maximum(values, coldness=20.0):
        weights = (coldness * values).sigmoid()
        return (weights * values).sum(-1) / weights.sum(-1)
    """,
)
answers.wrong(
    "smooth_maximum",
    """
    def smooth_maximum(values, coldness=20.0):
        return F.softmax(coldness * values).mul(values).max(-1).values
    """,
)
answers.wrong(
    "smooth_maximum",
    """
    def smooth_maximum(values, coldness=20.0):
        weights = (-coldness * values).softmax(-1)
        return (weights * values).sum(-1)
    """,
)
answers.right(
    "area_term",
    """
    def area_term(masks, areas):
        terms = []
        for mask, area in zip(masks, areas):
            values, _ = torch.sort(mask.reshape(-1))
            zeros = int((1 - area) * len(values))
            wanted = torch.ones(len(values))
            wanted[:zeros] = 0
            terms.append(F.mse_loss(values, wanted))
        return torch.stack(terms)
    """,
)
answers.right(
    "area_term",
    """
    def area_term(masks, areas):
        number, _, height, width = masks.shape
        values = masks.view(number, height * width).sort(dim=-1)[0]
        zeros = torch.floor((1 - areas) * height * width)
        wanted = (torch.arange(height * width)[None] >= zeros[:, None]).float()
        return ((values - wanted) ** 2).sum(1) / (height * width)
    """,
)
answers.right(
    "area_term",
    """
    def area_term(masks, areas):
        values = masks.flatten(1).sort(1, descending=True).values
        pixels = values.shape[1]
        ones = pixels - ((1 - areas) * pixels).long()
        wanted = torch.arange(pixels) < ones[:, None]
        return (values - wanted.to(values.dtype)).pow(2).mean(-1)
    """,
)
answers.right(
    "area_term",
    """
    def area_term(masks, areas):
        out = torch.zeros(len(masks))
        for n in range(len(masks)):
            values = masks[n].flatten()
            ones = len(values) - math.floor((1 - areas[n].item()) * len(values))
            top = values.topk(ones).indices
            wanted = torch.zeros_like(values).scatter(0, top, 1.0)
            out[n] = (values - wanted).square().mean()
        return out
    """,
)
answers.right(
    "area_term",
    """
    def area_term(masks, areas):
        values = masks.flatten(1).sort(1).values
        place = torch.arange(values.size(1)).expand_as(values)
        zeros = ((1 - areas) * values.size(1)).int().unsqueeze(1)
        return torch.where(place < zeros, values, values - 1).square().mean(1)
    """,
)
answers.wrong(
    "area_term",
    """
    def area_term(masks, areas):
        values = masks.flatten(1).sort(1).values
        size = values.shape[1]
        zeros = ((1 - areas) * size).round()
        wanted = torch.arange(size) >= zeros[:, None]
        return (values - wanted.to(values)).square().mean(1)
    """,
)
answers.wrong(
    "area_term",
    """
    def area_term(masks, areas):
        values = masks.flatten(1).sort(1).values
        size = values.shape[1]
        zeros = ((1 - areas) * size).ceil()
        wanted = torch.arange(size) >= zeros[:, None]
        return (values - wanted.to(values)).square().mean(1)
    """,
)
answers.wrong(
    "area_term",
    """
    def area_term(masks, areas):
        values = masks.detach().flatten(1).sort(1).values
        size = values.shape[1]
        zeros = ((1 - areas) * size).long()
        wanted = torch.arange(size) >= zeros[:, None]
        return (values - wanted.to(values)).square().mean(1)
    """,
)
answers.wrong(
    "area_term",
    """
    def area_term(masks, areas):
        values = masks.flatten(1).sort(1).values
        size = 96 * 96
        zeros = ((1 - areas) * size).long()
        wanted = torch.arange(size) >= zeros[:, None]
        return (values - wanted.to(values)).square().mean(1)
    """,
)
answers.wrong(
    "area_term",
    """
    def area_term(masks, areas):
        values = masks.flatten(1).sort(1).values
        size = values.shape[1]
        zeros = ((1 - areas[0]) * size).long()
        wanted = torch.arange(size) >= zeros
        return (values - wanted.to(values)).square().mean(1)
    """,
)
answers.wrong(
    "area_term",
    """
    def area_term(masks, areas):
        values = masks.flatten(1).sort(1).values
        size = values.shape[1]
        zeros = (1 - areas * size).long()
        wanted = torch.arange(size) >= zeros[:, None]
        return (values - wanted.to(values)).square().mean(1)
    """,
)
answers.wrong(
    "area_term",
    """
    def area_term(masks, areas):
        values = masks.flatten(1).sort(1).values
        size = values.shape[1]
        zeros = ((1 - areas) * size).long()
        wanted = torch.arange(size) > zeros[:, None]
        return (values - wanted.to(values)).square().mean(1)
    """,
)
answers.wrong(
    "area_term",
    """
    def area_term(masks, areas):
        values = masks.flatten(1).sort(1).values
        size = values.shape[1]
        zeros = ((1 - areas) * size).long()
        wanted = torch.arange(size) >= zeros[:, None]
        return (values - wanted.to(values)).square().mean(1, keepdim=True)
    """,
)
answers.wrong(
    "area_term",
    """
    def area_term(masks, areas):
        values = masks.flatten(1).sort(1).values
        size = values.shape[1]
        wanted = torch.ones_like(values)
        for n, area in enumerate(areas):
            wanted[n, : int((1 - area) * masks.shape[-1])] = 0
        return (values - wanted).square().mean(1)
    """,
)
answers.wrong(
    "area_term",
    """
    def area_term(masks, areas):
        values = masks.flatten(1)
        size = values.shape[1]
        share = (values > 0.5).float().mean(1)
        return (share - areas).square()
    """,
)
answers.wrong(
    "area_term",
    """
    def area_term(masks, areas):
        values = masks.flatten(1).sort(1).values
        size = values.shape[1]
        zeros = ((1 - areas) * size).long()
        wanted = torch.arange(size) >= zeros[:, None]
        term = (values - wanted.to(values)).square().mean(1)
    """,
)
answers.wrong(
    "area_term",
    """
    def area_term(masks, areas):
        values = masks.flatten(1).sort(1)
        size = masks[0].numel()
        zeros = ((1 - areas) * size).long()
        wanted = torch.arange(size) >= zeros[:, None]
        return (values - wanted.float()).square().mean(1)
    """,
)
answers.wrong(
    "area_term",
    """
    def area_term(masks, areas):
        values = masks.flatten(1).sort(1).values
        size = values.shape[1]
        zeros = ((1 - areas) * size).long()
        wanted = torch.arange(size) >= zeros[:, None]
        return 300 * (values - wanted.to(values)).square().mean(1)
    """,
)
answers.wrong(
    "area_term",
    """
    def area_term(masks, areas):
        values = masks.flatten(1).sort(1).values.round()
        size = values.shape[1]
        zeros = ((1 - areas) * size).long()
        wanted = torch.arange(size) >= zeros[:, None]
        return (values - wanted.to(values)).square().mean(1)
    """,
)
answers.right(
    "one_step",
    """
    def one_step(parameters, objective, optimiser):
        values = objective(parameters)
        (slope,) = torch.autograd.grad(-values.sum(), parameters)
        parameters.grad = slope
        optimiser.step()
        parameters.data.clamp_(0, 1)
        return values.detach()
    """,
)
answers.right(
    "one_step",
    """
    def one_step(parameters, objective, optimiser):
        optimiser.zero_grad(set_to_none=False)
        values = objective(parameters)
        values.backward(-torch.ones(len(values)))
        optimiser.step()
        parameters.detach().clamp_(min=0, max=1)
        return values.data
    """,
)
answers.right(
    "one_step",
    """
    def one_step(parameters, objective, optimiser):
        kept = []

        def closure():
            optimiser.zero_grad()
            values = objective(parameters)
            kept.append(values.detach())
            loss = -values.sum()
            loss.backward()
            return loss

        optimiser.step(closure)
        with torch.no_grad():
            parameters.copy_(parameters.clip(0, 1))
        return kept[0]
    """,
)
answers.right(
    "one_step",
    """
    def one_step(parameters, objective, optimiser):
        parameters.grad = None
        values = objective(parameters)
        loss = 0
        for value in values:
            loss = loss - value
        loss.backward()
        optimiser.step()
        parameters.data = parameters.data.clamp(0, 1)
        return torch.tensor([value.item() for value in values])
    """,
)
answers.right(
    "one_step",
    """
    def one_step(parameters, objective, optimiser):
        values = objective(parameters)
        (-values).sum().backward()
        optimiser.step()
        optimiser.zero_grad()
        with torch.no_grad():
            parameters[parameters < 0] = 0
            parameters[parameters > 1] = 1
        return values.clone().detach()
    """,
)
answers.wrong(
    "one_step",
    """
    def one_step(parameters, objective, optimiser):
        optimiser.zero_grad()
        values = objective(parameters)
        values.sum().backward()
        with torch.no_grad():
            parameters += optimiser.param_groups[0]["lr"] * parameters.grad
            parameters.clamp_(0, 1)
        return values.detach()
    """,
)
answers.wrong(
    "one_step",
    """
    def one_step(parameters, objective, optimiser):
        optimiser.zero_grad()
        values = objective(parameters)
        (-values.sum()).backward()
        with torch.no_grad():
            parameters.clamp_(0, 1)
        optimiser.step()
        return values.detach()
    """,
)
answers.wrong(
    "one_step",
    """
    def one_step(parameters, objective, optimiser):
        optimiser.zero_grad()
        values = objective(parameters)
        (-values.sum()).backward()
        optimiser.step()
        torch.set_grad_enabled(False)
        parameters.clamp_(0, 1)
        return values.detach()
    """,
)
answers.wrong(
    "one_step",
    """
    def one_step(parameters, objective, optimiser):
        optimiser.zero_grad()
        values = objective(parameters)
        (-values.sum()).backward()
        optimiser.step()
        parameters.requires_grad_(False)
        parameters.clamp_(0, 1)
        return values.detach()
    """,
)
answers.wrong(
    "one_step",
    """
    def one_step(parameters, objective, optimiser):
        optimiser.zero_grad()
        values = objective(parameters)
        (-values.sum()).backward()
        optimiser.step()
        with torch.no_grad():
            parameters.clamp_(min=0)
        return values.detach()
    """,
)
answers.wrong(
    "one_step",
    """
    def one_step(parameters, objective, optimiser):
        optimiser.zero_grad()
        values = objective(parameters)
        (-values.sum()).backward()
        optimiser.step()
        with torch.no_grad():
            parameters.sigmoid_()
        return values.detach()
    """,
)
answers.wrong(
    "one_step",
    """
    def one_step(parameters, objective, optimiser):
        values = objective(parameters)
        (-values.sum()).backward()
        optimiser.zero_grad()
        optimiser.step()
        with torch.no_grad():
            parameters.clamp_(0, 1)
        return values.detach()
    """,
)
answers.wrong(
    "one_step",
    """
    def one_step(parameters, objective, optimiser):
        optimiser.zero_grad()
        values = objective(parameters)
        (-values.max()).backward()
        optimiser.step()
        with torch.no_grad():
            parameters.clamp_(0, 1)
        return values.detach()
    """,
)
answers.wrong(
    "one_step",
    """
    def one_step(parameters, objective, optimiser):
        optimiser.zero_grad()
        values = objective(parameters)
        (-values.sum()).backward()
        optimiser.step()
        with torch.no_grad():
            parameters.clamp_(0, 1)
    """,
)
answers.wrong(
    "one_step",
    """
    def one_step(parameters, objective, optimiser):
        optimiser = torch.optim.SGD([parameters], lr=0.4)
        optimiser.zero_grad()
        values = objective(parameters)
        (-values.sum()).backward()
        optimiser.step()
        with torch.no_grad():
            parameters.clamp_(0, 1)
        return values.detach()
    """,
)
answers.wrong(
    "one_step",
    """
    def one_step(parameters, objective, optimiser):
        optimiser.zero_grad()
        values = objective(parameters)
        (-values.sum()).backward()
        optimiser.step()
        with torch.no_grad():
            parameters = parameters.clamp_(0, 1)
        return parameters.detach()
    """,
)
answers.wrong(
    "one_step",
    """
    def one_step(parameters, objective, optimiser):
        optimiser.zero_grad()
        values = objective(parameters)
        (values.sum() * -1).backward()
        parameters.grad.clamp_(0, 1)
        optimiser.step()
        with torch.no_grad():
            parameters.clamp_(0, 1)
        return values.detach()
    """,
)
answers.wrong(
    "one_step",
    """
    def one_step(parameters, objective, optimiser):
        optimiser.zero_grad()
        values = objective(parameters)
        (-values.sum()).backward()
        optimiser.step()
        with torch.no_grad():
            parameters.div_(parameters.max())
        return values.detach()
    """,
)
answers.wrong(
    "one_step",
    """
    def one_step(parameters, objective, optimiser):
        optimiser.zero_grad()
        values = objective(parameters.detach())
        (-values.sum()).backward()
        optimiser.step()
        with torch.no_grad():
            parameters.clamp_(0, 1)
        return values.detach()
    """,
)
answers.right(
    "extremal_masks",
    """
    def extremal_masks(score, render, parameters, areas, steps):
        p = nn.Parameter(parameters.clone())
        adam = torch.optim.Adam([p], lr=0.05)
        weight = 100.0
        for _ in range(steps):
            one_step(p, lambda q: score(render(q)) - weight * area_term(render(q), areas), adam)
            weight *= 1.06
        with torch.no_grad():
            return render(p)
    """,
)
answers.right(
    "extremal_masks",
    """
    def extremal_masks(score, render, parameters, areas, steps):
        p = torch.tensor(parameters.tolist(), requires_grad=True)
        adam = torch.optim.Adam([{"params": p}], lr=5e-2)
        for t in range(steps):
            adam.zero_grad()
            masks = render(p)
            loss = (100 * math.pow(1.06, t) * area_term(masks, areas) - score(masks)).sum()
            loss.backward()
            adam.step()
            p.data.clamp_(0, 1)
        return render(p).detach().clone()
    """,
)
answers.right(
    "extremal_masks",
    """
    def extremal_masks(score, render, parameters, areas, steps):
        import functools

        parameters = parameters.clone().requires_grad_(True)
        optimiser = torch.optim.Adam(params=(parameters,), lr=0.05)

        def objective(p, weight):
            masks = render(p)
            return score(masks) - weight * area_term(masks, areas)

        for t in range(steps):
            one_step(parameters, functools.partial(objective, weight=100 * 1.06**t), optimiser)
        return render(parameters.detach())
    """,
)
answers.right(
    "extremal_masks",
    """
    def extremal_masks(score, render, parameters, areas, steps):
        p = torch.empty_like(parameters).copy_(parameters).requires_grad_()
        optimiser = torch.optim.Adam([p], 0.05)
        t = 0
        while t < steps:
            def total(q):
                masks = render(q)
                return score(masks).sum() - (100 * 1.06**t * area_term(masks, areas)).sum()
            one_step(p, total, optimiser)
            t += 1
        return render(p).data
    """,
)
answers.wrong(
    "extremal_masks",
    """
    def extremal_masks(score, render, parameters, areas, steps):
        parameters = parameters.detach().clone().requires_grad_()
        optimiser = torch.optim.Adam([parameters], lr=0.05)
        for t in range(steps):
            def objective(p):
                masks = render(p)
                return score(masks) - 100 * 1.06 * t * area_term(masks, areas)
            one_step(parameters, objective, optimiser)
        return render(parameters).detach()
    """,
)
answers.wrong(
    "extremal_masks",
    """
    def extremal_masks(score, render, parameters, areas, steps):
        parameters = parameters.detach().clone().requires_grad_()
        optimiser = torch.optim.AdamW([parameters], lr=0.05)
        for t in range(steps):
            def objective(p):
                masks = render(p)
                return score(masks) - 100 * 1.06**t * area_term(masks, areas)
            one_step(parameters, objective, optimiser)
        return render(parameters).detach()
    """,
)
answers.wrong(
    "extremal_masks",
    """
    def extremal_masks(score, render, parameters, areas, steps):
        parameters = parameters.detach().requires_grad_()
        optimiser = torch.optim.Adam([parameters], lr=0.05)
        for t in range(steps):
            def objective(p):
                masks = render(p)
                return score(masks) - 100 * 1.06**t * area_term(masks, areas)
            one_step(parameters, objective, optimiser)
        return render(parameters).detach()
    """,
)
answers.wrong(
    "extremal_masks",
    """
    def extremal_masks(score, render, parameters, areas, steps):
        parameters = parameters.detach().clone().requires_grad_()
        optimiser = torch.optim.Adam([parameters], lr=0.05)
        for t in range(steps + 1):
            def objective(p):
                masks = render(p)
                return score(masks) - 100 * 1.06**t * area_term(masks, areas)
            one_step(parameters, objective, optimiser)
        return render(parameters).detach()
    """,
)
answers.wrong(
    "extremal_masks",
    """
    def extremal_masks(score, render, parameters, areas, steps):
        parameters = parameters.detach().clone().requires_grad_()
        optimiser = torch.optim.Adam([parameters], lr=0.05)
        for t in range(60):
            def objective(p):
                masks = render(p)
                return score(masks) - 100 * 1.06**t * area_term(masks, areas)
            one_step(parameters, objective, optimiser)
        return render(parameters).detach()
    """,
)
answers.wrong(
    "extremal_masks",
    """
    def extremal_masks(score, render, parameters, areas, steps):
        parameters = parameters.detach().clone().requires_grad_()
        optimiser = torch.optim.Adam([parameters], lr=0.05)
        for t in range(steps):
            def objective(p):
                masks = render(p)
                return score(masks.detach()) - 100 * 1.06**t * area_term(masks, areas)
            one_step(parameters, objective, optimiser)
        return render(parameters).detach()
    """,
)
answers.wrong(
    "extremal_masks",
    """
    def extremal_masks(score, render, parameters, areas, steps):
        parameters = parameters.detach().clone().requires_grad_()
        optimiser = torch.optim.Adam([parameters], lr=0.05)
        for t in range(steps):
            def objective(p):
                nonlocal masks
                masks = render(p)
                return score(masks) - 100 * 1.06**t * area_term(masks, areas)
            masks = None
            one_step(parameters, objective, optimiser)
        return masks.detach()
    """,
)
answers.wrong(
    "extremal_masks",
    """
    def extremal_masks(score, render, parameters, areas, steps):
        parameters = parameters.detach().clone().requires_grad_()
        optimiser = torch.optim.Adam([parameters], lr=0.05)
        for t in range(steps):
            def objective(p):
                masks = render(p)
                score(masks) - 100 * 1.06**t * area_term(masks, areas)
            one_step(parameters, objective, optimiser)
        return render(parameters).detach()
    """,
)
answers.wrong(
    "extremal_masks",
    """
    def extremal_masks(score, render, parameters, areas, steps):
        parameters = parameters.detach().clone().requires_grad_()
        optimiser = torch.optim.Adam([parameters], lr=0.05)
        for t in range(steps):
            def objective(p):
                masks = render(p)
                return score(masks).sum() - 100 * 1.06**t * area_term(masks, areas)
            one_step(parameters, objective, optimiser)
        return render(parameters).detach()
    """,
)
answers.wrong(
    "extremal_masks",
    """
    def extremal_masks(score, render, parameters, areas, steps):
        parameters = parameters.detach().clone().requires_grad_()
        optimiser = torch.optim.Adam([parameters], lr=0.05)
        for t in range(steps):
            weight = 100 * 1.06**t
            optimiser.zero_grad()
            masks = render(parameters)
            (weight * area_term(masks, areas) - score(masks)).sum().backward()
            optimiser.step()
        return render(parameters).detach()
    """,
)
answers.wrong(
    "extremal_masks",
    """
    def extremal_masks(score, render, parameters, areas, steps):
        parameters = parameters.detach().clone().requires_grad_()
        optimiser = torch.optim.Adam([parameters], lr=0.05)
        weight = 100
        for t in range(steps):
            weight = weight * 1.06**t
            def objective(p):
                masks = render(p)
                return score(masks) - weight * area_term(masks, areas)
            one_step(parameters, objective, optimiser)
        return render(parameters).detach()
    """,
)
answers.wrong(
    "extremal_masks",
    """
    def extremal_masks(score, render, parameters, areas, steps):
        parameters = torch.ones_like(parameters).requires_grad_()
        optimiser = torch.optim.Adam([parameters], lr=0.05)
        for t in range(steps):
            def objective(p):
                masks = render(p)
                return score(masks) - 100 * 1.06**t * area_term(masks, areas)
            one_step(parameters, objective, optimiser)
        return render(parameters).detach()
    """,
)
answers.wrong(
    "extremal_masks",
    """
    def extremal_masks(score, render, parameters, areas, steps):
        parameters = parameters.detach().clone().requires_grad_()
        optimiser = torch.optim.Adam([parameters], lr=0.05)
        for t in range(steps):
            def objective(p):
                masks = render(p)
                return score(masks) - 100 * 1.06**t * area_term(masks, areas)
            one_step(parameters, objective, optimiser)
            return render(parameters).detach()
    """,
)
answers.wrong(
    "extremal_masks",
    """
    def extremal_masks(score, render, parameters, areas, steps):
        parameters = parameters.detach().clone().requires_grad_()
        optimiser = torch.optim.Adam([parameters], lr=0.05)
        for t in range(steps):
            def objective(p):
                masks = render(p)
                return score(masks) - 100 * 1.06**t * area_term(masks, areas[:1])
            one_step(parameters, objective, optimiser)
        return render(parameters).detach()
    """,
)
answers.right(
    "smallest_area",
    """
    def smallest_area(areas, scores, whole, share=0.9):
        return min((a for a, s in zip(areas, scores) if s >= share * whole), default=None)
    """,
)
answers.right(
    "smallest_area",
    """
    def smallest_area(areas, scores, whole, share=0.9):
        for area, score in sorted(zip(areas, scores)):
            if score >= share * whole:
                return area
    """,
)
answers.right(
    "smallest_area",
    """
    def smallest_area(areas, scores, whole, share=0.9):
        best = float("inf")
        for i in range(len(areas)):
            if scores[i] >= whole * share and areas[i] < best:
                best = areas[i]
        return None if best == float("inf") else best
    """,
)
answers.right(
    "smallest_area",
    """
    def smallest_area(areas, scores, whole, share=0.9):
        areas, scores = torch.tensor(areas), torch.tensor(scores)
        enough = areas[scores >= share * whole]
        if len(enough) == 0:
            return None
        return enough.min()
    """,
)
answers.right(
    "smallest_area",
    """
    def smallest_area(areas, scores, whole, share=0.9):
        import numpy as np

        enough = np.array(areas)[np.array(scores) >= share * whole]
        return enough.min() if enough.size else None
    """,
)
answers.wrong(
    "smallest_area",
    """
    def smallest_area(areas, scores, whole, share=0.9):
        enough = [a for a, s in zip(areas, scores) if s >= share * max(scores)]
        return min(enough) if enough else None
    """,
)
answers.wrong(
    "smallest_area",
    """
    def smallest_area(areas, scores, whole, share=0.9):
        enough = [a for a, s in zip(areas, scores) if s >= share * scores[-1]]
        return min(enough) if enough else None
    """,
)
answers.wrong(
    "smallest_area",
    """
    def smallest_area(areas, scores, whole, share=0.9):
        enough = [a for a, s in zip(sorted(areas), scores) if s >= share * whole]
        return min(enough) if enough else None
    """,
)
answers.wrong(
    "smallest_area",
    """
    def smallest_area(areas, scores, whole, share=0.9):
        pairs = dict(zip(areas, scores))
        areas.sort()
        for area in areas:
            if pairs[area] >= share * whole:
                return area
        return None
    """,
    says="changes its input `areas` in place",
)
answers.wrong(
    "smallest_area",
    """
    def smallest_area(areas, scores, whole, share=0.9):
        enough = [a for a, s in zip(areas, scores) if abs(s) >= share * whole]
        return min(enough) if enough else None
    """,
)
answers.wrong(
    "smallest_area",
    """
    def smallest_area(areas, scores, whole, share=0.9):
        best = None
        for a, s in sorted(zip(areas, scores), reverse=True):
            if s < share * whole:
                break
            best = a
        return best
    """,
)
answers.wrong(
    "smallest_area",
    """
    def smallest_area(areas, scores, whole, share=0.9):
        for a, s in sorted(zip(areas, scores)):
            if s >= share * whole:
                return a
            else:
                return None
    """,
)
answers.wrong(
    "smallest_area",
    """
    def smallest_area(areas, scores, whole, share=0.9):
        enough = [a for a, s in zip(areas, scores) if s >= (1 - share) * whole]
        return min(enough) if enough else None
    """,
)
answers.wrong(
    "smallest_area",
    """
    def smallest_area(areas, scores, whole, share=0.9):
        enough = [(a, s) for a, s in zip(areas, scores) if s >= share * whole]
        return min(enough) if enough else None
    """,
)
answers.wrong(
    "smallest_area",
    """
    def smallest_area(areas, scores, whole, share=0.9):
        enough = [a for a, s in zip(areas, scores) if s >= share * whole]
        return min(enough) if enough else float("nan")
    """,
)
answers.wrong(
    "smallest_area",
    """
    def smallest_area(areas, scores, whole, share=0.9):
        enough = [a for a, s in zip(areas, scores) if s >= share * whole]
        return enough
    """,
)
answers.wrong(
    "smallest_area",
    """
    def smallest_area(areas, scores, whole, share=0.9):
        enough = [a for a, s in zip(areas, scores) if s >= share * whole]
        min(enough) if enough else None
    """,
)
answers.wrong(
    "smallest_area",
    """
    def smallest_area(areas, scores, whole, share=0.9):
        enough = [s for a, s in zip(areas, scores) if s >= share * whole]
        return areas[scores.index(min(enough))] if enough else None
    """,
)
answers.wrong(
    "smallest_area",
    """
    def smallest_area(areas, scores, whole, share=0.5):
        enough = [a for a, s in zip(areas, scores) if s >= share * whole]
        return min(enough) if enough else None
    """,
)
answers.right(
    "perturb",
    """
    def perturb(pyramid, masks):
        last = len(pyramid) - 1
        place = masks * last
        with torch.no_grad():
            lower = torch.floor(place)
            lower[lower == last] = last - 1
        weights = [(lower == 0) * (1 - place)]
        for k in range(1, last + 1):
            here = (lower == k) * (k + 1 - place) if k < last else 0
            weights.append(here + (lower == k - 1) * (place - (k - 1)))
        return sum(w * level for w, level in zip(weights, pyramid))
    """,
)
answers.right(
    "extremal_masks",
    """
    def extremal_masks(score, render, parameters, areas, steps):
        p = parameters.clone()
        p.requires_grad = True
        adam = torch.optim.Adam([p], lr=0.05, betas=(0.9, 0.999))
        weights = [100 * 1.06**t for t in range(steps)]
        for weight in weights:
            masks = render(p)
            objective = score(masks) - weight * area_term(masks, areas)
            adam.zero_grad()
            objective.sum().neg().backward()
            adam.step()
            with torch.no_grad():
                p[:] = p.clamp(0, 1)
        return render(p).detach()
    """,
)
answers.right(
    "perturb",
    """
    def perturb(pyramid, masks):
        images = []
        last = len(pyramid) - 1
        for mask in masks:
            place = last * mask
            lower = place.floor().clamp(max=last - 1).long()
            below = pyramid.gather(0, lower[None].expand(1, *pyramid.shape[1:]))[0]
            above = pyramid.gather(0, (lower + 1)[None].expand(1, *pyramid.shape[1:]))[0]
            images.append(below + (place - lower) * (above - below))
        return torch.stack(images)
    """,
)
answers.right(
    "perturb",
    """
    def perturb(pyramid, masks):
        place = masks * (len(pyramid) - 1)
        images = torch.zeros(len(masks), *pyramid.shape[1:])
        for k in range(len(pyramid) - 1):
            top = k == len(pyramid) - 2
            here = (place >= k) & ((place < k + 1) | top)
            share = place - k
            images = torch.where(here, pyramid[k] * (1 - share) + pyramid[k + 1] * share, images)
        return images
    """,
)
answers.right(
    "perturb",
    """
    def perturb(pyramid, masks):
        L = len(pyramid)
        place = masks * (L - 1)
        lower = torch.minimum(torch.floor(place), torch.tensor(L - 2.0))
        one_hot = F.one_hot(lower[:, 0].long(), L - 1).permute(3, 0, 1, 2)[:, :, None].float()
        share = (place - lower)[None]
        mixed = (1 - share) * pyramid[:-1, None] + share * pyramid[1:, None]
        return (one_hot * mixed).sum(0)
    """,
)
answers.wrong(
    "perturb",
    """
    def perturb(pyramid, masks):
        place = masks * (len(pyramid) - 1)
        lower = place.floor().clamp(max=len(pyramid) - 2)
        share = (place - lower) ** 2
        pairs = list(zip(pyramid[:-1], pyramid[1:]))
        mixed = [(1 - share) * a + share * b for a, b in pairs]
        return sum((lower == k) * mixed[k] for k in range(len(pyramid) - 1))
    """,
)
answers.wrong(
    "perturb",
    """
    def perturb(pyramid, masks):
        place = masks * (len(pyramid) - 2)
        lower = place.floor().clamp(max=len(pyramid) - 2)
        share = place - lower
        pairs = list(zip(pyramid[:-1], pyramid[1:]))
        mixed = [(1 - share) * a + share * b for a, b in pairs]
        return sum((lower == k) * mixed[k] for k in range(len(pyramid) - 1))
    """,
)
answers.wrong(
    "perturb",
    """
    def perturb(pyramid, masks):
        masks = masks.detach().clone().requires_grad_()
        place = masks * (len(pyramid) - 1)
        lower = place.floor().clamp(max=len(pyramid) - 2)
        share = place - lower
        pairs = list(zip(pyramid[:-1], pyramid[1:]))
        mixed = [(1 - share) * a + share * b for a, b in pairs]
        return sum((lower == k) * mixed[k] for k in range(len(pyramid) - 1))
    """,
)
answers.wrong(
    "perturb",
    """
    def perturb(pyramid, masks):
        place = masks * (len(pyramid) - 1)
        lower = place.floor()
        share = place - lower
        above = [*pyramid[1:], pyramid[-1]]
        mixed = [(1 - share) * a + share * b for a, b in zip(pyramid, above)]
        return sum((lower == k) * mixed[k] for k in range(len(pyramid)))
    """,
)
answers.wrong(
    "perturb",
    """
    def perturb(pyramid, masks):
        place = masks * (len(pyramid) - 1)
        lower = place.floor().clamp(max=len(pyramid) - 2)
        share = place - lower
        pairs = list(zip(pyramid[:-1], pyramid[1:]))
        mixed = [(1 - share) * a + share * b for a, b in pairs]
        return sum((lower == k) * mixed[k] for k in range(len(pyramid) - 2))
    """,
)
if CLAMP_STOPS:
    answers.wrong(
        "perturb",
        """
        def perturb(pyramid, masks):
            masks = masks.clamp(0, 1)
            place = masks * (len(pyramid) - 1)
            lower = place.ceil().clamp(min=1) - 1
            share = place - lower
            pairs = list(zip(pyramid[:-1], pyramid[1:]))
            mixed = [(1 - share) * a + share * b for a, b in pairs]
            return sum((lower == k) * mixed[k] for k in range(len(pyramid) - 1))
        """,
    )
answers.wrong(
    "perturb",
    """
    def perturb(pyramid, masks):
        place = masks * (len(pyramid) - 1)
        lower = place.floor().clamp(max=len(pyramid) - 2)
        share = place - lower
        pairs = list(zip(pyramid[:-1], pyramid[1:]))
        mixed = [(1 - share) * a + share * b for a, b in pairs]
        images = sum((lower == k) * mixed[k] for k in range(len(pyramid) - 1))
        return images.mean(1, keepdim=True)
    """,
)
answers.right(
    "smooth_maximum",
    """
    def smooth_maximum(values, coldness=20.0):
        return values.mul(values.mul(coldness).softmax(dim=-1)).sum(dim=-1)
    """,
)
answers.right(
    "smooth_maximum",
    """
    def smooth_maximum(values, coldness=20.0):
        flat = values.reshape(-1, values.shape[-1])
        rows = [(torch.softmax(coldness * row, 0) * row).sum() for row in flat]
        return torch.stack(rows).reshape(values.shape[:-1])
    """,
)
answers.right(
    "smooth_maximum",
    """
    def smooth_maximum(values, coldness=20.0):
        w = F.log_softmax(coldness * values, dim=-1).exp()
        return (w * values).sum(-1) / w.sum(-1)
    """,
)
answers.wrong(
    "smooth_maximum",
    """
    def smooth_maximum(values, coldness=20.0):
        weights = torch.softmax(coldness * values.detach(), -1)
        return (weights * values).sum(-1)
    """,
)
answers.wrong(
    "smooth_maximum",
    """
    def smooth_maximum(values, coldness=20.0):
        return torch.softmax(coldness * values, -1).sum(-1)
    """,
)
answers.wrong(
    "smooth_maximum",
    """
    def smooth_maximum(values, coldness=20.0):
        weights = (values ** coldness)
        return (weights * values).sum(-1) / weights.sum(-1)
    """,
)
answers.wrong(
    "smooth_maximum",
    """
    def smooth_maximum(values, coldness=20.0):
        weights = torch.exp(coldness * values) + 1e-6
        return (weights * values).sum(-1) / weights.sum(-1)
    """,
)
answers.wrong(
    "smooth_maximum",
    """
    def smooth_maximum(values, coldness=20.0):
        weights = (coldness * values).softmax(-1)
        return (weights.round() * values).sum(-1)
    """,
)
answers.wrong(
    "smooth_maximum",
    """
    def smooth_maximum(values, coldness=20.0):
        weights = (coldness * values.flatten()).softmax(-1).view_as(values)
        return (weights * values).sum(-1)
    """,
)
answers.wrong(
    "smooth_maximum",
    """
    def smooth_maximum(values, coldness=20.0):
        values = values.clamp(0, 1)
        weights = (coldness * values).softmax(-1)
        return (weights * values).sum(-1)
    """,
)
answers.right(
    "area_term",
    """
    def area_term(masks, areas):
        flat = masks.reshape(masks.shape[0], -1)
        order = flat.detach().argsort(1)
        values = flat.gather(1, order)
        count = flat.shape[1]
        wanted = torch.stack([(torch.arange(count) >= int((1 - a) * count)).float() for a in areas])
        return ((values - wanted) ** 2).mean(dim=1)
    """,
)
answers.right(
    "area_term",
    """
    def area_term(masks, areas):
        n = len(masks)
        values = torch.sort(masks.reshape(n, -1), dim=1)[0]
        p = values.shape[-1]
        out = []
        for i in range(n):
            z = math.floor((1 - float(areas[i])) * p + 1e-6)
            out.append((values[i, :z].pow(2).sum() + (1 - values[i, z:]).pow(2).sum()) / p)
        return torch.stack(out)
    """,
)
answers.right(
    "area_term",
    """
    def area_term(masks, areas):
        values = torch.msort(masks.flatten(1).t())
        p = len(values)
        wanted = torch.arange(p).unsqueeze(1) >= ((1 - areas) * p).floor()
        return (values - 1.0 * wanted).square().mean(0)
    """,
)
answers.wrong(
    "area_term",
    """
    def area_term(masks, areas):
        values = masks.flatten(1).sort(1).values
        size = values.shape[1]
        wanted = torch.linspace(0, 1, size) >= (1 - areas[:, None])
        return (values - wanted.to(values)).square().mean(1)
    """,
)
answers.wrong(
    "area_term",
    """
    def area_term(masks, areas):
        values = masks.flatten(1).sort(1).values.data
        size = values.shape[1]
        zeros = ((1 - areas) * size).long()
        wanted = (torch.arange(size) >= zeros[:, None]).float()
        return (values - wanted).square().mean(1).requires_grad_()
    """,
)
answers.wrong(
    "area_term",
    """
    def area_term(masks, areas):
        values = masks.flatten(2).sort(1).values.flatten(1)
        size = values.shape[1]
        zeros = ((1 - areas) * size).long()
        return (values - (torch.arange(size) >= zeros[:, None]).float()).square().mean(1)
    """,
)
answers.wrong(
    "area_term",
    """
    def area_term(masks, areas):
        values = masks.flatten(1).sort(1).values
        size = values.shape[1]
        zeros = ((1 - areas) * size).long()
        return (values - (torch.arange(size) >= zeros[:, None]).float()).square().mean(0)
    """,
)
answers.wrong(
    "area_term",
    """
    def area_term(masks, areas):
        values = masks.flatten(1).sort(1).values
        size = values.shape[1]
        zeros = ((1 - areas) * size).long()
        return (values - (torch.arange(size) >= zeros[:, None]).float()).square().mean(1).mean()
    """,
)
answers.wrong(
    "area_term",
    """
    def area_term(masks, areas):
        values = masks.flatten(1).sort(1).values
        size = values.shape[1]
        zeros = ((1 - areas) * size).long()
        return (values - (torch.arange(size) >= zeros[:, None]).float()).mean(1).square()
    """,
)
answers.wrong(
    "area_term",
    """
    def area_term(masks, areas):
        masks.clamp_(0, 1)
        values = (masks / masks.max()).flatten(1).sort(1).values
        size = values.shape[1]
        zeros = ((1 - areas) * size).long()
        return (values - (torch.arange(size) >= zeros[:, None]).float()).square().mean(1)
    """,
)
answers.right(
    "one_step",
    """
    def one_step(parameters, objective, optimiser):
        optimiser.zero_grad()
        loss = -objective(parameters)
        loss.sum().backward()
        optimiser.step()
        with torch.no_grad():
            torch.clamp(parameters, 0, 1, out=parameters)
        return -loss.detach()
    """,
)
answers.right(
    "one_step",
    """
    def one_step(parameters, objective, optimiser):
        for group in optimiser.param_groups:
            for p in group["params"]:
                p.grad = None
        values = objective(parameters)
        torch.autograd.backward(values, [-torch.ones_like(values)])
        optimiser.step()
        parameters.data = parameters.data.clip(min=0.0, max=1.0)
        return values.detach().clone()
    """,
)
answers.right(
    "one_step",
    """
    def one_step(parameters, objective, optimiser):
        with torch.enable_grad():
            values = objective(parameters)
            optimiser.zero_grad()
            values.sum().backward()
        parameters.grad.neg_()
        optimiser.step()
        with torch.no_grad():
            above = torch.maximum(parameters, torch.tensor(0.0))
            parameters.copy_(torch.minimum(above, torch.tensor(1.0)))
        return values.detach()
    """,
)
answers.wrong(
    "one_step",
    """
    def one_step(parameters, objective, optimiser):
        optimiser.zero_grad()
        values = objective(parameters)
        (-values.sum()).backward()
        optimiser.step()
        optimiser.step()
        with torch.no_grad():
            parameters.clamp_(0, 1)
        return values.detach()
    """,
)
answers.wrong(
    "one_step",
    """
    def one_step(parameters, objective, optimiser):
        optimiser.zero_grad()
        values = objective(parameters)
        (-values.sum()).backward()
        optimiser.step()
        with torch.no_grad():
            parameters.clamp_(-1, 1)
        return values.detach()
    """,
)
answers.wrong(
    "one_step",
    """
    def one_step(parameters, objective, optimiser):
        optimiser.zero_grad()
        with torch.no_grad():
            values = objective(parameters)
        (-values.sum()).backward()
        optimiser.step()
        return values.detach()
    """,
)
answers.wrong(
    "one_step",
    """
    def one_step(parameters, objective, optimiser):
        optimiser.zero_grad()
        values = objective(parameters)
        (-values.sum()).backward()
        optimiser.step()
        with torch.no_grad():
            parameters.clamp_(0, 1)
        return values.detach().mean()
    """,
)
answers.wrong(
    "one_step",
    """
    def one_step(parameters, objective, optimiser):
        optimiser.zero_grad()
        values = objective(parameters)
        (-values.sum()).backward()
        nn.utils.clip_grad_norm_([parameters], 1.0)
        optimiser.step()
        with torch.no_grad():
            parameters.clamp_(0, 1)
        return values.detach()
    """,
)
answers.wrong(
    "one_step",
    """
    def one_step(parameters, objective, optimiser):
        optimiser.zero_grad()
        values = objective(parameters)
        (-values.sum()).backward()
        optimiser.step()
        parameters = torch.clamp(parameters.detach(), 0, 1).requires_grad_()
        return values.detach()
    """,
)
answers.wrong(
    "one_step",
    """
    def one_step(parameters, objective, optimiser):
        optimiser.zero_grad()
        values = objective(parameters)
        (-values[0]).backward()
        optimiser.step()
        with torch.no_grad():
            parameters.clamp_(0, 1)
        return values.detach()
    """,
)
answers.right(
    "extremal_masks",
    """
    def extremal_masks(score, render, parameters, areas, steps):
        free = parameters.detach().clone()
        free.requires_grad_(True)
        adam = torch.optim.Adam([free], lr=0.05)

        def objective_at(t):
            return lambda p: score(render(p)) - 100 * (1.06**t) * area_term(render(p), areas)

        for t in range(steps):
            one_step(free, objective_at(t), adam)
        return render(free).detach()
    """,
)
answers.right(
    "extremal_masks",
    """
    def extremal_masks(score, render, parameters, areas, steps):
        class Objective:
            weight = 100.0

            def __call__(self, p):
                masks = render(p)
                value = score(masks) - self.weight * area_term(masks, areas)
                self.weight *= 1.06
                return value

        p = nn.Parameter(parameters.detach().clone())
        optimiser, objective = torch.optim.Adam([p], lr=0.05), Objective()
        for _ in range(steps):
            one_step(p, objective, optimiser)
        return render(p).detach()
    """,
)
answers.right(
    "extremal_masks",
    """
    def extremal_masks(score, render, parameters, areas, steps):
        p = parameters.double().requires_grad_()
        optimiser = torch.optim.Adam([p], lr=0.05)
        for t in range(steps):
            def objective(p):
                masks = render(p.float())
                return score(masks) - 100 * 1.06**t * area_term(masks, areas)
            one_step(p, objective, optimiser)
        return render(p.float()).detach()
    """,
)
answers.wrong(
    "extremal_masks",
    """
    def extremal_masks(score, render, parameters, areas, steps):
        p = parameters.detach().clone().requires_grad_()
        optimiser = torch.optim.Adam([p], lr=0.05)
        for t in range(steps):
            def objective(p):
                masks = render(p)
                return score(masks) - 100 * 1.06**(t / steps) * area_term(masks, areas)
            one_step(p, objective, optimiser)
        return render(p).detach()
    """,
)
answers.wrong(
    "extremal_masks",
    """
    def extremal_masks(score, render, parameters, areas, steps):
        p = parameters.detach().clone().requires_grad_()
        optimiser = torch.optim.Adam([p], lr=0.05, maximize=True)
        for t in range(steps):
            def objective(p):
                masks = render(p)
                return score(masks) - 100 * 1.06**t * area_term(masks, areas)
            one_step(p, objective, optimiser)
        return render(p).detach()
    """,
)
answers.wrong(
    "extremal_masks",
    """
    def extremal_masks(score, render, parameters, areas, steps):
        p = parameters.detach().clone().requires_grad_()
        optimiser = torch.optim.Adam([p], lr=0.05)
        for t in range(steps):
            def objective(p):
                masks = render(p).detach()
                return score(masks) - 100 * 1.06**t * area_term(masks, areas)
            one_step(p, objective, optimiser)
        return render(p).detach()
    """,
)
answers.wrong(
    "extremal_masks",
    """
    def extremal_masks(score, render, parameters, areas, steps):
        p = parameters.detach().clone().requires_grad_()
        optimiser = torch.optim.Adam([p], lr=0.5)
        for t in range(steps):
            def objective(p):
                masks = render(p)
                return score(masks) - 100 * 1.06**t * area_term(masks, areas)
            one_step(p, objective, optimiser)
        return render(p).detach()
    """,
)
answers.wrong(
    "extremal_masks",
    """
    def extremal_masks(score, render, parameters, areas, steps):
        p = parameters.detach().clone().requires_grad_()
        optimiser = torch.optim.Adam([p], lr=0.05)
        for t in range(steps):
            def objective(p):
                masks = render(p)
                return score(masks) - 100 * 1.06**t * area_term(masks, areas)
            one_step(p, objective, optimiser)
        return (render(p) > 0.5).float()
    """,
)
answers.wrong(
    "extremal_masks",
    """
    def extremal_masks(score, render, parameters, areas, steps):
        p = parameters.detach().clone().requires_grad_()
        optimiser = torch.optim.Adam([p], lr=0.05)
        for t in range(steps):
            def objective(p):
                masks = render(p)
                return score(masks) - 100 * area_term(masks, areas) ** (1.06 * t)
            one_step(p, objective, optimiser)
        return render(p).detach()
    """,
)
answers.wrong(
    "extremal_masks",
    """
    def extremal_masks(score, render, parameters, areas, steps):
        p = parameters.requires_grad_()
        q = p.detach().clone().requires_grad_()
        optimiser = torch.optim.Adam([q], lr=0.05)
        for t in range(steps):
            def objective(p):
                masks = render(p)
                return score(masks) - 100 * 1.06**t * area_term(masks, areas)
            one_step(q, objective, optimiser)
        return render(q).detach()
    """,
)
answers.right(
    "smallest_area",
    """
    def smallest_area(areas, scores, whole, share=0.9):
        bar = share * whole
        smallest = None
        for area, score in zip(areas, scores):
            if score < bar:
                continue
            if smallest is None or area < smallest:
                smallest = area
        return smallest
    """,
)
answers.right(
    "smallest_area",
    """
    def smallest_area(areas, scores, whole, share=0.9):
        try:
            return min(area for area, score in zip(areas, scores) if score / whole >= share)
        except ValueError:
            return None
    """,
)
answers.right(
    "smallest_area",
    """
    def smallest_area(areas, scores, whole, share=0.9):
        order = sorted(range(len(areas)), key=areas.__getitem__)
        return next((areas[i] for i in order if not scores[i] < share * whole), None)
    """,
)
answers.wrong(
    "smallest_area",
    """
    def smallest_area(areas, scores, whole, share=0.9):
        enough = [a for a, s in zip(areas, scores) if s >= share * whole]
        return min(enough) if enough else max(areas)
    """,
)
answers.wrong(
    "smallest_area",
    """
    def smallest_area(areas, scores, whole, share=0.9):
        enough = [a for a, s in zip(areas, scores) if s >= whole]
        return min(enough) if enough else None
    """,
)
answers.wrong(
    "smallest_area",
    """
    def smallest_area(areas, scores, whole, share=0.9):
        enough = [a for a, s in zip(areas, scores) if s <= share * whole]
        return min(enough) if enough else None
    """,
)
answers.wrong(
    "smallest_area",
    """
    def smallest_area(areas, scores, whole, share=0.9):
        enough = [a for a, s in zip(areas, scores) if s >= share * whole]
        return min(enough) / 1 if enough else "None"
    """,
)
answers.wrong(
    "smallest_area",
    """
    def smallest_area(areas, scores, whole, share=0.9):
        enough = [a for a, s in zip(areas, scores) if a >= share * whole]
        return min(enough) if enough else None
    """,
)
answers.wrong(
    "smallest_area",
    """
    def smallest_area(areas, scores, whole, share=0.9):
        for i, score in enumerate(scores):
            if score >= share * whole:
                return min(areas[i:])
    """,
)
answers.wrong(
    "smallest_area",
    """
    def smallest_area(areas, scores, whole, share=0.9):
        if scores[-1] < share * whole:
            return None
        return min(a for a, s in zip(areas, scores) if s >= share * whole)
    """,
)
