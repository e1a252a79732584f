"""Settings of postings: what stops the start, and how they are read."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from models import Settings, posting_sites
from models.errors import SettingsError


@pytest.fixture
def read(settings: Settings, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    """Read the environment with these variables added."""

    def with_more(**more: str) -> Settings:
        for name, value in more.items():
            monkeypatch.setenv(name, value)
        return Settings.from_env()

    return with_more


def test_only_the_sample_is_offered_unless_told(read) -> None:  # type: ignore[no-untyped-def]
    settings = read()
    assert settings.offered_sites == ("sample",)
    assert settings.feeds == settings.proxies == ()


def test_several_sites_feeds_and_proxies(read) -> None:  # type: ignore[no-untyped-def]
    settings = read(
        POSTING_SITES=" Indeed, feed,indeed ",
        POSTING_FEEDS="https://example.com/a.xml, jobs.json",
        POSTING_PROXIES="http://me:hidden@proxy:1,proxy:2",
    )
    assert settings.offered_sites == ("indeed", "feed")
    assert settings.feeds == ("https://example.com/a.xml", "jobs.json")
    assert settings.proxies == ("http://me:hidden@proxy:1", "proxy:2")
    assert isinstance(settings.posting_proxies, SecretStr)
    assert "hidden" not in repr(settings)


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"POSTING_SITES": "indeed,monster"}, r"POSTING_SITES: .*not monster"),
        ({"POSTING_SITES": ","}, r"POSTING_SITES: must be names out of sample, feed, indeed"),
        ({"POSTING_SITES": "feed"}, "POSTING_FEEDS must name at least one"),
        ({"POSTING_FEEDS": "jobs.json"}, "POSTING_SITES must name feed too"),
        ({"POSTING_SITE_INTERVAL_SECONDS": "0"}, "POSTING_SITE_INTERVAL_SECONDS"),
    ],
)
def test_a_wrong_one_stops_the_start(read, variables: dict[str, str], words: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(SettingsError, match=words):
        read(**variables)


def test_a_board_without_its_library_stops_the_start(  # type: ignore[no-untyped-def]
    read, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(posting_sites, "find_spec", lambda name: None)
    with pytest.raises(SettingsError, match=r"POSTING_SITES: .*pip install 'textback\[jobs\]'"):
        read(POSTING_SITES="sample,linkedin")
    assert read(POSTING_SITES="sample").offered_sites == ("sample",)


def test_every_site_is_the_librarys() -> None:
    """Its names are ours, so that a new release with others is noticed."""
    from jobspy.model import Site

    assert {site.value for site in Site} == set(posting_sites.SITES) - posting_sites.BY_OURSELVES
