"""Name the packages for which `pip-audit --format json` knows vulnerabilities, and fail if there are any.

Where it could ask nobody, as on a machine that reaches nothing but a mirror of the index, that is said and no failure.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path


def main(report: Path) -> int:
    """Print what the report says; return the exit status."""
    try:
        dependencies = json.loads(report.read_text(encoding="utf-8"))["dependencies"]
    except (OSError, ValueError):  # none was written
        dependencies = []
    audited = [dependency for dependency in dependencies if "vulns" in dependency]
    if not audited:
        print("SKIPPED: the advisory service cannot be reached")
    vulnerable = [dependency for dependency in audited if dependency["vulns"]]
    for dependency in vulnerable:
        for found in dependency["vulns"]:
            fixed = ", ".join(found["fix_versions"]) or "no version"
            print(f"{dependency['name']} {dependency['version']}: {found['id']}, fixed in {fixed}")
    if audited:
        print(f"{len(audited)} of {len(dependencies)} packages audited, {len(vulnerable)} with vulnerabilities")
    return bool(vulnerable)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
