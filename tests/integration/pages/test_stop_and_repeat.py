"""Stopping a search, running one again, and asking the same twice: all of it without a script."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from factories import claim_job, new_number

from models import Database, Settings

Visit = Callable[..., Any]
Work = Callable[[UUID], None]

PRODUCT = {
    "title": "A red cup",
    "brand": None,
    "category_label": "Cups and drinks",
    "price": None,
    "url": None,
    "picture": "/products/0190b4e0-0000-7000-8000-000000000000/picture",
    "similarity": 0.9,
}


@pytest.fixture
def row(owner_connection: psycopg.Connection) -> Callable[..., Any]:
    """Read columns of a job from behind the policies."""

    def read(job_id: UUID, columns: str) -> Any:
        return owner_connection.execute(
            f"select {columns} from jobs where id = %s", (job_id,)
        ).fetchone()

    return read


def job_of(answer: Any) -> UUID:
    """Return the job an answer leads to."""
    assert answer.status_code == 303, answer.text
    return UUID(answer.headers["Location"].rsplit("/", 1)[1].split("?")[0])


def test_waiting_search_is_cancelled_at_once(visit: Visit, files: Path, row: Any) -> None:
    """One press, nothing asked, and the page says it and what can be done next."""
    person = visit()
    job_id = person.search(files / "coffee.jpg")
    path = f"/jobs/{job_id}"
    assert job_of(person.press(path, f"{path}/cancellation")) == job_id
    assert row(job_id, "status") == ("cancelled",)
    page = person.get(path).text
    for said in ("This search was cancelled", "It had found nothing yet", "Search again"):
        assert said in page
    assert "Cancel this search" not in page


def test_running_search_says_that_it_stops_and_keeps_what_it_has(
    visit: Visit, files: Path, database: Database, row: Any
) -> None:
    """Said at once, and what was found by then stays, with its label."""
    person = visit("ko")
    job_id = person.search(files / "coffee.jpg")
    claim = claim_job(database, job_id)
    path = f"/jobs/{job_id}"
    person.press(path, f"{path}/cancellation")
    assert row(job_id, "status, cancel_requested_at is not null") == ("running", True)
    page = person.get(path).text
    assert "멈추는 중 …" in page
    assert "멈추는 중 …" in person.get("/jobs").text
    with database.worker() as session:
        claim.save_partial(session, {"products": [PRODUCT]}, result_count=1)
        claim.cancel(session)
    page = person.get(path).text
    assert "일부 결과: 끝나기 전에 멈췄어요" in page
    assert "A red cup" in page


def test_cancel_is_settled_with_every_worker_gone(
    visit: Visit, files: Path, owner_connection: psycopg.Connection, database: Database
) -> None:
    """The worker fell silent after it was asked: the page itself ends the search."""
    person = visit()
    job_id = person.search(files / "coffee.jpg")
    claim_job(database, job_id)
    path = f"/jobs/{job_id}"
    person.press(path, f"{path}/cancellation")
    owner_connection.execute(
        "update jobs set lease_until = now() - interval '1 second' where id = %s", (job_id,)
    )
    assert "This search was cancelled" in person.get(path).text


def test_search_is_run_again_and_both_know_each_other(
    visit: Visit, work: Work, files: Path, row: Any
) -> None:
    """The same photo and categories, as a new search; sent twice by the same button, one."""
    person = visit()
    first = person.search(files / "coffee.jpg", categories="drink")
    work(first)
    page = person.get(f"/jobs/{first}").text
    assert "Search again" in page
    action = f"/jobs/{first}/reruns"
    fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', page.split(f'"{action}"')[1]))
    second = job_of(person.post(action, **fields))
    assert second != first
    assert row(second, "rerun_of_id, source") == (first, "rerun")
    assert row(second, "params") == row(first, "params")
    assert job_of(person.post(action, **fields)) == second
    assert f'href="/jobs/{first}"' in person.get(f"/jobs/{second}").text
    assert f'href="/jobs/{second}"' in person.get(f"/jobs/{first}").text
    work(second)
    assert job_of(person.post(action, **fields)) == second  # the same button, also later
    assert "open until" in person.get(f"/jobs/{second}").text


@pytest.mark.parametrize(
    ("code", "can"),
    [
        ("worker_lost", True),
        ("time_limit", True),
        ("memory_limit", True),
        ("internal_error", True),
        ("fetch_timeout", True),
        ("picture_unreadable", False),
        ("upload_gone", False),
        ("not_understood", False),
    ],
)
def test_failed_search_says_what_helps(
    visit: Visit,
    files: Path,
    owner_connection: psycopg.Connection,
    code: str,
    can: bool,
) -> None:
    """Again where that may help, and a new search where the same photo would fail as before."""
    person = visit()
    job_id = person.search(files / "coffee.jpg")
    owner_connection.execute(
        "update jobs set status = 'failed', error_code = %s, error_message = 'Not for people', "
        "finished_at = now() where id = %s",
        (code, job_id),
    )
    page = person.get(f"/jobs/{job_id}").text
    assert "This search could not be finished" in page
    assert "Not for people" not in page
    assert (f'action="/jobs/{job_id}/reruns"' in page) is can
    assert (f'action="/jobs/{job_id}/reruns"' in person.get("/jobs").text) is can
    assert "New search" in page


def test_search_whose_photo_is_gone_is_not_offered_again(
    visit: Visit, work: Work, files: Path, owner_connection: psycopg.Connection
) -> None:
    """A button somebody still had open leads back, with the reason."""
    person = visit()
    job_id = person.search(files / "coffee.jpg")
    work(job_id)
    page = person.get(f"/jobs/{job_id}").text
    action = f"/jobs/{job_id}/reruns"
    fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', page.split(f'"{action}"')[1]))
    owner_connection.execute(
        "delete from uploads u using jobs j where j.id = %s and u.id::text = j.params ->> 'image'",
        (job_id,),
    )
    assert action not in person.get(f"/jobs/{job_id}").text
    answer = person.post(action, **fields)
    assert job_of(answer) == job_id
    assert "It cannot be run again" in person.get(answer.headers["Location"]).text


def test_nobody_stops_or_repeats_what_is_not_theirs(visit: Visit, files: Path, row: Any) -> None:
    """Somebody else's search is as unknown as none at all."""
    job_id = visit().search(files / "coffee.jpg")
    other = visit()
    own = other.search(files / "coffee.jpg")
    token = re.search(r'name="csrf_token" value="([^"]+)"', other.get(f"/jobs/{own}").text)
    assert token is not None
    for some in (job_id, uuid4()):
        for action in ("cancellation", "reruns"):
            answer = other.post(f"/jobs/{some}/{action}", csrf_token=token.group(1))
            assert answer.status_code == 404
    assert row(job_id, "status") == ("queued",)
    assert other.post(f"/jobs/{own}/cancellation").status_code == 403  # without the token
    assert row(own, "status") == ("queued",)


