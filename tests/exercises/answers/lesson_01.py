"""Answers of lesson 01 that no exercise lists."""

from __future__ import annotations

from course_lib.exercises.engine.answers import Answers

answers = Answers()

# score_gradient

answers.right(
    "score_gradient",
    """
    def score_gradient(model, x, target):
        leaf = x.clone()
        leaf.requires_grad = True
        model(leaf)[0, target].backward()
        return leaf.grad
    """,
)
answers.right(
    "score_gradient",
    """
    def score_gradient(model, x, target):
        return torch.func.grad(lambda image: model(image)[0, target])(x)
    """,
)
answers.right(
    "score_gradient",
    """
    def score_gradient(model, x, target):
        return torch.autograd.functional.jacobian(model, x)[0, target]
    """,
)
answers.right(
    "score_gradient",
    """
    def score_gradient(model, x, target):
        image = nn.Parameter(x.detach())
        scores = model(image)
        choice = torch.zeros(scores.shape)
        choice[:, target] = 1
        scores.backward(choice)
        return image.grad.data
    """,
)
answers.right(
    "score_gradient",
    """
    def score_gradient(model, x, target):
        x.requires_grad_()
        score = model(x).squeeze()[target]
        g, = torch.autograd.grad(score, x, retain_graph=True)
        x.requires_grad_(False)
        return g
    """,
)
answers.right(
    "score_gradient",
    """
    def score_gradient(model, x, target):
        x = x.detach().clone().requires_grad_()
        scores = model(x)
        return torch.autograd.grad(scores, x, F.one_hot(torch.tensor([target]), 8))[0]
    """,
)
answers.wrong(
    "score_gradient",
    """
    def score_gradient(model, x, target):
        x = x.detach().clone().requires_grad_()
        model.eval()
        score = model(x)[0, target]
        return torch.autograd.grad(score, x)[0]
    """,
    says="training mode",
)
answers.wrong(
    "score_gradient",
    """
    def score_gradient(model, x, target):
        x = x.detach().clone().requires_grad_()
        model.zero_grad()
        model(x)[0, target].backward()
        return x.grad
    """,
    says="`.grad`",
)
answers.wrong(
    "score_gradient",
    """
    def score_gradient(model, x, target):
        for weight in model.parameters():
            weight.requires_grad_(False)
        x = x.detach().clone().requires_grad_()
        gradient = torch.autograd.grad(model(x)[0, target], x)[0]
        for weight in model.parameters():
            weight.requires_grad_(True)
        return gradient
    """,
)
answers.wrong(
    "score_gradient",
    """
    def score_gradient(model, x, target):
        x = x.detach().clone().requires_grad_()
        score = model(x)[0, target]
        return torch.autograd.grad(score, x)
    """,
    says="`[0]`",
)
answers.wrong(
    "score_gradient",
    """
    def score_gradient(model, x, target):
        x = x.detach().clone().requires_grad_()
        score = model(x)[0, target]
        score.backward()
        x.grad
    """,
    says="Is a `return` missing?",
)
answers.wrong(
    "score_gradient",
    """
    def score_gradient(model, x, target):
        x = x.detach().clone().requires_grad_()
        score = model(x)[0, target]
        return score.backward()
    """,
)
answers.wrong(
    "score_gradient",
    """
    def score_gradient(model, x, target):
        x = x.detach().clone().requires_grad_()
        with torch.no_grad():
            score = model(x)[0, target]
        return torch.autograd.grad(score, x)[0]
    """,
    says="Nothing leads back",
)
answers.wrong(
    "score_gradient",
    """
    def score_gradient(model, x, target):
        x = x.detach().clone().requires_grad_()
        score = model(x)[0, target].item()
        return torch.autograd.grad(score, x)[0]
    """,
)
answers.wrong(
    "score_gradient",
    """
    def score_gradient(model, x, target):
        x = x.detach().clone().requires_grad_()
        g = torch.autograd.grad(model(x)[0, target], x)[0]
        return g / g.abs().max()
    """,
)
answers.wrong(
    "score_gradient",
    """
    def score_gradient(model, x, target):
        x = x.detach().clone().requires_grad_()
        return torch.autograd.grad(model(x)[0, target], x)[0][0]
    """,
    says="(1, 3, 10, 9)",
)
answers.wrong(
    "score_gradient",
    """
    def score_gradient(model, x, target):
        x = x.detach().clone().requires_grad_()
        return torch.autograd.grad(model(x)[0, target], x)[0] * x
    """,
)
answers.wrong(
    "score_gradient",
    """
    def score_gradient(model, x, target):
        image = x.detach().clone().requires_grad_()
        score = model(x)[0, target]
        return torch.autograd.grad(score, image)[0]
    """,
)
answers.wrong(
    "score_gradient",
    """
    def score_gradient(model, x, target):
        torch.set_grad_enabled(True)
        x = x.detach().clone().requires_grad_()
        g = torch.autograd.grad(model(x)[0, target], x)[0]
        torch.set_grad_enabled(False)
        return g
    """,
    says="gradient mode",
)
answers.wrong(
    "score_gradient",
    """
    def score_gradient(model, x, target):
        x.requires_grad_()
        model(x)[0, target].backward()
        x.requires_grad_(False)
        return x.grad
    """,
)
answers.wrong(
    "score_gradient",
    """
    def score_gradient(model, x, target):
        x = x.detach().clone().requires_grad_()
        score = F.logsigmoid(model(x))[0, target]
        return torch.autograd.grad(score, x)[0]
    """,
)

