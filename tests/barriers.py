"""What keeps people from using a page by keyboard or screen reader, found by axe-core."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

_AXE = Axe()


def barriers(page: Page) -> list[str]:
    """Return what every rule of axe-core finds on a page as it is now, a line for each element."""
    found = _AXE.run(page).response["violations"]
    return [
        f"{rule['id']} ({rule['impact']}): {' '.join(map(str, element['target']))}: {rule['help']}"
        for rule in found
        for element in rule["nodes"]
    ]
