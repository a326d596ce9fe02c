"""What may and what may not lie in the repository."""

from __future__ import annotations

import ast
import importlib.metadata
import re
import subprocess
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

REPOSITORY = Path(__file__).resolve().parents[2]
LONGEST_FUNCTION = 60
LARGEST_FILE = 512 * 1024
WEIGHTS_AND_PICTURES = {".onnx", ".task", ".tflite", ".pth", ".pt", ".jpg", ".jpeg", ".png", ".mp4", ".avi"}
MAGIC = (b"\xff\xd8\xff", b"\x89PNG\r\n", b"RIFF", b"\x08\x07\x12", b"PK\x03\x04")
# pieces, so that this file does not hold them
UNWANTED = ["pypi" + ".org", "pythonhosted" + ".org", "npmjs" + ".org", "deb.debian" + ".org", "/wo" + "rk/", "sub" + "agent"]


def tracked() -> list[Path]:
    command = ("git", "-c", "safe.directory=*", "ls-files", "-z")
    listed = subprocess.run(command, cwd=REPOSITORY, capture_output=True, check=True)
    return [REPOSITORY / name for name in listed.stdout.decode().split("\0") if name and (REPOSITORY / name).is_file()]


def python_files() -> list[Path]:
    return [path for path in tracked() if path.suffix == ".py"]


@pytest.mark.parametrize("room", ["device", "models", "enterprise"])
def test_a_rooms_name_belongs_to_our_distribution_alone(room: str) -> None:
    assert set(importlib.metadata.packages_distributions()[room]) == {"daka"}


def test_one_distribution_owns_cv2() -> None:
    assert set(importlib.metadata.packages_distributions()["cv2"]) == {"opencv-contrib-python"}


def test_no_weights_and_no_photographs_are_in_the_repository() -> None:
    named = [path for path in tracked() if path.suffix.lower() in WEIGHTS_AND_PICTURES]
    smuggled = [path for path in tracked() if path.read_bytes()[:8].startswith(MAGIC)]
    large = [path for path in tracked() if path.stat().st_size > LARGEST_FILE]
    assert not named + smuggled + large


def test_no_file_names_a_registry_or_a_workplace() -> None:
    guilty = [
        (path.relative_to(REPOSITORY), word)
        for path in tracked()
        for word in UNWANTED
        if word in path.read_text("utf-8", errors="replace")
    ]
    assert not guilty


def test_every_module_says_what_it_promises() -> None:
    silent = [path.relative_to(REPOSITORY) for path in python_files() if path.stat().st_size and not docstring(path)]
    assert not silent


def docstring(path: Path) -> str | None:
    return ast.get_docstring(ast.parse(path.read_text("utf-8")))


def test_no_function_is_longer_than_a_page() -> None:
    long = [
        f"{path.relative_to(REPOSITORY)}:{node.lineno} {node.name}"
        for path in python_files()
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and (node.end_lineno or 0) - node.lineno >= LONGEST_FUNCTION
    ]
    assert not long


def test_a_decision_has_a_number_of_its_own() -> None:
    numbers = [path.name[:4] for path in (REPOSITORY / "docs" / "adr").glob("*.md")]
    assert sorted(numbers) == sorted(set(numbers))


def test_every_make_target_of_the_readme_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (REPOSITORY / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = set(re.findall(r"^make ([a-z-]+)", (REPOSITORY / "README.md").read_text("utf-8"), re.MULTILINE))
    assert named
    assert named <= targets


def test_the_lock_holds_a_hash_for_every_package() -> None:
    lines = (REPOSITORY / "requirements" / "lock.txt").read_text("utf-8").splitlines()
    pins = [number for number, line in enumerate(lines) if re.match(r"[a-z0-9][\w.-]*==", line)]
    unhashed = [lines[number] for number in pins if "--hash=sha256:" not in lines[number + 1]]
    assert len(pins) > 40
    assert not unhashed


def imported(path: Path) -> set[str]:
    """The first name of every module that a file imports."""
    nodes = list(ast.walk(ast.parse(path.read_text("utf-8"))))
    names = [node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module and not node.level]
    names += [one.name for node in nodes if isinstance(node, ast.Import) for one in node.names]
    return {name.partition(".")[0] for name in names}


def test_the_enterprises_extra_brings_every_library_that_its_side_imports() -> None:
    """Installed without the kiosk's libraries it would end at the first command."""
    wanted = [Requirement(text) for text in importlib.metadata.requires("daka") or ()]
    named = {canonicalize_name(one.name) for one in wanted if one.marker is None or one.marker.evaluate({"extra": "enterprise"})}
    beside = {canonicalize_name(Requirement(text).name) for name in named for text in importlib.metadata.requires(name) or ()}
    owners = importlib.metadata.packages_distributions()
    ours = [path for path in python_files() if path.is_relative_to(REPOSITORY / "enterprise")]
    ours += [*(REPOSITORY / "device" / "messages").rglob("*.py"), REPOSITORY / "device" / "https.py"]
    used = {canonicalize_name(owner) for path in ours for name in imported(path) for owner in owners.get(name, ())} - {"daka"}
    assert len(used) > 8
    assert used <= named | beside


def test_what_the_pages_of_a_bundle_link_to_lies_beside_them(tmp_path: Path) -> None:
    script = (REPOSITORY / "tools" / "bundle.sh").read_text("utf-8")
    laid = re.search(r'^mkdir -p "\$folder/doc"$.*?(?=^printf)', script, re.MULTILINE | re.DOTALL)
    assert laid is not None
    subprocess.run(
        ("sh", "-ec", laid[0]), env={"PATH": "/usr/bin:/bin", "here": str(REPOSITORY), "folder": str(tmp_path)}, check=True
    )
    pages = list((tmp_path / "doc").glob("*.md"))
    assert len(pages) > 10
    links = [(page, link) for page in pages for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text("utf-8"))]
    assert [(page.name, link) for page, link in links if not (page.parent / link).exists()] == []
