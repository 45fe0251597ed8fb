"""History: what every epoch logged, and its figure."""

import pickle
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.figure import Figure

from onfit.callbacks import EarlyStopping, History, ModelCheckpoint
from onfit.core import Logs, Run
from onfit.errors import ArgumentError, MissingMetricError, MissingPackageError, NotReadyError


def history_of(*epochs, first=0):
    history = History()
    history.on_train_begin({})
    for epoch, logs in enumerate(epochs, start=first):
        history.on_epoch_end(epoch, logs)
    return history


def curves(figure):
    """The points of every line of every axes, by title and label."""
    return {
        (axes.get_title(), line.get_label()): (list(line.get_xdata()), list(line.get_ydata()))
        for axes in figure.axes
        for line in axes.lines
    }


# --- what is kept -----------------------------------------------------------------------------


def test_every_value_of_every_epoch_is_kept_in_order():
    history = history_of({"loss": 1.0, "acc": 0.1}, {"loss": 0.5, "acc": 0.2})
    assert history.epoch == [0, 1]
    assert dict(history.history) == {"loss": [1.0, 0.5], "acc": [0.1, 0.2]}


def test_a_name_is_found_by_its_aliases_and_listed_as_logged():
    history = history_of({"accuracy": 0.1, "val_acc": 0.2, "learning_rate": 0.01})
    assert history.history["acc"] == [0.1]
    assert history.history["val_accuracy"] == [0.2]
    assert history.history["lr"] == [0.01]
    assert list(history.history) == ["accuracy", "val_acc", "learning_rate"]


def test_two_spellings_that_are_both_logged_stay_apart():
    history = history_of({"acc": 0.1, "accuracy": 0.2}, {"accuracy": 0.3})
    assert dict(history.history) == {"acc": [0.1], "accuracy": [0.2, 0.3]}


def test_a_spelling_that_comes_later_gets_a_list_of_its_own():
    history = history_of({"acc": 0.1}, {"accuracy": 0.2})
    assert dict(history.history) == {"acc": [0.1], "accuracy": [0.2]}


def test_an_epoch_without_logs_is_still_an_epoch():
    history = history_of(None, {})
    assert history.epoch == [0, 1]
    assert history.history == {}


def test_a_new_training_starts_anew_and_leaves_what_was_handed_out():
    history = history_of({"loss": 1.0})
    kept = history.history
    history.on_train_begin({})
    history.on_epoch_end(0, {"loss": 2.0})
    assert kept == {"loss": [1.0]}
    assert history.history == {"loss": [2.0]}
    assert history.epoch == [0]


def test_it_can_be_told_without_a_training():
    history = History()
    history.on_epoch_end(4, {"loss": 1.0})
    assert (history.epoch, history.history) == ([4], {"loss": [1.0]})


def test_what_is_kept_are_numbers_and_not_logs():
    history = History()
    logs = Logs()
    logs.defer(["loss"], lambda: [0.5])
    history.on_epoch_end(0, logs)
    logs["loss"] = 9.0
    assert history.history == {"loss": [0.5]}


def test_epochs_are_counted_as_the_run_counts_them():
    history = History()
    with Run(SimpleNamespace(), history, epochs=5, initial_epoch=3) as run:
        for _ in run.epochs():
            run.log(loss=1.0)
    assert history.epoch == [3, 4]


# --- what a person sees of it ---------------------------------------------------------------


def test_its_text_has_the_number_of_epochs_and_what_the_last_logged():
    history = history_of({"loss": 1.0, "val_loss": 2.0}, {"loss": np.float32(0.123456), "of": "é"})
    assert repr(history) == "History(2 epochs, loss=0.1235, of='é')"
    assert repr(history_of({"loss": 1.0}, first=7)) == "History(1 epoch, loss=1)"
    assert repr(History()) == repr(history_of()) == "History()"
    assert repr(history_of({})) == "History(1 epoch)"


def test_its_table_has_the_last_epochs_as_the_progress_bar_counts_them():
    history = history_of(*[{"loss": 1 / (n + 1)} for n in range(7)])
    table = history._repr_html_()
    assert "<caption>History: the last 5 of 7 epochs</caption>" in table
    assert "<thead><tr><th>epoch</th><th>loss</th></tr></thead>" in table
    assert table.count("<tr>") == 6
    assert "<tbody><tr><td>3</td><td>0.3333</td></tr>" in table
    assert "<tr><td>7</td><td>0.1429</td></tr></tbody></table>" in table


