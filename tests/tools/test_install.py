#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Installs the build into an empty folder and uses it as a stranger would: by pkg-config and CMake.

    test_install.py BUILD_FOLDER
"""

import glob
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

import tap

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
BUILD = os.path.abspath(sys.argv[1])
LIBC = ("libc.so.", "libpthread.so.", "ld-linux")


def output_of(*command, **options):
    result = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    if result.returncode != 0:
        raise AssertionError(f"{' '.join(command)}: {result.stdout}{result.stderr}")
    return result.stdout


def has_package(name):
    return subprocess.run(["pkg-config", "--exists", name], check=False).returncode == 0


class Install(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="halyard-install-")
        output_of("meson", "install", "-C", BUILD, "--no-rebuild", "--destdir", cls.folder)
        found = cls.find("halyard*.pc")
        if not found:
            cls.tearDownClass()
            raise AssertionError("no pkg-config file was installed")
        cls.environment = dict(os.environ, PKG_CONFIG_SYSROOT_DIR=cls.folder,
                               PKG_CONFIG_PATH=os.path.dirname(found[0]),
                               LD_LIBRARY_PATH=os.path.dirname(cls.find("libhalyard.so")[0]))

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder, ignore_errors=True)

    @classmethod
    def find(cls, pattern):
        return sorted(glob.glob(os.path.join(cls.folder, "**", pattern), recursive=True))

    def pkg_config(self, *arguments):
        return output_of("pkg-config", *arguments, env=self.environment).split()

    def of_the_system(self, flags):
        """The flags, with folders that were not installed below ours taken from the system's root."""
        return [flag if os.path.isdir(flag[2:]) else flag.replace(self.folder, "", 1)
                for flag in flags]

    def test_public_headers_are_installed_and_nothing_else(self):
        installed = [os.path.basename(path) for path in self.find("*.h")]
        expected = sorted(os.listdir(os.path.join(ROOT, "include", "halyard")))
        if not self.find("halyard-glib.pc"):
            expected.remove("glib.h")
        self.assertEqual(installed, expected)

    def test_libraries_export_public_names_only(self):
        for library in self.find("libhalyard*.so"):
            rows = output_of("nm", "-D", "--defined-only", library).splitlines()
            names = [row.split()[-1] for row in rows if row.split()[-2] != "A"]
            self.assertTrue(names, library)
            alien = [name for name in names
                     if not name.startswith("hy_") or name.startswith("hy__") or "@@HALYARD" not in name]
            self.assertEqual(alien, [], library)

    def test_every_function_of_the_headers_is_exported(self):
        declared, exported = set(), set()
        for header in self.find("halyard/*.h"):
            with open(header, encoding="utf-8") as file:
                text = re.sub(r"/\*.*?\*/", " ", file.read(), flags=re.DOTALL)
            for declaration in re.findall(r"^HY_API\b([^;{]*)", text, re.MULTILINE):
                declared.update(re.findall(r"\b(hy_\w+)\s*\(", declaration)[:1])
        for library in self.find("libhalyard*.so"):
            rows = output_of("nm", "-D", "--defined-only", library).splitlines()
            exported.update(row.split()[-1].split("@")[0] for row in rows)
        self.assertGreater(len(declared), 150)
        self.assertEqual(sorted(declared - exported), [])

    @staticmethod
    def needed_by(path):
        rows = output_of("readelf", "-d", path).splitlines()
        return [row.split("[")[1].rstrip("]") for row in rows if "(NEEDED)" in row]

    def test_both_kinds_of_library_are_installed(self):
        for name in ("libhalyard", "libhalyard-net"):
            self.assertEqual(len(self.find(f"{name}.a")), 1)
            self.assertEqual(len(self.find(f"{name}.so")), 1)

    def test_core_needs_libc_only(self):
        needed = self.needed_by(self.find("libhalyard.so")[0])
        self.assertEqual([name for name in needed if not name.startswith(LIBC)], [])
        self.assertNotIn("-lcrypto", self.pkg_config("--libs", "--static", "halyard"))

    def test_examples_build_and_run(self):
        sources = sorted(glob.glob(os.path.join(ROOT, "examples", "*.c")))
        if not sources:
            self.skipTest("no example yet")
        with open(os.path.join(ROOT, "include", "halyard", "net.h"), encoding="utf-8") as file:
            net_headers = ["net.h", *re.findall(r"<halyard/(\S+)>", file.read())]
        for source in sources:
            with open(source, encoding="utf-8") as file:
                text = file.read()
            run = True
            packages = ["halyard-net" if any(f"<halyard/{name}>" in text for name in net_headers) else "halyard"]
            if "<halyard/glib.h>" in text:
                packages = ["halyard-glib", "gtk+-3.0"]
                if not self.find("halyard-glib.pc") or not has_package("gtk+-3.0"):
                    print(f"# {os.path.basename(source)}: GLib or GTK 3 is not installed")
                    continue
                run = False  # it needs a display: tests/glib runs it
            arguments = ["--listen", "127.0.0.1:0"] if '"listen"' in text or "--listen" in text else []
            for linking in ((), ("--static",)):
                with self.subTest(f"{os.path.basename(source)} {' '.join(linking)}"):
                    program = os.path.join(self.folder, "example")
                    # GLib and GTK are shared in either case, and lie where the system has them.
                    asked = linking if run else ()
                    flags = self.of_the_system(self.pkg_config("--cflags", "--libs", *asked, *packages))
                    if linking:
                        flags = ["-Wl,-Bstatic", *[f for f in flags if "halyard" in f],
                                 "-Wl,-Bdynamic", *[f for f in flags if "halyard" not in f]]
                    output_of("cc", "-std=gnu11", source, "-o", program, *flags, "-lm")
                    ours = [name for name in self.needed_by(program) if "halyard" in name]
                    self.assertEqual(bool(ours), not linking, ours)
                    if run:
                        self.run_to_its_end([program, *arguments])

    def test_a_cxx_program_compiles_without_a_warning(self):
        """As its user would: standard C++17. The folder is no system folder, or nothing would warn."""
        source = os.path.join(ROOT, "tests", "core", "test_cxx.cpp")
        for compiler in ("g++", "clang++"):
            with self.subTest(compiler):
                if not shutil.which(compiler):
                    self.skipTest(f"{compiler} is not installed")
                program = os.path.join(self.folder, "cxx")
                flags = self.pkg_config("--cflags", "--libs", "halyard")
                output_of(compiler, "-std=c++17", "-Wall", "-Wextra", "-Wpedantic", "-Werror", source,
                          "-o", program, *flags)
                self.run_to_its_end([program])

    def cmake(self, name, *arguments):
        """Configures the project of tests/tools/cmake in a folder of its own; the result, and where."""
        folder = os.path.join(self.folder, name)
        prefix = self.find("halyard/halyard.h")[0].removesuffix("/include/halyard/halyard.h")
        command = ["cmake", "-S", os.path.join(ROOT, "tests", "tools", "cmake"), "-B", folder,
                   f"-DCMAKE_PREFIX_PATH={prefix}", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False), folder

    def test_a_cmake_project_builds_and_runs(self):
        if not shutil.which("cmake"):
            self.skipTest("cmake is not installed")
        result, folder = self.cmake("cmake-build")
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        output_of("cmake", "--build", folder, "--parallel", "2")
        for kind, is_shared in (("", True), ("_static", False)):
            for name, arguments in (("cxx", []), ("echo", ["--listen", "127.0.0.1:0"])):
                with self.subTest(name + kind):
                    program = os.path.join(folder, name + kind)
                    ours = [each for each in self.needed_by(program) if "halyard" in each]
                    self.assertEqual(bool(ours), is_shared, ours)
                    self.run_to_its_end([program, *arguments])

    def test_cmake_refuses_other_versions_and_components(self):
        if not shutil.which("cmake"):
            self.skipTest("cmake is not installed")
        refused = "compatible with requested version"
        for name, argument, text in (("newer", "-DHALYARD_WANTED=0.2", refused),
                                     ("older", "-DHALYARD_WANTED=0.0", refused),
                                     ("next", "-DHALYARD_WANTED=1.0", refused),
                                     ("part", "-DHALYARD_COMPONENTS=core;sails", "'sails'")):
            with self.subTest(name):
                result, _ = self.cmake(f"cmake-{name}", argument)
                self.assertNotEqual(result.returncode, 0)
                self.assertIn(text, " ".join(result.stderr.split()))
        for wanted in ("0.1.0", "0.1.0...<0.3"):
            with self.subTest(wanted):
                result, _ = self.cmake(f"cmake-{wanted.replace('<', '')}", f"-DHALYARD_WANTED={wanted}")
                self.assertEqual(result.returncode, 0, result.stderr)

    def run_to_its_end(self, command):
        """A program that serves until it is asked to end gets a second, then SIGTERM."""
        process = subprocess.Popen(command, env=self.environment, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        try:
            output, _ = process.communicate(timeout=1)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGTERM)
            try:
                output, _ = process.communicate(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                output, _ = process.communicate()
        self.assertEqual(process.returncode, 0, output)

    def test_the_program_runs(self):
        programs = [path for path in self.find("halyard") if os.access(path, os.X_OK)
                    and os.path.isfile(path)]
        if not programs:
            self.skipTest("no program yet")
        self.assertIn("halyard", output_of(programs[0], "--version", env=self.environment))


if __name__ == "__main__":
    tap.main()
