"""How work ends other than well, as decisions rather than strings."""

from __future__ import annotations

from models.errors import TextbackError

# Sentences for people, about ends that more than one process may have to record.
TOO_SLOW = "It took longer than it may, so it was stopped."
TOO_LARGE = "It needed more memory than it may have, so it was stopped."
LOST_WORKER = "Our side was interrupted each time we tried, so there is no answer."
WAITED_TOO_LONG = "It waited for longer than its answer would have been kept."


class JobError(TextbackError):
    """The job cannot succeed, and trying again would not help.

    `code` is for programs and never changes; the message is one sentence for people.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class ProviderError(TextbackError):
    """An outside service did not do what it was asked.

    `permanent` decides: True ends the job with this sentence, False lets it try again.
    """

    def __init__(self, message: str, *, permanent: bool, code: str = "provider_failed") -> None:
        super().__init__(message)
        self.permanent = permanent
        self.code = code


class ParamsError(TextbackError):
    """A value that fits its type is still wrong; `field` names it as the API does."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class JobFailedError(TextbackError):
    """The job ended failed; raised so that Flower tells the same truth as the row."""


class TaskBrokeError(TextbackError):
    """A task ended with an error nobody foresaw."""


class Cancelled(Exception):  # noqa: N818 - a signal, not an error
    """The person asked for the job to stop."""


class StaleHint(Exception):  # noqa: N818 - the everyday fate of a doubled message
    """The message was about a job that is gone, taken, ended or not due."""
