"""The playground in a real browser: its numbers are course_lib's, and nothing breaks it."""

import math
from functools import partial

import playground
import pytest
import torch

from course_lib import optim, surfaces
from course_lib.optim import schedules
from course_lib.optim.clipping import clip_by_norm
from course_lib.plotting.style import METHOD_STYLE
from course_lib.surfaces.network_slice import NetworkSlice

pytestmark = pytest.mark.slow

PATIENCE = 120_000  # milliseconds, on a machine that is busy with other things
STEPS = 200
FEWER = {"cliff": 40}  # each of its gradients goes through fifty steps of a recurrent unit


def course_surfaces():
    measured = playground.read_slice()
    ends = tuple(tuple(end) for end in measured["domain"])
    return {
        "ravine": surfaces.Quadratic((1.0, 20.0), math.radians(30)),
        "noisy": surfaces.Noisy(std=1.0, seed=3),
        "pathological": surfaces.PathologicalCurvature(),
        "steep": surfaces.SteepOptima(),
        "beale": surfaces.Beale(),
        "saddle": surfaces.Saddle(),
        "rosenbrock": surfaces.Rosenbrock(),
        "cliff": surfaces.Cliff(),
        "plateau": surfaces.Plateau(),
        "local": surfaces.LocalMinima(),
        "misleading": surfaces.Misleading(),
        "network": NetworkSlice(measured["losses"], ends, start=(0.5, 1.0)),
    }


def course_method(name, hyper):
    """The course's optimizer with the playground's names of its hyperparameters."""
    arguments = dict(hyper)
    if "beta1" in arguments:
        arguments["betas"] = (arguments.pop("beta1"), arguments.pop("beta2"))
    if name == "AMSGrad":
        return partial(optim.Adam, amsgrad=True, **arguments)
    if name == "Schedule-Free":
        return partial(optim.ScheduleFreeSGD, **arguments)
    return partial(getattr(optim, name), **arguments)


# Every hyperparameter away from its default, on a noisy surface, with a schedule and a bound.
OTHERS = {
    "SGD": {"weight_decay": 0.1},
    "Momentum": {"momentum": 0.7, "weight_decay": 0.1},
    "Nesterov": {"momentum": 0.7, "weight_decay": 0.1},
    "LocalGains": {"beta": 0.2},
    "Rprop": {"lr": 0.03},
    "Adagrad": {"lr_decay": 0.05, "eps": 0.01, "weight_decay": 0.1},
    "Adadelta": {"rho": 0.8, "eps": 1e-3, "weight_decay": 0.1},
    "RMSprop": {"alpha": 0.8, "eps": 0.01, "weight_decay": 0.1, "momentum": 0.5},
    "Adam": {"beta1": 0.8, "beta2": 0.95, "eps": 0.01, "weight_decay": 0.1},
    "AMSGrad": {"beta1": 0.8, "beta2": 0.95, "eps": 0.01, "weight_decay": 0.1},
    "Adamax": {"beta1": 0.8, "beta2": 0.95, "eps": 0.01, "weight_decay": 0.1},
    "NAdam": {"beta1": 0.8, "beta2": 0.95, "momentum_decay": 0.1, "weight_decay": 0.1},
    "RAdam": {"beta1": 0.8, "beta2": 0.95, "eps": 0.01, "weight_decay": 0.1},
    "AdamW": {"beta1": 0.8, "beta2": 0.95, "eps": 0.01, "weight_decay": 0.1},
    "Lion": {"beta1": 0.7, "beta2": 0.9, "weight_decay": 0.1},
    "Schedule-Free": {"momentum": 0.7, "weight_decay": 0.1},
}


def open_page(browser, address, **context):
    """A page, and what it complained about or fetched from elsewhere."""
    page = browser.new_context(**context).new_page()
    page.set_default_timeout(PATIENCE)
    page.complaints = []
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.on(
        "console",
        lambda said: said.type in ("error", "warning") and page.complaints.append(said.text),
    )
    page.on(
        "request",
        lambda request: (
            request.url.startswith(("http://127.0.0.1:", "file:", "data:"))
            or page.complaints.append(request.url)
        ),
    )
    page.goto(address)
    page.wait_for_function("window.playground && playground.runs().length && playground.phase.done")
    return page


