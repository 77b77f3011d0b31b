"""The models of ../models.ts in PyTorch: `pytorch.py NAME ROUNDS` prints wall and processor milliseconds of a step."""

import json
import statistics
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F

torch.set_num_threads(2)


class Residual(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(outputs)
        self.shortcut = nn.Conv2d(inputs, outputs, 1, stride, bias=False) if stride > 1 else None

    def forward(self, x):
        inner = F.relu(self.norm1(self.conv1(x)))
        outer = self.norm2(self.conv2(inner))
        return F.relu(outer + (x if self.shortcut is None else self.shortcut(x)))


class ResNet20(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(16)
        blocks = []
        for stage, width in enumerate([16, 32, 64]):
            for i in range(3):
                first = i == 0 and stage > 0
                blocks.append(Residual(width // 2 if first else width, width, 2 if first else 1))
        self.blocks = nn.Sequential(*blocks)
        self.out = nn.Linear(64, 10)

    def forward(self, x):
        return self.out(self.blocks(F.relu(self.norm(self.conv(x)))).mean((2, 3)))


def attention(q, k, v):
    """Causal; composed where this PyTorch (before 2.0) has no fused one."""
    if hasattr(F, "scaled_dot_product_attention"):
        return F.scaled_dot_product_attention(q, k, v, is_causal=True)
    hidden = torch.ones(q.shape[-2], k.shape[-2], dtype=torch.bool).triu(1)
    scores = (q @ k.transpose(-2, -1) / q.shape[-1] ** 0.5).masked_fill(hidden, float("-inf"))
    return scores.softmax(-1) @ v


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm1 = nn.LayerNorm(256)
        self.query = nn.Linear(256, 256)
        self.key = nn.Linear(256, 256)
        self.value = nn.Linear(256, 256)
        self.output = nn.Linear(256, 256)
        self.norm2 = nn.LayerNorm(256)
        self.up = nn.Linear(256, 1024)
        self.down = nn.Linear(1024, 256)

    def forward(self, x):
        y = self.norm1(x)
        q, k, v = (f(y).view(8, 128, 8, 32).transpose(1, 2) for f in (self.query, self.key, self.value))
        attended = attention(q, k, v)
        x = x + self.output(attended.transpose(1, 2).reshape(8, 128, 256))
        return x + self.down(F.gelu(self.up(self.norm2(x)), approximate="tanh"))


class Decoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(1024, 256)
        self.positions = nn.Parameter(torch.randn(128, 256) * 0.02)
        self.blocks = nn.Sequential(*[Block() for _ in range(4)])
        self.norm = nn.LayerNorm(256)
        self.out = nn.Linear(256, 1024)

    def forward(self, tokens):
        return self.out(self.norm(self.blocks(self.embed(tokens) + self.positions)))


def make(name):
    if name == "mlp":
        layers = [nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10)]
        return nn.Sequential(*layers), torch.randn(128, 784), torch.arange(128) % 10
    if name == "lenet":
        layers = [nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU()]
        layers += [nn.MaxPool2d(2), nn.Flatten(), nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU()]
        return nn.Sequential(*layers, nn.Linear(84, 10)), torch.randn(128, 1, 28, 28), torch.arange(128) % 10
    if name == "resnet":
        return ResNet20(), torch.randn(64, 3, 32, 32), torch.arange(64) % 10
    tokens = (torch.arange(8 * 128) * 7919) % 1024
    return Decoder(), tokens.view(8, 128), tokens.view(8, 128) % 1021


def main():
    name, rounds = sys.argv[1], int(sys.argv[2])
    model, x, y = make(name)
    if name == "decoder":
        optimizer = torch.optim.Adam(model.parameters(), lr=3e-4)
    else:
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9 if name == "resnet" else 0)
    wall, processor = [], []
    for i in range(4 + rounds):
        start, used = time.perf_counter(), time.process_time()
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x).flatten(0, -2), y.flatten())
        loss.backward()
        optimizer.step()
        value = loss.item()
        if i >= 4:
            wall.append((time.perf_counter() - start) * 1e3)
            processor.append((time.process_time() - used) * 1e3)
    print(json.dumps({"wall": statistics.median(wall), "processor": statistics.median(processor), "loss": value}))


main()
