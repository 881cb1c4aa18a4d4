-- What every script begins with: a lane's keys and jobs, and the one way to change a job.
--
-- KEYS[1] is the lane's root, such as `aq:{0}`: every key that a script touches is made from it by `key`, and shares its slot.
-- Before this file stand the constants that Swift renders (Scripts.swift): key_names, fields, numeric, transitions, ranks,
-- rank_names, class_width, analyzers, background_batch, poison_losses, retention_seconds, idempotency_seconds, log_length.
--
-- A job is a table of the fields of its hash. `load` reads it, a script changes the table, and `commit` brings everything that
-- follows from the change up to date: hash, counters, indexes, and one event in the log. A script checks all that it was
-- given before its first commit, because Redis does not roll back.

local root = KEYS[1]
local lane = string.match(root, '{(.*)}$')
local clock = redis.call('TIME')
local now_ms = clock[1] * 1000 + math.floor(clock[2] / 1000)

local function key(name, ...)
    return root .. ':' .. string.format(key_names[name], ...)
end

-- An error that becomes a status: NOTFOUND, EXISTS, STALE (fenced off), ILLEGAL (not in this state).
local function refuse(code, text)
    return redis.error_reply(code .. ' ' .. text)
end

-- Calls `visit` with at most 1000 of `list` at a time, from `from` on: many more arguments overflow Lua's stack.
local function in_chunks(list, visit, from)
    for first = from or 1, #list, 1000 do
        visit({unpack(list, first, math.min(first + 999, #list))}, first)
    end
end

local waits = {pending = true, interrupted = true}
local ended = {completed = true, failed = true, cancelled = true}

-- The length of the songs that the job has before it, while it stands in line or runs.
local function audio_ahead(job)
    return (waits[job.state] or job.state == 'in_progress') and job.audio_ms - job.audio_done_ms or 0
end

local function score(job)
    return job.class * class_width + job.sequence
end

-- Under what the job is found when the same is asked for again.
local function wish(type, force, target)
    return type .. ':' .. force .. ':' .. target
end

local function load(id)
    local values = redis.call('HMGET', key('job', id), unpack(fields))
    if not values[1] then return nil end
    local job = {}
    for index, name in ipairs(fields) do
        job[name] = numeric[name] and (tonumber(values[index]) or 0) or values[index]
    end
    job.before = {state = job.state, class = job.class, audio_ahead = audio_ahead(job)}
    return job
end

-- The job's fields in the order of `fields`.
local function values(job)
    local list = {}
    for index, name in ipairs(fields) do list[index] = job[name] end
    return list
end

local function append(event, details, job)
    local entry = {
        'event', event, 'event_song_id', details.song_id or '', 'event_songs', details.songs or 0,
        'event_reason', details.reason or '', 'event_by_job_id', details.by_job_id or '', 'event_epoch', details.epoch or 0,
    }
    for _, name in ipairs(job and fields or {}) do
        entry[#entry + 1] = name
        entry[#entry + 1] = job[name]
    end
    if not job then
        entry[#entry + 1] = 'user_id'
        entry[#entry + 1] = details.user_id or ''
    end
    redis.call('XADD', key('log'), 'MAXLEN', '~', log_length, '*', unpack(entry))
end

local function add_to_indexes(job)
    redis.call('ZADD', key('live'), score(job), job.id)
    redis.call('ZADD', key('user_jobs', job.user_id), score(job), job.id)
    redis.call('HSET', key('user_wishes', job.user_id), wish(job.type, job.force, job.target_id), job.id)
end

local function move_to_ended(job)
    redis.call('ZREM', key('live'), job.id)
    redis.call('ZREM', key('user_jobs', job.user_id), job.id)
    redis.call('HDEL', key('user_wishes', job.user_id), wish(job.type, job.force, job.target_id))
    local indexes = {key('ended'), key('user_ended', job.user_id)}
    if job.state == 'failed' then indexes[3], indexes[4] = key('dead'), key('user_dead', job.user_id) end
    for _, index in ipairs(indexes) do
        redis.call('ZADD', index, now_ms, job.id)
        redis.call('ZREMRANGEBYSCORE', index, '-inf', now_ms - retention_seconds * 1000)
    end
    for _, name in ipairs({'job', 'job_songs', 'job_failures'}) do
        redis.call('EXPIRE', key(name, job.id), retention_seconds)
    end
end

-- A job that had ended is back in line.
local function move_from_ended(job)
    for _, index in ipairs({
        key('ended'), key('user_ended', job.user_id), key('dead'), key('user_dead', job.user_id),
    }) do
        redis.call('ZREM', index, job.id)
    end
    for _, name in ipairs({'job', 'job_songs'}) do redis.call('PERSIST', key(name, job.id)) end
    add_to_indexes(job)
end

local create_batch

-- Stores the job as it stands now and says in the log what happened to it.
local function commit(job, event, details)
    local before, counts = job.before, key('counts')
    local moved, reordered = before.state ~= job.state, before.class ~= job.class
    if moved then
        if before.state then redis.call('HINCRBY', counts, before.state, -1) end
        redis.call('HINCRBY', counts, job.state, 1)
        if ended[job.state] then job.ended_at_ms = now_ms end
    end
    if moved or reordered then
        if waits[before.state] then
            redis.call('ZREM', key('ready'), job.id)
            redis.call('HINCRBY', counts, 'waiting_' .. rank_names[before.class + 1], -1)
        end
        if waits[job.state] then
            redis.call('ZADD', key('ready'), score(job), job.id)
            redis.call('HINCRBY', counts, 'waiting_' .. rank_names[job.class + 1], 1)
        end
    end
    if reordered then add_to_indexes(job) end
    if ended[before.state] and not ended[job.state] then move_from_ended(job) end
    local audio = audio_ahead(job) - before.audio_ahead
    if audio ~= 0 then redis.call('HINCRBY', counts, 'audio_ms_waiting', audio) end

    local pairs_of_hash = {}
    for _, name in ipairs(fields) do
        pairs_of_hash[#pairs_of_hash + 1] = name
        pairs_of_hash[#pairs_of_hash + 1] = job[name]
    end
    redis.call('HSET', key('job', job.id), unpack(pairs_of_hash))
    job.before = {state = job.state, class = job.class, audio_ahead = audio_ahead(job)}
    append(event, details or {}, job)

    if moved and ended[job.state] then
        move_to_ended(job)
        if job.type == 'background' then
            if job.state == 'cancelled' then
                redis.call('DEL', key('user_backlog', job.user_id))
            else
                create_batch(job.user_id, job.force, job.class)
            end
        end
    end
end

-- Where `event` leads the job; nil where it is not legal.
local function after(job, event)
    return (transitions[job.state] or {})[event]
end

-- Moves the job by an event that is legal.
local function transition(job, event, details)
    job.state = after(job, event)
    commit(job, event, details)
end

-- Moves the job to another class, where it has the place of its sequence number.
local function reprioritise(job, class)
    if class == job.class then return end
    job.class = class
    commit(job, 'reprioritised', {epoch = job.epoch})
end

-- The live job that does the same as one that has ended, if there is one.
local function find_twin(job)
    return redis.call('HGET', key('user_wishes', job.user_id), wish(job.type, job.force, job.target_id))
end

-- Puts a job that failed back in line, from its first song on.
local function replay(job)
    redis.call('DEL', key('job_failures', job.id))
    for _, name in ipairs({
        'cursor', 'analysed', 'skipped', 'failed', 'audio_done_ms', 'started_at_ms', 'ended_at_ms', 'losses',
    }) do
        job[name] = 0
    end
    job.error = ''
    transition(job, 'replayed')
end

-- A waiting job of the songs `entries`, each "<length in ms> <song id>".
local function create(type, force, user_id, target_id, entries, class)
    local sequence = redis.call('INCR', key('sequence'))
    local job = {
        id = string.format('%s-%d', lane, sequence), user_id = user_id, type = type, class = class, state = 'pending',
        target_id = target_id, force = force, sequence = sequence, epoch = 0, claim = '', total = #entries, cursor = 0,
        analysed = 0, skipped = 0, failed = 0, audio_ms = 0, audio_done_ms = 0, song_id = '', created_at_ms = now_ms,
        started_at_ms = 0, ended_at_ms = 0, error = '', losses = 0, before = {audio_ahead = 0},
    }
    for _, entry in ipairs(entries) do job.audio_ms = job.audio_ms + tonumber(string.match(entry, '^%d+')) end
    in_chunks(entries, function(chunk) redis.call('RPUSH', key('job_songs', job.id), unpack(chunk)) end)
    commit(job, 'enqueued')
    return job
end

-- The next of the user's background jobs, at the end of its class; nil where nothing is left to do.
create_batch = function(user_id, force, class)
    local entries = redis.call('LPOP', key('user_backlog', user_id), background_batch)
    return entries and create('background', force, user_id, '', entries, class)
end

-- Whether a song's mark (such as "audio@1 lyrics@3") names all enabled analyzers.
local function is_fresh(mark)
    if not mark then return false end
    for _, word in ipairs(analyzers) do
        if not string.find(' ' .. mark .. ' ', ' ' .. word .. ' ', 1, true) then return false end
    end
    return true
end

-- Which of the songs need no analysis: those with fresh results; under force, results from after `since_ms`, when it was asked for.
local function find_fresh(user_id, song_ids, force, since_ms)
    local fresh = {}
    in_chunks(song_ids, function(chunk, first)
        local marks = redis.call('HMGET', key('user_analysed', user_id), unpack(chunk))
        local times = force == 1 and redis.call('HMGET', key('user_analysed_at', user_id), unpack(chunk))
        for index = 1, #chunk do
            fresh[first + index - 1] = is_fresh(marks[index]) and (not times or tonumber(times[index] or 0) > since_ms)
        end
    end)
    return fresh
end

-- Counts a song of the job as ended: `outcome` is analysed, skipped or failed.
local function advance(job, outcome, audio_ms)
    job[outcome] = job[outcome] + 1
    job.cursor = job.cursor + 1
    job.audio_done_ms = job.audio_done_ms + audio_ms
    job.song_id = ''
    job.losses = 0
end

local function fail_song(job, song_id, audio_ms, reason, epoch)
    redis.call('RPUSH', key('job_failures', job.id), song_id, reason)
    advance(job, 'failed', audio_ms)
    job.error = reason
    commit(job, 'song_failed', {song_id = song_id, reason = reason, epoch = epoch})
end

-- Moves the cursor to the first song that needs an analysis: fresh ones are credited, and those that have left the library fail.
-- Returns the song's bytes and true; or nil and whether the cursor stands at the end, false being that `budget` songs were passed.
local function seek(job, budget)
    local size = 1
    while job.cursor < job.total do
        local song_ids, lengths, skipped = {}, {}, 0
        for index, entry in ipairs(redis.call('LRANGE', key('job_songs', job.id), job.cursor, job.cursor + size - 1)) do
            lengths[index], song_ids[index] = string.match(entry, '^(%d+) (.*)$')
        end
        local fresh = find_fresh(job.user_id, song_ids, job.force, job.created_at_ms)
        while fresh[skipped + 1] do
            skipped = skipped + 1
            advance(job, 'skipped', tonumber(lengths[skipped]))
        end
        if skipped > 0 then commit(job, 'song_skipped', {songs = skipped, song_id = skipped == 1 and song_ids[1] or ''}) end

        local song_id = song_ids[skipped + 1]
        if song_id then
            local song = redis.call('HGET', key('user_songs', job.user_id), song_id)
            if song then
                job.song_id = song_id
                return song, true
            end
            fail_song(job, song_id, tonumber(lengths[skipped + 1]), 'the song is no longer in the library', job.epoch)
        end
        budget = budget - size
        if budget <= 0 then return nil, job.cursor == job.total end
        size = 100
    end
    return nil, true
end

-- Ends a job whose cursor stands at the end of its songs.
local function finish(job)
    if job.failed < job.total then
        job.error = ''
        transition(job, 'completed')
    else
        if job.total > 1 then job.error = 'all songs failed, the last one because: ' .. job.error end
        transition(job, 'failed', {reason = job.error})
    end
end

-- Takes the lane's running item back, because its worker has lost it. `is_crash`: together with its life, as far as anybody
-- knows. A job that does that again and again, without a song that ends in between, is poison and fails.
local function lose_running_item(is_crash)
    local id = redis.call('GET', key('running'))
    if not id then return end
    redis.call('DEL', key('running'))
    local job = load(id)
    if job and after(job, 'worker_lost') then
        local song_id = job.song_id
        job.song_id = ''
        if is_crash then job.losses = job.losses + 1 end
        transition(job, 'worker_lost', {song_id = song_id, epoch = job.epoch})
        if job.losses >= poison_losses then
            job.error = string.format('poison: song %s took the worker down %d times in a row', song_id, job.losses)
            transition(job, 'failed', {song_id = song_id, reason = job.error, epoch = job.epoch})
        end
    end
end

-- What holds back all claims: whether it also freezes what runs, and since when it should be over; nil where nothing does.
local function find_pause()
    local pause = redis.call('HMGET', key('pause'), 'until_ms', 'freezes')
    local until_ms = tonumber(pause[1])
    if not until_ms then return nil end
    return {freezes = pause[2] == '1', is_over = until_ms > 0 and until_ms <= now_ms}
end

local function is_paused()
    local pause = find_pause()
    return pause and not pause.is_over
end

local function end_pause(reason)
    if redis.call('DEL', key('pause')) == 1 then append('queue_resumed', {reason = reason}) end
end

-- What the lane's worker should be told, as the lane stands: kind, worker, and the job and epoch that it is about.
-- Nothing is remembered about what it was told before, so that a lost hint is only a late one.
local function hint()
    local worker = redis.call('HGET', key('lease'), 'worker') or ''
    local head = redis.call('ZRANGE', key('ready'), 0, 0, 'WITHSCORES')
    local id = redis.call('GET', key('running'))
    local pause = find_pause()
    if pause and pause.is_over then pause = nil end
    if not id then return {head[1] and not pause and 'wake' or 'none', worker, '', 0} end
    local job = load(id)
    if not job or ended[job.state] then return {'discard', worker, id, job and job.epoch or 0} end
    if job.state ~= 'in_progress' then return {'pause', worker, id, job.epoch} end
    if pause then return {pause.freezes and 'pause' or 'none', worker, id, job.epoch} end
    if head[1] and math.floor(tonumber(head[2]) / class_width) < job.class then return {'preempt', worker, id, job.epoch} end
    return {'none', worker, '', 0}
end
