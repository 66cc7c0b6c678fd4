"""Answers of lesson 06 that no exercise lists."""

from __future__ import annotations

from course_lib.exercises.engine.answers import Answers

answers = Answers()

answers.right(
    "rise_masks",
    """
    def rise_masks(grids, rows, columns, size):
        cells = grids.shape[-1]
        most = -(-size // cells)
        cell = -(-(size + most) // cells)
        big = nn.Upsample(scale_factor=cell, mode="bilinear")(nn.ReflectionPad2d(1)(grids))
        out = torch.zeros(len(grids), 1, size, size)
        for n, (r, c) in enumerate(zip(rows, columns)):
            out[n, 0] = big[n, 0, cell + r : cell + r + size, cell + c : cell + c + size]
        return out
    """,
)
answers.right(
    "rise_masks",
    """
    def rise_masks(grids, rows, columns, size):
        cells = grids.shape[-1]
        cell = math.ceil((size + math.ceil(size / cells)) / cells)
        masks = []
        for grid, r, c in zip(grids, rows, columns):
            rim = F.pad(grid[None], (1, 1, 1, 1), mode="reflect")
            side = cell * (cells + 2)
            large = F.interpolate(rim, size=(side, side), mode="bilinear")
            large = torch.roll(large, (-int(r), -int(c)), (2, 3))
            masks.append(large[:, :, cell : cell + size, cell : cell + size])
        return torch.cat(masks)
    """,
)
answers.right(
    "rise_masks",
    """
    def rise_masks(grids, rows, columns, size):
        cells = grids.shape[-1]
        cell = math.ceil((size + math.ceil(size / cells)) / cells)
        rim = F.pad(grids, (1, 1, 1, 1), mode="reflect")
        large = F.interpolate(rim, scale_factor=cell, mode="bilinear", align_corners=False)
        y = cell + rows[:, None, None] + torch.arange(size)[:, None]
        x = cell + columns[:, None, None] + torch.arange(size)
        n = torch.arange(len(grids))[:, None, None]
        return large[n, 0, y, x].unsqueeze(1)
    """,
)
answers.right(
    "rise_masks",
    """
    def rise_masks(grids, rows, columns, size):
        import numpy as np

        number, _, _, cells = grids.shape
        cell = math.ceil((size + math.ceil(size / cells)) / cells)
        rim = np.pad(grids.numpy(), ((0, 0), (0, 0), (1, 1), (1, 1)), mode="reflect")
        large = F.interpolate(
            torch.from_numpy(rim).double(), size=cell * (cells + 2), mode="bilinear"
        )
        cut = []
        for n in range(number):
            part = large[n].narrow(1, cell + int(rows[n]), size)
            cut.append(part.narrow(2, cell + int(columns[n]), size))
        return torch.stack(cut, 0)
    """,
)
answers.wrong(
    "rise_masks",
    """
    def rise_masks(grids, rows, columns, size):
        cells = grids.shape[-1]
        cell = math.ceil(size / cells) + 1
        rim = F.pad(grids, (1, 1, 1, 1), mode="reflect")
        large = F.interpolate(rim, size=cell * (cells + 2), mode="bilinear")
        masks = []
        for n in range(len(grids)):
            top, left = cell + rows[n], cell + columns[n]
            masks.append(large[n, :, top : top + size, left : left + size])
        return torch.stack(masks)
    """,
)
answers.wrong(
    "rise_masks",
    """
    def rise_masks(grids, rows, columns, size):
        cells = grids.shape[-1]
        cell = math.ceil((size + math.ceil(size / cells)) / cells)
        rim = F.pad(grids, (1, 1, 1, 1), mode="reflect")
        large = F.interpolate(rim, size=cell * (cells + 2), mode="bilinear", align_corners=True)
        masks = []
        for n in range(len(grids)):
            top, left = cell + rows[n], cell + columns[n]
            masks.append(large[n, :, top : top + size, left : left + size])
        return torch.stack(masks)
    """,
)
answers.wrong(
    "rise_masks",
    """
    def rise_masks(grids, rows, columns, size):
        cells = grids.shape[-1]
        cell = math.ceil((size + math.ceil(size / cells)) / cells)
        rim = F.pad(grids, (1, 1, 1, 1), mode="reflect")
        large = F.interpolate(rim, size=cell * (cells + 2), mode="bicubic")
        masks = []
        for n in range(len(grids)):
            top, left = cell + rows[n], cell + columns[n]
            masks.append(large[n, :, top : top + size, left : left + size])
        return torch.stack(masks)
    """,
)
answers.wrong(
    "rise_masks",
    """
    def rise_masks(grids, rows, columns, size):
        cells = grids.shape[-1]
        cell = math.ceil((size + math.ceil(size / cells)) / cells)
        rim = F.pad(grids, (1, 1, 1, 1), mode="replicate")
        large = F.interpolate(rim, size=cell * (cells + 2), mode="bilinear")
        masks = []
        for n in range(len(grids)):
            top, left = cell + rows[n], cell + columns[n]
            masks.append(large[n, :, top : top + size, left : left + size])
        return torch.stack(masks)
    """,
)
answers.wrong(
    "rise_masks",
    """
    def rise_masks(grids, rows, columns, size):
        cells = grids.shape[-1]
        cell = math.ceil((size + math.ceil(size / cells)) / cells)
        rim = F.pad(grids, (1, 1, 1, 1), mode="reflect")
        large = F.interpolate(rim, size=cell * (cells + 2), mode="bilinear")
        masks = []
        for n in range(len(grids)):
            top, left = cell - rows[n], cell - columns[n]
            masks.append(large[n, :, top : top + size, left : left + size])
        return torch.stack(masks)
    """,
)
answers.wrong(
    "rise_masks",
    """
    def rise_masks(grids, rows, columns, size):
        cells = grids.shape[-1]
        cell = math.ceil((size + math.ceil(size / cells)) / cells)
        rim = F.pad(grids, (1, 1, 1, 1), mode="reflect")
        large = F.interpolate(rim, size=cell * (cells + 2), mode="bilinear")
        masks = []
        for n in range(len(grids)):
            top, left = cell + rows[n], cell + columns[n]
            masks.append(large[n, :, top : top + size, left : left + size])
        return torch.stack(masks).squeeze()
    """,
)
answers.wrong(
    "rise_masks",
    """
    def rise_masks(grids, rows, columns, size):
        cells = grids.shape[-1]
        cell = math.ceil((size + math.ceil(size / cells)) / cells)
        rim = F.pad(grids, (1, 1, 1, 1), mode="reflect")
        large = F.interpolate(rim, size=cell * (cells + 2), mode="bilinear")
        masks = []
        for n in range(len(grids)):
            top, left = cell + rows[n], cell + columns[n]
            masks.append(large[n, :, top : top + size, left : left + size])
        return masks
    """,
)
answers.wrong(
    "rise_masks",
    """
    def rise_masks(grids, rows, columns, size):
        cell = math.ceil((96 + math.ceil(96 / 7)) / 7)
        rim = F.pad(grids, (1, 1, 1, 1), mode="reflect")
        large = F.interpolate(rim, size=cell * 9, mode="bilinear")
        masks = []
        for n in range(len(grids)):
            top, left = cell + rows[n], cell + columns[n]
            masks.append(large[n, :, top : top + 96, left : left + 96])
        return torch.stack(masks)
    """,
)
answers.wrong(
    "rise_masks",
    """
    def rise_masks(grids, rows, columns, size):
        cells = grids.shape[-1]
        cell = int((size + math.ceil(size / cells)) / cells) + 1
        rim = F.pad(grids, (1, 1, 1, 1), mode="reflect")
        large = F.interpolate(rim, size=cell * (cells + 2), mode="bilinear")
        masks = []
        for n in range(len(grids)):
            top, left = cell + rows[n], cell + columns[n]
            masks.append(large[n, :, top : top + size, left : left + size])
        return torch.stack(masks)
    """,
)
answers.wrong(
    "rise_masks",
    """
    def rise_masks(grids, rows, columns, size):
        cells = grids.shape[-1]
        cell = math.ceil((size + math.ceil(size / cells)) / cells)
        rim = F.pad(grids, (1, 1, 1, 1), mode="reflect")
        large = F.interpolate(rim, size=cell * (cells + 2), mode="bilinear")
        masks = []
        for n in range(len(grids)):
            top, left = cell + rows[n], cell + columns[n]
            masks.append(large[n, :, top : top + size, left : left + size])
        return (torch.stack(masks) > 0.5).float()
    """,
)
answers.wrong(
    "rise_masks",
    """
    def rise_masks(grids, rows, columns, size):
        cells = grids.shape[-1]
        cell = math.ceil((size + math.ceil(size / cells)) / cells)
        large = F.interpolate(grids, size=cell * (cells + 2), mode="bilinear")
        masks = []
        for n in range(len(grids)):
            top, left = cell + rows[n], cell + columns[n]
            masks.append(large[n, :, top : top + size, left : left + size])
        return torch.stack(masks)
    """,
)
answers.wrong(
    "rise_masks",
    """
    def rise_masks(grids, rows, columns, size):
        cells = grids.shape[-1]
        cell = math.ceil((size + math.ceil(size / cells)) / cells)
        rim = F.pad(grids, (1, 1, 1, 1), mode="reflect")
        large = F.interpolate(rim, size=cell * (cells + 2), mode="bilinear")
        masks = []
        for n in range(len(grids)):
            top, left = cell + rows[n], cell + columns[n]
            masks.append(large[n, :, top:size, left:size])
        return torch.stack(masks)
    """,
)
answers.wrong(
    "rise_masks",
    """
    def rise_masks(grids, rows, columns, size):
        cells = grids.shape[-1]
        cell = math.ceil((size + math.ceil(size / cells)) / cells)
        rim = F.pad(grids, (1, 1, 1, 1), mode="reflect")
        large = F.interpolate(rim, size=cell * (cells + 2), mode="bilinear")
        for n in range(len(grids)):
            top, left = cell + rows[n], cell + columns[n]
            mask = large[n : n + 1, :, top : top + size, left : left + size]
        return mask
    """,
)
answers.right(
    "rise_map",
    """
    def rise_map(scores, masks):
        total = 0
        for score, mask in zip(scores, masks):
            total = total + score * mask
        return total / len(scores)
    """,
)
answers.right(
    "rise_map",
    """
    def rise_map(scores, masks):
        return torch.einsum("k,kchw->chw", scores, masks) / scores.numel()
    """,
)
answers.right(
    "rise_map",
    """
    def rise_map(scores, masks):
        number, _, height, width = masks.shape
        return (scores @ masks.reshape(number, -1)).reshape(1, height, width) / number
    """,
)
answers.right(
    "rise_map",
    """
    def rise_map(scores, masks):
        out = torch.zeros(masks.shape[1:])
        for k in range(len(masks)):
            out += scores[k].item() * masks[k]
        out /= len(masks)
        return out
    """,
)
answers.right(
    "rise_map",
    """
    rise_map = lambda f, m: torch.tensordot(f.double(), m.double(), dims=([0], [0])) / f.shape[0]
    """,
)
answers.wrong(
    "rise_map",
    """
    def rise_map(scores, masks):
        return (scores.softmax(0).view(-1, 1, 1, 1) * masks).sum(0)
    """,
)
answers.wrong(
    "rise_map",
    """
    def rise_map(scores, masks):
        return ((scores - scores.mean()).view(-1, 1, 1, 1) * masks).mean(0)
    """,
)
answers.wrong(
    "rise_map",
    """
    def rise_map(scores, masks):
        return (scores.view(-1, 1, 1, 1) * masks).mean(1)
    """,
)
answers.wrong(
    "rise_map",
    """
    def rise_map(scores, masks):
        return (scores.view(-1, 1, 1, 1) * masks).mean(0, keepdim=True)
    """,
)
answers.wrong(
    "rise_map",
    """
    def rise_map(scores, masks):
        return (scores.view(-1, 1, 1, 1) * masks).sum(0) / 800
    """,
)
answers.wrong(
    "rise_map",
    """
    def rise_map(scores, masks):
        return (scores.clamp(min=0).view(-1, 1, 1, 1) * masks).mean(0)
    """,
)
answers.wrong(
    "rise_map",
    """
    def rise_map(scores, masks):
        return (scores.view(-1, 1, 1, 1) * masks).mean(0).clamp(0, 1)
    """,
)
answers.wrong(
    "rise_map",
    """
    def rise_map(scores, masks):
        s = (scores.view(-1, 1, 1, 1) * masks).mean(0)
        return s / s.max()
    """,
)
answers.wrong(
    "rise_map",
    """
    def rise_map(scores, masks):
        for score, mask in zip(scores, masks):
            total = score * mask
        return total / len(scores)
    """,
)
answers.wrong(
    "rise_map",
    """
    def rise_map(scores, masks):
        masks *= scores.view(-1, 1, 1, 1)
        return masks.mean(0)
    """,
    says="changes its input `masks` in place",
)
answers.wrong(
    "rise_map",
    """
    def rise_map(scores, masks):
        total = masks[0]
        total *= scores[0]
        for k in range(1, len(masks)):
            total += scores[k] * masks[k]
        return total / len(masks)
    """,
    says="changes its input `masks` in place",
)
answers.wrong(
    "rise_map",
    """
    def rise_map(scores, masks):
        return (scores.view(-1, 1, 1, 1) * masks).mean(0).squeeze()
    """,
)
answers.wrong(
    "rise_map",
    """
    def rise_map(scores, masks):
        return (scores.sigmoid().view(-1, 1, 1, 1) * masks).mean(0)
    """,
)
answers.wrong(
    "rise_map",
    """
    def rise_map(scores, masks):
        (scores.view(-1, 1, 1, 1) * masks).mean(0)
    """,
)
answers.right(
    "masked_scores",
    """
    @torch.no_grad()
    def masked_scores(score, x, masks, batch_size):
        scores = torch.zeros(len(masks))
        for start in range(0, len(masks), batch_size):
            part = masks[start : start + batch_size]
            scores[start : start + len(part)] = score(part * x)
        return scores
    """,
)
answers.right(
    "masked_scores",
    """
    def masked_scores(score, x, masks, batch_size):
        found = []
        with torch.inference_mode():
            for some in torch.split(masks, batch_size):
                found += score(x * some).tolist()
        return torch.tensor(found)
    """,
)
answers.right(
    "masked_scores",
    """
    def masked_scores(score, x, masks, batch_size):
        batches = math.ceil(len(masks) / batch_size)
        with torch.no_grad():
            parts = [score(x.expand(len(m), -1, -1, -1) * m) for m in masks.chunk(batches)]
        return torch.cat(parts)
    """,
)
answers.right(
    "masked_scores",
    """
    def masked_scores(score, x, masks, batch_size):
        loader = torch.utils.data.DataLoader(masks, batch_size=batch_size)
        parts = []
        for some in loader:
            with torch.set_grad_enabled(False):
                parts.append(score(x * some))
        return torch.hstack(parts)
    """,
)
answers.right(
    "masked_scores",
    """
    def masked_scores(score, x, masks, batch_size):
        with torch.no_grad():
            return torch.stack([score(x * mask)[0] for mask in masks])
    """,
)
answers.wrong(
    "masked_scores",
    """
    def masked_scores(score, x, masks, batch_size):
        torch.no_grad()
        return torch.cat([score(x * some) for some in masks.split(batch_size)])
    """,
)
answers.wrong(
    "masked_scores",
    """
    def masked_scores(score, x, masks, batch_size):
        torch.set_grad_enabled(False)
        return torch.cat([score(x * some) for some in masks.split(batch_size)])
    """,
)
answers.wrong(
    "masked_scores",
    """
    def masked_scores(score, x, masks, batch_size):
        return torch.cat([score(x * some).detach() for some in masks.split(batch_size)])
    """,
)
answers.wrong(
    "masked_scores",
    """
    def masked_scores(score, x, masks, batch_size):
        with torch.no_grad():
            starts = range(0, len(masks) - 1, batch_size)
            return torch.cat([score(x * masks[i : i + batch_size]) for i in starts])
    """,
)
answers.wrong(
    "masked_scores",
    """
    def masked_scores(score, x, masks, batch_size):
        with torch.no_grad():
            return torch.cat([score(x * some).squeeze() for some in masks.split(batch_size)])
    """,
)
answers.wrong(
    "masked_scores",
    """
    def masked_scores(score, x, masks, batch_size):
        with torch.no_grad():
            return torch.cat([score(x * some)[:, None] for some in masks.split(batch_size)])
    """,
)
answers.wrong(
    "masked_scores",
    """
    def masked_scores(score, x, masks, batch_size):
        with torch.no_grad():
            return torch.cat([torch.sigmoid(score(x * some)) for some in masks.split(batch_size)])
    """,
)
answers.wrong(
    "masked_scores",
    """
    def masked_scores(score, x, masks, batch_size):
        scores = []
        with torch.no_grad():
            for some in masks.split(batch_size):
                scores.append(score(some))
        return torch.cat(scores)
    """,
)
answers.wrong(
    "masked_scores",
    """
    def masked_scores(score, x, masks, batch_size):
        with torch.no_grad():
            x = x.repeat(batch_size, 1, 1, 1)
            return torch.cat([score(x * some) for some in masks.split(batch_size)])
    """,
)
answers.wrong(
    "masked_scores",
    """
    def masked_scores(score, x, masks, batch_size):
        scores = []
        with torch.no_grad():
            for some in masks.split(batch_size):
                scores.append(score(x * some))
                return torch.cat(scores)
    """,
)
answers.wrong(
    "masked_scores",
    """
    def masked_scores(score, x, masks, batch_size):
        with torch.no_grad():
            return torch.cat([score(x * some) for some in masks.split(32)])
    """,
)
answers.wrong(
    "masked_scores",
    """
    def masked_scores(score, x, masks, batch_size):
        with torch.no_grad():
            torch.cat([score(x * some) for some in masks.split(batch_size)])
    """,
)
answers.wrong(
    "masked_scores",
    """
    def masked_scores(score, x, masks, batch_size):
        before = torch.is_grad_enabled()
        torch.set_grad_enabled(False)
        scores = torch.cat([score(x * some) for some in masks.split(batch_size)])
        torch.set_grad_enabled(True)
        return scores
    """,
)
answers.right(
    "standard_error",
    """
    def standard_error(scores, masks):
        contributions = scores[:, None, None, None] * masks
        return (contributions.var(0) / len(scores)).sqrt()
    """,
)
answers.right(
    "standard_error",
    """
    def standard_error(scores, masks):
        contributions = torch.stack([f * m for f, m in zip(scores, masks)])
        return contributions.std(dim=0, unbiased=False) / (len(masks) - 1) ** 0.5
    """,
)
answers.right(
    "standard_error",
    """
    def standard_error(scores, masks):
        number = masks.shape[0]
        off = scores.reshape(number, 1, 1, 1) * masks - rise_map(scores, masks)
        return (off.pow(2).sum(0) / (number - 1)).sqrt() / torch.tensor(number).sqrt()
    """,
)
answers.right(
    "standard_error",
    """
    def standard_error(scores, masks):
        import numpy as np

        contributions = np.einsum("k,kchw->kchw", scores.numpy(), masks.numpy())
        return torch.from_numpy(contributions.std(0, ddof=1) / np.sqrt(len(contributions)))
    """,
)
answers.right(
    "standard_error",
    """
    def standard_error(scores, masks):
        per_pixel = (scores * masks.permute(1, 2, 3, 0)).std(-1)
        return per_pixel / math.sqrt(scores.numel())
    """,
)
answers.wrong(
    "standard_error",
    """
    def standard_error(scores, masks):
        return (scores.view(-1, 1, 1, 1) * masks).std(0) / math.sqrt(len(masks) - 1)
    """,
)
answers.wrong(
    "standard_error",
    """
    def standard_error(scores, masks):
        return (scores.view(-1, 1, 1, 1) * masks).std(0) / math.sqrt(800)
    """,
)
answers.wrong(
    "standard_error",
    """
    def standard_error(scores, masks):
        return (scores.view(-1, 1, 1, 1) * masks).std(1) / math.sqrt(len(masks))
    """,
)
answers.wrong(
    "standard_error",
    """
    def standard_error(scores, masks):
        return (scores.view(-1, 1, 1, 1) * masks).std(0, keepdim=True) / math.sqrt(len(masks))
    """,
)
answers.wrong(
    "standard_error",
    """
    def standard_error(scores, masks):
        return (scores.view(-1, 1, 1, 1) * masks).std(0) / math.sqrt(masks.numel())
    """,
)
answers.wrong(
    "standard_error",
    """
    def standard_error(scores, masks):
        return (scores.abs().view(-1, 1, 1, 1) * masks).std(0) / math.sqrt(len(masks))
    """,
)
answers.wrong(
    "standard_error",
    """
    def standard_error(scores, masks):
        return scores.std() * masks.std(0) / math.sqrt(len(masks))
    """,
)
answers.wrong(
    "standard_error",
    """
    def standard_error(scores, masks):
        return (scores.view(-1, 1, 1, 1) * masks).std(0) / rise_map(scores, masks)
    """,
)
answers.wrong(
    "standard_error",
    """
    def standard_error(scores, masks):
        return ((scores - scores.mean()).view(-1, 1, 1, 1) * masks).std(0) / math.sqrt(len(masks))
    """,
)
answers.wrong(
    "standard_error",
    """
    def standard_error(scores, masks):
        off = scores.view(-1, 1, 1, 1) * masks - rise_map(scores, masks)
        return off.abs().mean(0) / math.sqrt(len(masks))
    """,
)
answers.wrong(
    "standard_error",
    """
    def standard_error(scores, masks):
        masks.mul_(scores.view(-1, 1, 1, 1))
        return masks.std(0) / math.sqrt(len(masks))
    """,
    says="changes its input `masks` in place",
)
answers.wrong(
    "standard_error",
    """
    def standard_error(scores, masks):
        contributions = scores.view(-1, 1, 1, 1) * masks
        se = contributions.std(0) / math.sqrt(len(masks))
    """,
)
answers.wrong(
    "standard_error",
    """
    def standard_error(scores, masks):
        return rise_map(scores, masks).std(0) / math.sqrt(len(masks))
    """,
)
answers.wrong(
    "standard_error",
    """
    def standard_error(scores, masks):
        return (scores.view(-1, 1, 1, 1) * masks).std(0) / math.sqrt(masks.shape[-1])
    """,
)
answers.right(
    "rise_masks",
    """
    def rise_masks(grids, rows, columns, size):
        c = grids.size(3)
        cell = math.ceil((size + math.ceil(size / c)) / c)
        grids = torch.cat([grids[..., 1:2, :], grids, grids[..., -2:-1, :]], 2)
        grids = torch.cat([grids[..., 1:2], grids, grids[..., -2:-1]], 3)
        large = F.interpolate(grids, (cell * (c + 2),) * 2, mode="bilinear")
        return torch.cat([
            large[n : n + 1, :, cell + r :, cell + s :][:, :, :size, :size]
            for n, (r, s) in enumerate(zip(rows.tolist(), columns.tolist()))
        ])
    """,
)
answers.right(
    "rise_masks",
    """
    def rise_masks(grids, rows, columns, size):
        cells = grids.shape[-1]
        cell = (size + (size + cells - 1) // cells + cells - 1) // cells
        padded = F.pad(grids, [1] * 4, "reflect")
        out = grids.new_empty(len(grids), 1, size, size)
        for n in range(len(grids)):
            large = F.interpolate(padded[n : n + 1], scale_factor=float(cell), mode="bilinear")[0]
            out[n] = large[:, cell + rows[n] :, cell + columns[n] :][:, :size, :size]
        return out
    """,
)
answers.right(
    "rise_masks",
    """
    def rise_masks(grids, rows, columns, size):
        cells = grids.shape[-1]
        cell = math.ceil((size + math.ceil(size / cells)) / cells)
        large = F.interpolate(
            F.pad(grids.double(), (1, 1, 1, 1), mode="reflect"),
            size=cell * (cells + 2),
            mode="bilinear",
            align_corners=False,
        )
        masks = [large[n, :, cell + rows[n] : cell + rows[n] + size] for n in range(len(grids))]
        return torch.stack([m[..., cell + c : cell + c + size] for m, c in zip(masks, columns)])
    """,
)
answers.wrong(
    "rise_masks",
    """
    def rise_masks(grids, rows, columns, size):
        cells = grids.shape[-1]
        cell = math.ceil((size + math.ceil(size / cells)) / cells)
        large = F.interpolate(grids, size=cell * cells, mode="bilinear")
        large = F.pad(large, (cell, cell, cell, cell), mode="reflect")
        return torch.stack([
            large[n, :, cell + r : cell + r + size, cell + c : cell + c + size]
            for n, (r, c) in enumerate(zip(rows, columns))
        ])
    """,
)
answers.wrong(
    "rise_masks",
    """
    def rise_masks(grids, rows, columns, size):
        cells = grids.shape[-1]
        cell = math.ceil((size + math.ceil(size / cells)) / cells)
        padded = F.pad(grids, (1, 1, 1, 1), mode="circular")
        large = F.interpolate(padded, size=cell * (cells + 2), mode="bilinear")
        return torch.stack([
            large[n, :, cell + r : cell + r + size, cell + c : cell + c + size]
            for n, (r, c) in enumerate(zip(rows, columns))
        ])
    """,
)
answers.wrong(
    "rise_masks",
    """
    def rise_masks(grids, rows, columns, size):
        cells = grids.shape[-1]
        cell = math.ceil((size + math.ceil(size / cells)) / cells)
        padded = F.pad(grids, (1, 1, 1, 1), mode="reflect")
        large = F.interpolate(padded, size=cell * (cells + 2), mode="bilinear")
        return torch.stack([
            large[n, :, cell + r : cell + r + size, cell + r : cell + r + size]
            for n, r in enumerate(rows)
        ])
    """,
)
answers.wrong(
    "rise_masks",
    """
    def rise_masks(grids, rows, columns, size):
        cells = grids.shape[-1]
        cell = math.ceil((size + math.ceil(size / cells)) / cells)
        padded = F.pad(grids, (1, 1, 1, 1), mode="reflect")
        large = F.interpolate(padded, size=cell * (cells + 2), mode="bilinear")
        return torch.stack([
            1 - large[n, :, cell + r : cell + r + size, cell + c : cell + c + size]
            for n, (r, c) in enumerate(zip(rows, columns))
        ])
    """,
)
answers.wrong(
    "rise_masks",
    """
    def rise_masks(grids, rows, columns, size):
        cells = grids.shape[-1]
        cell = math.ceil((size + math.ceil(size / cells)) / cells)
        padded = F.pad(grids, (1, 1, 1, 1), mode="reflect")
        large = F.interpolate(padded, size=size + 2 * cell, mode="bilinear")
        return torch.stack([
            large[n, :, cell + r : cell + r + size, cell + c : cell + c + size]
            for n, (r, c) in enumerate(zip(rows, columns))
        ])
    """,
)
answers.wrong(
    "rise_masks",
    """
    def rise_masks(grids, rows, columns, size):
        cells = grids.shape[-1]
        cell = math.ceil((size + math.ceil(size / cells)) / cells)
        padded = F.pad(grids, (1, 1, 1, 1), mode="reflect")
        large = F.interpolate(padded, size=cell * (cells + 2), mode="bilinear")
        rows = torch.randint(0, cell, (len(grids),))
        columns = torch.randint(0, cell, (len(grids),))
        return torch.stack([
            large[n, :, cell + r : cell + r + size, cell + c : cell + c + size]
            for n, (r, c) in enumerate(zip(rows, columns))
        ])
    """,
)
answers.wrong(
    "rise_masks",
    """
    def rise_masks(grids, rows, columns, size):
        cells = grids.shape[-1]
        cell = math.ceil((size + math.ceil(size / cells)) / cells)
        padded = F.pad(grids, (1, 1, 1, 1), mode="reflect")
        large = F.interpolate(padded, size=cell * (cells + 2), mode="bilinear")
        masks = []
        for n in range(len(grids)):
            top, left = cell + rows[n], cell + columns[n]
            masks.append(large[n, :, top : top + size, left : left + size])
        torch.stack(masks)
    """,
)
answers.right(
    "rise_map",
    """
    def rise_map(scores, masks):
        weighted = masks.movedim(0, -1) * scores
        return weighted.mean(-1)
    """,
)
answers.right(
    "rise_map",
    """
    def rise_map(scores, masks):
        return torch.stack([s * m for s, m in zip(scores.tolist(), masks)]).mean(dim=0)
    """,
)
answers.right(
    "rise_map",
    """
    def rise_map(scores, masks):
        k = len(scores)
        out = scores[0] * masks[0] / k
        for i in range(1, k):
            out += scores[i] * masks[i] / k
        return out
    """,
)
answers.right(
    "rise_map",
    """
    def rise_map(scores, masks):
        import numpy as np

        weighted = scores.numpy()[:, None, None, None] * masks.numpy()
        return torch.as_tensor(np.average(weighted, axis=0))
    """,
)
answers.wrong(
    "rise_map",
    """
    def rise_map(scores, masks):
        return (scores.view(-1, 1, 1, 1) * masks).median(0).values
    """,
)
answers.wrong(
    "rise_map",
    """
    def rise_map(scores, masks):
        return (scores.abs().view(-1, 1, 1, 1) * masks).mean(0)
    """,
)
answers.wrong(
    "rise_map",
    """
    def rise_map(scores, masks):
        return (scores.view(-1, 1, 1, 1) * (1 - masks)).mean(0)
    """,
)
answers.wrong(
    "rise_map",
    """
    def rise_map(scores, masks):
        best = scores.argmax()
        return scores[best] * masks[best]
    """,
)
answers.wrong(
    "rise_map",
    """
    def rise_map(scores, masks):
        total = torch.zeros(masks.shape[1:])
        for score, mask in zip(scores, masks):
            total + score * mask
        return total / len(scores)
    """,
)
answers.wrong(
    "rise_map",
    """
    def rise_map(scores, masks):
        return (scores.view(-1, 1, 1, 1) * masks).mean(0) - scores.mean() * masks.mean(0)
    """,
)
answers.right(
    "masked_scores",
    """
    def masked_scores(score, x, masks, batch_size):
        scores = []
        k = 0
        with torch.no_grad():
            while k < len(masks):
                scores.extend(score(x * masks[k : k + batch_size]))
                k += batch_size
        return torch.stack(scores)
    """,
)
answers.right(
    "masked_scores",
    """
    def masked_scores(score, x, masks, batch_size):
        kept = (x * masks).split(batch_size)
        with torch.no_grad():
            return torch.cat(list(map(score, kept)))
    """,
)
answers.right(
    "masked_scores",
    """
    def masked_scores(score, x, masks, batch_size):
        before = torch.is_grad_enabled()
        torch.set_grad_enabled(False)
        try:
            return torch.cat([score(x * m) for m in masks.split(batch_size)])
        finally:
            torch.set_grad_enabled(before)
    """,
)
answers.right(
    "masked_scores",
    """
    @torch.inference_mode()
    def masked_scores(score, x, masks, batch_size):
        out = torch.empty(masks.shape[0])
        for i in range(math.ceil(masks.shape[0] / batch_size)):
            rows = slice(i * batch_size, (i + 1) * batch_size)
            out[rows] = score(x * masks[rows])
        return out
    """,
)
answers.wrong(
    "masked_scores",
    """
    def masked_scores(score, x, masks, batch_size):
        with torch.no_grad():
            return torch.cat([score(x + some) for some in masks.split(batch_size)])
    """,
)
answers.wrong(
    "masked_scores",
    """
    def masked_scores(score, x, masks, batch_size):
        with torch.no_grad():
            parts = (x * masks).split(batch_size)
        return torch.cat([score(part) for part in parts])
    """,
)
answers.wrong(
    "masked_scores",
    """
    def masked_scores(score, x, masks, batch_size):
        with torch.no_grad():
            x *= masks[0]
            return torch.cat([score(x * some) for some in masks.split(batch_size)])
    """,
)
answers.wrong(
    "masked_scores",
    """
    def masked_scores(score, x, masks, batch_size):
        with torch.no_grad():
            return sum(score(x * some) for some in masks.split(batch_size))
    """,
)
answers.wrong(
    "masked_scores",
    """
    def masked_scores(score, x, masks, batch_size):
        with torch.no_grad():
            return torch.cat([score(x * some) for some in masks.split(batch_size + 1)])
    """,
)
answers.wrong(
    "masked_scores",
    """
    def masked_scores(score, x, masks, batch_size):
        torch.autograd.set_grad_enabled(False)
        scores = [score(x * some) for some in masks.split(batch_size)]
        torch.autograd.set_grad_enabled(True)
        return torch.cat(scores)
    """,
)
answers.right(
    "standard_error",
    """
    def standard_error(scores, masks):
        k = len(scores)
        products = torch.einsum("k,kchw->kchw", scores, masks)
        return torch.std(products, dim=0) * k**-0.5
    """,
)
answers.right(
    "standard_error",
    """
    def standard_error(scores, masks):
        products = scores.view(-1, 1, 1, 1) * masks
        variance, mean = torch.var_mean(products, dim=0)
        return torch.sqrt(variance / masks.size(0))
    """,
)
answers.right(
    "standard_error",
    """
    def standard_error(scores, masks):
        products = (scores.view(-1, 1, 1, 1) * masks).double()
        k = len(products)
        square = (products**2).mean(0) - products.mean(0) ** 2
        return (square / (k - 1)).sqrt()
    """,
)
answers.wrong(
    "standard_error",
    """
    def standard_error(scores, masks):
        products = scores.view(-1, 1, 1, 1) * masks
        return products.std(0).mean() / math.sqrt(len(masks))
    """,
)
answers.wrong(
    "standard_error",
    """
    def standard_error(scores, masks):
        products = scores.view(-1, 1, 1, 1) * masks
        return (products.std(0) / len(masks)).sqrt()
    """,
)
answers.wrong(
    "standard_error",
    """
    def standard_error(scores, masks):
        products = scores.view(-1, 1, 1, 1) * masks
        return products.std(0) / math.log2(len(masks))
    """,
)
answers.wrong(
    "standard_error",
    """
    def standard_error(scores, masks):
        products = scores.view(-1, 1, 1, 1) * masks
        return products.std(-1) / math.sqrt(len(masks))
    """,
)
answers.wrong(
    "standard_error",
    """
    def standard_error(scores, masks):
        products = (scores.view(-1, 1, 1, 1) * masks).sort(0).values
        return (products[-1] - products[0]) / math.sqrt(len(masks))
    """,
)
answers.wrong(
    "standard_error",
    """
    def standard_error(scores, masks):
        return (scores * masks).std(0) / math.sqrt(len(masks))
    """,
)
answers.wrong(
    "standard_error",
    """
    def standard_error(scores, masks):
        products = scores.view(-1, 1, 1, 1) * masks
        return 1.96 * products.std(0) / math.sqrt(len(masks))
    """,
)
answers.wrong(
    "masked_scores",
    """
    def masked_scores(score, x, masks, batch_size):
        with torch.no_grad():
            scores = torch.cat([score(x * some) for some in masks.split(batch_size)])
        return scores.requires_grad_()
    """,
)
