"""What Twilio answers when it does not take a message: HTTP status and words of each code."""

from __future__ import annotations

from typing import Any

# Source: Twilio's pages https://www.twilio.com/docs/api/errors/<code>; its messages may change.
_ERRORS = {
    20003: (401, "Authentication Error - invalid username"),
    20009: (409, "Cannot delete this resource before it is complete"),
    20404: (404, "The requested resource was not found"),
    20429: (429, "Too Many Requests"),
    20500: (500, "Internal Server Error"),
    20503: (503, "Service Unavailable"),
    21211: (400, "The 'To' number is not a valid phone number"),
    21408: (403, "Permission to send an SMS has not been enabled for the region"),
    21602: (400, "Message body is required"),
    21603: (400, "A 'From' phone number is required"),
    21604: (400, "A 'To' phone number is required"),
    21609: (400, "The 'StatusCallback' URL is not a valid URL"),
    21610: (400, "Attempt to send to unsubscribed recipient"),
    21612: (400, "The 'To' phone number is not currently reachable via SMS"),
    21614: (400, "'To' number is not a valid mobile number"),
    21617: (400, "The concatenated message body exceeds the 1600 character limit"),
}
# These come later, with the message: it was taken, and then not delivered. 30047: not even queued.
LATER = {
    30003: "Unreachable destination handset",
    30004: "Message blocked",
    30005: "Unknown destination handset",
    30006: "Landline or unreachable carrier",
    30007: "Message filtered",
    30047: "Message could not be rescheduled past quiet hours",
}


def error_answer(code: int, status: int = 0) -> tuple[int, dict[str, Any]]:
    """Return HTTP status and body of an error; an unknown code is a 400 of few words."""
    usual, words = _ERRORS.get(code, (400, f"Error {code}"))
    status = status or usual
    return status, {
        "code": code,
        "message": words,
        "more_info": f"https://www.twilio.com/docs/errors/{code}",
        "status": status,
    }
