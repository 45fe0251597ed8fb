"""A callback of the main process alone, and weights of which each process has a piece."""

import pytest

from onfit.callbacks import Callback, TensorBoard
from onfit.core import faces
from onfit.core.faces import HasWeights, Need, check_needs
from onfit.core.hooks import HOOKS
from onfit.core.listeners import Listeners
from onfit.core.processes import Processes
from onfit.errors import CapabilityError


class Divided:
    is_divided = True

    def get_weights(self):
        return []

    set_weights = named_weights = get_weights


class Reads(Callback):
    def needs(self):
        yield Need(HasWeights, "weights=True")


class ReadsOnMain(Reads):
    main_process_only = True


@pytest.fixture(autouse=True)
def two(monkeypatch):
    """This process is one of two."""
    both = Processes()
    both.world = 2
    monkeypatch.setattr(faces, "processes", lambda: both)


def test_a_process_that_is_alone_has_all_pieces(monkeypatch):
    monkeypatch.setattr(faces, "processes", Processes)
    check_needs(ReadsOnMain(), Divided())


def test_one_of_several_cannot_read_them_alone():
    with pytest.raises(CapabilityError, match=r"ReadsOnMain\(weights=True\) is called in the main"):
        check_needs(ReadsOnMain(), Divided())


def test_all_processes_can(tmp_path):
    check_needs(Reads(), Divided())
    check_needs(TensorBoard(tmp_path), Divided())


def test_all_take_part_in_the_histograms_that_the_main_process_writes(tmp_path):
    board = TensorBoard(tmp_path, histogram_freq=1)
    check_needs(board, Divided())
    board.set_model(Divided())
    others = Listeners([board])
    others.is_main = False
    others.refresh()
    heard = {hook for hook in HOOKS if others.hear(hook)}
    assert heard == {"on_train_begin", "on_epoch_end"}
