"""The same training step in PyTorch: python peer.py MODEL BATCH THREADS eager|compile, or python peer.py matmul THREADS.

A step is everything a real one is: zero_grad, forward, loss, backward, optimizer. Random data, made beforehand. Prints
one JSON line; ms_per_step is the median of ten blocks of steps. matmul: GFLOP/s of a product of two 1024 x 1024 float32.
"""
import json
import resource
import statistics
import sys
import time

import torch
import torch.nn.functional as F
from torch import nn

SECONDS = 2
VOCABULARY = 65


def mlp():
    return nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10)), (784,)


def cnn():
    """McMahan et al. 2017."""
    return nn.Sequential(
        nn.Conv2d(1, 32, 5, padding="same"), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 5, padding="same"), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(7 * 7 * 64, 512), nn.ReLU(), nn.Linear(512, 10)), (1, 28, 28)


class Block(nn.Module):
    """Of nanoGPT: causal attention, then a feed-forward layer, each after a norm and added to what came in."""

    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.ln_1 = nn.LayerNorm(width, bias=False)
        self.c_attn = nn.Linear(width, 3 * width, bias=False)
        self.c_proj = nn.Linear(width, width, bias=False)
        self.ln_2 = nn.LayerNorm(width, bias=False)
        self.mlp = nn.Sequential(
            nn.Linear(width, 4 * width, bias=False), nn.GELU(), nn.Linear(4 * width, width, bias=False))

    def forward(self, x):
        n, positions, width = x.shape
        parts = self.c_attn(self.ln_1(x)).split(width, dim=2)
        q, k, v = (part.view(n, positions, self.heads, -1).transpose(1, 2) for part in parts)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.c_proj(y.transpose(1, 2).reshape(n, positions, width))
        return x + self.mlp(self.ln_2(x))


class Gpt(nn.Module):
    """nanoGPT: learnt positions, no biases, no dropout, logits by the token embedding."""

    def __init__(self, layers, heads, width, context):
        super().__init__()
        self.wte = nn.Embedding(VOCABULARY, width)
        self.wpe = nn.Embedding(context, width)
        self.blocks = nn.Sequential(*(Block(width, heads) for _ in range(layers)))
        self.ln_f = nn.LayerNorm(width, bias=False)
        for weight in self.parameters():
            if weight.dim() > 1:
                nn.init.normal_(weight, std=0.02)

    def forward(self, tokens):
        x = self.blocks(self.wte(tokens) + self.wpe.weight)
        return F.linear(self.ln_f(x), self.wte.weight).view(-1, VOCABULARY)


def gpt(layers, heads, width, context):
    return lambda: (Gpt(layers, heads, width, context), (context,))


MODELS = {"mlp": mlp, "cnn": cnn, "gpt-cpu": gpt(4, 4, 128, 64), "gpt-gpu": gpt(6, 6, 384, 256)}


def blocks_of(step):
    """Seconds per step, one figure per block; a block takes about a tenth of SECONDS."""
    for i in range(5):
        step(i)
    start = time.perf_counter()
    step(0)
    size = max(1, int(SECONDS / 10 / (time.perf_counter() - start)))
    times = []
    for _ in range(10):
        start = time.perf_counter()
        for i in range(size):
            step(i)
        times.append((time.perf_counter() - start) / size)
    return times


def optimizer_of(model):
    """SGD; for text nanoGPT's AdamW, which decays matrices only."""
    if not isinstance(model, Gpt):
        return torch.optim.SGD(model.parameters(), lr=0.01, fused=True)
    groups = [
        {"params": [p for p in model.parameters() if p.dim() >= 2], "weight_decay": 0.1},
        {"params": [p for p in model.parameters() if p.dim() < 2], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=1e-3, betas=(0.9, 0.99), fused=True)


def batches_for(model, row, batch):
    size = (batch, *row)
    if isinstance(model, Gpt):
        return [(torch.randint(VOCABULARY, size), torch.randint(VOCABULARY, size)) for _ in range(8)]
    return [(torch.rand(size), torch.randint(10, (batch,))) for _ in range(8)]


def training(model, row, batch, compiled):
    data = batches_for(model, row, batch)
    optimizer = optimizer_of(model)
    net = torch.compile(model) if compiled else model

    def step(i):
        x, y = data[i % len(data)]
        optimizer.zero_grad(set_to_none=True)
        F.cross_entropy(net(x), y.view(-1)).backward()
        if isinstance(model, Gpt):
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()

    return step


def main():
    if sys.argv[1] == "matmul":
        torch.set_num_threads(int(sys.argv[2]))
        a, b = torch.rand(1024, 1024), torch.rand(1024, 1024)
        seconds = statistics.median(blocks_of(lambda _: a @ b))
        print(json.dumps({"gflops": 2 * 1024**3 / seconds / 1e9, "torch": torch.__version__}))
        return
    name, batch, threads, mode = sys.argv[1:]
    torch.set_num_threads(int(threads))
    model, row = MODELS[name]()
    seconds = statistics.median(blocks_of(training(model, row, int(batch), mode == "compile")))
    print(json.dumps({
        "ms_per_step": 1000 * seconds,
        "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }))


if __name__ == "__main__":
    main()
