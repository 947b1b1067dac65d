"""A sealed result is read back before its digest goes on the chain: nobody else could make it again."""

from __future__ import annotations

from pathlib import Path

import pytest

from hexchange.errors import ContentMissing
from hexchange.owner.release import publish
from hexchange.storage.cid import Cid
from hexchange.storage.folder import FolderStore


class LosingStore(FolderStore):
    """Takes every block and keeps none."""

    def _save(self, cid: Cid, block: bytes) -> None:
        pass


def test_a_result_that_the_store_lost_is_not_released(tmp_path: Path) -> None:
    with pytest.raises(ContentMissing):
        publish(LosingStore(tmp_path), 1, b"sealed result")
    kept = FolderStore(tmp_path)
    assert len(publish(kept, 1, b"sealed result")) == 32