def test_a_value_that_an_epoch_did_not_log_is_an_empty_cell():
    history = history_of({"loss": 1.0}, {"loss": 0.5, "val_loss": 2.0}, {})
    assert "all epochs" in history._repr_html_()
    rows = history._repr_html_().split("<tbody>")[1]
    assert rows.startswith("<tr><td>1</td><td>1</td><td></td></tr><tr><td>2</td><td>0.5</td>")
    assert "<tr><td>3</td><td></td><td></td></tr>" in rows


def test_its_table_is_escaped_whatever_was_logged():
    class Mine(History):
        pass

    Mine.__name__ = "Mine<b>"
    history = Mine()
    history.on_epoch_end(0, {"<script>": "<b>&", "acc": [1, 2], "no": float("nan"), "array": Odd()})
    table = history._repr_html_()
    assert "<script>" not in table
    assert "<b>" not in table
    assert "<th>&lt;script&gt;</th>" in table
    assert "<td>&#x27;&lt;b&gt;&amp;&#x27;</td>" in table
    assert "<td>[1, 2]</td><td>nan</td><td>&lt;Odd&gt;</td>" in table


class Odd:
    def __repr__(self):
        return "<Odd>"


def test_a_table_of_very_many_columns_says_how_many_it_leaves_out():
    table = history_of({f"m{n}": n for n in range(20)})._repr_html_()
    assert "all epochs, 8 more columns" in table
    assert table.count("<th>") == 13


def test_a_history_without_epochs_has_no_table():
    assert History()._repr_html_() == "<p>History()</p>"


def test_a_history_that_was_filled_by_hand_is_shown_from_the_first_epoch():
    history = History()
    history.history["loss"] = [3.0, 2.0]
    assert repr(history) == "History(2 epochs, loss=2)"
    assert "<tr><td>2</td><td>2</td></tr>" in history._repr_html_()


# --- the figure -------------------------------------------------------------------------------


def test_each_metric_has_axes_with_its_training_and_validation_curve():
    figure = history_of(
        {"loss": 1.0, "acc": 0.1, "val_loss": 2.0, "val_acc": 0.3},
        {"loss": 0.5, "acc": 0.2, "val_loss": 3.0, "val_acc": 0.4},
    ).plot()
    assert isinstance(figure, Figure)
    assert curves(figure) == {
        ("loss", "training"): ([1, 2], [1.0, 0.5]),
        ("loss", "validation"): ([1, 2], [2.0, 3.0]),
        ("loss", "best: 2 at epoch 1"): ([1], [2.0]),
        ("acc", "training"): ([1, 2], [0.1, 0.2]),
        ("acc", "validation"): ([1, 2], [0.3, 0.4]),
        ("acc", "best: 0.4 at epoch 2"): ([2], [0.4]),
    }


def test_a_value_stands_at_the_epoch_that_logged_it():
    history = history_of({"loss": 4.0}, {"loss": 3.0, "val_loss": 1.0}, {"loss": 2.0}, first=10)
    assert curves(history.plot()) == {
        ("loss", "training"): ([11, 12, 13], [4.0, 3.0, 2.0]),
        ("loss", "validation"): ([12], [1.0]),
        ("loss", "best: 1 at epoch 12"): ([12], [1.0]),
    }


def test_after_a_second_training_epochs_are_those_of_the_second():
    history = history_of({"loss": 4.0}, {"loss": 3.0})
    history.on_train_begin({})
    history.on_epoch_end(7, {"loss": 1.0})
    assert curves(history.plot())["loss", "training"] == ([8], [1.0])


def test_a_history_that_was_filled_by_hand_is_drawn_from_the_first_epoch():
    history = History()
    history.history["loss"] = [3.0, 2.0]
    assert curves(history.plot())["loss", "training"] == ([1, 2], [3.0, 2.0])


def test_without_validation_the_best_of_training_is_marked():
    assert ("acc", "best: 0.2 at epoch 2") in curves(history_of({"acc": 0.1}, {"acc": 0.2}).plot())


