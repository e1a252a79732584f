"""The errors of the nouns; a class's docstring is its default message."""

from __future__ import annotations


class TextbackError(Exception):
    """Something went wrong."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (self.__doc__ or "").strip())

    def __str__(self) -> str:
        return str(self.args[0])


class SettingsError(TextbackError):
    """A setting is missing or wrong."""


class DatabaseUnsafeError(TextbackError):
    """The database would let this process see rows that are not its person's."""


class StaleFenceError(TextbackError):
    """This attempt is no longer the one that may write to the job."""


class UnstorableError(TextbackError):
    """The result cannot be stored."""
