"""Forks, and the end of the interpreter: what is under way then in all clients of this process."""

from __future__ import annotations

import atexit
import os
import queue
import threading
import weakref
from typing import TYPE_CHECKING

# What these do after a fork is done before the clients go on.
from . import _crew, _file_store, _stores, _timer  # noqa: F401
from . import coordinator as co
from ._waiting import News, Nobody

if TYPE_CHECKING:
    from ._executor import Executor

__all__ = ["keep", "take"]

_executors: weakref.WeakSet[Executor] = weakref.WeakSet()
_forking = threading.Lock()
_held: list[threading.Lock] = []

#: Who waits for the end looks at the clock so often, in seconds.
_LOOK = 0.05


def keep(executor: Executor) -> None:
    """From now on it goes through forks, and is finished at the end."""
    _executors.add(executor)


# -------------------------------------------------------------------------------------------------------------- forks


def _before_fork() -> None:
    """Nobody is in the middle of a change, whose other half the child would miss."""
    _forking.acquire()
    for executor in list(_executors):
        executor.lock.acquire()
        _held.append(executor.lock)


def _after_fork_in_parent() -> None:
    while _held:
        _held.pop().release()
    _forking.release()


def _after_fork_in_child() -> None:
    global _forking
    _held.clear()
    _forking = threading.Lock()
    for executor in list(_executors):
        executor.forked()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork_in_parent, after_in_child=_after_fork_in_child)

# ------------------------------------------------------------------------------------------------- the interpreter ends

#: Jobs for which there is no thread any longer: the one that ends the interpreter does them.
_jobs: queue.SimpleQueue[tuple[Executor, co.Do]] | None = None


def take(executor: Executor, job: co.Do) -> bool:
    """Takes a job for which no thread could be started, where somebody is there to do it."""
    if _jobs is None:
        return False
    _jobs.put((executor, job))
    return True


class _Closing(Nobody):
    """One client that is being closed."""

    def __init__(self, executor: Executor) -> None:
        self.executor = executor
        self.is_over = False
        executor.begin(co.Close(), self)

    def put(self, news: News) -> None:
        self.is_over = True


def _finish_all() -> None:
    """A grant that is under way is awaited, and stored. Bounded, as closing is."""
    global _jobs
    _jobs = queue.SimpleQueue()
    closing = [_Closing(executor) for executor in list(_executors)]
    while closing := [one for one in closing if not one.is_over]:
        try:
            executor, job = _jobs.get(timeout=_LOOK)
        except queue.Empty:
            for one in closing:
                one.executor.wake()
        else:
            executor.finish(job)


atexit.register(_finish_all)
