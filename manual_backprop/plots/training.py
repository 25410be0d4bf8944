"""What a training run leaves: its curves, its gradients' sizes, its confusions and its worst mistakes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from manual_backprop.plots.style import (
    COLOURS,
    DARK,
    LIGHT,
    SMALL,
    WIDTH,
    entitle,
    ground,
    label_ends,
    logarithmic,
    new_figure,
    remark,
    style,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SMALLEST_NORM = 1e-12  # a gradient of 0 is drawn here: the axis is logarithmic
WINDOW = 15  # steps that a running median is of, or a third of few steps
AVERAGED = (
    "Training: averaged while learning, over the batches of the epoch, each before the step made with it. "
    "Test: at the end of the epoch. So in the first epochs, test can be the better of the two."
)


def training_curves(metrics: Sequence[dict[str, float]]) -> Figure:
    """Loss and accuracy by epoch, on the training set (averaged while learning) and the test set (after it).

    Args:
        metrics: rows with `epoch`, `train_loss`, `train_accuracy`, `test_loss` and `test_accuracy`.
    """
    with style():
        figure = new_figure(WIDTH, 6.2)
        above, below = figure.subplots(2, 1)
        epochs = [row["epoch"] for row in metrics]
        for axes, quantity, scale in ((above, "loss", 1.0), (below, "accuracy", 100.0)):
            ends = []
            for part, colour, marker in (("train", COLOURS[0], "o"), ("test", COLOURS[1], "s")):
                values = [scale * row[f"{part}_{quantity}"] for row in metrics]
                axes.plot(epochs, values, color=colour, marker=marker, markersize=4)
                ends.append((epochs[-1], values[-1], "training" if part == "train" else "test", colour))
            if quantity == "loss":
                axes.set_ylim(0, 1.05 * axes.get_ylim()[1])
            axes.set_xlim(epochs[0] - 0.5, epochs[-1] + 0.5)
            axes.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
            axes.set_xlabel("epoch")
            label_ends(axes, ends)
            axes.grid(axis="y")
        remark(figure, AVERAGED)
        best = max(metrics, key=lambda row: row["test_accuracy"])
        above.set(title="Cross-entropy", ylabel="loss (nats per image)")
        below.set(
            title=f"Accuracy (test: {best['test_accuracy']:.2%} at best, epoch {best['epoch']:.0f})",
            ylabel="images classified right (%)",
        )
    return figure


def gradient_norms(rows: Sequence[Sequence[float]], steps_per_epoch: float) -> Figure:
    """‖∂L/∂(W, b)‖ of each layer over the steps, each step as a dot and their running median as a line.

    The line begins and ends where a whole window does: the median of fewer steps is that of others.

    Args:
        rows: the step, then one norm for each layer.
        steps_per_epoch: to mark time in epochs.
    """
    with style():
        figure = new_figure(WIDTH, 3.6)
        axes = figure.subplots()
        table = torch.tensor(rows, dtype=torch.float64)
        epochs, norms = (table[:, 0] / steps_per_epoch).tolist(), table[:, 1:]
        ends = []
        half = min(WINDOW, max(len(rows) // 3, 1)) // 2  # so many steps at either end have no median
        for layer, values in enumerate(norms.clamp(min=SMALLEST_NORM).T):
            colour = COLOURS[layer % len(COLOURS)]
            axes.plot(
                epochs,
                values.tolist(),
                ".",
                color=colour,
                alpha=0.4,
                markersize=4,
                markeredgewidth=0,
            )
            smooth = values.unfold(0, 2 * half + 1, 1).median(1).values.tolist()
            axes.plot(epochs[half : len(epochs) - half], smooth, color=colour)
            ends.append((epochs[-1], smooth[-1], f"layer {layer + 1}", colour))
        axes.set_yscale("log")
        axes.set(xlabel="epochs", ylabel="‖∂L/∂(W, b)‖₂ (nats per unit of weight)")
        entitle(
            figure,
            f"Size of each layer's gradient: of a batch (dots), the median of {2 * half + 1} (lines)",
        )
        logarithmic(axes.yaxis)
        label_ends(axes, ends)
        axes.grid(axis="y", which="major")
    return figure


def confusion_matrix(predicted: Tensor, labels: Tensor, classes: Sequence[str]) -> Figure:
    """How often each class was taken for each other one; the right answers stand on the diagonal, uncoloured.

    Args:
        predicted: (N,), int64.
        labels: (N,), int64.
        classes: what the C classes are called.
    """
    size = len(classes)
    counts = torch.bincount(labels * size + predicted, minlength=size * size).reshape(size, size)
    mistakes = counts.clone().fill_diagonal_(0)
    with style():
        from matplotlib.ticker import MaxNLocator

        figure = new_figure(WIDTH, 5.6)
        axes = figure.subplots()
        shown = mistakes.double().fill_diagonal_(float("nan"))
        most = max(int(mistakes.max()), 1)
        image = axes.imshow(shown.numpy(), cmap="Blues", vmin=0, vmax=most)
        axes.add_patch(ground(size, size))  # it is seen on the diagonal
        for true in range(size):
            for guess in range(size):
                if counts[true, guess]:
                    dark = true != guess and counts[true, guess] > 0.6 * most
                    axes.text(
                        guess,
                        true,
                        str(int(counts[true, guess])),
                        ha="center",
                        va="center",
                        fontsize=8,
                        color=LIGHT if dark else DARK,
                    )
        axes.set_xticks(range(size), classes)
        if max(map(len, classes)) > 2:
            axes.tick_params(axis="x", labelrotation=90)
        axes.set_yticks(range(size), classes)
        axes.spines[:].set_visible(False)
        axes.tick_params(length=0)
        wrong = int(mistakes.sum())
        entitle(
            figure, f"{wrong:,} of {len(labels):,} test images classified wrong ({wrong / len(labels):.2%})"
        )
        axes.set(xlabel="predicted class", ylabel="true class")
        bar = figure.colorbar(
            image, ax=axes, location="bottom", shrink=0.6, aspect=30, label="images taken for the wrong class"
        )
        bar.locator = MaxNLocator(integer=True)
        bar.update_ticks()
    return figure


def worst_mistakes(
    images: Tensor, probabilities: Tensor, labels: Tensor, classes: Sequence[str], count: int = 15
) -> Figure:
    """The images whose true class was given the least probability, the worst first.

    Args:
        images: (N, 28, 28).
        probabilities: (N, C).
        labels: (N,), int64.
        classes: what the C classes are called.
        count: how many to show at most.
    """
    predicted = probabilities.argmax(1)
    of_true = probabilities.gather(1, labels[:, None]).squeeze(1)
    order = of_true.argsort()
    worst = order[predicted[order] != labels[order]][:count].tolist()
    with style():
        columns = 3
        rows = max(-(-len(worst) // columns), 1)
        figure = new_figure(WIDTH, 0.6 + 2.1 * rows)
        grid = figure.subplots(rows, columns, squeeze=False).flatten()
        for axes in grid:
            axes.set_axis_off()
        for axes, i in zip(grid, worst, strict=False):
            axes.imshow(images[i].numpy(), cmap="gray_r")
            guess, true = classes[int(predicted[i])], classes[int(labels[i])]
            of_guess = probabilities[i, predicted[i]]
            axes.set_title(
                f"truly {true}: {_percent(of_true[i])}\ntaken for {guess}: {_percent(of_guess)}",
                fontsize=SMALL,
                loc="center",
            )
        title = (
            "The worst mistakes: the true class with the least probability, and the class that had the most"
            if worst
            else "No test image was classified wrong"
        )
        entitle(figure, title)
    return figure


def _percent(probability: Tensor) -> str:
    share = 100 * float(probability)
    return f"{share:.0f}%" if share >= 1 else f"{share:.2g}%" if share >= 0.01 else "below 0.01%"
