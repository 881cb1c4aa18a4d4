-- What every script begins with: a lane's keys and jobs, and the one way to change a job. After it stand prelude_moves.lua
-- (users on their way to another lane), prelude_sounds.lua (songs that sound the same), prelude_songs.lua (the way of a job through
-- its songs) and prelude_lane.lua (what holds for the lane as a whole).
--
-- KEYS[1] is the lane's root, such as `aq:{0}`: every key that a script touches is made from it by `key`, and shares its slot.
-- Before this file stand the constants that Swift renders (Scripts.swift): key_starts, key_middles, key_ends, fields, blanks,
-- transitions, ranks, rank_names, class_width, analyzers, background_batch, pace_ms, poison_losses, song_attempts,
-- retry_base_ms, retry_cap_ms, breaker_songs, breaker_probe_ms, retention_seconds, idempotency_seconds, statistics_seconds,
-- log_length.
--
-- A job is a table of the fields of its hash. `load` reads it, a script changes the table, and `commit` brings everything that
-- follows from the change up to date: hash, counters, indexes, and one event in the log. A script checks all that it was
-- given before its first commit, because Redis does not roll back. Fields that are blank (0 or the empty text) need not be
-- stored, and neither events nor replies name them.

local root = KEYS[1]
local lane = string.match(root, '{(.*)}$')
local clock = redis.call('TIME')
local now_ms = clock[1] * 1000 + math.floor(clock[2] / 1000)

local function key(name, id, other)
    if not id then return root .. key_starts[name] end
    if not other then return root .. key_starts[name] .. id .. (key_ends[name] or '') end
    return root .. key_starts[name] .. id .. key_middles[name] .. other .. (key_ends[name] or '')
end

-- An error that becomes a status: NOTFOUND, EXISTS, STALE (fenced off), ILLEGAL (not in this state), MOVING (the user is, to
-- another lane).
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

-- A whole number as text. Redis and Lua are slow at that, so a number that is given to Redis several times is written once.
local function text_of(number) return string.format('%d', number) end

local now_text = text_of(now_ms)

-- Whether the job can be held back: background work that nobody has moved to a higher class. A song that was begun is finished.
local function can_be_held(job)
    return job.type == 'background' and job.class == ranks.background and job.song_id == ''
end

-- The name of the line that the job stands in; nil where it does not wait.
local function line_of(job)
    return waits[job.state] and (can_be_held(job) and 'ready_background' or 'ready') or nil
end

-- What `commit` compares a job with.
local function as_before(job)
    return {state = job.state, class = job.class, line = line_of(job), audio_ahead = audio_ahead(job)}
end

-- Under what the job is found when the same is asked for again.
local function wish(type, force, target)
    return type .. ':' .. force .. ':' .. target
end

local function load(id)
    local stored = redis.call('HMGET', key('job', id), unpack(fields))
    if not stored[1] then return nil end
    local job = {stored = stored, texts = {}}
    for index, name in ipairs(fields) do
        local value = stored[index] or blanks[index]
        job.texts[index] = value
        if blanks[index] == 0 then value = tonumber(value) or 0 end
        stored[index], job[name] = value, value
    end
    job.before = as_before(job)
    return job
end

-- The names and values of the job's fields in turn, as they were stored last. Not to be changed.
local function values(job)
    local list = job.values
    if list then return list end
    local stored, texts, length = job.stored, job.texts, 0
    list = {}
    for index = 1, #fields do
        if stored[index] ~= blanks[index] then
            list[length + 1], list[length + 2], length = fields[index], texts[index], length + 2
        end
    end
    job.values = list
    return list
end

-- Stores those of the job's fields that have changed.
local function store(job)
    local stored, texts, changes, length = job.stored, job.texts, {}, 0
    for index = 1, #fields do
        local name = fields[index]
        local value = job[name]
        if value ~= stored[index] then
            local text = blanks[index] == 0 and text_of(value) or value
            changes[length + 1], changes[length + 2], length = name, text, length + 2
            stored[index], texts[index] = value, text
        end
    end
    if length == 0 then return end
    redis.call('HSET', key('job', job.id), unpack(changes))
    -- Of a job that was never stored, these are all.
    job.values = not job.before.state and changes or nil
end

local daily = {}

-- Adds to the statistics of the day once the script is through.
local function note(name, amount)
    daily[name] = (daily[name] or 0) + amount
end

