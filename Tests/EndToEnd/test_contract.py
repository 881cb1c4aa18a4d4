"""Every row of the HTTP contract against the running system, field by field and type by type, and what holds for all of them."""

import json
import shutil

import pytest

from contract import (
    FALSE, ID, JOB, JOB_PROGRESS, LEVEL, MOMENT, NOTIFICATION, NULL, NUMBER, POLLED, PROBLEM, PROGRESS, QUEUED,
    SONG_ACTIVE, SONG_DONE, SONG_ENDED, SUCCESS, TRUE, USER, WORKER, Each, Just, check, optional)
from system import System, wait_until


@pytest.fixture(scope="module")
def system(songs, tmp_path_factory):
    """One system for all rows: two playlists of three real songs each, and a file that is no music."""
    music = tmp_path_factory.mktemp("contract")
    for number, song in enumerate(songs[:6]):
        folder = music / f"List {number % 2 + 1}"
        folder.mkdir(exist_ok=True)
        shutil.copy(song, folder / f"{number:02} {song.stem}{song.suffix}")
    (music / "Broken").mkdir()
    (music / "Broken" / "noise.flac").write_bytes(b"fLaC" + bytes(range(256)) * 64)
    system = System(music, tmp_path_factory.mktemp("d"))
    try:
        system.start()
        system.login()
        yield system
    finally:
        system.stop()


def get(system, path, shape, status=200):
    reply = system.http.get(system.url(path), timeout=30)
    assert reply.status_code == status, f"{path}: {reply.status_code} {reply.text}"
    check(reply.json(), shape, path)
    return reply.json()


def post(system, path, shape, body=None, status=200):
    headers = {"X-Requested-With": "XMLHttpRequest", "X-CSRFToken": "theirs"}
    reply = system.http.post(system.url(path), json=body, headers=headers, timeout=30)
    assert reply.status_code == status, f"{path}: {reply.status_code} {reply.text}"
    check(reply.json(), shape, path)
    return reply.json()


@pytest.fixture(scope="module")
def lists(system):
    return {p["name"]: p for p in system.playlists()}


@pytest.fixture(scope="module")
def analysed(system, lists):
    """A song that is analysed, when everything of its playlist is."""
    wait_until(lambda: system.get(f"/api/playlists/{lists['List 1']['id']}/analysis-status")["completed"], "List 1 is analysed")
    return system.songs(lists["List 1"])[0]


def test_signing_in_and_out(system):
    login = {"user": system.ready["user"], "password": system.ready["password"]}
    shape = {"success": TRUE, "user": USER, "queued_count": int, "job_id": optional(str), "csrf_token": str}
    other = System(system.music, system.data)
    other.port = system.port
    post(other, "/api/login", shape, login)
    get(other, "/api/me", {"success": TRUE, "user": USER})
    get(other, "/api/session", {"success": TRUE, "user": USER, "csrf_token": str, "registration": FALSE})
    post(other, "/api/login-events", {"success": TRUE, "queued_count": int, "job_id": optional(str)})
    post(other, "/api/logout", {"success": TRUE})
    get(other, "/api/me", PROBLEM, 401)
    get(other, "/api/session", {"success": TRUE, "user": NULL, "csrf_token": NULL})
    post(other, "/api/login", PROBLEM, {**login, "password": "wrong"}, 401)
    post(other, "/api/register", PROBLEM, {"user": "somebody", "password": "long enough"}, 403)


def test_songs_are_asked_for(system, analysed):
    for path in ("/api/songs/{}/analyze", "/api/analyze_song/{}"):
        shape = {"success": TRUE, "status": SUCCESS, "message": str, "song_id": ID, "job_id": optional(str)}
        at_once = post(system, path.format(analysed["id"]), shape, {})
        assert at_once["song_id"] == analysed["id"] and at_once["message"] == "Already analysed"
        forced = post(system, path.format(analysed["id"]), {**shape, "job_id": str}, {"force": True})
        wait_until(lambda: system.get(f"/api/progress/{forced['job_id']}")["progress"]["is_complete"], "the song is analysed again")
        post(system, path.format("nobody"), {**PROBLEM, "code": Just(404)}, {}, 404)


