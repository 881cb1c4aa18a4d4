"""The page for everyone: keyboard, screen reader, phone, light and dark, and lists that are very long."""

import pytest
from analysis.v1 import catalog_pb2, jobs_pb2
from analysisqueue import Catalog, Client
from selenium import webdriver
from selenium.webdriver.common.keys import Keys

from browser import Page, browser  # noqa: F401: a fixture
from log import EventLog

# Every fault of the page as it stands: what has no name, a doubled id, a text that its ground swallows.
AUDIT = """
const faults = [];
const visible = (node) => node.checkVisibility({ opacityProperty: true, visibilityProperty: true })
  && !node.closest(".hidden, .skip, [aria-hidden=true]");
const describe = (node) => `${node.tagName.toLowerCase()}.${node.className?.baseVal ?? node.className} “${node.textContent.trim().slice(0, 30)}”`;
const nameOf = (node) => (node.getAttribute("aria-label") ?? "").trim()
  || (node.getAttribute("aria-labelledby") ?? "").split(/\\s+/).map((id) => document.getElementById(id)?.textContent ?? "").join(" ").trim()
  || [...node.labels ?? []].map((label) => label.textContent).join(" ").trim() || node.textContent.trim();
for (const node of document.querySelectorAll("button, a[href], input, select, summary, [role=progressbar], [role=img], [role=radiogroup], nav")) {
  if (visible(node) && !nameOf(node)) faults.push(`no name: ${describe(node)}`);
}
for (const image of document.querySelectorAll("img")) if (!image.hasAttribute("alt")) faults.push("an image without alt");
const ids = [...document.querySelectorAll("[id]")].map((node) => node.id);
for (const id of new Set(ids)) if (ids.filter((other) => other === id).length > 1) faults.push(`id ${id} is there twice`);
for (const node of document.querySelectorAll("[aria-labelledby], [aria-controls], [aria-describedby], label[for]")) {
  for (const attribute of ["aria-labelledby", "aria-controls", "aria-describedby", "for"]) {
    for (const id of (node.getAttribute(attribute) ?? "").split(/\\s+/).filter(Boolean)) {
      if (!document.getElementById(id)) faults.push(`${attribute} names ${id}, which is not there`);
    }
  }
}
if (document.querySelectorAll("main").length !== 1) faults.push("there is not one main landmark");
if ([...document.querySelectorAll("h1")].filter(visible).length !== 1) faults.push("there is not one h1");
let level = 0;
for (const heading of [...document.querySelectorAll("h1, h2, h3, h4")].filter(visible)) {
  const own = Number(heading.tagName[1]);
  if (own > level + 1) faults.push(`${describe(heading)} skips a level of headings`);
  level = own;
}
// Contrast after WCAG 2: 4.5 to 1, and 3 to 1 for large text.
const canvas = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d", { willReadFrequently: true });
const rgba = (colour) => {
  canvas.clearRect(0, 0, 1, 1);
  canvas.fillStyle = colour;
  canvas.fillRect(0, 0, 1, 1);
  return [...canvas.getImageData(0, 0, 1, 1).data];
};
const luminance = ([r, g, b]) => [r, g, b].map((v) => v / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
  .reduce((sum, v, index) => sum + v * [0.2126, 0.7152, 0.0722][index], 0);
const groundOf = (node) => {
  for (let at = node; at; at = at.parentElement) {
    const colour = rgba(getComputedStyle(at).backgroundColor);
    if (colour[3] === 255) return colour;
  }
  return [255, 255, 255, 255];
};
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const node = walker.currentNode.parentElement;
  if (!walker.currentNode.textContent.trim() || !visible(node) || node.closest("svg, option, noscript, script, :disabled")) continue;
  const style = getComputedStyle(node);
  const size = parseFloat(style.fontSize);
  const isLarge = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
  const [a, b] = [luminance(rgba(style.color)), luminance(groundOf(node))];
  const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  if (ratio < (isLarge ? 3 : 4.5)) faults.push(`contrast of ${ratio.toFixed(1)}: ${describe(node)}`);
}
// A phone makes its window as wide as what overflows; the document stays as wide as the screen.
const { scrollWidth, clientWidth } = document.documentElement;
if (scrollWidth > clientWidth) faults.push(`scrolls sideways: ${scrollWidth} > ${clientWidth}`);
return faults;
"""


