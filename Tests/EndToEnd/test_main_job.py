"""The promise of the product, on real songs: a click comes first, what it displaced goes on, and nothing is done twice."""

from analysis.v1 import jobs_pb2

from log import EventLog


def test_clicks_displace_what_matters_less_and_everything_is_analysed_once(system):
    log = EventLog(system)
    user = system.login()
    background = log.wait(lambda e: e.kind == "STARTED" and e.job.type == jobs_pb2.JOB_TYPE_BACKGROUND)

    playlists = system.playlists()
    playlist = playlists[-1]
    asked = system.post(f"/api/playlists/{playlist['id']}/analyze")
    log.wait(lambda e: e.kind == "INTERRUPTED" and e.job.id == background.job.id and e.by_job_id == asked["job_id"])
    log.wait(lambda e: e.kind == "STARTED" and e.job.id == asked["job_id"])

    running = {system.get(f"/api/progress/{asked['job_id']}")["progress"].get("song_id"), background.song_id}
    song = next(s for s in system.songs(playlists[0]) if s["id"] not in running and s["analysis_status"] != "completed")
    clicked = system.post(f"/api/songs/{song['id']}/analyze")
    log.wait(lambda e: e.kind == "INTERRUPTED" and e.job.id == asked["job_id"] and e.by_job_id == clicked["job_id"])
    for job in (clicked["job_id"], asked["job_id"], background.job.id):
        log.wait(lambda e: e.kind == "COMPLETED" and e.job.id == job)

    order = [e.job.id for e in log.of("COMPLETED")]
    assert order[:3] == [clicked["job_id"], asked["job_id"], background.job.id]
    analysed = [e.song_id for e in log.of("SONG_ANALYSED")]
    everything = {s["id"] for p in playlists for s in system.songs(p)}
    assert sorted(analysed) == sorted(everything)
    assert all(s["analysis_status"] == "completed" for p in playlists for s in system.songs(p))
    assert user["success"] is True
