"""docs/from-keras.md, made of what the contract tests know:

python -m tests.contract.from_keras          writes it anew
"""

import importlib
import os
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

PAGE = Path(__file__).parents[2] / "docs" / "from-keras.md"

BEGIN = """# Coming from Keras

Made by `python -m tests.contract.from_keras`, beside Keras 3.15; a test keeps it true.

Write `onfit` for `keras` in the imports, or `import onfit as keras`; in a script of TensorFlow's,
`import onfit as tf`. `onfit.keras` is a package, too: `from onfit.keras.layers import Dense`.
Modules of Keras 1 and 2 (`layers.core`, `layers.recurrent`, `engine.topology`, `utils.np_utils`)
are found as well. What is not in the lists below is there, under Keras' name; what behaves in
another way stands in [the README](../README.md#worth-knowing-if-you-come-from-keras).
"""

ARGUMENTS = """
## Arguments of the methods of models

Every argument that Keras 3.15 and 2.3.1 have is taken and acts, but for these:

| argument | of | here |
|---|---|---|
"""

NAMES = """
## Names that are not there

Asked for as an attribute (`layers.Conv3D`), each is an error that says the same.
"""

ROOMS = [
    *("keras", "layers", "losses", "metrics", "optimizers", "callbacks", "initializers"),
    *("regularizers", "constraints", "activations", "models", "datasets", "preprocessing"),
    *("utils", "saving", "backend", "ops", "random"),
]
# Of Keras 2's backend; Keras 3 has no such names.
_OF_KERAS_2S_BACKEND = {
    *("batch_get_value", "batch_set_value", "gradients", "in_train_phase"),
    *("is_sparse", "learning_phase", "placeholder", "rnn", "set_learning_phase", "update"),
}
_OF_KERAS_2S_PREPROCESSING = {"TimeseriesGenerator", "make_sampling_table", "skipgrams"}
# What is in Keras' modules and not for users.
_INNER = {"legacy", "src", "version"}


def lacking(room: str) -> list[str]:
    """The public names of a module of Keras that onfit's module has not."""
    import keras

    theirs = keras if room == "keras" else getattr(keras, room)
    ours = importlib.import_module("onfit.keras" if room == "keras" else f"onfit.{room}")
    names = sorted({*dir(theirs)} - _INNER)
    return [name for name in names if not name.startswith("_") and not hasattr(ours, name)]


def page() -> str:
    """The whole document."""
    return "".join([BEGIN, ARGUMENTS, *_arguments(), NAMES, *_names()])


def _arguments() -> Iterator[str]:
    from tests.contract import test_models as contract

    from onfit.engine.model.arguments import _ELSEWHERE

    for name in sorted({*contract.REFUSED, *contract.IDLE}):
        methods = [method for method, argument in contract.ARGUMENTS if argument == name]
        refused = name in contract.REFUSED
        what = f"refused: {_ELSEWHERE[name][0]}" if refused else "taken, without effect"
        yield f"| `{name}` | {', '.join(f'`{each}`' for each in sorted({*methods}))} | {what} |\n"


def _names() -> Iterator[str]:
    from onfit._instead import ROOMS as INSTEAD

    for room in ROOMS:
        missing = lacking(room)
        if not missing:
            continue
        yield f"\n### `{room}`\n\n| not there | write |\n|---|---|\n"
        by_advice: dict[str, list[str]] = {}
        for name in missing:
            by_advice.setdefault(INSTEAD[room][name], []).append(f"`{name}`")
        for advice, names in by_advice.items():
            yield f"| {', '.join(names)} | {advice} |\n"


def unexplained() -> dict[str, Any]:
    """Names that are missing without advice, and advice for names that are not missing."""
    from onfit import _instead
    from onfit import _instead_of_tensorflow as of_tensorflow

    found = {}
    for room in ROOMS:
        missing, advice = {*lacking(room)}, {*_instead.ROOMS.get(room, {})}
        of_keras_2 = {"multi_gpu_model", "text", *_instead.MODULES, *_OF_KERAS_2S_BACKEND}
        of_keras_2 |= {*_instead.OF_KERAS_1_AND_2, *_OF_KERAS_2S_PREPROCESSING}
        of_keras_2 |= {*of_tensorflow.NN, *of_tensorflow.RANDOM}
        if missing - advice or advice - missing - of_keras_2:
            found[room] = (missing - advice, advice - missing - of_keras_2)
    return found


if __name__ == "__main__":
    os.environ["KERAS_BACKEND"] = "torch"
    with TemporaryDirectory() as folder, chdir(folder):  # what the methods are called with is there
        text = page()
    PAGE.write_text(text, encoding="utf-8")
