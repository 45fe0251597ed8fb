"""Every deliberate disagreement with Keras is shown by a test; the list has no dead entries."""

from tests.twin import (
    test_callbacks,
    test_disagreements,
    test_disagreements_of_records,
    test_metrics,
    test_optimizers,
    test_training,
)
from tests.twin.exclusions import EXCLUSIONS


def test_every_exclusion_has_a_test_and_a_sentence() -> None:
    modules = (
        test_callbacks,
        test_disagreements,
        test_disagreements_of_records,
        test_metrics,
        test_optimizers,
        test_training,
    )
    tests = [test for module in modules for test in vars(module).values()]
    shown = {name for test in tests for name in getattr(test, "shows", ())}
    assert shown == set(EXCLUSIONS)
    assert all(sentence.endswith(".") for sentence in EXCLUSIONS.values())
