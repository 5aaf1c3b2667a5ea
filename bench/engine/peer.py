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


def mlp():
    return nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10)), (784,)


def cnn():
    """McMahan et al. 2017."""
    return nn.Sequential(
        nn.Conv2d(1, 32, 5, padding="same"), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 5, padding="same"), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(7 * 7 * 64, 512), nn.ReLU(), nn.Linear(512, 10)), (1, 28, 28)


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


def training(model, row, batch, compiled):
    data = [(torch.rand(batch, *row), torch.randint(10, (batch,))) for _ in range(8)]
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, fused=True)
    net = torch.compile(model) if compiled else model

    def step(i):
        x, y = data[i % len(data)]
        optimizer.zero_grad(set_to_none=True)
        F.cross_entropy(net(x), y).backward()
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
    model, row = {"mlp": mlp, "cnn": cnn}[name]()
    seconds = statistics.median(blocks_of(training(model, row, int(batch), mode == "compile")))
    print(json.dumps({
        "ms_per_step": 1000 * seconds,
        "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }))


main()
