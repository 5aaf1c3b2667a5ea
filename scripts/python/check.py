"""Loads what Gradstr writes with the libraries of others, offline, and compares logits.

    node_modules/.bin/node scripts/python/samples.ts DIR
    HF_HUB_OFFLINE=1 python scripts/python/check.py DIR     # needs torch, transformers, peft, onnxruntime, numpy

Prints the largest difference of each pair; exits with 1 when one is above 1e-4.
"""

import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, GPT2Config, LlamaConfig


def config_of(architecture):
    model = architecture["model"]
    if architecture["recipe"] == "gpt":
        return GPT2Config(
            vocab_size=model["vocabulary"],
            n_positions=model["context"],
            n_embd=model["width"],
            n_layer=model["layers"],
            n_head=model["heads"],
            activation_function=model["activation"],
        )
    scaling = model["scaling"]
    return LlamaConfig(
        vocab_size=model["vocabulary"],
        max_position_embeddings=model["context"],
        hidden_size=model["width"],
        intermediate_size=model["hidden"],
        num_hidden_layers=model["layers"],
        num_attention_heads=model["heads"],
        num_key_value_heads=model["keyValueHeads"],
        rms_norm_eps=model["epsilon"],
        tie_word_embeddings=model["tied"],
        rope_parameters={
            "rope_type": "llama3",
            "rope_theta": float(model["theta"]),
            "factor": float(scaling["factor"]),
            "low_freq_factor": float(scaling["low"]),
            "high_freq_factor": float(scaling["high"]),
            "original_max_position_embeddings": scaling["original"],
        },
    )


def cached_logits(path, tokens):
    """One token at a time, with the cache kept here."""
    session = onnxruntime.InferenceSession(path)
    past = {i.name: np.zeros(i.shape, np.float32) for i in session.get_inputs() if i.name.startswith("past/")}
    room = next(iter(past.values())).shape[2]
    names = [output.name for output in session.get_outputs()]
    logits = []
    for at, token in enumerate(tokens):
        mask = np.full((1, room + 1), -1e9, np.float32)
        mask[0, :at] = mask[0, room] = 0
        feeds = {
            "tokens": np.array([[token]], np.int32),
            "positions": np.array([at], np.int32),
            "last": np.array([0], np.int32),
            "mask": mask,
        }
        result = dict(zip(names, session.run(None, {**feeds, **past})))
        for name, kept in past.items():
            kept[:, :, at] = result[name.replace("past/", "new/")][:, :, 0]
        logits.append(result["logits"][0])
    return np.stack(logits)


def main(folder):
    worst = 0.0

    def compare(what, found, expected):
        nonlocal worst
        difference = float(np.abs(found - expected).max())
        worst = max(worst, difference)
        print(f"{what}: largest difference {difference:.1e}, logits up to {np.abs(expected).max():.1f}")

    for recipe in ("gpt", "llama"):
        at = Path(folder) / recipe
        if not (at / "config.json").exists():
            config_of(json.loads((at / "architecture.json").read_text())).save_pretrained(at)
        model, info = AutoModelForCausalLM.from_pretrained(at, output_loading_info=True)
        wrong = {key: value for key, value in info.items() if value}
        if wrong:
            sys.exit(f"{recipe}: {wrong}")
        context = model.config.max_position_embeddings
        tokens = np.random.default_rng(1).integers(0, model.config.vocab_size, (1, context), dtype=np.int32)

        def theirs(module):
            with torch.no_grad():
                return module.eval()(torch.from_numpy(tokens.astype(np.int64))).logits[0].numpy()

        def ours(name):
            return onnxruntime.InferenceSession(at / name).run(None, {"tokens": tokens})[0][0]

        expected = theirs(model)
        compare(f"{recipe}, ONNX against transformers", ours("model.onnx"), expected)
        compare(f"{recipe}, ONNX with a cache", cached_logits(at / "model-cached.onnx", tokens[0]), expected)
        adapted = theirs(PeftModel.from_pretrained(model, at / "adapter"))
        if np.abs(adapted - expected).max() < 0.01:
            sys.exit(f"{recipe}: the adapter changes nothing")
        compare(f"{recipe}, merged adapter against peft", ours("adapted.onnx"), adapted)
    return 0 if worst < 1e-4 else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
