"""Types for the fields of a kind's Params that forms and the API treat specially."""

from __future__ import annotations

from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin
from uuid import UUID

from pydantic import BaseModel, Field

UPLOAD = "upload"

# The id of an uploaded file. In a multipart submit the file part of the same name takes its place.
UploadId = Annotated[UUID, Field(json_schema_extra={"format": UPLOAD})]


def upload_fields(params: type[BaseModel]) -> list[str]:
    """Return the names of the fields that take an upload.

    Such a field is an `UploadId`, an `UploadId | None`, or says so itself in its
    `json_schema_extra`. A list of uploads is none: a file part fills one field.
    """
    return [
        name
        for name, field in params.model_fields.items()
        if _says_upload(field) or _may_be_upload(field.annotation)
    ]


def _may_be_upload(annotation: Any) -> bool:
    """Whether a type, or one of those it is a union of, is an `UploadId`."""
    if get_origin(annotation) is Annotated:
        inner, *notes = get_args(annotation)
        return any(map(_says_upload, notes)) or _may_be_upload(inner)
    if get_origin(annotation) in (Union, UnionType):
        return any(map(_may_be_upload, get_args(annotation)))
    return False


def _says_upload(note: Any) -> bool:
    extra = getattr(note, "json_schema_extra", None)
    return isinstance(extra, dict) and extra.get("format") == UPLOAD
