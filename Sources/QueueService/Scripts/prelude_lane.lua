-- What holds for the lane as a whole: its running item, its pause, and what its worker should be told.

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
            -- So that background work leaves it out.
            redis.call('HSET', key('user_failures', job.user_id), song_id, job.error)
            redis.call('RPUSH', key('job_failures', job.id), song_id, job.error)
            transition(job, 'failed', {song_id = song_id, reason = job.error, epoch = job.epoch})
        end
    end
end

-- Takes from the worker the item that it runs, if it is about this song: without a claim, nothing that is reported of it
-- counts, and the worker is told to discard it. The job goes on at its cursor when the lane is free.
local function void_running_item(user_id, song_id)
    local id = redis.call('GET', key('running'))
    local job = id and load(id)
    if job and not ended[job.state] and job.user_id == user_id and job.song_id == song_id then
        job.claim = ''
        store(job)
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

local function is_enabled(analyzer)
    for _, word in ipairs(analyzers) do
        if string.match(word, '^[^@]*') == analyzer then return true end
    end
    return false
end

-- The lane's circuit breakers (https://martinfowler.com/bliki/CircuitBreaker.html): where one song after the other fails in an
-- analyzer, none of which another one would save, its breaker opens and the lane claims nothing but one song now and then, to
-- see. An attempt that fails meanwhile costs the song nothing.
local function load_breakers()
    local stored, breakers = redis.call('HGETALL', key('breakers')), {}
    for index = 1, #stored, 2 do
        local opened_at_ms, probe_at_ms, songs, reason = string.match(stored[index + 1], '^(%d+) (%d+) (%d+) (.*)$')
        if is_enabled(stored[index]) then
            breakers[#breakers + 1] = {
                analyzer = stored[index], opened_at_ms = opened_at_ms, probe_at_ms = tonumber(probe_at_ms), songs = songs,
                reason = reason,
            }
        end
    end
    return breakers
end

local function store_breaker(breaker)
    redis.call('HSET', key('breakers'), breaker.analyzer, string.format(
        '%d %d %d %s', breaker.opened_at_ms, breaker.probe_at_ms, breaker.songs, breaker.reason))
end

-- Whether a breaker is open, and the next song to see whether it should be is not due.
local function is_broken(breakers)
    for _, breaker in ipairs(breakers) do
        local wait_ms = breaker.probe_at_ms - now_ms
        -- More is left only where the clock was set back.
        if wait_ms > 0 and wait_ms <= breaker_probe_ms then return true end
    end
    return false
end

local function set_probes(breakers, at_ms)
    for _, breaker in ipairs(breakers) do
        breaker.probe_at_ms = at_ms
        store_breaker(breaker)
    end
end

-- A song has failed in an analyzer. Returns whether the analyzer's breaker is open now.
local function trip(analyzer, user_id, song_id, reason)
    if redis.call('HEXISTS', key('breakers'), analyzer) == 1 then return true end
    if breaker_songs == 0 then return false end
    redis.call('SADD', key('breaker_songs', analyzer), user_id .. ' ' .. song_id)
    local songs = redis.call('SCARD', key('breaker_songs', analyzer))
    if songs < breaker_songs then return false end
    store_breaker({
        analyzer = analyzer, opened_at_ms = now_ms, probe_at_ms = now_ms + breaker_probe_ms, songs = songs, reason = reason,
    })
    append('breaker_opened', {analyzer = analyzer, reason = reason})
    return true
end

-- A song has passed the analyzer.
local function close_breaker(analyzer)
    redis.call('DEL', key('breaker_songs', analyzer))
    if redis.call('HDEL', key('breakers'), analyzer) == 1 then append('breaker_closed', {analyzer = analyzer}) end
end

-- No song will pass an analyzer that is not enabled any more.
local function close_removed_breakers()
    for _, analyzer in ipairs(redis.call('HKEYS', key('breakers'))) do
        if not is_enabled(analyzer) then close_breaker(analyzer) end
    end
