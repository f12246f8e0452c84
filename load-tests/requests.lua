-- For wrk: asks for the paths of a file, at random, and prints what it measured as one line of JSON.
-- wrk -s requests.lua URL -- FILE [CODING]

local paths = {}
local threads = 0

function setup(thread)
   -- Every thread draws a sequence of its own, the same in every run.
   thread:set("number", threads)
   threads = threads + 1
end

function init(arguments)
   for path in io.lines(arguments[1]) do
      paths[#paths + 1] = wrk.format("GET", path, { ["Accept-Encoding"] = arguments[2] or "gzip" })
   end
   math.randomseed(20251 + number)
end

function request()
   return paths[math.random(#paths)]
end

function done(summary, latency)
   local errors = summary.errors
   io.write(string.format(
      'RESULT {"requests": %d, "seconds": %.3f, "p50": %.4f, "p95": %.4f, "p99": %.4f, "refused": %d, "broken": %d}\n',
      summary.requests, summary.duration / 1e6,
      latency:percentile(50) / 1e3, latency:percentile(95) / 1e3, latency:percentile(99) / 1e3,
      errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
