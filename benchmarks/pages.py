"""Measures the pages as a browser has them, on the all-in-one server: bytes, first paint, movement,
the delay of a tap, and how soon a second device, a network that is back and a web process that was
killed show the truth.

    python -m benchmarks.pages                     # two minutes; needs Chromium

Everything runs on this machine, server and browser on the same cores, with an empty browser cache
for each page. Its exit code is 1 when a page is larger or slower than it may be.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from http.client import HTTPException
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from benchmarks.machine import percentile
from benchmarks.memory import tree
from benchmarks.subjects import ROOT, wait_until

PORT = 8792
ADDRESS = f"http://127.0.0.1:{PORT}"
PHOTO = ROOT / "webapp/demo/photo.jpg"
MOST_BYTES, MOST_PAINT_MS, MOST_SHIFT, MOST_DELAY_MS = 150_000, 1000, 0.0, 100
SECOND_DEVICE_MS, BACK_MS, RESTART_MS = 1000, 2000, 5000
OPEN_STREAMS, OPEN_PAGES = 50, 8
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]

# Paints, movements and delays, from the first moment of a page on.
WATCH = """
window.seen = {shift: 0, delays: []};
new PerformanceObserver((list) => list.getEntries().forEach((one) => {
  if (!one.hadRecentInput) window.seen.shift += one.value;
})).observe({type: "layout-shift", buffered: true});
new PerformanceObserver((list) => list.getEntries().forEach((one) => {
  if (one.interactionId) window.seen.delays.push(one.duration);
})).observe({type: "event", buffered: true, durationThreshold: 16});
"""
# A page notes by itself when it shows its result: to ask eight of them all the time takes half as
# much of the machine as they do.
NOTE_RESULT = """
new MutationObserver(() => {
  if (sessionStorage.shownAt || !document.querySelector(".product")) return;
  sessionStorage.shownAt = Date.now();
}).observe(document, {childList: true, subtree: true});
"""


class Server:
    """The all-in-one server, with nothing in it."""

    def __init__(self, folder: Path) -> None:
        self._log = (folder / "run.log").open("wb")
        self._process = subprocess.Popen(
            [
                sys.executable, "-m", "webapp.cli", "run",
                "--data", str(folder / "data"), "--port", str(PORT),
            ],
            cwd=ROOT, stdout=self._log, stderr=self._log, start_new_session=True,
            env={**os.environ, "CODES_PER_ADDRESS_A_DAY": "1000", "SUBMITS_PER_MINUTE": "1000"},
        )  # fmt: skip
        wait_until(self.answers, seconds=120, every=0.1)
        # The very first request reads templates and fills the pool.
        with urllib.request.urlopen(ADDRESS, timeout=30) as answer:
            answer.read()

    def answers(self) -> bool:
        """Whether the web process answers."""
        try:
            with urllib.request.urlopen(f"{ADDRESS}/healthz", timeout=2) as answer:
                return answer.status == 200
        except OSError:
            return False

    def processes(self, words: str) -> list[int]:
        """Return its processes that were started with these words."""
        return [pid for pid, _ in tree(self._process.pid) if words in _command(pid)]

    @contextlib.contextmanager
    def at_rest(self) -> Iterator[None]:
        """Let no job begin meanwhile: all that is no web process stands still."""
        workers = [pid for pid in self.processes(" run --data ") if pid != self._process.pid]
        for pid in workers:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in workers:
                os.kill(pid, signal.SIGCONT)

    def kill_web(self) -> None:
        """Kill all of the web process."""
        for pid in self.processes("gunicorn"):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def stop(self) -> None:
        """Stop it as Ctrl-C does."""
        self._process.send_signal(signal.SIGINT)
        self._process.wait(60)
        self._log.close()


def _command(pid: int) -> str:
    try:
        return (Path("/proc") / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


@dataclass(frozen=True)
class Measured:
    """One page as a browser with an empty cache had it."""

    name: str
    bytes: int
    requests: int
    paint_ms: float
    shift: float
    delay_ms: float

    @property
    def is_good(self) -> bool:
        """Whether it is as small, quick and still as it has to be."""
        return (
            self.bytes <= MOST_BYTES
            and self.paint_ms <= MOST_PAINT_MS
            and self.shift <= MOST_SHIFT
            and self.delay_ms <= MOST_DELAY_MS
        )


def new_context(browser: Browser, language: str, **more: Any) -> BrowserContext:
    """Return a phone that was never here."""
    context = browser.new_context(
        viewport={"width": 390, "height": 844},
        locale=language,
        timezone_id="Asia/Seoul",
        **more,
    )
    context.set_default_timeout(60_000)
    return context


def first_page(browser: Browser, language: str) -> Measured:
    """Open the first page, choose a category, type a number."""
    context = new_context(browser, language, service_workers="block")
    page = context.new_page()
    page.add_init_script(WATCH)
    client = context.new_cdp_session(page)
    client.send("Network.enable")
    sizes: list[int] = []
    client.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    page.goto(ADDRESS, wait_until="networkidle")
    for chip in page.locator(".chips > .chip-row .chip").all()[:4]:
        chip.click()
    page.locator("#phone").press_sequentially("01012345678", delay=20)
    page.wait_for_timeout(500)
    seen = page.evaluate("window.seen")
    paint = page.evaluate(
        "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 9999"
    )
    context.close()
    return Measured(
        f"first page, {language}", sum(sizes), len(sizes), paint, seen["shift"],
        max(seen["delays"], default=0),
    )  # fmt: skip


def search(page: Page) -> float:
    """Send a photo; returns when its page came, by the clock of this process."""
    page.set_input_files("#image", PHOTO)
    page.locator("button.go").click()
    page.wait_for_url("**/jobs/*")
    return time.monotonic()


def sign_in(context: BrowserContext, number: str) -> Page:
    """Prove a phone with the code that the phone of this machine received."""
    phone, page = context.new_page(), context.new_page()
    phone.goto(f"{ADDRESS}/dev/phone")
    bubbles = phone.locator(".bubbles li", has_text=f"•••• {number[-4:]}").locator(".bubble")
    known = bubbles.count()
    page.goto(f"{ADDRESS}/sign-in")
    page.select_option("#country", "KR")
    page.fill("#phone", number)
    page.locator("button.go").click()
    page.wait_for_url("**/sign-in/*")
    code = "".join(bubbles.nth(known).inner_text().split("#")[-1].split())[:6]
    phone.close()
    page.fill("#code", code)
    page.locator("#verify form.code button").click()
    page.wait_for_url("**/jobs")
    return page


def second_device(browser: Browser, times: int) -> list[float]:
    """Return how long after a search began on one device the list of another had it, in ms."""
    first, second = new_context(browser, "en-GB"), new_context(browser, "ko-KR")
    page = sign_in(first, "01012340001")
    listed = sign_in(second, "01012340001")
    late = []
    for number in range(times):
        page.goto(ADDRESS)
        page.locator("details.more summary").click()
        page.locator(".chip input").nth(number).evaluate("one => one.click()")
        began = search(page)
        listed.locator("#history > li").nth(number).wait_for()
        late.append((time.monotonic() - began) * 1000)
    first.close()
    second.close()
    return late


def network_back(browser: Browser, server: Server, seconds: float) -> float:
    """Return how long after a network came back the result was there, in ms."""
    context = new_context(browser, "en-GB")
    page = context.new_page()
    page.goto(ADDRESS)
    with server.at_rest():
        search(page)
        page.locator("#position").wait_for()
        context.set_offline(True)
    page.wait_for_timeout(seconds * 1000)
    if page.locator(".product").count():
        raise SystemExit("the page had a network all the time")
    began = time.monotonic()
    context.set_offline(False)
    page.locator(".product").first.wait_for()
    late = (time.monotonic() - began) * 1000
    context.close()
    return late


class Stream(threading.Thread):
    """Somebody who follows a job as a browser does: a stream that broke is opened again."""

    def __init__(self, job: str, cookie: str) -> None:
        super().__init__(daemon=True)
        self.is_open = threading.Event()
        self.ended_at: float | None = None
        self._job = job
        self._cookie = cookie
        self.start()

    def run(self) -> None:
        while self.ended_at is None:
            with contextlib.suppress(OSError, HTTPException):
                self._follow()
            if self.ended_at is None:
                time.sleep(2)

    def _follow(self) -> None:
        address = f"{ADDRESS}/api/v1/jobs/{self._job}/events"
        asked = urllib.request.Request(address, headers={"Cookie": self._cookie})
        with urllib.request.urlopen(asked, timeout=60) as answer:
            for line in answer:
                self.is_open.set()
                if b'"status": "succeeded"' in line:
                    self.ended_at = time.monotonic()


def web_restarts(browser: Browser, server: Server) -> tuple[float, list[float], list[float]]:
    """Kill the web process under open streams and pages, and let their searches end meanwhile.

    Returns:
        How long nobody answered, and how long after the kill each stream had told of the end and
        each page showed it, in ms.
    """
    # A page takes half a second of this machine to draw its result, so there are fewer of them.
    follower, watcher = (new_context(browser, "en-GB") for _ in range(2))
    with server.at_rest():
        paths = []
        for context in (follower, watcher):
            page = context.new_page()
            page.goto(ADDRESS)
            search(page)
            paths.append(page.url)
            page.goto("about:blank")
        cookie = "; ".join(f"{one['name']}={one['value']}" for one in follower.cookies())
        job = paths[0].rsplit("/", 1)[1]
        streams = [Stream(job, cookie) for _ in range(OPEN_STREAMS)]
        state = watcher.storage_state()
        # Animations that nobody sees would take all of the machine.
        calm = {"storage_state": state, "reduced_motion": "reduce"}
        contexts = [new_context(browser, "en-GB", **calm) for _ in range(OPEN_PAGES)]
        for one in contexts:
            one.add_init_script(NOTE_RESULT)
        pages = [one.new_page() for one in contexts]
        for one in pages:
            one.goto(paths[1])
            one.locator("#position").wait_for()
        wait_until(lambda: all(one.is_open.is_set() for one in streams), seconds=30, every=0.05)
        server.kill_web()
        killed, killed_at = time.monotonic(), time.time() * 1000
    wait_until(server.answers, seconds=60, every=0.02)
    back = time.monotonic()
    shown: list[float] = []
    waiting = dict.fromkeys(pages)
    while waiting and time.monotonic() - back < 30:
        pages[0].wait_for_timeout(1000)
        for one in tuple(waiting):
            if shown_at := one.evaluate("sessionStorage.shownAt"):
                shown.append(max(0.0, float(shown_at) - killed_at))
                del waiting[one]
    wait_until(lambda: all(one.ended_at for one in streams), seconds=30, every=0.05)
    for one in (*contexts, follower, watcher):
        one.close()
    if waiting:
        raise SystemExit(f"{len(waiting)} pages never had their result")
    told = [max(0.0, ((one.ended_at or 0) - killed) * 1000) for one in streams]
    return (back - killed) * 1000, told, shown


def measure(browser: Browser, server: Server, offline_seconds: float) -> bool:
    """Measure everything, print it, and return whether all is as it should be."""
    is_good = True
    for language in ("en-GB", "ko-KR"):
        one = first_page(browser, language)
        is_good &= one.is_good
        print(
            f"{one.name}: {one.bytes / 1000:.0f} kB in {one.requests} requests, first paint "
            f"{one.paint_ms:.0f} ms, layout shift {one.shift:.3f}, slowest tap or key "
            f"{one.delay_ms:.0f} ms"
        )
    late = second_device(browser, 5)
    is_good &= max(late) <= SECOND_DEVICE_MS
    print(f"seen on a second device after {percentile(late, 0.5):.0f} ms, most {max(late):.0f} ms")
    back = network_back(browser, server, offline_seconds)
    is_good &= back <= BACK_MS
    print(f"right again {back:.0f} ms after a network that was away for {offline_seconds:.0f} s")
    away, told, shown = web_restarts(browser, server)
    is_good &= max(*told, *shown) <= RESTART_MS
    print(
        f"web process killed under {len(told)} open streams and {len(shown)} open pages: nobody "
        f"answered for {away:.0f} ms; after the kill the streams had told of the end within "
        f"{percentile(told, 0.5):.0f} ms (p50), {max(told):.0f} ms (most), and the pages showed it "
        f"within {percentile(shown, 0.5):.0f} ms, {max(shown):.0f} ms"
    )
    return is_good


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--offline", type=float, default=20, help="seconds without a network")
    asked = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        raise SystemExit("There is no Chromium here: apt-get install chromium fonts-nanum")
    print(f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC")
    with tempfile.TemporaryDirectory(prefix="textback-pages-") as folder:
        server = Server(Path(folder))
        try:
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
                is_good = measure(browser, server, asked.offline)
                browser.close()
        finally:
            server.stop()
    sys.exit(0 if is_good else 1)


if __name__ == "__main__":
    main()
