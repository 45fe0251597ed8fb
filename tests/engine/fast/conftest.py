"""A record of which way each batch went."""

from typing import Any

import pytest

from onfit.engine.fast.chain_rule import ChainRule


@pytest.fixture
def ways(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Filled with True for each batch that went by the chain rule, False for each that did not."""
    went: list[bool] = []
    original = ChainRule.__call__

    def noted(self: ChainRule, batch: Any, params: Any) -> Any:
        passed = original(self, batch, params)
        went.append(passed is not None)
        return passed

    monkeypatch.setattr(ChainRule, "__call__", noted)
    return went
