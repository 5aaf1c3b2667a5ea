"""The same model and text in PyTorch: python peer.py TEXT ITERATIONS RATE SEED THREADS.

nanoGPT's training loop: blocks at random places of the first nine tenths, its schedule, decay groups and clipping. Prints
one JSON line: the loss on all whole blocks of the last tenth, in nats a character.
"""
import json
import math
import sys
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

sys.path.insert(0, str(Path(__file__).parent.parent / "engine"))
from peer import MODELS, optimizer_of  # noqa: E402

LAYERS, T, BATCH, WARMUP = 4, 64, 12, 100


def rate_at(step, steps, peak):
    """Linear warm-up, then a cosine down to a tenth of the peak."""
    warmup = min(WARMUP, steps - 1)
    if step < warmup:
        return peak * (step + 1) / (warmup + 1)
    return peak * (0.1 + 0.45 * (1 + math.cos(math.pi * (step - warmup) / (steps - warmup))))


def block_losses(model, tokens):
    """Mean loss of all whole blocks."""
    blocks = (len(tokens) - 1) // T
    x, y = tokens[: blocks * T].view(blocks, T), tokens[1 : blocks * T + 1].view(blocks, T)
    with torch.no_grad():
        parts = [F.cross_entropy(model(a), b.reshape(-1), reduction="sum") for a, b in zip(x.split(100), y.split(100))]
    return sum(part.item() for part in parts) / (blocks * T)


def main():
    path, steps, rate, seed, threads = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5])
    torch.manual_seed(seed)
    torch.set_num_threads(threads)
    text = Path(path).read_text()
    numbers = {character: i for i, character in enumerate(sorted(set(text)))}
    tokens = torch.tensor([numbers[character] for character in text])
    cut = int(0.9 * len(tokens))
    learned, held_out = tokens[:cut], tokens[cut:]
    model, _ = MODELS["gpt-cpu"]()
    for name, weight in model.named_parameters():
        if name.endswith(("c_proj.weight", "mlp.2.weight")):
            nn.init.normal_(weight, std=0.02 / math.sqrt(2 * LAYERS))
    optimizer = optimizer_of(model)
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = rate_at(step, steps, rate)
        starts = torch.randint(len(learned) - T, (BATCH,))
        x = torch.stack([learned[i : i + T] for i in starts])
        y = torch.stack([learned[i + 1 : i + T + 1] for i in starts])
        optimizer.zero_grad(set_to_none=True)
        F.cross_entropy(model(x), y.view(-1)).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    print(json.dumps({"validation": block_losses(model, held_out)}))


if __name__ == "__main__":
    main()