def test_playlists_are_asked_for(system, lists, analysed):
    playlist = lists["List 1"]["id"]
    for verb in ("analyze", "analyze-unanalyzed"):
        nothing = post(system, f"/api/playlists/{playlist}/{verb}", QUEUED)
        assert nothing["queued_count"] == 0 and "job_id" not in nothing and nothing["message"] == "All songs already analyzed"
        post(system, f"/api/playlists/nobody/{verb}", PROBLEM, status=404)
    again = post(system, f"/api/playlists/{playlist}/reanalyze-all", {**QUEUED, "job_id": str})
    assert again["queued_count"] == 3
    job = again["job_id"]
    for verb, states in (("pause", ("PAUSED",)), ("resume", ("PENDING", "INTERRUPTED", "IN_PROGRESS")), ("cancel", ("CANCELLED",))):
        post(system, f"/api/jobs/{job}/{verb}", {"success": TRUE, "status": SUCCESS, "message": str, "job": {**JOB, "status": Just(*states)}})
    post(system, f"/api/jobs/{job}/pause", {**PROBLEM, "code": Just(409)}, status=409)
    post(system, "/api/jobs/nobody/cancel", {**PROBLEM, "code": Just(404)}, status=404)
    ended = get(system, f"/api/progress/{job}", {"success": TRUE, "progress": {**JOB_PROGRESS, "status": Just("cancelled"), "is_complete": TRUE}})
    assert ended["progress"]["progress"] < 1
    get(system, "/api/jobs?state=cancelled&limit=5", {"success": TRUE, "jobs": Each(JOB), "next_page_token": optional(str)})
    post(system, "/api/playlists/nobody/reanalyze-all", PROBLEM, status=404)
    post(system, "/api/analysis/background", QUEUED)


def test_how_far_a_song_is(system, lists, analysed):
    for path in ("/api/songs/{}/analysis-status", "/api/song_analysis_status/{}"):
        done = get(system, path.format(analysed["id"]), SONG_DONE)
        assert done["result"] == done["analysis"] and done["result"]["id"] == analysed["id"]
        get(system, path.format("nobody"), PROBLEM, 404)
    for playlist in lists.values():
        for song in system.songs(playlist):
            get(system, f"/api/songs/{song['id']}/analysis-status", [SONG_DONE, SONG_ACTIVE, SONG_ENDED])
    broken = system.songs(lists["Broken"])[0]["id"]
    post(system, f"/api/songs/{broken}/analyze", {"success": TRUE}, {"force": True})
    wait_until(lambda: system.get(f"/api/songs/{broken}/analysis-status")["completed"], "the broken song has failed")
    failed = get(system, f"/api/songs/{broken}/analysis-status", {**SONG_ENDED, "status": Just("failed")})
    assert failed["error"]


def test_how_far_a_playlist_and_the_library_are(system, lists, analysed):
    shape = {
        "success": TRUE, "completed": bool, "progress": NUMBER, "analyzed_count": int, "total_count": int, "message": str, "playlist_id": ID,
        "detailed_status": {"completed": int, "failed": int, "pending": int, "in_progress": int}, **POLLED}
    for playlist in lists.values():
        status = get(system, f"/api/playlists/{playlist['id']}/analysis-status", shape)
        assert status["playlist_id"] == playlist["id"] and 0 <= status["progress"] <= 100
        assert sum(status["detailed_status"].values()) == status["total_count"] == playlist["song_count"]
    get(system, "/api/playlists/nobody/analysis-status", PROBLEM, 404)
    library = get(system, "/api/analysis/status", {
        "success": TRUE, "status": SUCCESS, "active": bool, "completed": bool, "progress": NUMBER, "analyzed_count": int, "total_count": int, "queue_length": int,
        "pending_jobs": int, "in_progress_jobs": int, "estimated_completion_minutes": optional(NUMBER), "message": str, **POLLED})
    assert library["total_count"] == sum(p["song_count"] for p in lists.values())