end

-- The least number of milliseconds between two songs of the lane's background work: all lanes share the site's.
local function lane_pace_ms()
    return pace_ms > 0 and pace_ms * (tonumber(redis.call('HGET', key('lease'), 'lanes')) or 1) or 0
end

-- Why no song of the lane's background work is begun, and until when in ms (0: not known); nil where nothing holds it back.
local function find_gate()
    local gate = redis.call('HMGET', key('gate'), 'reason', 'until_ms')
    if gate[1] then return {reason = gate[1], until_ms = tonumber(gate[2])} end
    local left = pace_ms > 0 and redis.call('PTTL', key('pace')) or 0
    -- More than that is left where the pace was slower before.
    if left > 0 and left <= lane_pace_ms() then return {reason = 'songs an hour of the site', until_ms = now_ms + left} end
    return nil
end

-- The same of a user's background work; is_stale where what is known of the user's hours has had its time.
local function find_user_gate(user_id)
    local known = redis.call('HMGET', key('user_preferences', user_id), 'reason', 'until_ms', 'interval_ms', 'message')
    local reason, until_ms, interval_ms = known[1], tonumber(known[2]), tonumber(known[3])
    if not reason then return nil end
    if until_ms > 0 and until_ms <= now_ms then return {is_stale = true, preferences = known[4]} end
    if reason ~= '' then return {reason = reason, until_ms = until_ms} end
    local left = interval_ms > 0 and redis.call('PTTL', key('user_pace', user_id)) or 0
    if left > 0 and left <= interval_ms then return {reason = 'songs an hour of the user', until_ms = now_ms + left} end
    return nil
end

-- Notes that a song of a user's background work is begun.
local function keep_pace(user_id)
    local interval_ms = tonumber(redis.call('HGET', key('user_preferences', user_id), 'interval_ms')) or 0
    if interval_ms > 0 then redis.call('SET', key('user_pace', user_id), '', 'PX', interval_ms) end
    if pace_ms > 0 then redis.call('SET', key('pace'), '', 'PX', lane_pace_ms()) end
end

-- The first in line and its score; nil where nobody is.
local function find_first()
    local first = redis.call('ZRANGE', key('ready'), 0, 0, 'WITHSCORES')
    local background = redis.call('ZRANGE', key('ready_background'), 0, 0, 'WITHSCORES')
    if background[1] and not (first[1] and tonumber(first[2]) < tonumber(background[2])) and not find_gate() then
        first = background
    end
    return first[1], tonumber(first[2])
end

-- What the lane's worker should be told, as the lane stands: kind, worker, and the job and epoch that it is about.
-- Nothing is remembered about what it was told before, so that a lost hint is only a late one.
local function hint()
    local worker = redis.call('HGET', key('lease'), 'worker') or ''
    local head, head_score = find_first()
    local id = redis.call('GET', key('running'))
    local pause = find_pause()
    if pause and pause.is_over then pause = nil end
    if not id then
        return {head and not pause and not is_broken(load_breakers()) and 'wake' or 'none', worker, '', 0}
    end
    local job = load(id)
    if not job or ended[job.state] or job.claim == '' then return {'discard', worker, id, job and job.epoch or 0} end
    if job.state ~= 'in_progress' then return {'pause', worker, id, job.epoch} end
    if pause then return {pause.freezes and 'pause' or 'none', worker, id, job.epoch} end
    if head and math.floor(head_score / class_width) < job.class then return {'preempt', worker, id, job.epoch} end
    return {'none', worker, '', 0}
end

-- The same text again as long as no job of the lane has changed, come or gone.
local function lane_mark()
    local last = redis.call('XREVRANGE', key('log'), '+', '-', 'COUNT', 1)[1]
    return (last and last[1] or '') .. ' ' .. table.concat(redis.call('HGETALL', key('counts')), ' ')
end
