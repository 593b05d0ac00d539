"""A small convolutional network whose blocks can be skipped, or not."""

import math
from typing import Any

import torch
from torch import Tensor, nn

from course_lib.arguments import require, require_one_of, require_whole
from course_lib.initialization import fans, normal_

NORMALIZATIONS = ("none", "batch", "group")
"""The normalizations of :class:`ResidualNetwork`."""

STARTS = ("plain", "scaled", "zero")
"""How the last weights of each block start in :class:`ResidualNetwork`."""

PADDINGS = ("zeros", "circular")
"""What lies beyond the border of an image: zeros, or the opposite border."""


class Block(nn.Module):
    r"""Two convolutions, each after a ReLU and before a normalization, and a skip around both.

    .. math::
        y = h + f(h), \qquad
        f(h) = \operatorname{norm}\bigl(W_2 * \operatorname{relu}(
        \operatorname{norm}(W_1 * \operatorname{relu}(h)))\bigr)

    Nothing stands on the way around, so that the derivative of :math:`y` in :math:`h` is the
    identity plus that of :math:`f`.

    Args:
        channels: how many go in and come out.
        skips: whether :math:`h` is added; otherwise :math:`y = f(h)`.
        normalization: one of :data:`NORMALIZATIONS`.
        groups: of GroupNorm.
        padding: one of :data:`PADDINGS`.

    Source: He, Zhang, Ren and Sun, "Identity Mappings in Deep Residual Networks", 2016; of the
    orders that they compare it is the one with ReLU before, and the other one's place left.
    """

    def __init__(
        self, channels: int, skips: bool, normalization: str, groups: int, padding: str
    ) -> None:
        super().__init__()
        self.skips = skips
        self.conv1 = _convolution(channels, channels, 1, padding)
        self.norm1 = _normalization(normalization, channels, groups)
        self.conv2 = _convolution(channels, channels, 1, padding)
        self.norm2 = _normalization(normalization, channels, groups)

    def forward(self, h: Tensor) -> Tensor:
        """What the block makes of ``h``, (N, channels, H, W)."""
        f = self.norm1(self.conv1(h.relu()))
        f = self.norm2(self.conv2(f.relu()))
        return h + f if self.skips else f


