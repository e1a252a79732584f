"""Types for the fields of a kind's Params that forms and the API treat specially."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

UPLOAD = "upload"

# The id of an uploaded file. In a multipart submit the file part of the same name takes its place.
UploadId = Annotated[UUID, Field(json_schema_extra={"format": UPLOAD})]


def upload_fields(params: type[BaseModel]) -> list[str]:
    """Return the names of the fields that take an upload."""
    return [
        name
        for name, field in params.model_fields.items()
        if isinstance(field.json_schema_extra, dict)
        and field.json_schema_extra.get("format") == UPLOAD
    ]
