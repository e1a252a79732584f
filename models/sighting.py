"""A sighting: that a saved search has seen a thing, so that it is told as new once."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index, func, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base


class Sighting(Base):
    """One thing, such as a posting, under the key its kind gives it."""

    __tablename__ = "sightings"
    __table_args__ = (
        ForeignKeyConstraint(
            ["saved_search_id", "owner_id"],
            ["saved_searches.id", "saved_searches.owner_id"],
            ondelete="CASCADE",
            onupdate="CASCADE",
        ),
        Index("ix_sightings_owner_id_key", "owner_id", "key"),
        Index("ix_sightings_last_seen_at", "last_seen_at"),
    )

    saved_search_id: Mapped[UUID] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    owner_id: Mapped[UUID]
    first_seen_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    # Whether its person was told of it as new, by this search.
    told: Mapped[bool] = mapped_column(server_default=text("false"))
    # To the day: a search that runs every hour rewrites nothing.
    last_seen_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
