"""Faces of objects of other packages, which an entry point names."""

import sys
from importlib.metadata import EntryPoint
from types import ModuleType, SimpleNamespace

import pytest

from onfit import Run
from onfit.callbacks import EarlyStopping
from onfit.core.faces import as_trainable, face_of
from onfit.core.packages import faces_of


class Face:
    stop_training = False

    def __init__(self, held, optimizer=None):
        self.held, self.optimizer = held, optimizer

    def get_weights(self):
        return [self.held.weight]

    def set_weights(self, weights):
        (self.held.weight,) = weights


@pytest.fixture
def kind(monkeypatch):
    """A class of an installed package, `gizmos`, that has such an entry point."""
    home = ModuleType("gizmos_for_onfit")
    home.adapt, home.face = Face, Face
    monkeypatch.setitem(sys.modules, home.__name__, home)
    points = [EntryPoint("gizmos", home.__name__, faces_of.GROUP)]
    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: points)
    faces_of._of_others.cache_clear()
    yield type("Gizmo", (SimpleNamespace,), {"__module__": "gizmos.small"})
    faces_of._of_others.cache_clear()


def test_a_run_gives_the_object_its_face(kind):
    gizmo = kind(weight=0.0)
    stopping = EarlyStopping("loss", patience=1, restore_best_weights=True)
    with Run(gizmo, stopping, epochs=9) as run:
        for epoch in run.epochs():
            gizmo.weight = float(epoch)
            run.log(loss=[3, 1, 2, 0][epoch])
    assert isinstance(run.model, Face)
    assert gizmo.weight == 1.0


def test_by_hand_it_gets_the_face_too_and_an_object_of_a_class_below_it(kind):
    class Mine(kind):
        pass

    assert face_of(Mine(weight=1.0)).get_weights() == [1.0]
    assert as_trainable(Mine(weight=1.0), optimizer := object()).optimizer is optimizer


def test_what_has_a_face_of_its_own_keeps_it(kind):
    class Own(kind):
        stop_training = False

        def get_weights(self):
            return []

        def set_weights(self, weights):
            pass

    own = Own()
    assert as_trainable(own) is own
    assert face_of(own) is own


def test_nothing_is_looked_up_for_objects_of_no_library(monkeypatch):
    def look(group):
        raise AssertionError(group)

    monkeypatch.setattr("importlib.metadata.entry_points", look)
    faces_of._of_others.cache_clear()
    assert as_trainable(thing := SimpleNamespace()) is thing
