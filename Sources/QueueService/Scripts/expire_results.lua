#!lua flags=allow-oom
-- Removes what was found out about songs so long ago that it has had its time. They count as not analysed from then on.
--
-- KEYS[1]  the lane's root
-- ARGV     user id, the time before which they were analysed, in ms, song ids
-- Result   of how many songs
-- Errors   MOVING
-- Event    library_changed, where there was one

local user_id, before_ms = ARGV[1], tonumber(ARGV[2])
local refusal = refuse_moving(user_id)
if refusal then return refusal end
local removed = 0
for index = 3, #ARGV do
    local song_id = ARGV[index]
    local analysed_at_ms = tonumber(redis.call('HGET', key('user_analysed_at', user_id), song_id) or nil)
    if analysed_at_ms and analysed_at_ms < before_ms then
        forget_results(user_id, song_id)
        removed = removed + 1
    end
end
if removed > 0 then append('library_changed', {user_id = user_id}) end
return removed
