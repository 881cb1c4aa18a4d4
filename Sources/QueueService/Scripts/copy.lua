#!lua flags=allow-cross-slot-keys,allow-oom
-- Copies keys as they stand at one instant.
--
-- KEYS[1]  a mark, which is set for a second: who follows what changes knows by it what had changed before. It, too, is on the
--          server that has the keys
-- ARGV     names of keys, in a cluster of any slots of the server
-- Result   for each key its value as DUMP has it (false: there is none) and its time to live in ms (negative: there is none)

local copies = {}
for index, name in ipairs(ARGV) do
    copies[2 * index - 1] = redis.call('DUMP', name)
    copies[2 * index] = redis.call('PTTL', name)
end
redis.call('SET', KEYS[1], '', 'PX', 1000)
return copies
