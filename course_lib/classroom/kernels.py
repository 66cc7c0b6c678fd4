"""How the course starts notebook kernels."""

from __future__ import annotations

from jupyter_client.manager import KernelManager
from traitlets.config import Config


def kernel_config() -> Config:
    """Return settings for kernels whose messages are encrypted, where this Jupyter knows how to.

    Other users of the same machine could read them otherwise, and each kernel would warn of it.
    """
    if "transport_encryption" in KernelManager.class_trait_names():
        return Config(KernelManager=Config(transport_encryption="auto"))
    return Config()
