"""Run: evaluation, prediction and meters."""

from types import SimpleNamespace

from tests.core.loops import Diary

from onfit.callbacks import CallbackList
from onfit.core.callback import Callback
from onfit.core.logs import Logs
from onfit.core.meter import RunningMeans
from onfit.core.run import Run


def summing(means):
    return lambda batch: means.add({"loss": float(sum(batch))}, len(batch))


def test_evaluation_is_told_and_returns_its_means():
    diary, means = Diary(), RunningMeans()
    run = Run(SimpleNamespace(), CallbackList(diary))
    run.introduce()
    logs = run.evaluate([[1, 1], [5]], summing(means), means)
    assert logs == {"loss": 3.0}
    assert diary.events == [
        ("test_begin", {}),
        ("test_batch_begin", 0, {"batch": 0, "size": 2}),
        ("test_batch_end", 0, {"batch": 0, "size": 2, "loss": 2.0}),
        ("test_batch_begin", 1, {"batch": 1, "size": 1}),
        ("test_batch_end", 1, {"batch": 1, "size": 1, "loss": 5.0}),
        ("test_end", {"loss": 3.0}),
    ]


def test_evaluation_forgets_what_its_meter_held():
    means = RunningMeans()
    run = Run(SimpleNamespace())
    for _ in range(2):
        assert run.evaluate([[2]], summing(means), means) == {"loss": 2.0}


def test_prediction_is_told_and_yields_each_output():
    diary = Diary()
    run = Run(SimpleNamespace(), CallbackList(diary))
    run.introduce()
    assert list(run.predict([[1, 2], [3]], sum)) == [3, 3]
    assert diary.events == [
        ("predict_begin", {}),
        ("predict_batch_begin", 0, {"batch": 0, "size": 2}),
        ("predict_batch_end", 0, {"batch": 0, "size": 2, "outputs": 3}),
        ("predict_batch_begin", 1, {"batch": 1, "size": 1}),
        ("predict_batch_end", 1, {"batch": 1, "size": 1, "outputs": 3}),
        ("predict_end", {}),
    ]


def test_a_size_can_be_told():
    sizes, means = [], RunningMeans()

    class Sizes(Callback):
        def on_train_batch_end(self, batch, logs=None):
            sizes.append(logs["size"])

        on_test_batch_begin = on_predict_batch_end = on_train_batch_end

    with Run(SimpleNamespace(), Sizes()) as run:
        for _ in run.epochs():
            for _ in run.batches(["ab"], size=len):
                run.log(loss=1.0)
        run.evaluate(["abc"], lambda batch: None, means, size=len)
        list(run.predict(["abcd"], str, size=len))
    assert sizes == [2, 3, 4]


def test_a_meter_of_ones_own_measures_the_batches():
    class Constant:
        size = None

        def reset(self):
            self.resets = getattr(self, "resets", 0) + 1

        def report_batch(self, logs):
            logs["loss"] = 1.0

        def report_epoch(self, logs: Logs, prefix=""):
            logs[f"{prefix}loss"] = 2.0

    diary, meter = Diary(), Constant()
    with Run(SimpleNamespace(), diary, epochs=2, meter=meter) as run:
        for _ in run.epochs():
            list(run.batches([[1]]))
    assert meter.resets == 2
    assert diary.events[3] == ("train_batch_end", 0, {"batch": 0, "size": 1, "loss": 1.0})
    assert diary.events[4] == ("epoch_end", 0, {"loss": 2.0})
