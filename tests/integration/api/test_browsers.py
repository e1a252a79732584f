"""What browsers are told, and what they are not allowed to be made to do."""

from __future__ import annotations

import re
import socket
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
from api_client import Api, start_web
from flask import Flask
from flask.testing import FlaskClient
from processes import Processes
from werkzeug.test import TestResponse

HOME = "http://localhost"


@pytest.mark.parametrize(
    "path", ["/", "/api/docs", "/api/v1/kinds", "/api/v1/jobs", "/nothing", "/healthz",
             "/static/css/docs.css", "/api/v1/nothing"],
)  # fmt: skip
def test_every_answer_is_closed_in(stranger: Api, path: str) -> None:
    answer = stranger.get(path)
    policy = answer.headers["Content-Security-Policy"]
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules["default-src"] == rules["frame-ancestors"] == rules["base-uri"] == "'none'"
    assert rules["script-src"] == rules["style-src"] == rules["connect-src"] == "'self'"
    assert "unsafe" not in policy
    assert "http" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] in ("same-origin", "no-referrer")
    assert "Strict-Transport-Security" not in answer.headers
    answer.close()


def test_the_docs_need_no_other_host(stranger: Api) -> None:
    answer = stranger.get("/api/docs")
    assert answer.status_code == 200
    assert not re.findall(r"""(?:src|href|action)=["'](?:https?:)?//""", answer.text)
    assert "<script>" not in answer.text
    assert " style=" not in answer.text
    for wanted in ("POST /api/v1/jobs", "image_search", "problem-not_a_picture", "queue_position"):
        assert wanted in answer.text
    answer.close()


def test_behind_tls_cookies_and_browsers_stay_there(make_app: Any) -> None:
    client = make_app(base_url="https://textback.example").test_client()
    answer = client.get("/", base_url="https://textback.example")
    assert "max-age=" in answer.headers["Strict-Transport-Security"]
    for cookie in answer.headers.getlist("Set-Cookie"):
        assert "Secure" in cookie


def submit_form(
    client: FlaskClient, headers: dict[str, str], *, token: str | None, base_url: str = HOME
) -> TestResponse:
    """Send the form of the first page, without a photo."""
    data = {} if token is None else {"csrf_token": token}
    return client.post("/", data=data, headers=headers, base_url=base_url)


def form_token(client: FlaskClient, base_url: str = HOME) -> str:
    """Return the token in the form of the first page."""
    page = client.get("/", base_url=base_url)
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page.text)
    assert found is not None
    return found.group(1)


@pytest.mark.parametrize(
    ("headers", "is_ours"),
    [
        ({"Origin": HOME}, True),
        ({"Origin": HOME, "Sec-Fetch-Site": "same-origin"}, True),
        ({"Sec-Fetch-Site": "same-origin"}, True),
        ({}, False),
        ({"Origin": "null"}, False),
        ({"Origin": "https://evil.example"}, False),
        ({"Origin": "http://localhost.evil.example"}, False),
        ({"Origin": HOME, "Sec-Fetch-Site": "cross-site"}, False),
        ({"Origin": HOME, "Sec-Fetch-Site": "same-site"}, False),
        ({"Referer": f"{HOME}/"}, False),
    ],
)
def test_a_form_comes_from_a_page_of_ours(
    app: Flask, headers: dict[str, str], is_ours: bool
) -> None:
    client = app.test_client()
    answer = submit_form(client, headers, token=form_token(client))
    assert (answer.status_code != 403) == is_ours


def test_a_form_carries_its_token(app: Flask) -> None:
    client, other = app.test_client(), app.test_client()
    token = form_token(client)
    headers = {"Origin": HOME}
    assert submit_form(client, headers, token=None).status_code == 403
    assert submit_form(client, headers, token="wrong").status_code == 403
    assert submit_form(client, headers, token=form_token(other)).status_code == 403
    assert submit_form(client, headers, token=token).status_code != 403


def test_a_form_works_behind_a_proxy_with_tls(make_app: Any) -> None:
    base = "https://textback.example"
    client = make_app(base_url=base).test_client()
    answer = submit_form(client, {"Origin": base}, token=form_token(client, base), base_url=base)
    assert answer.status_code != 403


def test_the_cookie_is_kept_from_scripts_and_other_sites(app: Flask) -> None:
    client = app.test_client()
    cookies = client.get("/").headers.getlist("Set-Cookie")
    assert cookies
    for cookie in cookies:
        assert "HttpOnly" in cookie
        assert "SameSite=Lax" in cookie
        assert "Path=/" in cookie


ELSEWHERE = (
    "//evil.example/", "//evil.example/x", "///evil.example", "/%2Fevil.example/",
    "/%5Cevil.example", "/\\evil.example", "/%0Aevil", "/jobs",
)  # fmt: skip


def test_choosing_a_language_leads_to_no_other_site(processes: Processes) -> None:
    """Addresses are sent as they stand, for clients tidy up what an attacker would not."""
    web = urlsplit(start_web(processes).address)
    for path in ELSEWHERE:
        with socket.create_connection((web.hostname, web.port), timeout=5) as line:
            request = f"GET {path}?lang=ko HTTP/1.1\r\nHost: textback.example\r\n"
            line.sendall(f"{request}Connection: close\r\n\r\n".encode())
            answer = line.makefile("rb").read().decode()
        found = re.search(r"^Location: (.*?)\r?$", answer, re.MULTILINE)
        if found is not None:
            location = found.group(1).replace("\\", "/")  # as browsers read it
            there = urlsplit(urljoin("http://textback.example/", location))
            assert there.hostname == "textback.example", path
    assert found is not None
