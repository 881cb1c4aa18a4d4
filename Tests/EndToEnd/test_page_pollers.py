"""The pollers of the pages that already exist, as they are, in a real browser; and that of the page itself where streams are blocked."""

from browser import Page, browser  # noqa: F401: a fixture
from log import EventLog

# As the web app's pages do it: the session's cookie, their own headers, and an end at the first of three signs.
EXISTING = """
const ask = async (path) => {
  const answer = await fetch(path, { method: "POST", credentials: "same-origin", body: "{}", headers: {
    "Content-Type": "application/json", "X-Requested-With": "XMLHttpRequest", "X-CSRFToken": "a token of the web app" } });
  return answer.json();
};
const poll = async (path, isOver) => {
  const seen = [];
  for (let failures = 0; failures < 3;) {
    const answer = await fetch(path, { credentials: "same-origin" });
    if (!answer.ok) { failures += 1; continue; }
    failures = 0;
    const told = await answer.json();
    seen.push(told);
    if (isOver(told)) return seen;
    await new Promise((later) => setTimeout(later, 100));
  }
  throw new Error(`${path}: three failures in a row`);
};
const isDone = ({ progress }) => progress.progress >= 1 || progress.current_step === "complete"
  || ["completed", "failed", "cancelled"].includes(progress.status);
"""


def run(browser, text: str, *arguments):
    """Runs an async function body in the page; its value."""
    browser.set_script_timeout(120)
    value = browser.execute_async_script(
        f"const done = arguments[arguments.length - 1]; (async () => {{ {EXISTING} {text} }})()"
        ".then((value) => done({ value }), (error) => done({ error: String(error) }));", *arguments)
    assert "error" not in value, value["error"]
    return value["value"]


def test_the_existing_pages_pollers_follow_a_song_a_playlist_and_the_library(browser, system):
    log = EventLog(system)
    page = Page(browser, system)
    page.sign_in()
    log.wait(lambda e: e.kind == "STARTED")
    playlist = system.login() and system.playlists()[0]
    song = system.songs(playlist)[-1]
    seen = run(browser, """
        const asked = await ask(`/api/analyze_song/${arguments[0]}`);
        if (asked.status !== "success" || !asked.job_id) throw new Error(JSON.stringify(asked));
        return poll(`/api/song_analysis_status/${arguments[0]}`, (told) => told.completed || told.failed);""", song["id"])
    fractions = [told["progress"] for told in seen]
    assert fractions == sorted(fractions) and fractions[-1] == 100 and seen[-1]["has_analysis"]

    seen = run(browser, """
        const asked = await ask(`/api/playlists/${arguments[0]}/analyze-unanalyzed`);
        return asked.job_id ? poll(`/api/progress/${asked.job_id}`, isDone) : [asked];""", playlist["id"])
    last = seen[-1].get("progress")
    assert seen[-1].get("queued_count") == 0 or last["current_step"] == "complete" and last["progress"] == 1

    seen = run(browser, "return poll('/api/analysis/status', (told) => told.completed);")
    assert seen[-1]["analyzed_count"] == seen[-1]["total_count"] == 12 and seen[-1]["progress"] == 100
    assert page.problems() == []


# The bytes of what a browser had already, and was told to be as it was, were not sent again.
UNSENT = """
return performance.getEntriesByType("resource").filter((entry) => entry.name.endsWith(arguments[0])
  && entry.encodedBodySize > 0 && entry.transferSize < entry.encodedBodySize).length"""


def test_who_asks_in_a_loop_is_not_sent_what_has_not_changed(browser, system):
    system.login()
    for job in system.get("/api/jobs")["jobs"]:
        system.post(f"/api/jobs/{job['job_id']}/pause")
    browser.execute_cdp_cmd("Network.enable", {})
    browser.execute_cdp_cmd("Network.setBlockedURLs", {"urls": ["*/api/events*"]})
    page = Page(browser, system)
    page.sign_in()
    page.find("#connection[data-state=polling]", "Live")
    page.wait.until(lambda _: page.script(UNSENT, "/api/progress/global") > 0, "an answer is known to hold")
    # And so it is for the existing pages.
    run(browser, "for (let n = 0; n < 3; n += 1) await poll('/api/analysis/status', () => true);")
    assert page.script(UNSENT, "/api/analysis/status") > 0
