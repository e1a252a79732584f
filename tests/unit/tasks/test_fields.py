"""Which params take a file, however their kind writes it."""

from __future__ import annotations

from typing import Annotated, Optional
from uuid import UUID

from pydantic import BaseModel, Field

from tasks.fields import UPLOAD, UploadId, upload_fields


class Params(BaseModel):
    """A photo in each of the ways an integrator may write it, and what is none."""

    photo: UploadId
    titled: UploadId = Field(title="Photo")
    optional: UploadId | None = None
    optional_titled: UploadId | None = Field(None, title="Photo", json_schema_extra={"order": 1})
    older: Optional[UploadId] = None  # noqa: UP045 - what older code writes
    annotated: Annotated[UploadId | None, Field(title="Photo")] = None
    told: UUID | None = Field(None, json_schema_extra={"format": UPLOAD})
    other_id: UUID | None = None
    album: list[UploadId] = Field(default_factory=list)
    words: str | None = Field(None, json_schema_extra={"format": "markdown"})


def test_every_spelling_of_an_upload_is_seen() -> None:
    assert upload_fields(Params) == [
        "photo",
        "titled",
        "optional",
        "optional_titled",
        "older",
        "annotated",
        "told",
    ]
