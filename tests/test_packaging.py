"""What the course is installed from: the lists agree, and the wheel is a whole course."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from itertools import chain
from pathlib import Path
from types import ModuleType

import pytest
import yaml
from packaging.metadata import Metadata
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from course_lib import __version__

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
CONSTRAINTS = (ROOT / "constraints.txt").read_text()
CONDA_NAMES = {"pytorch": "torch", "matplotlib-base": "matplotlib"}


def requirements(lines: list[str]) -> dict[str, str]:
    """Return versions by name; the course's own extras are left out."""
    found = {}
    for line in lines:
        requirement = Requirement(line)
        name = canonicalize_name(requirement.name)
        if name != PROJECT["name"]:
            found[name] = str(requirement.specifier)
    return found


def pinned() -> dict[str, list[str]]:
    """Return the pinned versions by name; some differ by platform."""
    found: dict[str, list[str]] = {}
    for name, version in re.findall(r"^([A-Za-z0-9_.-]+)==([^ ;\\]+)", CONSTRAINTS, re.MULTILINE):
        found.setdefault(canonicalize_name(name), []).append(version)
    return found


def test_environment_yml_agrees_with_pyproject():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    python, *conda = [line for line in environment["dependencies"] if isinstance(line, str)]
    (by_pip,) = [entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict)]
    assert by_pip.pop() == "--editable ."
    listed = {}
    for line in [*conda, *by_pip]:
        requirement = Requirement(line)
        name = CONDA_NAMES.get(requirement.name, requirement.name)
        listed[canonicalize_name(name)] = str(requirement.specifier)
    assert python.removeprefix("python=") in SpecifierSet(PROJECT["requires-python"])
    assert listed.pop("pip") == ""
    assert listed == requirements(PROJECT["dependencies"])


def test_binder_recognises_the_python():
    """repo2docker takes a version after "=" only, and looks up the first two numbers."""
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    lines = [line for line in environment["dependencies"] if isinstance(line, str)]
    (version,) = [m[1] for line in lines if (m := re.match(r"python\s*=+\s*([\d.]*)", line))]
    assert re.fullmatch(r"3\.\d+", version)


@pytest.mark.skipif(os.name == "nt", reason="Binder runs on Linux")
def test_binder_opens_a_folder_of_lessons_of_ones_own(tmp_path):
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
    }
    subprocess.run([str(ROOT / "postBuild")], cwd=tmp_path, env=environment, check=True)
    copied = sorted(path.name for path in (tmp_path / "work").glob("*.ipynb"))
    assert copied == sorted(path.name for path in (ROOT / "notebooks").glob("*.ipynb"))


def test_constraints_pin_every_direct_dependency_as_pyproject_allows():
    wanted = [*PROJECT["dependencies"], *chain(*PROJECT["optional-dependencies"].values())]
    versions = pinned()
    for name, specifier in requirements(wanted).items():
        assert name in versions, f"{name} is not in constraints.txt"
        for version in versions[name]:
            assert version in Requirement(f"{name}{specifier}").specifier


def test_constraints_have_hashes_and_name_no_host_or_path():
    entries = re.split(r"\n(?=[A-Za-z0-9])", CONSTRAINTS.strip())
    assert len(entries) > 100
    assert all(re.search(r"--hash=sha256:[0-9a-f]{64}", entry) for entry in entries)
    for forbidden in ("://", "--index", "--extra-index", "find-links", "#", "@", "file:"):
        assert forbidden not in CONSTRAINTS


def test_a_learner_needs_no_grading_tools():
    assert not {"nbgrader", "jupytext", "pytest", "playwright"} & set(
        requirements(PROJECT["dependencies"])
    )


def test_the_licences_are_there():
    assert "Permission is hereby granted" in (ROOT / "LICENSE").read_text()
    assert "CC BY 4.0" in (ROOT / "LICENSE-lessons.md").read_text()
    assert PROJECT["license-files"] == ["LICENSE", "LICENSE-lessons.md"]


def test_the_citation_has_what_its_format_requires_and_the_current_version():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["cff-version"] == "1.2.0"
    assert all(isinstance(citation[key], str) and citation[key] for key in ("message", "title"))
    assert citation["authors"]
    assert all(author.get("name") or author.get("family-names") for author in citation["authors"])
    assert citation["type"] == "software"
    assert citation["version"] == __version__
    assert " AND ".join(citation["license"]) == PROJECT["license"]


def test_the_changelog_begins_with_the_current_version():
    headings = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert headings[0] == __version__


def test_a_release_is_tested_and_checked_before_it_is_published():
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "release.yml").read_text())
    jobs = workflow["jobs"]
    called = ROOT / jobs["test"]["uses"]
    assert {"run": ".ci/run"} in yaml.safe_load(called.read_text())["jobs"]["test"]["steps"]
    assert (jobs["build"]["needs"], jobs["publish"]["needs"]) == ("test", "build")
    assert jobs["publish"]["permissions"] == {"id-token": "write"}
    assert "id-token" not in workflow["permissions"]


@pytest.mark.skipif(shutil.which("sh") is None, reason="there is no shell here")
@pytest.mark.parametrize(("tag", "accepted"), [(f"v{__version__}", True), ("v99.0.0", False)])
def test_a_release_refuses_a_tag_that_is_not_the_version(tag, accepted):
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "release.yml").read_text())
    steps = workflow["jobs"]["build"]["steps"]
    (check,) = [step["run"] for step in steps if step.get("name") == "The tag is the version"]
    environment = {**os.environ, "GITHUB_REF_NAME": tag}
    assert (subprocess.run(["sh", "-c", check], cwd=ROOT, env=environment).returncode == 0) is (
        accepted
    )


