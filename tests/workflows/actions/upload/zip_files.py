"""What the stand-in for upload-artifact runs; `ARTIFACTS` is where the test's server looks."""

import os
import sys
import zipfile
from pathlib import Path


def main() -> None:
    """Zip the files of `PATHS` that exist into `ARTIFACTS/<run>/<name>.zip`."""
    lines = [line.strip() for line in os.environ["PATHS"].splitlines()]
    paths = [path for path in map(Path, filter(None, lines)) if path.is_file()]
    if not paths:
        sys.exit(os.environ["MISSING"] == "error" and "no files found")
    folder = Path(os.environ["ARTIFACTS"]) / os.environ["GITHUB_RUN_ID"]
    folder.mkdir(parents=True, exist_ok=True)
    root = Path(os.path.commonpath([path.absolute().parent for path in paths]))
    with zipfile.ZipFile(folder / f"{os.environ['NAME']}.zip", "w") as archive:
        for path in paths:
            archive.write(path, path.absolute().relative_to(root))


if __name__ == "__main__":
    main()
