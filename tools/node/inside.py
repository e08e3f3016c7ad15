"""The first process of a node: inside.py DIRECTORY. When it ends, the kernel ends every other process of the node.

It runs in namespaces of its own (mounts, network, processes) and makes sure that nothing which kubelet, containerd or a
CNI plugin write to fixed places reaches the machine. It keeps to the standard library. Started by node.py through unshare.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path

# Settings of the whole machine that kubelet wants changed: it finds and writes files of ours in their place.
TUNABLES = (
    "vm/overcommit_memory",
    "vm/panic_on_oom",
    "kernel/panic",
    "kernel/panic_on_oops",
    "kernel/keys/root_maxkeys",
    "kernel/keys/root_maxbytes",
)


def main(directory: Path) -> None:
    """Cover what is the machine's, say that it is done, and collect whoever ends without a parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _mount("-t", "tmpfs", "tmpfs", "/run")
    layers = {name: directory / "var" / name for name in ("upperdir", "workdir")}
    for layer in layers.values():
        layer.mkdir(parents=True, exist_ok=True)
    _mount(
        "-t", "overlay", "overlay", "-o", ",".join(["lowerdir=/var", *(f"{k}={v}" for k, v in layers.items())]), "/var"
    )
    for name in TUNABLES:
        _cover(directory / "tunables" / name.replace("/", "."), Path("/proc/sys") / name)
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
    (directory / "inside").touch()
    while True:
        try:
            os.wait()
        except ChildProcessError:
            signal.pause()


def _cover(mine: Path, theirs: Path) -> None:
    if theirs.exists():
        mine.parent.mkdir(exist_ok=True)
        mine.write_text(theirs.read_text())
        _mount("--bind", str(mine), str(theirs))


def _mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True)


if __name__ == "__main__":
    signal.signal(signal.SIGCHLD, lambda *_: None)  # so that pause() returns
    main(Path(sys.argv[1]))
