# What Sidekiq does on the same Redis: jobs enqueued by one caller and 64, and a thousand at once, a second.
#
#     sidekiq.rb SOCKET    prints a line for each figure: its name, a tab, the value
require 'sidekiq'

CALLERS = 64
COUNT = 25_600
Sidekiq.configure_client { |config| config.redis = { path: ARGV[0], size: CALLERS } }
Sidekiq.logger.level = Logger::ERROR
Redis.sadd_returns_boolean = false # which Sidekiq does not ask for, but redis-rb warns about at every job

class Noop
  include Sidekiq::Worker
  def perform(song); end
end

def report(name, count)
  start = Process.clock_gettime(Process::CLOCK_MONOTONIC)
  yield
  puts "#{name}\t#{count / (Process.clock_gettime(Process::CLOCK_MONOTONIC) - start)}"
end

report('Sidekiq enqueue', COUNT) { COUNT.times { |number| Noop.perform_async(number) } }
report('Sidekiq enqueue by 64', COUNT) do
  CALLERS.times.map { Thread.new { (COUNT / CALLERS).times { |number| Noop.perform_async(number) } } }.each(&:join)
end
report('Sidekiq enqueue many', 1000 * 100) do
  100.times { Sidekiq::Client.push_bulk('class' => Noop, 'args' => (0...1000).map { |number| [number] }) }
end
