"""The sites job postings may come from, by the name settings and searches use."""

from __future__ import annotations

from importlib.util import find_spec

SAMPLE = "sample"
FEED = "feed"
# What a person's own feed is kept under begins with this; it is nobody else's.
OWN_FEED = "feed:"

SITES = {
    SAMPLE: "Sample postings",
    FEED: "Feeds",
    "indeed": "Indeed",
    "linkedin": "LinkedIn",
    "glassdoor": "Glassdoor",
    "google": "Google",
    "zip_recruiter": "ZipRecruiter",
    "bayt": "Bayt",
    "naukri": "Naukri",
    "bdjobs": "BDJobs",
    "hellowork": "HelloWork",
}
# All but these are asked by python-jobspy, which comes with the extra `jobs`.
BY_OURSELVES = frozenset({SAMPLE, FEED})


def checked_sites(given: str) -> str:
    """Return the names of sites with commas between, each once.

    Raises:
        ValueError: an unknown name, none at all, or a site whose library is not installed.
    """
    names = list(dict.fromkeys(name.strip().lower() for name in given.split(",") if name.strip()))
    unknown = [name for name in names if name not in SITES]
    if unknown or not names:
        wrong = ", ".join(unknown) or "empty"
        raise ValueError(f"must be names out of {', '.join(SITES)}; not {wrong}")
    scraped = [name for name in names if name not in BY_OURSELVES]
    if scraped and find_spec("jobspy") is None:
        raise ValueError(
            f"{', '.join(scraped)} cannot be asked without python-jobspy; install it with "
            "pip install 'textback[jobs]'"
        )
    return ",".join(names)
