"""Runs a coordinator: begins its jobs, wakes who waits, reads the clocks. Nothing is decided here.

The lock is held for moments, by whoever changes something, and never while a job runs. A token that was published is
read without it. Both clients run on this one: a job has a thread, or the event loop of an asyncio client lends it a
task, and what is under way belongs to no event loop and ends with none.
"""

from __future__ import annotations

import itertools
import os
import threading
import weakref
from collections import deque
from collections.abc import Callable, Iterable

from . import _ending
from . import coordinator as co
from ._clocks import Clock, nanoseconds, tick
from ._core import ENTROPY_LEN, AccessToken, Config, Event
from ._crew import start_thread
from ._errors import Misuse
from ._events import Outbox, StoreFailed, StoreRecovered
from ._jobs import Jobs, at_store
from ._timer import Later, call_later, look
from ._waiting import Mailbox, News, Nobody, Waiting

__all__ = ["Executor", "Published", "Start"]

Now = tuple[int, int]
#: Has something done by a thread. Raises RuntimeError where there is none.
Start = Callable[[Callable[[], object]], None]


class Published:
    """A token that is handed out without asking, as long as the clock reads between its lines."""

    __slots__ = ("begin", "end", "expires_at", "generation", "header", "text", "token")

    def __init__(self, fresh: co.Fresh) -> None:
        self.begin = fresh.from_ * 1_000_000
        self.end = (2**63 if fresh.until is None else fresh.until) * 1_000_000
        self.token: AccessToken = fresh.token
        self.generation = fresh.generation
        self.expires_at = fresh.expires_at
        self.text = fresh.token.expose()
        self.header = fresh.token.expose_header()


