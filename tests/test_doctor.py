"""What `course doctor` finds, and what it says to do."""

from __future__ import annotations

import shutil
import sys

import pytest

from course_lib import doctor
from course_lib.world import checkpoints


def only(findings):
    """Return the one finding."""
    (finding,) = findings
    return finding


def test_python_is_named():
    first, second = doctor.python()
    assert sys.executable in str(first)
    assert first.well
    assert "course_lib" in str(second)


def test_an_old_python_is_told(monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 10, 4))
    finding = next(doctor.python())
    assert not finding.well
    assert "3.10.4" in str(finding)
    assert "3.11 or newer" in str(finding)


def test_torch_and_torchvision_fit():
    assert only(doctor.torch_pair()).well


def test_a_pair_that_does_not_fit_is_told(monkeypatch):
    import torchvision

    def broken(*_):
        raise RuntimeError("operator torchvision::nms does not exist\nand more")

    monkeypatch.setattr(torchvision.ops, "nms", broken)
    finding = only(doctor.torch_pair())
    assert not finding.well
    assert "do not work together (operator torchvision::nms does not exist)" in str(finding)


def test_a_missing_package_is_named(monkeypatch):
    def absent(name):
        raise doctor.PackageNotFoundError(name)

    monkeypatch.setattr(doctor, "version", absent)
    assert str(only(doctor.torch_pair())).startswith("MISSING  torch is not installed")
    assert str(only(doctor.widgets())).startswith("MISSING  jupyterlab is not installed")


@pytest.mark.slow
def test_the_kernel_runs_in_this_environment(monkeypatch):
    finding = only(doctor.kernel())
    assert finding.well
    assert sys.executable in str(finding)
    monkeypatch.setattr(sys, "prefix", "/another/environment")
    assert not only(doctor.kernel()).well


def test_no_kernel_is_told(monkeypatch):
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    def none(self, name):
        raise NoSuchKernel(name)

    monkeypatch.setattr(KernelSpecManager, "get_kernel_spec", none)
    assert "no kernel python3 is registered" in str(only(doctor.kernel()))


def test_widgets_without_their_part_of_jupyterlab(monkeypatch, tmp_path):
    assert only(doctor.widgets()).well
    monkeypatch.setattr("jupyter_core.paths.jupyter_path", lambda *_: [str(tmp_path)])
    assert not only(doctor.widgets()).well


def test_a_damaged_network_is_named_with_its_hash(monkeypatch, tmp_path):
    assert any(f.well and "tiny_vgg: SHA-256" in str(f) for f in doctor.checkpoints())
    folder = tmp_path / "checkpoints"
    shutil.copytree(checkpoints.FOLDER, folder)
    with (folder / "tiny_vgg.safetensors").open("ab") as stream:
        stream.write(b"x")
    monkeypatch.setattr(checkpoints, "FOLDER", folder)
    bad = [f for f in doctor.checkpoints() if not f.well and "tiny_vgg.safetensors" in str(f)]
    assert "tiny_vgg" in str(only(bad))
    assert checkpoints.sha256(folder / "tiny_vgg.safetensors") in str(bad[0])


@pytest.mark.parametrize(
    ("content", "well", "said"),
    [(None, True, "no progress yet"), ("{}", True, "progress file"), ("{", False, "move it away")],
)
def test_the_progress_file(monkeypatch, tmp_path, content, well, said):
    path = tmp_path / "progress.json"
    if content is not None:
        path.write_text(content)
    monkeypatch.setenv("COURSE_PROGRESS", str(path))
    finding = only(doctor.progress())
    assert finding.well is well
    assert said in str(finding)
    assert str(path) in str(finding)


def test_progress_that_is_switched_off(monkeypatch):
    monkeypatch.setenv("COURSE_PROGRESS", "off")
    assert only(doctor.progress()).well


def test_the_working_folder_is_counted(tmp_path):
    assert "no lessons in" in str(only(doctor.working_folder(tmp_path)))
    (tmp_path / "00_start_here.ipynb").touch()
    assert "1 of your notebooks" in str(only(doctor.working_folder(tmp_path)))


def test_the_smoke_run_explains_a_scene():
    finding = only(doctor.smoke_run())
    assert finding.well
    assert "96x96 map" in str(finding)


def test_an_empty_map_is_told(monkeypatch):
    from course_lib.attribution import guided_backprop

    original = guided_backprop.guided_backprop
    monkeypatch.setattr(guided_backprop, "guided_backprop", lambda *a: 0 * original(*a))
    assert not only(doctor.smoke_run()).well


@pytest.mark.parametrize("well", [True, False])
def test_one_failing_look_does_not_hide_the_others(monkeypatch, well):
    looks = ["python", "torch_pair", "kernel", "widgets", "checkpoints", "progress", "smoke_run"]
    for name in looks:
        monkeypatch.setattr(doctor, name, lambda name=name: iter([doctor.Finding(True, name)]))

    def widgets():
        raise OSError("disk\ngone")
        yield

    if not well:
        monkeypatch.setattr(doctor, "widgets", widgets)
    said = []
    assert doctor.examine(say=said.append) is well
    assert "ok       smoke_run" in said
    if not well:
        assert any(line.startswith("MISSING  widgets failed (OSError: disk)") for line in said)
        assert said[-1].startswith("Something is missing")
