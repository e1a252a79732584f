"""Every way a request can go wrong, in one table: what happened, and what its reader can do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One row of the table: what happened, and what its reader can do."""

    status: int
    title: str
    remedy: str


PROBLEMS: Mapping[str, Problem] = {
    "malformed_request": Problem(
        400, "The request cannot be understood", "Send well-formed HTTP and a well-formed body."
    ),
    "malformed_json": Problem(
        400, "The body is not JSON", "Send one JSON object, in UTF-8, as application/json."
    ),
    "token_missing": Problem(
        401, "There is no token", "Send `Authorization: Bearer tb_…` with a token of yours."
    ),
    "token_invalid": Problem(
        401, "That token is not known", "Send a token that exists and was not revoked."
    ),
    "forbidden": Problem(
        403, "That is not allowed from there", "Send the form again from its own page."
    ),
    "not_found": Problem(404, "There is nothing at this address", "Look at the list of addresses."),
    "job_not_found": Problem(
        404, "There is no such job", "Use the id of a job of yours, as the submit answered it."
    ),
    "method_not_allowed": Problem(
        405, "Not with this method", "Use one of the methods in the Allow header."
    ),
    "not_finished": Problem(
        409, "The job has not ended yet", "Ask again later, or wait for it with ?wait= or events."
    ),
    "job_failed": Problem(
        409, "The job failed, so it has no result", "The sentence says why; submit a new job."
    ),
    "job_cancelled": Problem(
        409, "The job was cancelled, so it has no result", "Submit a new job."
    ),
    "job_already_ended": Problem(
        409, "The job has ended already", "There is nothing to stop; read it, or run it again."
    ),
    "job_not_ended": Problem(
        409, "The job has not ended", "Cancel it first, then delete it."
    ),
    "text_under_way": Problem(
        409, "The job's text is being sent just now", "Delete the job in some minutes."
    ),
    "job_expired": Problem(
        410, "The job has expired", "What it asked and found is not kept; submit a new job."
    ),
    "body_too_large": Problem(413, "The body is too large", "Send a smaller one."),
    "file_too_large": Problem(413, "The file is too large", "Send a smaller one."),
    "upload_quota": Problem(
        413, "Your files take too much room", "Wait until some are gone; `detail` says how."
    ),
    "unsupported_media_type": Problem(
        415, "Not in this format", "Send application/json, or multipart/form-data with files."
    ),
    "invalid_request": Problem(
        422, "Some fields are not right", "`errors` names each field and what would be right."
    ),
    "unknown_kind": Problem(
        422, "There is no such kind of job", "Use one that GET /api/v1/kinds lists."
    ),
    "empty_file": Problem(422, "The file is empty", "Send a file with content."),
    "not_a_picture": Problem(
        422, "That is not a picture", "Send a JPEG, PNG, WebP or HEIC file, whatever its name."
    ),
    "picture_truncated": Problem(422, "The picture is cut off", "Send the whole file."),
    "picture_unreadable": Problem(422, "The picture is damaged", "Send another one."),
    "picture_too_complex": Problem(
        422, "The picture takes too long to read", "Save it anew, or send another one."
    ),
    "picture_too_large": Problem(
        422, "The picture has too many pixels", "Send it with fewer pixels."
    ),
    "phone_not_verified": Problem(
        422, "There is no verified phone number", "Verify a number first, or use notify=none."
    ),
    "token_not_found": Problem(
        404, "There is no such token", "Use an id that GET /api/v1/tokens lists."
    ),
    "session_not_found": Problem(
        404, "There is no such session", "Use an id that GET /api/v1/sessions lists."
    ),
    "saved_search_not_found": Problem(
        404, "There is no such saved search", "Use an id that GET /api/v1/saved-searches lists."
    ),
    "too_many_saved_searches": Problem(
        409, "There are too many saved searches", "Delete one that is not needed any more."
    ),
    "cron_off": Problem(
        403, "This server takes no cron from outside", "Set CRON_SECRET to open this door."
    ),
    "cron_secret_missing": Problem(
        401, "There is no secret", "Send `Authorization: Bearer …` with the server's CRON_SECRET."
    ),
    "cron_secret_wrong": Problem(
        401, "That is not the secret", "Send the CRON_SECRET that the server has now."
    ),
    "too_many_tokens": Problem(
        409, "There are too many tokens", "Revoke one that is not needed any more."
    ),
    "too_many_codes": Problem(
        429, "That is all the codes for today", "Try again tomorrow, or with another number."
    ),
    "verification_not_found": Problem(
        404, "There is no such verification", "Ask for a code first; it lives for ten minutes."
    ),
    "code_wrong": Problem(
        422, "That is not the code", "Send the six digits of the newest text; five tries in all."
    ),
    "code_used_up": Problem(422, "That was wrong five times", "Ask for a new code."),
    "code_expired": Problem(422, "This code is over", "Ask for a new code; one lives ten minutes."),
    "phone_taken": Problem(
        409,
        "This number belongs to another account",
        "This account has a number of its own. Use a token of that account.",
    ),
    "phone_kept": Problem(
        409,
        "This account has another number",
        "Only its person changes it, in a browser, on the page of the account.",
    ),
    "texts_stopped": Problem(
        422,
        "This number wants no texts",
        "Use notify=none, or have its person turn texts on again.",
    ),
    "texts_off": Problem(
        422, "This server sends no text messages", "Use notify=none."
    ),
    "idempotency_key_reused": Problem(
        422,
        "That Idempotency-Key was used for something else",
        "Send each key with one request only; a new request needs a new key.",
    ),
    "too_many_requests": Problem(
        429, "Too many at once", "Wait for the seconds in Retry-After, then go on."
    ),
    "internal_error": Problem(
        500, "Something went wrong on our side", "Try again; nothing was half-done."
    ),
    "database_unavailable": Problem(
        503,
        "The database is away",
        "Try again after Retry-After; a submit with an Idempotency-Key can be repeated as it is, "
        "else your list of jobs tells whether it got through.",
    ),
    "too_many_streams": Problem(
        503, "Too many open streams", "Poll the job instead, or try again after Retry-After."
    ),
}  # fmt: skip
