"""The gallery: a page for every shipped scenario, with charts of its run at the shipped seed.

Charts are kept in out/gallery and drawn anew when the scenario, or the code, has changed.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
KEPT = ROOT / "out" / "gallery"

#: What a text about a scenario tells its reader to set, or to run.
_ASSIGNMENT = re.compile(
    r"--set '[^']+'|(?:--(?:set|without) )?(?:nodes|sites|events)[.=][^\s{]*(?:\{[^}]*\}|[\w%\]])"
)

#: How many charts a page shows beside the network and what the proxy changes.
MOST = 3


def pages() -> Iterator[tuple[str, bytes]]:
    """Every page and picture of the gallery by its name; runs what has not been run yet."""
    import joblib

    import proxysim as ps

    names = list(ps.shipped())
    workers = joblib.Parallel(n_jobs=int(os.environ.get("JOBS", "2")))
    folders = workers(joblib.delayed(charts)(name) for name in names)
    entries = []
    for name, folder in zip(names, folders, strict=True):
        found = ps.load(name)
        entries.append(f"[{found.title}]({name}.md)\n: {found.question}\n")
        yield f"{name}.md", page(name, folder).encode()
        for picture in sorted(folder.glob("*.png")):
            yield f"images/{name}-{picture.name}", picture.read_bytes()
    index = [
        "# The gallery of scenarios",
        "What is shipped: each with a question, what to watch for, and charts of its run.",
        *entries,
        "```{toctree}\n:hidden:\n\n" + "\n".join(names) + "\n```",
    ]
    yield "index.md", ("\n\n".join(index) + "\n").encode()


def page(name: str, folder: Path) -> str:
    """The page about the scenario *name*, whose charts are in *folder*."""
    import proxysim as ps

    found = ps.load(name)
    proxies = proxies_of(found)
    command = f"proxysim run {name}"
    parts = [f"# {found.title}", f"**{found.question}**"]
    parts.append(_ASSIGNMENT.sub(r"`\g<0>`", found.watch_for.strip()))
    lines = [f"$ {command}", *(f"$ {command} --without {proxy}" for proxy in proxies)]
    parts.append("```console\n" + "\n".join(lines) + "\n```")
    for picture in sorted(folder.glob("*.png")):
        _, title = picture.stem.split("-", 1)
        words = title.replace("_", " ").capitalize()
        parts.append(f"![{words}](images/{name}-{picture.name})")
    text = ps.shipped()[name].read_text(encoding="utf-8").strip()
    parts.append(f"<details>\n<summary>The scenario, {name}.yaml</summary>\n")
    parts.append(f"```yaml\n{text}\n```")
    parts.append("</details>")
    return "\n\n".join(parts) + "\n"


def charts(name: str) -> Path:
    """The folder with the charts of *name*, drawn now if they are not there."""
    import proxysim as ps
    from proxysim.charts import figure_set, picture

    found = ps.load(name)
    folder = KEPT / name / hashlib.sha256((found.hash + code()).encode()).hexdigest()[:16]
    if folder.is_dir():
        return folder
    run = ps.simulate(found, views=False)
    proxies = proxies_of(found)
    without = ps.simulate(found.without(proxies[0]), views=False) if len(proxies) == 1 else None
    figures = {slug: figure for slug, _, figure in figure_set(run, without)}
    shown = [slug for slug in ("topology", "with_without") if slug in figures]
    shown += [slug for slug in telling(run) if slug in figures][:MOST]
    unfinished = folder.with_suffix(".part")
    shutil.rmtree(folder.parent, ignore_errors=True)
    unfinished.mkdir(parents=True)
    for number, slug in enumerate(shown):
        (unfinished / f"{number}-{slug}.png").write_bytes(picture(figures[slug]))
    return unfinished.rename(folder)


def telling(run) -> Iterator[str]:
    """Which charts tell most of *run*, the most telling first."""
    found = run.summary()
    asked = found.requests["arrived"]
    if asked - found.requests["ok"] > 0.002 * asked:
        yield "outcomes"
    if any(ratio is not None for ratio in found.hit_ratio.values()):
        yield "hit_rate"
    if run.events:
        yield "latency_over_time"
    if sum(count > 0 for count in found.load.values()) > 1:
        yield "load"
        yield "utilisation"
    yield "latency_ccdf"


def proxies_of(scenario) -> list[str]:
    """The names of the proxies of a scenario."""
    return [name for name, node in scenario.document.nodes.items() if "proxy" in node.kind]


@cache
def code() -> str:
    """A digest of all that a chart could depend on but the scenario."""
    digest = hashlib.sha256()
    for file in sorted((ROOT / "proxysim").rglob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()
