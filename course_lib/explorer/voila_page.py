"""Voila as `course explore` runs it: nothing from elsewhere, and no kernel without a page."""

from __future__ import annotations

import logging
import os
import warnings
from pathlib import Path
from typing import Any

from tornado.iostream import StreamClosedError
from tornado.websocket import WebSocketClosedError
from voila.app import Voila
from voila.tornado.handler import TornadoVoilaHandler

from course_lib.classroom.kernels import kernel_config

TEMPLATE = Path(__file__).parent / "page_template"
NOT_NEEDED = ("@jupyter/nbgrader", "@jupyter-notebook/lab-extension", "jupyterlab-jupytext")
"""Extensions of JupyterLab that have nothing to do here, and complain that it is no JupyterLab."""

SECONDS_WITHOUT_A_PAGE = 120
"""So long a kernel may be idle that no page is connected to.

A page that is closed ends its kernel itself, at once. This is for a browser that broke off.
"""


LARGEST_UPLOAD = 64 * 2**20
"""Bytes of an uploaded photo: those of a good camera have some 10 million, Tornado's own limit."""


class PageHandler(TornadoVoilaHandler):
    """Voila's page, with the cookie that it needs to be allowed to end its kernel.

    When it is closed it sends the cookie's value along with its request, but nothing in Voila sets
    the cookie.
    """

    async def prepare(self) -> None:
        """Have the cookie sent with the page: reading the token sets it."""
        await super().prepare()
        self.xsrf_token  # noqa: B018


class Server(Voila):
    """Voila with the course's template and page."""

    def setup_template_dirs(self) -> None:
        """Look for templates in the course's folder first."""
        super().setup_template_dirs()
        self.template_paths.insert(0, str(TEMPLATE))

    def init_handlers(self) -> list[Any]:
        """Voila's handlers, with the course's for the page."""
        return [
            (path, PageHandler if handler is TornadoVoilaHandler else handler, *more)
            for path, handler, *more in super().init_handlers()
        ]


def unless_page_closed(record: logging.LogRecord) -> bool:
    """Whether a log record tells of more than a page that was closed while a message was sent.

    Tornado leaves such a message's failure to whoever waits for it, and nobody does.
    """
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, StreamClosedError | WebSocketClosedError)


def voila_server(notebook: Path, *, port: int, browser: bool) -> Server:
    """A Voila that will serve a notebook's outputs on this machine once it is started."""
    warnings.simplefilter("ignore", DeprecationWarning)
    # it warns of a timeout of its own making as soon as a page is opened
    logging.getLogger("tornado.general").setLevel(logging.ERROR)
    logging.getLogger("asyncio").addFilter(unless_page_closed)
    os.environ["JUPYTER_PREFER_ENV_PATH"] = "1"
    arguments = [
        str(notebook),
        f"--Voila.port={port}",
        "--Voila.port_retries=0",
        f"--Voila.open_browser={browser}",
        "--Voila.log_level=ERROR",
        "--VoilaConfiguration.show_tracebacks=True",
        *(f"--VoilaConfiguration.extension_denylist={name}" for name in NOT_NEEDED),
        f"--MappingKernelManager.cull_idle_timeout={SECONDS_WITHOUT_A_PAGE}",
        f"--MappingKernelManager.cull_interval={SECONDS_WITHOUT_A_PAGE // 4}",
    ]
    for owner, settings in kernel_config().items():
        arguments += [f"--{owner}.{name}={value}" for name, value in settings.items()]
    server = Server(tornado_settings={"websocket_max_message_size": LARGEST_UPLOAD})
    server.initialize(arguments)
    return server