def test_same_question_leads_to_the_search_that_runs(visit: Visit, files: Path, row: Any) -> None:
    """The same photo and categories again, as a new upload: shown, with a note and a way round."""
    person = visit()
    first = person.search(files / "coffee.jpg", categories="drink")
    with (files / "coffee.jpg").open("rb") as photo:
        answer = person.send(image=(photo, "b.jpg"), categories="drink")
    assert answer.headers["Location"] == f"/jobs/{first}?already"
    page = person.get(answer.headers["Location"]).text
    assert "This search is already running, so we show it." in page
    assert "already running" not in person.get(f"/jobs/{first}").text
    again = job_of(person.press(answer.headers["Location"], f"/jobs/{first}/reruns"))
    assert again != first
    assert row(again, "rerun_of_id") == (first,)
    assert person.search(files / "coffee.jpg", categories="bag") not in (first, again)


def test_number_typed_the_second_time_is_texted(
    visit: Visit,
    files: Path,
    settings: Settings,
    owner_connection: psycopg.Connection,
    row: Any,
) -> None:
    """Whoever asks again only to leave a number gets the text of the search that runs."""
    person = visit()
    first = person.search(files / "coffee.jpg")
    assert "You can close the app" not in person.get(f"/jobs/{first}").text
    with (files / "coffee.jpg").open("rb") as photo:
        answer = person.send(image=(photo, "b.jpg"), country="KR", phone=new_number())
    assert job_of(answer) == first
    assert "You can close the app" not in person.get(f"/jobs/{first}").text
    person.type_code(settings, f"/jobs/{first}")
    assert row(first, "notify") == ("sms",)
    assert "You can close the app" in person.get(f"/jobs/{first}").text
    links = owner_connection.execute(
        "select count(*) from result_links where job_id = %s", (first,)
    ).fetchone()
    assert links == (1,)