class Executor:
    """``owner`` is the client: when nobody holds that any longer, what is under way is finished, and that is all."""

    def __init__(
        self,
        owner: object,
        config: Config,
        jobs: Jobs,
        outbox: Outbox,
        *,
        mailbox: Callable[[], Mailbox],
        clock: Clock | None,
        start: Start = start_thread,
        start_at_store: Start = start_thread,
    ) -> None:
        self._start_send, self._start_at_store = start, start_at_store
        self.config, self.jobs, self.outbox = config, jobs, outbox
        #: The wall clock.
        self.nanoseconds = nanoseconds(clock)
        self.published: Published | None = None
        self._owner = weakref.ref(owner)
        self._mailbox = mailbox
        self._tickets = itertools.count(1)
        seed, stored = os.urandom(ENTROPY_LEN), jobs.stored()
        self.coordinator = co.Coordinator(config, seed, stored, store=jobs.has_store, lock_domain=jobs.lock_domain)
        self._begin_anew()
        _ending.keep(self)

    def _begin_anew(self) -> None:
        self.lock = threading.Lock()
        self._waiting: dict[int, Mailbox] = {}
        self._alarm: Later | None = None
        self._alarm_for: tuple[int | None, int | None] = (None, None)
        self._is_over = False

    def forked(self) -> None:
        """In the child: threads, and what they did, are the parent's."""
        self._begin_anew()
        self.outbox.restart()
        self.jobs.restart()
        self.published = None
        seed = os.urandom(ENTROPY_LEN)
        self._turn(lambda now: self.coordinator.restarted(now, seed))

    # ---------------------------------------------------------------------------------------------------------- calls

    def begin(self, call: co.Call, mailbox: Mailbox | None = None) -> Waiting:
        """Makes a call. It is given up where nobody waits for it any longer."""
        ticket, mailbox = next(self._tickets), mailbox or self._mailbox()
        self._waiting[ticket] = mailbox
        try:
            self._turn(lambda now: self.coordinator.call(now, ticket, call))
        except BaseException:
            self._waiting.pop(ticket, None)
            raise
        return Waiting(self, ticket, mailbox)

    def give_up(self, ticket: int) -> None:
        """The caller went away."""
        if self._waiting.pop(ticket, None) is not None:
            with self.lock:
                self.coordinator.give_up(ticket)

    def called_without_token(self, url: str) -> None:
        """The token did not go along."""
        self._turn(lambda now: self.coordinator.called_without_token(now, url))

    def wake(self) -> None:
        """Time has passed."""
        self._turn(self.coordinator.wake)

    def __del__(self) -> None:
        # Nobody waits for its alarm any longer. No lock: this may be in the middle of anything.
        if (alarm := getattr(self, "_alarm", None)) is not None:
            alarm.cancel()
            look()

    @property
    def is_at_rest(self) -> bool:
        """Nothing is under way, nobody waits, and what is newest is stored."""
        return not self._waiting and self.coordinator.is_at_rest

    @property
    def has_good_token(self) -> bool:
        """One that is handed out without asking."""
        published = self.published
        return published is not None and published.begin <= self.nanoseconds() < published.end

    def end(self) -> None:
        """Nobody is woken any longer."""
        self._is_over = True
        if (alarm := self._alarm) is not None:
            alarm.cancel()

    # ---------------------------------------------------------------------------------------------------------- turns

    def wall(self) -> int:
        """Milliseconds since 1970. A clock of the application's that raises is as good as none."""
        try:
            return self.nanoseconds() // 1_000_000
        except Exception:
            return nanoseconds(None)() // 1_000_000

    def _turn(self, change: Callable[[Now], list[co.Output]]) -> None:
        """Changes the coordinator and does what it says."""
        self._begin_jobs(self._change(change))

    def _change(self, change: Callable[[Now], list[co.Output]]) -> list[co.Do]:
        """Changes the coordinator; what is left to do is to begin these jobs."""
        refused: Misuse | None = None
        wall = self.wall()
        with self.lock:
            now = (wall, tick())
            try:
                outputs = change(now)
            except Misuse as error:
                refused, outputs = error, vars(error).pop("outputs", [])
            jobs = self._drain(outputs)
            self._set_alarm(now)
        self.outbox.rouse()
        if refused is not None:
            self._begin_jobs(jobs)
            raise refused
        return jobs

    def _drain(self, outputs: list[co.Output]) -> list[co.Do]:
        """What has an order is done in it, and under the lock: none of it waits."""
        jobs: list[co.Do] = []
        # Who gets an answer finds everything else of the step done: the token that was published, above all.
        mail: list[tuple[Mailbox, News]] = []
        told = [output.event for output in outputs if isinstance(output, co.Tell) and isinstance(output.event, Event)]
        for output in outputs:
            match output:
                case co.Do():
                    jobs.append(output)
                case co.Resolve(ticket=ticket, reply=reply):
                    if (mailbox := self._waiting.pop(ticket, None)) is not None:
                        mail.append((mailbox, News(reply, told)))
                case co.Show(ticket=ticket, prompt=prompt):
                    if (mailbox := self._waiting.get(ticket)) is not None:
                        mail.append((mailbox, News(prompt)))
                case co.Tell(event=co.StoreFailed(fault=fault)):
                    self.outbox.put(StoreFailed(self.jobs.store_error(fault)))
                case co.Tell(event=co.StoreRecovered()):
                    self.outbox.put(StoreRecovered())
                case co.Tell(event=Event() as event):
                    self.outbox.put(event)
                case co.Publish(fresh=fresh):
                    self.published = None if fresh is None else Published(fresh)
                case co.Stop():
                    pass  # A thread cannot be taken away from what it does, and its report is ignored.
        for mailbox, news in mail:
            mailbox.put(news)
        return jobs

    # ----------------------------------------------------------------------------------------------------------- time

    def _set_alarm(self, now: Now) -> None:
        """Under the lock: the coordinator is woken when it wants to be."""
        wake_at = (None, None) if self._is_over else self.coordinator.wake_at
        if self._alarm is not None and not self._alarm.is_cancelled:
            if wake_at == self._alarm_for:
                return
            self._alarm.cancel()
        self._alarm, self._alarm_for = None, wake_at
        pause = None if self._is_over else self.coordinator.pause(now)
        if pause is None:
            return
        # What waits for the one clock is under way, and stays; what waits for the other is given up with the client.
        this, weak = (self if wake_at[1] is not None else None), weakref.ref(self)

        def ring() -> None:
            executor = this or weak()
            if executor is not None:
                executor._ring()

        try:
            self._alarm = call_later(pause, ring)
        except RuntimeError:
            pass  # No thread: who waits looks at the clock.

    def nap(self) -> float | None:
        """How long somebody who waits may sleep before time has to be looked at; None where an alarm is set."""
        return None if self._alarm is not None else self.coordinator.pause((self.wall(), tick()))

    def _ring(self) -> None:
        self._alarm = None
        if self._owner() is None and not self.coordinator.is_closing:
            self.begin(co.Close(), _Farewell(self))
        self.wake()

    # ----------------------------------------------------------------------------------------------------------- jobs

    def _begin_jobs(self, jobs: Iterable[co.Do]) -> None:
        """A thread for each job, as long as the system has one; what follows where it has none."""
        left = deque(jobs)
        while left:
            job = left.popleft()
            if not self._start(job):
                left += self._report(job, self.jobs.failed(job.op, "not_sent", "no thread can be started"))

    def _start(self, job: co.Do) -> bool:
        try:
            if self.jobs.lend(job.op, lambda done: self._begin_jobs(self._report(job, done))):
                return True
            self._thread_for(job)(lambda: self._work(job))
        except RuntimeError:
            return _ending.take(self, job)
        return True

    def _thread_for(self, job: co.Do) -> Start:
        """What asks the store does not wait for requests that hang."""
        return self._start_at_store if at_store(job.op) else self._start_send

    def _report(self, job: co.Do, done: co.Done) -> list[co.Do]:
        return self._change(lambda now: self.coordinator.done(now, job.job, done))

    def _work(self, job: co.Do) -> None:
        """On a thread of its own: a job, and one of those that follow from it."""
        left = deque([job])
        while left:
            job = left.popleft()
            here = self._thread_for(job)
            left += self._report(job, self.jobs.run(job.op))
            # One is for this thread, unless it is of the other kind, and so are those that get none.
            while left and (len(left) > 1 or self._thread_for(left[-1]) is not here) and self._start(left[-1]):
                left.pop()

    def finish(self, job: co.Do) -> None:
        """The same on the thread that ends the interpreter."""
        self._work(job)


class _Farewell(Nobody):
    """The end of a client that nobody holds any longer: then nobody is woken."""

    def __init__(self, executor: Executor) -> None:
        self._executor = weakref.ref(executor)

    def put(self, news: News) -> None:
        if (executor := self._executor()) is not None:
            executor.end()