def test_progress_by_context(system, lists, analysed):
    job = post(system, f"/api/songs/{analysed['id']}/analyze", {"job_id": str}, {"force": True})["job_id"]
    active = get(system, "/api/progress", {"success": TRUE, "active_jobs": Each(JOB_PROGRESS), "total_active": int, **POLLED})
    assert len(active["active_jobs"]) == active["total_active"]
    wait_until(lambda: system.get(f"/api/progress/{job}")["progress"]["is_complete"], "the song is analysed")
    done = get(system, f"/api/progress/{job}", {"success": TRUE, "progress": JOB_PROGRESS, **POLLED})["progress"]
    assert (done["status"], done["current_step"], done["progress"], done["current_progress"]) == ("completed", "complete", 1, 1)
    get(system, "/api/progress/nobody", {"success": FALSE, "error": str}, 404)
    get(system, "/api/progress/global", {"success": TRUE, "progress": PROGRESS, **POLLED})
    get(system, f"/api/progress/playlist/{lists['List 2']['id']}", {"success": TRUE, "progress": PROGRESS, **POLLED})
    get(system, "/api/progress/playlist/nobody", PROBLEM, 404)
    get(system, f"/api/jobs/{job}/status", {"status": SUCCESS, "job": {**JOB, "progress": JOB_PROGRESS}})
    get(system, "/api/jobs/nobody/status", PROBLEM, 404)
    # What is forgotten is forgotten; the job is not.
    forgotten = system.http.delete(system.url(f"/api/progress/{job}"), timeout=30)
    check(forgotten.json(), {"success": TRUE, "progress": {**JOB_PROGRESS, "status": Just("completed")}})
    get(system, f"/api/progress/{job}", PROBLEM, 404)
    assert system.http.delete(system.url(f"/api/progress/{job}"), timeout=30).status_code == 404
    get(system, f"/api/jobs/{job}/status", {"status": SUCCESS, "job": {**JOB, "status": Just("COMPLETED"), "progress": JOB_PROGRESS}})


def test_the_queue_and_its_workers(system):
    queue = get(system, "/api/queue/status", {"status": SUCCESS, "queue": {
        "total_jobs": int, "pending_jobs": int, "in_progress_jobs": int, "completed_jobs": int, "failed_jobs": int,
        "priority_breakdown": {"HIGH": int, "MEDIUM": int, "LOW": int}, "estimated_completion_minutes": optional(NUMBER), "active_job": optional(JOB)}})["queue"]
    assert sum(queue["priority_breakdown"].values()) <= queue["pending_jobs"]
    get(system, "/api/queue/health", {"status": SUCCESS, "queue_health": {"redis_connected": TRUE, "queue_accessible": TRUE}})
    get(system, "/api/worker/health", {"status": SUCCESS, "worker": WORKER})


def test_health_needs_no_session(system):
    stranger = System(system.music, system.data)
    stranger.port = system.port
    for path in ("", "/live", "/ready", "/detailed"):
        get(stranger, f"/api/health{path}", {"status": str, "timestamp": MOMENT})
    get(stranger, "/api/openapi.json", {"openapi": str, "paths": dict})


