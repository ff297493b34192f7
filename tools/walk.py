"""Walk every slide of the lessons, run its cells, and report what does not fit.

    python -m tools.walk                       # all lessons, as they are presented
    python -m tools.walk 03 04 --solved        # some of them, with no blanks
    python -m tools.walk 03 --shots build/shots

Each slide is shown in a real browser, its fragments revealed and its cells run by the
live kernel, and measured on a screen of 1280×720 and one of 1920×1080. A line per slide
says how much of each its content covers. The exit status is 1 when something runs off
the screen, is too small to read, a title is missing, a cell shows its frame, a widget
or a formula is not drawn, a cell stops or warns, or the page asks another computer for
anything.
"""

from __future__ import annotations

import argparse
import contextlib
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import (
    Browser,
    ElementHandle,
    Page,
    Playwright,
    sync_playwright,
)
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from tools.browser import MISSING, find_chromium
from tools.slides import Server, SlidesError, choose, notebooks, serve
from tools.stage import copy_to

SIZES = ((1280, 720), (1920, 1080))  # widths and heights of usual projectors
_FLAGS = (
    "--no-sandbox",  # Chromium refuses to run as root with it
    "--disable-gpu",
    # What Chromium would fetch for itself:
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_CELL_SECONDS = 120

_SLIDE = ".slides > section.present > section.present"
_SLIDES = "[...document.querySelectorAll('.slides > section > section')].map(e => e.id)"

# Counts the cells that the kernel has finished, from the messages that the page gets: a
# cell whose input is collapsed has no prompt to watch.
COUNT_RUNS = """
window.cellsRun = 0;
window.whenRun = () => {};
window.untilRun = (count, seconds) => new Promise(resolve => {
  const look = () => window.cellsRun >= count && resolve(true);
  window.whenRun = look;
  setTimeout(resolve, 1000 * seconds, false);
  look();
});
window.WebSocket = class extends WebSocket {
  constructor(...how) {
    super(...how);
    this.addEventListener('message', async ({data}) => {
      const text = await new Response(data).text();
      window.cellsRun += ['"status"', '"execute_request"', '"idle"']
        .every(word => text.includes(word));
      window.whenRun();
    });
  }
};"""
# Selects a cell without opening its editor, where keys would be typed, and presses
# Ctrl+Enter at once: a slide that comes late into view makes a cell of its own the
# active one. Gives the number of cells that had run before, or null: not selected.
_RUN = """(cell) => {
  const handle = cell.querySelector('.jp-InputArea-prompt') || cell;
  for (const kind of ['mousedown', 'mouseup', 'click'])
    handle.dispatchEvent(new MouseEvent(kind, {bubbles: true, button: 0}));
  cell.focus();
  if (!cell.classList.contains('jp-mod-active')) return null;
  const before = window.cellsRun;
  const key = {key: 'Enter', code: 'Enter', ctrlKey: true, bubbles: true,
    cancelable: true};
  const press = new KeyboardEvent('keydown', key);
  Object.defineProperty(press, 'keyCode', {value: 13});
  cell.dispatchEvent(press);
  return before;
}"""

# Resolves when images and widgets are there and nothing has moved for two frames.
_SETTLED = """async ([slide, width]) => {
  const frame = () => new Promise(requestAnimationFrame);
  const all = (selector) => [...document.querySelectorAll(`${slide} ${selector}`)];
  const busy = () => document.fonts.status !== 'loaded'
    || all('img').some(image => !image.complete)
    || all('.jp-InputArea-prompt').some(prompt => prompt.textContent.includes('*'))
    || all('.jp-OutputArea-output').some(output =>
      /^Loading widget/.test(output.innerText)
      // What is drawn by a widget bears no type.
      || !output.dataset.mimeType && !output.querySelector('.jupyter-widgets'));
  const box = ({left, top, right, bottom}) => [left, top, right, bottom];
  const boxes = () => JSON.stringify(
    [document.querySelector(slide), ...all('.jp-Cell, .jp-OutputArea-output, img')]
      .map(e => [e.scrollHeight, ...box(e.getBoundingClientRect())]));
  let last = null, same = 0;
  for (let tries = 0; tries < 300 && same < 2; tries++) {
    await frame();
    const now = innerWidth === width && !busy() ? boxes() : null;
    same = now !== null && now === last ? same + 1 : 0;
    last = now;
  }
  return same === 2;
}"""

# A slide that runs off the screen need not scroll: its bottom is compared with the
# window's.
_MEASURE = """([slide, allowed]) => {
  const share = SHARE;
  const section = document.querySelector(slide);
  const all = (selector) => [...section.querySelectorAll(selector)]
    .filter(e => e.getBoundingClientRect().width);
  const zoom = section.currentCSSZoom;  // scroll sizes are told without it
  const box = section.getBoundingClientRect();
  const more = Math.ceil(box.top + section.scrollHeight * zoom) - innerHeight;
  const problems = [];
  if (more > 2) problems.push(`${more} px too high`);
  if (box.top < -2) problems.push(`starts ${Math.round(-box.top)} px above the screen`);
  const words = ':is(text, .widget-label, .widget-readout)';
  for (const [kind, least, selector] of [['code', 18, '.cm-line'],
      ['text', 24, '.jp-RenderedMarkdown :is(p, li)'],
      ['explorer', 11, `.convnets-explorer ${words}`]]) {
    const small = Math.min(Infinity, ...all(selector).map(e => parseFloat(
      getComputedStyle(e).fontSize) * e.currentCSSZoom * 720 / innerHeight));
    if (small < least - 0.3) problems.push(`${kind} of ${small.toFixed(1)} px`);
  }
  const cells = all('.jp-Cell').map(e => e.getBoundingClientRect());
  if (cells.some((a, n) => cells.slice(n + 1).some(b =>
      Math.min(a.right, b.right) - Math.max(a.left, b.left) > 3
      && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 3)))
    problems.push('cells overlap');
  if (all('.jp-Collapser, .jp-InputPrompt, .jp-OutputPrompt').length)
    problems.push('a cell shows its frame');
  for (const [what, selector] of [['code', '.jp-CodeCell .cm-scroller'],
      ['output', '.jp-OutputArea-output'], ['text', '.jp-RenderedMarkdown'],
      ['preformatted text', 'pre'], ['table', 'table'], ['image', 'img, svg, canvas'],
      ['formula', 'mjx-container[display]']]) {
    const wide = Math.max(0, ...all(selector).map(e => Math.max(
      getComputedStyle(e).display === 'inline' ? 0
        : (e.scrollWidth - e.clientWidth - 1) * zoom,
      e.getBoundingClientRect().right - innerWidth)));
    if (wide > 2) problems.push(`${what} ${Math.round(wide)} px too wide`);
  }
  if (all('.jp-mod-outputsScrolled').length) problems.push('output in a scrolled box');
  for (const output of all('.jp-OutputArea-output')) {
    const text = output.innerText;
    if (/Error displaying widget|model not found|^Loading widget/.test(text)
        || /^\\w+\\((children|value|description)=/.test(text)
        || !output.dataset.mimeType && !output.querySelector('.jupyter-widgets'))
      problems.push('widget not drawn');
    if (text.includes('Run this cell to play with it.'))
      problems.push('no controls: an explorer shows its saved picture');
    // Tracebacks and warnings are drawn alike.
    const cell = Number(output.closest('.jp-Cell').dataset.windowedListIndex);
    if (output.dataset.mimeType?.endsWith('stderr') && !allowed.includes(cell))
      problems.push('error: ' + (text.match(/\\w+(Error|Warning).*/g) ?? [text]).pop());
  }
  // An undefined macro is drawn in red, a formula that cannot be parsed stays text.
  const prose = all('.jp-RenderedMarkdown').map(e => {
    const copy = e.cloneNode(true);
    copy.querySelectorAll('code, pre, mjx-container').forEach(code => code.remove());
    return copy.textContent;
  }).join(' ');
  if (all('mjx-merror, mjx-mtext[style*=red], mjx-mstyle[style*=red]').length
      || /\\$[^$\\n]+\\$|\\\\[a-zA-Z]+\\{/.test(prose))
    problems.push('formula not drawn');
  const head = all('h1, h2, h3')[0];
  const title = head?.firstChild.textContent.trim() ?? '';
  if (!title) problems.push('no title');
  const badge = head?.querySelector('.convnets-badge')?.getBoundingClientRect();
  const line = document.createRange();
  if (title) line.selectNodeContents(head.firstChild);
  if (line.getBoundingClientRect().right > (badge?.left ?? innerWidth))
    problems.push('title too long');
  return {share: share(all), problems, title};
}"""

# The share of the screen that is covered by the boxes of what stands on a slide, words
# only as far as they reach, counted in squares of 8 pixels.
_SHARE = """(all) => {
  const words = 'h1, h2, h3, p, li, pre';
  const boxes = all(words).map(e => {
    const range = document.createRange();
    range.selectNodeContents(e);
    return range.getBoundingClientRect();
  }).concat(all(`table, mjx-container[display], .cm-editor, img, svg, .jupyter-widgets,
    [role=group]`).map(e => e.getBoundingClientRect()));
  const [across, down] = [innerWidth / 8, innerHeight / 8];
  const squares = new Uint8Array(across * down);
  for (const {left, right, top, bottom} of boxes)
    for (let y = Math.max(0, Math.round(top / 8)); y < Math.min(down, bottom / 8); y++)
      squares.fill(1, y * across + Math.max(0, Math.round(left / 8)),
        y * across + Math.min(across, Math.round(right / 8)));
  return squares.reduce((sum, square) => sum + square, 0) / squares.length;
}"""


# Moves one control after the other of each explorer, until its picture follows; names
# the explorers of which none does.
_TOUCH = """async (slide) => {
  const press = (handle) => handle.dispatchEvent(
    new KeyboardEvent('keydown', {key: handle.ariaValueNow === handle.ariaValueMax
      ? 'ArrowLeft' : 'ArrowRight'}));
  const type = (input) => {
    input.value = Number(input.value) + 1;
    input.dispatchEvent(new Event('input', {bubbles: true}));
    input.dispatchEvent(new Event('change', {bubbles: true}));
  };
  const choose = (select) => {
    select.selectedIndex = (select.selectedIndex + 1) % select.options.length;
    select.dispatchEvent(new Event('change', {bubbles: true}));
  };
  const kinds = [['.noUi-handle', press], ['select', choose],
    ['input[type=number]', type],
    ['input[type=checkbox], button:not(.mod-active)', (e) => e.click()]];
  const deaf = [];
  for (const explorer of document.querySelectorAll(`${slide} .convnets-explorer`)) {
    const shown = () => [...explorer.querySelectorAll('.widget-html')]
      .map(e => e.innerHTML).join();
    const before = shown();
    let answers = false;
    for (const [selector, move] of kinds)
      for (const control of explorer.querySelectorAll(selector)) {
        if (answers) continue;
        move(control);
        for (let tries = 0; tries < 30 && !answers; tries++) {
          await new Promise(resolve => setTimeout(resolve, 100));
          answers = shown() !== before;
        }
      }
    if (!answers) deaf.push('an explorer does not answer');
  }
  return deaf;
}"""


@dataclass(frozen=True)
class SlideReport:
    """How full a slide is and what is wrong with it.

    ``share`` is the part of the screen that its content covers at each of `SIZES`, None
    where it was not measured; ``problems`` is empty when all is well, each one begins
    with the size it was seen at where that matters.
    """

    notebook: str
    slide: str
    title: str
    share: tuple[float | None, ...]
    problems: tuple[str, ...]

    def __str__(self) -> str:
        shares = " ".join("   -" if s is None else f"{s:4.0%}" for s in self.share)
        verdict = "; ".join(self.problems)
        return f"  {self.slide:6} {shares}  {self.title[:40]:40}  {verdict}".rstrip()


class PageWatch:
    """What a page does that it should not: ask other computers, raise errors."""

    def __init__(self, page: Page, server: Server):
        self._host = urlsplit(server.url).netloc
        self._found: list[str] = []
        page.on("request", lambda request: self._note(request.url))
        page.on("websocket", lambda socket: self._note(socket.url))
        page.on("pageerror", lambda error: self._found.append(f"page error: {error}"))

    def _note(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("data", "blob", "about") and parts.netloc != self._host:
            self._found.append(f"asks another computer: {url[:100]}")

    def take(self) -> list[str]:
        """Return what was found since the last call."""
        found = list(dict.fromkeys(self._found))
        self._found.clear()
        return found


@contextlib.contextmanager
def launch(playwright: Playwright) -> Iterator[Browser]:
    """Run a headless Chromium for as long as the block runs."""
    program = find_chromium()
    if program is None:
        raise SlidesError(MISSING.strip())
    browser = playwright.chromium.launch(executable_path=program, args=list(_FLAGS))
    try:
        yield browser
    finally:
        browser.close()


class Slides:
    """A notebook shown as live slides, for as long as a ``with`` block runs."""

    def __init__(self, browser: Browser, server: Server, notebook: str):
        self.page = browser.new_page(
            viewport={"width": SIZES[0][0], "height": SIZES[0][1]}
        )
        self._server, self._notebook = server, notebook
        self.watch = PageWatch(self.page, server)
        self._allowed = _may_fail(server, notebook)

    def __enter__(self) -> Slides:
        self.page.add_init_script(COUNT_RUNS)
        self.page.goto(self._server.address(f"rise/{self._notebook}"))
        self.page.wait_for_selector(_SLIDE, timeout=60_000)
        wait_for_kernel(self._server, self._notebook)
        return self

    def __exit__(self, *error: object) -> None:
        self.page.close()
        self._server.end_kernel(self._notebook)

    def names(self) -> list[str]:
        """The slides, in order, as they are called in the page's address."""
        return self.page.evaluate(_SLIDES)

    def show_and_run(self, slide: str) -> list[str]:
        """Go to a slide, reveal it all and run its cells; return what went wrong."""
        return self.show(slide) or self.run_cells()

    def show(self, slide: str) -> list[str]:
        """Go to a slide and reveal it all; return what went wrong."""
        # The number after the slide's name is the last fragment to show.
        for _ in range(6):  # a busy page may miss a change of address
            self.page.evaluate(
                "hash => { location.hash = '#/'; location.hash = hash; }",
                f"#/{slide}/999",
            )
            with contextlib.suppress(PlaywrightTimeout):
                self.page.wait_for_function(
                    "([slide, id]) => document.querySelector(slide)?.id === id"
                    " && !document.querySelector(slide + ' .fragment:not(.visible)')",
                    arg=[_SLIDE, slide],
                    timeout=10_000,
                )
                return []
        return ["the slide does not appear"]

    def run_cells(self) -> list[str]:
        """Run the cells of the slide that is shown; return what went wrong."""
        for cell in self.page.query_selector_all(f"{_SLIDE} .jp-CodeCell"):
            if not cell.is_visible():
                continue
            before = self._run(cell)
            if before is None:
                return ["a cell cannot be selected"]
            # Not asked at every frame: the kernel needs the processor.
            if not self.page.evaluate(
                "([count, seconds]) => window.untilRun(count, seconds)",
                [before + 1, _CELL_SECONDS],
            ):
                return [f"a cell is still busy after {_CELL_SECONDS} s"]
        return []

    def _run(self, cell: ElementHandle) -> int | None:
        """Run a cell; return how many had run before, None if it takes no focus."""
        for _ in range(400):  # the page marks it in a moment, or later when it is busy
            before = cell.evaluate(_RUN)
            if before is not None:
                return before
            self.page.wait_for_timeout(25)
        return None

    def touch(self) -> list[str]:
        """Move a control of each explorer; return what did not answer."""
        return self.page.evaluate(_TOUCH, _SLIDE)

    def resize(self, size: tuple[int, int]) -> None:
        """Show the slides on a screen of another size."""
        self.page.set_viewport_size({"width": size[0], "height": size[1]})

    def measure(self, size: tuple[int, int]) -> tuple[float, str, list[str]]:
        """Measure the slide on its screen: share covered, title, what is wrong."""
        at_rest = self.page.evaluate(_SETTLED, [_SLIDE, size[0]])
        measure = _MEASURE.replace("SHARE", _SHARE)
        found = self.page.evaluate(measure, [_SLIDE, self._allowed])
        problems = found["problems"] + ([] if at_rest else ["never comes to rest"])
        return (
            found["share"],
            found["title"],
            [f"{size[0]}×{size[1]}: {problem}" for problem in problems],
        )


def walk(
    browser: Browser,
    server: Server,
    notebook: str,
    shots: Path | None = None,
    fullest: int | None = None,
) -> list[SlideReport]:
    """Show, run and measure every slide of a notebook in the server's folder.

    Args:
        browser: from `launch`.
        server: from `tools.slides.serve`.
        notebook: its path in the server's folder.
        shots: a folder for a picture of each slide at each size.
        fullest: how many slides, those that cover most of the small screen, to measure
            on the large one too; all, unless given. rise.css lets everything grow in
            proportion, so that these speak for the others.
    """
    shares, problems = defaultdict(dict), defaultdict(list)
    with Slides(browser, server, notebook) as slides:
        titles = dict.fromkeys(slides.names(), "")
        # All slides at one size, then at the other: resizing is slow.
        for size in SIZES:
            slides.resize(size)
            shown = list(titles)
            if size != SIZES[0] and fullest is not None:
                shown.sort(key=lambda slide: -shares[slide][SIZES[0]])
                del shown[fullest:]
            for slide in shown:
                wrong = slides.show(slide)
                if size == SIZES[0]:
                    wrong = wrong or slides.run_cells()
                shares[slide][size], titles[slide], more = slides.measure(size)
                if shots:
                    name = f"{Path(notebook).stem}_{slide}_{size[1]}.png"
                    slides.page.screenshot(path=shots / name)
                if size == SIZES[0]:
                    more += slides.touch()
                problems[slide] += wrong + more + slides.watch.take()
    return [
        SlideReport(
            notebook,
            slide.removeprefix("slide-"),
            title,
            tuple(shares[slide].get(size) for size in SIZES),
            tuple(problems[slide]),
        )
        for slide, title in titles.items()
    ]


def _may_fail(server: Server, notebook: str) -> list[int]:
    """Positions of the cells whose error is part of the lesson."""
    cells = server.get(f"api/contents/{notebook}")["content"]["cells"]
    return [
        position
        for position, cell in enumerate(cells)
        if "raises-exception" in cell["metadata"].get("tags", [])
    ]


def wait_for_kernel(server: Server, notebook: str) -> None:
    """Wait until the notebook's kernel runs and the page is connected to it."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        for session in server.get("api/sessions"):
            kernel = session["kernel"]
            if (
                session["path"] == notebook
                and kernel["execution_state"] == "idle"
                and kernel["connections"]
            ):
                return
        time.sleep(0.1)
    raise SlidesError(f"{notebook}: its kernel does not start")


def main(arguments: list[str] | None = None) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.walk", description=__doc__.split("\n")[0]
    )
    parser.add_argument("lessons", nargs="*", help="such as 03; all when none is named")
    parser.add_argument("--solved", action="store_true", help="no blanks")
    parser.add_argument("--shots", type=Path, help="folder for pictures of the slides")
    options = parser.parse_args(arguments)
    try:
        return _walk_lessons(options.lessons, options.solved, options.shots)
    except SlidesError as error:
        print(error, file=sys.stderr)
        return 1


def _walk_lessons(lessons: list[str], solved: bool, shots: Path | None) -> int:
    books = notebooks()
    books = [choose(lesson, books) for lesson in lessons] or books
    if shots:
        shots.mkdir(parents=True, exist_ok=True)
    wrong = 0
    with tempfile.TemporaryDirectory(prefix="convnets-walk-") as scratch:
        copy_to(Path(scratch), books, solved)
        with (
            serve(Path(scratch)) as server,
            sync_playwright() as playwright,
            launch(playwright) as browser,
        ):
            for book in books:
                started = time.monotonic()
                reports = walk(browser, server, book.name, shots)
                sizes = " and ".join(f"{width}×{height}" for width, height in SIZES)
                seconds = time.monotonic() - started
                covered = statistics.median(report.share[0] for report in reports)
                print(
                    f"{book.stem}: {len(reports)} slides, {sizes}, {seconds:.0f} s, "
                    f"content covers {covered:.0%} (median)"
                )
                print(*reports, sep="\n", flush=True)
                wrong += sum(bool(report.problems) for report in reports)
    print(f"{wrong} slides have problems." if wrong else "Every slide is fine.")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
