"""The one order of a job's life: claim, run, record, notify."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import random
import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

from celery.exceptions import SoftTimeLimitExceeded
from pydantic import BaseModel, ValidationError
from sqlalchemy.exc import SQLAlchemyError

from models import Claim, Database, Ended, Job, Settings
from models.errors import StaleFenceError, UnstorableError
from models.step import Step
from models.storable import MAX_RESULT_BYTES, refuse_nan, storable
from tasks.context import JobContext
from tasks.errors import (
    TOO_LARGE,
    TOO_SLOW,
    Cancelled,
    JobError,
    JobFailedError,
    ProviderError,
    StaleHint,
)
from tasks.heartbeat import Heartbeat
from tasks.memory import memory_limit
from tasks.publishing import flush
from tasks.recording import record
from tasks.registry import JobKind, UnknownKindError, find_kind
from tasks.telling import tell_on_commit
from tasks.wake import wake_on_commit, wake_person_on_commit

log = logging.getLogger(__name__)

RETRY_BASE_SECONDS = 4.0
RETRY_MOST_SECONDS = 300.0
# Billiard's word for "start another child in my place", which no log calls an error.
_EXIT_RECYCLE = 0x9B


def run(job_id: UUID, *, worker: str, database: Database, settings: Settings) -> str:
    """Do a job, if the hint about it still holds.

    1. Claim it; a stale hint ends here.
    2. Work outside any transaction, with a heartbeat beside it.
    3. Record the end, the event and the text message's row in one transaction.

    Returns:
        What became of it, in words for Flower.

    Raises:
        StaleHint: there was nothing to do.
        JobFailedError: the job has ended failed.
    """
    with database.worker_step() as session:
        claim = Claim.take(
            session,
            job_id,
            worker=worker,
            lease_seconds=settings.lease_seconds,
            most_running=settings.running_jobs_per_person,
        )
        if claim is not None:
            wake_on_commit(session, job_id)
            wake_person_on_commit(session, claim.owner_id)
    if claim is None:
        raise StaleHint(f"job {job_id}: {_describe(database, job_id)}")
    attempt = _Attempt(claim, database, settings)
    began = time.monotonic()
    log.debug("job claimed job_id=%s kind=%s attempt=%s", job_id, claim.kind, claim.attempt)
    try:
        return attempt.work()
    except StaleFenceError:
        # Rescued or ended elsewhere; whatever we would write is refused, so nothing is written.
        raise StaleHint(f"job {job_id}: another attempt has taken over") from None
    finally:
        log.info(
            "attempt ended job_id=%s kind=%s attempt=%s duration_seconds=%.2f",
            job_id,
            claim.kind,
            claim.attempt,
            time.monotonic() - began,
        )


class _Attempt:
    def __init__(self, claim: Claim, database: Database, settings: Settings) -> None:
        self._claim = claim
        self._database = database
        self._settings = settings
        self._heartbeat = Heartbeat(
            database, claim, lease_seconds=settings.lease_seconds, abandon=self._abandon
        )

    def work(self) -> str:
        try:
            kind, params = self._understand()
            result = self._run_kind(kind, params)
            return self._succeed(kind, result)
        except StaleFenceError:
            raise
        except Cancelled:
            self._cancel()
            return "cancelled"
        except SoftTimeLimitExceeded:
            self._fail("time_limit", TOO_SLOW)
        except MemoryError:
            self._fail("memory_limit", TOO_LARGE)
        except JobError as error:
            self._fail(error.code, str(error))
        except UnstorableError as error:
            log.warning("result not storable job_id=%s: %s", self._claim.job_id, error)
            self._fail("result_unstorable", "The answer could not be kept, so there is none.")
        except ProviderError as error:
            if error.permanent:
                self._fail(error.code, str(error))
            return self._retry_or_fail(error.code, str(error))
        except Exception:
            # A kind may raise anything; the job is tried again, then ended with a sentence.
            log.exception("attempt broke job_id=%s", self._claim.job_id)
            return self._retry_or_fail("internal_error", "Something went wrong on our side.")
        raise AssertionError("unreachable")

    def _understand(self) -> tuple[JobKind, BaseModel]:
        """Return the kind and its params, which another release may have written.

        Raises:
            JobError: this release has no such kind, or it asks for something else now.
        """
        try:
            kind = find_kind(self._claim.kind)
            return kind, kind.params.model_validate(self._claim.params)
        except (UnknownKindError, ValidationError) as error:
            # Not the error's own words: they repeat what the person typed.
            log.warning(
                "job not understood job_id=%s kind=%s error=%s",
                self._claim.job_id,
                self._claim.kind,
                type(error).__name__,
            )
            raise JobError(
                "not_understood", "This kind of search is not offered any more."
            ) from None

    def _run_kind(self, kind: JobKind, params: BaseModel) -> BaseModel:
        with self._heartbeat, memory_limit(kind.memory_limit_mb):
            context = JobContext(
                kind=kind,
                claim=self._claim,
                heartbeat=self._heartbeat,
                database=self._database,
                settings=self._settings,
            )
            try:
                return kind.run(context, params)
            except Exception as error:
                if _comes_from_time_limit(error):
                    raise SoftTimeLimitExceeded from error
                raise

    def _succeed(self, kind: JobKind, result: BaseModel) -> str:
        refuse_nan(result.model_dump())
        count = kind.count(result) if kind.count else None
        answer = result.model_dump(mode="json")
        progress = self._heartbeat.unwritten_progress
        keys = self._keys(kind, result)
        self._record(
            lambda step: self._claim.succeed(
                step,
                answer,
                result_count=count,
                progress=progress,
                keys=keys,
                is_whole=kind.is_whole is None or kind.is_whole(result),
            )
        )
        return "succeeded" if count is None else f"succeeded with {count}"

    def _keys(self, kind: JobKind, result: BaseModel) -> list[str]:
        """Return what the things in an answer are known by, if anybody compares them."""
        if self._claim.saved_search_id is None:
            return []
        if kind.keys is not None:
            return kind.keys(result)
        return [hashlib.sha256(result.model_dump_json().encode()).hexdigest()]

    def _cancel(self) -> None:
        words = self._last_words()
        self._record(lambda step: self._claim.cancel(step, **words))

    def _fail(self, code: str, message: str) -> None:
        words = self._last_words()
        self._record(lambda step: self._claim.fail(step, code, message, **words))
        raise JobFailedError(f"{code}: {message}")

    def _last_words(self) -> dict[str, Any]:
        """Return what the kind has said and the row does not hold yet."""
        words: dict[str, Any] = {"progress": self._heartbeat.unwritten_progress}
        if partial := self._heartbeat.unwritten_partial:
            # What cannot be stored must not keep the end from being written.
            with contextlib.suppress(UnstorableError):
                storable(partial.result, max_bytes=MAX_RESULT_BYTES)
                words |= {"partial": partial.result, "partial_count": partial.count}
        return words

    def _abandon(self) -> None:
        """End this process: its kind was told to stop and does not, and the slot is needed.

        Called by the heartbeat, while the kind is still at it.
        """
        log.warning("kind does not stop, ending its process job_id=%s", self._claim.job_id)
        try:
            if not self._heartbeat.lost:
                with self._database.worker_step() as step:
                    ended = self._claim.cancel(step, **self._last_words())
                    tell_on_commit(step, self._claim.job_id, ended)
        except (StaleFenceError, SQLAlchemyError) as error:
            log.warning("cancel not recorded, the lease will lapse: %s", type(error).__name__)
        finally:
            flush()
            os._exit(_EXIT_RECYCLE)

    def _retry_or_fail(self, code: str, message: str) -> str:
        if self._claim.attempt >= self._claim.max_attempts:
            self._fail(code, message)
        delay = retry_delay_seconds(self._claim.attempt)
        self._record(
            lambda step: self._claim.retry(step, delay_seconds=delay, code=code, message=message)
        )
        return f"will be tried again in {delay:.0f} s: {code}"

    def _record(self, end: Callable[[Step], Ended]) -> None:
        def write(step: Step) -> None:
            tell_on_commit(step, self._claim.job_id, end(step))

        record(self._database, write)


def _comes_from_time_limit(error: BaseException | None) -> bool:
    """Tell whether the limit struck inside something that catches every error.

    It is raised wherever the kind happens to be, and libraries make errors of their own from it.
    """
    while error is not None and not isinstance(error, SoftTimeLimitExceeded):
        error = error.__cause__ or error.__context__
    return error is not None


def retry_delay_seconds(attempt: int) -> float:
    """Return how long to wait after this attempt: doubling, capped, and jittered by a half."""
    delay = min(RETRY_MOST_SECONDS, RETRY_BASE_SECONDS * 2 ** min(attempt - 1, 30))
    return delay * random.uniform(0.5, 1.5)  # noqa: S311 - spreads load, protects nothing


def _describe(database: Database, job_id: UUID) -> str:
    with database.worker() as session:
        job = session.get(Job, job_id)
        return "does not exist" if job is None else f"is {job.status}"