# The views that are not on the way to a song, and what each shows when it is there.
VIEWS = {
    "history": ("h1", "History"), "insights": ("dt", "Median tempo"), "preferences": ("h2", "Password"),
    "admin": (".figures-table th", "High priority"), "admin/workers": (".badge", "Alive"),
    "admin/failed": (".empty-title", "No dead letters"), "admin/throughput": ("svg.chart",), "admin/estimates": ("select",),
    "admin/users": (".card.line", "(you)"),
}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_every_view_has_names_headings_contrast_and_no_sideways_scrolling(browser, system, scheme, size):
    page = Page(browser, system)
    page.colours(scheme)
    if size == "phone":
        page.is_a_phone()
    page.open()
    page.find("#user")
    assert page.script(AUDIT) == []
    log = EventLog(system)
    page.sign_in()
    page.find(".job[data-status=in_progress] .figure")
    page.find(".playlist-card")
    assert page.script(AUDIT) == []
    analysed = log.wait(lambda e: e.kind == "SONG_ANALYSED").song_id
    page.open("/#/nowhere")
    page.find(".empty-title", "There is nothing at this address")
    page.open("/#/")
    page.click(".playlist-card a", "List 1")
    page.find("h1", "List 1")
    page.find(".title a")
    assert page.script(AUDIT) == []
    page.open(f"/#/song/{analysed}")
    page.find("dt", "Tempo")
    page.click(".hint-button")
    page.find(".hint-text", "Beats in a minute")
    assert page.script(AUDIT) == []
    for path, content in VIEWS.items():
        page.open(f"/#/{path}")
        page.find(*content)
        assert page.script(AUDIT) == [], path
    assert page.problems() == []


@pytest.mark.parametrize("path", ["preferences", "admin/users"])
def test_the_keyboard_reaches_what_a_view_offers_in_the_order_it_is_read(browser, system, path):
    page = Page(browser, system)
    page.sign_in()
    page.open(f"/#/{path}")
    page.find(*VIEWS[path])
    offered = page.script(
        "return [...document.querySelectorAll('main :is(a[href], button, input, select, summary)')]"
        ".filter((node) => node.checkVisibility() && !node.disabled && node.tabIndex >= 0"
        " && (node.type !== 'radio' || node.checked)).length")
    page.script("document.getElementById('main').focus()")
    order = []
    for _ in range(offered + 40):
        press(browser, Keys.TAB)
        place, outlined = page.script(
            "const node = document.activeElement; return [[...document.querySelectorAll('main *')].indexOf(node),"
            " getComputedStyle(node).outlineStyle !== 'none']")
        if place < 0:
            break
        assert outlined, page.script("return document.activeElement.outerHTML")
        order.append(place)
    # A field of a time takes several presses of the key.
    assert order == sorted(order) and len(set(order)) == offered


def press(browser, *keys):
    webdriver.ActionChains(browser).send_keys(*keys).perform()


def test_the_keyboard_alone_signs_in_asks_for_a_playlist_and_goes_to_a_song(browser, system):
    log = EventLog(system)
    page = Page(browser, system)
    page.open()
    page.find("#user")
    press(browser, system.ready["user"], Keys.TAB, system.ready["password"], Keys.ENTER)
    page.find(".playlist-card button")
    log.wait(lambda e: e.kind == "STARTED")
    assert page.script("return document.activeElement.id") == "library-title"
    browser.refresh()
    page.find(".playlist-card button")

    visited = []
    for _ in range(80):
        press(browser, Keys.TAB)
        label, outlined, top = page.script(
            "const node = document.activeElement; return [node.getAttribute('aria-label') ?? node.textContent,"
            " getComputedStyle(node).outlineStyle !== 'none', node.getBoundingClientRect().top >= 0]")
        visited.append(label)
        assert outlined and top, f"“{label}” has the focus and does not show it"
        if label.startswith("Analyse List"):
            break
    assert visited[0] == "Skip to content"
    assert visited.index("Song analysis") < visited.index("Sign out")
    press(browser, Keys.SPACE)
    log.wait(lambda e: e.kind == "ENQUEUED" and e.job.type == jobs_pb2.JOB_TYPE_PLAYLIST)

    # Going somewhere moves the focus to the heading of what is there.
    page.script("document.querySelector('.playlist-card a').focus()")
    press(browser, Keys.ENTER)
    page.find("h1", "List 1")
    assert page.script("return document.activeElement.tagName") == "H1"
    page.script("document.querySelector('.title a').focus()")
    press(browser, Keys.ENTER)
    page.find("#main h1")
    page.wait.until(lambda _: page.script("return document.activeElement.tagName === 'H1'"))
    page.find(".empty, .result")
    press(browser, Keys.ESCAPE)
    assert page.problems() == []


