"""States that no run saves: each is one clear error, and nothing goes on from them."""

import copy

import numpy as np
import pytest
from tests.callbacks.backed_up import At, kill, killed, train

from onfit.callbacks import BaseLogger, CSVLogger, EarlyStopping, ModelCheckpoint
from onfit.core.walks.sense import require_kinds
from onfit.errors import FileFormatError
from onfit.storage.checkpoints import CheckpointManager


class Savable:
    """What `ModelCheckpoint` needs of a model; its files are empty."""

    def save(self, filepath):
        open(filepath, "w").close()

    save_weights = load_weights = save


def callbacks(folder):
    return [
        BaseLogger(),
        EarlyStopping(monitor="weight", mode="max", patience=3),
        CSVLogger(folder / "log.csv"),
    ]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("callbacks", "EarlyStopping/0", "stopped_epoch"), "x"),
        (("callbacks", "EarlyStopping/0", "watched"), 3),
        (("callbacks", "CSVLogger/0", "size"), np.zeros(3)),
        (("callbacks", "CSVLogger/0", "content"), "../../etc/passwd"),
        (("callbacks", "BaseLogger/0", "_totals"), 1e308),
        (("callbacks", "History/0", "steps", "step"), ["x"]),
        (("callbacks", "History/0", "history"), [1]),
        (("parts", "meter"), [3]),
        (("walk", "start", "all"), {"a": 1}),
        (("walk", "start", "all", "python"), [1, 2, 3]),
        (("walk", "start", "all", "numpy"), ("MT19937", np.zeros(2, np.uint32), 2**80, 0, 0.0)),
        (("walk", "start"), []),
    ],
)
def test_what_no_run_saves_is_an_error_before_training(tmp_path, path, value):
    killed(tmp_path, *callbacks(tmp_path), At(kill, 1, 2), save_freq="1 batches")
    checkpoints = CheckpointManager(tmp_path / "backup")
    state = checkpoints.latest()
    part = state
    for key in path[:-1]:
        part = part[key]
    part[path[-1]] = value
    checkpoints.save(state)
    with pytest.raises(FileFormatError, match=r"does not say what a run says .*It stays where it"):
        train(tmp_path, *callbacks(tmp_path), At(kill, 9))
    assert checkpoints.latest() is not None


def test_a_checkpoint_names_no_file_to_be_removed_but_those_of_its_callback(tmp_path):
    thesis = tmp_path / "thesis.tex"
    thesis.write_text("years of work")
    for name in (str(thesis), "../thesis.tex", f"{tmp_path}/models/../thesis.tex"):
        best = ModelCheckpoint(
            tmp_path / "models" / "{epoch}.h5", monitor="loss", save_best_only=True, keep=1
        )
        state = copy.deepcopy(best.state_dict())
        own = str(tmp_path / "models" / "1.h5")
        best.load_state_dict({**state, "best": 9.0, "best_files": [(9.0, name), (9.5, own)]})
        assert best.state_dict()["best_files"] == [(9.5, own)]
        best.set_model(Savable())
        best.on_epoch_end(1, {"loss": 0.5})
        assert thesis.read_text() == "years of work"


@pytest.mark.parametrize(
    ("saved", "mine"),
    [(1, 0.5), (True, 0), (None, {"a": 1}), ([1, 2], ()), ({"new": 1}, {}), ("x", None)],
)
def test_what_may_be_is_taken(saved, mine):
    require_kinds({"a": saved}, {"a": mine}, "it")


@pytest.mark.parametrize(
    ("saved", "mine"), [("x", 0), (0, "x"), ({}, []), ([], {}), (0, {}), (np.zeros(2), 1)]
)
def test_what_cannot_be_is_named(saved, mine):
    with pytest.raises(FileFormatError, match=r"it, a, b is .* of type"):
        require_kinds({"a": {"b": saved}}, {"a": {"b": mine}}, "it")
