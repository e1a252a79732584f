"""What a job was about, as its kind says it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from models import Job
from models.ids import new_id
from tasks import registry
from tasks.about import about
from tasks.kinds.image_search import KIND, FoundProduct, Query, Result, Source
from tasks.texts import TextPreview, compose_text, preview_text

LINK = "https://t.example/r/" + "x" * 22


def a_search(locale: str, categories: list[str], result: Result | None = None) -> Job:
    """Return a row of a search by photo."""
    return Job(
        id=new_id(),
        kind="image_search",
        locale=locale,
        status="succeeded" if result else "failed",
        params={"image": str(new_id()), "categories": categories},
        result=result and result.model_dump(mode="json"),
        result_count=result and len(result.products),
    )


def a_result(category: str, label: str, label_ko: str) -> Result:
    """Return a search's answer with one product."""
    product = FoundProduct(
        id=new_id(), title="a thing", title_ko=None, brand=None, category=category,
        category_label=label, category_label_ko=label_ko, price=None, url=None, picture="/p",
        similarity=0.5,
    )  # fmt: skip
    return Result(
        products=[product], query=Query(width=1, height=1), source=Source(name="", note=""),
        categories=[category], catalog_size=1, exact=True,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("locale", "categories", "words"),
    [
        ("en", ["dress", "bag"], "Dresses, Bags"),
        ("ko", ["dress", "bag"], "원피스, 가방"),
        ("en", ["dress", "bag", "hat", "tool"], "Dresses, Bags, Hats"),
        ("en", [], "your photo"),
        ("ko", [], "사진 검색"),
        ("en", ["winter_coats"], "winter coats"),
    ],
)
def test_a_search_is_about_its_categories(locale: str, categories: list[str], words: str) -> None:
    """In that language, also when nothing was found; what has no label is called by its key."""
    assert about(a_search(locale, categories)) == words


def test_the_labels_are_those_of_the_products_found() -> None:
    """A shop's own categories have its own words."""
    result = a_result("c17", "Rain boots & more", "장화")
    assert about(a_search("en", ["c17"], result)) == "Rain boots"
    assert about(a_search("ko", ["c17"], result)) == "장화"
    said = compose_text(a_search("ko", ["c17"], result), LINK, "KR")
    assert said == f"Textback 장화 결과 1건 {LINK}"


def test_without_words_of_its_own_a_kind_is_its_title() -> None:
    """An integrator may leave it out."""
    assert about(Job(id=new_id(), kind="count_slowly", locale="en", params={})) == "count_slowly"
    assert about(Job(id=new_id(), kind="gone since", locale="en", params={})) is None


def test_a_kind_whose_words_break_is_texted_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """The text matters more than its words; of the error nothing but its name is written down."""

    def broken(*_: Any) -> str:
        raise RuntimeError("a private detail")

    kinds = {"image_search": replace(KIND, about=broken)}
    monkeypatch.setattr(registry, "kinds", lambda: kinds)
    assert about(a_search("en", [])) == "Search by photo"


def test_a_preview_leaves_open_only_how_many() -> None:
    """The words are those of the text itself, with the link as people read it."""
    job = a_search("en", ["dress"])
    assert preview_text(job, "https://t.example", "US") == TextPreview(
        "Textback found … results: Dresses.", "t.example/r/…", segments=1
    )
