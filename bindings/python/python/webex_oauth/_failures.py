"""Why a call failed, as an exception for its caller."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from . import _errors
from . import coordinator as co
from ._clocks import instant
from ._core import Event, Fault
from ._errors import DownscopeFailed, Error, RefreshFailed
from ._signed_in import read_state

if TYPE_CHECKING:
    from ._jobs import Jobs

__all__ = ["exception"]


def exception(
    failure: co.Failure,
    what: str,
    jobs: Jobs,
    told: Sequence[Event] = (),
    unavailable: type[RefreshFailed | DownscopeFailed] = RefreshFailed,
) -> Error:
    """``what`` the caller waited for, and the events of the same step, which say more."""
    match failure:
        case co.SignInRequired(reason=reason):
            return _errors.SignInRequired(f"sign in: {reason}", reason=reason)
        case co.Unavailable(fault=fault, retry_at=at):
            return _caused(unavailable(_in_full(fault, jobs), fault=fault, retry_at=instant(at)), jobs)
        case co.LoginFailed():
            return _caused(_login_failed(failure, jobs, told), jobs)
        case co.CallbackIgnored(reason=reason):
            return _errors.CallbackIgnored(f"not the callback of a pending login: {reason}", reason=reason)
        case co.LoginCancelled():
            return _errors.LoginCancelled("the login was cancelled")
        case co.LoginSuperseded():
            return _errors.LoginSuperseded("another sign-in took its place")
        case co.Timeout(limit=limit):
            return _errors.TimedOut(f"{what} took longer than {limit.total_seconds():g} s")
        case co.Store(fault=fault):
            return jobs.store_error(fault)
        case co.ScopeUnknown():
            problem = "what was granted is not known, so it has to be named"
            return _errors.InvalidArgument(f"scope: {problem}", argument="scope", problem=problem)
        case co.Misused(mistake=mistake):
            return mistake
        case co.Closed() | co.Interrupted():
            return _errors.Closed("the client is closed")


def _caused(error: Error, jobs: Jobs) -> Error:
    error.__cause__ = jobs.cause
    return error


def _in_full(fault: Fault, jobs: Jobs) -> str:
    """With what our own transport says of a request that was kept back: which variable is wrong, say."""
    if fault.send == "not_sent" and jobs.kept_back is not None:
        return f"{fault}: {jobs.kept_back}"
    return str(fault)


def _login_failed(failure: co.LoginFailed, jobs: Jobs, told: Sequence[Event]) -> Error:
    fault = failure.fault
    via, cleaned_url, state = "code", None, None
    for event in told:
        if isinstance(event, Event.LoginFailed) and event.fault == fault:
            via, cleaned_url, state = event.via, event.cleaned_url, read_state(event.state)
    problem = f"the login failed: {_in_full(fault, jobs)}"
    return _errors.LoginFailed(problem, fault=fault, via=via, cleaned_url=cleaned_url, state=state)
