package registry

import "github.com/redis/go-redis/v9"

// Each script works on one key, so that it runs on a cluster as well, and may
// be run twice: the second run finds what the first one left.

// Somebody else may have put anything under our keys. What is of another type is
// removed where it is written to, and counts as none elsewhere; of what is of ours
// and cannot be read, whoever called decides (strange.go) and names that very value.

// typed begins a script: other is the type of what stands at the key where it is not
// the one that the script is for, else ”.
const typed = `
local function other(want)
  local kind = redis.call('TYPE', KEYS[1]).ok
  if kind == 'string' and want == kind and redis.call('STRLEN', KEYS[1]) == 0 then return 'string of no bytes' end
  if kind == want or kind == 'none' then return '' end
  return kind
end
`

// tokened reads the token of a value, nil for one that has none.
const tokened = `
local function token(value)
  local ok, slot = pcall(cjson.decode, value)
  if ok and type(slot) == 'table' then return slot.token end
end
`

// takeScript: KEYS[1] slot; ARGV value, ttl in ms, the strange value that gives way
// (” for none), tokens that give way… It returns the value that stands then, and the
// type of what stood there before where that was another.
var takeScript = redis.NewScript(typed + tokened + `
local instead = other('string')
local stands = instead == '' and redis.call('GET', KEYS[1])
if stands and stands ~= ARGV[3] then
  local has = token(stands)
  local ours = false
  for i = 4, #ARGV do
    if ARGV[i] == has then ours = true end
  end
  if not ours then return {stands, ''} end
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return {ARGV[1], instead}
`)

// renewScript: KEYS[1] slot; ARGV token, ttl in ms. It returns 1 where a value
// stands under token.
var renewScript = redis.NewScript(typed + tokened + `
if other('string') ~= '' then return 0 end
local stands = redis.call('GET', KEYS[1])
if stands and token(stands) == ARGV[1] then
  return redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return 0
`)

// dropScript: KEYS[1] slot; ARGV token.
var dropScript = redis.NewScript(typed + tokened + `
if other('string') ~= '' then return 0 end
local stands = redis.call('GET', KEYS[1])
if stands and token(stands) == ARGV[1] then
  return redis.call('DEL', KEYS[1])
end
return 0
`)

// putScript: KEYS[1] entry; ARGV value, ttl in ms, "ended" or "live", the strange
// value that gives way. It does nothing and returns what stands where a tombstone
// would come back to life, else ”.
var putScript = redis.NewScript(putText)

const putText = typed + `
if ARGV[3] == 'live' and other('string') == '' then
  local stands = redis.call('GET', KEYS[1])
  if stands and stands ~= ARGV[4] then
    local ok, entry = pcall(cjson.decode, stands)
    if ok and type(entry) == 'table' and entry.ended == true then return stands end
  end
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return ''
`

// listScript: KEYS[1] a sorted set of uploads; ARGV id, ttl in ms. The score is
// when the entry ends by the server's clock; what has ended is dropped here,
// so that a list is no longer than what was put within one time to live. It
// returns the type of what stood there before where that was another.
const listScript = typed + `
local instead = other('zset')
if instead ~= '' then redis.call('DEL', KEYS[1]) end
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[2]) then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return instead
`

// unlistScript: KEYS[1] a sorted set of uploads; ARGV the id that leaves it.
const unlistScript = typed + `
if other('zset') == '' then redis.call('ZREM', KEYS[1], ARGV[1]) end
return ''
`

// noteScript: KEYS[1] the set of what is pending; ARGV id, ttl in ms. The score
// is the time by the server's clock. It returns what listScript does.
const noteScript = typed + `
local instead = other('zset')
if instead ~= '' then redis.call('DEL', KEYS[1]) end
local t = redis.call('TIME')
redis.call('ZADD', KEYS[1], t[1] * 1000 + math.floor(t[2] / 1000), ARGV[1])
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[2]) then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return instead
`

// tidyScript: KEYS[1] the set of what is pending; ARGV ids whose entries were
// found not to be. One that was noted in the last ten seconds stays: its entry
// may be on the way, which takes no longer than patience.
var tidyScript = redis.NewScript(typed + `
if other('zset') ~= '' then return 0 end
local t = redis.call('TIME')
local old = t[1] * 1000 + math.floor(t[2] / 1000) - 10000
local n = 0
for _, id in ipairs(ARGV) do
  local noted = redis.call('ZSCORE', KEYS[1], id)
  if noted and tonumber(noted) < old then n = n + redis.call('ZREM', KEYS[1], id) end
end
return n
`)
