#!lua
-- Adds songs and playlists to a user's library, or changes them; the caller has left out what is there already.
--
-- KEYS[1]  the lane's root
-- ARGV     user id, number of songs, then three for each: song id, length in ms (0: unknown), bytes; then for each playlist its
--          id, bytes, number of songs, and their ids in order; each list is replaced as a whole
-- Result   OK
-- Event    library_changed
--
-- What was found out about a song before it changed is stale: it counts as not analysed.

local user_id, songs = ARGV[1], tonumber(ARGV[2])
local at = 3
for _ = 1, songs do
    local song_id, length, bytes = ARGV[at], ARGV[at + 1], ARGV[at + 2]
    redis.call('HSET', key('user_songs', user_id), song_id, bytes)
    redis.call('HSET', key('user_lengths', user_id), song_id, length)
    for _, name in ipairs({'user_analysed', 'user_analysed_at', 'user_failures'}) do
        redis.call('HDEL', key(name, user_id), song_id)
    end
    at = at + 3
end
while at <= #ARGV do
    local playlist_id, bytes, count = ARGV[at], ARGV[at + 1], tonumber(ARGV[at + 2])
    local list = key('playlist_songs', user_id, playlist_id)
    redis.call('HSET', key('user_playlists', user_id), playlist_id, bytes)
    redis.call('DEL', list)
    for index = at + 3, at + 2 + count do redis.call('RPUSH', list, ARGV[index]) end
    at = at + 3 + count
end
append('library_changed', {user_id = user_id})
return redis.status_reply('OK')
