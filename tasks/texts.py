"""The words of the text message, in the person's language."""

from __future__ import annotations

from models import Job, JobStatus

# A Korean text of one segment has 70 characters, of which carriers take about 8 for their own
# mark, and only what EUC-KR can write. With a link of 42 characters 20 are left for these words.
_WORDS = {
    "en": {
        "results": "Textback: {count} results for your search. {link}",
        "one": "Textback: 1 result for your search. {link}",
        "none": "Textback: your search found nothing this time. {link}",
        "done": "Textback: your answer is ready. {link}",
        "failed": "Textback: your search could not be finished. Why: {link}",
    },
    "ko": {
        "results": "Textback 검색 결과 {count}건 {link}",
        "one": "Textback 검색 결과 1건 {link}",
        "none": "Textback 찾은 결과 없음 {link}",
        "done": "Textback 결과가 나왔어요 {link}",
        "failed": "Textback 검색 실패, 이유 {link}",
    },
}
LOCALES = tuple(_WORDS)


def compose_text(job: Job, link: str) -> str:
    """Return the whole text about an ended job.

    Args:
        job: the row.
        link: the address of its text link.
    """
    return text_body(
        locale=job.locale,
        succeeded=job.status == JobStatus.SUCCEEDED,
        result_count=job.result_count,
        link=link,
    )


def text_body(*, locale: str, succeeded: bool, result_count: int | None, link: str) -> str:
    """Return the message for an ended job; English for a language that is not here."""
    words = _WORDS.get(locale, _WORDS["en"])
    if not succeeded:
        form = "failed"
    elif result_count is None:
        form = "done"
    else:
        form = {0: "none", 1: "one"}.get(result_count, "results")
    return words[form].format(count=result_count, link=link)
