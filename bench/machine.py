# SPDX-License-Identifier: MIT
"""What the figures were taken on: processor, caches, memory, system, compiler, libraries."""

import json
import os
import pathlib
import platform
import re
import subprocess

import kinds

CACHES = pathlib.Path("/sys/devices/system/cpu/cpu0/cache")


def output_of(*command):
    try:
        result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                text=True, check=False)
    except OSError:
        return ""
    return result.stdout.strip()


def field(path, name):
    for line in pathlib.Path(path).read_text(encoding="utf-8").splitlines():
        if line.startswith(name):
            return line.split(":", 1)[1].strip()
    return ""


def caches():
    """{"L2": "512K"}; instructions' caches are left out."""
    found = {}
    for folder in sorted(CACHES.glob("index*")):
        parts = {name: (folder / name).read_text(encoding="utf-8").strip()
                 for name in ("level", "type", "size") if (folder / name).is_file()}
        if len(parts) == 3 and parts["type"] != "Instruction":
            found["L" + parts["level"]] = parts["size"]
    return found


def compiler(build):
    commands = json.loads((build / "compile_commands.json").read_text(encoding="utf-8"))
    program = next((entry["command"].split()[0] for entry in commands
                    if entry["file"].endswith(".c")), "cc")
    options = {option["name"]: option["value"] for option in json.loads(
        (build / "meson-info" / "intro-buildoptions.json").read_text(encoding="utf-8"))}
    version = re.search(r"\d+(\.\d+)+$", output_of(program, "--version").partition("\n")[0])
    return (f"{os.path.basename(program)}{' ' + version[0] if version else ''} "
            f"-O{options.get('optimization')}")


def versions(peers):
    """{peer: version}, by pkg-config or the package."""
    found = {}
    for peer in peers:
        module = kinds.PEERS[peer][2]
        if module:
            found[peer] = output_of("pkg-config", "--modversion", module).split("-")[0]
        elif peer in kinds.PACKAGES:
            found[peer] = output_of("dpkg-query", "-W", "-f", "${Version}",
                                    kinds.PACKAGES[peer]).split(":")[-1].split("-")[0]
    return {peer: found[peer] for peer in kinds.PEERS if found.get(peer)}


def describe(build, peers):
    try:
        system = platform.freedesktop_os_release().get("PRETTY_NAME", "")
    except OSError:
        system = ""
    release = platform.release().partition("-")[0]
    cpu = "/proc/cpuinfo"
    return {
        "processor": field(cpu, "model name") or "unknown processor",
        "cores": len(os.sched_getaffinity(0)),
        "virtual": "hypervisor" in field(cpu, "flags").split(),
        "caches": caches(),
        "memory_gib": round(int(field("/proc/meminfo", "MemTotal").split()[0]) / 2**20, 1),
        "system": f"{system}, {platform.system()} {release} {platform.machine()}",
        "compiler": compiler(build),
        "commit": output_of("git", "describe", "--always", "--dirty"),
        "versions": versions(peers),
    }


def sentence(machine):
    """One line for people."""
    libraries = ", ".join(f"{'Qt' if peer == 'qt' else kinds.PEERS[peer][3]} {version}"
                          for peer, version in machine["versions"].items() if peer != "qt_glib")
    return (f"{machine['cores']} {'virtual ' if machine['virtual'] else ''}cores of an "
            f"{machine['processor']}, {machine['system']}, {machine['compiler']}; {libraries}")
