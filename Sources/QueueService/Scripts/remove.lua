#!lua flags=allow-oom
-- Removes songs or playlists from a user's library and withdraws them from what the user has asked for.
--
-- KEYS[1]  the lane's root
-- ARGV     user id, what (songs, playlists, or members: from these playlists, the songs that are not in the library), their ids
-- Result   the lane's hint; how many there were; the values of each job that is cancelled with them
-- Errors   MOVING
-- Events   cancelled: the jobs of such a song or playlist; library_changed, where there was one
--
-- Results go with their song. Where it runs in a job of many, that item counts no more and the job goes on behind it.

local user_id, what = ARGV[1], ARGV[2]
local refusal = refuse_moving(user_id)
if refusal then return refusal end
local removed, cancelled = 0, {}

local function cancel_jobs(type, target_id)
    for force = 0, 1 do
        local id = redis.call('HGET', key('user_wishes', user_id), wish(type, force, target_id))
        local job = id and load(id)
        if job then
            job.error = 'the ' .. type .. ' was removed from the library'
            transition(job, 'cancelled', {reason = job.error, epoch = job.epoch})
            cancelled[#cancelled + 1] = values(job)
        end
    end
end

local remove = {}

function remove.songs(song_id)
    redis.call('HDEL', key('user_lengths', user_id), song_id)
    forget_results(user_id, song_id)
    cancel_jobs('song', song_id)
    void_running_item(user_id, song_id)
    return redis.call('HDEL', key('user_songs', user_id), song_id)
end

function remove.playlists(playlist_id)
    redis.call('DEL', key('playlist_songs', user_id, playlist_id))
    cancel_jobs('playlist', playlist_id)
    return redis.call('HDEL', key('user_playlists', user_id), playlist_id)
end

function remove.members(playlist_id)
    local list, kept = key('playlist_songs', user_id, playlist_id), {}
    local song_ids = redis.call('LRANGE', list, 0, -1)
    in_chunks(song_ids, function(chunk)
        for index, length in ipairs(redis.call('HMGET', key('user_lengths', user_id), unpack(chunk))) do
            if length then kept[#kept + 1] = chunk[index] end
        end
    end)
    if #kept == #song_ids then return 0 end
    redis.call('DEL', list)
    in_chunks(kept, function(chunk) redis.call('RPUSH', list, unpack(chunk)) end)
    return #song_ids - #kept
end

for index = 3, #ARGV do removed = removed + remove[what](ARGV[index]) end
if removed > 0 then append('library_changed', {user_id = user_id}) end
return {hint(), removed, cancelled}
