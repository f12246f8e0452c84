-- For wrk: reads books by Zipf's law with s = 1, some of them writes.
-- wrk -s zipf.lua URL -- FILE_OF_IDS SHARE_OF_WRITES TOKEN

local ids, reads = {}, {}
local threads = 0
local writes, token, writing

function setup(thread)
   thread:set("number", threads)
   threads = threads + 1
end

function init(arguments)
   writes, token = tonumber(arguments[2]), arguments[3]
   for id in io.lines(arguments[1]) do
      ids[#ids + 1] = id
      reads[#reads + 1] = wrk.format("GET", "/api/v1/products/" .. id, { ["Accept-Encoding"] = "gzip" })
   end
   writing = {
      ["Authorization"] = "Bearer " .. token,
      ["Content-Type"] = "application/merge-patch+json",
      ["If-Match"] = "*",
   }
   math.randomseed(20251 + number)
end

function request()
   -- The inverse of the distribution function of 1/x, which is what Zipf's law is for s = 1 but for rounding.
   local rank = math.min(#ids, math.floor((#ids + 1) ^ math.random()))
   if math.random() >= writes then
      return reads[rank]
   end
   local body = string.format('{"price": {"amount": %d, "currency": "USD"}}', math.random(500, 5000))
   return wrk.format("PATCH", "/api/v1/products/" .. ids[rank], writing, body)
end

function done(summary, latency)
   local errors = summary.errors
   io.write(string.format(
      'RESULT {"requests": %d, "seconds": %.3f, "p50": %.4f, "p95": %.4f, "p99": %.4f, "refused": %d, "broken": %d}\n',
      summary.requests, summary.duration / 1e6,
      latency:percentile(50) / 1e3, latency:percentile(95) / 1e3, latency:percentile(99) / 1e3,
      errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
