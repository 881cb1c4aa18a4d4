#!lua flags=allow-oom
-- Records what became of the item that a worker ran on a lane, and claims the next one.
--
-- KEYS[1]  the lane's root
-- ARGV     worker id, lease, outcome (none, analysed, credited, failed, suspended, released), job id, epoch, claim of the item,
--          claim of the next item (empty: takes none), reason of a failure, whether another attempt may end well (0, 1),
--          the analyzer that is to blame (empty: none), jitter (from 0 to 1), when a song that is credited was analysed, in ms,
--          the sub-fingerprints that the song is found by ("-": as before), how many acoustic twins it has, for each its bit-error
--          rate and its song id; then seven for each result: analyzer, version, bytes, highlights, hashes of the file and of the
--          decoded audio (empty: not known), whether it was found with an identical file (0, 1)
-- Result   "idle", also while the queue is paused or a breaker open, or its background work held back; "again": call once
--          more, without an outcome; "stale", a user id, the user's preferences: the same, once it is known whether they let a
--          song of background work be begun now (preferences.lua); or "run", the job's values, the song's bytes, its mark
-- Errors   STALE: the worker does not hold the lane, or the item is not the one that runs there; nothing is changed
-- Events   song_analysed, song_skipped, song_failed or song_retry, then the job goes on, ends, or is interrupted by a job that
--          comes before it; started: pending, interrupted or in_progress ──▶ in_progress; scheduled, where the user's preferences let no
--          song of background work be begun, or those that are left failed and are tried again later; due: scheduled ──▶
--          pending; breaker_opened, breaker_closed
--
-- Repeating a call whose reply was lost is safe: an item is recorded once, and what the lost reply handed out is claimed
-- anew. So a worker that reports nothing, although an item runs on its lane, never got to know that item.

local worker, lease, outcome, job_id, epoch, claim, next_claim, reason =
    ARGV[1], ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5]), ARGV[6], ARGV[7], ARGV[8]
local may_pass, blamed, jitter = ARGV[9] == '1', ARGV[10], tonumber(ARGV[11])
local credited_at_ms, landmarks, first_result = ARGV[12], ARGV[13], 15 + 2 * tonumber(ARGV[14])

local holder = redis.call('HMGET', key('lease'), 'worker', 'token')
if holder[1] ~= worker or holder[2] ~= lease then return refuse('STALE', 'the worker does not hold lane ' .. lane) end

if is_paused() then next_claim = '' end
local running = redis.call('GET', key('running'))
local job = running and load(running)
if outcome ~= 'none' and redis.call('GET', key('reported')) == claim then
    outcome = 'none'
elseif outcome ~= 'none' and (not job or running ~= job_id or job.epoch ~= epoch or job.claim ~= claim) then
    return refuse('STALE', 'item ' .. job_id .. ' at epoch ' .. ARGV[5] .. ' does not run on lane ' .. lane)
end

-- Stores the results and names them in the mark of the song. Returns whether the song has others, too, that are older.
local function record_results(user_id, song_id)
    local mark, versions, count = redis.call('HGET', key('user_analysed', user_id), song_id) or '', {}, 0
    for index = first_result, #ARGV, 7 do
        local analyzer, version, bytes, highlights, file_hash, audio_hash, was_found = unpack(ARGV, index, index + 6)
        versions[analyzer], count = version, count + 1
        if was_found == '0' then close_breaker(analyzer) end
        redis.call('HSET', key('song_results', user_id, song_id), analyzer, bytes)
        redis.call('HSET', key('user_highlights', user_id), analyzer .. ' ' .. song_id, highlights)
        -- Of a song without a mark nothing was known that would have to go.
        if mark ~= '' or file_hash ~= '' or audio_hash ~= '' then
            set_content(user_id, song_id, analyzer, version, file_hash, audio_hash)
        end
    end
    if landmarks ~= '-' then
        set_landmarks(user_id, song_id, landmarks)
        set_twins(user_id, song_id, {unpack(ARGV, 15, first_result - 1)})
    end
    if count > 0 then redis.call('HSET', key('user_analysed', user_id), song_id, merge_mark(mark, versions)) end
    return mark ~= '' and count < #analyzers
end

-- Answers that nothing runs on the lane.
local function rest(reply)
    if running then redis.call('DEL', key('running')) end
    return reply
