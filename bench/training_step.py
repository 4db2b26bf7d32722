"""One training step of CRNN and TPS-ResNet-BiLSTM-Attn, ours against a plain loop.

    python bench/training_step.py
    python bench/training_step.py tps-resnet-bilstm-attn --threads 1 --steps 3 --json step.json

Sizes of deep-text-recognition-benchmark: batch 32, images of 32 x 100 px, labels of 70 characters. The plain
loop does what that trainer does: float32, contiguous, attention class by class with one-hot symbols,
Adadelta, gradients clipped at 5. Ours is the step of `ocrtune train` in the precision and memory layout
that its probe finds fastest here. Both compute the same loss from the same weights, which is checked first.

Processor time is compared, medians of steps taken in turns, so that other work on the machine moves both.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from commands import machine
from torch import Tensor, nn
from torch.nn import functional as F

from ocrtune.decoding import ClassLayout
from ocrtune.models import NETWORKS, build
from ocrtune.models.attention import Decoder
from ocrtune.models.four_stage import FourStage
from ocrtune.models.head import Head
from ocrtune.preprocess import PreprocessSpec
from ocrtune.train.averaging import WeightAverage
from ocrtune.train.cpu import enlarge_caches
from ocrtune.train.movement import parameter_groups
from ocrtune.train.objective import greedy_edits, line_losses, per_symbol, predict
from ocrtune.train.recipe import probe_speeds

BATCH, HEIGHT, WIDTH, LABEL = 32, 32, 100, 70
SYMBOLS = 36


class ClassByClass(nn.Module):
    """Attention as it is usually written: everything anew in each step, the class before as one-hot."""

    def __init__(self, decoder: Decoder, fed: nn.Embedding, head: Head) -> None:
        super().__init__()
        self.key, self.query, self.score, self.head = decoder.key, decoder.query, decoder.score, head
        self.classes = fed.num_embeddings
        self.cell = nn.LSTMCell(decoder.look.in_features + self.classes, decoder.hidden)
        with torch.no_grad():
            self.cell.weight_ih.copy_(torch.cat((decoder.look.weight, fed.weight.T), 1))
            self.cell.weight_hh.copy_(decoder.recur.weight)
            self.cell.bias_ih.zero_()
            self.cell.bias_hh.copy_(decoder.recur.bias)

    def forward(self, features: Tensor, before: Tensor) -> Tensor:
        """Scores (N, S, C) from features (N, T, D) and the class before each step (N, S)."""
        lines, hidden = features.shape[0], self.cell.hidden_size
        state = features.new_zeros(lines, hidden), features.new_zeros(lines, hidden)
        outputs = features.new_zeros(lines, before.shape[1], hidden)
        for step in range(before.shape[1]):
            one_hot = features.new_zeros(lines, self.classes).scatter_(1, before[:, step : step + 1], 1)
            energy = self.score(torch.tanh(self.key(features) + self.query(state[0]).unsqueeze(1)))
            context = torch.bmm(energy.softmax(1).permute(0, 2, 1), features).squeeze(1)
            state = self.cell(torch.cat((context, one_hot), 1), state)
            outputs[:, step] = state[0]
        return self.head(outputs)


class Plain(nn.Module):
    """The stages of a network one after another."""

    def __init__(self, network: FourStage) -> None:
        super().__init__()
        self.network = network
        self.read = network.head
        if network.classes == "attention":
            self.read = ClassByClass(network.decoder, network.fed, network.head)

    def forward(self, images: Tensor, before: Tensor) -> Tensor:
        """Scores from images; `before` is for attention only."""
        network = self.network
        x = network.rectifier(images) if network.stages.straightened else images
        x = network.features(x)
        x = F.adaptive_avg_pool2d(x.permute(0, 3, 1, 2), (None, 1)).squeeze(3)
        x = network.sequence(x)
        return self.read(x, before) if network.classes == "attention" else self.read(x)


def plain_step(network: FourStage, images: Tensor, labels: Tensor) -> Callable[[], float]:
    """A step of the plain loop, which returns its loss."""
    model = Plain(network).train()
    parameters = [
        p
        for name, p in model.named_parameters()
        if not name.startswith(("network.fed.", "network.decoder.look"))
    ]
    optimizer = torch.optim.Adadelta(parameters, lr=1.0, rho=0.95, eps=1e-8)
    layout = ClassLayout(network.classes)
    start = torch.full((BATCH, 1), layout.start)
    end = torch.full((BATCH, 1), layout.end)

    def step() -> float:
        scores = model(images, torch.cat((start, labels), 1))
        if layout.kind == "ctc":
            log_p = scores.log_softmax(2).permute(1, 0, 2)
            steps = torch.full((BATCH,), scores.shape[1])
            loss = nn.CTCLoss(zero_infinity=True)(log_p, labels, steps, torch.full((BATCH,), LABEL))
        else:
            wanted = torch.cat((labels, end), 1)
            loss = F.cross_entropy(scores.reshape(-1, scores.shape[2]), wanted.reshape(-1))
        model.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 5)
        optimizer.step()
        return loss.item()

    return step


def our_step(network: FourStage, images: Tensor, labels: Tensor) -> tuple[Callable[[], float], str]:
    """A step of `ocrtune train`, which returns its loss per symbol, and how it computes."""
    spec = PreprocessSpec(height=HEIGHT, width_buckets=(WIDTH,), channels="gray")
    way = max(probe_speeds(network, "cpu", spec), key=lambda speed: speed.lines_per_second)
    memory = torch.channels_last if way.channels_last else torch.contiguous_format
    network = network.train().to(memory_format=memory)
    optimizer = torch.optim.AdamW(parameter_groups(network, 1.0, 1.0, 0.01), lr=1e-3, fused=True)
    average = WeightAverage(network, 0.99)
    layout = ClassLayout(network.classes)
    targets, lengths = labels.flatten(), torch.full((BATCH,), LABEL)

    def step() -> float:
        laid_out = images.contiguous(memory_format=memory)
        with torch.autocast("cpu", torch.bfloat16, enabled=way.precision == "bf16"):
            logits = predict(network, laid_out, targets, lengths, layout)
        loss = per_symbol(line_losses(logits, targets, lengths, layout), lengths).mean()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 5)
        optimizer.step()
        optimizer.zero_grad()
        average.update(network)
        greedy_edits(logits.detach(), targets.numpy(), lengths.numpy(), layout)
        return loss.item()

    return step, f"{way.precision}{', channels last' if way.channels_last else ''}"


def measure(name: str, steps: int) -> dict[str, object]:
    """Lines per second of processor time, ours and plain."""
    torch.manual_seed(0)
    layout = ClassLayout(NETWORKS[name].classes)
    sizes = {"max_length": LABEL, "width": WIDTH}
    options = {key: size for key, size in sizes.items() if key in NETWORKS[name].options}
    network = build(name, options, SYMBOLS + layout.specials)
    images = torch.randn(BATCH, 1, HEIGHT, WIDTH)
    labels = torch.randint(layout.specials, SYMBOLS + layout.specials, (BATCH, LABEL))
    twin = build(name, options, SYMBOLS + layout.specials)
    twin.load_state_dict(network.state_dict())
    with torch.no_grad():
        before = torch.cat((torch.full((BATCH, 1), layout.start), labels), 1)
        plain_logits = Plain(twin).eval()(images, before)
        our_logits = predict(network.eval(), images, labels.flatten(), torch.full((BATCH,), LABEL), layout)
        torch.testing.assert_close(our_logits, plain_logits, atol=1e-4, rtol=1e-4)
    plain = plain_step(twin, images, labels)
    ours, way = our_step(network, images, labels)
    seconds: dict[str, list[float]] = {"plain": [], "ours": []}
    for number in range(steps + 1):
        for key, step in (("plain", plain), ("ours", ours)):
            begun = time.process_time()
            step()
            if number:  # the first compiles kernels
                seconds[key].append(time.process_time() - begun)
    speed = {key: BATCH / statistics.median(times) for key, times in seconds.items()}
    ratios = [p / o for p, o in zip(seconds["plain"], seconds["ours"], strict=True)]
    return {"network": name, "way": way, **speed, "ratio": float(np.median(ratios))}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("networks", nargs="*", default=["crnn", "tps-resnet-bilstm-attn"], metavar="NETWORK")
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--threads", type=int, help="of torch; all cores without it")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args()
    enlarge_caches()
    if options.threads:
        torch.set_num_threads(options.threads)
    print(machine(), flush=True)
    results = []
    for name in options.networks:
        results.append(measure(name, options.steps))
        row = results[-1]
        print(
            f"{name}: plain {row['plain']:.1f}, ours {row['ours']:.1f} lines/s of processor time "
            f"({row['way']}), {row['ratio']:.2f}x",
            flush=True,
        )
    if options.json:
        options.json.write_text(json.dumps({"machine": machine(), "results": results}, indent=1))


if __name__ == "__main__":
    main()
