"""What a save costs: a checkpoint of a long run is as much text as one of a short run, and of each
epoch it has the numbers.
"""

import numpy as np
import pytest
from tests.callbacks.backed_up import train

from onfit.callbacks import CSVLogger, EarlyStopping
from onfit.core.judging.decisions import Decision, load_decisions
from onfit.core.state import names_of, run_state
from onfit.storage.checkpoints import CheckpointManager
from onfit.storage.trees import packed, unpacked


class Kept:
    """Notes what each save had: the characters of its text, and the bytes of its arrays."""

    def __init__(self, monkeypatch):
        self.texts, self.arrays = [], []
        real = CheckpointManager.save

        def save(manager, tree, **more):
            text, arrays = packed(tree)
            self.texts.append(len(text))
            self.arrays.append({key: array.nbytes for key, array in arrays.items()})
            real(manager, tree, **more)

        monkeypatch.setattr(CheckpointManager, "save", save)


def test_of_each_epoch_a_checkpoint_has_the_numbers_and_no_text(tmp_path, monkeypatch):
    kept = Kept(monkeypatch)
    train(tmp_path, epochs=220)
    assert abs(kept.texts[200] - kept.texts[100]) <= 20  # numbers have more digits
    grown = {key: kept.arrays[200][key] - kept.arrays[100][key] for key in kept.arrays[200]}
    # The epoch, the value, the epoch of the value, and where it was in steps: 8 bytes each.
    assert sorted(size for size in grown.values() if size) == [800] * 5


def test_the_text_of_a_decision_is_made_once(tmp_path, monkeypatch):
    made, real = [], Decision.as_line
    monkeypatch.setattr(Decision, "as_line", lambda one: made.append(one.epoch) or real(one))
    kept = Kept(monkeypatch)
    stop = EarlyStopping(monitor="weight", mode="max", patience=300)
    log = CSVLogger(tmp_path / "log.csv")
    train(tmp_path, stop, log, epochs=120)
    assert made == list(range(120))
    assert abs(kept.texts[119] - kept.texts[60]) <= 40
    assert len(kept.arrays[119]) == len(kept.arrays[60])


def test_decisions_come_back_from_a_checkpoint(tmp_path):
    stop = EarlyStopping(monitor="weight", mode="max", patience=3)
    _, _, run = train(tmp_path, stop)
    state = unpacked(*packed(run_state(run)))
    again = EarlyStopping(monitor="weight", mode="max", patience=3)
    _, _, other = train(tmp_path / "other", again, epochs=1)
    assert len(again.decisions) == 1
    restored(other, state["decisions"])
    assert again.decisions == stop.decisions


def test_decisions_of_an_older_checkpoint_come_back(tmp_path):
    again = EarlyStopping(monitor="weight", mode="max", patience=3)
    _, _, run = train(tmp_path, again, epochs=1)
    restored(run, {"EarlyStopping/0": [[0, None, 0.5, "improved", "it did"]]})
    assert again.decisions == [Decision(0, None, 0.5, "improved", "it did")]


def restored(run, decisions):
    load_decisions(names_of(run.callbacks), decisions)


@pytest.mark.parametrize("value", [np.float32(0.5), np.float64(0.5), 3, float("nan"), None])
def test_a_decision_on_any_number_is_a_line(value):
    (line,) = Decision(1, None, value, "set", "a\nb").as_line().splitlines()
    assert '"a\\nb"' in line
