"""Shows what Korean and English queries find in the sample postings, on a Postgres of its own.

python -m benchmarks.posting_queries
python -m benchmarks.posting_queries "간호사" "개발자 @ 서울"      # title @ place
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from models import Database, Settings
from models.migrations import migrate
from models.posting_store import PostingQuestion, find_postings
from tasks.providers.job_board.sample_load import load_sample_postings
from webapp.embedded.postgres import EmbeddedPostgres

# Whole words, a part of one, together and apart, mistyped, places in both alphabets and at length.
QUERIES = (
    "간호사", "간호 @ 부산", "백엔드개발자", "웹 개발자 @ 제주", "바리스타 @ 제주", "바리스터",
    "회계 @ 서울특별시", "디자이너 @ Seoul", "물류 관리자 @ 인천, 대한민국", "강사 @ 대구",
    "software developer", "sofware developr", "teacher @ Seoul, South Korea",
)  # fmt: skip
SHOWN = 5
SECRET = "0" * 32


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("queries", nargs="*", default=QUERIES)
    queries = parser.parse_args().queries
    with tempfile.TemporaryDirectory() as folder:
        server = EmbeddedPostgres(Path(folder), settings={"fsync": "off"})
        server.start()
        try:
            server.wait_ready()
            database = Database(_migrated(server))
            began = time.monotonic()
            loaded = load_sample_postings(database)
            print(f"{loaded} sample postings loaded in {time.monotonic() - began:.2f} s\n")
            for query in queries:
                _show(database, query)
            database.dispose()
        finally:
            server.stop()


def _show(database: Database, query: str) -> None:
    title, _, place = (part.strip() for part in query.partition("@"))
    with database.worker() as session:
        began = time.monotonic()
        found = find_postings(session, PostingQuestion(title, ["sample"], place), limit=25)
        milliseconds = (time.monotonic() - began) * 1000
    print(f"{query}   {len(found)} found, {milliseconds:.0f} ms")
    for one in found[:SHOWN]:
        print(f"    {one.told.title} – {one.told.company}, {one.told.location}")


def _migrated(server: EmbeddedPostgres) -> Settings:
    settings = Settings(
        database_url=server.url("textback_app", SECRET),
        migration_database_url=server.owner_url(),
        redis_url="redis://127.0.0.1",
        secret_key=SECRET,
        link_key=SECRET,
        phone_cipher_key=SECRET,
        phone_hash_key=SECRET,
    )
    migrate(settings)
    return settings


if __name__ == "__main__":
    main()