def test_the_library(system, lists, analysed):
    playlists = get(system, "/api/playlists", {"playlists": Each({
        "id": ID, "name": str, "description": optional(str), "song_count": int, "analyzed_count": int, "analysis_progress": NUMBER, "image_url": optional(str),
        "score": optional(NUMBER), "last_analyzed": optional(MOMENT)})})["playlists"]
    assert {p["name"] for p in playlists} == {"List 1", "List 2", "Broken"}
    songs = get(system, f"/api/playlist/{lists['List 1']['id']}/songs", {
        "playlist": {"id": ID, "name": Just("List 1"), "description": optional(str)},
        "songs": Each({
            "id": ID, "name": str, "artist": str, "album": str, "duration_ms": optional(int), "position": int, "analysis_status": Just("completed", "failed", "pending"),
            "analysis_score": optional(NUMBER), "concern_level": LEVEL, "detected_themes": Each(object), "analysis_date": optional(MOMENT)})})["songs"]
    assert [song["position"] for song in songs] == [1, 2, 3]
    get(system, "/api/playlist/nobody/songs", PROBLEM, 404)
    detail = get(system, f"/api/song/{analysed['id']}/analysis", {
        "song": {"id": ID, "name": str, "artist": str, "album": str},
        "analysis": {
            "status": Just("completed"), "score": optional(NUMBER), "concern_level": LEVEL, "themes": Each(object), "analysis_details": dict, "created_at": MOMENT,
            "concerns": Each(object)}})
    assert detail["analysis"]["analysis_details"]
    get(system, "/api/song/nobody/analysis", PROBLEM, 404)
    hit = {"songs": Each({"id": ID, "name": str, "artist": str, "album": str, "analysis_status": str, "concern_level": LEVEL})}
    found = get(system, f"/api/search_songs?q={analysed['name'][:4].upper()}", hit)["songs"]
    assert analysed["id"] in [song["id"] for song in found] and len(found) <= 20
    assert get(system, "/api/search_songs?q=", hit)["songs"] == []
    stats = get(system, "/api/stats", {
        "total_playlists": int, "total_songs": int, "analyzed_songs": int, "analysis_progress": NUMBER, "concern_levels": {"low": int, "medium": int, "high": int},
        "flagged_songs": int})
    assert stats["total_playlists"] == 3 and stats["total_songs"] == 7
    get(system, "/api/sync-status", {"status": SUCCESS, "total_playlists": int, "sync_active": bool, "last_sync": optional(MOMENT), "timestamp": MOMENT})


def test_a_library_comes_over_http_and_its_digits_stay_numbers(system):
    def put(path, body, status=200):
        reply = system.http.put(system.url(path), json=body, timeout=30)
        assert reply.status_code == status, reply.text
        return reply.json()

    changed = put("/api/library/songs", {"songs": [{"id": 41, "name": "Forty-one"}, {"id": "x/y", "name": "Slash", "attributes": {"lyrics": "la"}}]})
    check(changed, {"success": TRUE, "songs_added": Just(2), "songs_changed": int, "playlists_changed": int})
    put("/api/library/playlists/7", {"name": "Seven", "song_ids": [41, "x/y"]})
    songs = system.get("/api/playlist/7/songs")
    assert songs["playlist"]["id"] == 7 and [song["id"] for song in songs["songs"]] == [41, "x/y"]
    check(put("/api/library/songs", {"songs": [{"id": 42, "duration_ms": "long"}]}, 400), PROBLEM)
    check(put("/api/library/playlists/8", {"name": "Eight", "song_ids": [4711]}, 409), PROBLEM)
    for path in ("/api/library/songs/x%2Fy", "/api/library/playlists/7"):
        reply = system.http.delete(system.url(path), timeout=30)
        check(reply.json(), {"success": TRUE, "removed": Just(1), "cancelled_jobs": int})
        assert system.http.delete(system.url(path), timeout=30).status_code == 404
    assert post(system, "/api/library/songs/remove", {"success": TRUE}, {"song_ids": [41, 4711]})["removed"] == 1


def events(system, query="", headers=None):
    """(name, id, data) of the event stream, as they come."""
    with system.http.get(system.url("/api/events" + query), headers=headers, stream=True, timeout=120) as stream:
        assert stream.status_code == 200, stream.text
        assert stream.headers["Content-Type"].startswith("text/event-stream")
        fields = {}
        for line in stream.iter_lines(chunk_size=1, decode_unicode=True):
            if line and not line.startswith(":"):
                name, _, value = line.partition(": ")
                fields[name] = value
            elif not line and "data" in fields:
                yield fields["event"], fields.get("id"), json.loads(fields["data"])
                fields = {}


