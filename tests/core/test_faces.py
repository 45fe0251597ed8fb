"""What callbacks ask of a model, and how an object becomes one."""

from types import SimpleNamespace
from typing import ClassVar

import pytest

from onfit.callbacks import BackupAndRestore, LearningRateFinder
from onfit.core.callback import Callback
from onfit.core.faces import (
    CanSave,
    HasHistograms,
    HasLearningRate,
    HasWeights,
    Need,
    Trainable,
    as_trainable,
    check_needs,
    face_of,
    model_of,
)
from onfit.errors import ArgumentTypeError, CapabilityError, NotReadyError


def needing(*needs):
    callback = Callback()
    callback.needs = lambda: needs
    return callback


def model(*names):
    return SimpleNamespace(**dict.fromkeys(names, print))


@pytest.mark.parametrize(
    ("protocol", "names"),
    [
        (HasWeights, ("get_weights", "set_weights")),
        (CanSave, ("save", "save_weights")),
        (HasHistograms, ("named_weights",)),
    ],
)
def test_a_model_must_have_every_method_that_is_needed(protocol, names):
    check_needs(needing(Need(protocol, "x=1")), model(*names))
    for lacking in names:
        others = [name for name in names if name != lacking]
        with pytest.raises(CapabilityError, match=f"SimpleNamespace lacks {lacking}"):
            check_needs(needing(Need(protocol, "x=1")), model(*others))


def test_the_error_says_who_needs_what_and_what_to_do():
    with pytest.raises(CapabilityError) as caught:
        check_needs(needing(Need(HasWeights, "restore_best_weights=True")), model("get_weights"))
    assert str(caught.value) == (
        "Callback(restore_best_weights=True) needs get_weights and set_weights of the model; "
        "SimpleNamespace lacks set_weights. "
        "Give it what is missing, or leave out what asks for it."
    )


def test_a_missing_optimizer_is_to_be_compiled_or_passed():
    with pytest.raises(CapabilityError, match="Compile the model with an optimizer, or pass opti"):
        check_needs(needing(Need(HasLearningRate)), SimpleNamespace(optimizer=None))


def test_an_optimizer_without_a_learning_rate_is_found_before_training():
    raw = SimpleNamespace(param_groups=[{"lr": 0.1}])
    with pytest.raises(CapabilityError, match=r"lacks optimizer\.learning_rate"):
        check_needs(needing(Need(HasLearningRate)), SimpleNamespace(optimizer=raw))
    ours = SimpleNamespace(learning_rate=0.1)
    check_needs(needing(Need(HasLearningRate)), SimpleNamespace(optimizer=ours))


def test_who_needs_nothing_takes_any_model():
    check_needs(Callback(), None)


def test_what_has_the_flag_is_trainable_as_it_is():
    thing = SimpleNamespace(stop_training=True)
    assert isinstance(thing, Trainable)
    assert as_trainable(thing) is thing
    assert thing.stop_training is True


def test_an_object_gets_the_flag_and_the_optimizer():
    thing, optimizer = SimpleNamespace(), object()
    assert as_trainable(thing, optimizer) is thing
    assert thing.stop_training is False
    assert thing.optimizer is optimizer


def test_without_an_optimizer_none_is_set():
    assert not hasattr(as_trainable(SimpleNamespace()), "optimizer")


class Slotted:
    __slots__ = ()


@pytest.mark.parametrize("thing", [{}, Slotted(), None, 3, "model"])
def test_an_object_that_takes_no_attributes_is_an_error(thing):
    with pytest.raises(ArgumentTypeError) as caught:
        as_trainable(thing)
    assert str(caught.value) == (
        "A run needs a model on which `stop_training` can be set; "
        f"{type(thing).__name__} takes no attributes. "
        "Pass a torch module, or a small object of your own around it."
    )


class HoldsItsWeights:
    """A model whose trainer holds the weights until `jax_state_sync`, as Keras' does on jax."""

    stop_training = False
    weights: list[int] | None = None

    def jax_state_sync(self) -> None:
        self.weights = [1, 2]


def test_a_read_of_the_model_brings_its_weights_up_to_date():
    callback = Callback()
    model = HoldsItsWeights()
    callback.set_model(model)
    model.weights = None
    assert callback.model.weights == [1, 2]


def test_the_model_of_a_callback_is_none_until_it_is_set():
    assert Callback.model is None
    assert Callback().model is None
    callback = Callback()
    callback.model = "mine"
    assert callback.model == "mine"


def test_a_callback_may_let_go_of_its_model():
    callback = Callback()
    callback.set_model(SimpleNamespace())
    assert callback.model is not None
    del callback.model
    assert callback.model is None
    del callback.model  # one that has none, too


def test_a_class_may_have_a_model_of_its_own():
    class Own(Callback):
        model = "mine"

    assert Own().model == "mine"


