"""Sign in with Webex, in Flask: `gunicorn --workers 4 flask_app:app`; see docs/recipes.md."""

import atexit
import hashlib
import os
import secrets

import webex_oauth
from flask import Flask, redirect, request
from flask.typing import ResponseReturnValue
from markupsafe import escape
from webex_oauth import CallbackIgnored, LoginCancelled, LoginSuperseded, SignInRequired, stores

config = webex_oauth.Config.from_variables(os.environ)
database = os.environ.get("DATABASE_URL", "sessions.db")  # postgres://..., or a file
store = stores.PostgresStore(database) if "://" in database else stores.SqliteStore(database)
store.migrate()
clients = webex_oauth.Clients(config, store, stale_after=1.0)
atexit.register(store.close)
atexit.register(clients.close)  # Before the store: what is being renewed is stored when this worker ends.
app = Flask(__name__)


def user(cookie: str | None) -> webex_oauth.User:
    """Whose browser has this cookie. Who reads the database finds its hash, which opens nothing."""
    return clients.user("web", hashlib.sha256((cookie or "").encode()).hexdigest())


def go(url: str, cookie: str) -> ResponseReturnValue:
    answer, secure = redirect(url, 303), str(config.redirect_uri).startswith("https:")
    answer.set_cookie("session", cookie, max_age=90 * 86_400, secure=secure, httponly=True, samesite="Lax")
    return answer


@app.get("/")
def home() -> ResponseReturnValue:
    try:
        me = user(request.cookies.get("session")).call(f"{config.provider.api_base}/people/me")
        if me.refresh_error:  # The token was refused, and there is no other one.
            raise me.refresh_error
    except SignInRequired:
        return "<a href=/login>Sign in with Webex</a>"
    name = me.json()["displayName"] if me.status == 200 else f"somebody (Webex answered {me.status})"
    return f"<p>You are {escape(name)}.</p><form method=post action=/logout><button>Sign out</button></form>"


@app.get("/login")
def login() -> ResponseReturnValue:
    cookie = request.cookies.get("session") or secrets.token_urlsafe(32)  # One for all tabs of this browser.
    return go(user(cookie).begin_login(), cookie)


@app.get("/callback")
def callback() -> ResponseReturnValue:
    visitor, cookie = user(request.cookies.get("session")), secrets.token_urlsafe(32)
    try:
        visitor.complete_login(request.environ["QUERY_STRING"])  # Whichever worker began it.
        visitor.rebind("web", user(cookie).key.user)  # Who knew the old cookie has nothing.
    except webex_oauth.LoginFailed as error:
        status = 503 if error.fault.advice == "wait_and_retry" else 403
        return f"<p>{escape(error)}</p><a href=/>Back</a>", status
    except (CallbackIgnored, LoginCancelled, LoginSuperseded, SignInRequired):
        return redirect("/", 303)  # Not of this browser, or used before: by a second click, for one.
    return go("/", cookie)


@app.post("/logout")
def logout() -> ResponseReturnValue:
    who = user(request.cookies.get("session"))
    who.delete()
    answer = redirect("/", 303)
    answer.delete_cookie("session")
    return answer


@app.errorhandler(webex_oauth.Error)
def trouble(error: webex_oauth.Error) -> ResponseReturnValue:
    app.logger.error("%s: %s", type(error).__name__, error)
    return "Webex or the database does not answer. Try again in a moment.", 503
