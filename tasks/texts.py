"""The words of the text message, in the person's language, in one segment where it can be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from models import Job, JobStatus
from models.result_link import TOKEN_CHARACTERS
from tasks.about import about
from tasks.registry import UnknownKindError, find_kind
from tasks.segments import Encoding, segments, writable

# The fuller words first, then those for little room: with the mark of Korea's carriers and a link
# of 42 characters, 20 are left. What was searched is cut only where the last ones do not fit.
_WORDS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "en": {
        "results": (
            "Textback found {count} results: {about}. {link}",
            "{about}: {count} results {link}",
        ),
        "one": ("Textback found 1 result: {about}. {link}", "{about}: 1 result {link}"),
        "none": (
            "Textback found nothing this time: {about}. {link}",
            "{about}: nothing found {link}",
        ),
        "done": ("Textback has your answer: {about}. {link}", "{about}: ready {link}"),
        "failed": (
            "Textback could not finish: {about}. Why: {link}",
            "{about}: not finished {link}",
        ),
        "new": (
            "Textback found {new} new of {count}: {about}. {link}",
            "{about}: {new} new of {count} {link}",
        ),
        "nothing_new": (
            "Textback found nothing new: {about}. {link}",
            "{about}: nothing new {link}",
        ),
        "set_up": (
            "Textback keeps this fresh from now on: {about}, {count} so far. {link}",
            "{about}: kept fresh {link}",
        ),
        "paused": (
            "Textback paused a search that kept failing: {about}. Why: {link}",
            "{about}: paused {link}",
        ),
    },
    "ko": {
        "results": (
            "Textback {about} 결과 {count}건 {link}",
            "{about} 결과 {count}건 {link}",
            "{about} {count}건 {link}",
        ),
        "one": (
            "Textback {about} 결과 1건 {link}",
            "{about} 결과 1건 {link}",
            "{about} 1건 {link}",
        ),
        "none": (
            "Textback {about} 결과 없음 {link}",
            "{about} 결과 없음 {link}",
            "{about} 0건 {link}",
        ),
        "done": (
            "Textback {about} 결과가 나왔어요 {link}",
            "{about} 결과 나옴 {link}",
            "{about} 완료 {link}",
        ),
        "failed": ("Textback {about} 검색 실패, 이유 {link}", "{about} 실패 {link}"),
        "new": (
            "Textback {about} 새 결과 {new}건 (모두 {count}건) {link}",
            "{about} 새 결과 {new}건 {link}",
            "{about} 새 {new}건 {link}",
        ),
        "nothing_new": (
            "Textback {about} 새 결과 없음 {link}",
            "{about} 새 결과 없음 {link}",
            "{about} 새것 없음 {link}",
        ),
        "set_up": (
            "Textback {about} 이제 새 결과를 알려 드려요 (지금 {count}건) {link}",
            "{about} 새 결과 알림 시작 {link}",
            "{about} 알림 시작 {link}",
        ),
        "paused": ("Textback {about} 계속 실패해 멈춤 {link}", "{about} 멈춤 {link}"),
    },
}
# Where there is no room for what it was about.
_BARE_WORDS = {
    "en": {
        "results": ("Textback found {count} results. {link}", "{count} results {link}"),
        "one": ("Textback found 1 result. {link}", "1 result {link}"),
        "none": ("Textback found nothing this time. {link}", "Nothing found {link}"),
        "done": ("Textback has your answer. {link}", "Ready {link}"),
        "failed": ("Textback could not finish your search. Why: {link}", "Not finished {link}"),
        "new": ("Textback found {new} new of {count}. {link}", "{new} new of {count} {link}"),
        "nothing_new": ("Textback found nothing new. {link}", "Nothing new {link}"),
        "set_up": ("Textback keeps your search fresh from now on. {link}", "Kept fresh {link}"),
        "paused": ("Textback paused a search that kept failing. Why: {link}", "Paused {link}"),
    },
    "ko": {
        "results": ("Textback 검색 결과 {count}건 {link}", "결과 {count}건 {link}"),
        "one": ("Textback 검색 결과 1건 {link}", "결과 1건 {link}"),
        "none": ("Textback 찾은 결과 없음 {link}", "결과 없음 {link}"),
        "done": ("Textback 결과가 나왔어요 {link}", "결과 나옴 {link}"),
        "failed": ("Textback 검색 실패, 이유 {link}", "검색 실패 {link}"),
        "new": ("Textback 새 결과 {new}건 (모두 {count}건) {link}", "새 결과 {new}건 {link}"),
        "nothing_new": ("Textback 새 결과 없음 {link}", "새 결과 없음 {link}"),
        "set_up": ("Textback 이제 새 결과를 알려 드려요 {link}", "새 결과 알림 시작 {link}"),
        "paused": ("Textback 계속 실패해 검색 멈춤 {link}", "검색 멈춤 {link}"),
    },
}
LOCALES = tuple(_WORDS)
# Of what it was about at least so much is left, or nothing.
_LEAST_LEFT = 4
# Stands for a number that is not known yet, as wide as most will be.
_NOT_YET = "##"


def compose_text(
    job: Job,
    link: str,
    country: str | None = None,
    *,
    is_first: bool = False,
    is_paused: bool = False,
) -> str:
    """Return the whole text about an ended job.

    Args:
        job: the row.
        link: the address of its text link.
        country: of the number it goes to, e.g. KR.
        is_first: whether it set what its saved search knows, from which on things are new.
        is_paused: whether it was one failure too many for its saved search.
    """
    return text_body(
        locale=job.locale,
        succeeded=job.status == JobStatus.SUCCEEDED,
        result_count=job.result_count,
        new_count=job.new_count,
        is_first=is_first,
        link=link,
        about=about(job),
        country=country,
        is_paused=is_paused,
    )


@dataclass(frozen=True, slots=True)
class TextPreview:
    """A text before there is one: its words, its link as it is shown, and its segments."""

    words: str
    link: str
    segments: int


def preview_text(job: Job, base_url: str, country: str | None = None) -> TextPreview:
    """Return the text that is sent if a running job succeeds.

    The words are chosen for a link of the true length; how many there will be is left open.
    """
    link = f"{base_url}/r/{'x' * TOKEN_CHARACTERS}"
    form = "results" if _counts(job) else "done"
    body = _best(
        job.locale,
        "new" if job.saved_search_id is not None and form == "results" else form,
        counts={"count": _NOT_YET, "new": _NOT_YET},
        link=link,
        about=about(job),
        country=country,
    )
    words = body.removesuffix(link).rstrip().replace(_NOT_YET, "…")
    return TextPreview(words, f"{urlsplit(base_url).netloc}/r/…", segments(body, country).count)


def example_words(locale: str, base_url: str, country: str | None = None) -> str:
    """Return what stands before the link of a text from this server, for a search with results."""
    link = f"{base_url}/r/{'x' * TOKEN_CHARACTERS}"
    body = text_body(locale=locale, succeeded=True, result_count=24, link=link, country=country)
    return body.removesuffix(link).rstrip()


def text_body(
    *,
    locale: str,
    succeeded: bool,
    result_count: int | None,
    link: str,
    new_count: int | None = None,
    about: str | None = None,
    country: str | None = None,
    is_first: bool = False,
    is_paused: bool = False,
) -> str:
    """Return the message for an ended job; English for a language that is not here.

    `is_first` and `is_paused` are about a run of a saved search: one that sets what is known, and
    one failure too many.
    """
    if is_paused:
        form = "paused"
    elif not succeeded:
        form = "failed"
    elif is_first and result_count is not None:
        form = "set_up"
    elif new_count is not None and result_count is not None:
        form = "new" if new_count else "nothing_new"
    elif result_count is None:
        form = "done"
    else:
        form = {0: "none", 1: "one"}.get(result_count, "results")
    counts = {"count": str(result_count), "new": str(new_count)}
    return _best(locale, form, counts=counts, link=link, about=about, country=country)


def _counts(job: Job) -> bool:
    try:
        return find_kind(job.kind).count is not None
    except UnknownKindError:
        return False


def _best(
    locale: str,
    form: str,
    *,
    counts: Mapping[str, str],
    link: str,
    about: str | None,
    country: str | None,
) -> str:
    """Return the fullest words of those that go in the fewest segments."""
    locale = locale if locale in _WORDS else "en"
    about = about and writable(about, country).strip()
    bodies = (
        [] if not about else list(_with_about(_WORDS[locale][form], counts, link, about, country))
    )
    bodies += [words.format(link=link, **counts) for words in _BARE_WORDS[locale][form]]
    return min(bodies, key=lambda body: segments(body, country).count)


def _with_about(
    words: tuple[str, ...], counts: Mapping[str, str], link: str, about: str, country: str | None
) -> Iterator[str]:
    whole = [form.format(link=link, about=about, **counts) for form in words]
    yield from whole
    is_plain = segments(whole[-1], country).encoding is Encoding.GSM_7
    for length in range(len(about) - 1, _LEAST_LEFT - 1, -1):
        cut = about[:length].rstrip(" ,") + ("..." if is_plain else "…")
        yield words[-1].format(link=link, about=cut, **counts)
