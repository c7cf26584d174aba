"""Trains the network on scenes: `train.py plain`, then `train.py paths`. See README.md."""

import argparse
import ctypes
import json
import math
import time
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

import data
import export
import paths
from segformer import CLASSES, SegFormer

MODELS = Path(__file__).resolve().parent / "models"
SEED = 20250101
BATCH = 16

# Learning rate at its highest, steps, share of the steps in which it rises.
RUNS = {"plain": (1e-3, 3000, 0.05), "paths": (4e-4, 1000, 0.05)}
DECAY = 0.01
LOG_STEPS = 100
VALIDATION_STEPS = 500


def keep_memory():
    """Lets the C library keep what is freed: fresh pages for every tensor take more time than the arithmetic."""
    libc = ctypes.CDLL(None)
    mmap_max, trim_threshold = -4, -1
    if hasattr(libc, "mallopt"):
        libc.mallopt(mmap_max, 0)
        libc.mallopt(trim_threshold, 2**31 - 1)


def evaluate(network, name, folder, path=None, limit=None):
    network.eval()
    images, masks = data.load(name, folder)
    table = torch.zeros(CLASSES, CLASSES, dtype=torch.long)
    with torch.no_grad():
        for i in range(0, limit or len(images), 20):
            x, classes = data.batch(images, masks, np.arange(i, min(i + 20, limit or len(images))))
            table += data.confusion(network.logits(x, path), classes, CLASSES)
    return data.scores(table)


def loss_of(logits, classes):
    """At half the size of the masks, for time; which pixel of four stands for them is drawn."""
    row, column = np.random.randint(0, 2, 2)
    larger = F.interpolate(logits, scale_factor=2, mode="bilinear", align_corners=False)
    return F.cross_entropy(larger, classes[:, row::2, column::2])


def step_plain(network, x, classes, _):
    loss = loss_of(network.logits(x), classes)
    loss.backward()
    return loss.item()


def step_paths(network, x, classes, draw):
    """The whole network learns from the masks; a path drawn for this step from the masks and from the whole network."""
    whole = network.logits(x)
    loss = loss_of(whole, classes)
    loss.backward()
    part = network.logits(x, draw())
    soft = F.kl_div(part.log_softmax(1), whole.detach().softmax(1), reduction="none").sum(1).mean()
    (0.5 * loss_of(part, classes) + 0.5 * soft).backward()
    return loss.item()


def judge(network, some, folder, log):
    """What some paths are worth, in float: for the log."""
    for name, path in some.items():
        log({"path": name, "validation_miou": round(evaluate(network, "validation", folder, path, limit=100)[0], 2)})


def run(kind, folder, log):
    rate, steps, rise = RUNS[kind]
    torch.manual_seed(SEED)
    np.random.seed(SEED)
    network = SegFormer() if kind == "plain" else SegFormer(drop_path=0)
    draw, some = None, {}
    if kind == "paths":
        network.load_state_dict(torch.load(Path(folder) / "plain.pt"))
        draw, some = paths.prepare(network, *data.load("calibration", folder), SEED)
    images, masks = data.load("train", folder)
    optimizer = torch.optim.AdamW(network.parameters(), rate, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda s: min((s + 1) / (rise * steps), 0.5 + 0.5 * math.cos(math.pi * min(s / steps, 1))))
    step = {"plain": step_plain, "paths": step_paths}[kind]
    parameters = sum(p.numel() for p in network.parameters())
    log({"run": kind, "seed": SEED, "sets": data.SETS, "parameters": parameters, "batch": BATCH, "steps": steps, "rate": rate, "decay": DECAY})
    judge(network, some, folder, log)
    order = np.random.default_rng(SEED)
    begin, sum_loss, shuffled = time.time(), 0.0, []
    for done in range(1, steps + 1):
        if len(shuffled) < BATCH:
            shuffled = order.permutation(len(images))
        chosen, shuffled = np.sort(shuffled[:BATCH]), shuffled[BATCH:]
        network.train()
        if kind == "paths":
            # Paths differ in their statistics and share one normalisation, which is folded into weights afterwards.
            network.fuse_norm.eval()
        x, classes = data.batch(images, masks, chosen)
        optimizer.zero_grad(set_to_none=True)
        sum_loss += step(network, x, classes, draw)
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if done % LOG_STEPS == 0:
            log({"step": done, "loss": round(sum_loss / LOG_STEPS, 4), "seconds": round(time.time() - begin)})
            sum_loss = 0.0
        if done % VALIDATION_STEPS == 0 or done == steps:
            miou, pixels, _ = evaluate(network, "validation", folder)
            log({"step": done, "validation_miou": round(miou, 2), "validation_pixels": round(pixels, 2), "seconds": round(time.time() - begin)})
            torch.save(network.state_dict(), Path(folder) / f"{kind}.pt")
    judge(network, some, folder, log)
    for name, limit in (("test", None), ("test", 60)):
        miou, pixels, iou = evaluate(network, name, folder, limit=limit)
        log({"set": name, "images": limit or data.SETS[name][1], "miou": round(miou, 2), "pixels": round(pixels, 2), "iou": [round(v, 1) for v in iou]})
    export.write(network, MODELS / f"scenes_{kind}.onnx")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=list(RUNS))
    parser.add_argument("--folder", default="scenes-data", help="folder for the sets and the weights while training")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    keep_memory()
    Path(arguments.folder).mkdir(exist_ok=True)
    MODELS.mkdir(exist_ok=True)
    with open(MODELS / f"scenes_{arguments.kind}.log.jsonl", "w") as file:
        def log(entry):
            line = json.dumps(entry)
            print(line, flush=True)
            file.write(line + "\n")
            file.flush()

        run(arguments.kind, arguments.folder, log)


if __name__ == "__main__":
    main()
