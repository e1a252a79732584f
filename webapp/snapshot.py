"""One state of a job as those who watch it get it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from flask import json

from models import Job
from webapp.resources.job_json import JobView, job_json


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One state of a job, ready to be sent.

    Attributes:
        frame: the event of a stream.
        chunk: the same as a chunk of an answer of HTTP/1.1 (webapp/outlet.py).
    """

    tag: str
    version: int
    status: str
    is_final: bool
    place: int | None
    is_stopping: bool
    body: str
    frame: bytes
    chunk: bytes

    @classmethod
    def of(cls, view: JobView) -> Self:
        """Take the state of a view; made once, whatever the number of those it is sent to."""
        job: Job = view.job
        body = json.dumps(job_json(view))
        frame = f"id: {job.version}\ndata: {body}\n\n".encode()
        return cls(
            tag=view.tag,
            version=job.version,
            status=job.status,
            is_final=job.is_final,
            place=view.queue_position,
            is_stopping=job.cancel_requested_at is not None and not job.is_final,
            body=body,
            frame=frame,
            chunk=b"%X\r\n%b\r\n" % (len(frame), frame),
        )