def test_the_first_of_equal_values_is_the_best():
    figure = history_of({"loss": 1.0}, {"loss": 1.0}).plot()
    assert ("loss", "best: 1 at epoch 1") in curves(figure)


def test_what_is_not_finite_is_never_the_best():
    nan, inf = float("nan"), float("inf")
    figure = history_of({"loss": nan}, {"loss": -inf}, {"loss": 2.0}).plot()
    assert ("loss", "best: 2 at epoch 3") in curves(figure)
    assert len(curves(history_of({"loss": nan}).plot())) == 1


def test_where_no_direction_is_known_no_best_is_marked():
    assert list(curves(history_of({"pearson": 0.1}).plot())) == [("pearson", "training")]


def test_a_learning_rate_comes_last_and_on_a_logarithmic_scale():
    for name in ("lr", "learning_rate"):
        figure = history_of({name: 0.1, "loss": 1.0}, {name: 0.01, "loss": 1.0}).plot()
        assert [axes.get_title() for axes in figure.axes] == ["loss", name]
        assert [axes.get_yscale() for axes in figure.axes] == ["linear", "log"]


def test_a_learning_rate_of_zero_fits_no_logarithmic_scale():
    assert history_of({"lr": 0.1}, {"lr": 0.0}).plot().axes[0].get_yscale() == "linear"


def test_a_metric_of_validation_alone_has_axes_too():
    assert list(curves(history_of({"val_pearson": 1.0}).plot())) == [("pearson", "validation")]


def test_epochs_are_whole_numbers_from_1():
    figure = history_of({"loss": 1.0}, {"loss": 0.5}, {"loss": 0.2}).plot()
    axes = figure.axes[0]
    ticks = [tick for tick in axes.get_xticks() if axes.get_xlim()[0] <= tick <= axes.get_xlim()[1]]
    assert ticks == [1, 2, 3]
    assert axes.get_xlabel() == "epoch"
    assert axes.get_legend() is not None


def test_what_is_not_a_number_is_not_drawn():
    figure = history_of({"loss": 1.0, "per_class": np.zeros(3), "note": "x", "list": [1]}).plot()
    assert [axes.get_title() for axes in figure.axes] == ["loss"]


def test_numbers_of_numpy_are_drawn():
    figure = history_of({"loss": np.float32(0.5)}).plot()
    assert curves(figure)["loss", "training"] == ([1], [0.5])


@pytest.mark.parametrize("count", range(1, 10))
def test_any_number_of_metrics_has_a_place(count):
    figure = history_of({f"metric{i}": 1.0 for i in range(count)}).plot()
    assert len(figure.axes) == count
    figure.canvas.draw()


def test_metrics_are_chosen_under_any_of_their_names_and_drawn_once():
    history = history_of({"loss": 1.0, "acc": 0.1, "val_acc": 0.2})
    for metrics in ("accuracy", ["acc"], ["val_accuracy", "acc"]):
        titles = [axes.get_title() for axes in history.plot(metrics=metrics).axes]
        assert titles == ["acc"]
    assert len(history.plot(metrics=["acc", "loss"]).axes) == 2


def test_an_unknown_metric_is_an_error_that_helps():
    with pytest.raises(MissingMetricError) as caught:
        history_of({"loss": 1.0, "val_loss": 1.0}).plot(metrics=["vall_loss"])
    assert str(caught.value) == (
        "History.plot(metrics=...): no epoch logged a number as 'vall_loss'. "
        "There are: loss, val_loss. Did you mean 'val_loss'?"
    )


@pytest.mark.parametrize("history", [History(), history_of({}), history_of({"note": "x"})])
def test_a_history_without_numbers_is_an_error_that_says_what_to_do(history):
    with pytest.raises(NotReadyError, match=r"no epoch logged a number yet\. Train first"):
        history.plot()


# --- where it goes ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "start"),
    [("a.png", b"\x89PNG"), ("a.PNG", b"\x89PNG"), ("a.pdf", b"%PDF"), ("a.svg", b"<?xml")],
)
def test_the_suffix_of_the_file_chooses_its_format(tmp_path, name, start):
    history_of({"loss": 1.0}).plot(tmp_path / "plots" / name)
    assert (tmp_path / "plots" / name).read_bytes().startswith(start)