# saliency_by_maximum

answers.right(
    "saliency_by_maximum",
    """
    def saliency_by_maximum(g):
        return g.abs().max(dim=1, keepdim=True)[0]
    """,
)
answers.right(
    "saliency_by_maximum",
    """
    def saliency_by_maximum(g):
        return torch.maximum(g.amax(1, True), -g.amin(1, True))
    """,
)
answers.right(
    "saliency_by_maximum",
    """
    def saliency_by_maximum(g):
        N, C, H, W = g.shape
        s = torch.zeros(N, 1, H, W)
        for n in range(N):
            for i in range(H):
                for j in range(W):
                    s[n, 0, i, j] = max(abs(v) for v in g[n, :, i, j].tolist())
        return s
    """,
)
answers.right(
    "saliency_by_maximum",
    """
    def saliency_by_maximum(g):
        return torch.linalg.vector_norm(g, ord=float("inf"), dim=1, keepdim=True)
    """,
)
answers.right(
    "saliency_by_maximum",
    """
    def saliency_by_maximum(g):
        return g.abs().sort(dim=1).values[:, -1:]
    """,
)
answers.right(
    "saliency_by_maximum",
    """
    import numpy as np

    def saliency_by_maximum(g):
        return torch.from_numpy(np.abs(g.numpy()).max(axis=1)).unsqueeze(1)
    """,
)
answers.wrong(
    "saliency_by_maximum",
    """
    def saliency_by_maximum(g):
        g.abs_()
        return g.amax(dim=1, keepdim=True)
    """,
    says="in place",
)
answers.wrong(
    "saliency_by_maximum",
    """
    def saliency_by_maximum(g):
        red, green, blue = g.abs().unbind(dim=1)
        return torch.maximum(torch.maximum(red, green), blue).unsqueeze(1)
    """,
)
answers.wrong(
    "saliency_by_maximum",
    """
    def saliency_by_maximum(g):
        return torch.stack([image.abs().max() for image in g])
    """,
)
answers.wrong(
    "saliency_by_maximum",
    """
    def saliency_by_maximum(g):
        return g.abs().max()
    """,
)
answers.wrong(
    "saliency_by_maximum",
    """
    def saliency_by_maximum(g):
        return g.clamp(min=0).amax(dim=1, keepdim=True)
    """,
)
answers.wrong(
    "saliency_by_maximum",
    """
    def saliency_by_maximum(g):
        return g.abs().argmax(dim=1, keepdim=True)
    """,
    says="where",
)
answers.wrong(
    "saliency_by_maximum",
    """
    def saliency_by_maximum(g):
        return torch.max(abs(g), 1, keepdim=True).indices
    """,
)
answers.wrong(
    "saliency_by_maximum",
    """
    def saliency_by_maximum(g):
        return g.abs().amax(dim=1).squeeze().unsqueeze(1)
    """,
)
answers.wrong(
    "saliency_by_maximum",
    """
    def saliency_by_maximum(g):
        place = g.abs().argmax(dim=1, keepdim=True)
        return g.gather(1, place)
    """,
    says="sign",
)
answers.wrong(
    "saliency_by_maximum",
    """
    def saliency_by_maximum(g):
        g.abs().amax(dim=1, keepdim=True)
    """,
    says="Is a `return` missing?",
)
answers.wrong(
    "saliency_by_maximum",
    """
    def saliency_by_maximum(g):
        return g.abs().amax(dim=-1, keepdim=True)
    """,
)
answers.wrong(
    "saliency_by_maximum",
    """
    def saliency_by_maximum(g):
        s = g.abs().amax(dim=1, keepdim=True)
        return (s - s.min()) / (s.max() - s.min())
    """,
)
answers.wrong(
    "saliency_by_maximum",
    """
    def saliency_by_maximum(g):
        best = torch.zeros(g.shape[0], 1, *g.shape[2:])
        for c in range(g.shape[1]):
            if g[:, c] > best:
                best = g[:, c]
        return best
    """,
    says="want a single yes or no",
)

