"""The document: written from the figures alone, wins and losses alike."""

import pytest
from bench.__main__ import merged
from bench.contenders import BASELINE
from bench.document import rendered
from bench.measures import beside_keras
from bench.ratios import Results, Spread
from bench.tables import number, shown, table
from bench.targets import targets

from bench import chart

MACHINE = {
    "processor": "A processor",
    "cores": 2,
    "threads": 2,
    "memory_gib": 8,
    "system": "Linux",
    "python": "3.11",
    "versions": {"torch": "2.13.0"},
}


def results(figures, skipped=None):
    one = {"load": {"loadavg": 0.1, "calibration": [1.0, 1.1]}, "figures": figures}
    return Results(
        {
            "date": "2026-01-01",
            "quick": False,
            "machine": MACHINE,
            "skipped": skipped or {},
            "rounds": [one],
        }
    )


def step(seconds, losses=(1.0,)):
    return {"seconds": seconds, "losses": list(losses)}


def test_a_table_is_markdown():
    assert table(["a", "b"], [["1", "2"]]) == "| a | b |\n| --- | --- |\n| 1 | 2 |"


def test_a_figure_shows_its_spread_unless_there_is_none():
    assert shown(Spread(0.8, 0.75, 0.9)) == "0.80 (0.75 to 0.90)"
    assert shown(Spread(0.8, 0.8, 0.8), " s") == "0.80 s"
    assert shown(None) == "-"


@pytest.mark.parametrize(
    ("value", "text"), [(0.123, "0.12"), (12.34, "12.3"), (123.4, "123"), (12345.6, "12346")]
)
def test_a_number_shows_what_can_be_believed(value, text):
    assert number(value) == text


def test_two_processes_are_shown_beside_a_loop_by_hand():
    figures = {"seconds": 1.05, "plain": 1.0, "extra": 0.05}
    text = rendered(results({"processes_mlp": {"onfit: fit": figures}}))
    assert "## Two processes" in text
    assert "| onfit: fit | 1.05 |" in text
    assert "| fit, of two processes, against DDP by hand, mlp | 1.1 | 1.03 | 1.05 | yes |" in text


def test_a_missed_target_is_as_plain_as_a_met_one():
    figures = {
        "softmax": {"onfit": step(0.8), BASELINE: step(1.0)},
        "mlp": {"onfit": step(0.9), BASELINE: step(1.0)},
    }
    text = rendered(results(figures))
    assert "| `fit`, softmax | 0.85 | 0.7 | 0.80 | yes |" in text
    assert "| `fit`, mlp | 0.85 | 0.7 | 0.90 | **no** |" in text
    assert "| `fit`, conv | 1.02 | - | - | not measured |" in text


def test_who_is_ahead_is_named():
    figures = {"mlp": {"onfit": step(0.8), "keras_jax": step(0.6), BASELINE: step(1.0)}}
    assert "- mlp: Keras on jax (0.60); onfit takes 0.80." in rendered(results(figures))


def test_nobody_is_left_out_in_silence():
    figures = {
        "mlp": {
            "onfit": step(0.8),
            "skorch": {"error": "ValueError: no"},
            "ignite": step(0.1, losses=[9.0]),
            BASELINE: step(1.0),
        }
    }
    text = rendered(results(figures, skipped={"poutyne": ["poutyne"]}))
    assert "- Poutyne: not installed (poutyne)." in text
    assert "- mlp, skorch: failed with `ValueError: no`" in text
    assert "- Ignite, mlp: other losses than the tuned loop's." in text
    assert "| Ignite | 0.10 (other losses!) |" in text
    assert "| skorch | failed |" in text


def test_the_cost_of_a_hook_is_that_of_sixteen_divided():
    hooks = {"onfit: no-op x 16": {"seconds": 1.0, "plain": 0.9, "extra": 16e-6}}
    target = next(each for each in targets() if each.what.startswith("a no-op batch callback"))
    found = target.find(results({"hooks_tiny": hooks}))
    assert found.median == pytest.approx(1.0)


def test_hooks_of_two_libraries_are_compared_where_they_took_turns():
    found = results({"beside_keras_mlp": {beside_keras.NAME: {"seconds": 0.8, "plain": 1.0}}})
    target = next(each for each in targets() if "against Keras on jax with one, mlp" in each.what)
    assert target.find(found).median == pytest.approx(0.8)
    assert target.find(results({"hooks_mlp": {"onfit: no-op x 16": step(1.0)}})) is None
    assert f"| {beside_keras.NAME} | 0.80 |" in rendered(found)


def test_of_the_trainers_that_one_counts_which_comes_nearest():
    seconds = {"torch_tuned": 1.0, "onfit": 1.0, "skorch": 2.0, "ignite": 1.25}
    figures = {"conv": {name: step(one) for name, one in seconds.items()}}
    target = next(each for each in targets() if "conv, against" in each.what)
    assert target.find(results(figures)).median == pytest.approx(0.8)


def test_a_target_without_its_rivals_is_not_measured():
    target = next(each for each in targets() if "conv, against" in each.what)
    assert target.met(results({"conv": {"onfit": step(1.0)}})) is None


def test_what_was_measured_again_takes_the_place_of_what_was_there():
    first = results({"mlp": {"onfit": step(0.9)}, "conv": {"onfit": step(1.0)}}).raw
    again = results({"mlp": {"onfit": step(0.8)}}).raw
    again["rounds"] *= 2
    whole = Results(merged([first, again]))
    assert [one.get("mlp") for one in whole.rounds] == [{"onfit": step(0.8)}] * 2
    assert [one.get("conv") for one in whole.rounds] == [{"onfit": step(1.0)}, None]
    assert "mlp: anew on 2026-01-01, in 2 rounds." in rendered(whole)
    assert "Measured on 2026-01-01 in 1 round." in rendered(whole)


def test_the_chart_is_drawn(tmp_path):
    figures = {"mlp": {"onfit": step(0.8), BASELINE: step(1.0)}}
    chart.draw(results(figures), tmp_path / "chart.png")
    assert (tmp_path / "chart.png").stat().st_size > 1000
