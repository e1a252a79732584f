"""Guesses at how long a job takes: in order, never negative, and none where none is honest."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.estimate import DurationEstimate
from webapp.estimates import Eta, running_eta, waiting_eta

PAST = DurationEstimate(runs=20, low=10, mid=20, high=60, running=2)
IDLE = DurationEstimate(runs=20, low=10, mid=20, high=60, running=0)
FEW = DurationEstimate(runs=4, low=10, mid=20, high=60, running=2)
NONE = DurationEstimate(runs=0, low=None, mid=None, high=None, running=0)
LEARNING = Eta(is_learning=True)


def test_the_next_to_be_taken_waits_for_a_slot_only_where_all_are_busy() -> None:
    assert waiting_eta(IDLE, 1) == Eta(20, 10, 60)
    assert waiting_eta(PAST, 1) == Eta(20 + 10, 10, 60 + 30)


def test_those_before_it_end_as_many_at_a_time_as_run_now() -> None:
    assert waiting_eta(IDLE, 5) == Eta(5 * 20, 5 * 10, 5 * 60)
    assert waiting_eta(PAST, 5) == Eta(50 + 20, 20 + 10, 150 + 60)


def test_a_retry_is_not_promised_before_its_time() -> None:
    assert waiting_eta(PAST, None, delay_seconds=100) == Eta(120, 110, 160)


@pytest.mark.parametrize("past", [FEW, NONE])
def test_too_little_is_known_for_a_range(past: DurationEstimate) -> None:
    assert waiting_eta(past, 3) == LEARNING
    assert running_eta(past, 5, None) == LEARNING
    assert running_eta(past, 5, 7) == Eta(7, is_learning=True)  # what the kind says itself


def test_what_has_passed_is_taken_off() -> None:
    assert running_eta(PAST, 0, None) == Eta(20, 10, 60)
    assert running_eta(PAST, 15, None) == Eta(5, 0, 45)
    assert running_eta(PAST, 30, None) == Eta(15, 0, 30)  # past the usual, not past the latest


def test_nobody_knows_when_what_takes_longer_than_ever_ends() -> None:
    assert running_eta(PAST, 61, None) == Eta()
    assert running_eta(PAST, None, None) == Eta()
    assert running_eta(PAST, 61, 8) == Eta(8)


def test_a_kind_that_counts_knows_best() -> None:
    assert running_eta(PAST, 15, 30) == Eta(30, 0, 45)
    assert running_eta(PAST, 15, 90) == Eta(90, 0, 90)
    assert running_eta(PAST, 15, -3) == Eta(0, 0, 45)


seconds = st.floats(0, 1e6)
pasts = st.builds(
    lambda three, runs, running: DurationEstimate(runs, *sorted(three), running),
    st.lists(seconds, min_size=3, max_size=3),
    st.integers(0, 50),
    st.integers(0, 100),
)


def is_honest(eta: Eta) -> bool:
    """Whether nothing is negative or out of order."""
    known = [value for value in (eta.low, eta.seconds, eta.high) if value is not None]
    if eta.low is not None:
        assert eta.seconds is not None
        assert eta.high is not None
    return known == sorted(known) and all(value >= 0 for value in known)


@given(pasts, st.one_of(st.none(), st.integers(1, 10_000)), seconds)
def test_waiting_is_honest_for_any_past(
    past: DurationEstimate, place: int | None, delay: float
) -> None:
    assert is_honest(waiting_eta(past, place, delay))


@given(pasts, st.one_of(st.none(), seconds), st.one_of(st.none(), st.floats(-1e4, 1e6)))
def test_running_is_honest_for_any_past(
    past: DurationEstimate, elapsed: float | None, own: float | None
) -> None:
    assert is_honest(running_eta(past, elapsed, own))
