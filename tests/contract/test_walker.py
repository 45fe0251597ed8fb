"""The walker itself: what it finds, and what it says."""

from types import SimpleNamespace
from typing import Any

from tests.contract.walker import (
    KEPT,
    REFUSED,
    arguments_of,
    assert_named,
    lacking,
    signature,
    verdict,
)

from onfit.errors import ArgumentError


class Base:
    def __init__(self, given: int, *, dtype: str | None = None) -> None:
        pass


class Named(Base):
    def __init__(self, size: int, rate: float = 0.5, **base: Any) -> None:
        super().__init__(1, **base)


class Alone(Named):
    def __init__(self, seed: int | None = None) -> None:
        super().__init__(2)


def test_arguments_go_on_to_the_base_class_where_kwargs_do() -> None:
    assert signature(Named) == {"size": True, "rate": False, "dtype": False}
    assert signature(Alone) == {"seed": False}


def test_only_what_both_have_is_walked() -> None:
    theirs = SimpleNamespace(Named=Named, Alone=Alone, alias=Named, Alias=Named)
    ours = SimpleNamespace(Named=Named)
    assert lacking(theirs, ours) == ["Alone"]
    assert [str(each) for each in arguments_of(theirs, ours, also=["name"])] == [
        "Named(dtype)", "Named(size)", "Named(rate)", "Named(name)",
    ]  # fmt: skip


def test_a_verdict_tells_kept_refused_ignored_and_raw_errors_apart() -> None:
    class Ours:
        def __init__(self, kept: int = 0, ignored: int = 0, refused: int = 0, bad: int = 0) -> None:
            self.kept = kept
            if refused:
                raise ArgumentError("refused=1 cannot be.")
            if bad:
                raise ArgumentError("No.")

    theirs, ours = SimpleNamespace(Ours=Ours), SimpleNamespace(Ours=Ours)
    kept, ignored, refused, bad = (verdict(each, 1, {}) for each in arguments_of(theirs, ours))
    assert (kept, refused) == (KEPT, REFUSED)
    assert ignored == "Ours(ignored): 1 was given and None is kept"
    assert bad == "Ours(bad): refused without its name: No."
    raw = arguments_of(theirs, SimpleNamespace(Ours=lambda: None), also=["kept"])
    assert raw == []


def test_an_error_must_have_all_the_words() -> None:
    def refuse() -> None:
        raise ArgumentError("rat=1 is not an argument. Did you mean 'rate'?")

    assert_named(refuse, "rat", "rate")
