"""The contenders that are measured. Each module trains a workload with one library, by a function:

    def train(workload: Workload, tape: Tape, *, epochs: int, shuffle: bool) -> None

It trains with Adam, computes loss and accuracy of each batch, as users do, and at the end of each
epoch calls `tape.epoch` with the mean loss.
"""

from dataclasses import dataclass, field
from importlib.util import find_spec


@dataclass(frozen=True)
class Contender:
    """One way to train.

    Args:
        title: its name in the tables.
        module: the file in this folder.
        needs: the packages that must be installed, by their import names.
        environment: variables to set before anything is imported.
        declines: the workloads on which it is not measured; `first_batch` may be among them.
    """

    title: str
    module: str
    needs: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict)
    declines: frozenset[str] = frozenset()

    def missing(self) -> list[str]:
        return [package for package in self.needs if find_spec(package) is None]


def _keras_on(backend: str, package: str) -> Contender:
    environment = {"KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
    return Contender(f"Keras on {backend}", "keras", ("keras", package), environment)


BASELINE = "torch_tuned"

CONTENDERS = {
    "onfit": Contender("onfit", "onfit", ("onfit", "torch")),
    "onfit_background": Contender(
        "onfit, background=True",
        "onfit_background",
        ("onfit", "torch"),
        declines=frozenset({"moons", "softmax", "mlp", "conv", "lstm", "large", "first_batch"}),
    ),
    "torch_tuned": Contender("torch by hand, tuned", "torch_tuned", ("torch",)),
    "torch_typical": Contender("torch by hand, typical", "torch_typical", ("torch",)),
    "keras_jax": _keras_on("jax", "jax"),
    "keras_torch": _keras_on("torch", "torch"),
    "keras_tensorflow": _keras_on("tensorflow", "tensorflow"),
    "lightning": Contender("Lightning", "lightning", ("lightning",)),
    "skorch": Contender("skorch", "skorch", ("skorch",)),
    "poutyne": Contender("Poutyne", "poutyne", ("poutyne",)),
    "ignite": Contender("Ignite", "ignite", ("ignite",)),
    # Its best-only checkpoint also holds optimizer, scheduler and random state, which is more work.
    "hf_trainer": Contender(
        "HF Trainer",
        "hf_trainer",
        ("transformers", "accelerate"),
        declines=frozenset({"moons", "moons_saving"}),
    ),
}
