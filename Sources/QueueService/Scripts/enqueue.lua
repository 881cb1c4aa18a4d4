#!lua
-- Makes a job of the songs that need an analysis; asked again while it lives, the same wish is the same job.
--
-- KEYS[1]  the lane's root
-- ARGV     user id, type (song, playlist, background), target id, force (0, 1), then for background work the songs to
--          analyse in order, each "<length in ms> <song id>"
-- Result   songs that the job has yet to go through, whether it was there already (0, 1), the lane's hint, the job's values;
--          without the last where there is nothing to do
-- Errors   NOTFOUND: no such song or playlist of this user
-- Event    enqueued: nothing ──▶ pending; a song with a fresh result is skipped and its job completed at once
--
-- Background work becomes batches, one at a time: what is left waits in the user's backlog, and the end of a batch enqueues the
-- next (see `commit`).

local user_id, type, target_id, force = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])

-- A forced job does what an unforced one would, too.
for wanted = 1, force, -1 do
    local id = redis.call('HGET', key('user_wishes', user_id), wish(type, wanted, target_id))
    local job = id and load(id)
    if job then return {job.total - job.cursor, 1, hint(), values(job)} end
end

local song_ids = {}
if type == 'song' then
    song_ids = {target_id}
elseif type == 'playlist' then
    if redis.call('HEXISTS', key('user_playlists', user_id), target_id) == 0 then
        return refuse('NOTFOUND', 'there is no playlist ' .. target_id)
    end
    local seen = {}
    for _, song_id in ipairs(redis.call('LRANGE', key('playlist_songs', user_id, target_id), 0, -1)) do
        if not seen[song_id] then song_ids[#song_ids + 1] = song_id end
        seen[song_id] = true
    end
end

local entries, fresh = {}, {}
if type == 'playlist' and force == 0 then fresh = find_fresh(user_id, song_ids, 0, 0) end
in_chunks(song_ids, function(chunk, first)
    for index, length in ipairs(redis.call('HMGET', key('user_lengths', user_id), unpack(chunk))) do
        if length and not fresh[first + index - 1] then entries[#entries + 1] = length .. ' ' .. chunk[index] end
    end
end)
if type == 'song' and #entries == 0 then return refuse('NOTFOUND', 'there is no song ' .. target_id) end

local job
if type == 'background' then
    redis.call('DEL', key('user_backlog', user_id))
    in_chunks(ARGV, function(chunk) redis.call('RPUSH', key('user_backlog', user_id), unpack(chunk)) end, 5)
    job = create_batch(user_id, force)
elseif #entries > 0 then
    job = create(type, force, user_id, target_id, entries)
end
if not job then return {0, 0, hint()} end

if type == 'song' and force == 0 and find_fresh(user_id, song_ids, 0, 0)[1] then
    seek(job, 1)
    finish(job)
end
return {job.total - job.cursor, 0, hint(), values(job)}
