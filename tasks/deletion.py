"""Delete a job, and tell the pages that show it."""

from __future__ import annotations

from uuid import UUID

from models import Database
from models.deleting import delete_job
from tasks.wake import wake_on_commit, wake_person_on_commit


def delete(database: Database, account_id: UUID, job_id: UUID) -> bool:
    """Delete an ended job of a person for good; False if they have none of this id.

    Raises:
        JobNotEndedError: it waits or runs.
        TextUnderWayError: its text is being sent.
    """
    with database.operator() as session:
        is_gone = delete_job(session, account_id, job_id)
        if is_gone:
            wake_on_commit(session, job_id)
            wake_person_on_commit(session, account_id)
    return is_gone
