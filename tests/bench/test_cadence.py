"""The arithmetic of saving under failures."""

import random

import pytest
from bench.cadence import Case, case_of, means


def test_without_failures_only_the_saves_take_time():
    case = Case(cost=0.1, between=1e12, restart=1.0)
    assert case.simulated(1.0, 10, random.Random(0)) == pytest.approx(1.1)
    assert case.expected(1.0) == pytest.approx(1.1, rel=1e-4)


def test_what_is_simulated_is_what_the_formula_says():
    case = Case(cost=0.05, between=4.0, restart=0.2)
    for interval in (0.2, 1.0, 3.0):
        assert means(case, [interval], 60)[0] == pytest.approx(case.expected(interval), rel=0.05)


def test_the_square_root_is_nearly_the_best_interval():
    for devices in (8, 512, 16_384):
        case = case_of(devices)
        best = case.young()
        around = [case.expected(best * factor) for factor in (0.25, 0.5, 2.0, 4.0)]
        assert min(around) > case.expected(best)
