"""Build the browser demo into a folder: the page, onnxruntime-web and the models.

`python docs/demo/build.py site/demo` after `mkdocs build` makes it a part of the site. npm fetches onnxruntime-web, in the
version of package-lock.json; the folder then works on any static server, without a network.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
PAGE = ("index.html", "demo.css", *(path.name for path in sorted(HERE.glob("*.js"))))
RUNTIME = ("ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm")


def install(folder: Path) -> None:
    """Install the packages of package-lock.json into `folder`/node_modules. Raises OSError or CalledProcessError."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copy(HERE / name, folder)
    subprocess.run(["npm", "ci"], cwd=folder, check=True, stdout=sys.stderr)


def build(site: Path, packages: Path, models: Path) -> None:
    """Write the demo to `site`, with the runtime from `packages`/node_modules and the *.onnx files of `models`."""
    for folder in (site / "runtime", site / "models"):
        folder.mkdir(parents=True, exist_ok=True)
    for name in PAGE:
        shutil.copy(HERE / name, site)
    for name in RUNTIME:
        shutil.copy(packages / "node_modules" / "onnxruntime-web" / "dist" / name, site / "runtime")
    found = sorted(models.glob("*.onnx"))
    for path in found:
        shutil.copy(path, site / "models")
    (site / "models" / "models.json").write_text(json.dumps([path.name for path in found]), encoding="utf-8")


def main() -> None:
    """Parse the command line and build."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("site", type=Path, help="folder to write")
    parser.add_argument("--models", type=Path, default=HERE.parent.parent / "models", help="folder with *.onnx files")
    parser.add_argument("--packages", type=Path, help="folder with node_modules, instead of calling npm")
    options = parser.parse_args()
    if options.packages:
        build(options.site, options.packages, options.models)
        return
    with tempfile.TemporaryDirectory() as packages:
        try:
            install(Path(packages))
        except (OSError, subprocess.CalledProcessError) as error:
            sys.exit(f"npm: onnxruntime-web cannot be installed ({error}); it needs Node.js and access to its packages")
        build(options.site, Path(packages), options.models)


if __name__ == "__main__":
    main()
