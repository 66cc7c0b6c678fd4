"""Open JupyterLab in a working folder, in this environment and without looking for the internet."""

from __future__ import annotations

import os
import secrets
import sys
import warnings
import webbrowser
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

SETTINGS = Path(__file__).parent / "lab_settings"


def open_lab(
    folder: Path,
    *,
    lesson: str | None = None,
    browser: bool = True,
    port: int | None = None,
    say: Callable[[str], None] = print,
) -> None:
    """Run JupyterLab until it is stopped; its address is printed.

    News, update checks and the catalogue of extensions stay off, and the kernels are this
    environment's own.

    Args:
        folder: the folder that JupyterLab shows.
        lesson: the notebook to open first; none shows what was open last.
        browser: whether a browser is opened; where there is no display, none is.
        port: where to listen; the first free port from 8888 on by default.
        say: where the lines for the learner go.
    """
    say("Opening JupyterLab ...")
    # JupyterLab loads Voila anyway, which turns on the very warnings that are turned off here
    import voila  # noqa: F401
    from jupyterlab.labapp import LabApp

    warnings.simplefilter("ignore", DeprecationWarning)
    os.environ["JUPYTER_PREFER_ENV_PATH"] = "1"
    token = os.environ.pop("JUPYTER_TOKEN", "") or secrets.token_hex(24)
    page = f"/lab/tree/{quote(lesson)}.ipynb" if lesson else "/lab"
    opened = browser and has_browser()
    server = LabApp.initialize_server(
        [
            *lab_arguments(folder, page=page, browser=opened, port=port),
            f"--IdentityProvider.token={token}",
        ]
    )
    address = f"{server.connection_url.rstrip('/')}{page}?token={token}"
    say(
        f"The course is open in your browser; if it is not, go to {address}"
        if opened
        else f"Open this address in a browser: {address}"
    )
    say("To stop, press Ctrl-C here twice; your work is saved in the folder.")
    server.start()


def lab_arguments(folder: Path, *, page: str, browser: bool, port: int | None) -> list[str]:
    """Return JupyterLab's command line.

    Args:
        folder: the folder that it shows.
        page: the page that a browser opens first.
        browser: whether a browser is opened.
        port: where to listen, or None for the first free one.
    """
    from .kernels import kernel_config

    arguments = [
        f"--ServerApp.root_dir={folder.resolve()}",
        f"--ServerApp.default_url={page}",
        f"--ServerApp.open_browser={browser}",
        "--ServerApp.log_level=ERROR",
        "--LabApp.log_level=ERROR",
        f"--LabApp.app_settings_dir={SETTINGS}",
        f"--LabApp.workspaces_dir={folder.resolve() / '.jupyterlab'}",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--LabApp.news_url=",
        "--LabApp.extension_manager=readonly",
    ]
    if port is not None:
        arguments += [f"--ServerApp.port={port}", "--ServerApp.port_retries=0"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        arguments.append("--ServerApp.allow_root=True")
    for owner, settings in kernel_config().items():
        arguments += [f"--{owner}.{name}={value}" for name, value in settings.items()]
    return arguments


def has_browser() -> bool:
    """Tell whether a graphical browser can be opened from here."""
    if sys.platform.startswith("linux") and not (
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    ):
        return False
    try:
        webbrowser.get()
    except webbrowser.Error:
        return False
    return True
