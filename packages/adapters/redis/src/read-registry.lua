-- The registry and the flushed counters, both of one moment.
--
-- KEYS  registry, flushed counters
-- Answers { epoch, bytes, { replica, counter }, … }; epoch and bytes are nil where there is no registry.
local registry = redis.call('HMGET', KEYS[1], 'epoch', 'bytes')
local answer = { registry[1], registry[2] }
local flushed = redis.call('HGETALL', KEYS[2])
for at = 1, #flushed, 2 do
  answer[#answer + 1] = { flushed[at], flushed[at + 1] }
end
return answer
