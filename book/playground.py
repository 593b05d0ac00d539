"""Make the files of the playground that are not written by hand.

``python book/playground.py join`` writes ``_static/playground.js`` and
``_static/landing.js``, the figure of the first page: each is one classic
script that also runs from a folder on disk, from the modules in
``_static/playground/``. ``python book/playground.py still`` writes that
figure as it stands still, for browsers without scripts, by day and by
night. ``python book/playground.py slice`` trains three small networks and
writes the losses on the plane through their weights.
"""

import io
import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from editions import browser
from PIL import Image

from course_lib.files import replacing

if TYPE_CHECKING:
    from playwright.sync_api import Page

STATIC = Path(__file__).resolve().parent / "_static"
MODULES = STATIC / "playground"
SCRIPTS = {
    "main": STATIC / "playground.js",
    "landing": STATIC / "landing.js",
}
"""What is made of each first module."""
STILLS = {
    "light": STATIC / "landing.webp",
    "dark": STATIC / "landing-dark.webp",
}
SIDE = 640
"""Of a still, in pixels."""
SLICE = MODULES / "network_slice.js"

IMPORT = re.compile(
    r'^import \{([\w\s,]+)\} from "\./(\w+)\.js";\n', re.MULTILINE
)
EXPORT = re.compile(r"^export (?=(?:const|let|function\*?|class) )", re.M)
NAMED = re.compile(
    r"^(export )?(?:const|let|function\*?|class) (\w+)", re.MULTILINE
)


def joined(modules: Path = MODULES, first: str = "main") -> str:
    """One script of all modules that ``first`` needs, each once.

    A module may import ``{names}`` from its neighbours and export what
    it declares on a line of its own; nothing is renamed on the way.

    Raises:
        ValueError: modules import each other in a circle or something
            that is not exported, use the same name at their top level,
            or import or export in another way.
    """
    parts: dict[str, str] = {}
    exported: dict[str, set[str]] = {}
    owners: dict[str, str] = {}

    def add(name: str, above: tuple[str, ...]) -> None:
        if name in above:
            circle = " → ".join((*above, name))
            raise ValueError(f"Modules import each other: {circle}.")
        if name in parts:
            return
        text = (modules / f"{name}.js").read_text(encoding="utf-8")
        for names, source in IMPORT.findall(text):
            add(source, (*above, name))
            wanted = set(re.findall(r"\w+", names))
            if unknown := wanted - exported[source]:
                raise ValueError(
                    f"{name}.js imports {', '.join(sorted(unknown))}, "
                    f"which {source}.js does not export."
                )
        exported[name] = set()
        for is_exported, declared in NAMED.findall(text):
            if declared in owners:
                raise ValueError(
                    f"{declared} is declared in {owners[declared]}.js "
                    f"and in {name}.js: rename one of them."
                )
            owners[declared] = name
            if is_exported:
                exported[name].add(declared)
        body = EXPORT.sub("", IMPORT.sub("", text)).strip()
        if other := re.search(r"^(import|export)\b.*", body, re.M):
            raise ValueError(
                f"{name}.js says {other[0]!r}: write import {{names}} "
                'from "./module.js"; or export before a declaration.'
            )
        parts[name] = f"// {name}.js\n{body}\n"

    add(first, ())
    head = (
        "// Made by `python book/playground.py join`; edit the modules.\n"
    )
    body = "\n".join(parts.values())
    return f'{head}(function () {{\n"use strict";\n\n{body}}})();\n'


def measured_slice() -> dict[str, object]:
    """The losses of small networks on a plane, in some minutes.

    Three networks of one hidden layer are trained from three seeds. The
    plane goes through all three, and its unit is the distance between
    two sets of weights.
    """
    import torch
    from torch.nn.functional import cross_entropy
    from torch.nn.utils import parameters_to_vector, vector_to_parameters

    from course_lib.data import load_fashion_mnist
    from course_lib.models import MLP
    from course_lib.optim import Adam
    from course_lib.settings import seed_everything
    from course_lib.surfaces.network_slice import plane_through
    from course_lib.training import train

    data = load_fashion_mnist("small")
    ends = []
    for seed in range(3):
        seed_everything(seed)
        model = MLP((64,), activation="tanh")
        optimizer = Adam(model.parameters(), lr=2e-3)
        train(model, data, optimizer, epochs=12, batch_size=64, seed=seed)
        ends.append(parameters_to_vector(model.parameters()).detach())
    first, second, corners = plane_through(ends)
    middle = sum(ends[1:], start=ends[0]) / 3
    x, y = data.train.images[:1000], data.train.labels[:1000]
    reach = 1.5 * max(abs(c) for corner in corners for c in corner)
    side = [reach * (k / 12 - 1) for k in range(25)]

    @torch.no_grad()
    def loss(a: float, b: float) -> float:
        vector_to_parameters(
            middle + a * first + b * second, model.parameters()
        )
        return round(cross_entropy(model(x), y).item(), 4)

    return {
        "domain": [[-reach, reach], [-reach, reach]],
        "corners": [[round(c, 3) for c in corner] for corner in corners],
        "losses": [[loss(a, b) for b in side] for a in side],
    }


def write_slice() -> None:
    """Measure, and write the module with the numbers."""
    text = json.dumps(measured_slice(), separators=(",", ":"))
    text = text.replace("],[", "],\n[")
    with replacing(SLICE) as file:
        file.write(
            "// The loss of a real network on the plane through three of "
            "them, on 1,000 images.\n"
            "// Made by `python book/playground.py slice`.\n"
            f"export const NETWORK_SLICE = {text};\n".encode()
        )


def read_slice() -> dict[str, object]:
    """What :func:`write_slice` wrote."""
    text = SLICE.read_text(encoding="utf-8")
    return json.loads(text[text.index("{") : text.rindex("}") + 1])


def write_scripts() -> None:
    """Write the joined scripts."""
    for first, script in SCRIPTS.items():
        with replacing(script) as file:
            file.write(joined(first=first).encode())


def still(page: "Page", mode: str) -> Image.Image:
    """The figure of the first page at its end, drawn by its own script.

    Args:
        page: an empty page of a browser.
        mode: ``light`` or ``dark``.
    """
    page.set_viewport_size({"width": SIDE, "height": SIDE})
    page.emulate_media(reduced_motion="reduce")
    page.set_content(
        f'<html data-theme="{mode}"><style>*{{margin:0}}.landing-stage'
        "{border-radius:0!important}</style>"
        '<figure class="landing-figure"><div class="landing-stage">'
        "<picture></picture></div><figcaption>"
        '<a href="#x"></a><div class="landing-tools"></div>'
        "</figcaption></figure></html>"
    )
    page.add_style_tag(path=STATIC / "landing.css")
    page.add_script_tag(path=SCRIPTS["landing"])
    page.wait_for_selector("picture", state="detached")
    shown = page.locator(".landing-stage").screenshot()
    return Image.open(io.BytesIO(shown)).convert("RGB")


def read_still(mode: str) -> Image.Image:
    """What :func:`write_stills` wrote."""
    return Image.open(STILLS[mode]).convert("RGB")


def write_stills() -> None:
    """Write the stills."""
    for mode, file in STILLS.items():
        packed = io.BytesIO()
        with browser.page() as page:
            still(page, mode).save(packed, "webp", quality=80, method=6)
        with replacing(file) as opened:
            opened.write(packed.getvalue())


COMMANDS = {
    "join": write_scripts,
    "still": write_stills,
    "slice": write_slice,
}


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in COMMANDS:
        sys.exit("usage: python book/playground.py join|still|slice")
    COMMANDS[sys.argv[1]]()
