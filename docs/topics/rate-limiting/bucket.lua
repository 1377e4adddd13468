local burst, per_second = tonumber(ARGV[1]), tonumber(ARGV[2])
local clock = redis.call("TIME")
local now = clock[1] + clock[2] / 1000000

local saved = redis.call("HMGET", KEYS[1], "tokens", "since")
local tokens = tonumber(saved[1]) or burst
local since = tonumber(saved[2]) or now
tokens = math.min(burst, tokens + math.max(0, now - since) * per_second)

local wait = 0
if tokens >= 1 then
  tokens = tokens - 1
else
  wait = (1 - tokens) / per_second
end

redis.call("HSET", KEYS[1], "tokens", tokens, "since", now)
redis.call("EXPIRE", KEYS[1], math.ceil(burst / per_second))
return tostring(wait)
