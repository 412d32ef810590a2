-- wrk: sixteen requests with each write.
init = function()
  sixteen = string.rep(wrk.format("GET", "/"), 16)
end

request = function()
  return sixteen
end