@pytest.fixture(scope="module")
def page(browser, playground_site):
    page = open_page(browser, playground_site, viewport={"width": 1200, "height": 900})
    yield page
    page.context.close()


@pytest.fixture
def fresh(browser, playground_site):
    """Opens pages of a test's own, and closes them."""
    pages = []

    def opened(state="", **context):
        pages.append(open_page(browser, playground_site + state, **context))
        return pages[-1]

    yield opened
    for each in pages:
        each.context.close()


def defaults(page):
    return page.evaluate(
        """() => Object.fromEntries(Object.keys(playground.SURFACES).map((id) => [id,
            Object.fromEntries(Object.keys(playground.METHODS).map((name) =>
                [name, playground.readState(`surface=${id}&m=${name}`).settings.methods[0].hyper]
            ))]))"""
    )


# From each weight vector on the course's path one step is taken, by a state that has seen the
# same gradients, and compared with the course's next one.
COMPARE = """([id, name, settings, hyper, path]) => {
    const { makeSurface, METHODS, SCHEDULES, freshState, takeStep, tilt } = playground;
    const surface = makeSurface(id, settings.kappa, settings.turn);
    const method = METHODS[name];
    const schedule = SCHEDULES[settings.schedule].make(hyper.lr, settings.steps);
    const state = freshState(method);
    const [w, g, xi] = [new Float64Array(2), new Float64Array(2), new Float64Array(2)];
    const finite = (pair) => pair.every((x) => x !== null && Math.abs(x) < 1e100);
    let worst = 0;
    let count = 0;
    for (let t = 0; t + 1 < path.length && finite(path[t]) && finite(path[t + 1]); t++) {
        w.set(path[t]);
        surface.gradient(w[0], w[1], g);
        tilt(settings.seed, t, settings.noise, xi);
        for (const i of [0, 1]) g[i] += xi[i];
        if (settings.clip) {
            const scale = Math.min(settings.clip / Math.hypot(...g), 1);
            for (const i of [0, 1]) g[i] *= scale;
        }
        takeStep(method, w, g, state, { ...hyper, lr: schedule(t) });
        for (const i of [0, 1]) {
            const size = Math.max(1, Math.abs(path[t][i]), Math.abs(path[t + 1][i]));
            worst = Math.max(worst, Math.abs(w[i] - path[t + 1][i]) / size);
        }
        count += 1;
    }
    const free = playground.run(surface, settings, name, hyper).path;
    return { worst, count, free };
}"""


def compare(page, surface_id, name, hyper, path, **settings):
    settings = {
        **{"kappa": 20, "turn": 30, "noise": 0, "seed": 0, "clip": 0, "schedule": "constant"},
        **{"start": path[0].tolist(), "steps": len(path) - 1},
        **settings,
    }
    # JSON knows neither infinity nor NaN.
    numbers = [[x if math.isfinite(x) else None for x in pair] for pair in path.tolist()]
    return page.evaluate(COMPARE, [surface_id, name, settings, hyper, numbers])


def test_every_surface_and_method_is_the_courses(page):
    hypers = defaults(page)
    courses = course_surfaces()
    assert courses.keys() == hypers.keys()
    runs, stable = 0, 0
    for surface_id, surface in courses.items():
        start = torch.tensor(surface.start, dtype=torch.float64)
        nudged = torch.stack([start, start * (1 + 1e-14), start * (1 - 1e-14)])
        steps = FEWER.get(surface_id, STEPS)
        noise = {"noise": 1, "seed": 3} if surface_id == "noisy" else {}
        for name, hyper in hypers[surface_id].items():
            paths = surfaces.walk(surface, course_method(name, hyper), nudged, steps)
            path = paths[:, 0]
            answer = compare(page, surface_id, name, hyper, path, **noise)
            assert answer["count"] >= 3, (surface_id, name)
            assert answer["worst"] <= 1e-12, (surface_id, name, answer["worst"])
            # Free runs, wherever the course's own nudged ones stay together.
            runs += 1
            apart = (paths[:, 1:] - paths[:, :1]).abs()
            if not apart.max() < 1e-9:
                continue
            stable += 1
            free = torch.tensor(answer["free"], dtype=torch.float64)
            size = path.abs().clamp(min=1)
            assert ((free - path).abs() / size).max() <= 1e-6, (surface_id, name)
    assert stable >= 0.6 * runs, (stable, runs)


