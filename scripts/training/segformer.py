"""A small SegFormer: hierarchical encoder of four stages, decoder of 1x1 layers.

Every count of channels is a multiple of 32, so that whole vectors of every preset can be kept or dropped. The names of the modules
become the names of the layers in the ONNX file: `stage1.block0/attention/query`, `linear_c1`, `linear_fuse`, `linear_pred`.
"""

import torch
from torch import nn
from torch.nn import functional as F

WIDTHS = (32, 64, 96, 128)
DEPTHS = (2, 2, 2, 2)
REDUCTIONS = (8, 4, 2, 1)
HEAD = 32
EXPANSION = 4
DECODER = 128
CLASSES = 10
SIZE = 128
EPSILON = 1e-6


def norm(width):
    return nn.LayerNorm(width, eps=EPSILON)


class ShortProduct(torch.autograd.Function):
    """A linear layer whose products are taken of 16-bit floats: a quarter of the time of training goes where processors have them."""

    @staticmethod
    def forward(context, x, weight, bias):
        short, narrow = x.reshape(-1, x.shape[-1]).bfloat16(), weight.bfloat16()
        context.save_for_backward(short, narrow)
        return torch.mm(short, narrow.t()).float().add_(bias).reshape(*x.shape[:-1], -1)

    @staticmethod
    def backward(context, gradient):
        short, narrow = context.saved_tensors
        rows = gradient.reshape(-1, gradient.shape[-1])
        back = rows.bfloat16()
        return torch.mm(back, narrow).float().reshape(*gradient.shape[:-1], -1), torch.mm(back.t(), short).float(), rows.sum(0)


def linear(x, weight, bias, training):
    """Converting costs more than it saves where few channels are read."""
    return ShortProduct.apply(x, weight, bias) if training and weight.shape[1] > 32 else F.linear(x, weight, bias)


class Linear(nn.Linear):
    def forward(self, x):
        return linear(x, self.weight, self.bias, self.training)


class Statistics(nn.Module):
    """Mean and spread of channels that paths can drop: what is dropped leaves its mean behind."""

    def __init__(self, channels):
        super().__init__()
        self.register_buffer("mean", torch.zeros(channels), persistent=False)
        self.register_buffer("deviation", torch.zeros(channels), persistent=False)
        self.rate = 0.0

    def see(self, x, axes):
        """Moves the mean towards that of a batch of the whole network; 1 sets it and the spread, 0 leaves both."""
        if self.rate > 0:
            with torch.no_grad():
                self.mean.lerp_(x.mean(axes), self.rate)
                if self.rate == 1:
                    self.deviation.copy_(x.std(axes))


class Attention(nn.Module):
    """Each pixel looks at all blocks of reduction x reduction pixels of its stage."""

    def __init__(self, width, reduction):
        super().__init__()
        self.heads = width // HEAD
        self.query = Linear(width, width)
        self.key = Linear(width, width)
        self.value = Linear(width, width)
        self.output = Linear(width, width)
        self.reduce = nn.Conv2d(width, width, reduction, reduction) if reduction > 1 else None
        self.reduce_norm = norm(width) if reduction > 1 else None

    def forward(self, x, side):
        batch, tokens, width = x.shape
        q = self.query(x).reshape(batch, tokens, self.heads, HEAD).permute(0, 2, 1, 3)
        if self.reduce is not None:
            x = self.reduce(x.permute(0, 2, 1).reshape(batch, width, side, side))
            x = self.reduce_norm(x.reshape(batch, width, -1).permute(0, 2, 1))
        k = self.key(x).reshape(batch, -1, self.heads, HEAD).permute(0, 2, 3, 1)
        v = self.value(x).reshape(batch, -1, self.heads, HEAD).permute(0, 2, 1, 3)
        shares = torch.softmax(torch.matmul(q, k) / HEAD ** 0.5, -1)
        return self.output(torch.matmul(shares, v).permute(0, 2, 1, 3).reshape(batch, tokens, width))


