"""Container images made here, since none may be pulled: one layer with a static busybox."""
import hashlib
import io
import json
import platform
import subprocess
import tarfile
from pathlib import Path

PAUSE = "capstan.test/pause:1"
BUSYBOX = "capstan.test/busybox:1"
PROGRAM = Path("/bin/busybox")
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def _add(tar, name, content=b"", mode=0o644, kind=tarfile.REGTYPE, target=""):
    info = tarfile.TarInfo(name)
    info.size, info.mode, info.type, info.linkname = len(content), mode, kind, target
    tar.addfile(info, io.BytesIO(content))


def _layer():
    applets = subprocess.run([PROGRAM, "--list"], capture_output=True, text=True, check=True).stdout.split()
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, mode in (("bin", 0o755), ("etc", 0o755), ("tmp", 0o1777), ("root", 0o700), ("www", 0o755)):
            _add(tar, name, mode=mode, kind=tarfile.DIRTYPE)
        _add(tar, "bin/busybox", PROGRAM.read_bytes(), 0o755)
        for applet in sorted(set(applets) - {"busybox"}):
            _add(tar, f"bin/{applet}", kind=tarfile.SYMTYPE, target="busybox")
        _add(tar, "etc/passwd", b"root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n")
        _add(tar, "etc/group", b"root:x:0:\nnogroup:x:65534:\n")
        _add(tar, "www/index.html", b"ok\n")
    return out.getvalue()


def write(path):
    """Writes both images as one archive of the kind that `docker save` makes."""
    layer = _layer()
    entries = []
    with tarfile.open(path, "w") as tar:
        _add(tar, "layer.tar", layer)
        # A real pause program reaps orphans as well; sleep is enough where containers have pid namespaces of their own.
        for name, command in ((PAUSE, ["/bin/sleep", "2147483647"]), (BUSYBOX, ["/bin/sh"])):
            config = json.dumps({
                "architecture": ARCHITECTURES.get(platform.machine(), platform.machine()), "os": "linux",
                "config": {"Cmd": command, "Env": ["PATH=/bin"]},
                "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(layer).hexdigest()]},
            }).encode()
            file = hashlib.sha256(config).hexdigest() + ".json"
            _add(tar, file, config)
            entries.append({"Config": file, "RepoTags": [name], "Layers": ["layer.tar"]})
        _add(tar, "manifest.json", json.dumps(entries).encode())
