"""What every loop has to make of one recorded sequence of `val_loss`, with the same callbacks.

A test of a loop makes a `Golden`, trains for `EPOCHS` epochs with its `callbacks`, gives
`VAL_LOSS[epoch]` as the validation loss of each epoch, and calls `check`:

    golden = Golden(tmp_path)
    with Run(net, golden.callbacks, optimizer=optimizer, epochs=EPOCHS) as run:
        ...
    golden.check(weights_of(net))

A loop that trains `net()` with `sgd(net)` on `batches()`, in their order, has to end with
`weights_by_hand()`, bit for bit.
"""

import csv
from pathlib import Path

import numpy as np

from onfit.callbacks import (
    Callback,
    CSVLogger,
    EarlyStopping,
    History,
    ModelCheckpoint,
    ReduceLROnPlateau,
    TensorBoard,
)

# It improves, ties, worsens, improves, and ends in three epochs that are no better.
VAL_LOSS = [3.0, 2.0, 2.0, 2.5, 1.0, 1.5, 1.25, 1.0, 0.5, 0.25]
EPOCHS = len(VAL_LOSS)
STOPS_AT = 7
BEST = 4
SAVES = [1, 2, 5]  # in file names epochs count from 1
RATES = [0.1, 0.1, 0.1, 0.1, 0.05, 0.05, 0.05, 0.025]  # of each epoch


class Golden:
    """The callbacks that every loop is given, and what has to come of them.

    Args:
        folder: an empty folder for their files.
        suffix: of the files of models.
        weights_only: whether they hold weights alone.
        rate: whether the loop lets callbacks set its learning rate, which is 0.1 at first.
        restore: whether callbacks can set the weights of its model.
        at: `"epochs"`, or `"validations"` where the loop counts steps; then there are two steps,
            and one validation, where there would be an epoch.
    """

    def __init__(
        self, folder, suffix=".pt", *, weights_only=True, rate=True, restore=True, at="epochs"
    ):
        self.folder, self.suffix, self.rate, self.at = Path(folder), suffix, rate, at
        self.history, self.seen = History(), Seen()
        self.stopping = EarlyStopping(patience=3, restore_best_weights=restore)
        self.plateau = ReduceLROnPlateau(factor=0.5, patience=2)
        place = "{epoch}" if at == "epochs" else "{step}"
        self.callbacks = [
            self.seen,
            self.stopping,
            *([self.plateau] if rate else []),
            ModelCheckpoint(
                self.folder / f"models/{place}{suffix}",
                save_best_only=True,
                save_weights_only=weights_only,
            ),
            CSVLogger(self.folder / "log.csv"),
            TensorBoard(self.folder / "curves"),
            self.history,
        ]

    @property
    def places(self):
        """The epochs that were trained, or the steps with a validation."""
        turns = range(STOPS_AT + 1)
        return [turn if self.at == "epochs" else 2 * (turn + 1) for turn in turns]

    def check(self, weights=None):
        """Check everything, and that the best weights are back.

        Args:
            weights: those of the model after training, as arrays; None if they cannot be read.
        """
        assert self.seen.places == self.places
        assert self.stopping.stopped_epoch == self.places[STOPS_AT]
        assert self.stopping.best_epoch == self.places[BEST]
        assert self.history.history["val_loss"] == VAL_LOSS[: STOPS_AT + 1]
        if self.rate:
            np.testing.assert_allclose(self.history.history["lr"], RATES, rtol=1e-6)
        self.check_files()
        if weights is not None:
            assert same(weights, self.seen.weights[BEST])
            assert not same(weights, self.seen.weights[STOPS_AT])

    def check_files(self):
        """Check the files of models, the CSV file, and the curves."""
        files = {path.name for path in (self.folder / "models").iterdir()}
        assert files == {f"{self.in_a_name(turn)}{self.suffix}" for turn in SAVES}
        with open(self.folder / "log.csv", newline="") as file:
            rows = list(csv.DictReader(file))
        index = "epoch" if self.at == "epochs" else "step"
        assert [int(row[index]) for row in rows] == self.places
        assert [float(row["val_loss"]) for row in rows] == VAL_LOSS[: STOPS_AT + 1]
        curve = scalars(self.folder / "curves/validation")[f"{index}_loss"]
        assert curve == list(zip(self.places, VAL_LOSS, strict=False))

    def in_a_name(self, turn):
        return turn if self.at == "epochs" else 2 * turn


class Seen(Callback):
    """Notes where each epoch, or validation, ended, and the model's weights there."""

    remembers = ()

    def __init__(self):
        self.places, self.weights = [], []

    def on_epoch_end(self, epoch, logs=None):
        self._note(epoch)

    def on_validation_end(self, step, logs=None):
        if self.params.get("decide_at") == "validations":
            self._note(step)

    def _note(self, place):
        self.places.append(place)
        weights = getattr(self.model, "get_weights", None)
        self.weights.append(None if weights is None else [np.array(one) for one in weights()])


def scalars(folder):
    """Tag -> (step, value) of each point of the curves in a folder."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    sizes = {"scalars": 0, "tensors": 0}
    events = EventAccumulator(str(folder), size_guidance=sizes).Reload()
    return {
        tag: [(event.step, event.value) for event in events.Scalars(tag)]
        for tag in events.Tags()["scalars"]
    }


def same(some, others):
    """Whether two lists of arrays are the same, bit for bit."""
    pairs = zip(some, others, strict=True)
    return all(np.array_equal(np.asarray(one), np.asarray(other)) for one, other in pairs)


def net():
    """The torch module that torch's loops train; the same each time."""
    import torch

    torch.manual_seed(0)
    return torch.nn.Linear(3, 1)


def sgd(module):
    """Its optimizer."""
    import torch

    return torch.optim.SGD(module.parameters(), lr=RATES[0])


def batches():
    """The two batches of an epoch, each (x, y) of four samples: tensors, in a fixed order."""
    import torch

    data = torch.Generator().manual_seed(1)
    return [(torch.randn(4, 3, generator=data), torch.randn(4, 1, generator=data)) for _ in "ab"]


def train_on(module, optimizer, x, y):
    """One step of a loop by hand; returns the loss."""
    import torch

    loss = torch.nn.functional.mse_loss(module(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.detach()


def weights_of(module):
    """The weights of a torch module as arrays, in their order."""
    return [value.numpy().copy() for value in module.state_dict().values()]


def weights_by_hand():
    """The best weights of a loop in plain torch that has the same learning rates."""
    module = net()
    optimizer = sgd(module)
    for rate in RATES[: BEST + 1]:
        optimizer.param_groups[0]["lr"] = rate
        for x, y in batches():
            train_on(module, optimizer, x, y)
    return weights_of(module)
