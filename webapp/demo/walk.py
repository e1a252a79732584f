"""One real image search over HTTP, as a program would do it, shown on the terminal."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, NoReturn
from uuid import uuid4

from webapp.console import Console, phone

PHOTO: Final = Path(__file__).with_name("photo.jpg")
TIMEOUT_SECONDS: Final = 30
TEXT_WITHIN_SECONDS: Final = 30
SENT: Final = {"sent", "delivered"}
NOT_SENT: Final = {"failed", "undelivered", "needs_review"}
ENDED: Final = {"succeeded", "failed", "cancelled"}

Job = dict[str, Any]


class DemoError(Exception):
    """The walk could not be finished; the message says where it stopped."""


def walk(address: str, token: str, texts: "ConsoleTexts", console: Console, began: float) -> None:
    """Submit the bundled photograph, follow the job, and show the text message that comes.

    Args:
        address: of the web process, such as http://127.0.0.1:8000.
        token: an API token whose owner has a verified phone.
        texts: where the texts of this machine come out.
        began: the monotonic time from which seconds are counted.

    Raises:
        DemoError: something answered otherwise than documented, or the text did not come.
    """
    try:
        _walk(_Api(address, token), texts, console, began)
    except urllib.error.HTTPError as error:
        raise DemoError(f"{error.url} answered {error.code}: {_problem(error)}") from error
    except (OSError, ValueError, KeyError) as error:
        raise DemoError(f"{type(error).__name__}: {error}") from error


def _walk(api: "_Api", texts: "ConsoleTexts", console: Console, began: float) -> None:
    console.title("A photo goes in")
    job = api.submit(PHOTO)
    console.fact("Job", f"{job['id']}, answered at once; a person would close the page now")
    for snapshot in api.follow(job):
        job = snapshot
        console.progress(int(job["progress"]), job["stage"] or job["status"])
    console.end_progress()
    if job["status"] != "succeeded":
        raise DemoError(f"the job {job['status']}: {(job['error'] or {}).get('message')}")
    sent_at = api.wait_for_text(job)
    # Others may have come meanwhile: of what was made up for after a restart, for one.
    *others, own = texts.through(sent_at)
    console.title(f"A text comes out, {time.monotonic() - began:.1f} s after the start")
    _show(own, console)
    for other in others:
        console.title("And one of another search")
        _show(other, console)


def show_texts(texts: "ConsoleTexts", console: Console) -> NoReturn:
    """Show every text of this machine as it comes."""
    while True:
        body = texts.next()
        console.title("A text comes out")
        _show(body, console)


def _show(body: str, console: Console) -> None:
    clock = datetime.now().astimezone().strftime("%H:%M")
    console.lines(phone("Textback", body, clock))
    console.line()
    console.fact("Open it", link_in(body))


class ConsoleTexts:
    """The texts of the console provider: a file with one JSON object a line."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._from = 0

    def begin(self) -> None:
        """Look only at the texts that come from now on."""
        self._from = self._path.stat().st_size if self._path.exists() else 0

    def next(self) -> str:
        """Wait for the next text and return its body."""
        while True:
            line, text = self._peek()
            if text is not None:
                self._from += len(line)
                return str(text["body"])
            time.sleep(0.5)

    def through(self, moment: datetime) -> list[str]:
        """Return the bodies of the texts that came up to a moment; the last is that of it.

        Raises:
            DemoError: there is none.
        """
        found = []
        line, text = self._peek()
        while text is not None and datetime.fromisoformat(text["at"]) <= moment:
            found.append(str(text["body"]))
            self._from += len(line)
            line, text = self._peek()
        if not found:
            raise DemoError(f"there is no text in {self._path}")
        return found

    def _peek(self) -> tuple[bytes, dict[str, Any] | None]:
        """Return the next line and what it says, or None where it is not there yet."""
        if not self._path.exists():
            return b"", None
        with self._path.open("rb") as file:
            file.seek(self._from)
            line = file.readline()
        return line, json.loads(line) if line.endswith(b"\n") else None


def link_in(body: str) -> str:
    """Return the address in a text; empty when there is none."""
    return next((word for word in body.split() if word.startswith(("http://", "https://"))), "")


class _Api:
    """The few calls of the job API that the walk needs."""

    def __init__(self, address: str, token: str) -> None:
        self._address = address
        self._token = token

    def submit(self, photo: Path) -> Job:
        """Send a photo to be searched for, with a text message when the answer is there."""
        boundary = uuid4().hex
        fields = {"kind": "image_search", "notify": "sms"}
        body = b"".join(
            f"--{boundary}\r\nContent-Disposition: form-data; "
            f'name="{name}"\r\n\r\n{value}\r\n'.encode()
            for name, value in fields.items()
        )
        body += (
            f'--{boundary}\r\nContent-Disposition: form-data; name="image"; '
            f'filename="{photo.name}"\r\nContent-Type: image/jpeg\r\n\r\n'
        ).encode()
        body += photo.read_bytes() + f"\r\n--{boundary}--\r\n".encode()
        kind = f"multipart/form-data; boundary={boundary}"
        with self._open("/api/v1/jobs", body, {"Content-Type": kind}) as answer:
            return self._job(answer)

    def follow(self, job: Job) -> Iterator[Job]:
        """Yield the job at each of its changes, until it has ended."""
        with self._open(f"/api/v1/jobs/{job['id']}/events") as stream:
            for line in stream:
                if line.startswith(b"data:"):
                    job = json.loads(line.removeprefix(b"data:"))
                    yield job
                    if job["status"] in ENDED:
                        return
        raise DemoError("the event stream ended before the job did")

    def wait_for_text(self, job: Job) -> datetime:
        """Return when the text of a job that has ended was sent.

        Raises:
            DemoError: it was not, or not soon.
        """
        deadline = time.monotonic() + TEXT_WITHIN_SECONDS
        while time.monotonic() < deadline:
            with self._open(f"/api/v1/jobs/{job['id']}") as answer:
                text = self._job(answer)["notification"] or {}
            if text.get("status") in SENT:
                # Told in milliseconds, cut off; the next text is more than one later.
                return datetime.fromisoformat(text["at"]) + timedelta(milliseconds=1)
            if text.get("status") in NOT_SENT:
                raise DemoError(f"no text came: {text['message']}")
            time.sleep(0.05)
        raise DemoError(f"no text came within {TEXT_WITHIN_SECONDS} s")

    def _job(self, answer: Any) -> Job:
        found: Job = json.load(answer)
        return found

    def _open(
        self, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> Any:
        request = urllib.request.Request(  # noqa: S310 - our own address
            self._address + path,
            data=body,
            headers={"Authorization": f"Bearer {self._token}", **(headers or {})},
        )
        return urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS)  # noqa: S310


def _problem(error: urllib.error.HTTPError) -> str:
    """Return what a problem document says, or the answer's first words."""
    text = error.read(2000).decode(errors="replace")
    try:
        problem = json.loads(text)
        return str(problem.get("detail") or problem.get("title"))
    except (ValueError, AttributeError):
        return text[:200]
