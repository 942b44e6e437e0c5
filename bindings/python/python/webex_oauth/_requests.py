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
    header = access.token.expose_header()
    prepared.headers["Authorization"] = header
    body = prepared.body
    start = body.tell() if hasattr(body, "tell") else None
    generation = access.generation

    def answered(response: Any, **kwargs: Any) -> Any:
        # After a redirect to another host it is a request without the token: its answer says nothing about it.
        if response.request.headers.get("Authorization") != header:
            return response
        again = client._answered(generation, response.status_code, response.headers.get("Retry-After"))
        sent = response.request.body
        if again is None or (start is None and not isinstance(sent, (str, bytes, type(None)))):
            return response
        # Frees the connection for the second attempt.
        _ = response.content
        response.close()
        second = response.request.copy()
        if start is not None and sent is not None:
            sent.seek(start)
        second.headers["Authorization"] = again.token.expose_header()
        second.deregister_hook("response", answered)
        result = response.connection.send(second, **kwargs)
        result.history.append(response)
        result.request = second
        return result

    prepared.register_hook("response", answered)
    return request