end

if outcome ~= 'none' then redis.call('SET', key('reported'), claim) end

if job and not ended[job.state] and (outcome == 'analysed' or outcome == 'credited' or outcome == 'failed') then
    local song_id = job.song_id
    local entry, is_aside = next_entry(job)
    local audio_ms = tonumber(string.match(entry, '^%d+'))
    local has_older = record_results(job.user_id, song_id)
    local is_broken = blamed ~= '' and trip(blamed, job.user_id, song_id, reason)
    if outcome ~= 'failed' then
        local is_credited = outcome == 'credited'
        -- A song is as old as the oldest of its results.
        redis.call(
            has_older and 'HSETNX' or 'HSET', key('user_analysed_at', job.user_id), song_id,
            is_credited and credited_at_ms or now_ms)
        redis.call('HDEL', key('user_failures', job.user_id), song_id)
        if is_aside then end_aside(job, entry) end
        advance(job, is_credited and 'skipped' or 'analysed', audio_ms)
        commit(job, is_credited and 'song_skipped' or 'song_analysed', {
            song_id = song_id, epoch = epoch, songs = is_credited and 1 or nil,
        })
    elseif not ((may_pass or is_broken) and put_aside(job, entry, reason, jitter, not is_broken)) then
        if is_aside then end_aside(job, entry) end
        redis.call('HSET', key('user_failures', job.user_id), song_id, reason)
        -- What some analyzers found out grows old, too.
        local mark = redis.call('HGET', key('user_analysed', job.user_id), song_id)
        if mark and not is_fresh(mark) then redis.call('HSET', key('user_analysed_at', job.user_id), song_id, now_ms) end
        fail_song(job, song_id, audio_ms, reason, epoch)
    end
    if job.cursor == job.total then finish(job) end
end
local song_id = job and job.song_id
if job and outcome ~= 'suspended' then job.song_id = '' end

local breakers = load_breakers()
-- A song that was to show whether an analyzer works again has not been through it: the next one will.
if outcome == 'suspended' or outcome == 'released' or outcome == 'credited' then set_probes(breakers, now_ms) end
if is_broken(breakers) then next_claim = '' end

wake_due()

-- The first in line: the head of those that wait, or the job that ran so far.
local head, head_score = find_first()
local continues = job and job.state == 'in_progress' and next_claim ~= ''
    and not (head and head_score < score(job)) and not (can_be_held(job) and find_gate())
if job and job.state == 'in_progress' and not continues then
    transition(job, 'interrupted', {song_id = song_id, epoch = job.epoch, by_job_id = next_claim ~= '' and head or nil})
end
if next_claim == '' then return rest({'idle'}) end

local candidate = continues and job or (head and load(head))
local budget = 10000
while candidate do
    local is_background = can_be_held(candidate)
    local gate = is_background and find_user_gate(candidate.user_id)
    if gate and gate.is_stale then
        if candidate.state == 'in_progress' then transition(candidate, 'interrupted', {epoch = candidate.epoch}) end
        return rest({'stale', candidate.user_id, gate.preferences})
    end
    local song, mark_or_why
    if not gate then song, mark_or_why = seek(candidate, budget) end
    if song then
        set_probes(breakers, now_ms + breaker_probe_ms)
        if is_background then keep_pace(candidate.user_id) end
        candidate.epoch = candidate.epoch + 1
        candidate.claim = next_claim
        if candidate.started_at_ms == 0 then candidate.started_at_ms = now_ms end
        redis.call('SET', key('running'), candidate.id)
        transition(candidate, 'started', {song_id = candidate.song_id, epoch = candidate.epoch})
        return {'run', values(candidate), song, mark_or_why}
    end
    if mark_or_why == 'more' then
        if candidate.state == 'in_progress' then transition(candidate, 'interrupted', {epoch = candidate.epoch}) end
        return rest({'again'})
    end
    if gate then candidate.due_at_ms, candidate.waits_for = gate.until_ms, gate.reason end
    if gate or mark_or_why == 'later' then
        budget = budget - 100
        transition(candidate, 'scheduled', {epoch = candidate.epoch})
    else
        budget = budget - candidate.total
        finish(candidate)
    end
    if budget <= 0 then return rest({'again'}) end
    local first = find_first()
    candidate = first and load(first)
end
return rest({'idle'})
