"""``auth=client`` for requests: the header, and one replay after a 401 that a refresh can help."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from ._errors import InvalidArgument

if TYPE_CHECKING:
    from ._client import Client

R = TypeVar("R")


def authorize(client: Client, request: R) -> R:
    """Signs a ``requests.PreparedRequest``. A header that the caller set stays, another host never sees the token."""
    prepared: Any = request
    if not hasattr(prepared, "register_hook"):
        raise InvalidArgument(
            "auth: this is not a request of the requests package",
            argument="request",
            problem="expected requests.PreparedRequest",
        )
    access = client._header_for(prepared.url, prepared.headers)
    if access is None:
        return request
    prepared.headers["Authorization"] = access.token.expose_header()
    body = prepared.body
    start = body.tell() if hasattr(body, "tell") else None
    generation = access.generation

    def answered(response: Any, **kwargs: Any) -> Any:
        # After a redirect it is another request, to which requests has given no token or its own judgement.
        if response.history or response.request.url != prepared.url:
            return response
        replay = client._answered(generation, response.status_code, response.headers.get("Retry-After"))
        if replay is None or (start is None and not isinstance(body, (str, bytes, type(None)))):
            return response
        # Frees the connection for the second attempt.
        response.content
        response.close()
        again = response.request.copy()
        if start is not None:
            body.seek(start)
        again.headers["Authorization"] = replay.token.expose_header()
        again.deregister_hook("response", answered)
        second = response.connection.send(again, **kwargs)
        second.history.append(response)
        second.request = again
        return second

    prepared.register_hook("response", answered)
    return request