# saliency_by_length

answers.right(
    "saliency_by_length",
    """
    def saliency_by_length(g):
        return torch.einsum("nchw,nchw->nhw", g, g).sqrt()[:, None]
    """,
)
answers.right(
    "saliency_by_length",
    """
    def saliency_by_length(g):
        return torch.linalg.norm(g, dim=1, keepdim=True)
    """,
)
answers.right(
    "saliency_by_length",
    """
    def saliency_by_length(g):
        s = torch.zeros(g.shape[0], 1, g.shape[2], g.shape[3])
        for c in range(g.shape[1]):
            s[:, 0] += g[:, c] ** 2
        return s ** 0.5
    """,
)
answers.right(
    "saliency_by_length",
    """
    def saliency_by_length(g):
        s = g[:, :1].abs()
        for c in range(1, g.shape[1]):
            s = torch.hypot(s, g[:, c : c + 1])
        return s
    """,
)
answers.right(
    "saliency_by_length",
    """
    def saliency_by_length(g):
        return torch.stack([
            torch.tensor([[math.hypot(*g[n, :, i, j].tolist()) for j in range(g.shape[3])]
                          for i in range(g.shape[2])])
            for n in range(len(g))
        ]).unsqueeze(1)
    """,
)
answers.wrong(
    "saliency_by_length",
    """
    def saliency_by_length(g):
        return g.norm(p=1, dim=1, keepdim=True)
    """,
)
answers.wrong(
    "saliency_by_length",
    """
    def saliency_by_length(g):
        return (g[:, 0] ** 2 + g[:, 1] ** 2 + g[:, 2] ** 2).sqrt().unsqueeze(1)
    """,
)
answers.wrong(
    "saliency_by_length",
    """
    def saliency_by_length(g):
        return g.square().sqrt().sum(dim=1, keepdim=True)
    """,
)
answers.wrong(
    "saliency_by_length",
    """
    def saliency_by_length(g):
        return g.std(dim=1, keepdim=True)
    """,
)
answers.wrong(
    "saliency_by_length",
    """
    def saliency_by_length(g):
        return g.square_().sum(dim=1, keepdim=True).sqrt()
    """,
    says="in place",
)
answers.wrong(
    "saliency_by_length",
    """
    def saliency_by_length(g):
        return g.sum(dim=1, keepdim=True).sqrt()
    """,
)
answers.wrong(
    "saliency_by_length",
    """
    def saliency_by_length(g):
        return (g.square().sum(dim=1, keepdim=True) / g.shape[1]).sqrt()
    """,
)
answers.wrong(
    "saliency_by_length",
    """
    def saliency_by_length(g):
        return g.norm(dim=(1, 2, 3), keepdim=True)
    """,
)
answers.wrong(
    "saliency_by_length",
    """
    def saliency_by_length(g):
        s = g.square().sum(dim=1, keepdim=True)
        s.sqrt()
        return s
    """,
)
answers.wrong(
    "saliency_by_length",
    """
    def saliency_by_length(g):
        unit = g / g.norm(dim=1, keepdim=True)
        return (g * unit).sum(dim=1, keepdim=True)
    """,
    says="not finite",
)
answers.wrong(
    "saliency_by_length",
    """
    def saliency_by_length(g):
        return math.sqrt(g.square().sum(dim=1, keepdim=True))
    """,
)
answers.wrong(
    "saliency_by_length",
    """
    def saliency_by_length(g):
        return g.abs().amax(dim=1, keepdim=True)
    """,
)

# gradient_times_input

