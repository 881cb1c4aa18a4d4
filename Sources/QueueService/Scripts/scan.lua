#!lua flags=no-writes
-- Lists keys of a lane, wherever in a cluster it lives.
--
-- KEYS[1]  the lane's root
-- ARGV     cursor (0: at the beginning), how many keys of Redis to look at, about, what stands after the root's colon
--          (empty: anything; else with * for the rest)
-- Result   cursor at which to go on (0: there are no more), what stands in each key after the root's colon. A key may come
--          twice

local pattern = string.gsub(root, '[%*%?%[%]\\%^]', '\\%0') .. ':' .. (ARGV[3] ~= '' and ARGV[3] or '*')
local page = redis.call('SCAN', ARGV[1], 'MATCH', pattern, 'COUNT', ARGV[2])
local suffixes = {}
for index, name in ipairs(page[2]) do suffixes[index] = string.sub(name, #root + 2) end
return {page[1], suffixes}
