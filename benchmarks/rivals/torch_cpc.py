"""The same network, loss and optimizer in PyTorch, with PyTorch's best settings for the CPU.

Channels last, bfloat16 by autocast, fused Adam, and `torch.compile` where asked for. Nothing here belongs to the
package: it is the rival of `training_step.py`, which starts it in an environment with PyTorch.

python torch_cpc.py PRECISION WIDTH BATCH COMPILED THREADS answers each line on standard input, `encoder` or `step`,
with seconds. WIDTH is that of the context networks.
"""

import math
import sys

import torch
from torch import nn
from torch.nn import functional

# Quarter turns, counter-clockwise, that make a direction run downwards.
TURNS = {"down": 0, "right": 3, "up": 2, "left": 1}


class Norm(nn.GroupNorm):
    """Layer norm over space and channels, scale and offset by channel."""

    def __init__(self, channels):
        super().__init__(1, channels, eps=1e-5)


class Block(nn.Module):
    """A pre-activation block of two 3×3 convolutions."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.norm1, self.norm2 = Norm(inputs), Norm(outputs)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.shortcut = None
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Conv2d(inputs, outputs, 1, stride, bias=False)

    def forward(self, x):
        activated = functional.relu(self.norm1(x))
        shortcut = x if self.shortcut is None else self.shortcut(activated)
        return shortcut + self.conv2(functional.relu(self.norm2(self.conv1(activated))))


class Encoder(nn.Module):
    """A ResNet on a 3×3 stem of stride 1, averaged over space."""

    def __init__(self, channels, widths, blocks):
        super().__init__()
        self.stem = nn.Conv2d(channels, widths[0], 3, 1, 1, bias=False)
        stacks, inputs = [], widths[0]
        for stack, (width, count) in enumerate(zip(widths, blocks, strict=True)):
            for block in range(count):
                stacks.append(Block(inputs, width, 2 if stack and not block else 1))
                inputs = width
        self.stacks = nn.Sequential(*stacks)
        self.norm = Norm(inputs)

    def forward(self, patches):
        return functional.relu(self.norm(self.stacks(self.stem(patches)))).mean((2, 3))


class Context(nn.Module):
    """The masked network of five residual blocks."""

    def __init__(self, dim, width, blocks):
        super().__init__()
        self.blocks = nn.ModuleList(
            nn.ModuleList(
                [
                    nn.Conv2d(dim, width, 1),
                    nn.Conv2d(width, width, (1, 3), padding=(0, 1)),
                    nn.Conv2d(width, width, (2, 1)),
                    nn.Conv2d(width, dim, 1),
                ]
            )
            for _ in range(blocks)
        )

    def forward(self, context):
        for reduce, row, down, expand in self.blocks:
            hidden = functional.pad(row(functional.relu(reduce(context))), (0, 0, 1, 0))
            context = context + expand(functional.relu(down(hidden)))
        return functional.relu(context)


class CPC(nn.Module):
    """Encoder, contexts, predictors and InfoNCE against all patches of the batch."""

    def __init__(self, channels, widths, blocks, patch, stride, offsets, directions, target_dim, context_width):
        super().__init__()
        self.patch, self.stride, self.offsets, self.scale = patch, stride, offsets, 0.1
        self.encoder = Encoder(channels, widths, blocks)
        self.targets = nn.Linear(widths[-1], target_dim, bias=False)
        self.contexts = nn.ModuleDict({name: Context(widths[-1], context_width, 5) for name in directions})
        self.predictors = nn.ModuleDict(
            {f"{name}_{k}": nn.Linear(widths[-1], target_dim) for name in directions for k in offsets}
        )

    def extract(self, images):
        """`[B, C, H, W]` to patches `[B · rows · cols, C, p, p]`, channels last, and the grid's side."""
        patches = images.unfold(2, self.patch, self.stride).unfold(3, self.patch, self.stride)
        side = patches.shape[2]
        patches = patches.permute(0, 2, 3, 4, 5, 1).reshape(-1, self.patch, self.patch, images.shape[1])
        return patches.permute(0, 3, 1, 2), side

    def forward(self, images):
        patches, side = self.extract(images)
        latents = self.encoder(patches).reshape(len(images), side, side, -1).permute(0, 3, 1, 2)
        candidates = self.targets(latents.permute(0, 2, 3, 1)).float().reshape(-1, self.targets.out_features)
        places = torch.arange(len(candidates)).reshape(len(images), side, side)
        losses = []
        for name, network in self.contexts.items():
            turned = torch.rot90(latents, TURNS[name], (2, 3)).contiguous(memory_format=torch.channels_last)
            context = network(turned).permute(0, 2, 3, 1)
            for k in self.offsets:
                queries = self.scale * self.predictors[f"{name}_{k}"](context[:, :-k]).float()
                positives = torch.rot90(places, TURNS[name], (1, 2))[:, k:].reshape(-1)
                with torch.autocast("cpu", enabled=False):
                    logits = queries.reshape(-1, candidates.shape[1]) @ candidates.T
                    losses.append(functional.cross_entropy(logits, positives))
        return torch.stack(losses).mean()


def training_step(model, bf16, learning_rate=1e-4):
    """A function from images to the loss of one optimizer step."""
    optimizer = torch.optim.Adam(model.parameters(), learning_rate, fused=True)

    def step(images):
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            loss = model(images)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def encoder_step(model, bf16):
    """A function from images to one pass forwards and backwards of the encoder alone, all gradients consumed."""

    def step(images):
        with torch.no_grad():
            patches, _ = model.extract(images)
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            loss = model.encoder(patches).float().square().sum()
        gradients = torch.autograd.grad(loss, list(model.encoder.parameters()))
        return math.fsum(gradient.sum().item() for gradient in gradients)

    return step


def main(precision, width, batch, compiled, threads):
    """Answers questions."""
    torch.set_num_threads(int(threads))
    torch.manual_seed(0)
    shape = network(width)
    model = CPC(**shape).to(memory_format=torch.channels_last)
    images = torch.rand(int(batch), SIZE, SIZE, 3).permute(0, 3, 1, 2)
    bf16 = precision == "mixed_bfloat16"
    whole = torch.compile(model) if compiled == "compiled" else model
    steps = {"encoder": encoder_step(model, bf16), "step": training_step(whole, bf16)}
    answer({name: lambda step=step: step(images) for name, step in steps.items()})


if __name__ == "__main__":
    from worker import SIZE, answer, network

    main(*sys.argv[1:])
