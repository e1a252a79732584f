"""The catalog that ships with Textback: rendered objects, labelled wherever they are shown."""

from pathlib import Path

FOLDER = Path(__file__).parent
