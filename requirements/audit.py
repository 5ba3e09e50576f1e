"""`make audit`: known vulnerabilities in what is locked, by pip-audit.

pip-audit ends well when the advisory service knows none of the packages, as behind a mirror. Not asked is not
safe, so that is told apart here. Exit status: 0 nothing known, 1 something known, 2 not audited.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

LOCKED: Final = Path(__file__).parent / "run.txt"
AUDIT_S: Final = 600.0


def verdict(dependencies: Sequence[Mapping[str, Any]]) -> tuple[int, list[str]]:
    """Exit status and what to print, of pip-audit's `dependencies`."""
    skipped = [one for one in dependencies if "skip_reason" in one]
    known = [
        f"{one['name']} {one['version']}: {vuln['id']}; {fixed_in(vuln)}"
        for one in dependencies
        for vuln in one.get("vulns", ())
    ]
    asked = len(dependencies) - len(skipped)
    lines = list(known)
    if asked and not known:
        lines = [f"Nothing is known against the {asked} packages that were asked about."]
    if skipped or not dependencies:
        names = ", ".join(str(one["name"]) for one in skipped[:5])
        more = f", and {len(skipped) - 5} more" if len(skipped) > 5 else ""
        lines += [f"NOT AUDITED: the advisory service does not know {names or 'any package'}{more}.", REMEDY]
    return (1 if known else 2 if skipped or not dependencies else 0), lines


def fixed_in(vuln: Mapping[str, Any]) -> str:
    return f"fixed in {', '.join(vuln['fix_versions'])}" if vuln.get("fix_versions") else "no fix yet"


REMEDY: Final = "Audit where the advisory service can be reached; the workflow `check` does so at each push."


def main() -> int:
    command = [sys.executable, "-m", "pip_audit", "--require-hashes", "--disable-pip"]
    command += ["--progress-spinner", "off", "--format", "json", "--requirement", str(LOCKED)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=AUDIT_S, check=False)
    try:
        dependencies = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        reason = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        print(f"NOT AUDITED: pip-audit could not ask: {reason}", REMEDY, sep="\n", file=sys.stderr)
        return 2
    status, lines = verdict(dependencies)
    print("\n".join(lines), file=sys.stderr if status else sys.stdout)
    return status


if __name__ == "__main__":
    sys.exit(main())