def test_the_event_stream_tells_progress_starts_ends_and_notifications(system, analysed):
    stream = events(system, "?active=1&library=1")
    library = next(data for name, _, data in stream if name == "progress" and data["context"]["type"] == "library")
    check(library, PROGRESS)
    job = post(system, f"/api/songs/{analysed['id']}/analyze", {"job_id": str}, {"force": True})["job_id"]
    told, notified, last = [], [], None
    for name, number, data in stream:
        number = number or last
        last = number
        if data.get("job_id") != job or name == "progress" and data["context"]["type"] != "job":
            continue
        told.append(name)
        check(data, {"progress": JOB_PROGRESS, "notification": NOTIFICATION}.get(name, JOB))
        notified += [data["kind"]] if name == "notification" else []
        assert name != "progress" or int(number) == data["version"]
        if name == "job_ended":
            assert data["status"] == "COMPLETED"
        if name == "notification" and data["kind"] == "completed":
            break
    listed = get(system, "/api/notifications", {"success": TRUE, "notifications": Each(NOTIFICATION), "next_page_token": optional(str)})
    assert data in listed["notifications"] and notified[-1] == "completed" and set(notified) <= {"started", "completed"}
    assert told[0] in ("progress", "job_started") and told.count("job_started") == told.count("job_ended") == 1
    assert told.index("job_started") < told.index("job_ended")

    # Whoever comes back is told what ended meanwhile, and not what they know.
    other = post(system, f"/api/songs/{analysed['id']}/analyze", {"job_id": str}, {"force": True})["job_id"]
    wait_until(lambda: system.get(f"/api/progress/{other}")["progress"]["is_complete"], "the song is analysed again")
    for name, number, data in events(system, "?active=1&library=1", {"Last-Event-ID": last}):
        assert name != "progress" or int(number) > int(last)
        assert data.get("job_id") != job or name == "progress" and data["context"]["type"] == "library"
        if name == "job_ended" and data["job_id"] == other:
            break


def test_what_has_not_changed_is_not_sent_again(system, analysed):
    first = system.http.get(system.url(f"/api/song/{analysed['id']}/analysis"), timeout=30)
    same = system.http.get(first.url, headers={"If-None-Match": first.headers["ETag"]}, timeout=30)
    assert (same.status_code, same.content) == (304, b"")


def test_what_is_somebody_elses_is_as_what_does_not_exist(system, lists, analysed):
    """Word for word, but for the name of the request."""
    from analysis.v1.catalog_pb2 import CreateUserRequest
    from analysisqueue import Catalog, Client

    with Client(f"unix:{system.ready['sockets']['queue']}") as client:
        Catalog(client).CreateUser(CreateUserRequest(id="stranger", password="long enough", role="ROLE_LISTENER"), timeout=10)
    job = post(system, f"/api/songs/{analysed['id']}/analyze", {"job_id": str}, {"force": True})["job_id"]
    stranger = System(system.music, system.data)
    stranger.port = system.port
    post(stranger, "/api/login", {"success": TRUE}, {"user": "stranger", "password": "long enough"})
    for path, theirs in {
        "/api/progress/{}": job, "/api/jobs/{}/status": job, "/api/playlist/{}/songs": lists["List 1"]["id"], "/api/song/{}/analysis": analysed["id"],
        "/api/songs/{}/analysis-status": analysed["id"], "/api/playlists/{}/analysis-status": lists["List 1"]["id"],
        "/api/progress/playlist/{}": lists["List 1"]["id"], "/api/events?job={}": job,
    }.items():
        answers = [stranger.http.get(stranger.url(path.format(id)), timeout=30) for id in (theirs, "nobody")]
        bodies = [{**answer.json(), "request_id": None} for answer in answers]
        assert [answer.status_code for answer in answers] == [404, 404], path
        assert bodies[0] == bodies[1], path
    for verb in ("pause", "resume", "cancel", "retry"):
        post(stranger, f"/api/jobs/{job}/{verb}", {**PROBLEM, "code": Just(404)}, status=404)
    assert get(stranger, "/api/queue/status", {"queue": dict})["queue"]["active_job"] is None
    assert get(stranger, "/api/worker/health", {"worker": WORKER})["worker"]["current_job"] is None
