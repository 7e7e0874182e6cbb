-- The registry and the flushed counters, both of one moment.
--
-- KEYS  registry, flushed counters
-- Answers { epoch, bytes, { replica, counter, … } }; epoch and bytes are nil where there is no registry.
local registry = redis.call('HMGET', KEYS[1], 'epoch', 'bytes')
return { registry[1], registry[2], redis.call('HGETALL', KEYS[2]) }