class ResidualNetwork(nn.Module):
    r"""A stack of :class:`Block`, from images to one score (logit) per class.

    .. math::
        h_0 = \operatorname{norm}(W_0 * x), \qquad h_l = h_{l-1} + f_l(h_{l-1}), \qquad
        \hat y = V \operatorname{relu}(h_L) + b

    The last layer looks at every position of every channel. All convolutions are 3×3 and
    without bias. Their weights are normal, with mean zero and standard deviation
    :math:`\text{gain}/\sqrt{n_\text{in}}`; of the last convolution in each block that is changed by
    ``start``:

    ============  ===================================================================
    ``"plain"``   as all others
    ``"scaled"``  divided by :math:`\sqrt{2L}`, so that the signal does not grow with
                  depth; with a normalization its :math:`\gamma` starts at that
    ``"zero"``    the last :math:`\gamma` of a block is 0, or, without normalization,
                  the weights are: a block is the identity at first
    ============  ===================================================================

    With the same seed the weights of a network are the same with skips and without.
    ``model.config`` holds the arguments, and ``ResidualNetwork(**model.config)`` builds the same
    network again.

    Args:
        blocks: L, the number of blocks. Default 4.
        channels: C, the channels of every convolution. Default 8.
        skips: whether each block is added to what goes in. Default True.
        normalization: ``"none"``, ``"batch"`` or ``"group"``. Default ``"none"``.
        groups: into how many groups GroupNorm cuts the channels. Default 4.
        start: ``"plain"``, ``"scaled"`` or ``"zero"``. Default ``"plain"``.
        gain: of the weights. Default :math:`\sqrt2`, Kaiming's for ReLU; :math:`1/\sqrt3` makes
            them as large as torch does.
        size: height and width of an image, in pixels. Default 7.
        stride: of the first convolution. Default 2, which halves height and width, rounded up.
        padding: ``"zeros"`` or ``"circular"``. Default ``"zeros"``.
        inputs: channels of an image. Default 1.
        classes: the number of scores. Default 10.

    Raises:
        TypeError: a count is not a whole number.
        ValueError: a count is less than 1 (of blocks: less than 0), the gain is negative, a name
            is unknown, the groups do not divide the channels, or blocks that start at zero have
            no skip around them.

    Source: He, Zhang, Ren and Sun, "Deep Residual Learning for Image Recognition", 2016. For
    ``"zero"`` with normalization: Goyal et al., "Accurate, Large Minibatch SGD", 2017; without:
    Zhang, Dauphin and Ma, "Fixup Initialization", 2019. For ``"scaled"``: Radford et al.,
    "Language Models are Unsupervised Multitask Learners", 2019, who divide by the root of the
    number of residual layers, two in each block of a transformer.

    Example:
        >>> model = ResidualNetwork(blocks=2, channels=4)
        >>> model(torch.zeros(5, 1, 7, 7)).shape
        torch.Size([5, 10])
        >>> sum(w.numel() for w in model.parameters())
        1262
    """

    def __init__(
        self,
        blocks: int = 4,
        channels: int = 8,
        *,
        skips: bool = True,
        normalization: str = "none",
        groups: int = 4,
        start: str = "plain",
        gain: float = math.sqrt(2),
        size: int = 7,
        stride: int = 2,
        padding: str = "zeros",
        inputs: int = 1,
        classes: int = 10,
    ) -> None:
        super().__init__()
        require_whole("blocks", blocks, least=0)
        counts = {"channels": channels, "groups": groups, "size": size, "stride": stride}
        for name, count in (counts | {"inputs": inputs, "classes": classes}).items():
            require_whole(name, count)
        require("gain", gain, "[0, inf)")
        require_one_of("normalization", normalization, NORMALIZATIONS)
        require_one_of("start", start, STARTS)
        require_one_of("padding", padding, PADDINGS)
        if normalization == "group" and channels % groups:
            raise ValueError(f"{channels} channels do not fall into {groups} groups.")
        if start == "zero" and not skips:
            raise ValueError(
                "Blocks that start at zero need skips: without them nothing would come out. "
                "Pass skips=True, or another start."
            )
        self.config: dict[str, Any] = {
            "blocks": blocks,
            "channels": channels,
            "skips": skips,
            "normalization": normalization,
            "groups": groups,
            "start": start,
            "gain": gain,
            "size": size,
            "stride": stride,
            "padding": padding,
            "inputs": inputs,
            "classes": classes,
        }
        self.stem = _convolution(inputs, channels, stride, padding)
        self.norm = _normalization(normalization, channels, groups)
        self.blocks = nn.ModuleList(
            Block(channels, skips, normalization, groups, padding) for _ in range(blocks)
        )
        self.head = nn.Linear(channels * math.ceil(size / stride) ** 2, classes)
        self._initialize(gain, start)

    def forward(self, x: Tensor) -> Tensor:
        """The scores (N, classes) of images (N, inputs, size, size)."""
        return self.head(self.features(x)[-1].relu().flatten(start_dim=1))

    def features(self, x: Tensor) -> list[Tensor]:
        """What goes into the first block, and what comes out of each: (N, channels, H, W)."""
        h = [self.norm(self.stem(x))]
        for block in self.blocks:
            h.append(block(h[-1]))
        return h

    @torch.no_grad()
    def _initialize(self, gain: float, start: str) -> None:
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                normal_(module.weight, gain / math.sqrt(fans(module.weight)[0]))
        self.head.bias.zero_()
        scale = {"plain": 1.0, "scaled": (2 * len(self.blocks) or 1) ** -0.5, "zero": 0.0}[start]
        for block in self.blocks:
            assert isinstance(block, Block)
            normed = not isinstance(block.norm2, nn.Identity)
            last = block.norm2.weight if normed else block.conv2.weight
            assert isinstance(last, Tensor)
            last.mul_(scale)


def _convolution(fan_in: int, fan_out: int, stride: int, padding: str) -> nn.Conv2d:
    mode: Any = padding
    return nn.Conv2d(fan_in, fan_out, 3, stride, padding=1, padding_mode=mode, bias=False)


def _normalization(kind: str, channels: int, groups: int) -> nn.Module:
    if kind == "batch":
        return nn.BatchNorm2d(channels)
    return nn.GroupNorm(groups, channels) if kind == "group" else nn.Identity()
