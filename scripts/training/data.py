"""Sets of scenes, drawn by `accelgen scenes`, as arrays in files."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import torch
from PIL import Image

ACCELGEN = Path(__file__).resolve().parent.parent / "accelgen"
SIZE = 128

# Each set has a seed of its own: no scene is in two of them.
SETS = {
    "train": (1, 16000),
    "calibration": (2, 64),
    "validation": (3, 300),
    "test": (4, 300),
}

MEAN = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
STD = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)


def draw(name, folder):
    """The folder of a set's PNG files, drawn where it does not exist yet."""
    seed, count = SETS[name]
    target = Path(folder) / name
    if not target.exists():
        subprocess.run([ACCELGEN, "scenes", "--count", str(count), "--seed", str(seed), "--out", target], check=True)
    return target


def load(name, folder):
    """Images and masks of a set as bytes, mapped from files."""
    stem = Path(folder) / name
    paths = stem.with_suffix(".images.npy"), stem.with_suffix(".masks.npy")
    if not paths[1].exists():
        drawn = draw(name, folder)
        count = SETS[name][1]
        images = np.lib.format.open_memmap(paths[0], "w+", np.uint8, (count, SIZE, SIZE, 3))
        masks = np.zeros((count, SIZE, SIZE), np.uint8)
        for i in range(count):
            images[i] = np.asarray(Image.open(drawn / f"scene{i:05d}.png").convert("RGB"))
            masks[i] = np.asarray(Image.open(drawn / f"scene{i:05d}_mask.png"))
        images.flush()
        np.save(paths[1], masks)
        if name == "train":
            # As an array it is read faster, and as PNG nobody needs it again.
            shutil.rmtree(drawn)
    return np.load(paths[0], mmap_mode="r"), np.load(paths[1], mmap_mode="r")


def batch(images, masks, indices):
    """Network inputs and classes of some images of a set."""
    x = torch.from_numpy(images[indices]).permute(0, 3, 1, 2).float()
    return (x / 255 - MEAN) / STD, torch.from_numpy(masks[indices].astype(np.int64))


def confusion(logits, classes, count):
    """How many pixels of a class are found as which; logits are resized to the masks, as `accelgen evaluate` does."""
    found = torch.nn.functional.interpolate(logits, classes.shape[-2:], mode="bilinear", align_corners=False).argmax(1)
    return torch.bincount((classes * count + found).flatten(), minlength=count * count).view(count, count)


def scores(table):
    """Mean intersection over union, pixel accuracy and the IoU of each class, in percent."""
    hit = table.diagonal().double()
    union = (table.sum(0) + table.sum(1)).double() - hit
    iou = 100 * hit / union
    return iou.mean().item(), (100 * hit.sum() / table.sum()).item(), iou.tolist()
