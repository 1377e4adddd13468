"""The mini sites, each built once."""

from __future__ import annotations

import pytest

from macros.proofs.runner import prove
from tests.sites.builder import Built, MiniSite, set_up

# Proofs of the mini sites belong to them; they are run on a copy, as those of topics are.
collect_ignore_glob = ["*/docs/*"]


@pytest.fixture(scope="session")
def bread(tmp_path_factory: pytest.TempPathFactory) -> MiniSite:
    """A map of bread, its proofs run."""
    mini = set_up(tmp_path_factory.mktemp("bread"))
    assert prove(mini.project, ()) == []
    return mini


@pytest.fixture(scope="session")
def built(bread: MiniSite) -> Built:
    """The map of bread as a site."""
    return bread.build()
