"""Straightening a line before it is read: thin-plate splines after RARE (Shi et al. 2016).

A small network finds points along the upper and lower edge of the text; the image is resampled so that
they come to lie on the edges of the picture.

Letters: N lines, H height, W width, K points; coordinates run from -1 to 1 across the image.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as F

LOCATOR_CHANNELS = (64, 128, 256, 512)
LOCATOR_HIDDEN = 256
EPSILON = 1e-6  # keeps the logarithm finite at a point itself

Coordinates = npt.NDArray[np.float64]
"""(points, 2), x before y."""


def edge_points(count: int) -> Coordinates:
    """(K, 2): half of them along the upper edge of the straightened image, half along the lower."""
    across = np.linspace(-1.0, 1.0, count // 2)
    return np.concatenate([np.stack([across, np.full_like(across, y)], 1) for y in (-1.0, 1.0)])


def first_points(count: int) -> Coordinates:
    """(K, 2): where training starts to look, a strip that rises across the image (RARE, figure 6 a)."""
    across, rise = np.linspace(-1.0, 1.0, count // 2), np.linspace(0.0, -1.0, count // 2)
    return np.concatenate([np.stack([across, rise], 1), np.stack([across, rise + 1.0], 1)])


def spline_basis(height: int, width: int, count: int) -> npt.NDArray[np.float32]:
    """(H * W, K): what each of K points contributes to where each pixel is taken from.

    The spline through the points is linear in their coordinates, and all else depends on sizes alone.
    """
    points = edge_points(count)
    distances = np.linalg.norm(points[:, None] - points[None], axis=2)  # (K, K)
    np.fill_diagonal(distances, 1.0)  # whose logarithm is 0, the limit of r^2 log r
    equations = np.zeros((count + 3, count + 3))
    equations[:count, 0] = 1.0
    equations[:count, 1:3] = points
    equations[:count, 3:] = distances**2 * np.log(distances)
    equations[count : count + 2, 3:] = points.T
    equations[count + 2, 3:] = 1.0
    coefficients = np.linalg.inv(equations)[:, :count]  # the last three right-hand sides are 0
    xs, ys = ((2 * np.arange(size) + 1) / size - 1 for size in (width, height))
    pixels = np.stack(np.meshgrid(xs, ys), 2).reshape(-1, 2)  # (H * W, 2), row by row
    reach = np.linalg.norm(pixels[:, None] - points[None], axis=2)  # (H * W, K)
    terms = np.concatenate([np.ones((len(pixels), 1)), pixels, reach**2 * np.log(reach + EPSILON)], 1)
    return np.asarray(terms @ coefficients, np.float32)


class Rectifier(nn.Module):
    """(N, image_channels, H, W) to the same size, straightened.

    Args:
        image_channels: 1 or 3.
        height: H.
        width: W.
        points: K, an even number.
    """

    def __init__(self, image_channels: int, height: int, width: int, points: int) -> None:
        super().__init__()
        self.height, self.width = height, width
        layers: list[nn.Module] = []
        for before, channels in zip((image_channels, *LOCATOR_CHANNELS), LOCATOR_CHANNELS, strict=False):
            if layers:
                layers.append(nn.MaxPool2d(2))
            layers += [
                nn.Conv2d(before, channels, 3, padding=1, bias=False),
                nn.BatchNorm2d(channels),
                nn.ReLU(),
            ]
        self.locator = nn.Sequential(*layers)
        self.hidden = nn.Linear(LOCATOR_CHANNELS[-1], LOCATOR_HIDDEN)
        self.points = nn.Linear(LOCATOR_HIDDEN, 2 * points)
        with torch.no_grad():
            self.points.weight.zero_()
            self.points.bias.copy_(torch.from_numpy(first_points(points)).flatten())
        self.register_buffer("basis", torch.from_numpy(spline_basis(height, width, points)))

    def forward(self, images: Tensor) -> Tensor:
        found = F.relu(self.hidden(self.locator(images).mean((2, 3))))
        # In bf16 a coordinate is only good to half a pixel.
        with torch.autocast(images.device.type, enabled=False):
            points = self.points(found.float()).reshape(-1, self.basis.shape[1], 2)  # (N, K, 2)
            grid = (self.basis @ points).reshape(-1, self.height, self.width, 2)
            return F.grid_sample(images.float(), grid, padding_mode="border", align_corners=True)
