"""A job that takes longer than its kind may ends by that name, whatever it was doing."""

from __future__ import annotations

import io
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from cast import Person
from celery.exceptions import SoftTimeLimitExceeded
from factories import make_job, read_job
from PIL import Image
from pydantic import BaseModel

from models import Database, Settings, Upload
from tasks import registry, runner
from tasks.context import JobContext
from tasks.errors import JobError, JobFailedError
from tasks.kinds import image_search
from tasks.registry import JobKind


@contextmanager
def time_limit(seconds: float) -> Iterator[Callable[[], None]]:
    """Raise in the middle of the work, so long after what is yielded was called; as Celery does."""

    def stop(*_: object) -> None:
        raise SoftTimeLimitExceeded

    def begin() -> None:
        signal.setitimer(signal.ITIMER_REAL, seconds)

    before = signal.signal(signal.SIGALRM, stop)
    try:
        yield begin
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_slow_decoding_is_not_called_damage(
    database: Database, settings: Settings, person_a: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The limit arrives as an error in the middle of Pillow's work."""
    file = io.BytesIO()
    Image.new("RGB", (7_000, 7_000), "red").save(file, "WEBP")  # 2 s to decode
    file.seek(0)
    with database.owner(person_a.id) as session:
        upload = Upload.store(session, person_a.id, file, media_type="image/webp").id
    params = {"image": str(upload)}
    job_id = make_job(database, settings, person_a.id, kind="image_search", params=params)
    decode = image_search.open_picture

    def decode_for_too_long(*file: Any, **most: Any) -> Any:
        begin()
        return decode(*file, **most)

    monkeypatch.setattr(image_search, "open_picture", decode_for_too_long)
    with time_limit(0.4) as begin, pytest.raises(JobFailedError):
        runner.run(job_id, worker="here", database=database, settings=settings)
    job = read_job(database, person_a.id, job_id)
    assert (job.status, job.error_code, job.attempt) == ("failed", "time_limit", 1)


def test_kind_that_catches_everything_still_ends_by_its_limit(
    database: Database, settings: Settings, person_a: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Kinds, and the libraries they use, make errors of their own from any other."""

    def run(ctx: JobContext, params: object) -> BaseModel:
        try:
            begin()
            signal.pause()
        except Exception as error:
            raise JobError("damaged", "The picture is damaged.") from error
        raise AssertionError

    like = registry.find_kind("count_slowly")
    kind = JobKind("catches_all", "Catches all", params=like.params, result=like.result, run=run)
    monkeypatch.setitem(registry.kinds(), kind.name, kind)  # type: ignore[arg-type]
    job_id = make_job(database, settings, person_a.id, kind=kind.name)
    with time_limit(0.2) as begin, pytest.raises(JobFailedError):
        runner.run(job_id, worker="here", database=database, settings=settings)
    assert read_job(database, person_a.id, job_id).error_code == "time_limit"
