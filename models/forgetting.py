"""Texts of erased accounts and deleted jobs that the provider still has to delete."""

from __future__ import annotations

from sqlalchemy import SmallInteger
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, created


class TextToForget(Base):
    """One text as its provider calls it; of whom it was is not known any more."""

    __tablename__ = "texts_to_forget"

    provider: Mapped[str] = mapped_column(primary_key=True)
    provider_sid: Mapped[str] = mapped_column(primary_key=True)
    asked_at: Mapped[created]
    not_before: Mapped[created]
    attempts: Mapped[int] = mapped_column(SmallInteger, server_default="0")
