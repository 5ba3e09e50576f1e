"""The wheel as a stranger gets it: built from the source distribution, installed where nothing else of ours is."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from importlib.metadata import Distribution, distribution
from pathlib import Path
from typing import Final

from packaging.requirements import Requirement

ROOT: Final = Path(__file__).resolve().parents[2]
DISTRIBUTION: Final = "ratchet-bot"
BUILD_S: Final = 120.0


def run(*command: str | Path, cwd: Path) -> str:
    """What it prints. Raises AssertionError with what it said when it fails."""
    done = subprocess.run(
        list(map(str, command)),
        cwd=cwd,
        env={"PATH": os.defpath, "HOME": str(cwd)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=BUILD_S,
        check=False,
    )
    assert done.returncode == 0, (command, done.stdout)
    return done.stdout


def built(directory: Path) -> tuple[Path, Path]:
    """The source distribution, and the wheel that is built of nothing but it."""
    hatch = [sys.executable, "-m", "hatchling", "build"]
    run(*hatch, "-t", "sdist", "-d", directory, cwd=ROOT)
    [source] = directory.glob("*.tar.gz")
    with tarfile.open(source) as archive:
        archive.extractall(directory, filter="data")
    unpacked = directory / source.name.removesuffix(".tar.gz")
    run(*hatch, "-t", "wheel", "-d", directory, cwd=unpacked)
    [wheel] = directory.glob("*.whl")
    return source, wheel


def installed(wheel: Path, directory: Path) -> Path:
    """A fresh environment with the wheel and what it asks for, and nothing else; the `ratchet` in it.

    What the wheel asks for is not fetched anew: it is the development environment's, file by file.
    """
    environment = directory / "environment"
    run(sys.executable, "-m", "venv", "--without-pip", environment, cwd=directory)
    python = environment / "bin/python"
    pip: list[str | Path] = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet"]
    run(*pip, "--no-index", "--no-deps", wheel, cwd=directory)
    place = Path((run(python, "-c", PURELIB, cwd=directory)).strip())
    [metadata] = place.glob("ratchet_bot-*.dist-info")
    needed = needs(Distribution.at(metadata), frozenset())
    for one in {found.metadata["Name"].lower(): found for found in needed}.values():
        link(one, place)
    return environment / "bin/ratchet"


PURELIB: Final = "import sysconfig; print(sysconfig.get_path('purelib'))"


def needs(of: Distribution, extras: frozenset[str], seen: set[str] | None = None) -> Iterator[Distribution]:
    """What a distribution asks for on this machine, and what that asks for."""
    seen = set() if seen is None else seen
    for requirement in map(Requirement, of.requires or ()):
        markers = [{"extra": extra} for extra in extras or {""}]
        if requirement.marker and not any(map(requirement.marker.evaluate, markers)):
            continue
        if (key := f"{requirement.name.lower()}{sorted(requirement.extras)}") in seen:
            continue
        seen.add(key)
        found = distribution(requirement.name)
        yield found
        yield from needs(found, frozenset(requirement.extras), seen)


def link(of: Distribution, place: Path) -> None:
    """Put a distribution's files into another environment."""
    for file in of.files or ():
        if ".." in file.parts or "__pycache__" in file.parts:
            continue
        target = place / file
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.exists():
            target.symlink_to(Path(str(of.locate_file(file))).resolve())
