"""Job postings: kept once, wherever and however often they are found."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, LargeBinary, Numeric
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.orm import Mapped, deferred, mapped_column

from models.base import Base, created, uuid_pk

JOB_TYPES = ("full_time", "part_time", "contract", "internship")
# What is paid in a year for one of each: 2,080 hours are 52 weeks of 40.
PAID_A_YEAR = {"hour": 2080, "day": 260, "week": 52, "month": 12, "year": 1}

Money = Numeric(16, 2)
MOST_MONEY = Decimal(10) ** 14 - 1


class Posting(Base):
    """One posting, as the site in `site` tells it.

    `age_hours` stands for `posted_on` in sample data: how old it is whenever it is looked at.
    """

    __tablename__ = "postings"
    __table_args__ = (
        CheckConstraint(
            "job_type in ('full_time', 'part_time', 'contract', 'internship')", name="job_type"
        ),
        CheckConstraint(
            "salary_interval in ('hour', 'day', 'week', 'month', 'year')", name="salary_interval"
        ),
        Index("ix_postings_document", "document", postgresql_using="gin"),
        Index(
            "ix_postings_title",
            "title",
            postgresql_using="gin",
            postgresql_ops={"title": "gin_trgm_ops"},
        ),
        Index("ix_postings_last_seen_at", "last_seen_at"),
    )

    id: Mapped[uuid_pk]
    key: Mapped[str] = mapped_column(unique=True)
    site: Mapped[str]
    title: Mapped[str]
    company: Mapped[str | None]
    location: Mapped[str | None]
    country: Mapped[str | None]
    is_remote: Mapped[bool | None]
    job_type: Mapped[str | None]
    salary_min: Mapped[Decimal | None] = mapped_column(Money)
    salary_max: Mapped[Decimal | None] = mapped_column(Money)
    salary_currency: Mapped[str | None]
    salary_interval: Mapped[str | None]
    salary_yearly_min: Mapped[Decimal | None] = mapped_column(Money)
    salary_yearly_max: Mapped[Decimal | None] = mapped_column(Money)
    posted_on: Mapped[date | None] = mapped_column(Date)
    age_hours: Mapped[int | None]
    description: Mapped[str]
    document: Mapped[Any] = deferred(mapped_column(TSVECTOR, nullable=False))
    first_seen_at: Mapped[created]
    last_seen_at: Mapped[created]


class PostingAddress(Base):
    """That a site has a posting, and under which address."""

    __tablename__ = "posting_addresses"
    __table_args__ = (
        Index("ix_posting_addresses_url_hash", "url_hash"),
        Index("ix_posting_addresses_site", "site"),
    )

    posting_id: Mapped[UUID] = mapped_column(
        ForeignKey("postings.id", ondelete="CASCADE"), primary_key=True
    )
    site: Mapped[str] = mapped_column(primary_key=True)
    url: Mapped[str | None]
    url_hash: Mapped[bytes | None] = mapped_column(LargeBinary)


@dataclass(frozen=True, slots=True)
class Salary:
    """What is paid, in whole units of a currency, for an interval of PAID_A_YEAR.

    Attributes:
        currency: ISO 4217, or None where the site does not say.
    """

    minimum: Decimal | None
    maximum: Decimal | None
    currency: str | None
    interval: str

    @property
    def yearly_minimum(self) -> Decimal | None:
        """The least for a year of full-time work."""
        return self._yearly(self.minimum)

    @property
    def yearly_maximum(self) -> Decimal | None:
        """The most for a year of full-time work."""
        return self._yearly(self.maximum)

    def _yearly(self, amount: Decimal | None) -> Decimal | None:
        return None if amount is None else min(amount * PAID_A_YEAR[self.interval], MOST_MONEY)


@dataclass(frozen=True, slots=True)
class NewPosting:
    """A posting as a site tells it, cleaned: one line of text a field, the description in several.

    Attributes:
        country: ISO 3166 alpha-2.
        job_type: of JOB_TYPES.
        age_hours: of sample data alone, in place of `posted_on`.
    """

    title: str
    company: str | None = None
    location: str | None = None
    country: str | None = None
    url: str | None = None
    is_remote: bool | None = None
    job_type: str | None = None
    salary: Salary | None = None
    posted_on: date | None = None
    age_hours: int | None = None
    description: str = ""


@dataclass(frozen=True, slots=True)
class KeptPosting:
    """A posting that has its row.

    Attributes:
        told: what is known of it.
        addresses: of the sites that were asked: name and address.
        first_seen_at: when any search first came upon it.
    """

    id: UUID
    told: NewPosting
    addresses: tuple[tuple[str, str | None], ...]
    first_seen_at: datetime
