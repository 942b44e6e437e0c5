"""Sign in with Webex, in Django: `gunicorn --workers 4 django_app:application`; see docs/recipes.md."""

import atexit
import hashlib
import os
import secrets

import webex_oauth
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path
from django.utils.html import format_html
from django.views.decorators.http import require_POST
from webex_oauth import CallbackIgnored, LoginCancelled, LoginSuperseded, SignInRequired, stores

config = webex_oauth.Config.from_variables(os.environ)
database = os.environ.get("DATABASE_URL", "sessions.db")  # postgres://..., or a file
store = stores.PostgresStore(database) if "://" in database else stores.SqliteStore(database)
store.migrate()
clients = webex_oauth.Clients(config, store, stale_after=1.0)
atexit.register(store.close)
atexit.register(clients.close)  # Before the store: what is being renewed is stored when this worker ends.


def user(cookie: str | None) -> webex_oauth.User:
    """Whose browser has this cookie. Who reads the database finds its hash, which opens nothing."""
    return clients.user("web", hashlib.sha256((cookie or "").encode()).hexdigest())


def go(url: str, cookie: str) -> HttpResponse:
    answer, secure = HttpResponseRedirect(url), str(config.redirect_uri).startswith("https:")
    answer.set_cookie("session", cookie, max_age=90 * 86_400, secure=secure, httponly=True, samesite="Lax")
    return answer


def home(request: HttpRequest) -> HttpResponse:
    try:
        me = user(request.COOKIES.get("session")).call(f"{config.provider.api_base}/people/me")
        if me.refresh_error:  # The token was refused, and there is no other one.
            raise me.refresh_error
    except SignInRequired:
        return HttpResponse("<a href=/login>Sign in with Webex</a>")
    name = me.json()["displayName"] if me.status == 200 else f"somebody (Webex answered {me.status})"
    return HttpResponse(
        format_html("<p>You are {}.</p><form method=post action=/logout><button>Sign out</button></form>", name)
    )


def login(request: HttpRequest) -> HttpResponse:
    cookie = request.COOKIES.get("session") or secrets.token_urlsafe(32)  # One for all tabs of this browser.
    return go(user(cookie).begin_login(), cookie)


def callback(request: HttpRequest) -> HttpResponse:
    visitor, cookie = user(request.COOKIES.get("session")), secrets.token_urlsafe(32)
    try:
        visitor.complete_login(request.META["QUERY_STRING"])  # Whichever worker began it.
        visitor.rebind("web", user(cookie).key.user)  # Who knew the old cookie has nothing.
    except webex_oauth.LoginFailed as error:
        status = 503 if error.fault.advice == "wait_and_retry" else 403
        return HttpResponse(format_html("<p>{}</p><a href=/>Back</a>", error), status=status)
    except (CallbackIgnored, LoginCancelled, LoginSuperseded, SignInRequired):
        return HttpResponseRedirect("/")  # Not of this browser, or used before: by a second click, for one.
    return go("/", cookie)


def logout(request: HttpRequest) -> HttpResponse:
    who = user(request.COOKIES.get("session"))
    who.delete()
    answer = HttpResponseRedirect("/")
    answer.delete_cookie("session")
    return answer


def trouble(request: HttpRequest) -> HttpResponse:
    return HttpResponse("Webex or the database does not answer. Try again in a moment.", status=503)


urlpatterns = [path("", home), path("login", login), path("callback", callback), path("logout", require_POST(logout))]
handler500 = trouble
settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"])
application = get_wsgi_application()
