"""What several tests of this room begin with."""

import pytest
from tests.storage.some import tree

from onfit.storage.checkpoints import CheckpointManager


@pytest.fixture
def kept(tmp_path):
    """A manager, and two checkpoints in its folder."""
    manager = CheckpointManager(tmp_path / "backup", keep=2)
    manager.save(tree(1))
    manager.save(tree(2))
    return manager