def test_every_hyperparameter_noise_clipping_and_a_schedule_count(page):
    assert list(OTHERS) == page.evaluate("Object.keys(playground.METHODS)")
    for name, others in OTHERS.items():
        hyper = page.evaluate("(name) => playground.METHODS[name].hyper", name) | {"lr": 0.05}
        hyper |= others
        surface = surfaces.Noisy(surfaces.Beale(), std=0.5, seed=7)
        schedule = schedules.cosine(total_steps=60)
        path = surfaces.walk(
            surface,
            course_method(name, hyper),
            torch.tensor(surface.start, dtype=torch.float64),
            60,
            clip=clipped,
            schedule=schedule,
        )
        settings = {"noise": 0.5, "seed": 7, "clip": 2, "schedule": "cosine"}
        answer = compare(page, "beale", name, hyper, path, **settings)
        assert answer["count"] == 60
        assert answer["worst"] <= 1e-12, (name, answer["worst"])


def clipped(params):
    for p in params:
        p.grad.copy_(clip_by_norm([p.grad], 2.0)[0][0])


@pytest.mark.parametrize("total", [1, 7, 100])
def test_schedules_are_the_courses(page, total):
    part = lambda share: max(1, int(total * share))  # noqa: E731
    courses = {
        "constant": schedules.constant(0.3),
        "linear": schedules.linear_decay(0.3, total),
        "cosine": schedules.cosine(0.3, total),
        "step": schedules.step_decay(0.3, part(0.2), 0.5),
        "inverse": schedules.inverse_time_decay(0.3, 10 / total),
        "triangular": schedules.triangular(0.3, part(0.1)),
        "onecycle": schedules.one_cycle(0.3, total),
        "warmup": schedules.warmup(schedules.cosine(0.3, max(1, total - part(0.1))), part(0.1)),
        "wsd": schedules.warmup_stable_decay(0.3, total, int(total * 0.1), part(0.2)),
    }
    ours = page.evaluate(
        """(total) => Object.fromEntries(Object.entries(playground.SCHEDULES).map(
            ([id, { make }]) => [id, Array.from({ length: total }, (_, t) => make(0.3, total)(t))]
        ))""",
        total,
    )
    assert courses.keys() == ours.keys()
    for name, schedule in courses.items():
        assert ours[name] == pytest.approx([schedule(t) for t in range(total)], abs=1e-12), name


def test_methods_look_as_in_the_book(page):
    for name, style in page.evaluate("playground.STYLES").items():
        book = METHOD_STYLE[name]
        dash = [] if book["linestyle"] == "-" else list(book["linestyle"][1])
        assert style == {"color": book["color"], "dash": dash, "marker": book["marker"]}


def test_domains_and_starts_are_the_courses(page):
    for surface_id, surface in course_surfaces().items():
        ours = page.evaluate("(id) => playground.makeSurface(id, 20, 30)", surface_id)
        assert ours["domain"] == [list(ends) for ends in surface.domain]
        assert ours["start"] == list(surface.start)


def test_addresses_come_back(page):
    states = page.evaluate("playground.PRESETS.map(({ state }) => state)")
    states.append(
        "surface=ravine&kappa=3.5&turn=-12&start=0.1,-1.25&steps=77&noise=0.3&seed=4&clip=1.5"
        "&schedule=onecycle&m=Adam,lr:0.02,beta1:0.5,eps:0.001&m=Lion,lr:0.5&focus=Lion&axis=noise"
    )
    for state in states:
        first, address, second = page.evaluate(
            """(state) => {
                const first = playground.readState(state);
                const address = playground.writeState(first.settings);
                return [first, address, playground.readState(address)];
            }""",
            state,
        )
        assert first["notes"] == second["notes"] == []
        assert first["settings"] == second["settings"], address


