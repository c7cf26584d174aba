"""Writes the network as a float ONNX file, batch normalisation folded into the layer before it."""

import copy
import re

import onnx
import torch
from torch import nn

from segformer import SIZE


def folded(network):
    """A copy whose linear_fuse does what linear_fuse and fuse_norm did."""
    copied = copy.deepcopy(network).eval()
    norm = copied.fuse_norm
    with torch.no_grad():
        scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
        fuse = nn.Conv2d(copied.linear_fuse.in_channels, copied.linear_fuse.out_channels, 1)
        fuse.weight.copy_(copied.linear_fuse.weight * scale[:, None, None, None])
        fuse.bias.copy_(norm.bias - norm.running_mean * scale)
    copied.linear_fuse, copied.fuse_norm = fuse, nn.Identity()
    return copied


def named(model):
    """Blocks as one word, so that `stage3.block1` stands for both of its branches in path files."""
    for node in model.graph.node:
        node.name = re.sub(r"^/(stage\d)/(block\d)/", r"/\1.\2/", node.name)
    return model


def write(network, path):
    """Exports and checks that the file has the form of ONNX."""
    torch.onnx.export(folded(network), torch.zeros(1, 3, SIZE, SIZE), str(path), opset_version=13, input_names=["image"], output_names=["logits"])
    model = named(onnx.load(str(path)))
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, str(path))
