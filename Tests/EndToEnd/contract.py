"""The shapes of the HTTP contract: the fields that an answer must have, each with its types, and how an answer is held to them."""

import re

# Types. A field may be what any of them says; more fields may always be there.
NULL = type(None)
NUMBER = (int, float)


class Just:
    def __init__(self, *values):
        self.values = values


class Each:
    """A list, or an object of any names, of which each is like this."""

    def __init__(self, shape):
        self.shape = shape


ID = (int, str)
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def check(value, shape, place="answer"):
    if isinstance(shape, dict):
        assert isinstance(value, dict), f"{place} is {value!r}"
        for name, inner in shape.items():
            assert name in value, f"{place} lacks {name}: {value}"
            check(value[name], inner, f"{place}.{name}")
    elif isinstance(shape, Each):
        assert isinstance(value, (list, dict)), f"{place} is {value!r}"
        for name, element in value.items() if isinstance(value, dict) else enumerate(value):
            check(element, shape.shape, f"{place}[{name}]")
    elif isinstance(shape, Just):
        assert any(value == one and type(value) is type(one) for one in shape.values), f"{place} is {value!r}, not {shape.values}"
    elif isinstance(shape, re.Pattern):
        assert isinstance(value, str) and shape.fullmatch(value), f"{place} is {value!r}"
    elif isinstance(shape, list):
        for one in shape:
            try:
                return check(value, one, place)
            except AssertionError as error:
                last = error
        raise last
    else:
        kinds = shape if isinstance(shape, tuple) else (shape,)
        # A truth value is no number.
        assert isinstance(value, kinds) and (not isinstance(value, bool) or bool in kinds), f"{place} is {value!r}, not {kinds}"


def optional(shape):
    return [NULL, shape]


TRUE, FALSE, SUCCESS, ERROR = Just(True), Just(False), Just("success"), Just("error")
STATES = ("scheduled", "pending", "in_progress", "interrupted", "paused", "completed", "failed", "cancelled")
TYPES = ("song_analysis", "playlist_analysis", "background_analysis")
PRIORITIES = ("high", "medium", "low")
LEVEL = optional(Just("low", "medium", "high"))
POLLED = {"poll_after_ms": int, "stale": bool}
PROBLEM = {"success": FALSE, "status": ERROR, "error": str, "message": str, "type": str, "title": str, "detail": str, "code": int, "request_id": str}
REVIEW = {"id": ID, "score": optional(NUMBER), "concern_level": LEVEL, "status": Just("completed"), "themes": Each(object), "explanation": optional(str), "created_at": MOMENT}
SONG_DONE = {
    "success": TRUE, "completed": TRUE, "has_analysis": TRUE, "status": Just("completed"), "progress": Just(100), "stage": str, "message": str,
    "score": optional(NUMBER), "concern_level": LEVEL, "result": REVIEW, "analysis": REVIEW, **POLLED}
SONG_ACTIVE = {
    "success": TRUE, "completed": FALSE, "has_analysis": FALSE, "status": Just("pending"), "progress": Just(*range(100)), "stage": str, "message": str, **POLLED}
SONG_ENDED = {
    "success": FALSE, "completed": TRUE, "failed": TRUE, "has_analysis": FALSE, "status": Just("failed", "cancelled"), "progress": Just(0), "stage": str, "error": str,
    "message": str, **POLLED}
PROGRESS = {
    "job_id": optional(str), "job_type": optional(Just(*TYPES)), "status": Just("idle", *STATES), "progress": NUMBER, "current_progress": NUMBER, "percentage": NUMBER,
    "total_items": int, "completed_items": int, "total": int, "current": int, "failed": int, "skipped": int, "current_step": str, "step_progress": NUMBER,
    "current_message": str, "message": str, "start_time": optional(MOMENT), "started_at": optional(MOMENT), "updated_at": optional(MOMENT), "is_complete": bool,
    "eta_seconds": optional(NUMBER), "eta_text": optional(str), "starts_in_seconds": optional(NUMBER), "stage": str, "current_song": optional({"id": ID, "name": str, "artist": str, "album": str}),
    "type": optional(Just("song", "playlist", "background")), "priority": optional(Just(*PRIORITIES)), "position": int, "waiting_for": str, "version": int, "basis": int}
JOB_PROGRESS = {**PROGRESS, "job_id": str, "job_type": Just(*TYPES), "status": Just(*STATES)}
JOB = {
    "job_id": str, "status": Just(*map(str.upper, STATES)), "job_type": Just(*map(str.upper, TYPES)), "priority": Just(*map(str.upper, PRIORITIES)),
    "created_at": MOMENT, "started_at": optional(MOMENT), "metadata": dict}
NOTIFICATION = {
    "id": str, "kind": Just("started", "displaced", "completed", "failed", "cancelled"), "message": str, "at": MOMENT, "job_id": str,
    "type": Just("song", "playlist", "background"), "target_id": optional(ID), "name": optional(str)}
QUEUED = {"success": TRUE, "status": SUCCESS, "message": str, "queued_count": int}
USER = {"id": ID, "name": str, "role": Just("listener", "administrator"), "auto_analysis": bool}
WORKER = {
    "status": Just("running", "idle", "offline"), "uptime_seconds": NUMBER, "jobs_processed": int, "jobs_failed": int, "jobs_interrupted": int,
    "last_heartbeat": optional(MOMENT), "current_job": optional(JOB)}
