"""Accessibility of a page in a real browser, by axe-core. Evaluated, not injected: our policy forbids injected scripts."""

from pathlib import Path
from typing import Any

AXE = Path(__file__).parent / "vendor" / "axe-4.14.1.min.js"
SCOPE = {"exclude": ["#djDebugRoot"]}  # the debug toolbar is not ours
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


def violations(page: Any) -> list[str]:
    """What is wrong with the page as it is now, one line each."""
    page.evaluate(AXE.read_text())
    found = page.evaluate("([scope, rules]) => axe.run(scope, rules).then((result) => result.violations)", [SCOPE, RULES])
    return [f"{rule['id']}: {rule['help']} — {node['html'][:160]}" for rule in found for node in rule["nodes"]]
