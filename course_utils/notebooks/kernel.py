"""The kernel that lessons run in, the same for ``course run`` and for validation.

Two runs agree only if nothing of the machine or the user leaks in: no configuration from the home folder, one thread
(sums in another order round otherwise), the laptop scale, the CPU, no progress bars.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TypeVar

from ipykernel.kernelspec import RESOURCES, get_kernel_dict
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import KernelManager

from course_utils.notebooks.environment import ENVIRONMENT

Manager = TypeVar("Manager", bound=KernelManager)

FIXED = {
    **ENVIRONMENT,
    "COURSE_SCALE": "laptop",
    "COURSE_DEVICE": "cpu",
    "COURSE_PROGRESS": "off",  # whoever runs the tests has not solved, or tried, the exercises
    "PYTHONHASHSEED": "0",  # the order of sets of strings
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "TQDM_DISABLE": "1",  # a stored progress bar shows one machine's times, and its widget needs a live kernel
}

# IPython keeps quiet about a shell line that fails unless it is told not to.
STRICT = "--InteractiveShell.system_raise_on_error=True"

# A Unix socket's path has at most 108 characters on Linux, 104 on macOS.
LONGEST_SOCKET_FOLDER = 80


class ThisEnvironment(KernelSpecManager):
    """Every kernel name means the interpreter that runs now, with strict shell lines."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        spec = KernelSpec(resource_dir=RESOURCES, **get_kernel_dict())
        spec.argv = [*spec.argv, STRICT, "--HistoryManager.enabled=False"]
        return spec


def kernel_manager(kind: type[Manager], scratch: Path) -> Manager:
    """Return a manager, not yet started, that keeps its files in the folder ``scratch``.

    Unix sockets are used where they are to be had: choosing free TCP ports is a race when kernels start side by side.
    """
    manager = kind(kernel_spec_manager=ThisEnvironment(), connection_file=str(scratch / "kernel.json"))
    if sys.platform != "win32" and len(str(scratch)) <= LONGEST_SOCKET_FOLDER:
        manager.transport = "ipc"
    return manager


def kernel_environment(scratch: Path) -> dict[str, str]:
    """Return the environment variables of a kernel: this process's, made independent of its user."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name not in {"MPLBACKEND", "PYTHONSTARTUP", "PYTHONWARNINGS"} and not name.startswith("JUPYTER_")
    }
    return {
        **inherited,
        **FIXED,
        "IPYTHONDIR": str(scratch / "ipython"),
        "JUPYTER_RUNTIME_DIR": str(scratch / "runtime"),
        "JUPYTER_CONFIG_DIR": str(scratch / "config"),
    }
