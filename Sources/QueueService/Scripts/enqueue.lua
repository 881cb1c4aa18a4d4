#!lua
-- Makes a job of each target's songs that need an analysis; asked again while it lives, the same wish is the same job, raised
-- to the higher of the two classes.
--
-- KEYS[1]  the lane's root
-- ARGV     user id, idempotency key (empty: none), then five for each target: type (song, playlist, background), target id,
--          force (0, 1), class (empty: the type's), how many songs follow; then for background work the songs to analyse in
--          order, each "<length in ms> <song id>"
-- Result   the lane's hint, then for each target: songs that the job has yet to go through, whether it was there already
--          (0, 1), the job's values; without the last where there is nothing to do
-- Errors   NOTFOUND: no such song or playlist of this user; EXISTS: the key names another request. Nothing is changed.
-- Events   enqueued: nothing ──▶ pending; a song with a fresh result is skipped and its job completed at once; reprioritised
--
-- Background work becomes batches, one at a time: what is left waits in the user's backlog, and the end of a batch enqueues the
-- next (see `commit`).

local user_id, idempotency_key = ARGV[1], ARGV[2]

local targets, position = {}, 3
while position <= #ARGV do
    local type, target_id, force, class, count = unpack(ARGV, position, position + 4)
    targets[#targets + 1] = {
        type = type, target_id = target_id, force = tonumber(force), class = tonumber(class) or ranks[type],
        first = position + 5, last = position + 4 + tonumber(count),
    }
    position = position + 5 + tonumber(count)
end

-- What an idempotency key stands for, of one target.
local function body(target)
    return string.format(
        '%s%s at %s priority%s', target.type, target.target_id ~= '' and ' ' .. target.target_id or '',
        rank_names[target.class + 1], target.force == 1 and ', forced' or '')
end

local function place(index) return #targets > 1 and 'targets[' .. index - 1 .. ']: ' or '' end

local request_key = idempotency_key ~= '' and key('user_request', user_id, idempotency_key)
if request_key then
    local known = redis.call('LRANGE', request_key, 0, -1)
    if #known > 0 and #known ~= 2 * #targets then
        return refuse('EXISTS', string.format(
            'idempotency_key %s was used for %d targets, not %d', idempotency_key, #known / 2, #targets))
    end
    local replies = {hint()}
    for index, target in ipairs(#known > 0 and targets or {}) do
        local first, job = known[2 * index - 1], load(known[2 * index])
        if first ~= body(target) then
            return refuse('EXISTS', string.format(
                '%sidempotency_key %s was used for %s, not %s', place(index), idempotency_key, first, body(target)))
        end
        replies[#replies + 1] = job and {job.total - job.cursor, 1, values(job)} or {0, 0}
    end
    if #known > 0 then return replies end
end

-- The live job that does what is asked for; a forced job does what an unforced one would, too.
local function find_same(target)
    for wanted = 1, target.force, -1 do
        local id = redis.call('HGET', key('user_wishes', user_id), wish(target.type, wanted, target.target_id))
        local job = id and load(id)
        if job then return job end
    end
end

for index, target in ipairs(targets) do
    local index_key = target.type == 'song' and 'user_lengths' or 'user_playlists'
    if target.type ~= 'background' and redis.call('HEXISTS', key(index_key, user_id), target.target_id) == 0 then
        return refuse('NOTFOUND', place(index) .. 'there is no ' .. target.type .. ' ' .. target.target_id)
    end
end

-- The songs of a song's or a playlist's job.
local function songs_of(target)
    local song_ids, seen, entries, fresh = {}, {}, {}, {}
    if target.type == 'song' then
        song_ids = {target.target_id}
    else
        for _, song_id in ipairs(redis.call('LRANGE', key('playlist_songs', user_id, target.target_id), 0, -1)) do
            if not seen[song_id] then song_ids[#song_ids + 1] = song_id end
            seen[song_id] = true
        end
        if target.force == 0 then fresh = find_fresh(user_id, song_ids, 0, 0) end
    end
    in_chunks(song_ids, function(chunk, first)
        for index, length in ipairs(redis.call('HMGET', key('user_lengths', user_id), unpack(chunk))) do
            if length and not fresh[first + index - 1] then entries[#entries + 1] = length .. ' ' .. chunk[index] end
        end
    end)
    return entries
end

local function enqueue(target)
    local job = find_same(target)
    if job then
        reprioritise(job, math.min(job.class, target.class))
        return job, true
    end
    if target.type == 'background' then
        redis.call('DEL', key('user_backlog', user_id))
        for first = target.first, target.last, 1000 do
            redis.call(
                'RPUSH', key('user_backlog', user_id), unpack(ARGV, first, math.min(first + 999, target.last)))
        end
        return create_batch(user_id, target.force, target.class)
    end
    local entries = songs_of(target)
    if #entries == 0 then return end
    job = create(target.type, target.force, user_id, target.target_id, entries, target.class)
    if target.type == 'song' and target.force == 0 and find_fresh(user_id, {target.target_id}, 0, 0)[1] then
        seek(job, 1)
        finish(job)
    end
    return job
end

local replies = {}
for index, target in ipairs(targets) do
    local job, existing = enqueue(target)
    if request_key then redis.call('RPUSH', request_key, body(target), job and job.id or '') end
    replies[index + 1] = job and {job.total - job.cursor, existing and 1 or 0, values(job)} or {0, 0}
end
if request_key then redis.call('EXPIRE', request_key, idempotency_seconds) end
replies[1] = hint()
return replies
