"""Event loops that end in the middle of something."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable
from datetime import timedelta

import pytest
import webex_oauth
from webex_oauth import coordinator as co
from webex_oauth._loop import LoopOutbox
from webex_oauth._loop_jobs import _Errand, _Lent

Begin = Callable[[asyncio.AbstractEventLoop], Callable[[], object]]


async def forever() -> co.Done:
    await asyncio.sleep(3600)
    raise AssertionError


def errand(loop: asyncio.AbstractEventLoop) -> Callable[[], object]:
    return _Errand(forever, (), timedelta(hours=1).total_seconds()).begin


def lent(loop: asyncio.AbstractEventLoop) -> Callable[[], object]:
    return _Lent(loop, forever, lambda task: None).begin


def outbox(loop: asyncio.AbstractEventLoop) -> Callable[[], object]:
    outbox = LoopOutbox(lambda event: forever())
    outbox.loop = loop
    outbox.put(webex_oauth.StoreRecovered())
    return outbox._begin


def run_and_close(make: Begin, rounds: int) -> None:
    """Ends the loop so many rounds after the task was made."""
    loop = asyncio.new_event_loop()

    def end(left: int) -> None:
        if left == 0:
            loop.stop()
        else:
            loop.call_soon(end, left - 1)

    loop.call_soon(make(loop))
    loop.call_soon(end, rounds)
    loop.run_forever()
    loop.close()


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("rounds", [0, 1, 2])
@pytest.mark.parametrize("make", [errand, lent, outbox])
def test_a_task_that_ends_with_its_loop_is_not_complained_about(
    caplog: pytest.LogCaptureFixture, make: Begin, rounds: int
) -> None:
    """Not even where the loop ends before the task has taken its first step."""
    run_and_close(make, rounds)
    gc.collect()
    assert [record.getMessage() for record in caplog.records if record.name == "asyncio"] == []
