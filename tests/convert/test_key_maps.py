"""Checkpoints of crnn.pytorch and ModelScope against their forward passes, written out here."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from ocrtune.convert.from_checkpoint import load_checkpoint

CHANNELS = (2, 4, 8, 8, 16, 16, 16)
HIDDEN = 4


class Context(nn.Module):
    def __init__(self, size, out):
        super().__init__()
        self.rnn = nn.LSTM(size, HIDDEN, bidirectional=True)
        self.embedding = nn.Linear(2 * HIDDEN, out)

    def forward(self, x):
        return self.embedding(self.rnn(x)[0])


class CrnnPytorch(nn.Module):
    """Its layers, by the names they have in its checkpoints."""

    def __init__(self, classes):
        super().__init__()
        self.cnn = nn.Module()
        previous = 1
        for i, width in enumerate(CHANNELS):
            self.cnn.add_module(f"conv{i}", nn.Conv2d(previous, width, 2 if i == 6 else 3, 1, int(i < 6)))
            if i in (2, 4, 6):
                self.cnn.add_module(f"batchnorm{i}", nn.BatchNorm2d(width))
            previous = width
        self.rnn = nn.Sequential(Context(16, HIDDEN), Context(HIDDEN, classes))

    def forward(self, x):
        for i in range(7):
            x = getattr(self.cnn, f"conv{i}")(x)
            if i in (2, 4, 6):
                x = getattr(self.cnn, f"batchnorm{i}")(x)
            x = F.relu(x)
            if i in (0, 1):
                x = F.max_pool2d(x, 2)
            if i in (3, 5):
                x = F.max_pool2d(x, 2, (2, 1), (0, 1))
        return self.rnn(x.squeeze(2).permute(2, 0, 1)).transpose(0, 1)


class ModelScope(nn.Module):
    """Likewise; it takes the weighted sum of the colours itself, which a grey image already is."""

    def __init__(self, classes):
        super().__init__()

        def stage(*sizes, kernel=3, stride=1, padding=1):
            layers = []
            for before, after in sizes:
                layers += [
                    nn.Conv2d(before, after, kernel, stride, padding),
                    nn.BatchNorm2d(after),
                    nn.ReLU(),
                ]
            return nn.Sequential(*layers)

        self.conv0 = stage((1, 2))
        self.conv1 = stage((2, 4))
        self.conv2 = stage((4, 8), (8, 8))
        self.conv3 = stage((8, 16), (16, 16))
        self.conv4 = stage((16, 16), kernel=(2, 1), stride=(2, 1), padding=0)
        self.rnn = nn.Sequential(Context(16, HIDDEN), Context(HIDDEN, 7))
        self.cls = nn.Linear(7, classes, bias=False)

    def forward(self, x):
        x = F.max_pool2d(self.conv0(x), 2)
        x = F.max_pool2d(self.conv1(x), 2)
        x = F.max_pool2d(self.conv2(x), (2, 1))
        x = self.conv4(F.max_pool2d(self.conv3(x), (2, 1)))
        return self.cls(self.rnn(x.squeeze(2).permute(2, 0, 1))).transpose(0, 1)


@pytest.mark.parametrize(
    ("reference", "steps", "padding", "scale"),
    [
        (CrnnPytorch, 26, "edge", (127.5, 127.5)),  # values from -1 to 1
        (ModelScope, 25, 0.0, (0.0, 255.0)),  # from 0 to 1, black behind the line
    ],
)
def test_a_checkpoint_gives_its_own_logits(save, reference, steps, padding, scale):
    torch.manual_seed(3)
    theirs = reference(12).eval()
    for module in theirs.modules():  # statistics as after a training
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.running_mean, -0.5, 0.5)
            nn.init.uniform_(module.running_var, 0.5, 2)
            nn.init.uniform_(module.weight, 0.5, 2)
            nn.init.uniform_(module.bias, -0.5, 0.5)
    said: list[str] = []
    path = save(theirs.state_dict())
    ours = load_checkpoint(path, character="abcdefghijk", arch=None, note=said.append)
    assert said[0] == f"{path}: this is CRNN (Shi et al.), hidden 4, 12 classes"
    assert not [text for text in said if text.startswith("not ")]
    images = torch.rand(2, 1, 32, 100)
    with torch.inference_mode():
        expected, found = theirs(images), ours.network(images)
    assert found.shape == (2, steps, 12)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-4)
    spec = ours.manifest.preprocess
    assert (spec.padding, (spec.mean, spec.std)) == (padding, scale)