-- Says in the log what happened.
local function append(event, details, job)
    note(event, details.songs or 1)
    local entry = {'event', event}
    for name, value in pairs(details) do
        entry[#entry + 1] = 'event_' .. name
        entry[#entry + 1] = value
    end
    if job then
        local list, length = values(job), #entry
        for index = 1, #list do entry[length + index] = list[index] end
    end
    redis.call('XADD', key('log'), 'MAXLEN', '~', log_length, '*', unpack(entry))
end

local function add_to_indexes(job)
    local place = text_of(score(job))
    redis.call('ZADD', key('live'), place, job.id)
    redis.call('ZADD', key('user_jobs', job.user_id), place, job.id)
    redis.call('HSET', key('user_wishes', job.user_id), wish(job.type, job.force, job.target_id), job.id)
end

local function move_to_ended(job)
    redis.call('ZREM', key('live'), job.id)
    redis.call('ZREM', key('user_jobs', job.user_id), job.id)
    redis.call('HDEL', key('user_wishes', job.user_id), wish(job.type, job.force, job.target_id))
    local indexes = {key('ended'), key('user_ended', job.user_id)}
    if job.state == 'failed' then indexes[3], indexes[4] = key('dead'), key('user_dead', job.user_id) end
    for _, index in ipairs(indexes) do redis.call('ZADD', index, now_text, job.id) end
end

-- A job that had ended is back in line.
local function move_from_ended(job)
    for _, index in ipairs({
        key('ended'), key('user_ended', job.user_id), key('dead'), key('user_dead', job.user_id),
    }) do
        redis.call('ZREM', index, job.id)
    end
    add_to_indexes(job)
end

-- The songs of the job from one place to another (from 0 on, both included), each "<length in ms> <song id>". A song's job
-- keeps no list: its fields say it all.
local function entries_of(job, first, last)
    if job.type == 'song' then return first == 0 and {job.audio_ms .. ' ' .. job.target_id} or {} end
    return redis.call('LRANGE', key('job_songs', job.id), first, last)
end

local tallies = {}

-- Adds to a counter once the script is through.
local function count(name, change)
    tallies[name] = (tallies[name] or 0) + change
end

-- What every script ends with (Scripts.swift).
local function store_counts()
    for name, change in pairs(tallies) do
        if change ~= 0 then redis.call('HINCRBY', key('counts'), name, change) end
    end
    local day = key('day', math.floor(now_ms / 86400000))
    for name, amount in pairs(daily) do
        if redis.call('HINCRBY', day, name, amount) == amount then redis.call('EXPIRE', day, statistics_seconds) end
    end
end

local create_batch

-- Forgets that songs of the job are to be tried again.
local function forget_aside(job)
    redis.call('DEL', key('job_aside', job.id), key('job_attempts', job.id))
    job.aside = 0
end

-- Stores the job as it stands now and says in the log what happened to it, and what state, or else what class, it comes from.
local function commit(job, event, details)
    local before = job.before
    local moved, reordered = before.state ~= job.state, before.class ~= job.class
    if moved then
        if before.state then count(before.state, -1) end
        count(job.state, 1)
        if ended[job.state] then
            job.ended_at_ms = now_ms
            if job.aside > 0 then forget_aside(job) end
            if job.type == 'background' then
                if job.state == 'cancelled' then redis.call('DEL', key('user_backlog', job.user_id)) end
                job.left = redis.call('LLEN', key('user_backlog', job.user_id))
            end
        end
        if before.state == 'scheduled' then redis.call('ZREM', key('due'), job.id) end
        if job.state == 'scheduled' then
            redis.call('ZADD', key('due'), job.due_at_ms, job.id)
        else
            job.due_at_ms, job.waits_for = 0, ''
        end
    end
    local line = line_of(job)
    if line ~= before.line or reordered then
        if before.line then redis.call('ZREM', key(before.line), job.id) end
        if line then redis.call('ZADD', key(line), text_of(score(job)), job.id) end
    end
    if moved or reordered then
        if before.line then count('waiting_' .. rank_names[before.class + 1], -1) end
        if line then count('waiting_' .. rank_names[job.class + 1], 1) end
    end
    if reordered then add_to_indexes(job) end
    if ended[before.state] and not ended[job.state] then move_from_ended(job) end
    count('audio_ms_waiting', audio_ahead(job) - before.audio_ahead)

    store(job)
    job.before = as_before(job)
    details = details or {}
    if before.state and (moved or reordered) then
        details.from = moved and before.state or rank_names[before.class + 1]
    end
    append(event, details, job)

    if moved and ended[job.state] then
        move_to_ended(job)
        if job.left > 0 then create_batch(job.user_id, job.force, job.class, job.traceparent, job.batch + 1) end
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

-- Puts the scheduled jobs that are due back in line.
local function wake_due()
    for _, id in ipairs(redis.call('ZRANGE', key('due'), '-inf', now_ms, 'BYSCORE', 'LIMIT', 0, 100)) do
        local job = load(id)
        if job and after(job, 'due') then transition(job, 'due') else redis.call('ZREM', key('due'), id) end
    end
end

-- What a job waits for whose songs failed and are tried again: never longer than the cap.
local retry_wait = 'songs that failed and are tried again'

-- Puts those back in line that would wait longer: the clock was set back.
local function wake_overdue()
    local range = {now_ms + retry_cap_ms, '+inf', 'BYSCORE', 'LIMIT', 0, 100}
    for _, id in ipairs(redis.call('ZRANGE', key('due'), unpack(range))) do
        local job = load(id)
        if job and job.waits_for == retry_wait and after(job, 'due') then transition(job, 'due') end
    end
end

-- Moves the job to another class, where it has the place of its sequence number.
local function reprioritise(job, class)
    if class == job.class then return end
    job.class = class
    commit(job, 'reprioritised', {epoch = job.epoch})
    -- What somebody asks for is not held back.
    if job.state == 'scheduled' and job.waits_for ~= retry_wait and not can_be_held(job) then transition(job, 'due') end
end

-- The id of the live job that does this, or nil; a forced job does what an unforced one would, too. Of background work there is one.
local function find_live(user_id, type, force, target_id)
    local ids = redis.call(
        'HMGET', key('user_wishes', user_id), wish(type, 1, target_id), wish(type, type == 'background' and 0 or force, target_id))
    return ids[1] or ids[2] or nil
end

-- The live job that does what one that has ended would do again, if there is one.
local function find_twin(job) return find_live(job.user_id, job.type, job.force, job.target_id) end

-- Has a job go through its songs from the first one on.
local function start_over(job)
    redis.call('DEL', key('job_failures', job.id))
    forget_aside(job)
    for _, name in ipairs({
        'cursor', 'analysed', 'skipped', 'failed', 'audio_done_ms', 'started_at_ms', 'ended_at_ms', 'losses',
    }) do
        job[name] = 0
    end
    job.error = ''
    job.thumb, job.comment, job.rated_at_ms = '', '', 0
end

-- Puts a job that failed back in line.
local function replay(job)
    start_over(job)
    transition(job, 'replayed')
end

-- A waiting job of the songs `entries`, each "<length in ms> <song id>"; a batch of background work, with what is left for those
-- after it.
local function create(type, force, user_id, target_id, entries, class, traceparent, batch, left)
    local sequence = redis.call('INCR', key('sequence'))
    local job = {
        id = lane .. '-' .. sequence, user_id = user_id, type = type, class = class, state = 'pending',
        target_id = target_id, force = force, sequence = sequence, epoch = 0, claim = '', total = #entries, cursor = 0,
        analysed = 0, skipped = 0, failed = 0, audio_ms = 0, audio_done_ms = 0, song_id = '', created_at_ms = now_ms,
        started_at_ms = 0, ended_at_ms = 0, error = '', losses = 0, due_at_ms = 0, waits_for = '', aside = 0,
        traceparent = traceparent or '', thumb = '', comment = '', rated_at_ms = 0, batch = batch or 0, left = left or 0,
        stored = {unpack(blanks)}, texts = {unpack(blanks)}, before = {audio_ahead = 0},
    }
    for _, entry in ipairs(entries) do job.audio_ms = job.audio_ms + tonumber(string.match(entry, '^%d+')) end
    if type ~= 'song' then
        in_chunks(entries, function(chunk) redis.call('RPUSH', key('job_songs', job.id), unpack(chunk)) end)
    end
    commit(job, 'enqueued')
    return job
end

-- The next of the user's background jobs, at the end of its class; nil where nothing is left to do.
create_batch = function(user_id, force, class, traceparent, batch)
    local entries = redis.call('LPOP', key('user_backlog', user_id), background_batch)
    if not entries then return nil end
    local left = redis.call('LLEN', key('user_backlog', user_id))
    return create('background', force, user_id, '', entries, class, traceparent, batch, left)
end