answers.right(
    "gradient_times_input",
    """
    def gradient_times_input(g, x):
        return torch.einsum("nchw,nchw->nhw", g, x).unsqueeze(1)
    """,
)
answers.right(
    "gradient_times_input",
    """
    def gradient_times_input(g, x):
        s = torch.zeros(x.shape[0], 1, *x.shape[2:])
        for n in range(x.shape[0]):
            for c in range(x.shape[1]):
                s[n, 0] += x[n, c] * g[n, c]
        return s
    """,
)
answers.right(
    "gradient_times_input",
    """
    def gradient_times_input(g, x):
        return F.conv2d(g * x, torch.ones(1, g.shape[1], 1, 1, dtype=g.dtype))
    """,
)
answers.right(
    "gradient_times_input",
    """
    def gradient_times_input(g, x):
        return (x * g).mean(1, keepdim=True) * g.size(1)
    """,
)
answers.right(
    "gradient_times_input",
    """
    def gradient_times_input(g, x):
        rows, columns = g.movedim(1, -1).unsqueeze(-2), x.movedim(1, -1).unsqueeze(-1)
        return (rows @ columns)[..., 0].movedim(-1, 1)
    """,
)
answers.wrong(
    "gradient_times_input",
    """
    def gradient_times_input(g, x):
        return (g * x.abs()).sum(dim=1, keepdim=True)
    """,
)
answers.wrong(
    "gradient_times_input",
    """
    def gradient_times_input(g, x):
        g *= x
        return g.sum(dim=1, keepdim=True)
    """,
    says="in place",
)
answers.wrong(
    "gradient_times_input",
    """
    def gradient_times_input(g, x):
        return (g * x.clamp(0, 1)).sum(dim=1, keepdim=True)
    """,
)
answers.wrong(
    "gradient_times_input",
    """
    def gradient_times_input(g, x):
        return (g * x).clamp(min=0).sum(dim=1, keepdim=True)
    """,
)
answers.wrong(
    "gradient_times_input",
    """
    def gradient_times_input(g, x):
        return (g * x).sum(dim=1, keepdim=True).clamp(min=0)
    """,
)
answers.wrong(
    "gradient_times_input",
    """
    def gradient_times_input(g, x):
        return g[:, :1] * x[:, :1] + g[:, 1:2] * x[:, 1:2] + g[:, 2:3] * x[:, 2:3]
    """,
)
answers.wrong(
    "gradient_times_input",
    """
    def gradient_times_input(g, x):
        return (g @ x).sum(dim=1, keepdim=True)
    """,
)
answers.wrong(
    "gradient_times_input",
    """
    def gradient_times_input(g, x):
        return (g * x).sum()
    """,
)
answers.wrong(
    "gradient_times_input",
    """
    def gradient_times_input(g, x):
        return (g * (x - x.mean())).sum(dim=1, keepdim=True)
    """,
)
answers.wrong(
    "gradient_times_input",
    """
    def gradient_times_input(g, x):
        return (g * x).sum(dim=(0, 1), keepdim=True)
    """,
)
answers.wrong(
    "gradient_times_input",
    """
    def gradient_times_input(g, x):
        return (g + x).sum(dim=1, keepdim=True)
    """,
)
answers.wrong(
    "gradient_times_input",
    """
    def gradient_times_input(g, x):
        return saliency_by_maximum(g) * x
    """,
)
answers.wrong(
    "gradient_times_input",
    """
    def gradient_times_input(g, x):
        s = (g * x).sum(dim=1, keepdim=True)
    """,
    says="Is a `return` missing?",
)

# batch_gradient

