"""What both clients have in common, beside their operations."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ._core import Config, Secret, Services, Session, Status, TokenSet
from ._crew import start_thread
from ._errors import InvalidArgument
from ._executor import Executor, Start
from ._operations import Operations
from ._options import Hidden, from_env, secret, store_of
from ._stores import AsyncStore, Store
from ._transport import HttpTransport

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Self, Unpack

    from ._clocks import Clock
    from ._events import Outbox
    from ._jobs import Jobs
    from ._options import ConfigSettings, Settings
    from ._waiting import Mailbox

__all__ = ["Facade"]


class Facade:
    """A client's configuration and its executor."""

    _executor: Executor
    _operations: Operations

    if TYPE_CHECKING:

        def __init__(
            self, config: Config, *, store: Store | AsyncStore | None = None, **settings: Unpack[Settings]
        ) -> None: ...

    def _set_up(
        self,
        config: Config,
        jobs: Callable[..., Jobs],
        outbox: Outbox,
        mailbox: Callable[[], Mailbox],
        *,
        store: Store | AsyncStore | None,
        transport: Callable[..., Any] | None,
        refresh_callback: Callable[..., Any] | None,
        jwt_callback: Callable[..., Any] | None,
        clock: Clock | None,
        start: Start = start_thread,
        start_at_store: Start = start_thread,
    ) -> None:
        if not isinstance(config, Config):
            raise InvalidArgument(
                "config: expected a Config",
                argument="config",
                problem=f"expected a Config, got {type(config).__name__}",
            )
        #: For whoever brings none.
        self._transport = HttpTransport()
        made = jobs(
            store=store,
            transport=self._transport if transport is None else transport,
            refresh_callback=refresh_callback,
            jwt_callback=jwt_callback,
        )
        self._executor = Executor(
            self, config, made, outbox, mailbox=mailbox, clock=clock, start=start, start_at_store=start_at_store
        )
        self._operations = Operations(self._executor)

    @classmethod
    def from_env(
        cls,
        environ: Mapping[str, str] | None = None,
        *,
        store: Store | AsyncStore | None = None,
        legacy: bool = False,
        **settings: Unpack[Settings],
    ) -> Self:
        """From ``WEBEX_CLIENT_ID``, ``WEBEX_CLIENT_SECRET``, ``WEBEX_REDIRECT_URI``, ``WEBEX_SCOPE``, or
        ``WEBEX_AUTHORIZATION_STRING`` and its relatives; ``WEBEX_ACCESS_TOKEN`` and any ``WEBEX_CLIENT_ID`` will do.

        The session is kept in the file that ``WEBEX_SESSION_FILE`` names, unless a store is given; encrypted with the
        keys in the file that ``WEBEX_KEY_FILE`` names, where it does, as the command does it. Of other variables only
        those that are read have to be UTF-8.
        """
        hidden = Hidden(os.environ if environ is None else environ)
        environ = None
        config = from_env(hidden, legacy=legacy)
        return cls(config, store=store_of(hidden) if store is None else store, **settings)

    @classmethod
    def from_authorization_url(
        cls,
        url: str,
        *,
        client_secret: str | Secret | None = None,
        store: Store | AsyncStore | None = None,
        config: ConfigSettings | None = None,
        **settings: Unpack[Settings],
    ) -> Self:
        """From the authorization URL that the developer portal shows."""
        client_secret = None if client_secret is None else secret(client_secret)
        built = Config.from_authorization_url(url, client_secret=client_secret, **(config or {}))
        return cls(built, store=store, **settings)

    @property
    def config(self) -> Config:
        """The configuration."""
        return self._executor.config

    @property
    def session(self) -> Session:
        """A copy of the session as it is now, to ask it questions: what it is given does not reach the client."""
        return self._executor.coordinator.session

    def status(self) -> Status:
        """A summary for people and user interfaces."""
        return self._executor.coordinator.status(self._executor.wall())

    def tokens(self) -> TokenSet | None:
        """The tokens themselves, for hand-off and display."""
        return self._executor.coordinator.tokens

    def known_services(self) -> Services | None:
        """The catalog that ``services`` brought, or that was given to :meth:`use_services`, however old it is."""
        return self._operations.known.get()

    def use_services(self, services: Services) -> Services:
        """Makes a catalog known that was kept (:meth:`Services.to_json`, :meth:`Services.restore`)."""
        return self._operations.known.set(services)

    def __repr__(self) -> str:
        # Also of one whose making failed, which tracebacks show.
        executor = getattr(self, "_executor", None)
        name = f"webex_oauth.{type(self).__name__}"
        if executor is None:
            return f"<{name} that was not made>"
        phase = type(executor.coordinator.status(executor.wall()).phase).__qualname__
        return f"<{name} {executor.config.client_id} {phase}>"

    def __reduce__(self) -> str:
        """Not to be pickled."""
        name = type(self).__name__
        raise TypeError(f"{name} cannot be pickled: give each process one of its own, with a store that they share")
