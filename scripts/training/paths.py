"""Paths for training: residual branches left out, and channels kept in whole vectors, the most important first.

The order is the one that `accelgen` finds when it compiles (docs/paths.md): the norm of the reader's weights for a channel times the
channel's standard deviation on calibration images; within a layer by channel, between the parts of the concatenation by whole
vectors. The network's channels are brought into that order once, before training; what is kept is then always the first so many.
"""

import numpy as np
import torch

import data
from segformer import DECODER, WIDTHS, Statistics

VECTOR = 32
EIGHTHS = 8

# Share of a batch in the means that paths leave behind.
FOLLOW = 0.02


class Path:
    """What a path leaves out (`skip`) and how many channels it keeps (`keep` by MLP, `fuse` as a mask, `pred`)."""

    def __init__(self, skip, keep, fuse, pred):
        self.skip, self.keep, self.fuse, self.pred = skip, keep, fuse, pred


def prepare(network, images, masks, seed):
    """Reorders the channels of the network, which computes the same as before, and gives what draws paths of it, and some examples."""
    measure(network, images, masks)
    with torch.no_grad():
        for _, mlp in network.mlps():
            order = falling(importance(mlp.dense2.weight, mlp.seen.deviation))
            permute(order, mlp.dense1.weight, mlp.dense1.bias, mlp.dwconv.weight, mlp.dwconv.bias, mlp.seen.mean)
            mlp.dense2.weight.copy_(mlp.dense2.weight[:, order])
        norm = network.fuse_norm
        order = falling(importance(network.linear_pred.weight, network.pred_seen.deviation))
        permute(order, network.linear_fuse.weight, norm.weight, norm.bias, norm.running_mean, norm.running_var, network.pred_seen.mean)
        network.linear_pred.weight.copy_(network.linear_pred.weight[:, order])
        # As normalisation will be folded into it.
        weight = network.linear_fuse.weight * (norm.weight / torch.sqrt(norm.running_var + norm.eps))[:, None, None, None]
        of_fuse = []
        for i, seen in enumerate(network.fuse_seen):
            own = slice(i * DECODER, (i + 1) * DECODER)
            worth = importance(weight[:, own], seen.deviation)
            order = falling(worth)
            reader = getattr(network, f"linear_c{len(WIDTHS) - i}")
            permute(order, reader.weight, reader.bias, seen.mean)
            network.linear_fuse.weight[:, own] = network.linear_fuse.weight[:, own][:, order]
            of_fuse.append(worth[order])
    vectors = falling((torch.cat(of_fuse) ** 2).view(-1, VECTOR).sum(1))
    generator = np.random.default_rng(seed + 1)
    return lambda: drawn(network, vectors, generator), examples(network, vectors)


def examples(network, vectors):
    """Some paths by name, to follow what training does to them."""
    less = {eighths: {name: whole_vectors(mlp.dense1.out_features, eighths) for name, mlp in network.mlps()} for eighths in (6, 4)}
    branches = network.branches()
    return {
        "whole": make(vectors, set(), {}, EIGHTHS, None),
        "joined 4/8": make(vectors, set(), {}, 4, None),
        "joined 2/8": make(vectors, set(), {}, 2, None),
        "channels 6/8": make(vectors, set(), less[6], 6, whole_vectors(DECODER, 6)),
        "channels 4/8": make(vectors, set(), less[4], 4, whole_vectors(DECODER, 4)),
        "4 branches left out": make(vectors, set(branches[3::4]), {}, EIGHTHS, None),
    }


def drawn(network, vectors, generator):
    """A path of one of four kinds: linear_fuse reads less; every layer does; branches are left out as well; branches alone are."""
    kind = generator.integers(4)
    keep, skip, pred = {}, set(), None
    fuse = int(generator.integers(1, EIGHTHS)) if kind == 0 else EIGHTHS
    if kind in (1, 2):
        fuse = int(generator.integers(2, EIGHTHS))
        keep = {name: whole_vectors(mlp.dense1.out_features, fuse) for name, mlp in network.mlps()}
        pred = whole_vectors(DECODER, fuse)
    if kind in (2, 3):
        # Everything builds on the first branch; no ladder leaves it out.
        branches = network.branches()[1:]
        count = int(2 ** generator.uniform(0, 3.01))
        skip = {branches[i] for i in generator.permutation(len(branches))[:count]}
    return make(vectors, skip, keep, fuse, pred)


def make(vectors, skip, keep, fuse, pred):
    mask = torch.zeros(len(vectors), VECTOR)
    mask[vectors[:len(vectors) * fuse // EIGHTHS]] = 1
    return Path(skip, keep, mask.flatten() if fuse < EIGHTHS else None, pred)


def whole_vectors(channels, eighths):
    return max(1, round(channels * eighths / EIGHTHS / VECTOR)) * VECTOR


def importance(weight, deviation):
    """Of each input channel of a linear or 1x1 layer."""
    return weight.flatten(1).pow(2).sum(0).sqrt() * deviation


def falling(values):
    return values.argsort(descending=True, stable=True)


def permute(order, *tensors):
    for tensor in tensors:
        tensor.copy_(tensor[order])


def measure(network, images, masks):
    """Means and spreads on calibration images; from then on the means follow the training."""
    x, _ = data.batch(images, masks, np.arange(len(images)))
    network.eval()
    seen = [m for m in network.modules() if isinstance(m, Statistics)]
    for statistics in seen:
        statistics.rate = 1.0
    with torch.no_grad():
        network(x)
    for statistics in seen:
        statistics.rate = FOLLOW
