"""Sign in with Webex, in FastAPI: `uvicorn --workers 4 fastapi_app:app`; see docs/recipes.md."""

import hashlib
import html
import logging
import os
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import webex_oauth
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from webex_oauth import CallbackIgnored, LoginCancelled, LoginSuperseded, SignInRequired, stores

config = webex_oauth.Config.from_variables(os.environ)
database = os.environ.get("DATABASE_URL", "sessions.db")  # postgres://..., or a file
store = stores.AsyncPostgresStore(database) if "://" in database else stores.AsyncSqliteStore(database)
clients = webex_oauth.AsyncClients(config, store, stale_after=1.0)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    await store.migrate()
    yield
    await clients.close()  # What is being renewed is stored before this worker ends.
    await store.close()


app = FastAPI(lifespan=lifespan)


def user(cookie: str | None) -> webex_oauth.AsyncUser:
    """Whose browser has this cookie. Who reads the database finds its hash, which opens nothing."""
    return clients.user("web", hashlib.sha256((cookie or "").encode()).hexdigest())


def go(url: str, cookie: str) -> Response:
    answer, secure = RedirectResponse(url, 303), str(config.redirect_uri).startswith("https:")
    answer.set_cookie("session", cookie, max_age=90 * 86_400, secure=secure, httponly=True, samesite="lax")
    return answer


@app.get("/")
async def home(request: Request) -> Response:
    try:
        me = await user(request.cookies.get("session")).call(f"{config.provider.api_base}/people/me")
        if me.refresh_error:  # The token was refused, and there is no other one.
            raise me.refresh_error
    except SignInRequired:
        return HTMLResponse("<a href=/login>Sign in with Webex</a>")
    name = me.json()["displayName"] if me.status == 200 else f"somebody (Webex answered {me.status})"
    return HTMLResponse(
        f"<p>You are {html.escape(name)}.</p><form method=post action=/logout><button>Sign out</button></form>"
    )


@app.get("/login")
async def login(request: Request) -> Response:
    cookie = request.cookies.get("session") or secrets.token_urlsafe(32)  # One for all tabs of this browser.
    return go(await user(cookie).begin_login(), cookie)


@app.get("/callback")
async def callback(request: Request) -> Response:
    visitor, cookie = user(request.cookies.get("session")), secrets.token_urlsafe(32)
    try:
        await visitor.complete_login(request.url.query)  # Whichever worker began it.
        await visitor.rebind("web", user(cookie).key.user)  # Who knew the old cookie has nothing.
    except webex_oauth.LoginFailed as error:
        status = 503 if error.fault.advice == "wait_and_retry" else 403
        return HTMLResponse(f"<p>{html.escape(str(error))}</p><a href=/>Back</a>", status)
    except (CallbackIgnored, LoginCancelled, LoginSuperseded, SignInRequired):
        return RedirectResponse("/", 303)  # Not of this browser, or used before: by a second click, for one.
    return go("/", cookie)


@app.post("/logout")
async def logout(request: Request) -> Response:
    who = user(request.cookies.get("session"))
    await who.delete()
    answer = RedirectResponse("/", 303)
    answer.delete_cookie("session")
    return answer


@app.exception_handler(webex_oauth.Error)
async def trouble(request: Request, error: Exception) -> Response:
    logging.getLogger("uvicorn.error").error("%s: %s", type(error).__name__, error)
    return HTMLResponse("Webex or the database does not answer. Try again in a moment.", 503)
