"""The playground's engine: `onnxruntime-web`, as npm installs it from a lock file."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

PINNED = Path(__file__).with_name("npm")
"""What is installed: `package.json`, and `package-lock.json` with the hash of every package."""

# The plain WebAssembly build with its loader inside, and the network's operations.
FILES = ("ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm")


def install_engine(cache: Path, folder: Path) -> str:
    """Install the engine and copy its files; return why not, or an empty text.

    Args:
        cache: where npm installs it, once for each lock file.
        folder: where the files go; made here.

    Raises:
        RuntimeError: it can't be installed where CI=true: a site that is published has it.
    """
    lock = hashlib.sha256((PINNED / "package-lock.json").read_bytes()).hexdigest()
    installed = cache / lock[:12]
    failed = "" if installed.is_dir() else _install(installed)
    if failed:
        if os.environ.get("CI") == "true":
            raise RuntimeError(failed)
        return failed
    folder.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        shutil.copy(installed / "node_modules" / "onnxruntime-web" / "dist" / name, folder)
    return ""


def _install(target: Path) -> str:
    """Install the engine into a new folder; return what is wrong, or an empty text."""
    npm = shutil.which("npm")
    if npm is None:
        return "npm is not installed (it comes with Node.js)."
    target.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=target.parent) as temporary:
        folder = Path(temporary) / "engine"
        shutil.copytree(PINNED, folder)
        command = [npm, "ci", "--no-audit", "--no-fund", "--loglevel=error"]
        run = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        if run.returncode != 0:
            said = (run.stderr.strip() or run.stdout.strip()).splitlines()
            return f"npm could not install it: {said[0] if said else run.returncode}"
        # Another build may have been quicker.
        with suppress(OSError):
            folder.rename(target)
    return ""
