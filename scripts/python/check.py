"""Loads what Gradstr writes with the libraries of others, offline, and compares what they compute.

    python scripts/python/published.py DIR/published docs/security.md
    node_modules/.bin/node scripts/python/samples.ts DIR
    HF_HUB_OFFLINE=1 python scripts/python/check.py DIR     # needs torch, transformers, peft, onnxruntime, numpy

Prints the largest difference of each pair, of logits or of answers; exits with 1 when one is above 1e-4.
"""

import csv
import json
import sys
from datetime import date
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

TOLERANCE = 1e-4
differences = {}


def compare(what, found, expected):
    found, expected = np.asarray(found), np.asarray(expected)
    if found.shape != expected.shape:
        sys.exit(f"{what}: {found.shape} instead of {expected.shape}")
    differences[what] = difference = float(np.abs(found - expected).max())
    print(f"{what}: largest difference {difference:.1e}, values up to {np.abs(expected).max():.1f}")


def same(what, found, expected):
    if found != expected:
        sys.exit(f"{what}: {found!r} instead of {expected!r}")


def whole(folder):
    """A model of which nothing is missing, left over or of another shape."""
    model, info = AutoModelForCausalLM.from_pretrained(folder, output_loading_info=True)
    if wrong := {key: value for key, value in info.items() if value}:
        sys.exit(f"{folder}: {wrong}")
    return model.eval()


def adapted(folder):
    """An adapter on the base that it names."""
    base = json.loads((folder / "adapter_config.json").read_text())["base_model_name_or_path"]
    return PeftModel.from_pretrained(whole(Path(folder, base)), folder).eval()


def logits_of(model, tokens):
    with torch.no_grad():
        return model(torch.tensor([tokens])).logits[0].numpy()


def padded_logits(path, tokens):
    """All tokens at once; the file takes as many as the model sees."""
    session = onnxruntime.InferenceSession(path)
    all_tokens = np.zeros(session.get_inputs()[0].shape, np.int32)
    all_tokens[0, : len(tokens)] = tokens
    return session.run(None, {"tokens": all_tokens})[0][0, : len(tokens)]


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


def going_on(model, tokenizer, prompt, tokens):
    """The likeliest text after a prompt, which begins as a document of Gradstr's training does."""
    end = [] if tokenizer.eos_token_id is None else [tokenizer.eos_token_id]
    asked = torch.tensor([end + tokens])
    said = model.generate(asked, do_sample=False, max_new_tokens=12, attention_mask=torch.ones_like(asked))
    return tokenizer.decode(said[0], skip_special_tokens=True)[len(prompt) :]


def check_text(folder, name, ours):
    is_adapter = (folder / "adapter_config.json").exists()
    tokens, prompt = ours["tokens"], ours["prompt"]
    model = adapted(folder) if is_adapter else whole(folder)
    base = model.peft_config["default"].base_model_name_or_path if is_adapter else folder
    tokenizer = AutoTokenizer.from_pretrained(folder if (folder / "tokenizer.json").exists() else base)
    same(f"{name}, tokens", tokenizer(prompt, add_special_tokens=False).input_ids, tokens)
    same(f"{name}, goes on", going_on(model, tokenizer, prompt, tokens), ours["goesOn"])
    compare(f"{name}, {'peft' if is_adapter else 'transformers'}", logits_of(model, tokens), ours["logits"])
    if is_adapter:
        with model.disable_adapter():
            if np.abs(logits_of(model, tokens) - ours["logits"]).max() < 0.01:
                sys.exit(f"{name}: the adapter changes nothing")
        merged = whole(folder.with_name(f"{folder.name}-merged"))
        compare(f"{name}, gradstr merge in transformers", logits_of(merged, tokens), ours["logits"])
        theirs = logits_of(model.merge_and_unload(), tokens)
        compare(f"{name}, peft merge_and_unload", theirs, ours["logits"])


def check_onnx(folder, name, cached, ours):
    compare(f"{name}, model.onnx", padded_logits(folder / "model.onnx", ours["tokens"]), ours["logits"])
    compare(f"{name}, ONNX with a cache", cached_logits(cached, ours["tokens"]), ours["logits"])


def cells(rows, column):
    """A column of a table as model.onnx takes it: [rows, 1]."""
    texts = [row[column["column"]] for row in rows]
    if column["kind"] == "text":
        return np.array([texts], dtype=object).T
    of_text = {"number": float, "date": lambda text: (date.fromisoformat(text) - date(1970, 1, 1)).days}
    return np.array([[of_text[column["kind"]](text) if text else np.nan] for text in texts], column["type"])


def check_rows(folder, name, data, ours):
    """A table or pictures, with the preprocessing in the graph: raw cells and pixels in, answers out."""
    config = json.loads((folder / "config.json").read_text())
    if config["inputs"][0]["kind"] == "image":
        pixels = json.loads((data / f"{folder.name}.json").read_text())
        image = config["inputs"][0]
        shape = [image["height"], image["width"], 3][: 2 + (image["channels"] == 3)]
        pictures = ["/".join(Path(answer["input"]).parts[-2:]) for answer in ours]
        feeds = {image["name"]: np.array([pixels[file] for file in pictures], np.uint8).reshape(-1, *shape)}
    else:
        with open(data / "table.csv", newline="") as file:
            rows = list(csv.DictReader(file))
        feeds = {column["name"]: cells(rows, column) for column in config["inputs"]}
    label, *probabilities = onnxruntime.InferenceSession(folder / "model.onnx").run(None, feeds)
    if not probabilities:
        return compare(f"{name}, model.onnx", label, [answer["prediction"] for answer in ours])
    same(f"{name}, classes", list(label), [answer["prediction"] for answer in ours])
    compare(f"{name}, model.onnx", probabilities[0], [answer["probabilities"] for answer in ours])


def main(out):
    out = Path(out)
    for file in sorted((out / "ours").glob("*.json")):
        kind, folder = file.stem.split("-", 1)
        ours = json.loads(file.read_text())
        at = out / kind / folder
        name = f"{kind}/{folder}"
        if kind == "rows":
            check_rows(at, name, out / "data", ours)
            continue
        check_text(at, name, ours)
        if (cached := file.with_suffix(".onnx")).exists():
            check_onnx(at, name, cached, ours)
    worst = max(differences.values())
    print(f"{len(differences)} pairs, the largest difference {worst:.1e}")
    return 0 if worst < TOLERANCE else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
