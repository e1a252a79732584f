"""A long task with progress in a row, as tutorials write it. Kept plain on purpose.

Worker: `celery --app benchmarks.naive.app:celery worker --concurrency 2`
"""

from __future__ import annotations

import os
import time
import uuid
from datetime import UTC, datetime
from typing import Any

from celery import Celery, Task
from flask import Flask
from sqlalchemy import JSON, DateTime, create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, scoped_session, sessionmaker

DATABASE_URL = os.environ["NAIVE_DATABASE_URL"]
REDIS_URL = os.environ["NAIVE_REDIS_URL"]
STEPS = 5

engine = create_engine(DATABASE_URL)
db = scoped_session(sessionmaker(engine))


class Base(DeclarativeBase):
    """The base of the models."""


class Job(Base):
    """A job and its progress."""

    __tablename__ = "jobs"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    kind: Mapped[str]
    params: Mapped[Any] = mapped_column(JSON)
    status: Mapped[str] = mapped_column(default="queued", index=True)
    progress: Mapped[int] = mapped_column(default=0)
    stage: Mapped[str | None]
    result: Mapped[Any] = mapped_column(JSON, nullable=True)
    created_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), default=lambda: datetime.now(UTC)
    )
    started_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    finished_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


def create_app() -> Flask:
    """Make the application; its database session ends with each request or task."""
    app = Flask(__name__)

    @app.teardown_appcontext
    def remove_session(_: BaseException | None = None) -> None:
        db.remove()

    return app


def create_celery(app: Flask) -> Celery:
    """Make Celery run each task inside the application's context, as Flask's manual says."""

    class FlaskTask(Task):  # type: ignore[misc]
        def __call__(self, *args: object, **kwargs: object) -> object:
            with app.app_context():
                return self.run(*args, **kwargs)

    made = Celery(app.name, task_cls=FlaskTask)
    made.conf.update(broker_url=REDIS_URL, result_backend="db+" + DATABASE_URL)
    made.set_default()
    return made


flask_app = create_app()
celery = create_celery(flask_app)


def update_job(job_id: str, **values: Any) -> None:
    """Write where a job is; people poll its row."""
    job = db.get(Job, uuid.UUID(job_id))
    for name, value in values.items():
        setattr(job, name, value)
    db.commit()


@celery.task
def run_job(job_id: str) -> dict[str, Any]:
    """Do the steps of a job."""
    update_job(job_id, status="running", started_at=datetime.now(UTC))
    began = time.time()
    for step in range(1, STEPS + 1):
        update_job(job_id, progress=100 * step // STEPS, stage=f"Step {step}")
    result = {"steps": STEPS, "began": began}
    update_job(job_id, status="done", result=result, finished_at=datetime.now(UTC))
    return result


def create_job() -> uuid.UUID:
    """Write a job and send its task, as the view of a tutorial does."""
    job = Job(kind="five_steps", params={"steps": STEPS})
    db.add(job)
    db.commit()
    run_job.delay(str(job.id))
    return job.id