answers.right(
    "batch_gradient",
    """
    CLASSES = "circle square triangle star cross ring heart crescent".split()

    def batch_gradient(model, x, targets):
        x = x.clone().requires_grad_(True)
        one_hot = F.one_hot(targets, len(CLASSES))
        (model(x) * one_hot).sum().backward()
        return x.grad
    """,
)
answers.right(
    "batch_gradient",
    """
    def batch_gradient(model, x, targets):
        x = x.detach().requires_grad_()
        chosen = model(x).gather(1, targets.view(-1, 1))
        return torch.autograd.grad(chosen, x, torch.ones_like(chosen))[0]
    """,
)
answers.right(
    "batch_gradient",
    """
    def batch_gradient(model, x, targets):
        x = x.detach().clone().requires_grad_()
        return torch.autograd.grad(model(x)[:, targets].trace(), x)[0]
    """,
)
answers.right(
    "batch_gradient",
    """
    def batch_gradient(model, x, targets):
        x = x.detach().clone().requires_grad_()
        scores = model(x)
        total = 0
        for i, target in enumerate(targets):
            total = total + scores[i, target]
        return torch.autograd.grad(total, x)[0]
    """,
)
answers.right(
    "batch_gradient",
    """
    def batch_gradient(model, x, targets):
        x = x.detach().clone().requires_grad_()
        return torch.autograd.grad(-F.nll_loss(model(x), targets, reduction="sum"), x)[0]
    """,
)
answers.right(
    "batch_gradient",
    """
    def batch_gradient(model, x, targets):
        def total(images):
            return model(images)[torch.arange(len(images)), targets].sum()

        return torch.func.grad(total)(x)
    """,
)
answers.right(
    "batch_gradient",
    """
    def batch_gradient(model, x, targets):
        x = x.detach().clone().requires_grad_()
        scores = model(x)
        choice = torch.zeros(len(targets), 8)
        choice[range(len(targets)), targets] = 1.0
        scores.backward(gradient=choice)
        return x.grad
    """,
)
answers.wrong(
    "batch_gradient",
    """
    def batch_gradient(model, x, targets):
        x = x.detach().clone().requires_grad_()
        one_hot = F.one_hot(targets)
        return torch.autograd.grad((model(x) * one_hot).sum(), x)[0]
    """,
    says="number of classes",
)
answers.wrong(
    "batch_gradient",
    """
    def batch_gradient(model, x, targets):
        x = x.detach().clone().requires_grad_()
        one_hot = F.one_hot(targets, len(x))
        return torch.autograd.grad((model(x) * one_hot).sum(), x)[0]
    """,
)
answers.wrong(
    "batch_gradient",
    """
    def batch_gradient(model, x, targets):
        x = x.detach().clone().requires_grad_()
        one_hot = F.one_hot(targets, 8)
        return torch.autograd.grad((model(x) * one_hot).sum(dim=1).mean(), x)[0] * 4
    """,
)
answers.wrong(
    "batch_gradient",
    """
    def batch_gradient(model, x, targets):
        x = x.detach().clone().requires_grad_()
        scores = model(x)
        return torch.autograd.grad(F.cross_entropy(scores, targets, reduction="sum"), x)[0]
    """,
)
answers.wrong(
    "batch_gradient",
    """
    def batch_gradient(model, x, targets):
        model.train(False)
        x = x.detach().clone().requires_grad_()
        scores = model(x)
        one_hot = F.one_hot(targets, scores.shape[1])
        return torch.autograd.grad((scores * one_hot).sum(), x)[0]
    """,
    says="training mode",
)
answers.wrong(
    "batch_gradient",
    """
    def batch_gradient(model, x, targets):
        x = x.detach().clone().requires_grad_()
        scores = model(x)
        one_hot = F.one_hot(targets, scores.shape[1])
        g = torch.autograd.grad((scores * one_hot).sum(), x)[0]
        return g.sum(dim=0, keepdim=True)
    """,
)
answers.wrong(
    "batch_gradient",
    """
    def batch_gradient(model, x, targets):
        x = x.detach().clone().requires_grad_()
        scores = model(x)
        chosen = scores[torch.arange(len(x)), targets]
        chosen.backward()
        return x.grad
    """,
    says="one number",
)
answers.wrong(
    "batch_gradient",
    """
    def batch_gradient(model, x, targets):
        x = x.detach().clone().requires_grad_()
        scores = model(x)
        chosen = scores[targets, torch.arange(len(x))]
        return torch.autograd.grad(chosen.sum(), x)[0]
    """,
)
answers.wrong(
    "batch_gradient",
    """
    def batch_gradient(model, x, targets):
        gradients = []
        for i in range(len(x)):
            image = x[i : i + 1].clone().requires_grad_()
            model(image)[0, targets[i]].backward()
            gradients.append(image.grad)
        return torch.cat(gradients)
    """,
    says="once per image",
)
answers.wrong(
    "batch_gradient",
    """
    def batch_gradient(model, x, targets):
        x.requires_grad_()
        scores = model(x)
        one_hot = F.one_hot(targets, scores.shape[1])
        (scores * one_hot).sum().backward()
        x.requires_grad_(False)
        return x.grad
    """,
)
answers.wrong(
    "batch_gradient",
    """
    def batch_gradient(model, x, targets):
        for weight in model.parameters():
            weight.requires_grad = False
        x = x.detach().clone().requires_grad_()
        scores = model(x)
        return torch.autograd.grad(scores[range(len(x)), targets].sum(), x)[0]
    """,
)
answers.wrong(
    "batch_gradient",
    """
    def batch_gradient(model, x, targets):
        x = x.detach().clone().requires_grad_()
        scores = model(x)
        one_hot = F.one_hot(targets, scores.shape[1])
        total = (scores * one_hot).sum()
        torch.autograd.grad(total, x)[0]
    """,
    says="Is a `return` missing?",
)
answers.wrong(
    "batch_gradient",
    """
    def batch_gradient(model, x, targets):
        x = x.detach().clone().requires_grad_()
        scores = model(x)
        one_hot = F.one_hot(targets, scores.shape[1])
        score = (scores * one_hot).sum()
        return torch.autograd.grad(score.sigmoid(), x)[0]
    """,
)

