"""History: keeps the logs of every epoch."""

from array import array
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from onfit._types import StrPath
from onfit.callbacks.history import table
from onfit.callbacks.history.frame import frame_of
from onfit.core.aliases import AliasDict, find
from onfit.core.callback import Callback, Logs
from onfit.core.judging.deciding import in_steps
from onfit.core.judging.decisions import Decision, decisions_of, keeps_decisions
from onfit.core.packages.plain import is_plain, text_of
from onfit.core.representation import checked_arguments
from onfit.core.state import names_of
from onfit.errors import (
    ArgumentError,
    MissingMetricError,
    MissingPackageError,
    NotReadyError,
    did_you_mean,
)
from onfit.storage import replacing

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from pandas import DataFrame


_INTS = "q"  # of 64 bits


class History(Callback):
    """Keeps what every epoch logged. Every `fit` has one, and returns it.

    Attributes:
        epoch: the indices of the epochs, counted from 0; empty in a run of steps.
        step: in a run of steps, which has no epochs (`Run.steps`), how many steps were done at each
            validation, where a row ends.
        history: dict of lists, one value for each epoch. A name is found by its aliases too, so
            `history["acc"]` reads what was logged as `accuracy`. A name that was not logged in
            every epoch (`validation_freq`) has a shorter list.
        timing: how long each part of the training took.

    Example:
        >>> history = History()
        >>> history.on_epoch_end(0, {"loss": 0.5})
        >>> history.history
        {'loss': [0.5]}
    """

    @checked_arguments
    def __init__(self) -> None:
        self.epoch: list[int] = []
        self.step: list[int] = []
        self.history: dict[str, list[Any]] = AliasDict()
        self._timing: dict[str, Any] = {}  # of the run, in a copy, which has no run
        self._steps: dict[int, int] = {}  # how many steps were done at the end of each epoch
        self._decided: dict[str, list[Decision]] = {}  # of the run's callbacks, in a copy
        # The epoch of each value in `history`, since a list may skip epochs.
        self._epochs: dict[str, array[int]] = {}

    def on_train_begin(self, logs: Logs | Any = None) -> None:
        self.epoch, self.step = [], []
        self.history = AliasDict()
        self._epochs, self._steps = {}, {}

    def on_epoch_end(self, epoch: int, logs: Logs | Any = None) -> None:
        self.epoch.append(epoch)
        if self._session is not None:
            self._steps[epoch] = self._session.progress.step
        self._keep(epoch, logs)

    def on_validation_end(self, step: int, logs: Logs | Any = None) -> None:
        if in_steps(self):
            self.step.append(step)
            self._keep(step, logs)

    def _keep(self, index: int, logs: Logs | None) -> None:
        for name, value in (logs or {}).items():
            # The value is kept under the logged name: an alias is for reading only.
            self.history.setdefault(name, []).append(value)
            self._epochs.setdefault(name, array(_INTS)).append(index)

    @property
    def timing(self) -> dict[str, Any]:
        """How long each part of the training took, in seconds: `total`, `data` (waiting for
        batches), `step`, `validation`, and `callbacks`, a dict with the time of each. The rest of
        `total` is the loop's own time. Empty before a training.
        """
        return self._timing if self._session is None else self._session.timing.report()

    def __getstate__(self) -> dict[str, Any]:
        of_the_run = {"_timing": self.timing, "_decided": self._decisions_of_all}
        return {**super().__getstate__(), **of_the_run}

    def __repr__(self) -> str:
        """How many epochs there were, and what the last one logged."""
        return table.line(
            type(self).__name__, self._all_epochs(), self._by_epoch(), unit=self._unit
        )

    def _repr_html_(self) -> str:
        """A table of the last epochs, which notebooks show."""
        return table.html(
            type(self).__name__, self._all_epochs(), self._by_epoch(), unit=self._unit
        )

    def state_dict(self) -> dict[str, Any]:
        # Arrays where there is a number for each epoch: a checkpoint has them as they are.
        return {
            "epoch": _all_kept(self.epoch),
            "step": _all_kept(self.step),
            "history": {name: _all_kept(values) for name, values in self.history.items()},
            "epochs": self._epochs,
            "steps": {
                "epoch": array(_INTS, self._steps),
                "step": array(_INTS, self._steps.values()),
            },
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.epoch, self.step = list(state["epoch"]), list(state.get("step", []))
        self.history = AliasDict({name: list(of) for name, of in state["history"].items()})
        steps = state.get("steps", {"epoch": [], "step": []})
        self._epochs = {name: array(_INTS, of) for name, of in state["epochs"].items()}
        done = array(_INTS, steps["step"])
        self._steps = dict(zip(steps["epoch"], done, strict=True))

    def plot(
        self, path: StrPath | None = None, metrics: str | Iterable[str] | None = None
    ) -> "Figure":
        """Draw the curves of training and validation, one axes for each metric.

        The best value is marked if the metric's name says in which direction it gets better. A
        learning rate is drawn on a logarithmic scale. Neither pyplot nor a display is needed; a
        notebook shows the figure.

        Args:
            path: where to save it, if anywhere; its suffix (`.png`, `.pdf`, `.svg` ...)
                chooses the format.
            metrics: which metrics to draw, under any of their names; by default all.

        Returns:
            The matplotlib figure, to which you can add more.

        Raises:
            NotReadyError: if no epoch was logged yet.
            MissingMetricError: for a metric that was not logged.
            ArgumentError: if `path` has no suffix, or one of no known format.
            MissingPackageError: if matplotlib is not installed.

        Example:
            >>> history.plot("history.png", metrics=["loss", "acc"])  # doctest: +SKIP
        """
        try:
            from onfit.callbacks.history import curves
        except ImportError as error:
            raise MissingPackageError(
                "History.plot() draws with matplotlib, which is not installed. "
                'Install it with: pip install "onfit[plot]"',
                name="matplotlib",
            ) from error
        points = {
            name: ([epoch + 1 for epoch in self._epochs_of(name)], values)
            for name, values in self.history.items()
            if all(map(curves.is_number, values))
        }
        figure = curves.draw(_chosen(metrics, list(points)), points)
        if path is not None:
            _save(figure, Path(path))
        return figure

    def rows(self) -> list[dict[str, Any]]:
        """A dict for each epoch: its index as `epoch`, and what it logged. In a run of steps one
        for each validation, with `step`.

        Example:
            >>> history = History()
            >>> history.on_epoch_end(0, {"loss": 0.5})
            >>> history.rows()
            [{'epoch': 0, 'loss': 0.5}]
        """
        place, values = "step" if self.step else "epoch", self._by_epoch()
        return [
            {place: epoch, **{name: of[epoch] for name, of in values.items() if epoch in of}}
            for epoch in self._all_epochs()
        ]

    def to_frame(self) -> "DataFrame":
        """A table of pandas with a row for each epoch, or for each validation in a run of steps.

        The columns are what was logged, and one for each callback that decides, with its reasons
        as text: the column `EarlyStopping` says at each epoch why it waited.

        Raises:
            MissingPackageError: if pandas is not installed.

        Example:
            >>> history = History()
            >>> history.on_epoch_end(0, {"loss": 0.5})
            >>> history.to_frame().loc[0, "loss"]
            np.float64(0.5)
        """
        place = "step" if self.step else "epoch"
        places = self._all_epochs()
        steps = places if self.step else [self._steps.get(epoch) for epoch in places]
        return frame_of(self.rows(), place, steps, self._decisions_of_all)

    @property
    def _decisions_of_all(self) -> dict[str, list[Decision]]:
        """The decisions of the run's callbacks, by name; of those in a copy, which has no run."""
        if self._session is None:
            return self._decided
        return {
            name.removesuffix("/0"): decisions_of(each)
            for name, each in names_of(self._session.callbacks).items()
            if keeps_decisions(each)
        }

    @property
    def _unit(self) -> str:
        return "row" if self.step else "epoch"

    def _epochs_of(self, name: str) -> Sequence[int]:
        """The epoch of each value; epochs from 0 on if other code filled the list."""
        known, count = self._epochs.get(name, ()), len(self.history[name])
        return known if len(known) == count else range(count)

    def _by_epoch(self) -> dict[str, dict[int, Any]]:
        """Name -> epoch -> value."""
        return {
            name: dict(zip(self._epochs_of(name), values, strict=False))
            for name, values in self.history.items()
        }

    def _all_epochs(self) -> list[int]:
        """All epochs, with those that logged nothing, in order."""
        return sorted(
            {*self.epoch, *self.step, *(each for of in self._by_epoch().values() for each in of)}
        )


def _all_kept(values: list[Any]) -> Sequence[Any]:
    """Values as a checkpoint keeps them: what is no plain data, such as a date, as its text."""
    kinds = set(map(type, values))
    if kinds == {float}:
        return array("d", values)
    if kinds == {int}:
        with suppress(OverflowError):  # an int of more than 64 bits
            return array(_INTS, values)
    return [value if is_plain(value) else text_of(value) for value in values]


def _chosen(metrics: str | Iterable[str] | None, names: list[str]) -> list[str]:
    """The metrics to draw, each once and without `val_`; learning rates come last."""
    if not names:
        raise NotReadyError(
            "History.plot() draws what epochs logged, and no epoch logged a number yet. "
            "Train first, and log something."
        )
    if metrics is None:
        asked = sorted(names, key=lambda name: name in ("learning_rate", "lr"))
    else:
        asked = [
            _found(name, names) for name in ([metrics] if isinstance(metrics, str) else metrics)
        ]
    return list(dict.fromkeys(name.removeprefix("val_") for name in asked))


def _found(metric: str, names: list[str]) -> str:
    found = find(metric, names)
    if found is None:
        raise MissingMetricError(
            f"History.plot(metrics=...): no epoch logged a number as {metric!r}. "
            f"There are: {', '.join(sorted(names))}.{did_you_mean(metric, names)}"
        )
    return found


def _save(figure: "Figure", path: Path) -> None:
    formats = sorted(figure.canvas.get_supported_filetypes())
    if path.suffix.lower().removeprefix(".") not in formats:
        raise ArgumentError(
            f"History.plot({str(path)!r}): the suffix of the file chooses its format, and it is "
            f"one of {', '.join(formats)}. To choose what is drawn, write metrics=[...]."
        )
    with replacing(path) as temporary:
        figure.savefig(temporary)