def test_what_says_something_by_itself_says_it_once(browser, system):
    """A screen reader hears a live region each time it changes: a bar that moves must not be one."""
    page = Page(browser, system)
    page.sign_in()
    page.find(".job[data-status=in_progress]")
    page.script("""
        window.said = 0;
        for (const region of document.querySelectorAll("[aria-live], [role=status], [role=alert], [role=log]")) {
          new MutationObserver((changes) => { window.said += changes.length; }).observe(region, { childList: true, characterData: true, subtree: true });
        }
        window.moved = 0;
        new MutationObserver((changes) => { window.moved += changes.length; })
          .observe(document.querySelector("main"), { attributes: true, childList: true, characterData: true, subtree: true });""")
    page.wait.until(lambda _: page.script("return window.moved") > 100)
    assert page.script("return window.said") <= 6


# An event stream that tells its last word again ten times a second, as if something had changed.
BUSY_STREAM = """
    const Real = window.EventSource;
    window.updates = 0;
    window.EventSource = class extends Real {
      constructor(url) {
        super(url);
        let last = null;
        this.addEventListener("progress", (event) => { window.updates += 1; last = JSON.parse(event.data); });
        setInterval(() => {
          if (last) this.dispatchEvent(new MessageEvent("progress", { data: JSON.stringify({ ...last, version: last.version + 1 }) }));
        }, 100);
      }
    };
    window.slow = [];
    new PerformanceObserver((list) => window.slow.push(...list.getEntries().filter((entry) => entry.interactionId)))
      .observe({ type: "event", durationThreshold: 16, buffered: true });
"""
# The time between frames while the page scrolls from one end to the other.
SCROLL = """
    const done = arguments[0];
    const times = [];
    const height = document.documentElement.scrollHeight;
    let last = performance.now();
    const step = () => {
      const now = performance.now();
      times.push(now - last);
      last = now;
      scrollTo(0, height * times.length / 100);
      if (times.length < 100) requestAnimationFrame(step);
      else done(times.sort((a, b) => a - b));
    };
    requestAnimationFrame(step);
"""


def test_ten_thousand_songs_load_within_a_second_and_scroll_and_answer_smoothly_while_updates_arrive(browser, system):
    songs = [jobs_pb2.Song(id=f"n{number:05}", title=f"Song {number:05}", artist="Nobody") for number in range(10_000)]
    playlist = catalog_pb2.PlaylistContent(id="everything", name="Everything", song_ids=[song.id for song in songs])
    with Client(f"unix:{system.ready['sockets']['queue']}") as client:
        Catalog(client).UpsertLibrary(
            catalog_pb2.UpsertLibraryRequest(user_id=system.ready["user"], songs=songs, playlists=[playlist]), timeout=60)
    browser.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": BUSY_STREAM})
    page = Page(browser, system)
    page.sign_in()
    page.find(".playlist-card a", "Everything")
    begun = page.script("location.hash = '#/playlist/everything'; return performance.now()")
    page.find(".title a", "Song 00000")
    loaded = page.script("return performance.now()") - begun
    frames = browser.execute_async_script(SCROLL)
    updates, begun = page.script("scrollTo(0, 0); window.slow = []; return [window.updates, performance.now()]")
    interactions = 0
    for head in ["Sort by title", "Sort by length", "Sort by title", "Sort by position"]:
        page.find(f"button[aria-label='{head}']").click()
        interactions += 1
    for letter in "song 0424":
        page.find("input[type=search]").send_keys(letter)
        interactions += 1
    page.script("const box = document.querySelector('input[type=search]'); box.value = ''; box.dispatchEvent(new Event('input'))")
    updates = page.script("return window.updates") - updates
    seconds = (page.script("return performance.now()") - begun) / 1000
    # What took less than 16 ms is not among them.
    slow = sorted(page.script("return window.slow.map((entry) => entry.duration)"))
    median = slow[-interactions // 2] if len(slow) > interactions // 2 else 16
    print(f"10,000 songs: shown after {loaded:.0f} ms; a frame of scrolling takes {frames[50]:.0f} ms, 95 of 100 at most {frames[94]:.0f} ms; "
          f"with {updates / seconds:.0f} updates a second, half of {interactions} interactions took at most {median:.0f} ms, "
          f"the longest {max(slow, default=16):.0f} ms")
    # Generous beside the second, the frame of 17 ms and the tenth of a second that hold on a machine that does nothing else.
    assert loaded < 4_000 and frames[50] < 100 and median < 200
    assert updates / seconds > 5
    assert page.script("return document.querySelectorAll('.songs tbody tr').length") < 120
    assert page.script("return document.querySelector('.songs').getAttribute('aria-rowcount')") == "10001"
    page.script("scrollTo(0, document.documentElement.scrollHeight)")
    page.find(".title a", "Song 09999")
    assert page.script("return document.querySelectorAll('.songs tbody tr').length") < 120
    page.find("input[type=search]").send_keys("song 04242")
    page.find(".title a", "Song 04242")
    page.find("[role=status]", "1 song found")
    assert page.problems() == []
