"""Build the browser demo: the page, onnxruntime-web and the models in one folder, for any static web server.

npm fetches onnxruntime-web, in the version of package-lock.json.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
RUNTIME = ("ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm")


def install(packages: Path) -> None:
    """Install the packages of package-lock.json into `packages`/node_modules. Raises OSError, CalledProcessError."""
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copy(HERE / name, packages)
    subprocess.run(["npm", "ci"], cwd=packages, check=True, stdout=sys.stderr)


def build(site: Path, packages: Path, models: Path) -> None:
    """Write the demo to `site`, with the runtime from `packages`/node_modules and the *.onnx files of `models`."""
    for folder in (site / "runtime", site / "models"):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    for path in (HERE / "index.html", HERE / "demo.css", *HERE.glob("*.js")):
        shutil.copy(path, site)
    for name in RUNTIME:
        shutil.copy(packages / "node_modules" / "onnxruntime-web" / "dist" / name, site / "runtime")
    found = sorted(models.glob("*.onnx"))
    for path in found:
        shutil.copy(path, site / "models")
    (site / "models" / "models.json").write_text(json.dumps([path.name for path in found]), encoding="utf-8")


def main() -> None:
    """Parse the command line, install and build."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("site", type=Path, help="folder to write")
    parser.add_argument("--models", type=Path, default=HERE.parent.parent / "models", help="folder with *.onnx files")
    parser.add_argument("--packages", type=Path, help="folder to install npm's packages into, and to keep")
    options = parser.parse_args()
    if not list(options.models.glob("*.onnx")):
        sys.exit(f"{options.models}: no *.onnx files; give a folder written by `audiotagger export`")
    with tempfile.TemporaryDirectory() as temporary:
        packages = options.packages or Path(temporary)
        try:
            install(packages)
        except (OSError, subprocess.CalledProcessError) as error:
            sys.exit(f"onnxruntime-web: cannot be installed ({error}); it needs Node.js and access to npm's packages")
        build(options.site, packages, options.models)


if __name__ == "__main__":
    main()
