#!lua
-- Adds songs and playlists to a user's library, or changes them; the caller has left out what is there already.
--
-- KEYS[1]  the lane's root
-- ARGV     user id, number of songs, then four for each: song id, length in ms (0: unknown), bytes, whether what was found out
--          about it is stale (0, 1); then for each playlist its id, bytes, number of songs, and their ids in order; each list is
--          replaced as a whole
-- Result   the lane's hint
-- Errors   MOVING; NOTFOUND: there is no such user any more
-- Event    library_changed
--
-- A song whose results are stale counts as not analysed, and begins anew where it runs.

local user_id, songs = ARGV[1], tonumber(ARGV[2])
local refusal = refuse_absent(user_id)
if refusal then return refusal end
local at = 3
for _ = 1, songs do
    local song_id, length, bytes, is_stale = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3] == '1'
    redis.call('HSET', key('user_songs', user_id), song_id, bytes)
    redis.call('HSET', key('user_lengths', user_id), song_id, length)
    if is_stale then
        for _, name in ipairs({'user_analysed', 'user_analysed_at', 'user_failures'}) do
            redis.call('HDEL', key(name, user_id), song_id)
        end
        forget_sound(user_id, song_id)
        void_running_item(user_id, song_id)
    end
    at = at + 4
end
while at <= #ARGV do
    local playlist_id, bytes, count = ARGV[at], ARGV[at + 1], tonumber(ARGV[at + 2])
    local list = key('playlist_songs', user_id, playlist_id)
    redis.call('HSET', key('user_playlists', user_id), playlist_id, bytes)
    redis.call('DEL', list)
    for first = at + 3, at + 2 + count, 1000 do
        redis.call('RPUSH', list, unpack(ARGV, first, math.min(first + 999, at + 2 + count)))
    end
    at = at + 3 + count
end
append('library_changed', {user_id = user_id})
return hint()