def test_the_page_lists_every_preset(page):
    text = (playground.STATIC.parent / "playground.md").read_text(encoding="utf-8")
    for preset in page.evaluate("playground.PRESETS"):
        line = f"(play-{preset['id']})=\n**[{preset['name']}](#play-{preset['id']})** "
        assert line + preset["sentence"] in text


BAD = {
    "#surface=mars": "no surface “mars”",
    "#m=SGD,lr:NaN": "The rate η of SGD is no number (“NaN”): it is now 0.09.",
    "#m=SGD,lr:1e300": "The rate η of SGD was 1e300: it is now 1000000000.",
    "#m=SGD,lr:-1": "The rate η of SGD was -1: it is now 0.",
    "#m=Adam,beta1:1": "The memory β₁ of Adam was 1: it is now 0.9999.",
    "#m=Newton,lr:1": "no method “Newton”",
    "#m=SGD,lr:0.1,spin:3": "SGD has no “spin”",
    "#start=99,0": "outside of the map: it is now at its edge, 3, 0.",
    "#start=here": "“here” is no pair of numbers",
    "#steps=1e9": "The number of steps was 1e9: it is now 1000.",
    "#schedule=__proto__": "no schedule “__proto__”",
    "#%%%=%00<script>": "means nothing here",
    "#m=SGD&m=SGD,lr:0.1": "SGD stands there twice: the first counts.",
    "#m=SGD&focus=Adam": "no method in focus “Adam”: this is “SGD”",
    "#m=SGD&axis=beta1": "no axis of the phase map “beta1”: this is “noise”",
}


def test_a_bad_address_leaves_the_page_whole_and_says_what_it_did(fresh):
    page = fresh()
    for state, words in BAD.items():
        page.evaluate("(state) => { location.hash = state; }", state)
        page.wait_for_function(
            "(words) => document.querySelector('.pg-notes').textContent.includes(words)", arg=words
        )
        assert page.locator(".pg-card").count() == 6
    assert page.complaints == []


def test_the_name_of_a_part_of_the_page_is_no_address_of_the_playground(fresh):
    page = fresh("#playground-app")
    assert page.locator(".pg-notes").is_hidden()
    assert page.evaluate("location.hash") == "#playground-app"


def test_back_leads_to_the_page_without_an_address(fresh):
    page = fresh()
    page.locator(".pg-preset").nth(4).click()
    page.wait_for_function("playground.settings().surface === 'steep'")
    page.go_back()
    page.wait_for_function("playground.settings().surface === 'ravine'")


def test_a_run_has_arrived_when_it_stays(page):
    runs = page.evaluate(
        """() => playground.PRESETS.flatMap(({ state }) => {
            const { settings } = playground.readState(state);
            const surface = playground.makeSurface(settings.surface, settings.kappa, settings.turn);
            const goal = (losses) => surface.floor + 1e-3 * (losses[0] - surface.floor);
            return settings.methods
                .map(({ name, hyper }) => playground.run(surface, settings, name, hyper))
                .filter(({ verdict }) => verdict.kind === "arrived")
                .map(({ losses, verdict: { step } }) => {
                    const there = losses.map((loss) => loss <= goal(losses));
                    const first = there.indexOf(true);
                    return [there.slice(step).every(Boolean), there[step - 1], first < step];
                });
        })"""
    )
    assert len(runs) > 10
    assert {(stays, before) for stays, before, _ in runs} == {(True, False)}
    assert any(passed for _, _, passed in runs)  # some fly through first


def test_an_address_typed_just_after_a_move_is_not_lost(fresh):
    """The address of the move is written once the hand rests, and this may be now."""
    page = fresh("#surface=ravine&m=SGD,lr:0.01")
    page.locator(".pg-paths").focus()
    page.keyboard.press("ArrowRight")
    page.evaluate(
        """() => {
            location.hash = "#surface=beale&m=Adam,lr:0.1";
            history.replaceState(null, "", "#surface=ravine&m=SGD,lr:0.01");
        }"""
    )
    page.wait_for_function("playground.settings().surface === 'beale'")


