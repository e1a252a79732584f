"""Pictures of products as browsers get them."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID, uuid4

import psycopg
import pytest
from api_client import Api
from flask import Flask
from sqlalchemy import event


@pytest.fixture
def product(owner_connection: psycopg.Connection) -> Iterator[UUID]:
    """A product with a picture."""
    number = uuid4()
    owner_connection.execute(
        "insert into product_categories (key, label, label_ko) values ('shoes', 'Shoes', '신발') "
        "on conflict do nothing"
    )
    owner_connection.execute(
        "insert into products (id, catalog, sku, title, category_key, embedding) values "
        "(%(id)s, 'test', %(id)s::text, 'A shoe', 'shoes', array_fill(0.1::real, array[1280])::vector)",  # noqa: E501
        {"id": number},
    )
    owner_connection.execute(
        "insert into product_pictures (product_id, media_type, content) values "
        "(%s, 'image/webp', 'a picture')",
        [number],
    )
    yield number
    owner_connection.execute("delete from products where id = %s", [number])


def test_a_picture_that_many_ask_for_is_read_once(app: Flask, stranger: Api, product: UUID) -> None:
    """Also for whoever has it already; one that is not there is looked for each time."""
    opened: list[int] = []
    event.listen(
        app.extensions["textback.database"].engine, "begin", lambda _connection: opened.append(1)
    )
    answers = [stranger.get(f"/products/{product}/picture") for _ in range(5)]
    assert {(one.status_code, one.data, one.mimetype) for one in answers} == {
        (200, b"a picture", "image/webp")
    }
    known = {"If-None-Match": answers[0].headers["ETag"]}
    assert stranger.get(f"/products/{product}/picture", headers=known).status_code == 304
    assert 1 <= len(opened) <= 2  # two at most, where a minute begins meanwhile
    for _ in range(3):
        assert stranger.get(f"/products/{uuid4()}/picture").status_code == 404
    assert len(opened) >= 4