answers.right(
    "score_gradient",
    """
    def score_gradient(model, x, target):
        x = torch.tensor(x.tolist(), requires_grad=True)
        scores = model(x)
        scores[0][target].backward()
        return x.grad.clone()
    """,
)
answers.right(
    "score_gradient",
    """
    def score_gradient(model, x, target):
        _, pull_back = torch.func.vjp(model, x)
        one_hot = torch.zeros(1, 8)
        one_hot[0, target] = 1
        return pull_back(one_hot)[0]
    """,
)
answers.right(
    "score_gradient",
    """
    def score_gradient(model, x, target):
        nudge = torch.zeros_like(x, requires_grad=True)
        score = model(x + nudge)[:, target].sum()
        (g,) = torch.autograd.grad(score, nudge, create_graph=True)
        return g
    """,
)
answers.wrong(
    "score_gradient",
    """
    def score_gradient(model, x, target):
        x = x.detach().clone().requires_grad_()
        scores = model(x)
        score = scores[0, target] - scores[0].mean()
        return torch.autograd.grad(score, x)[0]
    """,
)
answers.wrong(
    "score_gradient",
    """
    def score_gradient(model, x, target):
        x = x.detach().clone().requires_grad_()
        return torch.autograd.grad(model(x)[0, target - 1], x)[0]
    """,
)
answers.wrong(
    "score_gradient",
    """
    def score_gradient(model, x, target):
        was = model.training
        model.eval()
        x = x.detach().clone().requires_grad_()
        g = torch.autograd.grad(model(x)[0, target], x)[0]
        model.train(not was)
        return g
    """,
)
answers.wrong(
    "score_gradient",
    """
    def score_gradient(model, x, target):
        x = x.detach().clone().requires_grad_()
        score = model(x)[0, target]
        score.backward()
        return x
    """,
)
answers.wrong(
    "score_gradient",
    """
    seen = {}

    def score_gradient(model, x, target):
        if target not in seen:
            image = x.detach().clone().requires_grad_()
            seen[target] = torch.autograd.grad(model(image)[0, target], image)[0]
        return seen[target]
    """,
)
answers.wrong(
    "score_gradient",
    """
    def score_gradient(model, x, target):
        image = x.detach().clone().requires_grad_()
        model.register_full_backward_hook(lambda module, inputs, outputs: None)
        return torch.autograd.grad(model(image)[0, target], image)[0]
    """,
)
answers.wrong(
    "score_gradient",
    """
    def score_gradient(model, x, target):
        x.clamp_(0, 1)
        image = x.clone().requires_grad_()
        return torch.autograd.grad(model(image)[0, target], image)[0]
    """,
)
answers.right(
    "saliency_by_maximum",
    """
    def saliency_by_maximum(g):
        return g.square().amax(dim=1, keepdim=True).sqrt()
    """,
)
answers.right(
    "saliency_by_maximum",
    """
    def saliency_by_maximum(g):
        return F.adaptive_max_pool1d(g.abs().flatten(2).mT, 1).mT.reshape(
            g.shape[0], 1, *g.shape[2:]
        )
    """,
)
answers.right(
    "saliency_by_maximum",
    """
    def saliency_by_maximum(g):
        both = torch.cat([g, -g], dim=1)
        return both.max(dim=1).values[:, None, :, :]
    """,
)
answers.right(
    "saliency_by_maximum",
    """
    from functools import reduce

    def saliency_by_maximum(g):
        return reduce(torch.maximum, g.abs().split(1, dim=1))
    """,
)
answers.wrong(
    "saliency_by_maximum",
    """
    def saliency_by_maximum(g):
        return g.norm(dim=1, keepdim=True)
    """,
)
answers.wrong(
    "saliency_by_maximum",
    """
    def saliency_by_maximum(g):
        return g.abs().amin(dim=1, keepdim=True)
    """,
)
answers.wrong(
    "saliency_by_maximum",
    """
    def saliency_by_maximum(g):
        return g.abs().median(dim=1, keepdim=True).values
    """,
)
answers.wrong(
    "saliency_by_maximum",
    """
    def saliency_by_maximum(g):
        return (g.amax(dim=1, keepdim=True) - g.amin(dim=1, keepdim=True)) / 2
    """,
)
answers.wrong(
    "saliency_by_maximum",
    """
    def saliency_by_maximum(g):
        return g.abs().amax(dim=1, keepdim=True).reshape(1, 1, *g.shape[2:])
    """,
)
answers.wrong(
    "saliency_by_maximum",
    """
    def saliency_by_maximum(g):
        return g.abs().max(dim=1, keepdim=True).values.expand_as(g)
    """,
)
answers.right(
    "saliency_by_length",
    """
    def saliency_by_length(g):
        return torch.linalg.vector_norm(g, dim=1, keepdim=True)
    """,
)
answers.right(
    "saliency_by_length",
    """
    def saliency_by_length(g):
        return (g * g).mean(dim=1, keepdim=True).mul(g.shape[1]).pow(0.5)
    """,
)
answers.right(
    "saliency_by_length",
    """
    def saliency_by_length(g):
        largest = g.abs().amax(dim=1, keepdim=True).clamp(min=1e-30)
        return largest * ((g / largest) ** 2).sum(dim=1, keepdim=True) ** 0.5
    """,
)
answers.right(
    "saliency_by_length",
    """
    def saliency_by_length(g):
        return torch.cdist(g.flatten(2).mT, torch.zeros(len(g), 1, g.shape[1])).mT.view(
            len(g), 1, *g.shape[2:]
        )
    """,
)
answers.wrong(
    "saliency_by_length",
    """
    def saliency_by_length(g):
        return g.square().sum(dim=1, keepdim=True).sqrt().sqrt()
    """,
)
answers.wrong(
    "saliency_by_length",
    """
    def saliency_by_length(g):
        return (g.square().sum(dim=1, keepdim=True) + 1e-3).sqrt()
    """,
)
answers.wrong(
    "saliency_by_length",
    """
    def saliency_by_length(g):
        return torch.sqrt(torch.sum(g ^ 2, dim=1, keepdim=True))
    """,
)
answers.wrong(
    "saliency_by_length",
    """
    def saliency_by_length(g):
        return g.square().sum(dim=3, keepdim=True).sqrt()
    """,
)
answers.wrong(
    "saliency_by_length",
    """
    def saliency_by_length(g):
        return (g * 2).sum(dim=1, keepdim=True).abs().sqrt()
    """,
)
answers.wrong(
    "saliency_by_length",
    """
    def saliency_by_length(g):
        return g.square().sum(dim=1, keepdim=True).sqrt() / 3 ** 0.5
    """,
)
answers.right(
    "gradient_times_input",
    """
    def gradient_times_input(g, x):
        return sum(g[:, [c]] * x[:, [c]] for c in range(g.shape[1]))
    """,
)
answers.right(
    "gradient_times_input",
    """
    def gradient_times_input(gradient, image):
        product = torch.mul(gradient, image)
        return torch.sum(product, 1).unsqueeze(1)
    """,
)
answers.right(
    "gradient_times_input",
    """
    def gradient_times_input(g, x):
        return ((g + x).square() - (g - x).square()).sum(1, keepdim=True) / 4
    """,
)
answers.right(
    "gradient_times_input",
    """
    def gradient_times_input(g, x):
        return torch.linalg.vecdot(g, x, dim=1)[:, None]
    """,
)
answers.wrong(
    "gradient_times_input",
    """
    def gradient_times_input(g, x):
        return F.cosine_similarity(g, x, dim=1).unsqueeze(1)
    """,
)
answers.wrong(
    "gradient_times_input",
    """
    def gradient_times_input(g, x):
        return (g * x).sum(dim=1, keepdim=True).abs() * g.sum(dim=1, keepdim=True).sign()
    """,
)
answers.wrong(
    "gradient_times_input",
    """
    def gradient_times_input(g, x):
        s = (g * x).sum(dim=1, keepdim=True)
        return s / s.abs().max()
    """,
)
answers.wrong(
    "gradient_times_input",
    """
    def gradient_times_input(g, x):
        return (g * x[:1]).sum(dim=1, keepdim=True)
    """,
)
answers.wrong(
    "gradient_times_input",
    """
    def gradient_times_input(g, x):
        return -(g * x).sum(dim=1, keepdim=True)
    """,
)
answers.wrong(
    "gradient_times_input",
    """
    def gradient_times_input(g, x):
        x.mul_(g)
        return x.sum(dim=1, keepdim=True)
    """,
)
answers.right(
    "batch_gradient",
    """
    def batch_gradient(model, x, targets):
        images = x.clone()
        images.requires_grad = True
        scores = model(images)
        mask = torch.zeros_like(scores).scatter_(1, targets.unsqueeze(1), 1.0)
        torch.sum(scores[mask.bool()]).backward()
        return images.grad.detach()
    """,
)
answers.right(
    "batch_gradient",
    """
    def batch_gradient(model, x, targets):
        x = x.detach().clone().requires_grad_()
        chosen = torch.take_along_dim(model(x), targets[:, None], dim=1)
        return torch.autograd.grad(chosen.mean(), x)[0] * len(x)
    """,
)
answers.right(
    "batch_gradient",
    """
    def batch_gradient(model, x, targets):
        x = x.detach().clone().requires_grad_()
        one_hot = torch.eye(8)[targets]
        return torch.autograd.grad(torch.einsum("nc,nc->", model(x), one_hot), x)[0]
    """,
)
answers.right(
    "batch_gradient",
    """
    def batch_gradient(model, x, targets):
        x = x.detach().clone().requires_grad_()
        scores = model(x)
        gradients = [
            torch.autograd.grad(scores[i, t], x, retain_graph=True)[0][i]
            for i, t in enumerate(targets.tolist())
        ]
        return torch.stack(gradients)
    """,
)
answers.wrong(
    "batch_gradient",
    """
    def batch_gradient(model, x, targets):
        x = x.detach().clone().requires_grad_()
        scores = model(x)
        one_hot = F.one_hot(targets, scores.shape[1])
        return torch.autograd.grad((scores * one_hot).mean(), x)[0]
    """,
)
answers.wrong(
    "batch_gradient",
    """
    def batch_gradient(model, x, targets):
        x = x.detach().clone().requires_grad_()
        scores = model(x)
        one_hot = F.one_hot(targets, scores.shape[1])
        total = (scores - scores.mean(dim=1, keepdim=True)) * one_hot
        return torch.autograd.grad(total.sum(), x)[0]
    """,
)
answers.wrong(
    "batch_gradient",
    """
    def batch_gradient(model, x, targets):
        x = x.detach().clone().requires_grad_()
        scores = model(x)
        one_hot = torch.zeros_like(scores)
        one_hot[:, targets] = 1
        return torch.autograd.grad((scores * one_hot).sum(), x)[0]
    """,
)
answers.wrong(
    "batch_gradient",
    """
    def batch_gradient(model, x, targets):
        x = x.detach().clone().requires_grad_()
        scores = model(x).detach()
        one_hot = F.one_hot(targets, scores.shape[1])
        return torch.autograd.grad((scores * one_hot).sum(), x)[0]
    """,
)
answers.wrong(
    "batch_gradient",
    """
    def batch_gradient(model, x, targets):
        x = x.detach().clone().requires_grad_()
        model(x)
        scores = model(x)
        return torch.autograd.grad(scores.gather(1, targets[:, None]).sum(), x)[0]
    """,
)
answers.wrong(
    "batch_gradient",
    """
    def batch_gradient(model, x, targets):
        targets.clamp_(max=5)
        x = x.detach().clone().requires_grad_()
        return torch.autograd.grad(model(x)[range(len(x)), targets].sum(), x)[0]
    """,
)
answers.wrong(
    "score_gradient",
    """
    leaf = None

    def score_gradient(model, x, target):
        global leaf
        if leaf is None:
            leaf = x.detach().clone().requires_grad_()
            leaf.grad = torch.zeros_like(leaf)
        with torch.no_grad():
            leaf.copy_(x)
            leaf.grad.zero_()
        model(leaf)[0, target].backward()
        return leaf.grad
    """,
    says="looked at again",
)
