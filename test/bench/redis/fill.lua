for number = 0, ARGV[1] - 1 do redis.call('set', key_of(number), value_of(number)) end
-- As if the clients had met every key before.
for number = 0, ARGV[1] - 1 do
  redis.call('set', string.format('load:%012d', number), string.rep(string.format('%012d', number), 64))
end
