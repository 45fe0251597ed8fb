"""Rounds: every case once, shuffled; a failing process costs nothing but its own figures."""

import json
import subprocess
from types import SimpleNamespace

import pytest
from bench.__main__ import all_cases, wanted
from bench.cases import Case
from bench.contenders import CONTENDERS, Contender

from bench import rounds


def case(group="mlp", name="onfit", contender="onfit", once=False):
    return Case(group, name, "bench.measures.training", {}, contender, once)


def test_a_shuffle_keeps_what_is_compared_close_in_time():
    cases = [case(group, name) for group in "abc" for name in "12345"]
    order = rounds.shuffled(cases, seed=1)
    groups = [one.group for one in order]
    assert sorted(order, key=str) == sorted(cases, key=str)
    assert order != cases
    assert all(groups[at : at + 5] == [groups[at]] * 5 for at in (0, 5, 10))


def test_each_round_has_an_order_of_its_own():
    cases = [case(name=str(number)) for number in range(10)]
    assert rounds.shuffled(cases, seed=1) != rounds.shuffled(cases, seed=2)


def test_what_is_measured_once_is_measured_in_the_first_round(monkeypatch):
    monkeypatch.setattr(rounds, "in_process", lambda case, threads: {"seconds": 1.0})
    monkeypatch.setattr(rounds.machine, "load", dict)
    first, second = rounds.measure([case(name="a", once=True), case(name="b")], 2, threads=1)
    assert set(first["figures"]["mlp"]) == {"a", "b"}
    assert set(second["figures"]["mlp"]) == {"b"}


def test_a_process_gets_its_environment_and_its_threads():
    def run(command, env, **options):
        assert env["KERAS_BACKEND"] == "jax"
        assert env["OMP_NUM_THREADS"] == "3"
        return SimpleNamespace(returncode=0, stdout='{"seconds": 2.0}')

    assert rounds.in_process(case(contender="keras_jax"), 3, run) == {"seconds": 2.0}


def test_a_process_that_fails_leaves_the_last_line_of_its_error():
    failed = SimpleNamespace(returncode=1, stderr="Traceback ...\nValueError: no\n")
    figures = rounds.in_process(case(), 1, lambda *args, **options: failed)
    assert figures == {"error": "ValueError: no"}


def test_a_process_that_hangs_is_given_up():
    def run(*args, **options):
        raise subprocess.TimeoutExpired("python", 300)

    assert "300 seconds" in rounds.in_process(case(), 1, run)["error"]


def test_an_absent_library_is_missed_by_name(monkeypatch):
    ghost = Contender("Ghost", "ghost", ("json", "no_such_package"))
    monkeypatch.setitem(CONTENDERS, "ghost", ghost)
    assert case(contender="ghost").missing() == ["no_such_package"]
    assert case(contender="onfit").missing() == []


@pytest.mark.parametrize(
    ("only", "contenders", "asked"),
    [
        (None, ["onfit"], True),
        (["hooks"], ["onfit"], True),
        (["hooks_mlp"], ["onfit"], True),
        (["hook"], ["onfit"], False),
        (["mlp"], ["onfit"], False),
        (None, ["skorch"], False),
    ],
)
def test_cases_are_asked_for_by_group_and_contender(only, contenders, asked):
    assert wanted(case(group="hooks_mlp"), only, contenders) is asked


def test_every_case_can_be_told_from_every_other():
    cases = list(all_cases(quick=True))
    assert len({(one.group, one.name) for one in cases}) == len(cases)
    assert all(json.loads(one.command("python")[-1]) == one.arguments for one in cases)
