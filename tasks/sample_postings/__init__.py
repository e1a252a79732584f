"""The postings that ship with Textback: made up, and labelled wherever they are shown."""

from pathlib import Path

FOLDER = Path(__file__).parent
