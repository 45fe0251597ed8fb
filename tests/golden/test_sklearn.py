"""Estimators of scikit-learn in a loop of one's own."""

import copy
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.cluster import Birch, MiniBatchKMeans
from sklearn.linear_model import Perceptron, Ridge, SGDClassifier, SGDRegressor
from sklearn.multioutput import MultiOutputRegressor
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier, MLPRegressor
from tests.golden.golden import EPOCHS, VAL_LOSS, Golden, same

from onfit import Run
from onfit.callbacks import BackupAndRestore, EarlyStopping, ModelCheckpoint, ReduceLROnPlateau
from onfit.core.faces import as_trainable, face_of
from onfit.errors import ArgumentError, CapabilityError, FileFormatError

RNG = np.random.RandomState(0)
X, LABELS = RNG.randn(24, 4), RNG.randint(0, 3, 24)
TARGETS = X.sum(1)

KINDS = {
    "sgd": lambda: SGDRegressor(eta0=0.1, learning_rate="constant", shuffle=False),
    "classifier": lambda: SGDClassifier(eta0=0.1, learning_rate="constant", average=3),
    "perceptron": lambda: Perceptron(eta0=0.1),
    "mlp": lambda: MLPClassifier((5,), learning_rate_init=0.1, random_state=3),
    "mlp of a generator": lambda: MLPClassifier(
        (5,), learning_rate_init=0.1, random_state=np.random.RandomState(3)
    ),
    "mlp by sgd": lambda: MLPRegressor(
        hidden_layer_sizes=(5,), solver="sgd", learning_rate_init=0.1
    ),
    "of several": lambda: MultiOutputRegressor(SGDRegressor(eta0=0.1)),
    "clusters": lambda: MiniBatchKMeans(3, random_state=0, reassignment_ratio=0.5),
    "bayes": GaussianNB,
}
RATED = ["sgd", "classifier", "perceptron", "mlp", "mlp of a generator", "mlp by sgd"]


def learn(estimator, rows):
    x = X[rows]
    if hasattr(estimator, "predict_proba") or type(estimator).__name__.endswith(("fier", "tron")):
        estimator.partial_fit(x, LABELS[rows], classes=[0, 1, 2])
    elif isinstance(estimator, MultiOutputRegressor):
        estimator.partial_fit(x, np.stack([TARGETS, -TARGETS], 1)[rows])
    else:
        estimator.partial_fit(x, TARGETS[rows])


def train(estimator, callbacks, epochs=EPOCHS, at_epoch=lambda epoch: None):
    np.random.seed(0)
    with Run(estimator, callbacks, epochs=epochs) as run:
        for epoch in run.epochs():
            for rows in run.batches([slice(0, 12), slice(12, 24)], size=lambda rows: 12):
                learn(estimator, rows)
            at_epoch(epoch)
            run.validated(loss=VAL_LOSS[epoch])
    return face_of(estimator).get_weights()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("suffix", [".npz", ".safetensors"])
def test_the_recorded_sequence(tmp_path, kind, suffix):
    golden, estimator = Golden(tmp_path, suffix, rate=kind in RATED), KINDS[kind]()
    golden.check(train(estimator, golden.callbacks))
    new = KINDS[kind]()
    face_of(new).load_weights(tmp_path / f"models/5{suffix}")
    assert np.array_equal(new.predict(X), estimator.predict(X))


@pytest.mark.parametrize("kind", KINDS)
def test_a_training_that_failed_goes_on_as_if_it_had_not(tmp_path, kind):
    def fail(epoch):
        if epoch == 4:
            raise RuntimeError("power cut")

    def callbacks():
        plateau = [ReduceLROnPlateau(patience=2, factor=0.5)] if kind in RATED else []
        return [*plateau, BackupAndRestore(tmp_path / "backup")]

    expected = train(KINDS[kind](), callbacks(), epochs=7)
    with pytest.raises(RuntimeError, match="power cut"):
        train(KINDS[kind](), callbacks(), epochs=7, at_epoch=fail)
    assert same(train(KINDS[kind](), callbacks(), epochs=7), expected)