def test_one_form_is_one_search_however_often_it_is_sent(
    visit: Visit, files: Path, owner_connection: psycopg.Connection, row: Any
) -> None:
    """Two taps of a browser that was never here make one account and one search.

    Changed and sent again, as after the back button, the form is another search.
    """
    person = visit()
    page = person.get("/").text
    fields = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page))
    content = (files / "coffee.jpg").read_bytes()
    cookie = person.client.get_cookie("textback", domain="127.0.0.1")
    assert cookie is not None

    def tap(**more: str) -> Any:
        hand = visit()
        hand.client.set_cookie("textback", cookie.value, domain="127.0.0.1")
        return hand.post("/", image=(io.BytesIO(content), "a.jpg"), **fields, **more)

    with ThreadPoolExecutor(4) as hands:
        answers = [tapped.result() for tapped in [hands.submit(tap) for _ in range(4)]]
    jobs = {answer.headers["Location"] for answer in answers}
    assert len(jobs) == 1
    job_id = job_of(answers[0])
    count = "select count(*) from jobs where owner_id = (select owner_id from jobs where id = %s)"
    assert owner_connection.execute(count, (job_id,)).fetchone() == (1,)
    changed = tap(categories="bag")
    assert job_of(changed) != job_id
    assert row(job_of(changed), "owner_id") == row(job_id, "owner_id")


def test_expired_search_tells_what_was_asked(
    visit: Visit, work: Work, files: Path, owner_connection: psycopg.Connection
) -> None:
    """When, what, and whether it can be had again; after the pruning, that it is gone."""
    person = visit()
    job_id = person.search(files / "coffee.jpg", categories="drink")
    work(job_id)
    owner_connection.execute(
        "update jobs set expires_at = now() - interval '1 second' where id = %s", (job_id,)
    )
    page = person.get(f"/jobs/{job_id}")
    assert page.status_code == 410
    for said in ("This result has expired", "Cups and drinks", "Search again", "kept until"):
        assert said in page.text
    again = job_of(person.press(f"/jobs/{job_id}", f"/jobs/{job_id}/reruns"))
    assert again != job_id
    owner_connection.execute(
        "update jobs set pruned_at = now(), params = '{}', result = null where id = %s", (job_id,)
    )
    page = person.get(f"/jobs/{job_id}")
    assert page.status_code == 410
    assert "a new search needs it once more" in page.text
    assert f'action="/jobs/{job_id}/reruns"' not in page.text
    assert visit().get(f"/jobs/{job_id}").status_code == 404


def test_list_offers_what_fits_each_search(visit: Visit, work: Work, files: Path, row: Any) -> None:
    """Cancel where it waits, again where it has ended; from the list one comes back to it."""
    person = visit()
    done = person.search(files / "coffee.jpg", categories="drink")
    work(done)
    waiting = person.search(files / "coffee.jpg", categories="bag")
    page = person.get("/jobs").text
    assert f'action="/jobs/{done}/reruns"' in page
    assert f'action="/jobs/{done}/cancellation"' not in page
    answer = person.press("/jobs", f"/jobs/{waiting}/cancellation")
    assert answer.headers["Location"] == "/jobs"
    assert row(waiting, "status") == ("cancelled",)


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", ["Received and safely written down.", "Started.", "Finished."]),
        ("ko", ["시작했어요."]),
    ],
)
def test_timeline_is_folded_away_on_the_page(
    visit: Visit, work: Work, files: Path, language: str, said: list[str]
) -> None:
    """Each thing that happened, with its time, in the language of the page."""
    person = visit(language)
    job_id = person.search(files / "coffee.jpg")
    work(job_id)
    part = person.get(f"/jobs/{job_id}").text.split('id="timeline"')[1].split("</details>")[0]
    assert part.count("<time ") == 3
    for sentence in said:
        assert sentence in part
