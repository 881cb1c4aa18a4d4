-- The way of a job through its songs: which of them need an analysis, and what becomes of them.

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
        for index, entry in ipairs(entries_of(job, job.cursor, job.cursor + size - 1)) do
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