# --- the face of a torch module that a loop holds ---------------------------------------------


@pytest.fixture
def net():
    import torch

    net = torch.nn.Linear(2, 1)
    net.optimizer = torch.optim.SGD(net.parameters(), lr=0.5)
    return net


def test_a_callback_by_hand_sees_a_face_of_a_torch_module(net):
    callback = Callback()
    callback.set_model(net)
    face = callback.model
    assert face is not net
    assert next(face.parameters()) is net.weight
    assert [name for name, _ in face.named_weights()] == ["weight", "bias"]
    assert float(face.optimizer.learning_rate) == 0.5
    face.optimizer.learning_rate = 0.25
    assert net.optimizer.param_groups[0]["lr"] == 0.25


def test_a_stop_is_seen_on_the_module_and_on_its_face(net):
    callback = Callback()
    callback.set_model(net)
    assert net.stop_training is False
    callback.model.stop_training = True
    assert net.stop_training is True
    net.stop_training = False
    assert callback.model.stop_training is False
    callback.request_stop("enough")
    assert net.stop_training is True


def test_the_optimizer_of_a_face_is_the_one_that_the_module_carries_now(net):
    import torch

    face = face_of(net)
    net.optimizer = torch.optim.Adam(net.parameters(), lr=0.125)
    assert float(face.optimizer.learning_rate) == 0.125
    del net.optimizer
    assert face.optimizer is None


def test_a_flag_on_a_torch_module_does_not_make_it_a_face(net):
    net.stop_training = False
    assert hasattr(as_trainable(net), "get_weights")
    del net.optimizer
    assert hasattr(as_trainable(net), "get_weights")


def test_a_run_finds_the_optimizer_that_a_module_carries(net):
    from onfit import Run
    from onfit.callbacks import ReduceLROnPlateau

    cut = ReduceLROnPlateau("loss", factor=0.5, patience=1)
    with Run(net, [cut], epochs=3, params={"verbose": 0}) as run:
        for _ in run.epochs():
            run.log(loss=1.0)
    assert net.optimizer.param_groups[0]["lr"] == 0.125


def test_what_is_a_face_already_stays_as_it_is(net):
    from onfit import Model, Sequential

    class HasItsOwn(type(net)):
        stop_training = False

        def get_weights(self): ...

        def set_weights(self, weights): ...

    for face in (face_of(net), Model(net), Sequential(), HasItsOwn(1, 1), SimpleNamespace(), None):
        assert face_of(face) is face


def test_a_module_without_an_optimizer_is_refused_where_a_rate_is_needed(net):
    from onfit.callbacks import LearningRateScheduler

    del net.optimizer
    callback = LearningRateScheduler(lambda epoch: 0.1)
    with pytest.raises(CapabilityError, match=r"carries it as module\.optimizer"):
        callback.set_model(net)


def test_hooks_before_set_model_say_what_to_do():
    from onfit.callbacks import (
        EarlyStopping,
        LearningRateScheduler,
        ModelCheckpoint,
        ReduceLROnPlateau,
        TimeLimit,
    )

    calls = [
        lambda: EarlyStopping("loss", restore_best_weights=True).on_epoch_end(0, {"loss": 1.0}),
        lambda: LearningRateScheduler(lambda epoch: 0.1).on_epoch_begin(0),
        lambda: LearningRateScheduler(lambda epoch: 0.1).on_epoch_end(0, {}),
        lambda: ReduceLROnPlateau("loss").on_train_begin(),
        lambda: ReduceLROnPlateau("loss").on_epoch_end(0, {"loss": 1.0}),
        lambda: ModelCheckpoint("a.h5").on_epoch_end(0),
        lambda: TimeLimit(1, clock=iter(range(0, 99, 9)).__next__).on_epoch_end(0),
        lambda: model_of(Callback()),
    ]
    for call in calls:
        with pytest.raises(NotReadyError, match=r"Call set_model\(model\).*with Run\(model"):
            call()


def test_keras_own_backup_is_named_for_that_callback_alone(tmp_path):
    backup, finder = BackupAndRestore(tmp_path), LearningRateFinder()
    bare = SimpleNamespace(optimizer=SimpleNamespace(learning_rate=0.1))
    with pytest.raises(CapabilityError, match=r"keras\.callbacks\.BackupAndRestore instead\.$"):
        check_needs(backup, bare)
    with pytest.raises(CapabilityError, match=r"two methods, or leave the callback out\.$"):
        check_needs(finder, bare)


def test_a_face_may_say_itself_why_it_lacks_something():
    class Forest(SimpleNamespace):
        hints_for_callbacks: ClassVar = {HasLearningRate: "A forest has no learning rate."}

    with pytest.raises(CapabilityError, match=r"lacks optimizer.*A forest has no learning rate\."):
        check_needs(needing(Need(HasLearningRate)), Forest())
