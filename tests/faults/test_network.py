"""Each line breaks in each way: what passes a proxy of ours between the product and its servers."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from processes import wait_for

from faults.proxy import Proxy
from faults.stage import IS_LONG, LEASE_SECONDS, Stage, asking

BROKEN_SECONDS = 20.0 if IS_LONG else LEASE_SECONDS + 2.0
RECOVERY_SECONDS = 60.0
SOON = 3.5
SLOTS = 4  # each process of each node is in the middle of a job

Fault = Callable[[Proxy], None]


def cut(proxy: Proxy) -> None:
    """Every connection is reset, also new ones."""
    proxy.cut()


def half_open(proxy: Proxy) -> None:
    """Everything is swallowed, and the connections that stood stay silent for ever."""
    proxy.swallow()


def two_seconds_late(proxy: Proxy) -> None:
    """Each packet arrives two seconds later."""
    proxy.delay(2.0)


def byte_by_byte(proxy: Proxy) -> None:
    """One byte a second."""
    proxy.trickle(bytes_per_second=1)


@pytest.mark.parametrize("fault", [cut, half_open, two_seconds_late, byte_by_byte])
@pytest.mark.parametrize("line", ["web_postgres", "web_redis", "node_postgres", "node_redis"])
def test_everything_goes_on_once_a_line_is_whole_again(
    stage: Stage, line: str, fault: Fault
) -> None:
    """Within a minute, jobs that ran and jobs that waited; and no answer was wrong meanwhile."""
    callers = [stage.make_caller() for _ in range(SLOTS)]
    running = [caller.submit(steps=30, step_seconds=0.1).id for caller in callers]
    for job_id in running:
        stage.wait_until_running(job_id)
    proxy: Proxy = getattr(stage, line)
    fault(proxy)
    with asking(callers, every=0.4, steps=1) as replies:
        time.sleep(BROKEN_SECONDS)
        proxy.heal()
        healed = time.monotonic()
        wait_for(
            lambda: len(replies) > 6 and all(_is_quick(reply) for reply in replies[-6:]),
            RECOVERY_SECONDS,
            "quick answers",
        )
        answered = time.monotonic() - healed
    kept = [*running, *(reply.id for reply in replies if reply.status == 202)]
    refused = [reply for reply in replies if reply.status != 202]
    stage.wait_until_ended(kept, RECOVERY_SECONDS)
    done = time.monotonic() - healed
    print(
        f"{line} {fault.__name__}: {len(kept)} kept, {len(refused)} refused; whole again: answers "
        f"after {answered:.1f} s, all done after {done:.1f} s"
    )
    assert done < RECOVERY_SECONDS
    if line == "web_postgres":
        assert all(reply.is_away(within=SOON) for reply in refused), refused
    else:
        assert not refused
        assert all(reply.seconds < 1 for reply in replies)
    stage.check_ended_once(kept)


def _is_quick(reply: object) -> bool:
    return reply.status == 202 and reply.seconds < 1  # type: ignore[attr-defined]