def test_extreme_rates_are_drawn_and_said(fresh):
    page = fresh("#m=SGD,lr:0&m=Momentum,lr:1e9&m=Adam,lr:1e9&m=Rprop,lr:1e9&focus=Momentum")
    verdicts = page.locator(".pg-verdict").all_text_contents()
    assert verdicts[0] == "stands still: its rate is 0"
    assert verdicts[1].startswith("diverges: leaves the map at step 1")
    assert page.complaints == []


def test_keys_move_the_start_and_the_address_follows(fresh):
    page = fresh("#surface=ravine&start=0,0&m=SGD,lr:0.01")
    page.locator(".pg-paths").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowUp")
    assert page.evaluate("playground.settings().start") == [0.06, 0.4]
    for _ in range(30):
        page.keyboard.press("Shift+ArrowLeft")
    assert page.evaluate("playground.settings().start") == [-3, 0.4]  # not further than the edge
    page.wait_for_function("location.hash.includes('start=-3,0.4')")
    said = page.locator("[aria-live]").text_content()
    assert "start at −3, 0.4. SGD" in said
    assert page.complaints == []


def middle_of(page, selector):
    page.locator(selector).scroll_into_view_if_needed()
    box = page.locator(selector).bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_mouse_and_touch_drag_the_start(fresh):
    page = fresh("#surface=ravine&start=-2.5,1.5&m=SGD,lr:0.01")
    x, y = middle_of(page, ".pg-paths")
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 50, y, steps=3)
    page.mouse.up()
    dragged = page.evaluate("playground.settings().start")
    page.mouse.move(x - 50, y)  # the hand is off
    assert page.evaluate("playground.settings().start") == dragged
    assert dragged[0] > 0.3

    phone = fresh(
        "#surface=ravine&m=SGD,lr:0.01", has_touch=True, viewport={"width": 360, "height": 700}
    )
    x, y = middle_of(phone, ".pg-paths")
    phone.touchscreen.tap(x, y)
    assert abs(phone.evaluate("playground.settings().start")[0]) < 0.5
    assert phone.evaluate("document.documentElement.scrollWidth") == 360
    assert page.complaints == phone.complaints == []


def test_a_click_into_the_phase_map_goes_there(fresh):
    page = fresh("#surface=ravine&m=Momentum,lr:0.01&focus=Momentum")
    x, y = middle_of(page, ".pg-phase")
    page.mouse.click(x, y)
    hyper = page.evaluate("playground.settings().methods[0].hyper")
    assert hyper["lr"] != 0.01
    assert hyper["momentum"] == pytest.approx(0.5, abs=0.1)
    field = page.get_by_label("rate η of Momentum, exactly")
    assert float(field.input_value()) == hyper["lr"]


def test_the_phase_map_agrees_with_theory(fresh):
    page = fresh("#surface=ravine&kappa=20&steps=300&m=Momentum,lr:0.03&focus=Momentum")
    cells = page.evaluate("[...playground.phase.cells].map((v) => v === Infinity ? null : v)")
    assert len(cells) == 40 * 22
    wrong = 0
    for k, value in enumerate(cells):
        column, row = k % 40, k // 40
        lr = 10 ** (math.log10(0.03) - 2 + 3.5 * (column + 0.5) / 40)
        edge = 2 * (1 + (row + 0.5) / 22) / 20
        if abs(math.log(lr / edge)) > 0.15:  # more than a cell away from the edge
            wrong += (value is None) != (lr > edge)
    assert wrong == 0


def test_methods_come_and_go(fresh):
    page = fresh("#surface=ravine&m=SGD,lr:0.01")
    page.get_by_role("button", name="Adam", exact=True).first.click()
    assert page.evaluate("playground.settings().methods.map((m) => m.name)") == ["SGD", "Adam"]
    page.wait_for_function(
        "document.querySelector('.pg-inside h2').textContent.includes('Inside Adam')"
    )
    page.get_by_label("rate η of SGD, exactly").fill("0.5")
    page.wait_for_function(
        "document.querySelector('.pg-verdict').textContent.startsWith('diverges')"
    )
    page.locator(".pg-map select").select_option("beale")
    page.wait_for_function("location.hash.includes('surface=beale')")
    assert page.complaints == []


