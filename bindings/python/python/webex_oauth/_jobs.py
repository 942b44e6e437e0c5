"""A coordinator's jobs: each is done where it is, and ends in a report, whatever the application's own code does."""

from __future__ import annotations

import errno
import logging
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from datetime import timedelta
from functools import partial
from typing import Any, Literal, cast

from . import coordinator as co
from ._clocks import tick
from ._core import HttpResponse, Secret, TokenAsk
from ._errors import Error, NotConfigured, RestoreError, StoreError, TransportError, without_frames
from ._options import tokens_text
from ._stores import AsyncStore, Store, as_snapshot, takes_due_at
from ._transport import is_own

__all__ = ["Jobs", "at_store", "saved"]

logger = logging.getLogger("webex_oauth")

#: A coordinator asks for one thing at a time; the others are those that hang.
MOST_HANGING = 8

_Fault = Literal["not_sent", "lost"]
_StoreKind = Literal["unavailable", "denied", "full", "damaged", "other"]


def at_store(op: co.Op) -> bool:
    """Whether this is for the store."""
    return not isinstance(op, (co.Send, co.AskForToken, co.AskForJwt))


class Jobs:
    """What an application has brought along, and how it is used. Jobs run on threads of their own."""

    def __init__(
        self,
        *,
        store: Store | AsyncStore | None,
        transport: Callable[[Any], Any],
        refresh_callback: Callable[[TokenAsk], object] | None,
        jwt_callback: Callable[[], object] | None,
    ) -> None:
        self._store, self._transport = store, transport
        self._takes_due_at = store is not None and takes_due_at(store.save)
        self._refresh_callback, self._jwt_callback = refresh_callback, jwt_callback
        #: What the last request or question failed with: the cause of what callers are told.
        self.cause: BaseException | None = None
        #: The last error of the store, in its own words.
        self._error: StoreError | None = None
        self.restart()

    def restart(self) -> None:
        """After a fork: the lock is the parent's."""
        self._lock: AbstractContextManager[object] | None = None
        self._count = threading.Lock()
        self._hanging = {"store": 0, "others": 0}

    @property
    def has_store(self) -> bool:
        return self._store is not None

    @property
    def lock_domain(self) -> str | None:
        """The name of the store's lock, where it has one."""
        name = getattr(self._store, "lock_domain", None)
        return None if name is None else name()

    def stored(self) -> Secret | None:
        """What the store holds at the beginning. Raises StoreError."""
        if self._store is None:
            return None
        try:
            return self._load()
        except Exception as error:
            problem = store_error(error, "cannot be read")
            raise problem from problem.__cause__

    # --------------------------------------------------------------------------- how the application is called

    def call(self, function: Callable[..., Any], *arguments: object, within: timedelta | None = None) -> Any:
        """Calls a transport. A thread cannot be taken away from what it does: ``within`` is for others."""
        return function(*arguments)

    def lend(self, op: co.Op, report: Callable[[co.Done], None]) -> bool:
        """Whether something else than a thread does this job, and reports it."""
        return False

    def at_store(self, function: Callable[..., Any], *arguments: object) -> Any:
        """Calls a store."""
        return self.call(function, *arguments)

    def ask(self, function: Callable[..., Any], *arguments: object, within: timedelta) -> Any:
        """Calls what the application wrote for this kind of client."""
        return function(*arguments)

    # ----------------------------------------------------------------------------------------------------------- jobs

    @staticmethod
    def failed(op: co.Op, fault: _Fault, problem: str) -> co.Done:
        """The report of a job that came to nothing by our own doing."""
        match op:
            case co.Send():
                return co.SendFailed(fault)
            case co.AskForToken() | co.AskForJwt():
                return co.HostFailed(problem)
            case _:
                return co.StoreFailed(co.StoreFault("other", problem))

    def run(self, op: co.Op) -> co.Done:
        """Does one."""
        kind = "store" if at_store(op) else "others"
        with self._count:
            if self._hanging[kind] >= MOST_HANGING:
                return self.failed(op, "not_sent", "it does not answer")
            self._hanging[kind] += 1
        try:
            return self._attempt(op)
        except BaseException as error:
            return self.failed(op, "lost", f"it raised {type(error).__name__}")
        finally:
            with self._count:
                self._hanging[kind] -= 1

    def _attempt(self, op: co.Op) -> co.Done:
        match op:
            case co.Send():
                return self._send(op)
            case co.AskForToken(ask=ask, within=within):
                return self._answer(within, self._refresh_callback, ask)
            case co.AskForJwt(within=within):
                return self._answer(within, self._jwt_callback)
            case co.Load():
                return self._at_store(op, "cannot be read")
            case co.Save():
                return self._at_store(op, "cannot save")
            case co.TryLock() | co.Unlock():
                return self._at_store(op, "cannot be locked")

    # ------------------------------------------------------------------------------------------ requests, questions

    def _send(self, op: co.Send) -> co.Done:
        request, begun = op.request, time.monotonic()
        try:
            if is_own(self._transport):
                response = self.call(self._transport.sender, request, op.not_after, within=op.within)
            elif op.not_after is not None and tick() > op.not_after:
                raise TransportError("it is too late to send this", fault="not_sent")
            else:
                response = self.call(self._transport, request, within=op.within)
            if not isinstance(response, HttpResponse):
                raise TransportError(f"the transport returned {type(response).__name__}, not an HttpResponse")
        except Exception as error:
            fault = error.fault if isinstance(error, TransportError) else "lost"
            self.cause = without_frames(error)
            # Only what we made ourselves is known to be free of secrets.
            why = error if isinstance(error, Error) else type(error).__name__
            logger.info("%s: %s (%s)", request.purpose, fault, why)
            return co.SendFailed(fault)
        self.cause = None
        logger.debug("%s: HTTP %d in %.3f s", request.purpose, response.status, time.monotonic() - begun)
        return co.Response(response)

    @property
    def kept_back(self) -> str | None:
        """Why the last request was not sent, in the words of a transport of ours, which are free of secrets."""
        cause = self.cause
        is_ours = is_own(self._transport) and isinstance(cause, TransportError) and cause.fault == "not_sent"
        return str(cause) if is_ours else None

    def _answer(self, within: timedelta, callback: Callable[..., object] | None, *arguments: object) -> co.Done:
        try:
            if callback is None:
                raise NotConfigured("no callback is set", what="refresh_callback or jwt_callback", needed_by="renewal")
            return co.Answer(tokens_text(self.ask(callback, *arguments, within=within)))
        except Exception as error:
            self.cause = without_frames(error)
            none = "no callback is set"
            return co.HostFailed(none if callback is None else f"the callback raised {type(error).__name__}")

    # ----------------------------------------------------------------------------------------------------------- store

    def _at_store(self, op: co.Op, what: str) -> co.Done:
        try:
            match op:
                case co.Load():
                    return co.Loaded(self._load())
                case co.Save():
                    return self._save(op)
                case co.TryLock():
                    return self._try_lock()
                case _:
                    self._unlock()
                    return co.Unlocked()
        except Exception as error:
            return self.store_failed(error, what)

    def store_failed(self, error: Exception, what: str) -> co.Done:
        self._error = store_error(error, what)
        return co.StoreFailed(_fault_of(self._error))

    def _load(self) -> Secret | None:
        assert self._store is not None
        return as_snapshot(self.at_store(self._store.load))

    def _save(self, op: co.Save) -> co.Done:
        return saved(self.at_store(self.saving(op)))

    def saving(self, op: co.Save) -> Callable[[], Any]:
        """The call of the store that saves this."""
        assert self._store is not None
        more = {"due_at": op.due_at} if self._takes_due_at else {}
        return partial(self._store.save, op.snapshot, op.revision, op.replaces, **more)

    def _try_lock(self) -> co.Done:
        try:
            lock: AbstractContextManager[object] = self.at_store(getattr(self._store, "lock"), 0.0)  # noqa: B009
            self.at_store(lock.__enter__)
        except StoreError as error:
            if error.is_busy:
                return co.LockBusy()
            raise
        self._lock = lock
        return co.Locked()

    def _unlock(self) -> None:
        lock, self._lock = self._lock, None
        if lock is not None:
            self.at_store(lock.__exit__, None, None, None)

    def __del__(self) -> None:
        # Nobody is left out who waits for it.
        if getattr(self, "_lock", None) is not None:
            with suppress(Exception):
                self._unlock()

    def store_error(self, fault: co.StoreFault) -> StoreError:
        """What a coordinator says of the store, in the store's own words where they are known."""
        known = self._error
        if known is not None and _fault_of(known) == fault:
            return known
        return StoreError(fault.problem, kind=fault.kind)


def saved(found: object) -> co.Done:
    return co.Saved() if found is None else co.Conflict(as_snapshot(found))


def store_error(error: Exception, what: str) -> StoreError:
    """Whatever a store raises is a StoreError: it "cannot be read", say."""
    if isinstance(error, StoreError):
        return error
    problem = StoreError(f"the store {what} ({type(error).__name__})", kind=_kind_of(error))
    problem.__cause__ = without_frames(error)
    return problem


def _kind_of(error: BaseException | None) -> _StoreKind:
    match error:
        case RestoreError():
            return "damaged"
        case PermissionError():
            return "denied"
        case TimeoutError() | ConnectionError():
            return "unavailable"
        case OSError(errno=errno.ENOSPC | errno.EDQUOT):
            return "full"
        case _:
            return "other"


#: How a store failed, in the words of a coordinator.
_FAULTS: dict[str, _StoreKind] = {"busy": "unavailable", "refused": "denied", "sealed": "damaged"}


def _fault_of(error: StoreError) -> co.StoreFault:
    kind = _kind_of(error.__cause__) if error.kind == "other" else error.kind
    return co.StoreFault(_FAULTS.get(kind, cast("_StoreKind", kind)), str(error))
