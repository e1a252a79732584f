"""Uploads: files that jobs are about."""

from __future__ import annotations

from typing import Any

from flask import request

from webapp.auth import require_api_person
from webapp.db import database
from webapp.errors import ProblemError, invalid_field
from webapp.limits import limit_submits
from webapp.picture_files import PictureFile
from webapp.resources.api import UPLOADS, api, problem_response
from webapp.resources.bodies import allow_files
from webapp.resources.schemas import Upload
from webapp.resources.submissions import FORM

_BODY: dict[str, Any] = {
    "required": True,
    "content": {FORM: {"schema": {"$ref": "#/components/schemas/UploadForm"}}},
}


@api.post(
    "/uploads",
    tags=[UPLOADS],
    operation_id="upload_file",
    security=[{"token": []}],
    responses={
        201: Upload,
        413: problem_response("file_too_large", "upload_quota"),
        415: problem_response("unsupported_media_type"),
        422: problem_response(
            "invalid_request",
            "empty_file",
            "not_a_picture",
            "picture_truncated",
            "picture_too_large",
        ),
        429: problem_response("too_many_requests"),
    },
    openapi_extensions={"requestBody": _BODY},
)
@limit_submits
def upload_file() -> tuple[dict[str, Any], int]:
    """Upload a picture.

    Its id can then be named by any of your jobs. A submit can also carry the file itself. A file
    that no job names is removed after a day.
    """
    person = require_api_person()
    if request.mimetype != FORM:
        raise ProblemError("unsupported_media_type", f"A file is uploaded as {FORM}.")
    allow_files(1, "file")
    for name in [*request.form, *request.files]:
        if name != "file":
            raise invalid_field(name, "There is no such field; there is file.")
    if len(request.files.getlist("file")) != 1:
        raise invalid_field("file", "is required, once, as a file part")
    picture = PictureFile.check(request.files["file"], "file")
    with database().owner(person.id) as session:
        upload = picture.store(session, person.id)
    return {
        "id": str(upload.id),
        "media_type": upload.media_type,
        "size_bytes": upload.size_bytes,
        "sha256": upload.sha256.hex(),
        "width": upload.width,
        "height": upload.height,
        "created_at": upload.created_at.isoformat(),
    }, 201
