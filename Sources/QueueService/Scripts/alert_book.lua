#!lua flags=allow-oom
-- Replaces the book of alerts, and files those that are over.
--
-- KEYS[1]  the root of the keys about alerts
-- ARGV     token of the lease (empty: any replica may), version of the book that the new one was made from, the new one, when those
--          were over that have had their time (in ms); then two for each that is over: when (in ms), and its bytes
-- Result   the version of the new one
-- Errors   ILLEGAL: another replica has the lease; STALE: the book has changed since

local root, token, version = KEYS[1], ARGV[1], tonumber(ARGV[2])
if token ~= '' and redis.call('GET', root .. ':lease') ~= token then
    return redis.error_reply('ILLEGAL another replica looks after the alerts')
end
if tonumber(redis.call('HGET', root .. ':book', 'version') or 0) ~= version then
    return redis.error_reply('STALE the alerts have changed')
end
redis.call('HSET', root .. ':book', 'version', version + 1, 'book', ARGV[3])
for index = 5, #ARGV, 2 do redis.call('ZADD', root .. ':past', ARGV[index], ARGV[index + 1]) end
redis.call('ZREMRANGEBYSCORE', root .. ':past', '-inf', ARGV[4])
redis.call('ZREMRANGEBYRANK', root .. ':past', 0, -1001)
return version + 1
