"""What callbacks cost per step: `fit` with them and without, turn by turn in one process.

`softmax` and `mlp` show what users notice. `tiny` is a step that is nearly all framework, so that
the cost of an empty hook is not lost in the step's own variation. The bar is measured on `deep`,
twenty such layers, whose step takes the time that a bar's target is set for. A callback whose cost
alone is smaller than a step's variation sleeps and wakes within one training.
"""

import contextlib
import io
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from importlib import import_module
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any

from bench.cases import Case
from bench.contenders import CONTENDERS
from bench.contenders.keras_style import library_of, told
from bench.measures import denormals
from bench.measures.pairs import Fit, paired, quiet
from bench.measures.switched import bar, reader, switched
from bench.tape import Tape

# Contender, variant, and the workloads that the variant is measured on.
VARIANTS = (
    ("onfit", "no-op x 1", ("mlp", "tiny")),
    ("onfit", "no-op x 4", ("mlp", "tiny")),
    ("onfit", "no-op x 16", ("softmax", "mlp", "tiny")),
    ("onfit", "reads the loss", ("mlp", "tiny")),
    ("onfit", "bar", ("deep", "mlp")),
    ("onfit", "csv, tensorboard", ("mlp",)),
    ("keras_jax", "no-op x 1", ("softmax", "mlp")),
    ("lightning", "no-op x 1", ("mlp",)),
)
SWITCHED = {("reads the loss", "tiny"), ("bar", "deep")}
EPOCHS = 3


def cases(quick: bool) -> Iterator[Case]:
    for contender, variant, workloads in VARIANTS:
        for workload in workloads:
            arguments = {
                "contender": contender,
                "variant": variant,
                "workload": workload,
                "quick": quick,
            }
            name = f"{CONTENDERS[contender].title}: {variant}"
            yield Case(f"hooks_{workload}", name, __name__, arguments, contender)


def run(contender: str, variant: str, workload: str, quick: bool) -> dict[str, Any]:
    import_module(f"bench.contenders.{CONTENDERS[contender].module}")
    work = small(workload, variant, quick)
    denormals.taken_for_zero()
    if (variant, workload) in SWITCHED:
        return within_one_fit(variant, work, quick)
    with TemporaryDirectory() as folder:
        if contender == "lightning":
            plain, varied = lightning_fits(work)
        else:
            plain, varied = keras_style_fits(library_of(contender), variant, work, folder)
        return paired(plain, varied, 3 if quick else turns(workload), quiet)


def within_one_fit(variant: str, work: Any, quick: bool) -> dict[str, float]:
    """The cost of a callback, which sleeps in every other block of steps."""
    fits = 1 if quick else 6
    if variant == "bar":
        steps = 4_000 if quick else 20_000
        with unseen_terminal():
            return switched(work, bar, 400, steps=steps, fits=fits, verbose=1)
    return switched(work, reader, 24, steps=400 if quick else 20_000, fits=fits)


def turns(workload: str) -> int:
    """How many turns to take: more if the cost is small compared with a step's variation."""
    return 96 if workload == "tiny" else 16


def small(name: str, variant: str, quick: bool) -> Any:
    """The workload at a length that allows for many short trainings.

    It is longer for callbacks that also act now and then, or at an epoch's end, so that this does
    not weigh more than in real trainings.
    """
    from bench.workloads import load
    from bench.workloads.layers import Dense

    if name in ("tiny", "deep"):
        mlp, hidden = load("mlp"), 19 if name == "deep" else 0
        net = (*(Dense(10, "relu"),) * hidden, Dense(10, "softmax"))
        work = replace(mlp, net=net, x=mlp.x[:, :8], batch=4)
    else:
        work = load(name)
    long = variant in ("bar", "csv, tensorboard")
    steps = 400 if long or name == "tiny" else 100
    return work.first(20 if quick else steps)


def per_step(train: Callable[[Tape], None], steps: int) -> float:
    """Seconds per step of a training of some epochs, without the first one."""
    tape = Tape()
    train(tape)
    return tape.typical() / steps


def keras_style_fits(library: ModuleType, variant: str, work: Any, folder: str) -> tuple[Fit, Fit]:
    """`fit` without callbacks and with those of a variant; each returns its seconds per step."""
    from bench.models import keras_net

    model = keras_net.build(work, library)

    def fit(added: Callable[[], list[Any]], verbose: int) -> float:
        def train(tape: Tape) -> None:
            model.fit(
                work.x,
                work.y,
                batch_size=work.batch,
                epochs=EPOCHS,
                verbose=verbose,
                callbacks=[*added(), told(library, tape)],
            )

        with unseen_terminal():
            return per_step(train, work.steps)

    added = partial(callbacks, library, variant, folder)
    return partial(fit, list, 0), partial(fit, added, 1 if variant == "bar" else 0)


@contextlib.contextmanager
def unseen_terminal() -> Iterator[None]:
    with Terminal(open(os.devnull, "wb")) as unseen, contextlib.redirect_stdout(unseen):
        yield


class Terminal(io.TextIOWrapper):
    """A terminal that is not shown: on any other file a bar would not move."""

    def isatty(self) -> bool:
        return True


def callbacks(library: ModuleType, variant: str, folder: str) -> list[Any]:
    """New callbacks for each fit, as a user's script would make them."""

    class Silent(library.callbacks.Callback):
        def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
            pass

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            pass

    class Reader(library.callbacks.Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            self.last = logs["loss"]

    if variant.startswith("no-op"):
        return [Silent() for _ in range(int(variant.split()[-1]))]
    if variant == "reads the loss":
        return [Reader()]
    if variant == "csv, tensorboard":
        return [
            library.callbacks.CSVLogger(f"{folder}/log.csv"),
            library.callbacks.TensorBoard(f"{folder}/logs", update_freq="batch"),
        ]
    return []


def lightning_fits(work: Any) -> tuple[Any, Any]:
    from lightning import Callback

    from bench.contenders.lightning import train

    class Silent(Callback):
        def on_train_batch_start(self, *args: Any) -> None:
            pass

        def on_train_batch_end(self, *args: Any) -> None:
            pass

    def fit(*added: Callback) -> float:
        def once(tape: Tape) -> None:
            train(work, tape, epochs=EPOCHS, shuffle=True, callbacks=added)

        return per_step(once, work.steps)

    return fit, partial(fit, Silent())
