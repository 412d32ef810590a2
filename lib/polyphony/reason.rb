# frozen_string_literal: true

module Polyphony
  # What a fiber waits for, given to Scheduler.park where a Symbol does not say enough. It is put into
  # words only when somebody asks. @api private
  class Reason
    # @param what [String] "acquire", "stop of"
    # @param subject [#label, #inspect]
    def initialize(what, subject)
      @what = what
      @subject = subject
    end

    # @return [String]
    # @suspends no
    def to_s
      "#{@what} #{@subject.respond_to?(:label) ? @subject.label : @subject.inspect}"
    end
  end
  private_constant :Reason
end