def test_a_path_may_be_text(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    history_of({"loss": 1.0}).plot("history.png")
    assert [path.name for path in tmp_path.iterdir()] == ["history.png"]


@pytest.mark.parametrize("name", ["loss", "a.docx"])
def test_a_file_of_no_known_format_is_an_error_that_lists_them(tmp_path, name):
    with pytest.raises(ArgumentError, match=r"one of .*pdf.*png.* write metrics=\[\.\.\.\]"):
        history_of({"loss": 1.0}).plot(str(tmp_path / name))
    assert list(tmp_path.iterdir()) == []


def test_a_notebook_can_show_it():
    assert history_of({"loss": 1.0}).plot()._repr_png_().startswith(b"\x89PNG")


def test_pyplot_is_not_touched():
    code = (
        "import sys\n"
        "from onfit.callbacks import History\n"
        "history = History()\n"
        "history.on_epoch_end(0, {'loss': 1.0})\n"
        "history.plot()\n"
        "print('matplotlib.pyplot' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("False\n", "")


def test_without_matplotlib_the_error_says_what_to_install(monkeypatch):
    monkeypatch.delitem(sys.modules, "onfit.callbacks.history.curves", raising=False)
    monkeypatch.delattr("onfit.callbacks.history.curves", raising=False)
    monkeypatch.setitem(sys.modules, "matplotlib.axes", None)
    with pytest.raises(MissingPackageError) as caught:
        history_of({"loss": 1.0}).plot()
    assert str(caught.value) == (
        "History.plot() draws with matplotlib, which is not installed. "
        'Install it with: pip install "onfit[plot]"'
    )
    assert caught.value.name == "matplotlib"


# --- rows and frames --------------------------------------------------------------------------


def test_rows_have_their_epoch_and_what_it_logged():
    history = history_of({"loss": 1.0}, {"loss": 0.5, "val_loss": 2.0}, first=3)
    assert history.rows() == [
        {"epoch": 3, "loss": 1.0},
        {"epoch": 4, "loss": 0.5, "val_loss": 2.0},
    ]
    assert History().rows() == []


def decided(tmp_path):
    history = History()
    saving = ModelCheckpoint(tmp_path / "{step}.h5", save_freq="2 batches")
    callbacks = [EarlyStopping("loss", patience=2), saving, History(), history]
    model = SimpleNamespace(save=str, save_weights=str)
    with Run(model, callbacks, epochs=5) as run:
        for epoch in run.epochs():
            for _ in run.batches([[1]] * 3):
                run.log(loss=[5, 4, 6, 7, 8][epoch])
    return history


def test_a_frame_has_the_logs_and_the_reasons_of_each_decision(tmp_path):
    frame = decided(tmp_path).to_frame()
    assert list(frame.index) == [0, 1, 2, 3]
    assert frame.index.name == "epoch"
    assert list(frame.columns) == ["loss", "EarlyStopping", "ModelCheckpoint"]
    assert frame["EarlyStopping"].iloc[2] == "loss 6.0 did not beat 4.0; 1 of 2"
    assert [len(text.split("; ")) for text in frame["ModelCheckpoint"]] == [1, 2, 1, 2]


def test_a_copy_has_the_decisions_too(tmp_path):
    history = decided(tmp_path)
    copy = pickle.loads(pickle.dumps(history))
    assert copy.to_frame().equals(history.to_frame())


def test_a_name_that_an_epoch_did_not_log_is_missing_in_its_row():
    frame = history_of({"loss": 1.0}, {"loss": 0.5, "val_loss": 2.0}).to_frame()
    assert frame["val_loss"].isna().tolist() == [True, False]


def test_a_frame_of_a_run_of_steps_has_its_steps():
    history = History()
    history.set_params({"epochs": None})
    history.on_validation_end(10, {"loss": 1.0})
    history.on_validation_end(20, {"loss": 0.5})
    frame = history.to_frame()
    assert (frame.index.name, list(frame.index), list(frame["loss"])) == (
        "step", [10, 20], [1.0, 0.5]
    )  # fmt: skip


def test_a_frame_without_pandas_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(MissingPackageError, match="pip install pandas"):
        history_of({"loss": 1.0}).to_frame()
