-- Replaces the registry if its epoch is the expected one.
--
-- KEYS  registry
-- ARGV  expected epoch, next epoch, bytes, name of this swap
-- Answers 1 if it did. A client may send a script again whose answer was lost: the swap's name tells that it was done.
local epoch, swap = unpack(redis.call('HMGET', KEYS[1], 'epoch', 'swap'))
if swap == ARGV[4] then return 1 end
if (epoch or '0') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'epoch', ARGV[2], 'bytes', ARGV[3], 'swap', ARGV[4])
return 1