@pytest.fixture(scope="module")
def build_hook() -> ModuleType:
    """What the build adds to the metadata."""
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def links(markdown: str) -> list[str]:
    """The targets of a text's links and pictures."""
    return re.findall(r"\]\(([^)]+)\)", markdown)


def test_the_index_page_leads_to_the_repository(build_hook):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    page = build_hook.page(readme, "https://forge.example/us/course")
    assert len(links(page)) == len(links(readme))
    assert all(target.startswith("https://") for target in links(page))
    assert "](https://forge.example/us/course/raw/HEAD/docs/readme.png)" in page
    assert "](https://forge.example/us/course/blob/HEAD/notebooks/00_start_here.ipynb)" in page


def test_the_index_page_has_no_broken_link_where_no_address_is_known(build_hook):
    readme = (
        "# A\n\n![map](a.png)\n\n*What it shows.*\n\nSee [this](b.md), [that](https://c.example)."
    )
    assert build_hook.page(readme, "") == "# A\n\nSee *this*, [that](https://c.example)."


def test_the_address_is_that_of_the_workflow_that_builds(build_hook, monkeypatch):
    monkeypatch.setenv("GITHUB_SERVER_URL", "https://forge.example")
    monkeypatch.setenv("GITHUB_REPOSITORY", "us/course")
    assert build_hook.repository_address() == "https://forge.example/us/course"
    monkeypatch.delenv("GITHUB_REPOSITORY")
    assert build_hook.repository_address() == ""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built without a network."""
    folder = tmp_path_factory.mktemp("wheel")
    command = ["-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run([sys.executable, *command], check=True, capture_output=True)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """An environment with the wheel and, as its dependencies, what this environment has.

    The packages come from here through a .pth file, and Jupyter's shared files through a link: that
    is what installing them would put there, without fetching three gigabytes again.
    """
    folder = tmp_path_factory.mktemp("elsewhere") / "env"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    python = folder / "bin" / "python"
    install = ["pip", "install", "--offline", "--no-deps", "--quiet", "--python", str(python)]
    subprocess.run([sys.executable, "-m", "uv", *install, str(wheel)], check=True)
    packages = next((folder / "lib").glob("python*/site-packages"))
    (packages / "dependencies.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    (folder / "share").mkdir(exist_ok=True)
    (folder / "share" / "jupyter").symlink_to(Path(sys.prefix) / "share" / "jupyter")
    return folder


def course(installed: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the installed command in a folder."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "VIRTUAL"))}
    environment["COURSE_PROGRESS"] = str(folder / "progress.json")
    return subprocess.run(
        [str(installed / "bin" / "course"), *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
    )


@pytest.mark.wheel
def test_the_wheel_carries_lessons_networks_and_licences(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    for notebook in (ROOT / "notebooks").glob("*.ipynb"):
        assert f"course_lib/classroom/notebooks/{notebook.name}" in names
    assert "course_lib/classroom/lab_settings/page_config.json" in names
    assert "course_lib/world/checkpoints/tiny_vgg.safetensors" in names
    assert "course_lib/py.typed" in names
    assert any(name.endswith("licenses/LICENSE-lessons.md") for name in names)
    assert not [name for name in names if name.startswith(("tests", "solutions", "notebooks"))]


@pytest.mark.wheel
def test_an_index_would_take_the_metadata(wheel):
    archive = zipfile.ZipFile(wheel)
    (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
    metadata = Metadata.from_email(archive.read(name), validate=True)
    assert metadata.description_content_type == "text/markdown"
    assert metadata.description is not None
    assert metadata.description.startswith("# The attribution course")
    assert [target for target in links(metadata.description) if "://" not in target] == []


@pytest.mark.wheel
@pytest.mark.slow
def test_the_wheel_alone_passes_the_doctor(installed, tmp_path):
    assert course(installed, tmp_path, "--version").stdout == f"course_lib {__version__}\n"
    run = course(installed, tmp_path, "doctor")
    assert run.returncode == 0, run.stdout + run.stderr
    assert f"course_lib {__version__} from {installed}" in run.stdout
    assert f"runs {installed / 'bin' / 'python'}" in run.stdout


@pytest.mark.wheel
@pytest.mark.slow
def test_the_wheel_alone_starts_the_course(installed, tmp_path, start_lab):
    command = [str(installed / "bin" / "course"), "start", str(tmp_path / "work")]
    with start_lab(command) as lab:
        assert lab.api("contents/00_start_here.ipynb?content=0")["type"] == "notebook"
    copied = sorted(path.name for path in (tmp_path / "work").glob("*.ipynb"))
    assert copied == sorted(path.name for path in (ROOT / "notebooks").glob("*.ipynb"))


@pytest.mark.skipif(shutil.which("make") is None, reason="there is no make here")
@pytest.mark.parametrize("target", ["lab", "test", "notebooks", "site", "bench"])
def test_make_makes_the_environment_first(target, tmp_path):
    for name in ("Makefile", "constraints.txt", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    planned = subprocess.run(
        ["make", "-n", target], cwd=tmp_path, check=True, capture_output=True, text=True
    ).stdout
    assert planned.index("-m venv .venv") < planned.index("uv pip install")


@pytest.mark.skipif(shutil.which("make") is None, reason="there is no make here")
def test_make_refuses_an_old_python_in_one_sentence(tmp_path):
    for name in ("Makefile", "constraints.txt", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    old = tmp_path / "python3"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    run = subprocess.run(
        ["make", "lab", f"PYTHON={old}"], cwd=tmp_path, capture_output=True, text=True
    )
    assert run.returncode != 0
    assert "The course needs Python 3.11 or newer" in run.stdout
    assert not (tmp_path / ".venv").exists()