class MixFfn(nn.Module):
    """Two layers with a depthwise 3x3 convolution between, which also tells the pixels where they are."""

    def __init__(self, width):
        super().__init__()
        inner = EXPANSION * width
        self.dense1 = Linear(width, inner)
        self.dwconv = nn.Conv2d(inner, inner, 3, 1, 1, groups=inner)
        self.dense2 = Linear(inner, width)
        self.seen = Statistics(inner)

    def forward(self, x, side, kept=None):
        batch, tokens, _ = x.shape
        kept = kept or self.dense1.out_features
        whole = kept == self.dense1.out_features
        y = self.dense1(x) if whole else linear(x, self.dense1.weight[:kept], self.dense1.bias[:kept], self.training)
        y = y.permute(0, 2, 1).reshape(batch, -1, side, side)
        y = self.dwconv(y) if whole else F.conv2d(y, self.dwconv.weight[:kept], self.dwconv.bias[:kept], padding=1, groups=kept)
        y = F.gelu(y.reshape(batch, -1, tokens).permute(0, 2, 1))
        if not whole:
            bias = self.dense2.bias + self.dense2.weight[:, kept:] @ self.seen.mean[kept:]
            return linear(y, self.dense2.weight[:, :kept], bias, self.training)
        self.seen.see(y, (0, 1))
        return self.dense2(y)


class Block(nn.Module):
    def __init__(self, width, reduction, dropped):
        super().__init__()
        self.dropped = dropped
        self.norm1 = norm(width)
        self.attention = Attention(width, reduction)
        self.norm2 = norm(width)
        self.mlp = MixFfn(width)

    def thinned(self, branch):
        # Stochastic depth: of some images of a batch the branch is left out, and the others make up for it.
        if not self.training or self.dropped == 0:
            return branch
        kept = (torch.rand(branch.shape[0], 1, 1) >= self.dropped).to(branch.dtype)
        return branch * (kept / (1 - self.dropped))

    def forward(self, x, side, path=None, name=""):
        if path is None or name + ".attention" not in path.skip:
            x = x + self.thinned(self.attention(self.norm1(x), side))
        if path is None or name + ".mlp" not in path.skip:
            x = x + self.thinned(self.mlp(self.norm2(x), side, path and path.keep.get(name + ".mlp")))
        return x


