#!lua
-- Makes a job of each target's songs that need an analysis; asked again while it lives, the same wish is the same job, raised
-- to the higher of the two classes.
--
-- KEYS[1]  the lane's root
-- ARGV     for each request: user id, idempotency key (empty: none), traceparent (empty: none), how many targets follow, then five
--          for each target: type (song, playlist, background), target id, force (0, 1), class (empty: the type's), how many songs
--          follow; then for background work the songs to analyse in order, each "<length in ms> <song id>"
-- Result   the lane's hint, then for each request: why it is refused, as a text; or a list, with for each target: songs that the
--          job has yet to go through, whether it was there already (0, 1), the job's values; without the last where there is
--          nothing to do
-- Refused  NOTFOUND: no such user, or song or playlist of theirs; ILLEGAL: playlists of too many songs at once; EXISTS: the key
--          names another request; MOVING. The request changes nothing
-- Events   enqueued: nothing ──▶ pending; a song with a fresh result is skipped and its job completed at once; reprioritised
--
-- Background work becomes batches, one at a time: what is left waits in the user's backlog, and the end of a batch enqueues the
-- next (see `commit`).

-- The request that stands in ARGV from `at` on, and where the next one stands.
local function read_request(at)
    local user_id, idempotency_key, traceparent, count = unpack(ARGV, at, at + 3)
    local request = {
        user_id = user_id, idempotency_key = idempotency_key, traceparent = traceparent, targets = {},
        key = idempotency_key ~= '' and key('user_request', user_id, idempotency_key),
    }
    at = at + 4
    for index = 1, tonumber(count) do
        local type, target_id, force, class, songs = unpack(ARGV, at, at + 4)
        request.targets[index] = {
            type = type, target_id = target_id, force = tonumber(force), class = tonumber(class) or ranks[type],
            first = at + 5, last = at + 4 + tonumber(songs),
        }
        at = at + 5 + tonumber(songs)
    end
    return request, at
end

-- What an idempotency key stands for, of one target.
local function body(target)
    return string.format(
        '%s%s at %s priority%s', target.type, target.target_id ~= '' and ' ' .. target.target_id or '',
        rank_names[target.class + 1], target.force == 1 and ', forced' or '')
end

local function place(request, index) return #request.targets > 1 and 'targets[' .. index - 1 .. ']: ' or '' end

-- What was answered to the request when it came first; nil where it comes for the first time.
local function find_answer(request)
    local known = redis.call('LRANGE', request.key, 0, -1)
    if #known == 0 then return nil end
    local idempotency_key, targets = request.idempotency_key, request.targets
    if #known ~= 2 * #targets then
        return refuse('EXISTS', string.format(
            'idempotency_key %s was used for %d targets, not %d', idempotency_key, #known / 2, #targets))
    end
    local replies = {}
    for index, target in ipairs(targets) do
        local first, job = known[2 * index - 1], load(known[2 * index])
        if first ~= body(target) then
            return refuse('EXISTS', string.format(
                '%sidempotency_key %s was used for %s, not %s', place(request, index), idempotency_key, first, body(target)))
        end
        replies[index] = job and {job.total - job.cursor, 1, values(job)} or {0, 0}
    end
    return replies
end

-- The songs of a song's or a playlist's job.
local function songs_of(user_id, target)
    local song_ids, seen, entries, fresh = {}, {}, {}, {}
    if target.type == 'song' then return {target.known .. ' ' .. target.target_id} end
    for _, song_id in ipairs(redis.call('LRANGE', key('playlist_songs', user_id, target.target_id), 0, -1)) do
        if not seen[song_id] then song_ids[#song_ids + 1] = song_id end
        seen[song_id] = true
    end
    if target.force == 0 then fresh = find_fresh(user_id, song_ids, 0, 0) end
    in_chunks(song_ids, function(chunk, first)
        for index, length in ipairs(redis.call('HMGET', key('user_lengths', user_id), unpack(chunk))) do
            if length and not fresh[first + index - 1] then entries[#entries + 1] = length .. ' ' .. chunk[index] end
        end
    end)
    return entries
end

-- What is left for the batches of the user's background work.
local function store_backlog(user_id, target)
    redis.call('DEL', key('user_backlog', user_id))
    for first = target.first, target.last, 1000 do
        redis.call('RPUSH', key('user_backlog', user_id), unpack(ARGV, first, math.min(first + 999, target.last)))
    end
end

-- The job of a target, and whether it was there already; nil where there is nothing to do.
local function enqueue(user_id, target, traceparent)
    local id = find_live(user_id, target.type, target.force, target.target_id)
    local job = id and load(id)
    if job then
        -- The batch that is under way goes on, forced, and all songs come after it.
        if job.type == 'background' and target.force > job.force then
            store_backlog(user_id, target)
            redis.call('HDEL', key('user_wishes', user_id), wish(job.type, job.force, job.target_id))
            job.force, job.left = target.force, target.last - target.first + 1
            store(job)
            add_to_indexes(job)
        end
        reprioritise(job, math.min(job.class, target.class))
        return job, true
    end
    if target.type == 'background' then
        store_backlog(user_id, target)
        return create_batch(user_id, target.force, target.class, traceparent, 1)
    end
    local entries = songs_of(user_id, target)
    if #entries == 0 then return end
    job = create(target.type, target.force, user_id, target.target_id, entries, target.class, traceparent)
    local mark = target.type == 'song' and target.force == 0
        and redis.call('HGET', key('user_analysed', user_id), target.target_id)
    if mark and (is_fresh(mark) or is_fresh(credit(user_id, target.target_id, mark))) then
        seek(job, 1)
        finish(job)
    end
    return job
end

local are_all_here = redis.call('EXISTS', key('moves'), key('barred')) == 0

local function answer(request)
    local refusal = not are_all_here and refuse_absent(request.user_id)
    if refusal then return refusal end
    local known = request.key and find_answer(request)
    if known then return known end
    local songs = 0
    for index, target in ipairs(request.targets) do
        local name = target.type == 'song' and 'user_lengths' or 'user_playlists'
        target.known = target.type == 'background' or redis.call('HGET', key(name, request.user_id), target.target_id)
        if not target.known then
            return refuse('NOTFOUND', place(request, index) .. 'there is no ' .. target.type .. ' ' .. target.target_id)
        end
        if target.type == 'playlist' then
            songs = songs + redis.call('LLEN', key('playlist_songs', request.user_id, target.target_id))
        end
    end
    -- Nobody else is served meanwhile. One playlist, however long, can always be asked for.
    if #request.targets > 1 and songs > 50000 then
        return refuse('ILLEGAL', 'the playlists have ' .. songs .. ' songs together; ask for at most 50000 in one call')
    end
    local replies = {}
    for index, target in ipairs(request.targets) do
        local job, existing = enqueue(request.user_id, target, request.traceparent)
        if request.key then redis.call('RPUSH', request.key, body(target), job and job.id or '') end
        replies[index] = job and {job.total - job.cursor, existing and 1 or 0, values(job)} or {0, 0}
    end
    if request.key then redis.call('EXPIRE', request.key, idempotency_seconds) end
    return replies
end

local replies, at = {}, 1
while at <= #ARGV do
    local request
    request, at = read_request(at)
    -- What is damaged of one user's is nothing to the others.
    local is_done, reply = pcall(answer, request)
    if not is_done then reply = type(reply) == 'table' and reply or {err = 'ERR ' .. tostring(reply)} end
    replies[#replies + 1] = reply.err or reply
end
table.insert(replies, 1, hint())
return replies
