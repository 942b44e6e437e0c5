"""Each web recipe on four workers, on SQLite and on PostgreSQL, as people use it: several tabs, two clicks at once."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from webex_oauth.stores import Key

from recipes.conftest import Browser, Service

ADA, ALAN = "Ada Lovelace", "Alan Turing"
#: A sign-out at another worker is noticed after so long, and a little later.
NOTICED = 1.0 + 0.3


def row(service: Service, cookie: str) -> object:
    return service.store.load(Key("web", hashlib.sha256(cookie.encode()).hexdigest()))


def nobody(pages: set[str]) -> bool:
    return all("Sign in with Webex" in page and ADA not in page and ALAN not in page for page in pages)


def any_worker_completes_what_another_one_began(service: Service) -> Browser:
    for _ in range(40):
        browser = service.browser()
        began, completed = browser.sign_in()
        assert ADA in browser.home()
        if began != completed:
            return browser
    raise AssertionError("no login has met two workers")


def the_cookie_is_new_when_the_login_is_done(service: Service) -> None:
    browser = service.browser()
    callback, _ = browser.begin()
    before = browser.cookie
    browser.open(callback)
    after, given = browser.cookie, browser.given
    assert before and after and before != after and min(len(before), len(after)) >= 43
    assert given is not None and given["httponly"] and given["samesite"].lower() == "lax" and given["path"] == "/"
    assert bool(given["secure"]) == service.redirect_uri.startswith("https:")
    assert all(ADA in page for page in browser.everywhere())
    # Who knew the first one has nothing, not by the callback either; and the database does not know what opens it.
    thief = service.browser(before)
    thief.open(callback)
    assert nobody(thief.everywhere())
    assert row(service, after) is not None and row(service, before) is None


def two_tabs(service: Service) -> None:
    browser = service.browser()
    first, _ = browser.begin("ada@example.com")
    second, _ = browser.begin("alan@example.com")
    browser.open(second)
    assert ALAN in browser.home()
    browser.open(first)
    assert ADA in browser.home()


def the_same_callback_twice(service: Service) -> None:
    browser = service.browser()
    callback, _ = browser.begin()
    clicks = [service.browser(browser.cookie) for _ in range(4)]
    with ThreadPoolExecutor(len(clicks)) as pool:
        pages = list(pool.map(lambda click: click.open(callback), clicks))
    assert [(page.goes_to, page.status, page.text) for page in pages if page.goes_to != "/"] == []
    new = [click for click in clicks if click.given is not None]
    assert len(new) == 1 and ADA in new[0].home()
    # And once more, when it is done.
    assert new[0].open(callback).goes_to == "/"
    assert ADA in new[0].home()


def who_declines_is_told_and_stays_who_he_was(service: Service) -> None:
    browser = service.browser()
    browser.sign_in("alan@example.com")
    callback, _ = browser.begin(decision="decline")
    page = browser.open(callback)
    assert page.status == 403 and "<a href=/>" in page.text
    assert ALAN in browser.home()


def what_is_no_cookie_of_ours_is_nobodys(service: Service) -> None:
    for cookie in ("x" * 5000, "\xff", '"a b"', "../..", "%00"):
        assert nobody({service.browser(cookie).home()})
    for query in ("", "code=x&state=y", "code=%ff&state=%00", "error=<script>", "state=" + "x" * 3000):
        page = service.browser().open(f"/callback?{query}")
        assert page.goes_to == "/" and "script" not in page.text, query


def logout(service: Service, browser: Browser) -> None:
    copied = browser.cookie
    assert copied is not None
    copy = service.browser(copied)
    assert all(ADA in page for page in copy.everywhere())
    before = len(service.simulator.control("/tokens")["live"])
    assert browser.open("/logout", "GET").status in (404, 405)
    assert ADA in browser.home()
    assert browser.open("/logout", "POST").goes_to == "/"
    assert browser.cookie is None and nobody(browser.everywhere())
    assert row(service, copied) is None
    assert len(service.simulator.control("/tokens")["live"]) < before
    time.sleep(NOTICED)
    assert nobody(copy.everywhere())
    # Nobody at all may sign out, too.
    assert service.browser().open("/logout", "POST").goes_to == "/"


@pytest.mark.parametrize("recipe", ["flask", "fastapi", "django"])
def test_a_recipe_on_four_workers(start: Callable[[str], Service], recipe: str) -> None:
    service = start(recipe)
    browser = any_worker_completes_what_another_one_began(service)
    the_cookie_is_new_when_the_login_is_done(service)
    two_tabs(service)
    the_same_callback_twice(service)
    who_declines_is_told_and_stays_who_he_was(service)
    what_is_no_cookie_of_ours_is_nobodys(service)
    logout(service, browser)
    assert service.simulator.counters()["code_replays"] == 0
    assert service.simulator.counters()["reuse_detected"] == 0
