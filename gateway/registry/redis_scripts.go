package registry

import "github.com/redis/go-redis/v9"

// Each script works on one key, so that it runs on a cluster as well, and may
// be run twice: the second run finds what the first one left.

// takeScript: KEYS[1] slot; ARGV value, ttl in ms, tokens that give way…
// It returns the value that stands then.
var takeScript = redis.NewScript(`
local stands = redis.call('GET', KEYS[1])
if stands then
  local token = cjson.decode(stands).token
  local ours = false
  for i = 3, #ARGV do
    if ARGV[i] == token then ours = true end
  end
  if not ours then return stands end
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return ARGV[1]
`)

// renewScript: KEYS[1] slot; ARGV token, ttl in ms. It returns 1 where a value
// stands under token.
var renewScript = redis.NewScript(`
local stands = redis.call('GET', KEYS[1])
if stands and cjson.decode(stands).token == ARGV[1] then
  return redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return 0
`)

// dropScript: KEYS[1] slot; ARGV token.
var dropScript = redis.NewScript(`
local stands = redis.call('GET', KEYS[1])
if stands and cjson.decode(stands).token == ARGV[1] then
  return redis.call('DEL', KEYS[1])
end
return 0
`)

// putScript: KEYS[1] entry; ARGV value, ttl in ms, "ended" or "live".
// It returns 0 and does nothing where a tombstone would come back to life.
// A value that is not JSON is overwritten: the index can be rebuilt.
var putScript = redis.NewScript(putText)

const putText = `
if ARGV[3] == 'live' then
  local stands = redis.call('GET', KEYS[1])
  if stands then
    local ok, entry = pcall(cjson.decode, stands)
    if ok and type(entry) == 'table' and entry.ended == true then return 0 end
  end
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
`

// listScript: KEYS[1] a sorted set of uploads; ARGV id, ttl in ms. The score is
// when the entry ends by the server's clock; what has ended is dropped here,
// so that a list is no longer than what was put within one time to live.
const listScript = `
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[2]) then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return 1
`

// noteScript: KEYS[1] the set of what is pending; ARGV id, ttl in ms. The score
// is the time by the server's clock.
const noteScript = `
local t = redis.call('TIME')
redis.call('ZADD', KEYS[1], t[1] * 1000 + math.floor(t[2] / 1000), ARGV[1])
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[2]) then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return 1
`

// tidyScript: KEYS[1] the set of what is pending; ARGV ids whose entries were
// found not to be. One that was noted in the last ten seconds stays: its entry
// may be on the way, which takes no longer than patience.
var tidyScript = redis.NewScript(`
local t = redis.call('TIME')
local old = t[1] * 1000 + math.floor(t[2] / 1000) - 10000
local n = 0
for _, id in ipairs(ARGV) do
  local noted = redis.call('ZSCORE', KEYS[1], id)
  if noted and tonumber(noted) < old then n = n + redis.call('ZREM', KEYS[1], id) end
end
return n
`)
