"""The encoder of `jax_resnet.py` in PyTorch, compiled, channels last, bfloat16 by autocast.

python torch_resnet.py PATCHES SIDE answers `encoder` with the seconds of a pass forwards and backwards, and `gflop`
with the operations that it takes.
"""

import sys
import time

import torch
from torch import nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode
from torch_cpc import Norm

# Ways to compile, the fastest of which is measured. On a GPU kernels are replayed as a graph. Convolutions are those of
# cuDNN: "max-autotune" tries others as well, which takes it minutes; of the first, its best took half as long again.
WAYS = {
    "cpu": ({"mode": "default"},),
    "cuda": (
        {"mode": "reduce-overhead"},
        {
            "options": {
                "triton.cudagraphs": True,
                "max_autotune": True,
                "max_autotune_conv_backends": "ATEN",
                "max_autotune_gemm_backends": "ATEN",
            }
        },
    ),
}


class Bottleneck(nn.Module):
    """A pre-activation block of 1×1, 3×3 and 1×1 convolutions."""

    def __init__(self, inputs, inner, outputs, stride):
        super().__init__()
        self.norms = nn.ModuleList([Norm(inputs), Norm(inner), Norm(inner)])
        self.reduce = nn.Conv2d(inputs, inner, 1, bias=False)
        self.conv = nn.Conv2d(inner, inner, 3, stride, 1, bias=False)
        self.expand = nn.Conv2d(inner, outputs, 1, bias=False)
        self.shortcut = None
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Conv2d(inputs, outputs, 1, stride, bias=False)

    def forward(self, x):
        activated = functional.relu(self.norms[0](x))
        shortcut = x if self.shortcut is None else self.shortcut(activated)
        x = functional.relu(self.norms[1](self.reduce(activated)))
        return shortcut + self.expand(functional.relu(self.norms[2](self.conv(x))))


class ResNet50(nn.Module):
    """The first three stacks of a ResNet-50, averaged over space."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        stacks, inputs = [], 64
        for stack, (inner, blocks) in enumerate(((64, 3), (128, 4), (256, 6))):
            for block in range(blocks):
                stacks.append(Bottleneck(inputs, inner, 4 * inner, 2 if stack and not block else 1))
                inputs = 4 * inner
        self.stacks, self.norm = nn.Sequential(*stacks), Norm(inputs)

    def forward(self, patches):
        x = functional.max_pool2d(self.stem(patches), 3, 2, 1)
        return functional.relu(self.norm(self.stacks(x))).mean((2, 3))


def main(patches, side):
    """Answers questions."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.backends.cudnn.benchmark = True
    torch.set_float32_matmul_precision("high")
    model = ResNet50().to(device, memory_format=torch.channels_last)
    images = torch.rand(patches, 3, side, side, device=device).to(memory_format=torch.channels_last)

    def step(compiled):
        with torch.autocast(device, torch.bfloat16):
            loss = compiled(images).float().square().sum()
        loss.backward()
        model.zero_grad(set_to_none=True)
        if device == "cuda":
            torch.cuda.synchronize()

    def seconds(compiled):
        for _ in range(4):  # the first ones compile and record
            began = time.perf_counter()
            step(compiled)
        return time.perf_counter() - began

    fastest = min((torch.compile(model, **way) for way in WAYS[device]), key=seconds)
    with FlopCounterMode(display=False) as counter:
        model(images[:1]).sum().backward()
    gflop = counter.get_total_flops() * patches / 1e9
    answer({"encoder": lambda: step(fastest)}, {"gpu": int(device == "cuda"), "gflop": gflop})


if __name__ == "__main__":
    from worker import answer

    main(*map(int, sys.argv[1:]))