class Stage(nn.Module):
    def __init__(self, before, width, depth, reduction, kernel, stride, dropped):
        super().__init__()
        self.embed = nn.Conv2d(before, width, kernel, stride, kernel // 2)
        self.embed_norm = norm(width)
        for i in range(depth):
            setattr(self, f"block{i}", Block(width, reduction, dropped[i]))
        self.norm = norm(width)
        self.depth = depth

    def blocks(self):
        return [(f"block{i}", getattr(self, f"block{i}")) for i in range(self.depth)]

    def forward(self, x, path=None, name=""):
        x = self.embed(x)
        batch, width, side, _ = x.shape
        x = self.embed_norm(x.reshape(batch, width, -1).permute(0, 2, 1))
        for block_name, block in self.blocks():
            x = block(x, side, path, f"{name}.{block_name}")
        return self.norm(x).permute(0, 2, 1).reshape(batch, width, side, side)


class SegFormer(nn.Module):
    """Logits of an image at a quarter of its rows and columns."""

    def __init__(self, drop_path=0.1):
        super().__init__()
        rates = torch.linspace(0, drop_path, sum(DEPTHS)).tolist()
        before = 3
        for i, (width, depth, reduction) in enumerate(zip(WIDTHS, DEPTHS, REDUCTIONS)):
            kernel, stride = (7, 4) if i == 0 else (3, 2)
            setattr(self, f"stage{i + 1}", Stage(before, width, depth, reduction, kernel, stride, rates[:depth]))
            setattr(self, f"linear_c{i + 1}", nn.Conv2d(width, DECODER, 1))
            rates = rates[depth:]
            before = width
        self.linear_fuse = nn.Conv2d(4 * DECODER, DECODER, 1, bias=False)
        self.fuse_norm = nn.BatchNorm2d(DECODER)
        self.linear_pred = nn.Conv2d(DECODER, CLASSES, 1)
        self.fuse_seen = nn.ModuleList(Statistics(DECODER) for _ in WIDTHS)
        self.pred_seen = Statistics(DECODER)
        self.apply(initialise)

    def stages(self):
        return [(f"stage{i + 1}", getattr(self, f"stage{i + 1}")) for i in range(len(WIDTHS))]

    def mlps(self):
        """Name and MLP of every block."""
        return [(f"{stage}.{block}.mlp", b.mlp) for stage, s in self.stages() for block, b in s.blocks()]

    def branches(self):
        """Names of what can be left out."""
        return [f"{stage}.{block}.{part}" for stage, s in self.stages() for block, _ in s.blocks() for part in ("attention", "mlp")]

    def features(self, image, path=None):
        """Outputs of the four linear_c layers, the deepest stage first, each at the size of its stage."""
        parts = []
        x = image
        for i, (name, stage) in enumerate(self.stages()):
            x = stage(x, path, name)
            parts.append(getattr(self, f"linear_c{i + 1}")(x))
        return parts[::-1]

    def forward(self, image):
        """The network as it is exported: everything is brought to one size, joined and fused."""
        parts = self.features(image)
        side = parts[-1].shape[-2:]
        joined = [F.interpolate(p, side, mode="bilinear", align_corners=False) for p in parts[:-1]] + parts[-1:]
        for part, seen in zip(joined, self.fuse_seen):
            seen.see(part, (0, 2, 3))
        x = F.relu(self.fuse_norm(self.linear_fuse(torch.cat(joined, 1))))
        self.pred_seen.see(x, (0, 2, 3))
        return self.linear_pred(x)

    def logits(self, image, path=None):
        """The same function for training, in a third of the time: a 1x1 layer may as well come before the resampling.

        A path leaves out residual branches and keeps part of the inner channels of MLPs and of the inputs of linear_fuse and
        linear_pred; of what is dropped the mean remains.
        """
        total = 0
        for i, (part, seen) in enumerate(zip(self.features(image, path), self.fuse_seen)):
            weight = self.linear_fuse.weight[:, i * DECODER:(i + 1) * DECODER]
            if path is not None and path.fuse is not None:
                kept = path.fuse[i * DECODER:(i + 1) * DECODER]
                total = total + (weight[:, :, 0, 0] @ (seen.mean * (1 - kept)))[:, None, None]
                weight = weight * kept[None, :, None, None]
            elif path is None:
                seen.see(part, (0, 2, 3))
            part = F.conv2d(part, weight)
            last = i == len(WIDTHS) - 1
            total = total + (part if last else F.interpolate(part, scale_factor=2 ** (len(WIDTHS) - 1 - i), mode="bilinear", align_corners=False))
        x = F.relu(self.fuse_norm(total))
        if path is not None and path.pred is not None:
            weight, kept = self.linear_pred.weight, path.pred
            return F.conv2d(x[:, :kept], weight[:, :kept], self.linear_pred.bias + weight[:, kept:, 0, 0] @ self.pred_seen.mean[kept:])
        if path is None:
            self.pred_seen.see(x, (0, 2, 3))
        return self.linear_pred(x)


def initialise(module):
    if isinstance(module, nn.Linear):
        nn.init.trunc_normal_(module.weight, std=0.02)
        nn.init.zeros_(module.bias)
    elif isinstance(module, nn.Conv2d):
        fan = module.kernel_size[0] * module.kernel_size[1] * module.out_channels // module.groups
        nn.init.normal_(module.weight, 0, (2 / fan) ** 0.5)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
