-- The way of a job through its songs: which of them need an analysis, and what becomes of them.

-- Which of the songs need no analysis: those with fresh results; under force, results from after `since_ms`, when it was asked for.
-- Returns their marks, too. `credits`: without force, songs are credited with the results of identical ones.
local function find_fresh(user_id, song_ids, force, since_ms, credits)
    local fresh, all_marks = {}, {}
    in_chunks(song_ids, function(chunk, first)
        local marks = redis.call('HMGET', key('user_analysed', user_id), unpack(chunk))
        local times = force == 1 and redis.call('HMGET', key('user_analysed_at', user_id), unpack(chunk))
        for index, song_id in ipairs(chunk) do
            -- Of a song without a mark nothing is known that could be compared.
            if credits and force == 0 and marks[index] and not is_fresh(marks[index]) then
                marks[index] = credit(user_id, song_id, marks[index])
            end
            all_marks[first + index - 1] = marks[index] or ''
            fresh[first + index - 1] = is_fresh(marks[index]) and (not times or tonumber(times[index] or 0) > since_ms)
        end
    end)
    return fresh, all_marks
end

-- Removes all that was found out about a song.
local function forget_results(user_id, song_id)
    forget_sound(user_id, song_id)
    local results = key('song_results', user_id, song_id)
    for _, analyzer in ipairs(redis.call('HKEYS', results)) do
        redis.call('HDEL', key('user_highlights', user_id), analyzer .. ' ' .. song_id)
    end
    redis.call('DEL', results)
    for _, name in ipairs({'user_analysed', 'user_analysed_at', 'user_failures'}) do
        redis.call('HDEL', key(name, user_id), song_id)
    end
end

-- Counts a song of the job as ended: `outcome` is analysed, skipped or failed.
local function advance(job, outcome, audio_ms)
    job[outcome] = job[outcome] + 1
    if outcome == 'analysed' then note('audio_ms', audio_ms) end
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

-- The entry of the job's next song, and whether it was put aside: those of the list come first, then those put aside, the one
-- that was begun already before the others. So what was suspended is still the next when the job goes on.
local function next_entry(job)
    local position = job.cursor + job.aside
    if position < job.total then return entries_of(job, position, position)[1], false end
    return redis.call('ZRANGE', key('job_aside', job.id), 0, 0)[1], true
end

-- Puts the song of an entry aside, to be tried again: after the n-th attempt a share, `jitter`, of base * 2^(n - 1) later, which
-- spreads what failed together (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter, "full jitter").
-- Returns false, and does nothing, where the song has had its last attempt.
local function put_aside(job, entry, reason, jitter, spends)
    local song_id = string.match(entry, '^%d+ (.*)$')
    local attempts = tonumber(redis.call('HGET', key('job_attempts', job.id), song_id) or 0) + (spends and 1 or 0)
    if attempts >= song_attempts then return false end
    local delay_ms = math.floor(jitter * math.min(retry_cap_ms, retry_base_ms * 2 ^ math.max(attempts - 1, 0)))
    redis.call('HSET', key('job_attempts', job.id), song_id, attempts)
    job.aside = job.aside + redis.call('ZADD', key('job_aside', job.id), now_ms + delay_ms, entry)
    job.losses = 0
    local epoch = job.epoch
    job.song_id = ''
    commit(job, 'song_retry', {song_id = song_id, reason = reason, epoch = epoch})
    return true
end

local function end_aside(job, entry)
    redis.call('ZREM', key('job_aside', job.id), entry)
    redis.call('HDEL', key('job_attempts', job.id), string.match(entry, '^%d+ (.*)$'))
    job.aside = job.aside - 1
end

-- Has the songs that were put aside tried again at once.
local function retry_now(job)
    local later = redis.call('ZRANGE', key('job_aside', job.id), '(' .. now_ms, '+inf', 'BYSCORE')
    for _, entry in ipairs(later) do redis.call('ZADD', key('job_aside', job.id), now_ms, entry) end
    if #later > 0 and job.state == 'scheduled' then transition(job, 'due') end
end

-- As `seek`, for the songs that were put aside, once the list has no others.
local function seek_aside(job, budget)
    while job.aside > 0 do
        if budget <= 0 then return nil, 'more' end
        budget = budget - 1
        local entry, due_at_ms = unpack(redis.call('ZRANGE', key('job_aside', job.id), 0, 0, 'WITHSCORES'))
        local length, song_id = string.match(entry, '^(%d+) (.*)$')
        local wait_ms = tonumber(due_at_ms) - now_ms
        local song = redis.call('HGET', key('user_songs', job.user_id), song_id)
        local fresh, marks = find_fresh(job.user_id, {song_id}, job.force, job.created_at_ms, true)
        if fresh[1] or not song then
            end_aside(job, entry)
            advance(job, 'skipped', tonumber(length))
            commit(job, 'song_skipped', {songs = 1, song_id = song_id})
        elseif wait_ms > 0 and wait_ms <= retry_cap_ms then
            job.due_at_ms, job.waits_for = now_ms + wait_ms, retry_wait
            return nil, 'later'
        else
            -- More than the cap is left only where the clock was set back.
            redis.call('ZADD', key('job_aside', job.id), 0, entry)
            job.song_id = song_id
            return song, marks[1]
        end
    end
    return nil, 'end'
end

-- Moves the cursor to the first song that needs an analysis: fresh ones are credited, and those that have left the library are
-- passed over. Returns the song's bytes and its mark; or nil and why: "end", all songs have ended; "later", those that are left are not due before the
-- job's due_at_ms; "more", `budget` songs were passed.
local function seek(job, budget)
    local size = 1
    while job.cursor + job.aside < job.total do
        local song_ids, lengths, skipped = {}, {}, 0
        local first = job.cursor + job.aside
        for index, entry in ipairs(entries_of(job, first, first + size - 1)) do
            lengths[index], song_ids[index] = string.match(entry, '^(%d+) (.*)$')
        end
        local fresh, marks = find_fresh(job.user_id, song_ids, job.force, job.created_at_ms, true)
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
                return song, marks[skipped + 1]
            end
            advance(job, 'skipped', tonumber(lengths[skipped + 1]))
            commit(job, 'song_skipped', {songs = 1, song_id = song_id})
        end
        budget = budget - size
        if budget <= 0 then return nil, job.cursor == job.total and 'end' or 'more' end
        size = 100
    end
    return seek_aside(job, budget)
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
