"""Writes what others publish: GPT-2 and Llama by transformers, adapters to them by peft, of random weights.

    python scripts/python/published.py DIR TEXT     # TEXT: a file that the tokenizers are learned from
"""

import sys
from pathlib import Path

import torch
from peft import LoraConfig, get_peft_model
from tokenizers import ByteLevelBPETokenizer
from transformers import AutoModelForCausalLM, GPT2Config, LlamaConfig, PreTrainedTokenizerFast

VOCABULARY = 384
END = {"bos_token_id": 0, "eos_token_id": 0}
GPT2 = GPT2Config(vocab_size=VOCABULARY, n_positions=48, n_embd=32, n_layer=2, n_head=4, **END)
LLAMA = LlamaConfig(
    vocab_size=VOCABULARY,
    **END,
    max_position_embeddings=48,
    hidden_size=32,
    intermediate_size=88,
    num_hidden_layers=2,
    num_attention_heads=4,
    num_key_value_heads=2,
    tie_word_embeddings=False,
    rope_parameters={
        "rope_type": "llama3",
        "rope_theta": 10_000.0,
        "factor": 8.0,
        "low_freq_factor": 1.0,
        "high_freq_factor": 4.0,
        "original_max_position_embeddings": 16,
    },
)
# Adapters of all linear layers, and of some: their names in adapter_config.json are found in several ways.
MODELS = {"gpt2": (GPT2, ["c_attn", "mlp.c_proj"]), "llama": (LLAMA, "all-linear")}


def livelier(module, names=""):
    """Weights begin small, B of an adapter at zero: larger ones show more of the arithmetic."""
    with torch.no_grad():
        for name, weights in module.named_parameters():
            if names in name:
                weights.mul_(2).add_(torch.randn_like(weights), alpha=0.05)


def main(out, text):
    torch.manual_seed(1)
    for name, (config, targets) in MODELS.items():
        folder = Path(out) / name
        model = AutoModelForCausalLM.from_config(config)
        livelier(model)
        model.save_pretrained(folder)
        bytes_in_pairs = ByteLevelBPETokenizer()
        bytes_in_pairs.train([text], vocab_size=VOCABULARY, special_tokens=["<|endoftext|>"])
        end = {"bos_token": "<|endoftext|>", "eos_token": "<|endoftext|>"}
        PreTrainedTokenizerFast(tokenizer_object=bytes_in_pairs._tokenizer, **end).save_pretrained(folder)
        base = AutoModelForCausalLM.from_pretrained(folder)
        lora = LoraConfig(r=3, lora_alpha=7, target_modules=targets, task_type="CAUSAL_LM")
        adapted = get_peft_model(base, lora)
        livelier(adapted, "lora_")
        adapted.save_pretrained(f"{folder}-lora")


if __name__ == "__main__":
    main(*sys.argv[1:])
