#!lua
-- Stores a new account.
--
-- KEYS[1]  the account
-- ARGV     its fields: names and values in turn
-- Result   1; 0 where the account is there already

if redis.call('HEXISTS', KEYS[1], 'lane') == 1 then return 0 end
redis.call('HSET', KEYS[1], unpack(ARGV))
return 1