def test_the_names_in_a_file_are_those_of_the_attributes(tmp_path):
    train(KINDS["mlp"](), ModelCheckpoint("a.npz"), epochs=1)
    with np.load("a.npz") as content:
        assert {"coefs_[0]", "coefs_[1]", "intercepts_[0]", "classes_"} <= {*content.files}
        assert not any(content[name].dtype.hasobject for name in content.files)


def test_attributes_of_the_face_are_the_estimators():
    estimator = KINDS["sgd"]()
    face = as_trainable(estimator)
    face.alpha = 0.5
    face.stop_training = True
    assert (estimator.alpha, estimator.stop_training, face.penalty) == (0.5, True, "l2")


@pytest.mark.parametrize("estimator", [GaussianNB(), SGDClassifier()])
def test_a_rate_that_is_not_there_is_refused_before_training(estimator):
    with pytest.raises(CapabilityError, match=r"lacks optimizer\..* the eta0 of a linear"):
        train(estimator, ReduceLROnPlateau())


def test_what_cannot_learn_in_parts_can_be_stopped_and_not_restored():
    ridge = Ridge()
    with pytest.raises(CapabilityError, match="Ridge lacks get_weights"):
        Run(ridge, EarlyStopping(restore_best_weights=True)).train_begin()
    with Run(ridge, EarlyStopping(patience=1), epochs=EPOCHS) as run:
        for epoch in run.epochs():
            run.log(val_loss=VAL_LOSS[epoch])
    assert run.model is ridge
    assert run.outcome == "stopped"


def test_an_optimizer_that_is_handed_over_has_the_rate():
    for estimator in (Ridge(), GaussianNB()):
        rate = SimpleNamespace(learning_rate=0.5)
        assert as_trainable(estimator, rate).optimizer is rate


def test_an_estimator_with_methods_of_its_own_keeps_them():
    class Mine(SGDRegressor):
        def get_weights(self):
            return [self.coef_]

        def set_weights(self, weights):
            (self.coef_,) = weights

    mine = Mine()
    assert as_trainable(mine) is mine
    assert mine.stop_training is False


def test_a_face_is_copied_with_its_estimator():
    face = face_of(KINDS["sgd"]())
    learn(face.estimator, slice(0, 12))
    other = copy.deepcopy(face)
    assert other.estimator is not face.estimator
    assert same(other.get_weights(), face.get_weights())


def test_objects_that_refer_to_each_other_are_refused():
    with pytest.raises(CapabilityError, match="Birch has learned objects that refer to each other"):
        train(Birch(n_clusters=None), EarlyStopping(restore_best_weights=True), epochs=1)


def test_a_file_of_another_estimator_is_refused_and_nothing_is_changed():
    train(KINDS["mlp"](), ModelCheckpoint("mlp.npz"), epochs=1)
    train(KINDS["sgd"](), ModelCheckpoint("sgd.npz"), epochs=1)
    other, estimator = SGDRegressor(), KINDS["sgd"]()
    other.partial_fit(np.ones((2, 9)), np.ones(2))
    train(estimator, None, epochs=1)
    before = face_of(estimator).get_weights()
    face_of(other).save("nine.npz")
    np.savez("of_no_estimator.npz", w=np.ones(3))
    for name, text in [
        ("mlp.npz", r"it has: +\{'class': 'MLPClassifier'"),
        ("nine.npz", "'features': 9"),
        ("of_no_estimator.npz", "is not what an estimator has learned"),
    ]:
        with pytest.raises(FileFormatError, match=text):
            face_of(estimator).load_weights(name)
    assert same(face_of(estimator).get_weights(), before)


def test_a_file_makes_objects_of_scikit_learn_alone():
    face = face_of(KINDS["mlp"]())
    for name in ("subprocess:Popen", "sklearn.utils.fixes:os", "sklearn:nothing"):
        state = {"kind": "MLPClassifier", "learned": {"_optimizer": {"sklearn:object": name}}}
        with pytest.raises(FileFormatError, match="no class of scikit-learn"):
            face.load_state_for_resume({**state, "rate": None})


def test_a_pickle_is_refused_before_training():
    with pytest.raises(ArgumentError, match=r"saved as \.npz or \.safetensors"):
        train(KINDS["sgd"](), ModelCheckpoint("model.joblib"))