def test_the_map_is_drawn_anew_when_it_grows_with_the_list_beside_it(fresh):
    page = fresh("#surface=ravine&m=SGD,lr:0.01")
    height = "document.querySelector('.pg-ground').clientHeight"
    before = page.evaluate(height)
    for name in ("Nesterov", "Adam", "AMSGrad", "Lion", "RAdam", "Rprop", "NAdam"):
        page.get_by_role("button", name=name, exact=True).first.click()
    page.wait_for_function(f"{height} > {before} + 50")
    page.wait_for_function(
        """() => [...document.querySelectorAll(".pg-stack canvas")].every(
            (canvas) => Math.abs(canvas.height / canvas.clientHeight - devicePixelRatio) < 0.01)"""
    )


def test_the_step_shown_is_the_courses(fresh):
    page = fresh(
        "#surface=ravine&kappa=20&start=-2.5,1.5&steps=50&m=Momentum,lr:0.03&focus=Momentum"
    )
    for _ in range(3):
        page.get_by_role("button", name="One step back").click()
    page.wait_for_function(
        "document.querySelector('.pg-inside h2').textContent.endsWith('step 47')"
    )
    seen = page.evaluate("playground.runs()[0].log[46].first")
    w = torch.tensor([-2.5, 1.5], dtype=torch.float64, requires_grad=True)
    optimizer = optim.Momentum([w], lr=0.03)
    for _ in range(47):
        optimizer.zero_grad()
        surfaces.Quadratic((1, 20))(w).backward()
        optimizer.step()
    assert seen == pytest.approx(optimizer.state[w]["v"].tolist(), abs=1e-12)


def test_six_methods_follow_the_hand_sixty_times_a_second(fresh):
    names = ["SGD", "Momentum", "Nesterov", "RMSprop", "Adam", "AdamW"]
    page = fresh("#surface=ravine&steps=200&" + "&".join(f"m={name}" for name in names))
    times = page.evaluate(
        """async () => {
            const map = document.querySelector(".pg-paths");
            const box = map.getBoundingClientRect();
            const at = (type, k) => map.dispatchEvent(new PointerEvent(type, {
                pointerId: 1, button: 0, bubbles: true,
                clientX: box.left + 100 + 2 * k, clientY: box.top + 100 + k,
            }));
            map.setPointerCapture = () => {};
            map.hasPointerCapture = () => true;
            at("pointerdown", 0);
            const times = [];
            for (let k = 1; k <= 60; k++) {
                const before = playground.updates.milliseconds;
                at("pointermove", k);
                await new Promise(requestAnimationFrame);
                times.push(playground.updates.milliseconds - before);
            }
            return times;
        }"""
    )
    assert all(time > 0 for time in times)  # an update for each move of the hand
    # The lower quartile: the machine may be doing other things beside.
    assert sorted(times)[len(times) // 4] < 1000 / 60


def test_it_runs_from_a_folder_in_the_dark_without_storage(browser, playground_folder):
    address = (playground_folder / "book" / "playground.html").as_uri()
    page = open_page(browser, address + "#play-network", reduced_motion="reduce")
    assert page.evaluate("playground.settings().surface") == "network"
    assert page.locator(".pg-play").is_hidden()
    before = page.evaluate("getComputedStyle(document.querySelector('.pg-card')).backgroundColor")
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    after = page.evaluate("getComputedStyle(document.querySelector('.pg-card')).backgroundColor")
    assert before != after
    assert page.complaints == []
    page.context.close()


def test_without_javascript_a_sentence_says_so(browser, playground_site):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(playground_site)
    assert "switched off in this browser" in page.locator("main").inner_text()
    context.close()


def test_every_control_has_a_name(page):
    nameless = page.evaluate(
        """[...document.querySelectorAll(".playground :is(input, select, button, a, [role])")]
            .filter((e) => !e.ariaLabel && !e.textContent.trim() && !e.labels?.length)
            .filter((e) => e.role !== "status").map((e) => e.outerHTML)"""
    )
    assert nameless == []
