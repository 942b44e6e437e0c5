"""The fixture of pytest."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from . import Simulator


@pytest.fixture(scope="session")
def _webex_simulator() -> Iterator[Simulator]:
    with Simulator() as simulator:
        yield simulator


@pytest.fixture
def webex_simulator(_webex_simulator: Simulator) -> Simulator:
    """A Webex of your own: one program for the run, a fresh world for each test."""
    _webex_simulator.reset()
    return _webex_simulator
