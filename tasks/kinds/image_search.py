"""Find the products of the catalog that look like the thing on a photo."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import TYPE_CHECKING, Annotated, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, HttpUrl, field_validator, model_validator
from pydantic_core import PydanticCustomError
from sqlalchemy import select

from models import ProductCategory, Upload
from tasks.errors import ParamsError
from tasks.fetch import FetchError, check_url
from tasks.fields import UPLOAD
from tasks.pictures import open_picture
from tasks.providers.catalog.base import Match
from tasks.providers.image_embedder.photo import embed_photo
from tasks.registry import JobKind
from tasks.sample_catalog import FOLDER

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from tasks.context import JobContext

SAMPLE = "sample"
STEPS = 3

CategoryKey = Annotated[str, Field(min_length=1, max_length=64)]


class Params(BaseModel):
    """What to look for: one picture, and where."""

    model_config = ConfigDict(extra="forbid")

    image: UUID | None = Field(
        None,
        title="Photo",
        description="A JPEG, PNG, WebP or HEIC file: the id of an upload.",
        json_schema_extra={"format": UPLOAD},
    )
    image_url: HttpUrl | None = Field(
        None,
        title="Address of a photo",
        description="Where the photo is on the web, if you have no file of it.",
    )
    categories: list[CategoryKey] = Field(
        default_factory=list,
        max_length=10,
        title="Categories",
        description="Keep to these, such as dress. Empty looks through everything.",
    )
    limit: int = Field(
        24, ge=1, le=60, title="Results", description="How many products to show, at most."
    )

    @field_validator("image_url")
    @classmethod
    def _is_fetchable(cls, url: HttpUrl | None) -> HttpUrl | None:
        if url is not None:
            try:
                check_url(str(url))
            except FetchError as error:
                raise PydanticCustomError(
                    "image_url", "{reason}", {"reason": error.message}
                ) from error
        return url

    @field_validator("categories")
    @classmethod
    def _without_repeats(cls, categories: list[str]) -> list[str]:
        return list(dict.fromkeys(categories))

    @model_validator(mode="after")
    def _has_one_picture(self) -> Self:
        if (self.image is None) == (self.image_url is None):
            raise PydanticCustomError(
                "one_picture", "Give one photo: an upload as image, or an address as image_url."
            )
        return self


class Price(BaseModel):
    """An amount of money, as text so that no rounding happens on the way."""

    amount: str
    currency: str


class FoundProduct(BaseModel):
    """One product, with its picture under an address of this service."""

    id: UUID
    title: str
    title_ko: str | None
    brand: str | None
    category: str
    category_label: str
    category_label_ko: str
    price: Price | None
    url: str | None
    picture: str
    similarity: float = Field(ge=0, le=1, description="1 is the same picture.")


class Query(BaseModel):
    """The photo that was looked for, in pixels as it is seen."""

    width: int
    height: int


class Source(BaseModel):
    """Where the products come from, in words for people."""

    name: str
    note: str


class Result(BaseModel):
    """The products found, nearest first."""

    products: list[FoundProduct]
    query: Query
    source: Source
    categories: list[str]
    catalog_size: int
    exact: bool


def run(ctx: JobContext, params: Params) -> Result:
    """Look at the photo and rank the catalog by likeness."""
    ctx.progress(0, total=STEPS, unit="steps", stage="Reading the photo")
    photo = open_picture(_read(ctx, params), max_pixels=ctx.settings.max_picture_pixels)
    ctx.progress(1, total=STEPS, stage="Looking at the photo")
    vector = embed_photo(ctx.providers.image_embedder, photo)
    ctx.progress(2, total=STEPS, stage="Searching the catalog")
    matches = ctx.providers.product_search.search(
        vector, categories=params.categories, limit=params.limit
    )
    ctx.progress(STEPS, total=STEPS)
    return Result(
        products=[_found(match) for match in matches.products],
        query=Query(width=photo.width, height=photo.height),
        source=_source(matches.products),
        categories=params.categories,
        catalog_size=matches.catalog_size,
        exact=matches.is_exact,
    )


def _read(ctx: JobContext, params: Params) -> bytes:
    if params.image is not None:
        return ctx.read_upload(params.image)
    limit = ctx.settings.max_upload_bytes
    return ctx.fetch(str(params.image_url), max_bytes=limit, accept="image/*").body


def _found(match: Match) -> FoundProduct:
    price = None
    if match.price_amount is not None and match.price_currency is not None:
        price = Price(amount=str(match.price_amount), currency=match.price_currency)
    return FoundProduct(
        id=match.product_id,
        title=match.title,
        title_ko=match.title_ko,
        brand=match.brand,
        category=match.category,
        category_label=match.category_label,
        category_label_ko=match.category_label_ko,
        price=price,
        url=match.url,
        picture=f"/products/{match.product_id}/picture",
        similarity=round(match.similarity, 4),
    )


def _source(products: list[Match]) -> Source:
    """Say so when what is shown is not for sale."""
    if any(match.catalog != SAMPLE for match in products):
        return Source(name="Catalog", note="")
    return Source(name="Sample catalog", note="Sample data: rendered objects, not real products")


def check(session: Session, params: Params) -> None:
    """Refuse at submit what only the database can tell.

    Raises:
        ParamsError: an upload that is not a picture, or a category there is not.
    """
    if params.image is not None:
        upload = session.get(Upload, params.image)
        if upload is not None and not upload.media_type.startswith("image/"):
            raise ParamsError("image", "This upload is not a picture.")
    if params.categories:
        known = set(session.scalars(select(ProductCategory.key)))
        unknown = [key for key in params.categories if key not in known]
        if unknown:
            raise ParamsError(
                "categories",
                f"There is no category {unknown[0]!r}. There is: {', '.join(sorted(known))}.",
            )


def about(params: Params, result: Result | None, locale: str) -> str:
    """Return the categories it kept to, in few words: `Dresses, Bags`."""
    if not params.categories:
        return "사진 검색" if locale == "ko" else "your photo"
    labels = {key: label.get(locale, label["en"]) for key, label in _sample_labels().items()}
    for product in result.products if result else ():
        label = product.category_label_ko if locale == "ko" else product.category_label
        labels[product.category] = label
    return ", ".join(
        _FURTHER_WORDS.split(labels.get(key, key.replace("_", " ")))[0] for key in params.categories
    )


# `Bags and luggage` is `Bags` in a text.
_FURTHER_WORDS = re.compile(r",| and | & |·|/")


@cache
def _sample_labels() -> dict[str, dict[str, str]]:
    """Return the labels of the categories a fresh installation has, for when nothing was found."""
    labels: dict[str, dict[str, str]] = json.loads((FOLDER / "categories.json").read_text("utf-8"))
    return labels


KIND = JobKind(
    name="image_search",
    title="Search by photo",
    description="Send a photo of a thing and see products that look like it.",
    params=Params,
    result=Result,
    run=run,
    check=check,
    count=lambda result: len(result.products),
    keys=lambda result: [str(product.id) for product in result.products],
    about=about,
    queue="interactive",
    time_limit_seconds=120,
    max_attempts=3,
)
